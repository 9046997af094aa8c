"""The page of ``harness agree --html``: one table's agreement, drawn and in full."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.agreement.drawings import Drawings, drawings
from harness.agreement.report import AgreementReport
from harness.report import agreement_answer, agreement_tables
from harness.report.agreement_plots import AGREEMENT, BIASES, GROUPS, ORDERS, panels
from harness.report.blocks import Block, Bullets, Details, Figure, Page, Section, Text, noted
from harness.report.figures import Bar, bars, reliability_diagram
from harness.report.gates import gate_sentence, gate_table, others_of
from harness.report.svg import SERIES
from harness.report.tables import Cell, Column, Table, Value
from harness.report.wording import Names, percent


def page(
    report: AgreementReport,
    name: str,
    gates: Sequence[Mapping[str, Any]] = (),
    then: str = "",
) -> Page:
    """Return the page.

    Args:
        report: What was measured.
        name: What was read, such as the name of the file.
        gates: What each gate decided, as in agreement.json.
        then: The command that goes on from here.
    """
    names = Names.of_labels(report.audit)
    drawn = drawings(report)
    moved = panels(report.statistics, names, (*ORDERS, *BIASES), "bias")
    biases = [Figure("What moves a judge besides quality.", moved)] if moved else []
    tables = agreement_tables.statistics(report.sections, names)
    decided: list[Block] = [Bullets([gate_sentence(gate, names) for gate in gates])]
    decided.append(gate_table(gates, names))
    sections = [
        Section("gates", "Gates", decided if gates else []),
        Section("data", "The labels", [*simulated(report), *_labels(report, drawn, names)]),
        Section("agreement", "Agreement and the human ceiling", _agreement(report, names)),
        Section("bias", "What moves the judges", biases),
        Section("calibration", "Calibration", _calibration(drawn, names)),
        Section("confusion", "Confusion", _confusion(drawn, names)),
        Section("all", "All statistics", [Details(table.title, [table]) for table in tables]),
        Section("next", "Next", [Text(then)] if then else []),
    ]
    shown = [section for section in sections if section.blocks]
    said = agreement_answer.answers(
        report.statistics, report.audit, names, report.criteria, others_of(gates)
    )
    return Page(f"Agreement: {name}", [*said, "All intervals are 95% intervals."], shown)


def simulated(report: AgreementReport) -> list[Text]:
    """Return who was made up by a program; nothing where nobody was."""
    made_up = [entry.annotator for entry in report.audit.coverage if entry.simulated]
    words = f"Simulated by a program, not people: {', '.join(made_up)}."
    return [Text(words, "warn")] if made_up else []


def _labels(report: AgreementReport, drawn: Drawings, names: Names) -> list[Block]:
    blocks: list[Block] = [*noted(map(names.prose, report.table.notes))]
    blocks += agreement_tables.labels(report.audit, names)
    if drawn.labels:
        rows = [
            Bar(
                names.source(name),
                [(float(n), f"fill s{k % SERIES}") for k, n in enumerate(counts)],
                " / ".join(f"{n:,}" for n in counts),
            )
            for name, counts in drawn.labels.items()
        ]
        order = " / ".join(drawn.categories)
        panel = bars("label-distribution", "Labels of each annotator", rows, f"labels: {order}")
        blocks.append(Figure(f"How often each annotator gave each label ({order}).", [panel]))
    return blocks


def _agreement(report: AgreementReport, names: Names) -> list[Block]:
    found = panels(report.statistics, names, (*AGREEMENT, *GROUPS), "agreement")
    if not found:
        return [Text("There are no two annotators to compare.", "muted")]
    caption = "Dots are estimates, lines 95% intervals; the band is the human ceiling."
    return [Figure(caption, found)]


def _calibration(drawn: Drawings, names: Names) -> list[Block]:
    found = [
        reliability_diagram(f"reliability-{k}", names.source(name), bins)
        for k, (name, bins) in enumerate(drawn.reliability.items())
    ]
    if not found:
        return []
    caption = (
        "Reliability: stated probability against the share that was right, with Wilson intervals;"
        " on the diagonal a judge is calibrated, below it too sure."
    )
    return [Figure(caption, found)]


def _confusion(drawn: Drawings, names: Names) -> list[Block]:
    blocks: list[Block] = []
    columns = [Column("truth"), *Column.each("count", *(f"says {c}" for c in drawn.categories))]
    for entry in drawn.confusion:
        rows: list[Sequence[Cell | Value]] = []
        for label, counts in zip(drawn.categories, entry.counts, strict=True):
            total = sum(counts)
            cells = [
                Cell(n, note=percent(n / total) if total else "", heat=n / total if total else None)
                for n in counts
            ]
            rows.append([Cell(names.prose(f"{entry.truth}: {label}"), tone="strong"), *cells])
        who = names.source(entry.annotator)
        blocks.append(Table(f"What {who} says, by the truth", columns, rows))
    return blocks

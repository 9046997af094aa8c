"""The sections on the feedback: agreement with people, gates, and the sources themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.agreement.audit import Audit
from harness.agreement.report import sections_of
from harness.report import agreement_tables
from harness.report.agreement_plots import AGREEMENT, CEILING, ORDERS, panels
from harness.report.blocks import Block, Bullets, Details, Figure, Text
from harness.report.figures import Bar, bars
from harness.report.findings import gate_sentence
from harness.report.tables import Cell, Column, Table
from harness.report.wording import NONE, Names, count, percent, reasons
from harness.statistics.estimate import Estimate

Data = Mapping[str, Any]


def agreement(data: Data, names: Names) -> list[Block]:
    """Return the gates' decisions, agreement with intervals, and the audit of the labels."""
    gates, found = data.get("gates", ()), data.get("agreement") or {}
    blocks: list[Block] = []
    if gates:
        blocks.append(Bullets([gate_sentence(gate, names) for gate in gates]))
    elif found:
        blocks.append(Text("No gate was set: every source was used with full weight.", "muted"))
    tables = [table for table in found.get("tables", ()) if table["rows"]]
    if not tables:
        reason = f"Agreement with {names.people} was not measured."
        return [*blocks, Text(reason, "muted")]
    for index, table in enumerate(tables):
        title, sections = table["title"], sections_of(table["rows"], table.get("notes", {}))
        blocks += _plots(title, [row for s in sections for row in s.statistics], index, names)
        summary = f"All statistics of agreement, with 95% intervals: {title}"
        blocks.append(Details(summary, agreement_tables.statistics(sections, names)))
        if table.get("audit"):
            shown = agreement_tables.labels(Audit.from_dict(table["audit"]), names)
            blocks.append(Details(f"The labels before any statistic: {title}", shown))
    return blocks


def _plots(title: str, rows: Sequence[Estimate], index: int, names: Names) -> list[Block]:
    drawn = panels(rows, names, (*AGREEMENT, *ORDERS), f"agreement-{index}")
    if not drawn:
        return []
    caption = f"Agreement with {names.people} on {title}, with 95% intervals."
    if any(row.name == CEILING and row.value is not None for row in rows):
        caption += (
            f" Shaded: how well {names.people} agree with each other, the most that can be asked"
            " of a judge."
        )
    return [Figure(caption, drawn)]


def sources(data: Data, names: Names) -> list[Block]:
    """Return who gave feedback, in which version, how often it failed and how it was isolated."""
    rows = data.get("sources", ())
    if not rows:
        return [Text("There is no source.", "muted")]
    panels = [
        bars(
            "coverage",
            "Verdicts per source",
            [_coverage_bar(row, names) for row in rows if row["judgments"]],
            "filled: verdicts; striped: failures",
        )
    ]
    return [
        Figure(
            "Coverage: share of judgments with a verdict. A failure is never a score of 0.", panels
        ),
        Table(
            "Coverage, failures and cost of each source",
            [
                "source",
                *Column.each("count", "requests", "judgments", "verdicts"),
                "failures",
                Column("cost", "dollars"),
                Column("time", "seconds"),
                Column("tokens", "count"),
            ],
            [
                [
                    Cell(names.source(row["name"]), tone="strong"),
                    row["requests"],
                    row["judgments"],
                    Cell(row["ok"], _share(row)),
                    Cell(
                        reasons(row["failures"]) or "none",
                        reasons(row.get("reasons") or {}),
                        "warn" if row["failures"] else "muted",
                    ),
                    row.get("cost_usd"),
                    row.get("seconds"),
                    row.get("tokens"),
                ]
                for row in rows
            ],
        ),
        Table(
            "Who gave feedback",
            ["source", "kind", "role", "plugin", "model or rubric", "isolation"],
            [
                [
                    Cell(names.source(row["name"]), tone="strong"),
                    _kind(row),
                    ", ".join(row.get("roles", ())) or NONE,
                    Cell(f"{row['use']} {row['version']}", row.get("distribution") or ""),
                    _model(row),
                    row.get("isolation") or "none",
                ]
                for row in rows
            ],
        ),
    ]


def _kind(row: Data) -> str:
    if row["kind"] != "human":
        return str(row["kind"])
    return "people (simulated)" if row["simulated"] else "people"


def _share(row: Data) -> str:
    return percent(row["ok"] / row["judgments"]) if row["judgments"] else ""


def _coverage_bar(row: Data, names: Names) -> Bar:
    ok = row["ok"] / row["judgments"]
    return Bar(
        names.source(row["name"]),
        [(ok, "fill ok"), (1 - ok, "fill failed")],
        f"{percent(ok)} of {count(row['judgments'])}",
    )


def _model(row: Data) -> Cell:
    sha = row.get("rubric_sha256")
    note = f"rubric {row['rubric']}" if row.get("rubric") else ""
    if sha:
        note += f" ({sha[:12]})"
    return Cell(", ".join(row.get("models") or ()) or NONE, note)

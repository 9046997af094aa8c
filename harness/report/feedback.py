"""The sections on the feedback: agreement with people, gates, and the sources themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.agreement.audit import Audit
from harness.agreement.report import sections_of
from harness.report import agreement_tables
from harness.report.agreement_answer import answers
from harness.report.agreement_plots import AGREEMENT, CEILING, ORDERS, panels
from harness.report.blocks import Block, Bullets, Details, Figure, Text
from harness.report.figures import Bar, bars
from harness.report.gates import gate_effects, gate_sentence, gate_table, gates_of, others_of
from harness.report.tables import Cell, Table, Tone
from harness.report.transport import transport_blocks
from harness.report.wording import NONE, Names, count, join, percent, reasons
from harness.statistics.estimate import Estimate

Data = Mapping[str, Any]


def agreement(data: Data, names: Names) -> list[Block]:
    """Return the gates' decisions, agreement with intervals, and the audit of the labels."""
    gates, found = gates_of(data), data.get("agreement") or {}
    blocks: list[Block] = []
    if gates:
        blocks.append(Bullets([gate_sentence(gate, names, data.get("arms", ())) for gate in gates]))
        blocks.append(gate_table(gates, names))
        blocks += [Bullets(told)] if (told := gate_effects(data, names)) else []
    elif found:
        blocks.append(Text("No gate was set: every source was used with full weight.", "muted"))
    others = others_of(gates)
    tables = [table for table in found.get("tables", ()) if table["rows"]]
    if not tables:
        reason = f"Agreement with {names.people} was not measured."
        return [*blocks, *transport_blocks(data, names), Text(reason, "muted")]
    for index, table in enumerate(tables):
        title, sections = table["title"], sections_of(table["rows"], table.get("notes", {}))
        rows = [row for section in sections for row in section.statistics]
        if table.get("audit"):
            about = Audit.from_dict(table["audit"]), names, table.get("criteria", {}), others
            if said := answers(rows, *about):
                blocks.insert(0, Bullets(said))
        blocks += _plots(title, rows, index, names)
        summary = f"All statistics of agreement, with 95% intervals: {title}"
        blocks.append(Details(summary, agreement_tables.statistics(sections, names)))
        if table.get("audit"):
            shown = agreement_tables.labels(Audit.from_dict(table["audit"]), names)
            blocks.append(Details(f"The labels before any statistic: {title}", shown))
    blocks += transport_blocks(data, names)
    return [*blocks, Text(f"Next: {_next(data)}", "strong")]


def _next(data: Data) -> str:
    """Return the command that goes on from here."""
    found, judged = data.get("transport"), {source["kind"] for source in data.get("sources", ())}
    undecided = [gate["source"] for gate in gates_of(data) if gate["outcome"] == "undecided"]
    if found and (not found["rows"] or any(row["outcome"] == "undecided" for row in found["rows"])):
        return "harness transport RUN_DIR --experiment FILE: are the rewards still valid?"
    if undecided:
        return (
            f"harness plan-labels: how many labels decide on {join(list(dict.fromkeys(undecided)))}"
        )
    if "judge" in judged:
        return "harness rescore RUN_DIR: what another rubric or version of a judge changes"
    return "harness label: labels of people on what the trained policies write"


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
    asked = [_coverage_bar(row, names) for row in rows if row["judgments"]]
    panel = bars("coverage", "Verdicts per source", asked, "filled: verdicts; striped: failures")
    caption = "Coverage: share of judgments with a verdict. A failure is never a score of 0."
    return [
        Figure(caption, [panel]),
        Table.of(
            "Coverage, failures and cost of each source",
            rows,
            [
                ("source", "text", lambda row: Cell(names.source(row["name"]), tone="strong")),
                ("requests", "count", lambda row: row["requests"]),
                ("judgments", "count", lambda row: row["judgments"]),
                ("verdicts", "count", lambda row: Cell(row["ok"], _share(row))),
                ("failures", "text", _failures),
                ("cost", "dollars", lambda row: row.get("cost_usd")),
                ("time", "seconds", lambda row: row.get("seconds")),
                ("tokens", "count", lambda row: row.get("tokens")),
            ],
        ),
        Table.of(
            "Who gave feedback",
            rows,
            [
                ("source", "text", lambda row: Cell(names.source(row["name"]), tone="strong")),
                ("kind", "text", _kind),
                ("role", "text", lambda row: ", ".join(row.get("roles", ())) or NONE),
                ("plugin", "text", _plugin),
                ("model or rubric", "text", _model),
                ("isolation", "text", lambda row: row.get("isolation") or "none"),
            ],
        ),
    ]


def _kind(row: Data) -> str:
    if row["kind"] != "human":
        return str(row["kind"])
    return "people (simulated)" if row["simulated"] else "people"


def _failures(row: Data) -> Cell:
    tone: Tone = "warn" if row["failures"] else "muted"
    return Cell(reasons(row["failures"]) or "none", reasons(row.get("reasons") or {}), tone)


def _plugin(row: Data) -> Cell:
    return Cell(f"{row['use']} {row['version']}", row.get("distribution") or "")


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
    note = f"rubric {row['rubric']}" if row.get("rubric") else ""
    if row.get("rubric_sha256"):
        note += f" ({row['rubric_sha256'][:12]})"
    return Cell(", ".join(row.get("models") or ()) or NONE, note)

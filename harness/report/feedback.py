"""The sections on the feedback: agreement with people, gates, and the sources themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.report.blocks import Block, Bullets, Details, Figure, Text
from harness.report.figures import Bar, Dot, bars, dot_plot
from harness.report.findings import gate_sentence
from harness.report.tables import Cell, Column, Table
from harness.report.wording import (
    NONE,
    Names,
    count,
    interval,
    join,
    number,
    percent,
)

Data = Mapping[str, Any]

MOST_ROWS = 14
"""Rows of one plot of agreement; the table has all of them."""

TITLES = {
    "cohen_kappa": "Cohen's kappa",
    "fleiss_kappa": "Fleiss' kappa",
    "percent_agreement": "share of equal labels",
    "person_against_rest": "agreement with the majority of the other people",
    "judge_against_rest": "agreement with the majority of the other people",
    "first_pick_rate": "share of verdicts for the first answer",
    "swap_flip_rate": "share of verdicts that flip with the order",
    "human_ceiling": "human ceiling",
}
CEILING = "human_ceiling"
MAJORITY = "majority of people"
PLOTS = (
    ("judge_against_rest", "person_against_rest"),
    ("cohen_kappa",),
    ("first_pick_rate",),
    ("swap_flip_rate",),
)
"""Statistics that share a plot."""


def statistic_title(name: str) -> str:
    """Return a statistic's name in words."""
    if name.startswith("krippendorff_alpha"):
        level = name.removeprefix("krippendorff_alpha").strip("_")
        return "Krippendorff's alpha" + (f" ({level})" if level else "")
    return TITLES.get(name, name.replace("_", " "))


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
        blocks += _plots(table, index, names)
        folded: list[Block] = [_statistics(table, names)]
        notes = [names.prose(note) for each in table.get("notes", {}).values() for note in each]
        if notes:
            folded.append(Bullets(notes))
        blocks.append(Details(f"All statistics of agreement: {table['title']}", folded))
        if table.get("audit"):
            summary = f"The labels before any statistic: {table['title']}"
            blocks.append(Details(summary, _audit(table["audit"], names)))
    return blocks


def _who(row: Data, names: Names) -> str:
    """Return whom a row is about, each simulated annotator called so."""
    return names.sentence(row["annotators"])


def _label(row: Data, names: Names) -> str:
    """Return whom a row of a plot is about, without what its axis says already."""
    who = row["annotators"].partition(" against ")[0].removesuffix(f" - {MAJORITY}")
    return names.short(who)


def _plots(table: Data, index: int, names: Names) -> list[Block]:
    rows = table["rows"]
    ceiling = next((r for r in rows if r["name"] == CEILING and r["value"] is not None), None)
    panels: list[str] = []
    for kinds in PLOTS:
        group = [row for kind in kinds for row in rows if row["name"] == kind]
        group = [row for row in group if row["value"] is not None][:MOST_ROWS]
        if not group:
            continue
        band = None
        if "person_against_rest" in kinds and ceiling is not None:
            low, high = ceiling["low"], ceiling["high"]
            band = (
                ceiling["value"] if low is None else low,
                ceiling["value"] if high is None else high,
                f"ceiling of {names.people}: {number(ceiling['value'])}",
            )
        dots = [
            Dot(
                _label(row, names),
                row["value"],
                row["low"],
                row["high"],
                0 if row["name"] == "person_against_rest" else 1,
                note=row["reason"],
            )
            for row in group
        ]
        title = names.prose(statistic_title(kinds[0]))
        if any(row["annotators"].endswith(f" - {MAJORITY}") for row in group):
            title = names.prose(f"{title} with the {MAJORITY}")
        lowest = min([0.0, *(dot.low for dot in dots if dot.low is not None)])
        panels.append(
            dot_plot(
                f"agreement-{index}-{len(panels)}",
                title,
                dots,
                bounds=(lowest, 1.0),
                reference=(0.5, "no bias") if kinds[0] == "first_pick_rate" else None,
                band=band,
                axis_label=title,
            )
        )
    if not panels:
        return []
    caption = f"Agreement with {names.people} on {table['title']}, with 95% intervals."
    if ceiling is not None:
        caption += (
            f" Shaded: how well {names.people} agree with each other, the most that can be asked"
            " of a judge."
        )
    return [Figure(caption, panels)]


def _statistics(table: Data, names: Names) -> Table:
    return Table(
        f"Agreement statistics on {table['title']}, with 95% intervals",
        [
            *Column.each("text", "statistic", "who"),
            *Column.each("rate", "value", "95% interval"),
            *Column.each("count", "items", "clusters"),
            Column("note", "note"),
        ],
        [
            [
                names.prose(statistic_title(row["name"])),
                _who(row, names),
                Cell(row["value"], tone="muted" if row["status"] != "ok" else ""),
                interval(row, 3) or NONE,
                row["n"],
                row["clusters"],
                names.prose(
                    ": ".join(
                        part
                        for part in (
                            row["status"].replace("_", " ") if row["status"] != "ok" else "",
                            row["reason"],
                        )
                        if part
                    )
                ),
            ]
            for row in table["rows"]
        ],
    )


def _audit(audit: Data, names: Names) -> list[Block]:
    people = ", ".join(f"{n} items with {k}" for k, n in audit["humans_per_item"].items())
    lines = [
        f"{count(audit['n_items'])} items in {count(audit['n_clusters'])} independent groups.",
        names.prose(f"Labels of people per item: {people or 'none'}."),
        names.prose(f"Items on which the people tie: {count(audit['majority_ties'])}."),
        "Prevalence: "
        + join([f"{label} {percent(share)}" for label, share in audit["prevalence"].items()])
        + ".",
    ]
    table = Table(
        "Labels per annotator",
        ["annotator", "kind", *Column.each("count", "items", "labels"), "failures"],
        [
            [
                names.source(row["annotator"]),
                row["kind"],
                row["items"],
                row["labels"],
                _reasons(row["failures"]),
            ]
            for row in audit["coverage"]
        ],
    )
    return [Bullets(lines), table]


def _reasons(failures: Mapping[str, int]) -> str:
    return ", ".join(f"{n:,} {reason}" for reason, n in failures.items()) or "none"


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
                        _reasons(row["failures"]),
                        _reasons(row.get("reasons") or {}) if row.get("reasons") else "",
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

"""The page of ``harness agree --html``: one table's agreement, drawn and in full."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.report.blocks import Block, Bullets, Details, Figure, Section, Text
from harness.report.build import _html, _write
from harness.report.figures import Bar, Dot, bars, dot_plot
from harness.report.svg import SERIES, Axis, Canvas
from harness.report.tables import Cell, Column, Table, Value
from harness.report.wording import interval, number

Data = Mapping[str, Any]
Row = Mapping[str, Any]

MOST_DOTS = 16
CEILING = "human_ceiling"
KAPPAS = ("cohen_kappa", "cohen_kappa_quadratic")
GROUPS = ("krippendorff_alpha", "fleiss_kappa", "gwet_ac1", "gwet_ac2", "icc", "concordance")
BIASES = ("position_coefficient", "length_bias", "self_preference")


def build_agreement_page(data: Data, path: Path) -> Path:
    """Write the page.

    Args:
        data: ``file``, ``rows``, ``audit`` and ``notes`` of the agreement report, and what
            ``harness.agreement.drawings`` returns.
        path: The HTML file.

    Returns:
        The path.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _write(path, _html(*page(data)))
    return path


def page(data: Data) -> tuple[str, list[str], list[Section]]:
    """Return title, lead and sections of the page."""
    data = _named(data)
    audit = data["audit"]
    simulated = [c["annotator"] for c in audit["coverage"] if c["simulated"]]
    lead = [
        f"{audit['n_items']:,} items in {audit['n_clusters']:,} independent groups,"
        f" {len(audit['coverage'])} annotators. All intervals are 95% intervals."
    ]
    if simulated:
        lead.append(f"Simulated by a program, not people: {', '.join(simulated)}.")
    sections = [
        Section("data", "The labels", _labels(data)),
        Section("agreement", "Agreement and the human ceiling", _agreement(data)),
    ]
    for name, title, blocks in (
        ("bias", "What moves the judges", _bias(data)),
        ("calibration", "Calibration", _calibration(data)),
        ("confusion", "Confusion", _confusion(data)),
    ):
        if blocks:
            sections.append(Section(name, title, blocks))
    sections.append(Section("all", "All statistics", _everything(data)))
    return f"Agreement: {data['file']}", lead, sections


def _labels(data: Data) -> list[Block]:
    audit = data["audit"]
    rows: list[Sequence[Cell | Value]] = []
    for entry in audit["coverage"]:
        failed = sum(entry["failures"].values())
        asked = entry["labels"] + failed
        reasons = ", ".join(f"{reason} {n}" for reason, n in entry["failures"].items())
        kind = f"{entry['kind']} (simulated)" if entry["simulated"] else entry["kind"]
        rows.append(
            [
                Cell(entry["annotator"]),
                kind,
                f"{entry['labels']:,}",
                Cell(f"{failed:,}", note=reasons, tone="warn" if failed else ""),
                f"{entry['items'] - asked:,}",
                f"{entry['labels'] / asked:.1%}" if asked else "-",
            ]
        )
    numbers = Column.each("count", "labels", "failed", "missing", "coverage")
    blocks: list[Block] = [
        Table("Coverage: who labelled how much", ["annotator", "kind", *numbers], rows)
    ]
    if audit["majority_ties"]:
        ties = audit["majority_ties"]
        blocks.append(Text(f"{ties:,} items have no majority: a tie stays a tie."))
    if data.get("labels"):
        drawn = [
            Bar(name, [(float(n), f"fill s{k % SERIES}") for k, n in enumerate(counts.values())],
                " / ".join(f"{n:,}" for n in counts.values()))
            for name, counts in data["labels"].items()
        ]  # fmt: skip
        order = " / ".join(next(iter(data["labels"].values())))
        panel = bars("label-distribution", "Labels of each annotator", drawn, f"labels: {order}")
        blocks.append(Figure(f"How often each annotator gave each label ({order}).", [panel]))
    return blocks


def _named(data: Data) -> Data:
    """Return the data with every simulated annotator called so wherever it stands."""
    coverage = data["audit"]["coverage"]
    simulated = [entry["annotator"] for entry in coverage if entry["simulated"]]
    if not simulated:
        return data
    people = [entry for entry in coverage if entry["kind"] == "human"]
    patterns = [
        (re.compile(rf"(?<![\w/]){re.escape(name)}(?![\w/])"), f"{name} (simulated)")
        for name in sorted(simulated, key=len, reverse=True)
    ]
    if people and all(entry["simulated"] for entry in people):
        patterns.append((re.compile(r"\bpeople\b"), "simulated people"))

    def named(text: str) -> str:
        for pattern, better in patterns:
            text = pattern.sub(better.replace("\\", r"\\"), text)
        return text

    return {
        **data,
        "rows": [
            {**row, "annotators": named(row["annotators"]), "section": named(row["section"])}
            for row in data["rows"]
        ],
        "notes": {
            named(title): [named(note) for note in notes]
            for title, notes in data.get("notes", {}).items()
        },
        "labels": {named(name): counts for name, counts in data.get("labels", {}).items()},
        "confusion": [
            {**entry, "annotator": named(entry["annotator"]), "truth": named(entry["truth"])}
            for entry in data.get("confusion", ())
        ],
    }


def _short(annotators: str) -> str:
    """Return a name that fits a row; the panel's axis says the rest."""
    for tail in (" against the other people", " against all people but one"):
        annotators = annotators.removesuffix(tail).removesuffix(tail.replace("p", "simulated p", 1))
    return annotators.replace("majority of people", "majority")


def _dots(rows: Sequence[Row]) -> list[Dot]:
    return [
        Dot(_short(row["annotators"]), row["value"], row["low"], row["high"], k % SERIES,
            note=row["status"].replace("_", " "))
        for k, row in enumerate(rows[:MOST_DOTS])
    ]  # fmt: skip


def _agreement(data: Data) -> list[Block]:
    rows: Sequence[Row] = data["rows"]
    panels = []
    ceiling = next((r for r in rows if r["name"] == CEILING and r["low"] is not None), None)
    against = [r for r in rows if r["name"] in ("person_against_rest", "judge_against_rest")]
    if against:
        band = None
        if ceiling is not None:
            band = (ceiling["low"], ceiling["high"], f"human ceiling {number(ceiling['value'])}")
        panels.append(
            dot_plot("ceiling", "Agreement with the majority of the other people", _dots(against),
                     band=band, axis_label="agreement with the majority of the other people")
        )  # fmt: skip
    for name in KAPPAS:
        found = [r for r in rows if r["name"] == name]
        if found:
            label = name.replace("_", " ")
            panels.append(dot_plot(name, label, _dots(found), axis_label=label))
    for stem in GROUPS:
        found = [r for r in rows if r["name"].startswith(stem)]
        dots = [
            Dot(f"{r['annotators']}: {r['name'].removeprefix('krippendorff_').replace('_', ' ')}",
                r["value"], r["low"], r["high"], k % SERIES, note=r["status"])
            for k, r in enumerate(found[:MOST_DOTS])
        ]  # fmt: skip
        if dots:
            label = stem.replace("_", " ")
            panels.append(dot_plot(stem.replace("_", "-"), label, dots, axis_label=label))
    if not panels:
        return [Text("There are no two annotators to compare.", "muted")]
    caption = "Dots are estimates, lines 95% intervals; the band is the human ceiling."
    return [Figure(caption, panels)]


def _bias(data: Data) -> list[Block]:
    rows: Sequence[Row] = data["rows"]
    panels = []
    rates = [r for r in rows if r["name"] == "first_pick_rate"]
    if rates:
        panels.append(
            dot_plot("first-pick", "First-pick rate", _dots(rates), reference=(0.5, "no bias"),
                     axis_label="share of verdicts for the answer that stood first")
        )  # fmt: skip
    flips = [r for r in rows if r["name"] == "swap_flip_rate"]
    if flips:
        label = "share of verdicts that change with the order"
        panels.append(dot_plot("flips", "Swap-flip rate", _dots(flips), axis_label=label))
    effects = [
        Dot(f"{r['annotators']}: {r['name'].replace('_', ' ')}", r["value"], r["low"], r["high"],
            k % SERIES, note=r["status"])
        for k, r in enumerate(row for row in rows if row["name"] in BIASES)
    ]  # fmt: skip
    if effects:
        panels.append(dot_plot("bias-panel", "Biases", effects, reference=(0.0, "no bias"),
                               axis_label="log-odds added to the favoured answer"))  # fmt: skip
    return [Figure("What moves a judge besides quality.", panels)] if panels else []


def _calibration(data: Data) -> list[Block]:
    panels = [
        reliability_diagram(f"reliability-{k}", entry["annotator"], entry["bins"])
        for k, entry in enumerate(data.get("reliability", ()))
    ]
    if not panels:
        return []
    caption = (
        "Reliability: stated probability against the share that was right, with Wilson intervals;"
        " on the diagonal a judge is calibrated, below it too sure."
    )
    return [Figure(caption, panels)]


def reliability_diagram(name: str, annotator: str, bins: Sequence[Row]) -> str:
    """Draw stated probability against observed frequency."""
    width, height = 340.0, 330.0
    left, right, top, bottom = 52.0, width - 16, 26.0, height - 48
    canvas = Canvas(width, height)
    across, up = Axis(0, 1, left, right, 5), Axis(0, 1, bottom, top, 5)
    for tick in across.ticks:
        canvas.line(across(tick), top, across(tick), bottom, "grid")
        canvas.text(across(tick), bottom + 16, across.label(tick), "t small num", "middle")
    for tick in up.ticks:
        canvas.line(left, up(tick), right, up(tick), "grid")
        canvas.text(left - 6, up(tick) + 4, up.label(tick), "t small num", "end")
    canvas.line(across(0), up(0), across(1), up(1), "dash")
    canvas.text((left + right) / 2, 14, annotator, "t", "middle")
    canvas.text((left + right) / 2, height - 10, "stated probability", "t small", "middle")
    canvas.turned_text(14, (top + bottom) / 2, "share that was right", "t small")
    for b in bins:
        x = across(b["stated"])
        canvas.line(x, up(b["low"]), x, up(b["high"]), "bar thin s0")
        tip = f"stated {number(b['stated'])}, right {number(b['observed'])}, n = {b['n']}"
        canvas.marker(x, up(b["observed"]), 0, 5, tip)
    words = "; ".join(f"{number(b['stated'])}: {number(b['observed'])} of {b['n']}" for b in bins)
    return canvas.render(name, f"Reliability of {annotator}", words)


def _confusion(data: Data) -> list[Block]:
    blocks: list[Block] = []
    for entry in data.get("confusion", ()):
        rows: list[Sequence[Cell | Value]] = []
        for label, counts in zip(entry["categories"], entry["counts"], strict=True):
            total = sum(counts)
            cells = [
                Cell(f"{n:,}", note=f"{n / total:.0%}" if total else "",
                     heat=n / total if total else None)
                for n in counts
            ]  # fmt: skip
            rows.append([Cell(f"{entry['truth']}: {label}", tone="strong"), *cells])
        columns = [
            Column("truth"),
            *Column.each("count", *(f"says {c}" for c in entry["categories"])),
        ]
        blocks.append(Table(f"What {entry['annotator']} says, by the truth", columns, rows))
    return blocks


def _everything(data: Data) -> list[Block]:
    blocks: list[Block] = []
    sections: dict[str, list[Row]] = {}
    for row in data["rows"]:
        sections.setdefault(row["section"], []).append(row)
    for title, rows in sections.items():
        cells: list[Sequence[Cell | Value]] = [
            [
                Cell(row["name"].replace("_", " ")),
                row["annotators"],
                Cell(
                    row["status"].replace("_", " ") if row["value"] is None
                    else f"{row['value']:.4f}",
                    note=interval({"low": row["low"], "high": row["high"]}) or "",
                ),
                f"{row['n']:,}",
                f"{row['clusters']:,}",
                Cell(row["reason"], tone="" if row["status"] == "ok" else "warn"),
            ]
            for row in rows
        ]  # fmt: skip
        columns = [
            *Column.each("text", "statistic", "annotators"),
            Column("value", "estimate"),
            *Column.each("count", "items", "clusters"),
            Column("note", "note"),
        ]
        found: list[Block] = [Table(title, columns, cells)]
        notes = data.get("notes", {}).get(title, ())
        if notes:
            found.append(Bullets(list(notes), "muted"))
        blocks.append(Details(title, found))
    return blocks

"""The tables of slices: whether a change differs between them, and only then each one's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from harness.report.blocks import Block, Details
from harness.report.pairs import CHANGES, change_cell, prompts_of, verdict_cell
from harness.report.tables import Cell, Kind, Table, Value, low_high
from harness.report.wording import Names, p_value
from harness.statistics.seeds import FEWEST_SEEDS

Data = Mapping[str, Any]

MOST_SLICES = 5
"""So many slices have a column each; of more, the folded table tells the changes."""

NO_SLICE = "no slice"


def slices(evaluation: Data, names: Names) -> list[Block]:
    """Return the tables of slices; nothing where there are none."""
    found = evaluation.get("slices") or {}
    rows = found.get("rows", ())
    if not rows:
        return []
    kinds = found["slices"]
    columns: list[tuple[str, Kind, Callable[[Data], Cell | Value]]] = [
        ("arm", "text", lambda row: Cell(row["policy"], tone="strong")),
        ("evaluator", "text", lambda row: names.source(row["evaluator"])),
        ("slices differ", "text", _differ),
        ("p", "p-value", lambda row: _shown_part(row)["p_holm"]),
    ]
    if len(kinds) <= MOST_SLICES:
        columns += [
            (kind or NO_SLICE, "change", partial(_of_slice, at)) for at, kind in enumerate(kinds)
        ]
    first = Table.of(
        "Does the change from base differ between slices? This comes before any slice's own",
        rows,
        columns,
        [
            "Each slice against all others, over prompts and seeds, and against random slices of as"
            " many prompts; p adjusted by Holm over all rows. Where slices are not shown to differ,"
            " a change in one of them is no finding of its own: the whole's stands for each."
        ],
    )
    return [first, Details("Change from base in each slice", [_slice_table(rows, names)])]


def _of_slice(at: int, row: Data) -> Cell:
    one = row["slices"][at]
    return Cell(one["difference"]["value"], f"{prompts_of(one)} prompts")


def _shown_part(row: Data) -> Data:
    """Return the test that is told: of the method, or of trainings that are too few for it."""
    test: Data = row["interaction"]
    few = test["seeds"] is not None and test["seeds"] < FEWEST_SEEDS
    return test["trainings"] if few else test


def _differ(row: Data) -> Cell:
    test, part = row["interaction"], _shown_part(row)
    if test["p"] is None:
        return Cell("not tested", test["reason"], "muted")
    where = "in these trainings" if part is not test else ""
    return Cell("yes", where, "strong") if part["shown"] else Cell("not shown", where)


def _slice(one: Data) -> str:
    return one["slice"] or NO_SLICE


def _slice_table(rows: Iterable[Data], names: Names) -> Table:
    def own(row: Data) -> Cell:
        if row["difference"]["value"] is None:
            return Cell("no number", tone="muted")
        if not row["shown"]:
            return Cell("none of its own", "slices are not shown to differ", "muted")
        return verdict_cell(row["difference"], CHANGES)

    return Table.of(
        "Change from base in each slice; p: adjusted by Holm over the slices of a row above",
        [
            {
                **one,
                "policy": row["policy"],
                "evaluator": row["evaluator"],
                "shown": _shown_part(row)["shown"],
            }
            for row in rows
            for one in row["slices"]
        ],
        [
            ("arm", "text", lambda row: Cell(row["policy"], tone="strong")),
            ("evaluator", "text", lambda row: names.source(row["evaluator"])),
            ("slice", "text", _slice),
            ("change", "change", lambda row: change_cell(row["difference"])),
            ("less that elsewhere", "change", lambda row: _against(row["against_rest"])),
            ("claim", "text", own),
            ("prompts", "text", prompts_of),
        ],
    )


def _against(row: Data | None) -> Cell:
    if not row or row["value"] is None:
        return Cell(None, tone="muted")
    return Cell(row["value"], f"p {p_value(row['p'])}", ends=low_high(row))

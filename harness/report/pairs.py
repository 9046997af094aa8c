"""Cells and tables of two policies beside each other: verdict, difference, what it is over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from harness.report.differences import ONE_MORE, could_see, ends_of, p_words, printed, said, those
from harness.report.tables import Cell, Table, Value, low_high
from harness.report.wording import count, number

Data = Mapping[str, Any]

WORDS = {
    "raised": "higher",
    "lowered": "lower",
    "unchanged": "about equal",
    "unclear": "no clear difference",
    "undecidable": "not decidable",
    "unknown": "not known",
}
"""The verdicts of harness.evaluate, of one policy beside another."""

CHANGES = WORDS | {"raised": "raised", "lowered": "lowered", "unclear": "no clear change"}
"""The same of a change from base."""


def verdict_cell(row: Data, words: Mapping[str, str] = WORDS) -> Cell:
    """Return the verdict on a difference, and what could have been found where none is clear."""
    verdict, notes = said(row), [those(row)]
    least = could_see(row) if verdict == "unclear" else None
    if least is not None and least < 1:  # scores lie between 0 and 1
        notes.append(f"{number(least)} would have been seen")
    if ends_of(row).get("one_more"):
        notes.append(ONE_MORE)
    if verdict == "undecidable":
        lost = row["failures"]
        notes.append(f"{count(lost['policy'] + lost['base'])} failures")
    clear = verdict in ("raised", "lowered")
    return Cell(words[verdict], ", ".join(filter(None, notes)), "strong" if clear else "")


def change_cell(row: Data, *, beside_scores: bool = False) -> Cell:
    """Return a difference with its interval and its p in its family.

    ``beside_scores`` it has as many decimals as it takes to be their difference.
    """
    if row.get("value") is None:
        return Cell(None, row.get("reason") or "", "muted")
    value = printed(row, 2)[2] if beside_scores and row.get("from") is not None else row["value"]
    stored = row["value"] if isinstance(value, str) else None
    return Cell(value, p_words(row), stored=stored, ends=low_high(ends_of(row)))


def _between(row: Data) -> Value:
    if row.get("from") is None or row.get("to") is None:
        return None
    start, end, _ = printed(row, 2)
    return f"{end} and {start}"


def pairs_table(title: str, rows: Sequence[Data]) -> Table:
    """Return one row for each two policies, the planned ones first; a phone shows the verdict."""
    return Table.of(
        title,
        sorted(rows, key=lambda row: not row.get("planned")),
        [
            ("arm", "text", lambda row: Cell(row["a"], _against(row), "strong")),
            ("it is", "text", verdict_cell),
            ("difference", "change", partial(change_cell, beside_scores=True)),
            ("scores", "text", _between),
            ("prompts", "text", prompts_of),
        ],
    )


def _against(row: Data) -> str:
    return f"against {row['b']}{', planned' * bool(row.get('planned'))}"


def prompts_of(row: Data) -> str:
    """Return over how many prompts something is, and how many of them are independent."""
    items, clusters = row["items"], row["clusters"]
    return count(items) if items == clusters else f"{count(items)} ({count(clusters)} independent)"

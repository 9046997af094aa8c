"""Read comparisons of systems: who stood first, who second, who won."""

from __future__ import annotations

import shlex
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from harness.labels.exports import read_label_table
from harness.labels.problems import Problems
from harness.labels.spellings import fold_names
from harness.labels.values import name_and_place, number_of

if TYPE_CHECKING:
    from harness.statistics.paired_model import Comparisons

_READINGS = ("name", "place")
_OUTCOMES = {"A": 0, "TIE": 1, "B": 2}


def read_comparisons(
    path: Path | tuple[Path, str],
    first: str,
    second: str,
    winner: str,
    cluster: str = "",
    length: str = "",
) -> Comparisons:
    """Read a table with one comparison in each row.

    Args:
        path: The table; with the name of its sheet where it is an Excel file of several.
        first: Column with the system whose answer stood first.
        second: Column with the other system.
        winner: Column with the winner: a system's name, A, B, first, second, model_a, model_b, tie
            (all words for a tie are one, also both_bad); "COLUMN:name" or "COLUMN:place" says what
            a word is that is both a system's name and a place or a tie.
        cluster: Column with the group of comparisons that belong together; empty for none.
        length: Column with the length of the first minus the second answer; empty for none.

    Raises:
        DataError: Columns are missing or rows not understood; one error for the whole file.
    """
    import numpy as np

    from harness.statistics.paired_model import Comparisons

    bare, _, how = winner.rpartition(":")
    named = {first: "--first-column", second: "--second-column"}
    named |= {cluster: "--cluster-column"} if cluster else {}
    named |= {length: "--length-column"} if length else {}
    path, sheet = path if isinstance(path, tuple) else (path, "")
    table = read_label_table(path, sheet=sheet, named=[*named, winner, bare])
    if not bare or how not in _READINGS or winner in table.columns:
        bare, how = winner, ""
    table.need(named | {bare: "--label-column"})
    firsts, seconds = table.texts(first), table.texts(second)
    spelled, _ = fold_names(Counter([*firsts, *seconds]), (), case=False, numbers=False)
    firsts, seconds = ([spelled.get(name, name) for name in side] for side in (firsts, seconds))
    names = tuple(dict.fromkeys([*firsts, *seconds]))
    code = {name: k for k, name in enumerate(names)}
    outcomes, gaps = [], []
    problems = Problems(
        path, "the winner is a system's name, A, B, first, second, model_a, model_b or tie"
    )
    won = zip(table.rows, firsts, seconds, table.texts(bare), strict=True)
    for row, a, b, text in won:
        name, place = name_and_place(text, (a, b))
        side = name or place if how == "name" else place or name
        if side not in _OUTCOMES or a == b or not a or not b:
            problems.add(row.place, f"{a!r} against {b!r}, winner {text!r}")
        elif name and place and name != place and not how:
            meant = "a tie" if place == "TIE" else f"the place {place}, of the other one"
            problems.add(row.place, f"winner {text!r} may be the system of that name or {meant}")
            problems.hint = (
                f"if it is the system's name, say --label-column {shlex.quote(f'{bare}:name')}; if"
                f" the place or a tie, --label-column {shlex.quote(f'{bare}:place')}"
            )
        outcomes.append(_OUTCOMES.get(side or "", 0))
    for row, cell in zip(table.rows, table.texts(length) if length else (), strict=False):
        gap = number_of(cell)
        if gap is None:
            problems.add(row.place, f"{length} is {cell!r}, no number")
        gaps.append(gap or 0.0)
    problems.refuse("comparisons are not understood")
    groups = table.texts(cluster) if cluster else [row.place for row in table.rows]
    return Comparisons(
        np.array([code[name] for name in firsts]),
        np.array([code[name] for name in seconds]),
        np.array(outcomes),
        names,
        np.unique(np.array(groups), return_inverse=True)[1],
        np.array(gaps) if length else None,
    )

"""Read comparisons of systems: who stood first, who second, who won."""

from __future__ import annotations

import shlex
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from harness.labels.exports import read_label_table
from harness.labels.failures import NO_LABEL, SKIP
from harness.labels.problems import Problems
from harness.labels.spellings import fold_names
from harness.labels.values import name_and_place, number_of, said_text
from harness.nouns.errors import DataError

if TYPE_CHECKING:
    from harness.statistics.paired_model import Comparisons

_READINGS = ("name", "place")
_NO_WINNER = NO_LABEL | {"", SKIP.lower()}
"""Cells, in lower case, that say that there is none, where no system is called so."""
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
            a word is that is both a system's name and a place or a tie. A row with an empty cell,
            n/a and its kin, or skip has no winner: it is left out and counted.
        cluster: Column with the group of comparisons that belong together; empty for none.
        length: Column with the length of the first minus the second answer; empty for none.

    Raises:
        DataError: Columns are missing, rows not understood, or none has a winner; one error for the
            whole file.
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
    outcomes, gaps, pairs, places, left_out = [], [], [], [], []
    problems = Problems(
        path,
        "the winner is a system's name, A, B, first, second, model_a, model_b or tie; an empty"
        " cell, n/a or skip says that there is none, and the row is left out",
    )
    groups = table.texts(cluster) if cluster else [row.place for row in table.rows]
    lengths = table.texts(length) if length else [""] * len(table.rows)
    won = zip(table.rows, firsts, seconds, table.texts(bare), groups, lengths, strict=True)
    for row, a, b, text, group, cell in won:
        name, place = name_and_place(text, (a, b))
        side = name or place if how == "name" else place or name
        none = side not in _OUTCOMES and said_text(text).lower() in _NO_WINNER
        if (side not in _OUTCOMES and not none) or a == b or not a or not b:
            problems.add(row.place, f"{a!r} against {b!r}, winner {text!r}")
        elif none:
            left_out.append((a, b))
            continue
        elif name and place and name != place and not how:
            meant = "a tie" if place == "TIE" else f"the place {place}, of the other one"
            problems.add(row.place, f"winner {text!r} may be the system of that name or {meant}")
            problems.hint = (
                f"if it is the system's name, say --label-column {shlex.quote(f'{bare}:name')}; if"
                f" the place or a tie, --label-column {shlex.quote(f'{bare}:place')}"
            )
        gap = number_of(cell)
        if gap is None and length:
            problems.add(row.place, f"{length} is {cell!r}, no number")
        outcomes.append(_OUTCOMES.get(side or "", 0))
        gaps.append(gap or 0.0)
        pairs.append((a, b))
        places.append(group)
    problems.refuse("comparisons are not understood")
    if not pairs:
        raise DataError(
            f"no row has a winner: all {len(left_out)} are empty, n/a or skip in {bare!r}",
            where=str(path),
        )
    names = tuple(dict.fromkeys([*firsts, *seconds]))
    compared = {name for pair in pairs for name in pair}
    names = tuple(name for name in names if name in compared)
    code = {name: k for k, name in enumerate(names)}
    return Comparisons(
        np.array([code[first] for first, _ in pairs]),
        np.array([code[second] for _, second in pairs]),
        np.array(outcomes),
        names,
        np.unique(np.array(places), return_inverse=True)[1],
        np.array(gaps) if length else None,
        tuple(left_out),
    )

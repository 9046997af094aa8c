"""From the cells of a table of labels to the rating table and the evidence of agreement."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.labels.tables import EMPTY, FAILURES, Cells, Reading, cells_of, read_file, refuse
from harness.nouns.errors import DataError
from harness.nouns.scale import Level

if TYPE_CHECKING:
    from harness.ratings.evidence import Evidence
    from harness.ratings.orders import OrderVerdicts
    from harness.ratings.table import RatingTable
    from harness.statistics.arrays import FloatArray

_WHOLE = re.compile(r"[+-]?\d+\.0+")
_TIES = ("tie", "TIE", "Tie", "tied", "both")
_GOLD = "\0gold"

INCONSISTENT = "inconsistent"
"""Reason of a pair whose verdict changed with the order, where the labels have no tie."""


def read_ratings(
    path: Path, reading: Reading, encoding: str = "", sheet: str = ""
) -> tuple[RatingTable, Evidence]:
    """Read people's and judges' labels from a wide or a long table.

    Raises:
        DataError: Columns are missing or labels wrong; one error for the whole file, with rows.
        ScaleError: The labels do not fit the level of measurement.
    """
    return ratings_of(path, cells_of(read_file(path, encoding, sheet), reading), reading)


def ratings_of(path: Path, cells: Cells, reading: Reading) -> tuple[RatingTable, Evidence]:
    """Make the rating table and the evidence of cells that are read already.

    Raises:
        DataError: Labels are wrong; one error for the whole file, with rows.
        ScaleError: The labels do not fit the level of measurement.
    """
    from harness.ratings.evidence import Evidence
    from harness.ratings.orders import OrderVerdicts
    from harness.ratings.table import from_labels

    labels, failures = _labels(path, cells, reading)
    gold = labels.pop(_GOLD, None)
    seen = {label for column in labels.values() for label in column if label is not None}
    tie = reading.tie or next((name for name in _TIES if name in seen), "")
    clusters = cells.clusters
    numbers = _numbers(path, cells, reading)
    table = from_labels(
        labels,
        level=reading.level,
        categories=reading.categories or None,
        kinds=dict.fromkeys(reading.humans, "human"),
        items=cells.items,
        clusters=None if clusters is None else [c or f"#{i}" for i, c in enumerate(clusters)],
        failures=failures,
        simulated=reading.simulated,
        gold=gold,
        tie=tie or None,
    )
    orders: list[OrderVerdicts] = []
    for judge, (first, second) in reading.orders.items():
        one, two = (table.codes[:, table.column(column)] for column in (first, second))
        a, b = _sides(table, path)
        orders.append(OrderVerdicts(judge, one, two, table.clusters, a, b, table.tie))
    evidence = Evidence(
        orders=tuple(orders),
        stated={judge: numbers[column] for judge, column in reading.stated.items()},
        length_gap=numbers.get(reading.length_column),
        own_family={judge: numbers[column] for judge, column in reading.own_family.items()},
        retests={
            name: table.codes[:, table.column(column)] for name, column in reading.retests.items()
        },
        drifts=reading.drifts,
    )
    hidden = set(reading.hidden) - {*reading.humans, *reading.judges}
    return _without(table, hidden, orders, reading.orders), evidence


def _labels(
    path: Path, cells: Cells, reading: Reading
) -> tuple[dict[str, list[str | None]], dict[str, list[str]]]:
    fails = {value.lower() for value in reading.failure_values} - set(reading.categories)
    known = set(reading.categories)
    labels: dict[str, list[str | None]] = {}
    failures: dict[str, list[str]] = {}
    problems = []
    columns = dict(cells.labels)
    if cells.gold is not None:
        columns[_GOLD] = cells.gold
    if reading.failure_values == FAILURES:
        # A word that people use as a label is a label, unless the user says otherwise.
        said = [cells.labels[name] for name in reading.humans] + [cells.gold or []]
        fails -= {cell.lower() for column in said for cell in column}
    for name, column in columns.items():
        may_fail = name not in reading.humans and name != _GOLD
        found: list[str | None] = []
        why = []
        shown = reading.gold_column if name == _GOLD else name
        for place, cell in zip(cells.places, column, strict=True):
            failed = may_fail and (cell.lower() or EMPTY) in fails
            why.append((cell.lower() or EMPTY) if failed else "")
            if failed or not cell:
                found.append(None)
                continue
            # Spreadsheets write 2 as 2.0 in columns with gaps.
            label = cell.partition(".")[0] if _WHOLE.fullmatch(cell) else cell
            found.append(label)
            if _illegal(label, reading.level) or (known and label not in known):
                problems.append(f"{place}: {shown} is {label!r}")
        labels[name] = found
        if name != _GOLD:
            failures[name] = why
    allowed = ", ".join(reading.categories) or f"numbers ({reading.level})"
    refuse(
        path,
        "labels are not on the scale",
        problems,
        f"allowed: {allowed}; a value that stands for a failure goes into --failure-values",
    )
    return labels, failures


def _numbers(path: Path, cells: Cells, reading: Reading) -> dict[str, FloatArray]:
    import numpy as np

    problems = []
    found = {}
    chances = set(reading.stated.values())
    for name, column in cells.numbers.items():
        values = np.full(len(column), np.nan)
        for i, (place, cell) in enumerate(zip(cells.places, column, strict=True)):
            if not cell:
                continue
            number = _number(cell)
            if number is None:
                problems.append(f"{place}: {name} is {cell!r}, no number")
            elif name in chances and not 0 <= number <= 1:
                problems.append(f"{place}: {name} is {cell}, no probability between 0 and 1")
            else:
                values[i] = number
        found[name] = values
    refuse(path, "cells are not what their column needs", problems, "leave unknown cells empty")
    return found


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) < float("inf") else None


def _illegal(label: str, level: Level) -> bool:
    if level not in ("interval", "ratio"):
        return False
    number = _number(label)
    return number is None or (level == "ratio" and number < 0)


def _sides(table: RatingTable, path: Path) -> tuple[int, int]:
    """Return the codes of "A preferred" and "B preferred"."""
    sides = [code for code in range(table.n_categories) if code != table.tie]
    if len(sides) != 2:
        raise DataError(
            "verdicts in both orders need two labels and at most a tie, got"
            f" {', '.join(table.categories)}",
            where=str(path),
            hint="declare them, A first: --categories 1,2 (and --tie-label NAME)",
        )
    return sides[0], sides[1]


def _without(
    table: RatingTable,
    hidden: set[str],
    orders: Sequence[OrderVerdicts],
    columns: Mapping[str, tuple[str, str]],
) -> RatingTable:
    """Drop hidden columns and put one combined verdict in place of those of single orders.

    An inconsistent pair is a tie; without a tie category it is a failure of its own name.
    """
    import numpy as np

    reasons = table.reasons
    if orders and table.tie is None and INCONSISTENT not in reasons:
        reasons = (*reasons, INCONSISTENT)
    keep = [i for i, name in enumerate(table.annotators) if name not in hidden]
    codes = [table.codes[:, i] for i in keep]
    failures = [table.failures[:, i] for i in keep]
    for verdicts in orders:
        combined = verdicts.combined(-1 if table.tie is None else table.tie)
        one, two = (table.failures[:, table.column(c)] for c in columns[verdicts.annotator])
        failed = np.where(one > 0, one, two)
        codes.append(combined)
        failures.append(np.where(verdicts.both & (combined < 0), len(reasons), failed))
    return replace(
        table,
        annotators=(*(table.annotators[i] for i in keep), *(o.annotator for o in orders)),
        codes=np.column_stack(codes),
        failures=np.column_stack(failures),
        reasons=reasons,
        kinds=(*(table.kinds[i] for i in keep), *("judge" for _ in orders)),
    )

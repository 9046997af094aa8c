"""Read tables of labels: wide (one column for each annotator) or long (one row for each label)."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import DataError, InputError
from harness.scale import Level

if TYPE_CHECKING:
    from harness.agreement.orders import OrderVerdicts
    from harness.agreement.table import RatingTable

FAILURES = ("abstained", "refused", "unparseable", "timeout", "error", "garbage")
"""Labels that stand for a verdict that failed, whatever their case; only in judges' columns."""

EMPTY = "empty"
"""Failure value that stands for the empty cells of judges' columns."""

MOST_SHOWN = 20


@dataclass(frozen=True)
class LabelFile:
    """A table of text cells.

    Args:
        path: Where it was read from, for messages.
        columns: Column -> cells; "" where a cell is empty.
        rows: Number of each row in the file, the header being row 1.
    """

    path: Path
    columns: Mapping[str, list[str]]
    rows: tuple[int, ...]

    @property
    def n_rows(self) -> int:
        """Number of rows below the header."""
        return len(next(iter(self.columns.values()), []))

    def need(self, names: Sequence[str], option: str) -> None:
        """Refuse column names that the table does not have.

        Raises:
            DataError: A column is missing; says which ones there are.
        """
        missing = [name for name in names if name not in self.columns]
        if not missing:
            return
        details = []
        for name in missing:
            near = difflib.get_close_matches(name, self.columns, 1)
            details.append(f"{name}" + (f" (did you mean {near[0]}?)" if near else ""))
        raise DataError(
            f"{option} names columns that the table does not have",
            where=str(self.path),
            details=details,
            hint=f"columns: {', '.join(self.columns)}",
        )

    def only(self, column: str, value: str) -> LabelFile:
        """Return the table of the rows with that value in the column.

        Raises:
            DataError: There is no such column, or no row with the value.
        """
        self.need([column], "--where")
        keep = [i for i, cell in enumerate(self.columns[column]) if cell == value]
        if not keep:
            values = list(dict.fromkeys(self.columns[column]))[:10]
            raise DataError(
                f"no row has {column}={value}",
                where=str(self.path),
                hint=f"values: {', '.join(values)}",
            )
        columns = {name: [cells[i] for i in keep] for name, cells in self.columns.items()}
        return LabelFile(self.path, columns, tuple(self.rows[i] for i in keep))


@dataclass(frozen=True)
class Reading:
    """How to read a table of labels.

    Args:
        humans: People: columns of a wide table, annotators of a long one.
        judges: Judges and verifiers, likewise.
        simulated: Those of them that a program made up.
        item_column: Column with the name of the item; row numbers without it.
        annotator_column: Long tables: column with the annotator.
        label_column: Long tables: column with the label.
        cluster_column: Column with the group of items that are not independent.
        gold_column: Column with the gold label.
        orders: Judge -> (column when A stood first, column when B stood first); both already
            mapped to the original order.
        level: Level of measurement.
        categories: Labels in their order; empty when they are to be found in the table.
        failure_values: Labels that stand for a failed verdict.
        where: Column -> the only value of it whose rows are read.
        tie: Label that means "no preference"; empty to recognise the usual names.
    """

    humans: tuple[str, ...] = ()
    judges: tuple[str, ...] = ()
    simulated: tuple[str, ...] = ()
    item_column: str = ""
    annotator_column: str = ""
    label_column: str = ""
    cluster_column: str = ""
    gold_column: str = ""
    orders: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    level: Level = "nominal"
    categories: tuple[str, ...] = ()
    failure_values: tuple[str, ...] = FAILURES
    where: Mapping[str, str] = field(default_factory=dict)
    tie: str = ""

    @property
    def is_long(self) -> bool:
        """Whether the table has one row for each label."""
        return bool(self.annotator_column or self.label_column)


def read_file(path: Path) -> LabelFile:
    """Read a CSV, TSV or JSONL file as text.

    Raises:
        DataError: The file is missing, empty, of an unknown kind or cannot be parsed.
    """
    import pandas as pd

    if not path.is_file():
        raise DataError("no such file", where=str(path))
    kind = path.suffix.lower()
    try:
        if kind in (".jsonl", ".ndjson"):
            frame = pd.read_json(path, lines=True, dtype=False, convert_dates=False)
            frame = frame.map(_cell)
        elif kind in (".csv", ".tsv", ".txt"):
            frame = pd.read_csv(
                path,
                sep="\t" if kind == ".tsv" else ",",
                dtype=str,
                keep_default_na=False,
                encoding="utf-8-sig",
            )
        else:
            raise DataError(
                f"a table of labels is .csv, .tsv or .jsonl, got {kind or 'no extension'!r}",
                where=str(path),
            )
    except InputError:
        raise
    except (ValueError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise DataError(f"cannot be read as a table: {error}", where=str(path)) from error
    if frame.empty:
        raise DataError("the table has no rows", where=str(path))
    names = [str(name).strip() for name in frame.columns]
    return LabelFile(
        path,
        {
            name: [str(cell).strip() for cell in frame.iloc[:, i].fillna("")]
            for i, name in enumerate(names)
        },
        tuple(range(2, len(frame) + 2)),
    )


def _cell(value: Any) -> str:
    if value is None or value != value:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def read_table(path: Path, reading: Reading) -> tuple[RatingTable, tuple[OrderVerdicts, ...]]:
    """Read people's and judges' labels from a wide or a long table.

    Raises:
        DataError: Columns are missing or labels wrong; one error for the whole file, with rows.
        ScaleError: The labels do not fit the level of measurement.
    """
    return table_from(read_file(path), reading)


def table_from(file: LabelFile, reading: Reading) -> tuple[RatingTable, tuple[OrderVerdicts, ...]]:
    """Make the rating table and the verdicts in both orders of a file that is read already.

    Raises:
        DataError: Columns are missing or labels wrong; one error for the whole file, with rows.
        ScaleError: The labels do not fit the level of measurement.
    """
    for column, value in reading.where.items():
        file = file.only(column, value)
    wide = _widen(file, reading) if reading.is_long else _wide(file, reading)
    return _build(file, reading, wide)


@dataclass
class _Wide:
    columns: dict[str, list[str]]
    rows: list[int]
    items: list[str]
    clusters: list[str] | None
    gold: list[str] | None


def _wide(file: LabelFile, reading: Reading) -> _Wide:
    file.need(reading.humans, "--human-columns")
    file.need(reading.judges, "--judge-columns")
    for judge, pair in reading.orders.items():
        file.need(pair, f"--orders {judge}")
    for option, name in (
        ("--item-column", reading.item_column),
        ("--cluster-column", reading.cluster_column),
        ("--gold-column", reading.gold_column),
    ):
        if name:
            file.need([name], option)
    both = sorted(set(reading.humans) & set(reading.judges))
    if both:
        raise DataError(f"{', '.join(both)} cannot be both people and judges", where=str(file.path))
    rows = list(file.rows)
    if reading.item_column:
        items = file.columns[reading.item_column]
        first: dict[str, int] = {}
        repeated = []
        for row, item in zip(rows, items, strict=True):
            if item in first:
                repeated.append(f"row {row}: item {item!r} stands already in row {first[item]}")
            first.setdefault(item, row)
        _refuse(
            file,
            "items are repeated in a wide table",
            repeated,
            "for one row per label use --annotator-column and --label-column",
        )
    else:
        items = [str(row) for row in rows]
    used = (
        *reading.humans,
        *reading.judges,
        *(c for pair in reading.orders.values() for c in pair),
    )
    return _Wide(
        {name: file.columns[name] for name in used},
        rows,
        list(items),
        file.columns[reading.cluster_column] if reading.cluster_column else None,
        file.columns[reading.gold_column] if reading.gold_column else None,
    )


def _widen(file: LabelFile, reading: Reading) -> _Wide:
    if not (reading.item_column and reading.annotator_column and reading.label_column):
        raise InputError(
            "a long table needs --item-column, --annotator-column and --label-column",
            where=str(file.path),
        )
    for option, name in (
        ("--item-column", reading.item_column),
        ("--annotator-column", reading.annotator_column),
        ("--label-column", reading.label_column),
        ("--cluster-column", reading.cluster_column),
        ("--gold-column", reading.gold_column),
    ):
        if name:
            file.need([name], option)
    items, names, labels = (
        file.columns[column]
        for column in (reading.item_column, reading.annotator_column, reading.label_column)
    )
    row_of: dict[str, int] = {}
    for item in items:
        row_of.setdefault(item, len(row_of))
    n = len(row_of)
    declared = (*reading.humans, *reading.judges)
    unknown = sorted(set(declared) - set(names))
    if unknown:
        raise DataError(
            f"no label of {', '.join(unknown)}",
            where=str(file.path),
            hint=f"annotators: {', '.join(sorted(set(names))[:20])}",
        )
    wanted = set(declared) or set(names)
    columns: dict[str, list[str]] = {
        name: [""] * n for name in dict.fromkeys((*declared, *names)) if name in wanted
    }
    seen: dict[tuple[str, str], int] = {}
    problems = []
    extras: dict[str, list[str]] = {
        name: [""] * n for name in (reading.cluster_column, reading.gold_column) if name
    }
    cells_of = zip(file.rows, items, names, labels, strict=True)
    for position, (number, item, name, label) in enumerate(cells_of):
        row = row_of[item]
        for column, cells in extras.items():
            cell = file.columns[column][position]
            if cells[row] and cell and cells[row] != cell:
                problems.append(
                    f"row {number}: {column} of item {item!r} is {cell!r},"
                    f" but {cells[row]!r} before"
                )
            cells[row] = cells[row] or cell
        if name not in wanted:
            continue
        if (item, name) in seen:
            before = columns[name][row]
            word = "again" if before == label else f"{label!r} after {before!r}"
            problems.append(
                f"row {number}: {name} labelled item {item!r} {word} (row {seen[item, name]})"
            )
            continue
        seen[item, name] = number
        columns[name][row] = label
    _refuse(file, "the long table contradicts itself", problems, "keep one row per label")
    first_rows: dict[str, int] = {}
    for number, item in zip(file.rows, items, strict=True):
        first_rows.setdefault(item, number)
    return _Wide(
        columns,
        [first_rows[item] for item in row_of],
        list(row_of),
        extras.get(reading.cluster_column),
        extras.get(reading.gold_column),
    )


def _refuse(file: LabelFile, what: str, problems: list[str], hint: str) -> None:
    if not problems:
        return
    shown = problems[:MOST_SHOWN]
    if len(problems) > len(shown):
        shown.append(f"and {len(problems) - len(shown)} more")
    raise DataError(what, where=str(file.path), details=shown, hint=hint)


_WHOLE = re.compile(r"[+-]?\d+\.0+")
_TIES = ("tie", "TIE", "Tie", "tied", "both")


def _build(
    file: LabelFile, reading: Reading, wide: _Wide
) -> tuple[RatingTable, tuple[OrderVerdicts, ...]]:
    from harness.agreement.orders import OrderVerdicts
    from harness.agreement.table import from_labels

    # Spreadsheets write 2 as 2.0 in columns with gaps.
    plain = {
        name: [cell.partition(".")[0] if _WHOLE.fullmatch(cell) else cell for cell in cells]
        for name, cells in (wide.columns | {_GOLD: wide.gold or []}).items()
    }
    gold_cells = plain.pop(_GOLD)
    gold = None if wide.gold is None else [cell or None for cell in gold_cells]
    fails = {value.lower() for value in reading.failure_values} - set(reading.categories)
    labels: dict[str, list[str | None]] = {}
    failures: dict[str, list[str]] = {}
    people = set(reading.humans)
    problems = []
    known = set(reading.categories)
    for name, cells in plain.items():
        failing = [name not in people and (cell.lower() or EMPTY) in fails for cell in cells]
        failures[name] = [
            (c.lower() or EMPTY) if f else "" for c, f in zip(cells, failing, strict=True)
        ]
        labels[name] = [
            None if failed or not cell else cell
            for cell, failed in zip(cells, failing, strict=True)
        ]
        problems += [
            f"row {row}: {name} is {label!r}"
            for row, label in zip(wide.rows, labels[name], strict=True)
            if label is not None
            and (_illegal(label, reading.level) or (known and label not in known))
        ]
    if gold is not None:
        problems += [
            f"row {row}: {reading.gold_column} is {label!r}"
            for row, label in zip(wide.rows, gold, strict=True)
            if label is not None
            and (_illegal(label, reading.level) or (known and label not in known))
        ]
    allowed = ", ".join(reading.categories) or f"numbers ({reading.level})"
    _refuse(
        file,
        "labels are not on the scale",
        problems,
        f"allowed: {allowed}; a value that stands for a failure goes into --failure-values",
    )
    kinds = dict.fromkeys(people, "human")
    seen = {label for cells in labels.values() for label in cells if label is not None}
    tie = reading.tie or next((name for name in _TIES if name in seen), "")
    hidden = {column for pair in reading.orders.values() for column in pair}
    clusters = wide.clusters
    table = from_labels(
        labels,
        level=reading.level,
        categories=reading.categories or None,
        kinds=kinds,
        items=wide.items,
        clusters=None if clusters is None else [c or f"#{i}" for i, c in enumerate(clusters)],
        failures=failures,
        simulated=reading.simulated,
        gold=gold,
        tie=tie or None,
    )
    orders = []
    for judge, (first, second) in reading.orders.items():
        codes = [table.codes[:, table.column(column)] for column in (first, second)]
        a, b = _sides(table, file)
        orders.append(OrderVerdicts(judge, codes[0], codes[1], table.clusters, a, b, table.tie))
    if not orders:
        return table, ()
    keep = [i for i, name in enumerate(table.annotators) if name not in hidden or name in people]
    return _with_combined(table, orders, reading.orders, keep), tuple(orders)


_GOLD = "\0gold"


def _illegal(label: str, level: Level) -> bool:
    if level not in ("interval", "ratio"):
        return False
    try:
        number = float(label)
    except ValueError:
        return True
    return number != number or abs(number) == float("inf") or (level == "ratio" and number < 0)


def _sides(table: RatingTable, file: LabelFile) -> tuple[int, int]:
    """Return the codes of "A preferred" and "B preferred"."""
    sides = [c for c in range(table.n_categories) if c != table.tie]
    if len(sides) != 2:
        raise DataError(
            f"verdicts in both orders need two labels and at most a tie, got"
            f" {', '.join(table.categories)}",
            where=str(file.path),
            hint="declare them, A first: --categories 1,2 (and --tie-label NAME)",
        )
    return sides[0], sides[1]


def _with_combined(
    table: RatingTable,
    orders: Sequence[OrderVerdicts],
    pairs: Mapping[str, tuple[str, str]],
    keep: list[int],
) -> RatingTable:
    """Put one combined verdict for each pair in place of the columns of single orders."""
    from dataclasses import replace

    import numpy as np

    # An inconsistent pair is a tie; without a tie category it is a failure of its own name.
    reasons = table.reasons
    if table.tie is None and "inconsistent" not in reasons:
        reasons = (*reasons, "inconsistent")
    codes = [table.codes[:, i] for i in keep]
    failures = [table.failures[:, i] for i in keep]
    names = [table.annotators[i] for i in keep]
    kinds = [table.kinds[i] for i in keep]
    for verdicts in orders:
        combined = verdicts.combined(-1 if table.tie is None else table.tie)
        single = [table.failures[:, table.column(name)] for name in pairs[verdicts.annotator]]
        failed = np.where(single[0] > 0, single[0], single[1])
        codes.append(combined)
        failures.append(np.where(verdicts.both & (combined < 0), len(reasons), failed))
        names.append(verdicts.annotator)
        kinds.append("judge")
    return replace(
        table,
        annotators=tuple(names),
        codes=np.column_stack(codes),
        failures=np.column_stack(failures),
        reasons=reasons,
        kinds=tuple(kinds),
    )

"""Read tables of labels: wide (one column for each annotator) or long (one row for each label)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.nouns.errors import DataError, InputError
from harness.nouns.nearest import did_you_mean
from harness.nouns.scale import Level

FAILURES = ("abstained", "refused", "unparseable", "timeout", "error", "garbage")
"""Labels that stand for a verdict that failed, whatever their case; only in judges' columns, and
only where people or gold do not use them as labels."""

EMPTY = "empty"
"""Failure value that stands for the empty cells of judges' columns."""

MOST_SHOWN = 20


@dataclass(frozen=True)
class LabelFile:
    """A table of text cells.

    Args:
        path: Where it was read from, for messages.
        columns: Column -> cells; "" where a cell is empty.
        places: Place of each row in the file, such as "row 2".
    """

    path: Path
    columns: Mapping[str, list[str]]
    places: tuple[str, ...]

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
            details.append(f"{name}{did_you_mean(name, self.columns, ' (', ')')}")
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
        return LabelFile(self.path, columns, tuple(self.places[i] for i in keep))


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
            mapped to the original order. Wide tables only, like all that follow.
        retests: Annotator -> column with its labels when asked again.
        stated: Judge -> column with the probability that its own label is right.
        length_column: Column with the length of A minus the length of B.
        own_family: Judge -> column with 1 where A is of its family, -1 where B is, else 0.
        drifts: (old, new) versions of a judge, both among the judges.
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
    retests: Mapping[str, str] = field(default_factory=dict)
    stated: Mapping[str, str] = field(default_factory=dict)
    length_column: str = ""
    own_family: Mapping[str, str] = field(default_factory=dict)
    drifts: tuple[tuple[str, str], ...] = ()
    level: Level = "nominal"
    categories: tuple[str, ...] = ()
    failure_values: tuple[str, ...] = FAILURES
    where: Mapping[str, str] = field(default_factory=dict)
    tie: str = ""

    @property
    def is_long(self) -> bool:
        """Whether the table has one row for each label."""
        return bool(self.annotator_column or self.label_column)

    @property
    def hidden(self) -> tuple[str, ...]:
        """Columns of labels that are not annotators of their own."""
        single = [column for pair in self.orders.values() for column in pair]
        return (*single, *self.retests.values())

    @property
    def numeric(self) -> Mapping[str, str]:
        """Option -> column of numbers."""
        columns = {f"--stated {judge}": name for judge, name in self.stated.items()}
        columns |= {f"--own-family {judge}": name for judge, name in self.own_family.items()}
        return columns | ({"--length-column": self.length_column} if self.length_column else {})


@dataclass(frozen=True)
class Cells:
    """The cells of a table, one column for each annotator, one row for each item.

    Args:
        labels: Annotator or hidden column -> labels as text.
        places: Place of each item in the file.
        items: Name of each item.
        clusters: Cluster of each item; None without.
        gold: Gold label of each item; None without.
        numbers: Column -> numbers as text.
    """

    labels: Mapping[str, list[str]]
    places: tuple[str, ...]
    items: tuple[str, ...]
    clusters: list[str] | None
    gold: list[str] | None
    numbers: Mapping[str, list[str]] = field(default_factory=dict)


def read_file(path: Path, encoding: str = "", sheet: str = "") -> LabelFile:
    """Read a CSV, TSV, JSON, JSONL, Parquet or Excel file as text.

    Raises:
        DataError: The file is missing, empty, of an unknown kind or cannot be parsed.
    """
    from harness.labels.files import read_table

    table = read_table(path, encoding=encoding, sheet=sheet)
    refuse(path, "rows cannot be read", [f"{place}: {what}" for place, what in table.problems], "")
    return LabelFile(
        path,
        {name: [_cell(row.cells.get(name)) for row in table.rows] for name in table.columns},
        tuple(row.place for row in table.rows),
    )


def _cell(value: object) -> str:
    if value is None or value != value:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value).strip()


def refuse(path: Path, what: str, problems: Sequence[str], hint: str) -> None:
    """Raise one error for all problems of a file, if there are any.

    Raises:
        DataError: There are problems; the first twenty are named.
    """
    if not problems:
        return
    shown = list(problems[:MOST_SHOWN])
    if len(problems) > len(shown):
        shown.append(f"and {len(problems) - len(shown)} more")
    raise DataError(what, where=str(path), details=shown, hint=hint)


def cells_of(file: LabelFile, reading: Reading) -> Cells:
    """Bring a wide or long table into one form.

    Raises:
        DataError: Columns are missing, items repeated, or labels contradict each other.
    """
    for column, value in reading.where.items():
        file = file.only(column, value)
    for option, name in (
        ("--item-column", reading.item_column),
        ("--cluster-column", reading.cluster_column),
        ("--gold-column", reading.gold_column),
        *reading.numeric.items(),
    ):
        if name:
            file.need([name], option)
    both = sorted(set(reading.humans) & set(reading.judges))
    if both:
        raise DataError(f"{', '.join(both)} cannot be both people and judges", where=str(file.path))
    known = {*reading.humans, *reading.judges, *reading.orders}
    named = {
        "--retest": list(reading.retests),
        "--stated": list(reading.stated),
        "--own-family": list(reading.own_family),
        "--drift": [name for pair in reading.drifts for name in pair],
    }
    for option, names in named.items():
        strange = sorted(set(names) - known)
        if strange:
            raise InputError(
                f"{option} names {', '.join(strange)}, who is no annotator",
                hint=f"annotators: {', '.join(sorted(known))}",
            )
    return _long(file, reading) if reading.is_long else _wide(file, reading)


def _wide(file: LabelFile, reading: Reading) -> Cells:
    file.need(reading.humans, "--human-columns")
    file.need(reading.judges, "--judge-columns")
    for judge, pair in reading.orders.items():
        file.need(pair, f"--orders {judge}")
    file.need(list(reading.retests.values()), "--retest")
    items = list(file.places)
    if reading.item_column:
        items = file.columns[reading.item_column]
        first: dict[str, str] = {}
        repeated = []
        for place, item in zip(file.places, items, strict=True):
            if item in first:
                repeated.append(f"{place}: item {item!r} stands already in {first[item]}")
            first.setdefault(item, place)
        refuse(
            file.path,
            "items are repeated in a wide table",
            repeated,
            "for one row per label use --annotator-column and --label-column",
        )
    used = dict.fromkeys((*reading.humans, *reading.judges, *reading.hidden))
    return Cells(
        {name: file.columns[name] for name in used},
        file.places,
        tuple(items),
        file.columns[reading.cluster_column] if reading.cluster_column else None,
        file.columns[reading.gold_column] if reading.gold_column else None,
        {name: file.columns[name] for name in reading.numeric.values()},
    )


def _long(file: LabelFile, reading: Reading) -> Cells:
    if not (reading.item_column and reading.annotator_column and reading.label_column):
        raise InputError(
            "a long table needs --item-column, --annotator-column and --label-column",
            where=str(file.path),
        )
    if reading.hidden or reading.numeric:
        raise InputError(
            "--orders, --retest, --stated, --length-column and --own-family need a wide table",
            where=str(file.path),
            hint="put each annotator's labels into a column of their own",
        )
    file.need([reading.annotator_column], "--annotator-column")
    file.need([reading.label_column], "--label-column")
    items, names, labels = (
        file.columns[column]
        for column in (reading.item_column, reading.annotator_column, reading.label_column)
    )
    row_of: dict[str, int] = {}
    first_place: dict[str, str] = {}
    for place, item in zip(file.places, items, strict=True):
        row_of.setdefault(item, len(row_of))
        first_place.setdefault(item, place)
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
    extras: dict[str, list[str]] = {
        name: [""] * n for name in (reading.cluster_column, reading.gold_column) if name
    }
    seen: dict[tuple[str, str], str] = {}
    problems = []
    rows = zip(file.places, items, names, labels, strict=True)
    for position, (place, item, name, label) in enumerate(rows):
        row = row_of[item]
        for column, cells in extras.items():
            cell = file.columns[column][position]
            if cells[row] and cell and cells[row] != cell:
                problems.append(
                    f"{place}: {column} of item {item!r} is {cell!r}, but {cells[row]!r} before"
                )
            cells[row] = cells[row] or cell
        if name not in wanted:
            continue
        if (item, name) in seen:
            before = columns[name][row]
            word = "again" if before == label else f"{label!r} after {before!r}"
            problems.append(f"{place}: {name} labelled item {item!r} {word} ({seen[item, name]})")
            continue
        seen[item, name] = place
        columns[name][row] = label
    refuse(file.path, "the long table contradicts itself", problems, "keep one row per label")
    return Cells(
        columns,
        tuple(first_place[item] for item in row_of),
        tuple(row_of),
        extras.get(reading.cluster_column),
        extras.get(reading.gold_column),
    )

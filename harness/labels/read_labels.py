"""Tables to labels: all rows, or one error with everything that is wrong with them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from harness.labels.columns import LabelColumns
from harness.labels.files import Row, Table
from harness.labels.human_label import HumanLabel
from harness.labels.problems import Problems
from harness.labels.rankings import (
    Pair,
    pairs_of_best_worst,
    pairs_of_ranks,
    ranks_of_columns,
    ranks_of_list,
)
from harness.labels.values import SKIP, cell_text, guess_pair_values, on_scale, pair_value
from harness.nouns.errors import DataError
from harness.nouns.nearest import did_you_mean
from harness.nouns.schema import Item, Order, Response, Value

_FLIP = {"A": "B", "B": "A"}


@dataclass(frozen=True, slots=True)
class Known:
    """What labels may be about: {item id: names (ids and systems) of its responses}.

    An item without names takes any response.
    """

    names: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, items: Iterable[Item], responses: Iterable[Response] = ()) -> Known:
        """Collect the names from items and responses."""
        names: dict[str, set[str]] = {item.id: set() for item in items}
        for response in responses:
            names.setdefault(response.item_id, set()).update({response.id, response.system})
        return cls({item: frozenset(found) for item, found in names.items()})


def read_labels(
    table: Table, columns: LabelColumns, known: Known | None = None
) -> list[HumanLabel]:
    """Turn a table into labels.

    Args:
        table: The rows.
        columns: What the columns mean.
        known: Items and responses; when given, a label for anything else is a problem.

    Raises:
        DataError: A column is missing; or one error for everything that is wrong with the rows.
    """
    return _Reader(table, columns, known, Problems(table.path)).read()


@dataclass(frozen=True, slots=True)
class _Cell:
    """One label of one row, before it is understood."""

    place: str
    annotator: str
    criterion: str
    responses: tuple[str, ...]
    content: Any
    wide: bool


@dataclass(slots=True)
class _Reader:
    table: Table
    columns: LabelColumns
    known: Known | None
    problems: Problems
    unread: set[str] = field(default_factory=set)
    labels: list[HumanLabel] = field(default_factory=list)

    def read(self) -> list[HumanLabel]:
        self._check_columns()
        for place, message in self.table.problems:
            self.problems.add(place, message)
        ranks: dict[tuple[str, str, str], dict[str, tuple[str, str]]] = {}
        for row in self.table.rows:
            item = cell_text(row.cells.get(self.columns.item))
            if not item:
                self.problems.add(row.place, f"no item id (column {self.columns.item!r})")
            elif self.known is not None and item not in self.known.names:
                near = did_you_mean(item, self.known.names, "; ")
                self.problems.add(row.place, f"unknown item {item!r}{near}")
            elif self.columns.kind == "best_worst":
                self._best_worst(item, row)
            elif self.columns.kind == "ranking":
                self._ranking(item, row, ranks)
            else:
                for cell in self._cells(row):
                    self._label(item, row, cell)
        for (item, annotator, criterion), named in ranks.items():
            self._long_ranks(item, annotator, criterion, named)
        self._settle_duplicates()
        self.problems.hint = self._hint()
        total = len(self.table.rows) + len(self.table.problems)
        self.problems.raise_if_any(f"of {total} rows")
        if not self.labels:
            raise DataError("no row holds a label", where=str(self.table.path))
        return self.labels

    def _check_columns(self) -> None:
        wanted = self.columns.columns()
        missing = [column for column in wanted if column not in self.table.columns]
        if not missing:
            return
        details = []
        for column in missing:
            near = did_you_mean(column, self.table.columns, "; ")
            details.append(f"{column!r} for {wanted[column]}{near}")
        raise DataError(
            f"{len(missing)} columns are missing" if len(missing) > 1 else "a column is missing",
            where=str(self.table.path),
            details=details,
            hint=f"its columns: {', '.join(map(str, self.table.columns))}",
        )

    def _person(self, row: Row) -> str:
        if self.columns.annotator_name:
            return self.columns.annotator_name
        person = cell_text(row.cells.get(self.columns.annotator or ""))
        if not person:
            self.problems.add(row.place, f"no annotator (column {self.columns.annotator!r})")
        return person

    def _names(self, row: Row) -> tuple[str, ...]:
        """Return the responses that a row names; empty when one is missing."""
        if self.columns.systems:
            return tuple(self.columns.systems)
        wanted = (
            [self.columns.response_a, self.columns.response_b]
            if self.columns.kind == "pairs"
            else [self.columns.response]
        )
        names = tuple(cell_text(row.cells.get(column or "")) for column in wanted)
        for column, name in zip(wanted, names, strict=True):
            if not name:
                self.problems.add(row.place, f"no response (column {column!r})")
        if len(names) == 2 and names[0] and names[0] == names[1]:
            self.problems.add(row.place, f"A and B are the same response {names[0]!r}")
            return ()
        return names if all(names) else ()

    def _cells(self, row: Row) -> Iterator[_Cell]:
        columns = self.columns
        by_response = columns.by == "response" and bool(columns.labels)
        names = () if by_response else self._names(row)
        if not names and not by_response:
            return
        person = ""
        if columns.annotator or columns.annotator_name:
            person = self._person(row)
            if not person:
                return
        criterion = cell_text(row.cells.get(columns.criterion or ""))
        if columns.label:
            content = row.cells.get(columns.label)
            yield _Cell(row.place, person, criterion, names, content, wide=False)
        for column in columns.labels:
            yield _Cell(
                f"{row.place}, column {column}",
                column if columns.by == "annotator" else person,
                column if columns.by == "criterion" else criterion,
                (column,) if by_response else names,
                row.cells.get(column),
                wide=True,
            )

    def _label(self, item: str, row: Row, cell: _Cell) -> None:
        text = cell_text(cell.content)
        if not text and "" not in self.columns.values:
            if not cell.wide:  # in a wide table it means that this person was not asked
                self.problems.add(
                    cell.place, "no label; if it is a skip, say so: values: {'': SKIP}"
                )
            return
        value = self._value(text, cell)
        if value is None:
            return
        shown = cell_text(row.cells.get(self.columns.shown or "")).upper()
        if shown not in ("", "AB", "BA"):
            self.problems.add(row.place, f"shown is {shown!r}, not AB or BA")
            return
        self._add(
            HumanLabel(
                item,
                cell.responses,
                cell.annotator,
                None if value == SKIP else value,
                cell.criterion,
                cell.place,
                comment=cell_text(row.cells.get(self.columns.comment or "")),
                shown=_order(shown),
            )
        )

    def _value(self, text: str, cell: _Cell) -> Value:
        """Return the value, or SKIP, or None when it is a problem."""
        if self.columns.kind == "pairs":
            value = pair_value(text, self.columns.values, cell.responses)
            if value is None:
                self.unread.add(text)
                self.problems.add(cell.place, f"label {text!r} is none of A, B, TIE, SKIP")
            return value
        text = self.columns.values.get(text, text)
        if text.upper() == SKIP:
            return SKIP
        if self.columns.scale is None:
            return text
        scale = self.columns.scale.build()
        score = on_scale(text, scale)
        if score is None:
            self.problems.add(cell.place, f"label {text!r} is not on the scale {scale.describe()}")
        return score

    def _ranking(
        self, item: str, row: Row, ranks: dict[tuple[str, str, str], dict[str, tuple[str, str]]]
    ) -> None:
        columns = self.columns
        person = self._person(row)
        criterion = cell_text(row.cells.get(columns.criterion or ""))
        if not person:
            return
        if columns.response and columns.label:  # one row for each ranked response
            name = cell_text(row.cells.get(columns.response))
            rank = cell_text(row.cells.get(columns.label))
            mine = ranks.setdefault((item, person, criterion), {})
            if not name or not rank:
                self.problems.add(row.place, "no response" if not name else "no rank")
            elif name in mine:
                self.problems.add(row.place, f"{person} ranked {name!r} already in {mine[name][1]}")
            else:
                mine[name] = (rank, row.place)
            return
        try:
            if columns.label:
                found = ranks_of_list(row.cells.get(columns.label))
            elif columns.by == "rank":
                named = [cell_text(row.cells.get(column)) for column in columns.labels]
                found = ranks_of_list([name for name in named if name])
            else:
                found = ranks_of_columns({c: row.cells.get(c) for c in columns.labels})
        except ValueError as error:
            self.problems.add(row.place, str(error))
            return
        self._add_pairs(item, person, criterion, row.place, pairs_of_ranks(found))

    def _long_ranks(
        self, item: str, annotator: str, criterion: str, named: dict[str, tuple[str, str]]
    ) -> None:
        place = next(iter(named.values()))[1] if named else ""
        try:
            ranks = ranks_of_columns({name: rank for name, (rank, _) in named.items()})
        except ValueError as error:
            if named:
                self.problems.add(place, f"{error} ({annotator} on item {item!r})")
            return
        self._add_pairs(item, annotator, criterion, place, pairs_of_ranks(ranks))

    def _best_worst(self, item: str, row: Row) -> None:
        columns = self.columns
        person = self._person(row)
        shown = [cell_text(row.cells.get(column)) for column in columns.choices]
        best, worst = (cell_text(row.cells.get(c or "")) for c in (columns.best, columns.worst))
        if not person:
            return
        try:
            # Tables name the choice by its response or by the column in which it stood.
            named = dict(zip(columns.choices, shown, strict=True))
            pairs = pairs_of_best_worst(
                [name for name in shown if name], named.get(best, best), named.get(worst, worst)
            )
        except ValueError as error:
            self.problems.add(row.place, str(error))
            return
        criterion = cell_text(row.cells.get(columns.criterion or ""))
        self._add_pairs(item, person, criterion, row.place, pairs)

    def _add_pairs(
        self, item: str, annotator: str, criterion: str, place: str, pairs: list[Pair]
    ) -> None:
        for a, b, value in pairs:
            self._add(HumanLabel(item, (a, b), annotator, value, criterion, place))

    def _add(self, label: HumanLabel) -> None:
        names = self.known.names[label.item_id] if self.known is not None else frozenset()
        unknown = [name for name in label.responses if names and name not in names]
        for name in unknown:
            self.problems.add(label.where, f"item {label.item_id!r} has no response {name!r}")
        if not unknown:
            self.labels.append(label)

    def _settle_duplicates(self) -> None:
        """Report, drop or number the labels that one person gave twice to the same thing."""
        first: dict[tuple[str, frozenset[str], str, str], int] = {}
        count: dict[tuple[str, frozenset[str], str, str], int] = {}
        kept: list[HumanLabel] = []
        for label in self.labels:
            key = (label.item_id, frozenset(label.responses), label.annotator, label.criterion)
            seen = count[key] = count.get(key, -1) + 1
            if seen == 0:
                first[key] = len(kept)
                kept.append(label)
            elif self.columns.duplicates == "repeat":
                kept.append(replace(label, repeat=seen))
            elif self.columns.duplicates == "last":
                kept[first[key]] = label
            else:
                self._report_duplicate(kept[first[key]], label)
        self.labels = kept

    def _report_duplicate(self, before: HumanLabel, again: HumanLabel) -> None:
        said, says = before.value, again.value
        if before.responses != again.responses:
            says = _FLIP.get(str(says), says)
        what = (
            "with the same label (a duplicate row)"
            if said == says
            else f"as {_said(said)}, here as {_said(says)} (a contradiction)"
        )
        self.problems.add(
            again.where,
            f"{again.annotator} labelled item {again.item_id!r} already in {before.where} {what}",
        )

    def _hint(self) -> str:
        guess = guess_pair_values(self.unread) if self.unread else None
        if guess:
            pairs = ", ".join(f"{text!r}: {value}" for text, value in guess.items())
            return f"if this is what the labels mean, say so: values: {{{pairs}}}"
        if self.unread:
            return "say what the labels mean, such as values: {'1': A, '2': B, '0': TIE}"
        return "correct the file and try again; duplicates: last or repeat keeps both labels"


def _said(value: Value) -> str:
    return "skipped" if value is None else str(value)


def _order(text: str) -> Order:
    return "AB" if text == "AB" else "BA" if text == "BA" else ""

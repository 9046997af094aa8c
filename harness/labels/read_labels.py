"""Tables to labels: all rows, or one error with everything that is wrong with them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

from harness.labels.columns import LabelColumns
from harness.labels.failures import EMPTY, SKIP, FailureWords
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
from harness.labels.values import (
    cell_text,
    guess_pair_values,
    label_text,
    on_scale,
    pair_value,
)
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


Thing = tuple[str, frozenset[str], str]
"""What a label is about: the item, its responses whichever way round, the criterion."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """The labels of a table, and what they are about.

    Args:
        labels: In the order of the rows.
        rows: Thing -> the rows that ask about it, in order, also those that hold no label.
        responses: Thing -> its responses, in the order in which its first row names them.
    """

    labels: tuple[HumanLabel, ...]
    rows: Mapping[Thing, Sequence[Row]]
    responses: Mapping[Thing, tuple[str, ...]]


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
    labels = list(read_labelled(table, columns, known).labels)
    if not labels:
        raise DataError("no row holds a label", where=str(table.path))
    return labels


def read_labelled(
    table: Table,
    columns: LabelColumns,
    known: Known | None = None,
    *,
    only: Collection[str] = (),
    gold: Collection[str] = (),
) -> Labelled:
    """Turn a table into labels and what they are about.

    Args:
        table: The rows.
        columns: What the columns mean.
        known: Items and responses; when given, a label for anything else is a problem.
        only: Annotators whose labels are read; none for all.
        gold: What gold labels say; a word of theirs is no failure.

    Raises:
        DataError: A column is missing; or one error for everything that is wrong with the rows.
    """
    table.need(columns.columns())
    said = {*gold, *_said_by_people(table, columns)}
    words = FailureWords.of(columns.failure_values, columns.people, said)
    reader = _Reader(table, columns, known, Problems(table.path), words, frozenset(only))
    return reader.read()


def _said_by_people(table: Table, columns: LabelColumns) -> Iterator[str]:
    people = {*columns.people}
    for row in table.rows if people else ():
        if columns.label:
            who = columns.annotator_name or cell_text(row.cells.get(columns.annotator or ""))
            if who in people:
                yield label_text(row.cells.get(columns.label))
        elif columns.by == "annotator":
            yield from (label_text(row.cells.get(c)) for c in columns.labels if c in people)


@dataclass(frozen=True, slots=True)
class _Cell:
    """One label of one row, before it is understood."""

    place: str
    annotator: str
    criterion: str
    responses: tuple[str, ...]
    content: Any
    wide: bool


@dataclass(frozen=True, slots=True)
class _By:
    """Who ranks the responses of which item, by which criterion."""

    item: str
    annotator: str
    criterion: str


@dataclass(slots=True)
class _Reader:
    table: Table
    columns: LabelColumns
    known: Known | None
    problems: Problems
    words: FailureWords
    only: frozenset[str]
    unread: set[str] = field(default_factory=set)
    off_scale: bool = False
    empty: bool = False
    labels: list[HumanLabel] = field(default_factory=list)
    rows: dict[Thing, list[Row]] = field(default_factory=dict)
    responses: dict[Thing, tuple[str, ...]] = field(default_factory=dict)
    failed: list[tuple[_By, Row, list[str], str]] = field(default_factory=list)

    def read(self) -> Labelled:
        for place, message in self.table.problems:
            self.problems.add(place, message)
        ranks: dict[_By, dict[str, tuple[str, Row]]] = {}
        first: dict[str, str] = {}
        once = self.columns.kind == "labels" and bool(self.columns.labels)
        for row in self.table.rows:
            item = cell_text(row.cells.get(self.columns.item)) if self.columns.item else row.place
            if not item:
                self.problems.add(row.place, f"no item id (column {self.columns.item!r})")
            elif self.known is not None and item not in self.known.names:
                near = did_you_mean(item, self.known.names, "; ")
                self.problems.add(row.place, f"unknown item {item!r}{near}")
            elif once and first.setdefault(item, row.place) != row.place:
                self.problems.add(row.place, f"item {item!r} stands already in {first[item]}")
            elif self.columns.kind == "best_worst":
                self._best_worst(item, row)
            elif self.columns.kind == "ranking":
                self._ranking(item, row, ranks)
            else:
                for cell in self._cells(row):
                    self._label(item, row, cell)
        for by, named in ranks.items():
            self._long_ranks(by, named)
        self._add_failed_rankings()
        self._settle_duplicates()
        self.problems.hint = self._hint()
        total = len(self.table.rows) + len(self.table.problems)
        self.problems.raise_if_any(f"of {total} rows")
        return Labelled(tuple(self.labels), self.rows, self.responses)

    def _person(self, row: Row) -> str:
        if self.columns.annotator_name:
            return self.columns.annotator_name
        person = cell_text(row.cells.get(self.columns.annotator or ""))
        if not person:
            self.problems.add(row.place, f"no annotator (column {self.columns.annotator!r})")
        return person

    def _names(self, row: Row) -> tuple[str, ...] | None:
        """Return the responses that a row names; None when one is missing."""
        if self.columns.kind == "labels":
            return ()
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
            return None
        return names if all(names) else None

    def _cells(self, row: Row) -> Iterator[_Cell]:
        columns = self.columns
        by_response = columns.by == "response" and bool(columns.labels)
        names = () if by_response else self._names(row)
        if names is None:
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
        self._about(item, cell.responses, cell.criterion, row)
        if self.only and cell.annotator not in self.only:
            return
        text = cell_text(cell.content)
        if not text and "" not in self.columns.values:
            if not cell.wide and EMPTY not in self.words.words:
                self.empty = True
                self.problems.add(
                    cell.place, "no label; if it is a skip, say so: values: {'': SKIP}"
                )
            if not self.words.reason(text, cell.annotator):
                return  # in a wide table an empty cell means that this person was not asked
        value = self._value(text, cell)
        failure = ""
        if value is None:
            failure = self.words.reason(text, cell.annotator)
            if not failure:
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
                failure="" if failure == SKIP.lower() else failure,
            )
        )

    def _about(self, item: str, responses: tuple[str, ...], criterion: str, row: Row) -> None:
        thing = (item, frozenset(responses), criterion)
        rows = self.rows.setdefault(thing, [])
        if not rows or rows[-1] is not row:
            rows.append(row)
        self.responses.setdefault(thing, responses)

    def _value(self, text: str, cell: _Cell) -> Value:
        """Return the value, or SKIP, or None for a failure or a problem."""
        columns = self.columns
        fails = self.words.reason(text, cell.annotator)
        if columns.kind == "pairs":
            value = pair_value(text, columns.values, cell.responses)
            if value is None and not fails:
                self.unread.add(text)
                self.problems.add(cell.place, f"label {text!r} is none of A, B, TIE, SKIP")
            return value
        if text in columns.values:
            text, fails = columns.values[text], ""
            if text.upper() == SKIP:
                return SKIP
        text = label_text(text)
        if columns.scale is None:
            return None if fails else text
        scale = columns.scale.build()
        score = on_scale(text, scale)
        if score is None and not fails:
            self.off_scale = True
            self.problems.add(cell.place, f"label {text!r} is not on the scale {scale.describe()}")
        return score

    def _ranking(self, item: str, row: Row, ranks: dict[_By, dict[str, tuple[str, Row]]]) -> None:
        columns = self.columns
        by = self._by(item, row)
        if by is None:
            return
        if columns.response and columns.label:  # one row for each ranked response
            name = cell_text(row.cells.get(columns.response))
            rank = cell_text(row.cells.get(columns.label))
            mine = ranks.setdefault(by, {})
            if not name or not (rank or self._failed("", by)):
                self.problems.add(row.place, "no response" if not name else "no rank")
            elif name in mine:
                before = mine[name][1].place
                self.problems.add(row.place, f"{by.annotator} ranked {name!r} already in {before}")
            else:
                mine[name] = (rank, row)
            return
        cells = {
            c: row.cells.get(c) for c in ([columns.label] if columns.label else columns.labels)
        }
        if reason := self._all_failed(cells.values(), by):
            named = list(cells) if columns.by == "response" and columns.labels else []
            self.failed.append((by, row, named, reason))
            return
        try:
            if columns.label:
                found = ranks_of_list(cells[columns.label])
            elif columns.by == "rank":
                found = ranks_of_list([text for text in map(cell_text, cells.values()) if text])
            else:
                found = ranks_of_columns(cells)
        except ValueError as error:
            self.problems.add(row.place, str(error))
            return
        self._add_pairs(by, row, pairs_of_ranks(found))

    def _long_ranks(self, by: _By, named: dict[str, tuple[str, Row]]) -> None:
        if not named:
            return
        row = next(iter(named.values()))[1]
        if reason := self._all_failed([rank for rank, _ in named.values()], by):
            self.failed.append((by, row, list(named), reason))
            return
        try:
            ranks = ranks_of_columns({name: rank for name, (rank, _) in named.items()})
        except ValueError as error:
            self.problems.add(row.place, f"{error} ({by.annotator} on item {by.item!r})")
            return
        self._add_pairs(by, row, pairs_of_ranks(ranks))

    def _best_worst(self, item: str, row: Row) -> None:
        columns = self.columns
        by = self._by(item, row)
        if by is None:
            return
        shown = [cell_text(row.cells.get(column)) for column in columns.choices]
        best, worst = (cell_text(row.cells.get(c or "")) for c in (columns.best, columns.worst))
        # Tables name the choice by its response or by the column in which it stood.
        named = dict(zip(columns.choices, shown, strict=True))
        present = [name for name in shown if name]
        if best not in present and (reason := self._all_failed([best, worst or best], by)):
            self.failed.append((by, row, present, reason))
            return
        try:
            pairs = pairs_of_best_worst(present, named.get(best, best), named.get(worst, worst))
        except ValueError as error:
            self.problems.add(row.place, str(error))
            return
        self._add_pairs(by, row, pairs)

    def _by(self, item: str, row: Row) -> _By | None:
        """Return who ranks what in a row; None when that is a problem or not asked for."""
        person = self._person(row)
        if not person or (self.only and person not in self.only):
            return None
        return _By(item, person, cell_text(row.cells.get(self.columns.criterion or "")))

    def _failed(self, text: str, by: _By) -> str:
        """Return the word of failure of a cell of a ranking; empty when it ranks."""
        if text in self.columns.values:
            return SKIP.lower() if self.columns.values[text].upper() == SKIP else ""
        return self.words.reason(text, by.annotator)

    def _all_failed(self, cells: Iterable[Any], by: _By) -> str:
        """Return the word of failure that all cells of a ranking that are filled say, or none."""
        texts = list(map(cell_text, cells))
        reasons = {self._failed(text, by) for text in [t for t in texts if t] or [""]}
        return reasons.pop() if len(reasons) == 1 else ""

    def _add_pairs(self, by: _By, row: Row, pairs: Iterable[Pair], failure: str = "") -> None:
        for a, b, value in pairs:
            said = None if value == SKIP else value
            self._about(by.item, (a, b), by.criterion, row)
            self._add(
                HumanLabel(
                    by.item, (a, b), by.annotator, said, by.criterion, row.place, failure=failure
                )
            )

    def _add_failed_rankings(self) -> None:
        """Add a ranking that failed as a failure of every pair that it could have decided."""
        for by, row, named, reason in self.failed:
            ranked = {
                name: None
                for thing, names in list(self.responses.items())
                if (thing[0], thing[2]) == (by.item, by.criterion)
                for name in names
            }
            pairs = [(a, b, SKIP) for a, b in combinations(named or ranked, 2)]
            if not pairs:
                self.problems.add(row.place, f"{reason!r}, and no row ranks item {by.item!r}")
            self._add_pairs(by, row, pairs, "" if reason == SKIP.lower() else reason)

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
        if self.empty:
            return "a command says it as --set 'values={\"\": SKIP}'"
        if self.off_scale:
            return "a text that stands for a failure goes into failure_values (--failure-values)"
        return "correct the file and try again; duplicates: last or repeat keeps both labels"


def _said(value: Value) -> str:
    return "skipped" if value is None else str(value)


def _order(text: str) -> Order:
    return "AB" if text == "AB" else "BA" if text == "BA" else ""

"""Tables to labels: all rows, or one error with everything that is wrong with them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from harness.labels.columns import LabelColumns
from harness.labels.doubts import off_scale_hint, two_readings
from harness.labels.duplicates import settle_duplicates
from harness.labels.failures import DOUBTFUL, EMPTY, SKIP, FailureWords
from harness.labels.files import Row, Table
from harness.labels.human_label import HumanLabel, Thing
from harness.labels.problems import Problems
from harness.labels.rankings import RankingReader
from harness.labels.tidy import Tidy, tidied
from harness.labels.values import (
    guess_pair_values,
    label_text,
    on_scale,
    pair_value,
    said_text,
)
from harness.nouns.errors import DataError
from harness.nouns.nearest import did_you_mean
from harness.nouns.schema import Item, Response, Value


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


@dataclass(frozen=True, slots=True)
class Labelled:
    """The labels of a table, and what they are about.

    Args:
        labels: In the order of the rows.
        rows: Thing -> the rows that ask about it, in order, also those that hold no label.
        responses: Thing -> its responses, in the order in which its first row names them.
        tidy: The table as it was read, and what its spellings were read as.
    """

    labels: tuple[HumanLabel, ...]
    rows: Mapping[Thing, Sequence[Row]]
    responses: Mapping[Thing, tuple[str, ...]]
    tidy: Tidy

    def name(self, thing: Thing) -> str:
        """Return the name of a thing in tables and messages."""
        item, _, criterion = thing
        return " | ".join(filter(None, (item, *self.responses[thing], criterion)))


def read_labels(
    table: Table, columns: LabelColumns, known: Known | None = None
) -> list[HumanLabel]:
    """Turn a table into labels; with ``known`` a label for anything else is a problem.

    Raises:
        DataError: A column is missing; or one error for everything that is wrong with the rows.
    """
    return list(read_some(table, columns, known).labels)


def read_some(table: Table, columns: LabelColumns, known: Known | None = None) -> Labelled:
    """Turn a table into labels and what they are about, as ``read_labels`` does."""
    found = read_labelled(table, columns, known)
    if not found.labels:
        raise DataError("no row holds a label", where=str(table.path))
    return found


def read_labelled(
    table: Table,
    columns: LabelColumns,
    known: Known | None = None,
    *,
    only: Collection[str] = (),
    gold: str = "",
) -> Labelled:
    """Turn a table into labels and what they are about, as ``read_labels`` does.

    Where ``only`` names annotators, the labels of others are not read; ``gold`` is the column of
    gold labels, and a word that they say is no failure.
    """
    table.need(columns.columns())
    names = known.names if known is not None else None
    tidy = tidied(table, columns, names, only, gold)
    return _Reader(tidy, known, Problems(table.path), frozenset(only)).read()


@dataclass(slots=True)
class _Reader:
    tidy: Tidy
    known: Known | None
    problems: Problems
    only: frozenset[str]
    unread: set[str] = field(default_factory=set)
    off_scale: set[str] = field(default_factory=set)
    empty: bool = False
    twice: bool = False
    labels: list[HumanLabel] = field(default_factory=list)
    rows: dict[Thing, list[Row]] = field(default_factory=dict)
    responses: dict[Thing, tuple[str, ...]] = field(default_factory=dict)

    @property
    def table(self) -> Table:
        return self.tidy.table

    @property
    def columns(self) -> LabelColumns:
        return self.tidy.columns

    @property
    def words(self) -> FailureWords:
        return self.tidy.words

    def read(self) -> Labelled:
        columns = self.columns
        for place, message in self.table.problems:
            self.problems.add(place, message)
        rankings = RankingReader(columns, self.words, self.problems)
        first: dict[str, str] = {}
        once = columns.kind == "labels" and bool(columns.labels)
        for row in self.table.rows:
            item = row.text(columns.item) if columns.item else row.place
            if not item:
                self.problems.add(row.place, f"no item id (column {columns.item!r})")
            elif self.known is not None and item not in self.known.names:
                names = () if self.problems.full else self.known.names
                near = did_you_mean(item, names, "; ")
                self.problems.add(row.place, f"unknown item {item!r:.200}{near}")
            elif once and first.setdefault(item, row.place) != row.place:
                self.problems.add(row.place, f"item {item!r} stands already in {first[item]}")
            elif columns.kind in ("best_worst", "ranking"):
                person = self._person(row)
                if person and self._wanted(person):
                    rankings.read(item, person, row)
            else:
                for asked, content in self._asked(item, row):
                    self._about(asked, row)
                    if self._wanted(asked.annotator):
                        self._label(row, asked, content)
        for label, row in rankings.labels():
            self._about(label, row)
            self._add(label)
        self._settle_duplicates()
        self.problems.hint = self._hint()
        self.problems.raise_if_any(len(self.table.rows) + len(self.table.problems))
        return Labelled(tuple(self.labels), self.rows, self.responses, self.tidy)

    def _wanted(self, person: str) -> bool:
        return not self.only or person in self.only

    def _person(self, row: Row) -> str:
        person = self.columns.annotator_name or row.text(self.columns.annotator)
        if not person:
            self.problems.add(row.place, f"no annotator (column {self.columns.annotator!r})")
        return person

    def _names(self, row: Row) -> tuple[str, ...] | None:
        """Return the responses that a row names; None when one is missing."""
        columns = self.columns
        if columns.kind == "labels" or (columns.by == "response" and columns.labels):
            return ()
        if columns.systems:
            return tuple(columns.systems)
        pair = columns.kind == "pairs"
        wanted = [columns.response_a, columns.response_b] if pair else [columns.response]
        names = tuple(row.text(column) for column in wanted)
        for column, name in zip(wanted, names, strict=True):
            if not name:
                self.problems.add(row.place, f"no response (column {column!r})")
        if len(names) == 2 and names[0] and names[0] == names[1]:
            self.problems.add(row.place, f"A and B are the same response {names[0]!r}")
            return None
        return names if all(names) else None

    def _asked(self, item: str, row: Row) -> Iterator[tuple[HumanLabel, Any]]:
        """Yield each label that a row asks for, still without its value, and its cell."""
        columns = self.columns
        names = self._names(row)
        if names is None:
            return
        person = ""
        if columns.annotator or columns.annotator_name:
            person = self._person(row)
            if not person:
                return
        criterion = row.text(columns.criterion)
        if columns.label:
            asked = HumanLabel(item, names, person, None, criterion, row.place)
            yield asked, row.cells.get(columns.label)
        for column in columns.labels:
            asked = HumanLabel(
                item,
                (column,) if columns.by == "response" else names,
                column if columns.by == "annotator" else person,
                None,
                column if columns.by == "criterion" else criterion,
                f"{row.place}, column {column}",
            )
            yield asked, row.cells.get(column)

    def _label(self, row: Row, asked: HumanLabel, content: Any) -> None:
        text = said_text(content)
        failure = self.words.reason(text, asked.annotator)
        if not text and "" not in self.columns.values:
            if self.columns.label and EMPTY not in self.words.words:
                self.empty = True
                self.problems.add(
                    asked.where, "no label; if it is a skip, say so: values: {'': SKIP}"
                )
            if not failure:
                return  # in a wide table an empty cell means that this person was not asked
        value = self._value(text, asked, failure)
        if value is None and not failure:
            return
        shown = row.text(self.columns.shown).upper()
        if shown not in ("", "AB", "BA"):
            self.problems.add(row.place, f"shown is {shown!r}, not AB or BA")
            return
        failed = value is None and failure != SKIP.lower()
        label = replace(
            asked,
            value=None if value == SKIP else value,
            comment=row.text(self.columns.comment),
            shown=shown,  # type: ignore[arg-type]
            failure=failure if failed else "",
        )
        self._add(label)

    def _about(self, label: HumanLabel, row: Row) -> None:
        rows = self.rows.setdefault(label.thing, [])
        if not rows or rows[-1] is not row:
            rows.append(row)
        self.responses.setdefault(label.thing, label.responses)

    def _value(self, text: str, asked: HumanLabel, failure: str) -> Value:
        """Return the value, or SKIP, or None for a failure or a problem."""
        columns = self.columns
        if columns.kind == "pairs":
            value = pair_value(text, columns.values, asked.responses)
            if value is None and not failure:
                self.unread.add(text)
                self.problems.add(asked.where, f"label {text!r} is none of A, B, TIE, SKIP")
            elif message := two_readings(text, columns.values, asked.responses):
                self.problems.add(asked.where, message)
            return value
        if text in columns.values:
            text, failure = columns.values[text], ""
            if text.upper() == SKIP:
                return SKIP
        text = label_text(text)
        if columns.scale is None:
            return None if failure else text
        scale = columns.scale.build()
        # A scale without bounds holds every number, also the -1 that stands for none.
        doubtful = failure in DOUBTFUL and scale.is_numeric and scale.low is None
        score = None if doubtful else on_scale(text, scale)
        if score is None and not failure:
            self.off_scale.add(text)
            self.problems.add(asked.where, f"label {text!r} is not on the scale {scale.describe()}")
        return score

    def _add(self, label: HumanLabel) -> None:
        names = self.known.names[label.item_id] if self.known is not None else frozenset()
        unknown = [name for name in label.responses if names and name not in names]
        for name in unknown:
            self.problems.add(label.where, f"item {label.item_id!r} has no response {name!r}")
        if not unknown:
            self.labels.append(label)

    def _settle_duplicates(self) -> None:
        """Report, drop or number the labels that one person gave twice to the same thing."""
        found = settle_duplicates(self.labels, self.columns.duplicates, self.problems)
        self.labels, self.twice = found.kept, found.wrong
        self.tidy = replace(self.tidy, notes=(*self.tidy.notes, *found.notes))

    def _hint(self) -> str:
        if guess := guess_pair_values(self.unread):
            pairs = ", ".join(f"{text!r}: {value}" for text, value in guess.items())
            return f"if this is what the labels mean, say so: values: {{{pairs}}}"
        if self.unread:
            return "say what the labels mean, such as values: {'1': A, '2': B, '0': TIE}"
        if self.empty:
            return "a command says it as --set 'values={\"\": SKIP}'"
        if self.off_scale:
            return off_scale_hint(self.off_scale)
        if self.twice:
            return (
                "correct the file, or say which label counts: duplicates: last (the last one;"
                " on the command line --set duplicates=last), or repeat (both)"
            )
        return "correct the file and try again"

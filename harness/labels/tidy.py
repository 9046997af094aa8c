"""A table of labels in which everything that is surely the same is written alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.labels.columns import LabelColumns
from harness.labels.doubts import (
    number_words,
    settle_doubts,
    settle_ties,
    settle_unsure,
    stray_words,
)
from harness.labels.failures import NO_LABEL, SKIP, FailureWords
from harness.labels.files import Row, Table
from harness.labels.spellings import (
    SHOWN,
    Folded,
    Vocabulary,
    fold_labels,
    fold_names,
    listed,
    quoted,
    read_as_one,
    seen,
    times,
)
from harness.labels.totals import settle_totals
from harness.labels.values import cell_text, label_text, on_scale, pair_value, said_text
from harness.nouns.errors import DataError


@dataclass(frozen=True, slots=True)
class Tidy:
    """A table as it is read.

    Args:
        table: With each name and each label in one spelling.
        columns: What its columns mean.
        words: The words that stand for failures.
        folded: What the labels are read as; nothing where a scale or a pair says it.
        notes: What was read as one, in sentences.
    """

    table: Table
    columns: LabelColumns
    words: FailureWords
    folded: Folded
    notes: tuple[str, ...]


def tidied(
    table: Table,
    columns: LabelColumns,
    known: Mapping[str, Collection[str]] | None = None,
    only: Collection[str] = (),
    gold: str = "",
) -> Tidy:
    """Read what is surely the same as one.

    Args:
        table: As it was read.
        columns: What its columns mean.
        known: Items, and the names of their responses, where they are known.
        only: Annotators that are read; empty for all.
        gold: Column with gold labels; empty for none.

    Raises:
        DataError: Spellings, people or words of failure may be one or two; names them.
    """
    notes: list[str] = []
    names = _names(table, columns, known or {}, only, notes)
    table = _rewritten(table, names)
    cells = [
        (who, cell_text(row.cells.get(column)), row.place)
        for row, column, who in _label_cells(table, columns)
        if not only or who in only
    ]
    golds = list(filter(None, table.texts(gold) if gold else ()))
    no_gold = {text: "" for text in golds if not _is_gold(text, columns)}
    table = _rewritten(table, {gold: no_gold})
    golds = [text for text in golds if text not in no_gold]
    said = {label_text(text) for who, text, _ in cells if who in columns.people}
    everything = [label_text(text) for _, text, _ in cells]
    people = said | {label_text(columns.values.get(said_text(text), text)) for text in golds}
    words = FailureWords.of(columns.failure_values, columns.people, people - {""}, everything)
    values = _values(columns, cells, golds)
    notes += settle_totals(table, columns)
    if columns.kind == "pairs":
        texts = [*(text for _, text, _ in cells), *golds]
        settle_ties(table, columns, [text for text in texts if text not in values])
    if columns.scale is not None or columns.kind not in ("scores", "labels"):
        notes += _read_as_one(columns, table, [text for _, text, _ in cells], words)
        return Tidy(
            _with_labels(table, columns, values, gold), columns, words, Folded(), tuple(notes)
        )
    found: dict[str, Counter[str]] = {}
    for who, text, _ in cells:
        target = columns.values.get(values.get(text, said_text(text)))
        if target is None and (not text or words.reason(said_text(text), who)):
            continue
        if target is None or target.upper() != SKIP:
            found.setdefault(target or text, Counter())[who] += 1
    for text in golds:
        target = columns.values.get(values.get(text, said_text(text)), text)
        found.setdefault(target, Counter())["gold"] += 1
    settle_doubts(table, words, found, columns)
    notes += number_words(found)
    declared = {text for pair in columns.values.items() for text in pair}
    folded = fold_labels(found, declared)
    settle_unsure(table, columns, folded, found)
    notes += stray_words(columns, folded, found)
    targets = {key: folded.texts.get(value, value) for key, value in columns.values.items()}
    columns = columns.model_copy(update={"values": targets})
    table = _with_labels(table, columns, {**folded.texts, **values}, gold)
    return Tidy(table, columns, words, folded, (*notes, *folded.notes))


def _read_as_one(
    columns: LabelColumns, table: Table, cells: Iterable[str], words: FailureWords
) -> tuple[str, ...]:
    """Say which undeclared spellings of a preference, or of a label of the scale, are one."""
    scale = columns.scale.build() if columns.scale else None
    sides = (columns.response_a, columns.response_b)
    names = {*columns.systems, *(name for side in sides if side for name in table.texts(side))}
    names = {said_text(name).casefold() for name in names}
    found: dict[str, Counter[str]] = {}
    for text in cells:
        plain = said_text(text)
        if plain in columns.values or plain.casefold() in names or words.reason(plain, ""):
            continue
        if columns.kind == "pairs":
            label: object = pair_value(plain, {})
        else:
            label = None
            if scale is not None and not scale.is_numeric:
                label = on_scale(label_text(text), scale)
        if text and label is not None:
            found.setdefault(cell_text(label), Counter())[text] += 1
    return read_as_one(found.items())


def _is_gold(text: str, columns: LabelColumns) -> bool:
    plain = said_text(text)
    declared = [*columns.values, *(columns.scale.labels if columns.scale else ())]
    return plain in declared or plain.lower() not in NO_LABEL


def _label_cells(table: Table, columns: LabelColumns) -> Iterator[tuple[Row, str, str]]:
    """Yield each cell with a label: its row, its column, who gave it."""
    for row in table.rows:
        person = columns.annotator_name or row.text(columns.annotator)
        if columns.label:
            yield row, columns.label, person
        for column in columns.labels:
            yield row, column, column if columns.by == "annotator" else person


def _values(
    columns: LabelColumns, cells: Sequence[tuple[str, str, str]], golds: Sequence[str]
) -> dict[str, str]:
    """Return the spellings of declared texts: cell -> the key of ``values`` that it is."""
    if not columns.values:
        return {}
    vocabulary = Vocabulary.of(columns.values)
    keys: dict[str, list[str]] = {}
    for key in columns.values:
        keys.setdefault(vocabulary.key(key), []).append(key)
    found = {}
    for text in {text for _, text, _ in cells} | set(golds):
        same = keys.get(vocabulary.key(text), []) if text else []
        if said_text(text) not in columns.values and len(same) == 1:
            found[text] = same[0]
    return found


# Names


def _names(
    table: Table,
    columns: LabelColumns,
    known: Mapping[str, Collection[str]],
    only: Collection[str],
    notes: list[str],
) -> dict[str, dict[str, str]]:
    """Return column -> spelling of a name -> what it is read as."""
    found: dict[str, dict[str, str]] = {}
    kinds: list[tuple[str, list[str | None], Collection[str]]] = [
        ("items", [columns.item], known),
        ("annotators", [columns.annotator], {*columns.people, *only}),
        (
            "responses",
            [columns.response, columns.response_a, columns.response_b, *columns.choices],
            {name for names in known.values() for name in names} | {*columns.systems},
        ),
    ]
    for what, several, declared in kinds:
        counts: Counter[str] = Counter()
        named = [column for column in several if column]
        for column in named:
            counts.update(filter(None, table.texts(column)))
        people = what == "annotators"
        texts, apart = fold_names(counts, declared, case=people, numbers=not people)
        if people and columns.duplicates == "error":
            _settle_people(table, columns, texts)
        spelled: dict[str, list[str]] = {}
        for text in sorted(counts):
            spelled.setdefault(texts.get(text, text), []).append(text)
        several_spellings = [
            f"{', '.join(f'{seen(t)} ({times(counts[t])})' for t in group if t != name)} as {name}"
            for name, group in spelled.items()
            if len(group) > 1
        ]
        if several_spellings:
            notes.append(f"{what.capitalize()} read as one: {listed(several_spellings, '; ')}")
        if apart and not people:
            groups = listed([quoted(group) for group in apart], "; ")
            notes.append(
                f"{what.capitalize()} that differ only in case count as different: {groups}"
            )
        found |= {column: texts for column in named}
    return found


def _settle_people(table: Table, columns: LabelColumns, texts: Mapping[str, str]) -> None:
    """Refuse spellings of one name that labelled the same things: they may be two people."""
    if not texts:
        return
    moved = {*texts, *texts.values()}
    about: dict[tuple[str, ...], set[str]] = {}
    names: list[str | None] = [columns.response, columns.response_a, columns.response_b]
    for row in table.rows:
        text = row.text(columns.annotator)
        if text in moved:
            responses = sorted(row.text(name) for name in names)
            thing = (row.text(columns.item), *responses, row.text(columns.criterion))
            about.setdefault((texts.get(text, text), *thing), set()).add(text)
    both = sorted({tuple(sorted(spellings)) for spellings in about.values() if len(spellings) > 1})
    if both:
        raise DataError(
            "names that may be of one person or of two: both labelled the same things",
            where=str(table.path),
            details=[f"{quoted(pair)} are annotators" for pair in both[:SHOWN]],
            hint="of one: write the name alike, and say duplicates: last or repeat; of two: name"
            f" both, as people: [{', '.join(both[0])}] (--people {','.join(both[0])})",
        )


# Rows


def _rewritten(table: Table, texts: Mapping[str, Mapping[str, str]]) -> Table:
    """Return the table with the cells of some columns written as they are read."""
    texts = {column: moved for column, moved in texts.items() if moved}
    if not texts:
        return table
    return replace(table, rows=tuple(_row(row, texts) for row in table.rows))


def _row(row: Row, texts: Mapping[str, Mapping[str, str]]) -> Row:
    moved: dict[str, Any] = {}
    for column, spelled in texts.items():
        text = cell_text(row.cells.get(column))
        if text in spelled:
            moved[column] = spelled[text]
    return replace(row, cells={**row.cells, **moved}) if moved else row


def _with_labels(table: Table, columns: LabelColumns, texts: Mapping[str, str], gold: str) -> Table:
    labels = [columns.label] if columns.label else columns.labels
    return _rewritten(table, dict.fromkeys([*labels, *([gold] if gold else [])], texts))

"""A table of labels in which everything that is surely the same is written alike."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.labels.columns import LabelColumns
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
    seen,
    times,
)
from harness.labels.values import cell_text, label_text, number_of, said_text
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
    if columns.scale is not None or columns.kind not in ("scores", "labels"):
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
    _settle_doubts(table, words, found, columns)
    declared = {text for pair in columns.values.items() for text in pair}
    folded = fold_labels(found, declared)
    _settle_unsure(table, columns, folded, found)
    targets = {key: folded.texts.get(value, value) for key, value in columns.values.items()}
    columns = columns.model_copy(update={"values": targets})
    table = _with_labels(table, columns, {**folded.texts, **values}, gold)
    return Tidy(table, columns, words, folded, (*notes, *folded.notes))


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


# Labels


def _settle_doubts(
    table: Table,
    words: FailureWords,
    found: dict[str, Counter[str]],
    columns: LabelColumns,
) -> None:
    """Refuse labels that may stand for failures, where nobody says what they are."""
    declared = set(columns.values)
    doubts = [t for t in found if said_text(t).lower() in words.doubtful and t not in declared]
    numbers = [number_of(said_text(text)) for text in found]
    if all(number is not None and abs(number) <= 1 for number in numbers):
        return  # -1, 0 and 1 stand for a side
    if doubts:
        raise DataError(
            f"{quoted(doubts)} may be a label, or say that there is none",
            where=str(table.path),
            details=[f"{quoted([text])} {_who(found[text])}" for text in doubts],
            hint=f"if it is a label, say {_declared(columns.values | {t: t for t in doubts})};"
            f" if not, {_declared(columns.values | dict.fromkeys(doubts, SKIP))}, or name the"
            " people (--people, --set people=a,b): what they do not say is none",
        )


def _settle_unsure(
    table: Table, columns: LabelColumns, folded: Folded, found: Mapping[str, Counter[str]]
) -> None:
    """Refuse labels that may be spellings of one."""
    if not folded.unsure:
        return
    said: dict[str, Counter[str]] = {}
    for text, counts in found.items():
        said.setdefault(folded.texts.get(text, text), Counter()).update(counts)
    one: dict[str, str] = {**columns.values}
    two: dict[str, str] = {**columns.values}
    for group in folded.unsure:
        first = min(group, key=lambda name: (-said[name].total(), len(name), name))
        one |= {name: first for name in group if name != first}
        two |= {name: name for name in group}
    details = [
        "; ".join(f"{quoted([n])} {_who(said[n])}" for n in group) for group in folded.unsure
    ]
    more = [f"and {len(details) - SHOWN} more"] if len(details) > SHOWN else []
    raise DataError(
        f"labels that may be one or two: {quoted(folded.unsure[0])}",
        where=str(table.path),
        details=[*details[:SHOWN], *more],
        hint=f"if they are one, say {_declared(one)}; if they are two, {_declared(two)}",
    )


def _declared(values: Mapping[str, str]) -> str:
    """Return how a mapping is written on the command line, and in an experiment file."""
    shown = dict(list(values.items())[: 2 * SHOWN])
    return f"--set 'values={json.dumps(shown, ensure_ascii=False)}'"


def _who(counts: Counter[str]) -> str:
    people = listed(sorted(filter(None, counts)), ", ")
    return times(counts.total()) + (f" ({people})" if people else "")


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

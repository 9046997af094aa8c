"""Labels of people for pairs that a judge compared: one label of each, in the judge's own order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

from harness.labels.column_names import item_column
from harness.labels.columns import LabelColumns
from harness.labels.files import Table, read_table
from harness.labels.guess import guess_columns
from harness.labels.human_label import HumanLabel
from harness.labels.read_labels import Known, read_labels
from harness.labels.spellings import fold_names
from harness.nouns.errors import DataError
from harness.nouns.schema import Response, Value
from harness.records.judgments import RecordedJudgment

PLACES = ("A", "B")
"""Names of the responses of a pair where the labels name none."""

SIDES = ("response_a", "response_b")


@dataclass(frozen=True, slots=True)
class JudgedPair:
    """A pair that was judged.

    Args:
        request_id: Its request.
        responses: The first is A.
    """

    request_id: str
    responses: tuple[str, ...]


Pairs = Mapping[str, Mapping[frozenset[str], JudgedPair]]
"""Item -> responses, whichever way round -> the pair."""


@dataclass(frozen=True, slots=True)
class PairTruth:
    """What people say of judged pairs.

    Args:
        labels: Request -> A, B or TIE in its own order.
        notes: What became of other labels, with counts.
    """

    labels: Mapping[str, str]
    notes: tuple[str, ...]


def judged_pairs(judgments: Iterable[RecordedJudgment]) -> Pairs:
    """Return the judged pairs of each item.

    Raises:
        DataError: There are none, a judgment is not of a pair, or a pair has two requests.
    """
    found: dict[str, dict[frozenset[str], JudgedPair]] = {}
    for row in judgments:
        if len(row.response_ids) != 2:
            raise DataError("a cascade takes judgments of pairs", where=row.where)
        pair = JudgedPair(row.judgment.request_id, row.response_ids)
        of_item = found.setdefault(row.item_id, {})
        if of_item.setdefault(frozenset(row.response_ids), pair) != pair:
            raise DataError(
                f"{' and '.join(row.response_ids)} of item {row.item_id} stand in two requests, and"
                " would count twice",
                where=row.where,
                hint="give judgments that were made of the same items and responses",
            )
    if not found:
        raise DataError("there are no judgments")
    return found


def read_pair_truth(
    path: Path, judgments: Iterable[RecordedJudgment], responses: Iterable[Response] = ()
) -> PairTruth:
    """Read a table with the columns item (or item_id) and label: A, B or TIE.

    Columns response_a and response_b name the pair by ids or systems, and say what A is; without
    them A is the pair's first response, and an item has one pair. Of several labels of a pair the
    majority counts. Empty cells and words such as ``skip`` and ``n/a`` are no labels.

    Raises:
        DataError: The file is missing, lacks a column, has a label that is not understood or does
            not say which pair it means, or no label of a judged pair.
    """
    pairs = judged_pairs(judgments)
    table = read_table(path)
    item = item_column(table.columns)
    if not {item, "label"} <= set(table.columns):
        raise DataError("needs the columns item (or item_id) and label", where=str(path))
    table, other = _of_judged_items(table, item, pairs)
    named = set(SIDES) <= set(table.columns)
    guess = guess_columns(table, {"item": item, "label": "label"}).options
    sides = list(dict.fromkeys(guess[side] for side in SIDES if side in guess))
    if not named and sides:
        raise DataError(
            f"the columns {', '.join(sides)} seem to say which responses were compared, and are not"
            f" called {' and '.join(SIDES)}",
            where=str(path),
            hint="rename them, or let harness import-labels write the table",
        )
    known = Known(dict.fromkeys(pairs, frozenset()))
    names = _names(responses)
    votes: dict[str, list[str]] = {}
    for label in _labels(table, _columns(table, item, named=named), known):
        of_item = pairs[label.item_id]
        found = (
            _named(label, of_item, names)
            if named
            else [(pair, label.value) for pair in of_item.values()]
        )
        if len(found) > 1:
            raise DataError(
                f"item {label.item_id} has {len(of_item)} judged pairs, and the label does not say"
                " which of them it is of",
                where=f"{path}: {label.where}",
                hint="name the responses by their ids in columns response_a and response_b",
            )
        other += not found
        for pair, value in found:
            votes.setdefault(pair.request_id, []).extend([] if value is None else [str(value)])
    return _majority(votes, other, path)


def _labels(table: Table, columns: LabelColumns, known: Known) -> list[HumanLabel]:
    try:
        return read_labels(table, columns, known)
    except DataError as error:
        # Its own way out are options of readers that take any table.
        error.hint = (
            "write A, B or TIE, once for each person; harness import-labels makes such a table of"
            " any other"
        )
        raise


def _of_judged_items(table: Table, item: str, pairs: Pairs) -> tuple[Table, int]:
    """Return the rows of judged items, and how many there are of others."""
    texts = table.texts(item)
    spelled, _ = fold_names(Counter(texts), pairs, case=False, numbers=True)
    rows = [
        row
        for row, text in zip(table.rows, texts, strict=True)
        if not text or spelled.get(text, text) in pairs
    ]
    if not rows:
        labelled = f", labelled {texts[0]!r}" if texts else ""
        raise DataError(
            "none of the labels is of a judged item",
            where=str(table.path),
            hint=f"judged is e.g. {next(iter(pairs))!r}{labelled}: {item} must be the same in both",
        )
    return table.with_rows(rows), len(texts) - len(rows)


def _columns(table: Table, item: str, *, named: bool) -> LabelColumns:
    criteria = sorted({row.text("criterion") for row in table.rows})
    if len(criteria) > 1:
        raise DataError(
            f"labels by {len(criteria)} criteria: {', '.join(map(repr, criteria[:5]))}",
            where=str(table.path),
            hint="keep the rows of one criterion",
        )
    people = "annotator" in table.columns
    return LabelColumns(
        item=item,
        label="label",
        task="pairs",
        annotator="annotator" if people else None,
        annotator_name=None if people else "people",
        duplicates="error" if people else "repeat",
        response_a=SIDES[0] if named else None,
        response_b=SIDES[1] if named else None,
        systems=[] if named else list(PLACES),
        values={"": "SKIP"},
    )


def _names(responses: Iterable[Response]) -> Mapping[tuple[str, str], set[str]]:
    """Return the ids that an id or system of an item's response may mean."""
    found: dict[tuple[str, str], set[str]] = {}
    for response in responses:
        for name in (response.id, response.system):
            found.setdefault((response.item_id, name), set()).add(response.id)
    return found


def _named(
    label: HumanLabel,
    pairs: Mapping[frozenset[str], JudgedPair],
    names: Mapping[tuple[str, str], set[str]],
) -> list[tuple[JudgedPair, Value]]:
    """Return the pairs that a label may mean, and what it says of each."""
    ids = [names.get((label.item_id, name), {name}) for name in label.responses]
    found = []
    for a, b in product(*map(sorted, ids)):
        if (pair := pairs.get(frozenset((a, b)))) is not None:
            found.append((pair, replace(label, responses=(a, b)).named(pair.responses).value))
    return found


def _majority(votes: Mapping[str, Sequence[str]], other: int, path: Path) -> PairTruth:
    """Return the label that most give to each pair; where there is none the pair has none."""
    labels, silent, divided, several = {}, 0, 0, 0
    for request, said in votes.items():
        most = Counter(said).most_common(2)
        if not most:
            silent += 1
        elif len(most) == 2 and most[0][1] == most[1][1]:
            divided += 1
        else:
            labels[request] = most[0][0]
            several += len(said) > 1
    counts = {
        "labels are of other pairs than those judged": other,
        "pairs have no label but empty cells, skips or failures": silent,
        "pairs have as many labels for one verdict as for another, so none": divided,
        "pairs have several labels: the majority counts": several,
    }
    notes = tuple(f"{count} {what}" for what, count in counts.items() if count)
    if not labels:
        raise DataError("no label of a judged pair is left", where=str(path), details=notes)
    return PairTruth(labels, notes)

"""Exports of annotation tools to plain tables: one row per person and item.

=============  ============================================  =================================
tool           how it is known                               columns that it becomes
=============  ============================================  =================================
Label Studio   ``data`` and ``annotations`` (JSON)           id, annotator, data.*, every tag
Label Studio   ``annotation_id`` and ``lead_time`` (CSV)     as they are, values unwrapped
Argilla 2      ``fields``, ``responses``; ``*.responses``    id, annotator, fields.*, questions
Argilla 1      ``responses`` with ``values``                 id, annotator, fields.*, questions
Prodigy        ``answer`` and ``_task_hash``                 id, annotator, label, shown, ...
Chatbot Arena  ``model_a``, ``model_b``, ``winner*``         item, model_a, model_b, winner, ...
Mturk          ``HITId`` and ``WorkerId``                    as they are, choices in one column
Qualtrics      a third header row of ``ImportId``            item, annotator, label, question
(any)          ``chosen`` and ``rejected``                   item, response_a, text_a, label, ...
=============  ============================================  =================================

A task that a person cancelled, discarded or ignored becomes SKIP; what was never submitted (drafts)
and what models suggested (predictions, suggestions) is no label of a person and is left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.labels.arena import arena, parsed
from harness.labels.chosen import belongs, pairs_of_chosen
from harness.labels.failures import SKIP
from harness.labels.files import Row, Table, read_table
from harness.labels.rankings import only_bucket
from harness.labels.surveys import is_mturk, is_qualtrics, mturk, qualtrics
from harness.labels.values import cell_text
from harness.nouns.errors import DataError

Cells = dict[str, Any]


def read_label_table(
    path: Path,
    *,
    encoding: str = "",
    delimiter: str = "",
    sheet: str = "",
    named: Collection[str] = (),
    plain: bool = False,
) -> Table:
    """Read a file of labels as ``read_table`` does; a known tool's export becomes a plain table.

    Args:
        path: As of ``read_table``, like the next three.
        encoding: Of a text file.
        delimiter: Of a CSV file.
        sheet: Of an Excel file.
        named: Columns that a person named. A table in which they stand is left as it is, where
            the plain table of an export would lack one of them.
        plain: Leave every table as it is.

    Raises:
        DataError: As of ``read_table``; or an export is built in a way that is not known.
        MissingExtraError: pyarrow or openpyxl is needed and not installed.
    """
    table = read_table(path, encoding=encoding, delimiter=delimiter, sheet=sheet)
    for tool, fits, flatten in () if plain else _TOOLS:
        if fits(table):
            there = {column for column in named if column in table.columns}
            try:
                flat = flatten(replace(table, tool=tool))
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                if there:
                    return table
                raise DataError(
                    f"it looks like an export of {tool}, but is built in another way: {error}",
                    where=str(path),
                    hint="export it again as the tool does by default; if it is no export, say"
                    " plain: true (--set plain=true)",
                ) from error
            return flat if there <= {*flat.columns} else table
    return table


def _has(table: Table, *columns: str) -> bool:
    return all(column in table.columns for column in columns)


# Label Studio


def _label_studio(table: Table) -> Table:
    found: list[tuple[str, Cells, bool]] = []
    for row in table.rows:
        data = row.cells.get("data")
        task: Cells = {"id": row.text("id")}
        task.update(_prefixed("data", data))
        for number, annotation in enumerate(row.cells.get("annotations") or [], 1):
            cells = {**task, "annotator": _who(annotation.get("completed_by"))}
            cancelled = bool(annotation.get("was_cancelled"))
            if not cancelled:
                cells.update(_results(annotation.get("result") or []))
            found.append((f"{row.place}, annotation {number}", cells, cancelled))
    return table.with_rows(_skips(found, {"id", "annotator"}, "data."))


def _who(completed_by: Any) -> str:
    if isinstance(completed_by, Mapping):
        completed_by = completed_by.get("email") or completed_by.get("id")
    return cell_text(completed_by)


def _results(results: Sequence[Mapping[str, Any]]) -> Cells:
    """Return {tag: value} of one annotation; a tag that was used several times has a list."""
    cells: Cells = {}
    for result in results:
        tag, value = result.get("from_name"), _simple(result.get("value"))
        if tag is None:  # a relation between regions
            continue
        cells[tag] = [*_listed(cells[tag]), value] if tag in cells else value
    return cells


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]


_KEYS = ("selected", "rating", "number", "ranker", "choices", "text", "datetime", "taxonomy")


def _simple(value: Any) -> Any:
    """Return what a Label Studio value says, without its wrapping."""
    if isinstance(value, list) and len(value) == 1:
        return _simple(value[0])
    if isinstance(value, Mapping):
        for key in _KEYS:
            if key in value:
                return only_bucket(value[key]) if key == "ranker" else _simple(value[key])
    return value


def _label_studio_flat(table: Table) -> Table:
    rows = [
        Row(row.place, {key: _simple(parsed(cell, "[{")) for key, cell in row.cells.items()})
        for row in table.rows
    ]
    return table.with_rows(rows)


# Argilla


def _argilla(table: Table) -> Table:
    found: list[tuple[str, Cells, bool]] = []
    drafts = 0
    for row in table.rows:
        record = {"id": row.text("id")}
        record.update(_prefixed("fields", row.cells.get("fields")))
        record.update(_prefixed("metadata", row.cells.get("metadata")))
        for person, answers in _argilla_people(row.cells).items():
            statuses = {status for _, status in answers.values()}
            if "draft" in statuses or "pending" in statuses:
                drafts += 1
                continue
            skipped = "discarded" in statuses
            values = {} if skipped else {q: value for q, (value, _) in answers.items()}
            cells = {**record, "annotator": person, **values}
            found.append((f"{row.place}, person {person}", cells, skipped))
    rows = _skips(found, {"id", "annotator"}, "fields.", "metadata.")
    flat = table.with_rows(rows)
    notes = (*flat.notes, f"{drafts} drafts left out: never submitted") if drafts else flat.notes
    return replace(flat, notes=notes)


def _argilla_people(cells: Mapping[str, Any]) -> dict[str, dict[str, tuple[Any, str]]]:
    """Return {person: {question: (value, status)}} of a record, of whichever version."""
    people: dict[str, dict[str, tuple[Any, str]]] = {}

    def put(person: Any, question: str, value: Any, status: Any) -> None:
        people.setdefault(cell_text(person), {})[question] = (value, cell_text(status))

    responses = cells.get("responses")
    if isinstance(responses, Mapping):  # version 2, nested
        for question, entries in responses.items():
            for entry in entries or []:
                put(entry.get("user_id"), question, entry.get("value"), entry.get("status"))
    elif isinstance(responses, list):  # version 1
        for entry in responses:
            values = entry.get("values") or {"": {"value": None}}
            for question, value in values.items():
                put(entry.get("user_id"), question, value.get("value"), entry.get("status"))
    for column, values in cells.items():  # version 2, flattened
        if not column.endswith(".responses") or not isinstance(values, list):
            continue
        users = cells.get(f"{column}.users") or [""] * len(values)
        statuses = cells.get(f"{column}.status") or [""] * len(values)
        for user, value, status in zip(users, values, statuses, strict=True):
            put(user, column.removesuffix(".responses"), value, status)
    return people


def _is_argilla(table: Table) -> bool:
    if any(column.endswith(".responses.users") for column in table.columns):
        return True
    return _has(table, "fields", "responses") and any(
        isinstance(row.cells.get("fields"), Mapping) for row in table.rows
    )


# Prodigy


def _prodigy(table: Table) -> Table:
    rows = [Row(row.place, _prodigy_cells(row.cells)) for row in table.rows]
    return table.with_rows(rows)


def _prodigy_cells(cells: Mapping[str, Any]) -> Cells:
    answer, accept = cells.get("answer"), cells.get("accept")
    meta = cells.get("meta") if isinstance(cells.get("meta"), Mapping) else {}
    flat: Cells = {
        "id": cell_text(cells.get("id") or (meta or {}).get("id") or cells.get("_input_hash")),
        "annotator": cell_text(cells.get("_annotator_id") or cells.get("_session_id")),
    }
    flat.update(_prefixed("meta", meta))
    if isinstance(accept, Mapping):  # compare: "accept" and "reject" are the two responses
        mapping = cells.get("mapping") or {}
        flat["label"] = {"accept": "A", "reject": "B"}.get(str(answer), SKIP)
        flat["shown"] = {"accept": "AB", "reject": "BA"}.get(str(mapping.get("A")), "")
        flat["input"] = _text_of(cells.get("input"))
        flat["text_a"], flat["text_b"] = _text_of(accept), _text_of(cells.get("reject"))
        return flat
    flat["text"] = _text_of(cells)
    if isinstance(accept, list):  # choice
        chosen = accept[0] if len(accept) == 1 else accept
        flat["label"] = chosen if answer == "accept" and accept else SKIP
    else:  # accept or reject one suggested label
        flat["label"] = {"accept": "true", "reject": "false"}.get(str(answer), SKIP)
        if "label" in cells:
            flat["criterion"] = cells["label"]
    return flat


def _text_of(value: Any) -> str:
    return cell_text(value.get("text") if isinstance(value, Mapping) else value)


# All


def _prefixed(prefix: str, value: Any) -> Cells:
    return {f"{prefix}.{k}": v for k, v in value.items()} if isinstance(value, Mapping) else {}


def _skips(
    found: Sequence[tuple[str, Cells, bool]], fixed: set[str], *prefixes: str
) -> Iterator[Row]:
    """Yield rows in which SKIP fills all questions of those that were skipped as a whole."""
    names = Counter(name for _, cells, _ in found for name in cells)
    questions = [n for n in names if n not in fixed and not n.startswith(prefixes)]
    for place, cells, skipped in found:
        yield Row(place, {**cells, **dict.fromkeys(questions, SKIP)} if skipped else cells)


_TOOLS: tuple[tuple[str, Callable[[Table], bool], Callable[[Table], Table]], ...] = (
    ("Label Studio", lambda t: _has(t, "data", "annotations"), _label_studio),
    (
        "Label Studio",
        lambda t: _has(t, "annotator", "annotation_id", "lead_time"),
        _label_studio_flat,
    ),
    ("Argilla", _is_argilla, _argilla),
    ("Prodigy", lambda t: _has(t, "answer", "_task_hash"), _prodigy),
    (
        "Chatbot Arena",
        lambda t: (
            _has(t, "model_a", "model_b")
            and (_has(t, "winner") or _has(t, "winner_model_a", "winner_model_b"))
        ),
        arena,
    ),
    ("chosen/rejected", belongs, pairs_of_chosen),
    ("Mechanical Turk", is_mturk, mturk),
    ("Qualtrics", is_qualtrics, qualtrics),
)

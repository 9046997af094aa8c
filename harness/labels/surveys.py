"""Results of Mechanical Turk and Qualtrics to plain tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from harness.labels.files import Row, Table
from harness.labels.values import cell_text
from harness.nouns.plain_text import parsed_json

_TRUTHS = ("true", "false", "")


def is_mturk(table: Table) -> bool:
    """Tell whether a table is the results of a batch of Mechanical Turk."""
    return {"HITId", "WorkerId"} <= {*table.columns}


def mturk(table: Table) -> Table:
    """Return the table without rejected assignments, each choice of several in one column.

    ``Answer.x.A``, ``Answer.x.B`` ... of which one is true become ``Answer.x`` with its name.
    """
    choices: dict[str, list[str]] = {}
    for column in table.columns:
        name, _, option = column.rpartition(".")
        if name.startswith("Answer.") and option and name not in table.columns:
            choices.setdefault(name, []).append(column)
    alone = {
        name: columns
        for name, columns in choices.items()
        if len(columns) > 1
        and all(row.text(c).lower() in _TRUTHS for row in table.rows for c in columns)
    }
    kept = [row for row in table.rows if row.text("AssignmentStatus").lower() != "rejected"]
    rows = [Row(row.place, {**row.cells, **_chosen(row, alone)}) for row in kept]
    gone = len(table.rows) - len(kept)
    note = f"{gone} {'row' if gone == 1 else 'rows'} left out: AssignmentStatus is Rejected"
    flat = replace(table.with_rows(rows), columns=(*table.columns, *alone))
    return replace(flat, notes=(*flat.notes, note)) if gone else flat


def _chosen(row: Row, choices: dict[str, list[str]]) -> dict[str, Any]:
    """Return each choice of which one option is true; of none or several all, as a list."""
    found: dict[str, Any] = {}
    for name, columns in choices.items():
        true = [c.rpartition(".")[2] for c in columns if row.text(c).lower() == "true"]
        found[name] = true[0] if len(true) == 1 else true or ""
    return found


def is_qualtrics(table: Table) -> bool:
    """Tell whether a table has the three header rows of Qualtrics."""
    return "ResponseId" in table.columns and len(table.rows) > 1 and bool(_ids(table))


def _ids(table: Table) -> dict[str, str]:
    """Return column -> ImportId, of the third header row."""
    found = {}
    for column in table.columns:
        text = table.rows[1].text(column)
        try:
            cell = parsed_json(text) if text.startswith("{") else None
        except ValueError:
            cell = None
        if not isinstance(cell, dict) or "ImportId" not in cell:
            return {}
        found[column] = cell_text(cell["ImportId"])
    return found


def qualtrics(table: Table) -> Table:
    """Return one row for each answer: item (the question), annotator (the response), label."""
    asked = [column for column, key in _ids(table).items() if key.startswith("QID")]
    return table.with_rows(_answers(table, asked))


def _answers(table: Table, asked: list[str]) -> Iterator[Row]:
    questions = table.rows[0]
    for row in table.rows[2:]:
        for column in asked:
            if label := row.text(column):
                cells = {"item": column, "annotator": row.text("ResponseId"), "label": label}
                yield Row(
                    f"{row.place}, column {column}", cells | {"question": questions.text(column)}
                )

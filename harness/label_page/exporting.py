"""The labels of a store as files, while the page is open or after."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.labels.files import Table, read_table
from harness.labels.values import cell_text
from harness.labels.writing import write_csv
from harness.nouns.counted import counted
from harness.records.places import keep_apart
from harness.records.writes import write_jsonl


def export(
    store: Path, labels: Path | None, corrections: Path | None, *, raw_cells: bool = False
) -> list[str]:
    """Write the labels of a store as one CSV table, and the better answers as responses (JSONL).

    Args:
        store: SQLite file of the labels.
        labels: Where the table goes; None writes none.
        corrections: Where the better answers go; None writes none.
        raw_cells: Write cells that a spreadsheet takes for formulas as they are.

    Returns:
        What was written, in words, one line a file.

    Raises:
        DataError: There is no such store.
        InputError: It would be overwritten.
    """
    written = ("the table", labels), ("the better answers", corrections)
    keep_apart(written, [("the store", store)])
    table = read_table(store)
    done = []
    if labels:
        write_csv(labels, *label_rows(table), raw_cells=raw_cells)
        done.append(f"{counted(len(table.rows), 'label')} in {labels}")
    if corrections:
        answers = better_answers(table)
        write_jsonl(corrections, answers)
        done.append(f"{len(answers)} better answers in {corrections}")
    return done


def label_rows(table: Table) -> tuple[list[str], list[dict[str, str]]]:
    """Return the columns in which anything stands, and the rows, for CSV."""
    cells = {
        column: [_whole(row.cells[column]) for row in table.rows]
        for column in table.columns
        if column != "scale"
    }
    used = {column: texts for column, texts in cells.items() if any(texts) or not table.rows}
    rows = zip(*used.values(), strict=True)
    return list(used), [dict(zip(used, row, strict=True)) for row in rows]


def _whole(cell: Any) -> str:
    """Return a cell as text; blanks at its ends may be what tells two names apart."""
    return cell if isinstance(cell, str) else cell_text(cell)


def better_answers(table: Table) -> list[dict[str, str]]:
    """Return the better answers that people wrote, as rows of responses."""
    columns = ("item", "annotator", "task", "correction")
    return [
        {
            "id": f"{item}/person:{person}/{task}",
            "item_id": item,
            "system": f"person:{person}",
            "text": text,
        }
        for item, person, task, text in zip(*map(table.texts, columns), strict=True)
        if text
    ]

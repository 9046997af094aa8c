"""The labels of a store as files, while the page is open or after."""

from __future__ import annotations

from pathlib import Path

from harness.labels.files import read_table
from harness.labels.values import cell_text
from harness.labels.writing import write_csv
from harness.records.writes import write_jsonl


def export(store: Path, labels: Path | None, corrections: Path | None) -> list[str]:
    """Write the labels of a store as one CSV table, and the better answers as responses.

    Args:
        store: SQLite file of a label page.
        labels: CSV file to write, if any.
        corrections: JSONL file of responses to write, if any.

    Returns:
        What was written, in words, one line a file.

    Raises:
        DataError: There is no such store.
    """
    table = read_table(store)
    rows = [{key: cell_text(value) for key, value in row.cells.items()} for row in table.rows]
    done = []
    if labels:
        used = [c for c in table.columns if c != "scale" and any(row[c] for row in rows)]
        write_csv(labels, used, ({c: row[c] for c in used} for row in rows))
        done.append(f"{len(rows)} labels in {labels}")
    if corrections:
        answers = [
            {
                "id": f"{row['item']}/person:{row['annotator']}/{row['task']}",
                "item_id": row["item"],
                "system": f"person:{row['annotator']}",
                "text": row["correction"],
            }
            for row in rows
            if row["correction"]
        ]
        write_jsonl(corrections, answers)
        done.append(f"{len(answers)} better answers in {corrections}")
    return done

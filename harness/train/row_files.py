"""Files of rows to train on: JSONL, and what else a table is kept in."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from harness.labels.files import FORMATS, read_table
from harness.labels.problems import Problems
from harness.labels.values import number_of
from harness.nouns.errors import DataError
from harness.nouns.plain_text import file_bytes, parsed_json, visible
from harness.records.rows import read_rows
from harness.train.data_sets import data_set_rows, is_data_set

Rows = Iterable[Mapping[str, Any]] | str | Path


def read_training_rows(
    rows: Rows, config: str | None = None, split: str | None = None
) -> tuple[list[Any], list[str]]:
    """Return rows, and the place of each where they are of a file or a data set.

    A data set, its folder or hub id is read as `data_set_rows` says. A file is JSONL, a JSON array,
    or a table by its ending: CSV, TSV, Parquet, Excel. A cell of a CSV that begins as a list of
    messages is read as JSON, ``probability`` as a number, and a ``label`` of true or false as that.

    Raises:
        DataError: The file cannot be read, or these are no rows.
        MissingExtraError: The library for Parquet or Excel is not installed.
    """
    if is_data_set(rows):
        return data_set_rows(rows, config, split)
    if config or split:
        raise DataError(
            "a configuration and a split are of data sets, and these rows are none",
            where=str(rows) if isinstance(rows, str | Path) else "",
            hint="a data set is a folder or a hub id, owner/name",
        )
    if not isinstance(rows, str | Path):
        if not isinstance(rows, Iterable):
            raise DataError(f"rows are a table or a file of it, got {rows!r:.60}")
        return list(rows), []
    path = Path(rows)
    kind = FORMATS.get(path.suffix.lower(), "jsonl")
    if kind in ("excel", "parquet") or path.suffix.lower() in (".csv", ".tsv"):
        return _table(path)
    if os.path.isfile(path) and file_bytes(path).lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"[":
        return _array(path)
    found = list(read_rows(path))
    return [row for _, row in found], [place for place, _ in found]


def _array(path: Path) -> tuple[list[Any], list[str]]:
    try:
        content = parsed_json(file_bytes(path))
    except ValueError as error:
        raise DataError(f"not JSON: {error}", where=str(path)) from error
    entries = content if isinstance(content, list) else [content]
    return entries, [f"{path}:entry {number}" for number in range(1, len(entries) + 1)]


def _table(path: Path) -> tuple[list[Any], list[str]]:
    table = read_table(path)
    wrong = Problems(path, "write such rows as JSONL, one object a line")
    for place, message in table.problems:
        wrong.add(place, message)
    rows = []
    for row in table.rows:
        cells = {}
        for column, cell in row.cells.items():
            try:
                cells[column] = _cell(column, cell)
            except ValueError:
                wrong.add(row.place, f"column {column!r} begins as a chat and is no JSON")
        rows.append(cells)
    wrong.refuse("rows cannot be read")
    sys.stderr.writelines(f"{visible(f'{path.name}: {note}')}\n" for note in table.notes)
    return rows, [f"{path}:{row.place}" for row in table.rows]


def _cell(column: str, cell: Any) -> Any:
    """Return what a cell of text means.

    Raises:
        ValueError: It begins as a chat and is no JSON.
    """
    if not isinstance(cell, str):
        return cell
    if cell.lstrip().startswith("[{"):
        return parsed_json(cell)
    if column == "label" and (said := cell.strip().lower()) in ("true", "false"):
        return said == "true"
    number = number_of(cell) if column in ("probability", "margin") else None
    return cell if number is None else number

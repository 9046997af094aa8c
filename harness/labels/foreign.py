"""Files that are no tables here as they are, and what to do about them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from harness.nouns.errors import DataError

_PACKED = {".gz": "gunzip", ".bz2": "bunzip2", ".xz": "unxz", ".zst": "unzstd", ".zip": "unzip"}
_SHEETS = (".xls", ".xlsb", ".ods", ".numbers", ".gsheet")
_FRAMES = (".feather", ".arrow", ".pkl", ".pickle", ".h5", ".dta", ".sav", ".rds", ".rdata")


def kind_hint(ending: str, known: Collection[str]) -> str:
    """Return what to do about a file with an ending that is not known."""
    ending = ending.lower()
    if ending in _PACKED:
        return f"it is packed: unpack it first ({_PACKED[ending]})"
    if ending in _SHEETS:
        return "save it as .xlsx or .csv in a spreadsheet program"
    if ending in _FRAMES:
        return "write it as .parquet or .csv, with pandas: df.to_csv('labels.csv', index=False)"
    if ending in (".md", ".html", ".htm", ".pdf", ".docx"):
        return "save its table as .csv"
    return f"rename it to end in one of {', '.join(known)}"


def no_list(path: Path, content: Any) -> DataError:
    """Return the error of JSON that is no list of objects."""
    kind = type(content).__name__
    return DataError(
        f"a JSON table is a list of objects, got {kind}", where=str(path), hint=_json_hint(content)
    )


def _json_hint(content: Any) -> str:
    if not isinstance(content, Mapping):
        return "write a list of objects, one for each row"
    lists = [
        key
        for key, value in content.items()
        if isinstance(value, list) and value and isinstance(value[0], Mapping)
    ]
    if len(lists) == 1:
        return f"its entry {lists[0]!r:.60} is such a list: write that alone into a file"
    if {"columns", "data"} <= {*content} or all(
        isinstance(value, Mapping) for value in content.values()
    ):
        return "pandas writes a list of objects with df.to_json('labels.json', orient='records')"
    return "one object a line is JSONL (.jsonl); else put the objects into [ ]"


def repeated_columns(path: Path, repeated: Collection[str]) -> DataError:
    """Return the error of a header in which names stand more than once."""
    hint = "give each column a name of its own"
    if "" in repeated:
        hint = (
            "each column needs a name: take out a title or a second header above it, and save a"
            " Markdown table (| a | b |) as CSV"
        )
    return DataError(
        f"column {', '.join(map(repr, list(repeated)[:10]))} stands in the header more than once",
        where=str(path),
        hint=hint,
    )

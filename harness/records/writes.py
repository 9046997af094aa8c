"""Files that appear under their name only when they are whole."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from harness.records.rows import to_dict


def write_jsonl(path: Path, records: Iterable[Any]) -> None:
    """Write records (dataclasses or mappings) one a line, all or nothing.

    The file appears under its name only when it is whole, so that a kill leaves the old one. Half
    of a surrogate pair, which replies of models may hold, is written as its JSON escape.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    with part.open("w", encoding="utf-8", errors="backslashreplace") as file:
        for record in records:
            row = record if isinstance(record, Mapping) else to_dict(record)
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    part.replace(path)


def write_json(path: Path, content: Any) -> None:
    """Write one JSON document, all or nothing."""
    write_text(path, json.dumps(content, ensure_ascii=False, indent=1) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a text, all or nothing; half of a surrogate pair becomes its escape."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8", errors="backslashreplace")
    part.replace(path)

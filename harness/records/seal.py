"""The seal of a run: a copy of the rows that it stands on, and one hash of all of them.

``sealed.jsonl.gz`` holds each row under the name of its table and a key. The manifest holds a hash
of each table, chained over its rows, and ``sha256``, the hash of these: the one to publish. So of
an edited row it is known what stood there, and of an edited copy that it was edited.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from harness.nouns.hashing import content_hash
from harness.nouns.redaction import redacted_json
from harness.records.rows import damaged
from harness.records.writes import whole

SEALED = "sealed.jsonl.gz"

SealedTable: TypeAlias = dict[str, Any]
"""Key of a row -> what stands in it, as plain JSON."""


def plain(content: Any) -> Any:
    """Return content as a file of the harness has it: plain JSON, without secrets."""
    return json.loads(redacted_json(content))


def table_hash(rows: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a table: of each row with the hash of those before it."""
    found = ""
    for key, row in rows.items():
        found = content_hash([found, key, row])
    return found


def seal_of(tables: Mapping[str, SealedTable]) -> dict[str, Any]:
    """Return what the manifest says of sealed tables."""
    hashes = {
        name: {"rows": len(rows), "sha256": table_hash(rows)} for name, rows in tables.items()
    }
    return {"sha256": content_hash(hashes), "tables": hashes}


def write_sealed(path: Path, tables: Mapping[str, SealedTable]) -> None:
    """Write the copy of the rows, all or nothing, for its owner only."""
    with whole(path, private=True) as part, part.open("wb") as file:
        # No name and no time in it: the same rows are the same bytes.
        with gzip.GzipFile("", "wb", 6, file, mtime=0) as packed:
            for line in _lines(tables):
                packed.write(line)


def _lines(tables: Mapping[str, SealedTable]) -> Iterator[bytes]:
    for name, rows in tables.items():
        if not rows:
            yield _line([name])
        for key, row in rows.items():
            yield _line([name, key, row])


def _line(content: Any) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode() + b"\n"


def read_sealed(path: Path) -> dict[str, SealedTable]:
    """Return the copy of the rows.

    Raises:
        DataError: It is missing or damaged.
    """
    tables: dict[str, SealedTable] = {}
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for line in file:
                name, *row = _row(json.loads(line))
                table = tables.setdefault(name, {})
                if row:
                    key, content = row
                    table[key] = content
    except FileNotFoundError as error:
        raise damaged(path, "it is gone") from error
    except (OSError, EOFError, zlib.error, ValueError, TypeError) as error:
        raise damaged(path, f"{type(error).__name__}: {error}"[:200]) from error
    return tables


def _row(line: Any) -> list[Any]:
    """Return the name of a table and perhaps a key with what stands there.

    Raises:
        ValueError: A line holds something else.
    """
    names = line[:2] if isinstance(line, list) and len(line) in (1, 3) else [None]
    if not all(isinstance(name, str) for name in names):
        raise ValueError(f"a line is no row: {line!r:.60}")
    return list(line)


FIRST = "line 1"


def by_number(rows: Iterable[Any]) -> SealedTable:
    """Return rows that have no name under the number of their line."""
    return {f"line {number}": plain(row) for number, row in enumerate(rows, 1)}


def folder_hashes(folder: Path) -> SealedTable:
    """Return the SHA-256 of each file of a folder by its name in it."""
    found = {}
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        with file.open("rb") as opened:
            found[file.relative_to(folder).as_posix()] = hashlib.file_digest(
                opened, "sha256"
            ).hexdigest()
    return found

"""A journal as it lies there: read without a lock, and without changing a byte of it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from harness.records.journal import WITHOUT, reply_hash
from harness.records.rows import damaged
from harness.records.sqlite_file import SQLITE_ERRORS, sqlite_problem

UNREADABLE = "(cannot be read)"


class RecordedRow(NamedTuple):
    """A judgment as the journal holds it: by what it is found, and what it says."""

    request_id: str
    source: str
    source_version: str
    annotator: str
    order: str
    repeat: int
    body: Any


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    if not path.is_file():
        raise damaged(path, "it is gone")
    # A journal that a run closed has nothing beside it, and then nothing is written beside it.
    beside = path.with_name(f"{path.name}-wal")
    how = "mode=ro" if beside.is_file() and beside.stat().st_size else "immutable=1"
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?{how}", uri=True)) as connection:
            yield connection
    except SQLITE_ERRORS as error:
        raise sqlite_problem(error, path, "journal", WITHOUT) from error


def recorded_rows(path: Path, scope: str) -> list[RecordedRow]:
    """Return the judgments of a part of a journal, in recorded order.

    Raises:
        DataError: The journal is gone or cannot be read.
    """
    with _opened(path) as connection:
        rows = connection.execute(
            "SELECT request_id, source, source_version, annotator, shown, repeat, body"
            " FROM judgments WHERE scope = ? ORDER BY rowid",
            (scope,),
        ).fetchall()
    return [RecordedRow(*row)._replace(body=_json(row[-1])) for row in rows]


def recorded_replies(path: Path) -> dict[str, Any]:
    """Return ``sha256`` and ``cost_usd`` of the replies of a journal by their keys.

    Raises:
        DataError: The journal is gone or cannot be read.
    """
    found: dict[str, Any] = {}
    with _opened(path) as connection:
        for key, body in connection.execute("SELECT key, body FROM replies ORDER BY key"):
            try:
                found[key] = reply_hash(body)
            except (ValueError, AttributeError):
                found[key] = UNREADABLE
    return found


def _json(body: str) -> Any:
    try:
        return json.loads(body)
    except (ValueError, TypeError, RecursionError):
        return UNREADABLE

"""SQLite files of the harness: whether they are its own, what is wrong with them, in words."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from harness.nouns.errors import DataError, InputError

SQLITE_ERRORS = (sqlite3.Error, UnicodeDecodeError)
"""What SQLite raises; of a damaged file its message may be no text, which Python raises instead."""


def check_tables(connection: sqlite3.Connection, schema: str, path: Path) -> None:
    """Refuse a file whose tables are not those of a schema; a new file has none yet.

    Raises:
        DataError: It belongs to something else, or to another version of the harness.
    """
    with closing(sqlite3.connect(":memory:")) as wanted:
        wanted.executescript(schema)
        ours = _tables(wanted)
    found = _tables(connection)
    if found and not found.keys() & ours.keys():
        raise DataError(
            f"this SQLite file belongs to something else: it has {', '.join(sorted(found)):.200}",
            where=str(path),
            hint="name another file",
        )
    for table in found.keys() & ours.keys():
        if found[table] != ours[table]:
            raise DataError(
                f"the file is of another version: table {table} has the columns"
                f" {', '.join(found[table]):.300}, not {', '.join(ours[table])}",
                where=str(path),
                hint="use the version that wrote it, or name another file",
            )


def _tables(connection: sqlite3.Connection) -> dict[str, tuple[str, ...]]:
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    return {
        name: tuple(row[1] for row in connection.execute(f"PRAGMA table_info({name!r})"))
        for (name,) in names
        if not name.startswith("sqlite_")
    }


def sqlite_problem(error: Exception, path: Path, what: str, without: str) -> InputError:
    """Return what an error of SQLite means for a file that the harness writes.

    Args:
        error: What SQLite raised.
        path: The file.
        what: What is kept in it, such as a journal.
        without: What being without the file means, in words.
    """
    said = str(error)
    if "locked" in said or "busy" in said:
        return InputError(
            "another process holds this file", where=str(path), hint="stop it, or wait for it"
        )
    if "unable to open" in said or "readonly" in said or "read-only" in said:
        return InputError(
            f"cannot write it: {said}", where=str(path), hint="name a place where you may write"
        )
    if "full" in said or "disk I/O" in said:
        return InputError(
            f"cannot write it: {said}",
            where=str(path),
            hint="make room, and run the same command again",
        )
    return DataError(
        f"the {what} cannot be read: {said}",
        where=str(path),
        hint=f"put a copy of it back, or keep what can be read of it: harness recover {path};"
        f" {without}",
    )

"""What can be wrong with the label store while it is used, and what to do about it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from harness.nouns.errors import DataError

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_MAKE_ROOM = ("is on a disk that is full or fails", "make room on its disk")
_MEANING = {
    sqlite3.SQLITE_BUSY: (
        "is locked by another program",
        "close what has it open, such as a database browser",
    ),
    sqlite3.SQLITE_LOCKED: ("is locked", "wait a moment"),
    sqlite3.SQLITE_FULL: _MAKE_ROOM,
    sqlite3.SQLITE_IOERR: _MAKE_ROOM,
    sqlite3.SQLITE_READONLY: (
        "cannot be written",
        "let this user write the file and its folder, or give another --store",
    ),
    sqlite3.SQLITE_CANTOPEN: ("cannot be opened", "let this user write the file and its folder"),
    **dict.fromkeys(
        _DAMAGED,
        ("is damaged", "stop the page, keep a copy, and repair it with sqlite3's .recover"),
    ),
}
"""Codes of SQLite: what they mean for the store, and what to do."""


class StoreError(DataError):
    """The store cannot be used now; what was to be written is not, not even half of it."""


def _kind(error: Exception) -> int:
    """Return the primary code of an SQLite error; 0 for one of the module itself."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def store_error(error: Exception, path: Path) -> StoreError:
    """Return what is wrong with the store, and what to do about it."""
    what, hint = _MEANING.get(_kind(error), ("cannot be used", "look at the disk it is on"))
    return StoreError(f"the file of the labels {what} ({error})", where=str(path), hint=hint)


def cannot_write(path: Path, why: str | None) -> StoreError:
    """Return the error of a store that may not be written, and why."""
    what, hint = _MEANING[sqlite3.SQLITE_READONLY]
    return StoreError(f"the file of the labels {what} ({why})", where=str(path), hint=hint)


def is_no_store(error: Exception) -> bool:
    """Tell whether an error of opening says that the file is none of ours, or damaged."""
    return _kind(error) in _DAMAGED or _kind(error) not in _MEANING

"""The label store: one SQLite file that only ever grows, committed to disk before a click counts.

Layout::

    meta      way (pairwise or pointwise), secret of the tokens
    tasks     what can be labelled: names of item, responses and criterion (no texts)
    shown     which task was shown to whom, in which order on the screen, in which sequence
    events    every label and every undo, in order; the last one of a person and a task counts
    labels    a view: the labels that count, as the long table of ``human_csv``
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import sqlite3
import threading
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, Literal, TextIO

from harness.label_page.store_errors import StoreError, cannot_write, is_no_store, store_error
from harness.labels.failures import SKIP
from harness.nouns.errors import DataError, InputError
from harness.nouns.schema import JudgmentRequest, Order, Value, Way
from harness.records.sqlite_file import SQLITE_ERRORS
from harness.records.writes import make_folder

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tasks (
    task TEXT PRIMARY KEY, item TEXT NOT NULL, responses TEXT NOT NULL, systems TEXT NOT NULL,
    criterion TEXT NOT NULL, question TEXT NOT NULL, scale TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS shown (
    person TEXT NOT NULL, task TEXT NOT NULL, sequence INTEGER NOT NULL, shown TEXT NOT NULL,
    at TEXT NOT NULL, PRIMARY KEY (person, task)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY, at TEXT NOT NULL, person TEXT NOT NULL, task TEXT NOT NULL,
    action TEXT NOT NULL, value TEXT NOT NULL, comment TEXT NOT NULL, correction TEXT NOT NULL,
    seconds REAL, key TEXT NOT NULL UNIQUE
);
CREATE VIEW IF NOT EXISTS labels AS
SELECT tasks.item AS item,
       CASE json_array_length(tasks.responses) WHEN 1 THEN tasks.responses ->> 0 END AS response,
       CASE json_array_length(tasks.responses) WHEN 2 THEN tasks.responses ->> 0 END AS response_a,
       CASE json_array_length(tasks.responses) WHEN 2 THEN tasks.responses ->> 1 END AS response_b,
       events.person AS annotator, events.value AS label, tasks.criterion AS criterion,
       events.comment AS comment, shown.shown AS shown, tasks.task AS task,
       events.at AS at, events.seconds AS seconds, events.correction AS correction,
       tasks.scale AS scale
FROM events JOIN tasks USING (task) JOIN shown USING (person, task)
WHERE events.action = 'label'
  AND events.id IN (SELECT max(id) FROM events GROUP BY person, task)
ORDER BY events.id;
"""


_PATIENCE_S = 0.5
"""How long another program may lock the file before a click is refused, to be sent again."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One label that counts.

    Args:
        person: Who.
        task: Id of the request.
        value: "A", "B" or "TIE" for pairs (A is the request's first response); on the scale of the
            criterion for scores; None for a skip.
        comment: The person's reason.
        correction: A better answer that the person wrote.
        seconds: From the page to the click; None when unknown.
    """

    person: str
    task: str
    value: Value
    comment: str = ""
    correction: str = ""
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """A task that was put on a person's screen, as the ``sequence``-th, in the given order."""

    person: str
    task: str
    sequence: int
    order: Order


class LabelStore:
    """Labels on disk; safe to use from any thread.

    A write is on the disk (``synchronous=FULL``) when the method returns, so that neither kill -9
    nor loss of power takes away a click that was acknowledged. One process at a time may write; the
    lock goes with the process, however it ends.

    Args:
        path: SQLite file; made when absent, readable by its owner only.
        way: "pairwise" or "pointwise"; a store holds labels of one way.

    Raises:
        DataError: The file is no label store, or one of the other way.
        StoreError: The file or its folder cannot be written, or another program locks it.
        InputError: Another process writes to it.
    """

    def __init__(self, path: Path, way: Way) -> None:
        make_folder(path.parent)
        self.path = path.resolve()  # two names of one file are one store
        self._mutex = threading.Lock()
        self._rescued: Path | None = None
        try:
            self._lock = self._claim()
        except OSError as error:
            raise cannot_write(self.path, error.strerror) from error
        try:
            self._connection = self._open(way)
        except BaseException as error:
            self._lock.close()
            if isinstance(error, OSError):
                raise cannot_write(self.path, error.strerror) from error
            raise
        self._inodes = self._places()

    def _claim(self) -> TextIO:
        lock = self._beside(".lock").open("w", encoding="utf-8")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.close()
            raise InputError(
                "another label page uses this store",
                where=str(self.path),
                hint="stop it, or give another --store",
            ) from error
        return lock

    def _open(self, way: Way) -> sqlite3.Connection:
        # Comments and answers are confidential, and so is the secret of the tokens.
        os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        connection = sqlite3.connect(
            self.path, _PATIENCE_S, check_same_thread=False, isolation_level=None
        )
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.executescript(_SCHEMA)
            put = "INSERT OR IGNORE INTO meta VALUES (?, ?)"
            connection.execute(put, ("way", way))
            connection.execute(put, ("secret", secrets.token_hex(32)))
            stored = dict(connection.execute("SELECT key, value FROM meta"))
            self.secret = bytes.fromhex(stored["secret"])
            known = stored["way"]
        except (*SQLITE_ERRORS, KeyError, TypeError, ValueError) as error:
            connection.close()
            if not is_no_store(error):
                raise store_error(error, self.path) from error
            raise DataError(f"not a label store: {error}", where=str(self.path)) from error
        if known != way:
            connection.close()
            raise DataError(
                f"this store holds {known} labels, not {way} ones",
                where=str(self.path),
                hint="give another --store",
            )
        return connection

    def close(self) -> None:
        """Close the file and let go of its lock; labels of a file that was taken away are kept."""
        with suppress(StoreError):
            self._check_place()
        self._connection.close()
        self._lock.close()

    def _beside(self, ending: str) -> Path:
        return self.path.with_name(self.path.name + ending)

    def _places(self) -> list[tuple[int, int] | None]:
        """Return what stands now where the store, its newest pages and its lock were opened."""
        found: list[tuple[int, int] | None] = []
        for path in (self.path, self._beside("-wal"), self._beside(".lock")):
            try:
                status = path.stat()
            except OSError:
                found.append(None)
            else:
                found.append((status.st_dev, status.st_ino))
        return found

    def _check_place(self) -> None:
        """Refuse to write to a file that nobody will find again; what it holds is copied once.

        Raises:
            StoreError: The store was moved, deleted or replaced while it is open.
        """
        if self._places() == self._inodes:
            return
        if self._rescued is None or not self._rescued.exists():
            self._rescued = self._rescue()
        copy = self._rescued
        raise StoreError(
            "the file of the labels was moved, deleted or replaced",
            where=str(self.path),
            hint=f"put it back; or stop the page and start it with --store {copy.name}, which has "
            "all labels so far"
            if copy
            else "put it back before the page is stopped",
        )

    def _rescue(self) -> Path | None:
        """Copy all labels to a new file beside the store; None when that is not possible."""
        try:
            make_folder(self.path.parent)
            for number in count(1):
                copy = self.path.with_name(f"{self.path.stem}.rescued{number}.sqlite")
                with suppress(FileExistsError):
                    os.close(os.open(copy, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
                    break
            with closing(sqlite3.connect(copy)) as file:
                self._connection.backup(file)
        except (InputError, OSError, *SQLITE_ERRORS):
            return None
        return copy

    def _write(self, sql: str, rows: Iterable[Sequence[Any]]) -> int:
        """Put rows in one transaction that is on disk when this returns; count new rows.

        Raises:
            StoreError: They cannot be written; none of them is.
        """
        with self._mutex:
            self._check_place()
            before = self._connection.total_changes
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                self._connection.executemany(sql, rows)
                self._connection.execute("COMMIT")
            except BaseException as error:
                self._undo_transaction()
                if isinstance(error, SQLITE_ERRORS):
                    raise store_error(error, self.path) from error
                raise
            return self._connection.total_changes - before

    def _undo_transaction(self) -> None:
        if self._connection.in_transaction:  # after some errors SQLite has undone it by itself
            self._connection.execute("ROLLBACK")

    def _read(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._mutex:
            try:
                return self._connection.execute(sql, values).fetchall()
            except SQLITE_ERRORS as error:
                raise store_error(error, self.path) from error

    def add_tasks(self, requests: Iterable[JudgmentRequest]) -> None:
        """Note what can be labelled; known tasks stay as they are."""
        self._write(
            "INSERT OR IGNORE INTO tasks VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    request.id,
                    request.item.id,
                    json.dumps([response.id for response in request.responses]),
                    json.dumps([response.system for response in request.responses]),
                    request.criterion.id,
                    request.criterion.text,
                    _scale(request),
                )
                for request in requests
            ],
        )

    def show(self, person: str, task: str, order: Order) -> Shown:
        """Note that a task goes on a person's screen; return how it did for the first time."""
        self._write(
            "INSERT OR IGNORE INTO shown SELECT ?, ?, "
            "coalesce(max(sequence), 0) + 1, ?, ? FROM shown WHERE person = ?",
            [(person, task, order, _now(), person)],
        )
        which = "SELECT sequence, shown FROM shown WHERE person = ? AND task = ?"
        return Shown(person, task, *self._read(which, (person, task))[0])

    def record(self, entry: Entry, key: str) -> bool:
        """Keep a label; tell whether the click of this key is new: sent twice, it counts once."""
        value = json.dumps(entry.value) if isinstance(entry.value, bool) else entry.value
        return self._event(entry, "label", SKIP if value is None else str(value), key)

    def undo(self, person: str, task: str, key: str) -> bool:
        """Take back the label of a person; the event of it stays in the file."""
        return self._event(Entry(person, task, None), "undo", "", key)

    def _event(self, entry: Entry, action: Literal["label", "undo"], value: str, key: str) -> bool:
        values = (_now(), entry.person, entry.task, action, value, entry.comment)
        return 0 < self._write(
            "INSERT OR IGNORE INTO events "
            "(at, person, task, action, value, comment, correction, seconds, key) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(*values, entry.correction, entry.seconds, key)],
        )

    def shown(self) -> list[Shown]:
        """Return everything that was put on a screen."""
        rows = self._read("SELECT person, task, sequence, shown FROM shown ORDER BY sequence")
        return [Shown(*row) for row in rows]

    def entries(self) -> list[Entry]:
        """Return the labels that count, in the order in which they were given."""
        rows = self._read("SELECT annotator, task, label, comment, correction, seconds FROM labels")
        return [
            Entry(person, task, None if value == SKIP else value, comment, correction, seconds)
            for person, task, value, comment, correction, seconds in rows
        ]


def _scale(request: JudgmentRequest) -> str:
    """Return the scale of a score as JSON, as it is written in options; empty for a pair."""
    if len(request.responses) == 2:
        return ""
    scale = {k: v for k, v in asdict(request.criterion.scale).items() if v not in ((), None)}
    return json.dumps(scale)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")

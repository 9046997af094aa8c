"""The run directory: one SQLite journal for replies and judgments, plain files for the rest.

Layout of a run directory::

    manifest.json            sources, models, seeds, package versions, stage fingerprints, seal
    sealed.jsonl.gz          a copy of each row that a finished run stands on
    journal.sqlite           replies of language models, judgments (WAL, one writer thread)
    items/ responses/        JSONL
    agreement.json  preferences/  rewards/  policies/  evaluation.json
    report.html  report.md  report.json
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from harness.nouns.errors import ConfigError, DataError, HarnessError, InputError, StorageError
from harness.nouns.redaction import redacted_json
from harness.nouns.schema import Judgment
from harness.records.marks import LEFT, TABLE, Marks
from harness.records.rows import judgment_from, to_dict
from harness.records.sqlite_file import SQLITE_ERRORS, check_tables, sqlite_problem
from harness.records.writes import keep_private, make_folder

GROUP = 64
"""Rows per commit; kill -9 loses at most the rows that no commit has reached."""

JOURNAL = "journal.sqlite"
"""Name of the journal in a run directory."""


def journal_beside(out: Path, needed: bool = True) -> Path:
    """Return the journal of a command that writes one file: OUT.journal.sqlite.

    Args:
        out: What the command writes.
        needed: Whether what is in OUT came by way of the journal.

    Raises:
        ConfigError: OUT is a folder.
        InputError: OUT was written and its journal is gone, so that all would be paid for anew.
    """
    if out.is_dir():
        raise ConfigError(f"--out {out} is a folder", hint="name a JSONL file in it")
    journal = out.with_name(f"{out.name}.{JOURNAL}")
    if needed and _has_bytes(out) and not _has_bytes(journal):
        raise InputError(
            f"there is something in it, and its journal {journal} is missing or empty: all would be"
            " made and paid for anew",
            where=str(out),
            hint="put the journal back; or, to have all made anew, move this file away",
        )
    return journal


def _has_bytes(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


SCHEMA = (
    """
CREATE TABLE IF NOT EXISTS judgments (
    request_id TEXT NOT NULL, source TEXT NOT NULL, source_version TEXT NOT NULL,
    annotator TEXT NOT NULL, shown TEXT NOT NULL, repeat INTEGER NOT NULL,
    scope TEXT NOT NULL, body TEXT NOT NULL,
    UNIQUE (request_id, source, source_version, annotator, shown, repeat, scope)
);
CREATE INDEX IF NOT EXISTS by_source ON judgments (scope, source, source_version);
CREATE TABLE IF NOT EXISTS replies (key TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
"""
    + TABLE
)


WITHOUT = "without it all is judged and paid for anew"
"""What it means to lose a journal."""


def _reply(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise ValueError(f"a reply is an object, got {body!r:.60}")
    return body


def reply_hash(body: str) -> dict[str, Any]:
    """Return ``sha256`` and ``cost_usd`` of a reply as the journal holds it."""
    sha256 = hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()
    return {"sha256": sha256, "cost_usd": json.loads(body).get("cost_usd") or 0.0}


T = TypeVar("T")
_Entry: TypeAlias = "tuple[str, tuple[Any, ...]] | threading.Event | Callable[[], None] | None"
_place = attrgetter("request_id", "source", "source_version", "annotator", "order", "repeat")


class Journal:
    """Replies and judgments that were paid for; each survives kill -9 once it is acknowledged.

    Reads and writes are safe from any thread. Writes go through one writer thread, which commits
    them in groups.

    Args:
        path: SQLite file; made when absent.

    Raises:
        DataError: The file is damaged or no journal; reading may tell so later, too.
    """

    def __init__(self, path: Path) -> None:
        make_folder(path.parent)
        self.path = path
        self._queue: queue.SimpleQueue[_Entry] = queue.SimpleQueue()
        self._failure: Exception | None = None
        self._unwritten = 0
        self._changes = 0
        self._local = threading.local()
        self._readers: list[sqlite3.Connection] = []
        self.marks = Marks(self._put, self._flushed_rows)
        with contextlib.suppress(OSError):  # opening it tells what is wrong
            keep_private(path)
        with self._reading(), contextlib.closing(self._connect()) as connection:
            check_tables(connection, SCHEMA, path)
            connection.executescript(SCHEMA)
        self._writer = threading.Thread(target=self._write, name="journal", daemon=True)
        self._writer.start()

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except SQLITE_ERRORS as error:
            raise sqlite_problem(error, self.path, "journal", WITHOUT) from error

    def _parsed(self, build: Callable[[Any], T], bodies: Iterable[str]) -> list[T]:
        """Return what the bodies of rows say.

        Raises:
            DataError: Some are damaged; says how many.
        """
        found, broken, reason = [], 0, ""
        for body in bodies:
            try:
                found.append(build(json.loads(body)))
            except (TypeError, ValueError, RecursionError) as error:
                broken, reason = broken + 1, reason or str(error)
        if broken:
            raise DataError(
                f"{broken} of {broken + len(found)} rows are damaged: {reason:.200}",
                where=str(self.path),
                hint=f"keep the others: harness recover {self.path}; what is lost is judged and"
                " paid for anew",
            )
        return found

    def _rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._reading():
            return self._reader().execute(query, values).fetchall()

    def _flushed_rows(self, query: str) -> list[tuple[Any, ...]]:
        self.flush()
        return self._rows(query)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=60, check_same_thread=False)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        return connection

    def _reader(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._connect()
            self._readers.append(connection)
        return connection

    def _write(self) -> None:
        connection = self._connect()
        stop = False
        unwritten: list[tuple[str, tuple[Any, ...]]] = []
        while not stop:
            batch = [self._queue.get()]
            while len(batch) < GROUP and not self._queue.empty():
                batch.append(self._queue.get())
            unwritten += [entry for entry in batch if isinstance(entry, tuple)]
            try:
                for statement, values in unwritten:
                    connection.execute(statement, values)
                connection.commit()
                self._changes = connection.total_changes
                self._failure = None
                unwritten.clear()
            except Exception as error:  # a writer that died silently would lose rows
                self._failure = error
                self._unwritten = len(unwritten)  # tried again with what comes next
                with contextlib.suppress(sqlite3.Error):
                    connection.rollback()
            for entry in batch:
                if isinstance(entry, threading.Event):
                    entry.set()
                elif callable(entry):
                    entry()
                stop = stop or entry is None
        connection.close()

    def put_judgment(self, judgment: Judgment, scope: str = "") -> None:
        """Record a judgment; it replaces an earlier one that is not equal."""
        body = redacted_json(to_dict(judgment))  # escaped: a lone surrogate has no UTF-8
        self._put(
            "INSERT INTO judgments VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET body = excluded.body WHERE body != excluded.body",
            (*_place(judgment), scope, body),
        )

    def put_reply(self, key: str, body: Mapping[str, Any]) -> None:
        """Record what came back from a call to a language model."""
        self._put("INSERT OR REPLACE INTO replies VALUES (?, ?)", (key, redacted_json(body)))

    def _put(self, statement: str, row: tuple[Any, ...]) -> None:
        self.check()
        self._queue.put((statement, row))

    def get_reply(self, key: str) -> dict[str, Any] | None:
        """Return the recorded reply of a key, None when there is none."""
        rows = self._rows("SELECT body FROM replies WHERE key = ?", (key,))
        return self._parsed(_reply, rows[0])[0] if rows else None

    def changes(self) -> int:
        """Return how many rows this journal object has added, changed or removed."""
        self.flush()
        return self._changes

    def reply_keys(self) -> set[str]:
        """Return the keys of all recorded replies."""
        self.flush()
        return {key for (key,) in self._rows("SELECT key FROM replies")}

    def reply_hashes(self) -> dict[str, dict[str, Any]]:
        """Return ``sha256`` and ``cost_usd`` of all recorded replies, by their keys."""
        rows = self._flushed_rows("SELECT key, body FROM replies ORDER BY key")
        return {key: reply_hash(body) for key, body in rows}

    def spent_usd(self) -> float:
        """Return the dollars of all recorded calls, those that runs left in flight at the most."""
        paid = "SELECT SUM(json_extract(body, '$.cost_usd')) FROM replies"
        return float(self._flushed_rows(paid)[0][0] or 0.0) + self.left_usd()

    def left_usd(self) -> float:
        """Return the dollars that calls which runs left in flight may have cost at most."""
        left = f"SELECT SUM(cost_usd) FROM in_flight WHERE owner = '{LEFT}'"
        return float(self._flushed_rows(left)[0][0] or 0.0)

    def judgments(self, scope: str = "", source: str | None = None) -> list[Judgment]:
        """Return the judgments of a scope, of one source where it is named, in recorded order."""
        self.flush()
        where, values = "scope = ?", [scope]
        if source is not None:
            where, values = where + " AND source = ?", [scope, source]
        rows = self._rows(f"SELECT body FROM judgments WHERE {where} ORDER BY rowid", values)
        return self._parsed(judgment_from, (body for (body,) in rows))

    def scopes(self) -> list[str]:
        """Return the scopes that hold judgments, that of the newest one last."""
        newest = "SELECT scope FROM judgments GROUP BY scope ORDER BY MAX(rowid)"
        return [scope for (scope,) in self._flushed_rows(newest)]

    def forget(self, judgments: Iterable[Judgment], scope: str = "") -> None:
        """Remove judgments, such as failures that are to be tried again."""
        for judgment in judgments:
            self._put(
                "DELETE FROM judgments WHERE request_id = ? AND source = ? AND source_version = ?"
                " AND annotator = ? AND shown = ? AND repeat = ? AND scope = ?",
                (*_place(judgment), scope),
            )

    def after_commit(self, call: Callable[[], None]) -> None:
        """Call a function, in the writer's thread, when all that was recorded so far is committed.

        A write that failed is told by ``check``, and by the next call that records something.
        """
        self._queue.put(call)

    def flush(self) -> None:
        """Wait until everything recorded so far is committed.

        Raises:
            StorageError: The journal could not be written, for example because the disk is full.
        """
        done = threading.Event()
        self._queue.put(done)
        while not done.wait(1.0):
            if not self._writer.is_alive() and not done.is_set():
                self.check()
                raise HarnessError(f"cannot write {self.path}: the journal is closed")
        self.check()

    def check(self) -> None:
        """Raise StorageError when what was recorded last could not be written."""
        failure = self._failure
        if failure is not None:
            raise StorageError(
                f"cannot write {self.path}: {failure}\n"
                f"  hint: {self._unwritten} rows are not on the disk; make room or set it right and"
                " run the same command again: what is on it is kept"
            ) from failure

    def close(self) -> None:
        """Commit and close."""
        if self._writer.is_alive():
            self._queue.put(None)
            self._writer.join()
        for connection in self._readers:
            connection.close()
        self._readers.clear()
        self.check()

    def __enter__(self) -> Journal:
        """Return the journal itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Commit and close."""
        self.close()

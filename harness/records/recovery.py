"""What can be read of a damaged file, as a new file under its name."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from harness.nouns.errors import DataError, InputError
from harness.nouns.plain_text import need_file, opened, parsed_json
from harness.records.journal import Journal
from harness.records.marks import is_mark
from harness.records.rows import judgment_from
from harness.records.sqlite_file import SQLITE_ERRORS
from harness.records.writes import writing

_MOST_PROBES = 1_000_000  # rows between two readable ones that are asked for one by one
_LAST_GAP = 1000  # rows without an answer after which the end is taken to be reached
_BESIDE = ("-wal", "-shm")


@dataclass(frozen=True, slots=True)
class Recovered:
    """What became of a damaged file.

    Attributes:
        path: The file, which holds what could be read.
        damaged: The file as it was, under another name.
        kept: Rows by table; of a text file, lines.
        lost: Rows that are known to be lost, by table.
        unknown: Tables of which more rows may be lost, nobody knows how many.
    """

    path: Path
    damaged: Path
    kept: Mapping[str, int]
    lost: Mapping[str, int]
    unknown: tuple[str, ...] = ()


def recover(file: str | Path) -> Recovered:
    """Keep what can be read of a damaged journal, or of a JSONL file.

    The damaged file is kept beside it, as FILE.damaged; nothing is deleted.

    Args:
        file: A journal (.sqlite) or a file with one JSON object a line (.jsonl).

    Raises:
        DataError: Nothing in it can be read, or nothing is wrong with it.
        InputError: Another process works with it, or a file cannot be written.
    """
    path = Path(file)
    need_file(path)
    if path.suffix == ".jsonl":
        return _recover_lines(path)
    if path.suffix == ".sqlite":
        with _alone(path):
            return _recover_journal(path)
    raise DataError(
        f"no way is known to recover a file that ends in {path.suffix!r}",
        where=str(path),
        hint="journals end in .sqlite, tables of the harness in .jsonl",
    )


def _recover_lines(path: Path) -> Recovered:
    kept = lost = 0
    with writing(path), TemporaryDirectory(dir=path.parent, prefix=".recover") as folder:
        part = Path(folder) / path.name
        with opened(path) as lines, part.open("wb") as out:
            for line in lines:
                if not line.strip():
                    continue
                if _is_row(line):
                    out.write(line.rstrip(b"\r\n") + b"\n")
                    kept += 1
                else:
                    lost += 1
        return _replaced(path, part, Recovered(path, path, {"lines": kept}, {"lines": lost}))


def _is_row(line: bytes) -> bool:
    try:
        return isinstance(parsed_json(line), dict)
    except ValueError:
        return False


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the locks of those who write to a journal: its run, or a command."""
    import fcntl

    with suppress(FileNotFoundError), (path.parent / ".lock").open("rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise InputError(
                "another process works with it", where=str(path), hint="stop it, or wait for it"
            ) from error
        yield
        return
    yield


def _recover_journal(path: Path) -> Recovered:
    import shutil

    kept: dict[str, int] = {}
    lost: dict[str, int] = {}
    unknown: list[str] = []
    with writing(path), TemporaryDirectory(dir=path.parent, prefix=".recover") as folder:
        copy, new = Path(folder) / "old.sqlite", Path(folder) / "new.sqlite"
        shutil.copyfile(path, copy)  # reading a journal folds its newest pages into it
        with suppress(FileNotFoundError):
            shutil.copyfile(f"{path}-wal", f"{copy}-wal")
        Journal(new).close()
        with closing(sqlite3.connect(copy)) as old, closing(sqlite3.connect(new)) as journal:
            old.text_factory = bytes
            for table, (width, fits) in _TABLES.items():
                rows = _Rows(old, table)
                marks = ", ".join("?" * width)
                put = f"INSERT OR IGNORE INTO {table} VALUES ({marks})"
                good = (row for row in map(_texts, rows.read()) if row is not None and fits(row))
                kept[table] = journal.executemany(put, good).rowcount
                lost[table] = rows.found - kept[table] + rows.missing
                if rows.broken and table not in _NUMBERED:
                    unknown.append(table)
            journal.commit()
        if not any(kept.values()):
            raise DataError(
                "nothing in it can be read",
                where=str(path),
                hint="put a copy of it back; without it all is judged and paid for anew",
            )
        result = Recovered(path, path, kept, lost, tuple(unknown))
        return _replaced(path, new, result)


def _replaced(path: Path, new: Path, result: Recovered) -> Recovered:
    """Give the damaged file another name and the new one its name, unless nothing was wrong."""
    if not any(result.lost.values()) and not result.unknown:
        raise DataError("nothing is wrong with it: every row can be read", where=str(path))
    if not any(result.kept.values()):
        raise DataError("nothing in it can be read", where=str(path), hint="put a copy of it back")
    damaged = _fresh(path, "damaged")
    path.rename(damaged)
    for ending in _BESIDE:
        with suppress(FileNotFoundError):
            Path(f"{path}{ending}").rename(f"{damaged}{ending}")
    new.replace(path)
    return Recovered(path, damaged, result.kept, result.lost, result.unknown)


def _fresh(path: Path, word: str) -> Path:
    """Return a name beside a file that nobody has."""
    for number in count(1):
        beside = path.with_name(f"{path.name}.{word}{'' if number == 1 else number}")
        if not beside.exists():
            return beside
    raise AssertionError


def _texts(row: tuple[Any, ...]) -> tuple[Any, ...] | None:
    try:
        return tuple(cell.decode() if isinstance(cell, bytes) else cell for cell in row)
    except UnicodeDecodeError:
        return None


def _is_judgment(row: tuple[Any, ...]) -> bool:
    if not isinstance(row[-1], str):
        return False
    try:
        judgment = judgment_from(parsed_json(row[-1]))
    except (TypeError, ValueError):
        return False
    return (judgment.request_id, judgment.source, judgment.order) == (row[0], row[1], row[4])


def _is_reply(row: tuple[Any, ...]) -> bool:
    return isinstance(row[0], str) and isinstance(row[1], str) and _is_row(row[1].encode())


_TABLES: Mapping[str, tuple[int, Callable[[tuple[Any, ...]], bool]]] = {
    "judgments": (8, _is_judgment),
    "replies": (2, _is_reply),
    "in_flight": (4, is_mark),
}
_NUMBERED = ("judgments", "in_flight")
"""Tables whose rows have numbers, so that it is known which of them are missing."""


class _Rows:
    """The rows of a table that can be read: from its start, from its end, and between by number.

    Attributes:
        found: Rows that were read.
        missing: Numbers between two readable rows at which there is none.
        broken: Whether a part of the table could not be read.
    """

    def __init__(self, connection: sqlite3.Connection, table: str) -> None:
        self.found = self.missing = 0
        self.broken = False
        self._connection = connection
        self._table = table
        self._key = "rowid" if table in _NUMBERED else "key"

    def read(self) -> Iterator[tuple[Any, ...]]:
        """Yield each once."""
        first: Any = None
        for key, *row in self._ordered("ASC"):
            first = key
            yield tuple(row)
        if not self.broken:
            return
        last: Any = None
        for key, *row in self._ordered("DESC"):
            if first is not None and key <= first:
                break
            last = key
            yield tuple(row)
        if self._key == "rowid" and first is not None:
            yield from self._between(first, last)

    def _ordered(self, way: str) -> Iterator[tuple[Any, ...]]:
        query = f"SELECT {self._key}, * FROM {self._table} NOT INDEXED ORDER BY {self._key} {way}"
        try:
            for row in self._connection.execute(query):
                self.found += 1
                yield row
        except SQLITE_ERRORS:
            self.broken = True

    def _between(self, first: int, last: int | None) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a gap; of one without an end, until no more can be expected."""
        end = first + _MOST_PROBES if last is None else min(last, first + _MOST_PROBES)
        query = f"SELECT * FROM {self._table} NOT INDEXED WHERE rowid = ?"
        gap = 0
        for number in range(first + 1, end):
            try:
                row = self._connection.execute(query, (number,)).fetchone()
            except SQLITE_ERRORS:
                row = None
            if row is None:
                gap += 1
                if last is None and gap > _LAST_GAP:
                    break
                continue
            self.found += 1
            self.missing += gap
            gap = 0
            yield row
        if last is not None:
            self.missing += gap

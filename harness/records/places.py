"""Where a command writes: never over what it reads, what it writes besides, or an SQLite file."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

from harness.nouns.errors import HarnessError, InputError
from harness.records.writes import make_folder, refuse_store, writing

Places: TypeAlias = "Sequence[tuple[str, Path | None]]"
"""What each path was given as, such as ``--out``; None is a path that was not given."""


def keep_apart(written: Places, read: Places, stores: Places = ()) -> None:
    """Refuse to write a file over another one of the same command, under whatever name.

    Args:
        written: Files that are replaced.
        read: Files that are read.
        stores: SQLite files that are read and written, such as the labels of the label page.

    Raises:
        InputError: Two are one file, or one that would be replaced holds labels or a journal.
    """
    replaced = [(name, path) for name, path in written if path is not None]
    kept = [(name, path) for name, path in stores if path is not None]
    for at, (name, path) in enumerate(made := [*kept, *replaced]):
        for other, place in [*made[:at], *read]:
            if place is not None and _same(path, place):
                raise InputError(
                    f"{other} and {name} are the same file, which would be overwritten",
                    where=str(path),
                    hint=f"give {name} another name",
                )
    for _, path in replaced:
        refuse_store(path)


def _same(one: Path, other: Path) -> bool:
    try:
        there = one.exists(), other.exists()
        if all(there):
            return one.is_file() and one.samefile(other)
        return not any(there) and os.path.realpath(one) == os.path.realpath(other)
    except (OSError, ValueError):  # whoever opens it tells what is wrong with it
        return False


WORKS = "another process is working in {what}{who}", "wait for it, or stop it"
"""What is said where another process holds something, and what to do."""

_held_here: set[int] = set()


@contextlib.contextmanager
def locked(lock: Path, what: Path, says: tuple[str, str] = WORKS) -> Iterator[None]:
    """Hold a file or folder for this process; the lock goes with it, however it ends.

    Processes that it forks do not hold it: a worker that outlives a killed process would, else.

    Args:
        lock: File to hold; a kill leaves it behind, which does no harm.
        what: What is held, for the message.
        says: That message with ``{what}`` and ``{who}``, and a hint.

    Raises:
        HarnessError: Another process holds it.
        InputError: The lock cannot be made, or not on this file system.
    """
    make_folder(lock.parent)
    while (file := _held(lock, what, says)) is None:
        pass  # its last holder took the name away in between
    owner = os.getpid()
    _let_go_in_forks()
    _held_here.add(file)
    try:
        yield
    finally:
        if os.getpid() == owner:
            _held_here.discard(file)
            with contextlib.suppress(OSError):
                lock.unlink()
            os.close(file)


def _held(lock: Path, what: Path, says: tuple[str, str]) -> int | None:
    import fcntl

    with writing(lock):
        file = os.open(lock, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        with writing(lock):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_open(file, lock):
                os.truncate(file, 0)
                os.pwrite(file, str(os.getpid()).encode(), 0)
                return file
    except InputError as error:
        holder = os.pread(file, 20, 0).decode("ascii", "replace")
        os.close(file)
        if not isinstance(error.__cause__, BlockingIOError):
            raise
        who = f" (process {holder})" if holder.isdecimal() else ""
        told, hint = says
        raise HarnessError(f"{told.format(what=what, who=who)}\n  hint: {hint}") from error
    os.close(file)
    return None


@functools.cache
def _let_go_in_forks() -> None:
    """Close the locks of a process in those that it forks from now on; it keeps them itself."""

    def let_go() -> None:
        while _held_here:
            with contextlib.suppress(OSError):
                os.close(_held_here.pop())

    os.register_at_fork(after_in_child=let_go)


def _is_open(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False

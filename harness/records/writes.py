"""Files that appear under their name only when they are whole: a kill leaves the old one."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from harness.nouns.errors import InputError
from harness.nouns.redaction import redact, redacted_json
from harness.records.rows import to_dict

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
ROOM = "make room, and run the same command again"


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Do something that writes to a path.

    Raises:
        InputError: It cannot be written: a full disk, no right to, a folder of that name.
    """
    try:
        yield
    except OSError as error:
        hint = ROOM if error.errno in FULL else "name a place where you may write"
        what = f"cannot write it: {error.strerror or error}"
        raise InputError(what, where=str(path), hint=hint) from error


@contextmanager
def saving(path: Path) -> Iterator[None]:
    """Save weights to a path, and do what goes with it.

    Raises:
        InputError: The disk is full, whichever library says so: safetensors writes the number of
            the error into its text, and torch only that its writer failed.
    """
    try:
        yield
    except Exception as error:
        number = re.search(r"os error (\d+)", str(error))
        code = error.errno if isinstance(error, OSError) else int(number[1]) if number else 0
        if code not in FULL and not re.search("PytorchStreamWriter|inline_container", str(error)):
            raise
        what = os.strerror(code) if code else "torch's writer failed"
        raise InputError(f"cannot write it: {what}", where=str(path), hint=ROOM) from error


def make_folder(path: Path) -> None:
    """Make a folder and those above it, unless they are there.

    Raises:
        InputError: A file has its name or that of one above it, or it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"cannot make this folder: {error.strerror}",
            where=str(path),
            hint="name a folder that is not a file, nor in one",
        ) from error


def keep_private(path: Path) -> None:
    """Make a file that only its owner may read, unless it is there; else let no other read it."""
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    if path.stat().st_mode & 0o077:
        path.chmod(0o600)


@contextmanager
def whole(path: Path, private: bool = False) -> Iterator[Path]:
    """Yield where to write a file; it gets its name when all of it is written, else it goes.

    Several processes may write the same file at once: the last one stays. With ``private`` only
    its owner may read it. A link stays one; a device or a pipe, such as /dev/null, is written to.

    Raises:
        InputError: It cannot be written, for example because the disk is full.
    """
    make_folder(path.parent)
    path = path.resolve() if path.is_symlink() or not path.name else path
    if not path.name:
        raise InputError("it is a folder", where=str(path), hint="name a file in it")
    if path.exists() and not path.is_file() and not path.is_dir():
        with writing(path):
            yield path
        return
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    with writing(path):
        try:
            if private:
                keep_private(part)
            yield part
            part.replace(path)
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)


def refuse_store(path: Path) -> None:
    """Refuse to replace an SQLite file: labels that people gave, or what was paid for.

    Raises:
        InputError: There is one of that name.
    """
    with suppress(OSError, ValueError):
        if path.is_file():
            with path.open("rb") as file:
                if file.read(16) == b"SQLite format 3\0":
                    raise InputError(
                        "it holds labels or a journal (SQLite), which no other file replaces",
                        where=str(path),
                        hint="write to another name",
                    )


def write_jsonl(path: Path, records: Iterable[Any], *, private: bool = False) -> None:
    """Write records (dataclasses or mappings) one a line without secrets, all or nothing.

    Half of a surrogate pair, which replies of models may hold, is written as its JSON escape.

    Args:
        path: A JSONL file.
        records: What to write.
        private: Whether only the file's owner may read it.
    """
    refuse_store(path)
    with (
        whole(path, private) as part,
        part.open("w", encoding="utf-8", errors="backslashreplace") as file,
    ):
        for record in records:
            row = record if isinstance(record, Mapping) else to_dict(record)
            file.write(redacted_json(row, ensure_ascii=False) + "\n")


def write_json(path: Path, content: Any, *, private: bool = False) -> None:
    """Write one JSON document without secrets, all or nothing."""
    _write(path, redacted_json(content, ensure_ascii=False, indent=1) + "\n", private)


def write_text(path: Path, text: str, *, private: bool = False) -> None:
    """Write a text without secrets, all or nothing; half of a surrogate pair becomes its escape."""
    _write(path, redact(text), private)


def _write(path: Path, text: str, private: bool) -> None:
    refuse_store(path)
    with whole(path, private) as part:
        part.write_text(text, encoding="utf-8", errors="backslashreplace")

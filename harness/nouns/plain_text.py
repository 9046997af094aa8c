"""Bytes of files, JSON and texts as the harness takes them in: bounded, and plain characters."""

from __future__ import annotations

import codecs
import json
import re
import stat
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from harness.nouns.errors import DataError, InputError

MAX_DEPTH = 100
"""Lists and mappings inside each other; what is nested deeper is refused."""

MAX_DIGITS = 4300
"""Digits of a whole number; the interpreter neither reads nor writes longer ones."""

_ESCAPED_HALF = re.compile(r"\\u[dD][89a-fA-F]")
_HALF = re.compile("[\ud800-\udfff]")
_MARKS = re.compile(r"([^\w\s]{31,}+)")
"""Marks, among them accents: a stream-safe text (UAX #15, section 13) has at most 30 in a row."""
_STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""What moves a terminal's cursor, changes its state or turns the direction of what follows."""


def visible(text: str) -> str:
    """Return a text as a terminal may show it: what would steer the terminal is spelled out."""
    return _STEERING.sub(lambda found: ascii(found[0])[1:-1], text)


def need_file(path: Path, kind: type[InputError] = DataError) -> None:
    """Refuse what is no file.

    Raises:
        InputError: Of this kind; there is nothing of that name, it is a folder, or a folder above
            it may not be entered.
    """
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        raise _unreadable(path, error, kind) from error
    if stat.S_ISDIR(mode):
        raise kind("it is a folder, not a file", where=str(path))
    if not stat.S_ISREG(mode):
        raise kind("it is no file but a pipe or a device", where=str(path))


def opened(path: Path, kind: type[InputError] = DataError) -> BinaryIO:
    """Open a file to read its bytes.

    Raises:
        InputError: Of this kind; it is missing, is no file, or may not be read.
    """
    need_file(path, kind)
    try:
        return path.open("rb")
    except OSError as error:
        raise _unreadable(path, error, kind) from error


def file_bytes(path: Path, kind: type[InputError] = DataError) -> bytes:
    """Return what is in a file.

    Raises:
        InputError: Of this kind; it is missing, is no file, or may not be read.
    """
    with opened(path, kind) as file:
        try:
            return file.read()
        except OSError as error:
            raise _unreadable(path, error, kind) from error


def file_text(path: Path, kind: type[InputError] = DataError) -> str:
    """Return the UTF-8 text of a file, without its byte order mark.

    Raises:
        InputError: Of this kind; as of ``file_bytes``, or it is not UTF-8.
    """
    return utf8(file_bytes(path, kind), path, kind)


def utf8(data: bytes, path: object, kind: type[InputError] = DataError) -> str:
    """Return the text of the bytes of a file, without its byte order mark.

    Raises:
        InputError: Of this kind; they are not UTF-8.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise kind(
            f"not UTF-8: byte 0x{data[error.start]:02x} in line {line}",
            where=str(path),
            hint=how_to_utf8(data),
        ) from error


def how_to_utf8(data: bytes) -> str:
    """Return how bytes that begin a file, or a line of one, may become UTF-8."""
    if data.startswith((b"\x1f\x8b", b"PK\x03\x04", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")):
        return "it is compressed: unpack it"
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "save it as UTF-8, such as by iconv -f utf-16 -t utf-8"
    return "save it as UTF-8, such as by iconv -f latin1 -t utf-8"


def lines_of(file: BinaryIO, path: Path) -> Iterator[bytes]:
    """Yield the lines of a file.

    Raises:
        DataError: They cannot be read.
    """
    try:
        yield from file
    except OSError as error:
        raise _unreadable(path, error, DataError) from error


def _unreadable(path: Path, error: Exception, kind: type[InputError]) -> InputError:
    where = f"{path!s:.200}"
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        if path.is_symlink():
            return kind(f"a link to {path.readlink()}, which is not there", where=where)
        return kind("no such file", where=where)
    reason = error.strerror if isinstance(error, OSError) else str(error)
    hint = "give yourself the right to read it" if isinstance(error, PermissionError) else ""
    return kind(f"cannot be read: {reason}", where=where, hint=hint)


def has_long_marks(text: str) -> bool:
    """Tell whether a text has more than 30 accents in a row, which ``composed`` leaves alone."""
    return not text.isascii() and any(
        sum(unicodedata.combining(mark) > 0 for mark in found[0]) > 30
        for found in _MARKS.finditer(text)
    )


def composed(text: str) -> str:
    """Return a text in Unicode's composed form, NFC, but for long runs of marks or accents.

    Putting the accents of one letter into order takes the square of their number.
    """
    if text.isascii():
        return text
    return "".join(
        part if _MARKS.fullmatch(part) else unicodedata.normalize("NFC", part)
        for part in _MARKS.split(text)
    )


def whole_characters(text: str) -> str:
    """Return a text in which halves of surrogate pairs are joined, or U+FFFD where one is alone.

    A half has no UTF-8: it could be neither printed, nor written, nor hashed, nor sent.
    """
    if _HALF.search(text) is None:
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def parsed_json(text: str | bytes) -> Any:
    """Parse JSON in which no object has a key twice; its texts are ``whole_characters``.

    Raises:
        JSONDecodeError: It is no JSON.
        ValueError: A key stands twice, so that one of its values would be lost; it is nested too
            deep, has a number that is too long, or is not UTF-8.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8-sig")
    text = text.removeprefix("\ufeff")
    try:
        found = json.loads(text, object_pairs_hook=_object)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    except json.JSONDecodeError:
        raise
    except ValueError as error:
        if "integer string conversion" in str(error):
            raise ValueError(f"a whole number has more than {MAX_DIGITS} digits") from None
        raise
    if text.count("[") + text.count("{") > MAX_DEPTH:
        _check_depth(found)
    return _cleaned(found) if _ESCAPED_HALF.search(text) else found


_TOO_DEEP = f"nested more than {MAX_DEPTH} deep"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        ((twice, _),) = Counter(key for key, _ in pairs).most_common(1)
        raise ValueError(f"key {twice!r:.60} stands twice in the object {found!r:.80}")
    return found


def _check_depth(found: Any) -> None:
    level = [found]
    for _ in range(MAX_DEPTH + 1):
        level = [
            part
            for one in level
            if isinstance(one, dict | list)
            for part in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return
    raise ValueError(_TOO_DEEP)


def _cleaned(found: Any) -> Any:
    if isinstance(found, str):
        return whole_characters(found)
    if isinstance(found, list):
        return [_cleaned(one) for one in found]
    if isinstance(found, dict):
        return _object([(whole_characters(key), _cleaned(one)) for key, one in found.items()])
    return found

"""Other spellings of a text, as URLs, JSON, HTML and dumps write letters, read back with places."""

from __future__ import annotations

import html
import re
from bisect import bisect_right
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

ROUNDS = 5
"""How many times a text may be spelled again that was spelled in another way already."""

_ONE = {"n": "\n", "r": "\r", "t": "\t"}
_H = "[0-9a-f]"
_GAP = r",(?:\s|\\{1,8}[nrt]){0,16}"
_BACK = re.escape("\\")


def _letter_of(mark: str, low: str, leads: tuple[str, ...], one: str) -> str:
    """Return a pattern of one letter: the bytes of its UTF-8, each after a mark; or one byte."""
    more = (f"{mark}{lead}(?:{mark}{low}){{{count}}}" for count, lead in enumerate(leads, 1))
    return "|".join([*more, mark + one])


_HEX = (f"[89ab]{_H}", (f"[cd]{_H}", f"e{_H}", f"f{_H}"), _H * 2)
_OCTAL = ("2[0-7]{2}", ("3[0-3][0-7]", "34[0-7]", "36[0-7]"), "[0-3][0-7]{2}")
_SPELLED = re.compile(
    f"(?P<url>{_letter_of('%', *_HEX)})|(?P<x>{_letter_of(_BACK + 'x', *_HEX)})"
    f"|(?P<octal>{_letter_of(_BACK, *_OCTAL)})"
    rf"|(?P<u>[\\%]ud[89ab]{_H}{{2}}[\\%]ud[c-f]{_H}{{2}}|[\\%]u{_H}{{4}})"
    rf"|\\(?:u\{{(?P<brace>{_H}{{1,6}})\}}|(?P<one>[\\\"'/nrt]))"
    r"|(?P<html>&(?:#[0-9]{1,10}|#x[0-9a-f]{1,8});?|&[a-z]{2,10};)"
    rf"|(?P<numbers>[0-9]{{2,3}}(?:{_GAP}[0-9]{{2,3}}){{7,}})"
    rf"|(?P<hex>(?:0x)?{_H}{{2}}(?:[ :,-]{{1,2}}(?:0x)?{_H}{{2}}){{7,}})",
    re.IGNORECASE,
)
_MARKS = re.compile(
    r"%u?[0-9a-f]{2}|\\(?:u00[2-7]|u\{|x[2-9a-f]|[01][0-7]{2}|/)|&#|&[a-z]{2,10};", re.IGNORECASE
)
_DUMPED = re.compile(
    rf"[2-7]{_H}[ :,-]{{1,2}}(?:0x)?{_H}{{2}}(?:[ :,-]{{1,2}}(?:0x)?{_H}{{2}}){{5}}"
    rf"|(?:[2-9]|1[0-2])[0-9]{_GAP}[0-9]{{2,3}}(?:{_GAP}[0-9]{{2,3}}){{5}}",
    re.IGNORECASE,
)
"""What a text has in which seven letters of ASCII are spelled; cheap to look for."""


class View:
    """A text with what was spelled in another way read once, and where each letter stood.

    Args:
        text: As it was read.
        starts: Where in it each piece starts; a piece is taken over as it was, or was spelled.
        sources: Where the pieces started in the text before.
        spelled: Whether each piece was.
    """

    def __init__(
        self, text: str, starts: list[int], sources: list[int], spelled: list[bool]
    ) -> None:
        self.text = text
        self._starts, self._sources, self._spelled = starts, sources, spelled

    def source(self, start: int, end: int) -> tuple[int, int]:
        """Return where a part of the text stood in the text before."""
        first = bisect_right(self._starts, start) - 1
        last = bisect_right(self._starts, end - 1) - 1
        begin, stop = self._sources[first], self._sources[last + 1]
        if not self._spelled[first]:
            begin += start - self._starts[first]
        if not self._spelled[last]:
            stop = self._sources[last] + end - self._starts[last]
        return begin, stop


def views(text: str, whole: bool = False) -> Iterator[list[View]]:
    """Yield a text read once, twice and so on, each with the views that lead there.

    Args:
        text: Any; one in which no common letter is spelled in another way is not read at all.
        whole: Read it all the same, for quotes, backslashes and letters beyond ASCII.
    """
    path: list[View] = []
    while len(path) < ROUNDS:
        view = _read(path[-1].text if path else text, whole)
        if view is None:
            return
        path.append(view)
        yield path


def _read(text: str, whole: bool) -> View | None:
    """Return a text read once; None where nothing in it is spelled in another way."""
    if not (whole or _MARKS.search(text) or _DUMPED.search(text)):
        return None
    pieces: list[str] = []
    starts, sources, spelled = [0], [0], [False]
    length = done = 0
    for found in _SPELLED.finditer(text):
        pieces += [text[done : found.start()], _said(found)]
        starts += [length := length + len(pieces[-2]), length := length + len(pieces[-1])]
        sources += [found.start(), done := found.end()]
        spelled += [True, False]
    if not pieces:
        return None
    pieces.append(text[done:])
    sources.append(len(text))
    return View("".join(pieces), starts, sources, spelled)


def _said(found: re.Match[str]) -> str:
    """Return what stands in a text in another spelling."""
    kind, text = found.lastgroup, found[0]
    if kind == "one":
        return _ONE.get(text[1], text[1])
    if kind == "url":
        return _letter(unquote_to_bytes(text))
    if kind == "x":
        return _letter(bytes.fromhex(text[2:].lower().replace("\\x", "")))
    if kind == "octal":
        return _letter(bytes(int(byte, 8) for byte in text[1:].split("\\")))
    if kind == "u":
        units = bytes.fromhex(text[2:6] + text[8:])
        return units.decode("utf-16-be", errors="replace")
    if kind == "brace":
        code = int(found["brace"], 16)
        return chr(code) if code < 0x110000 else "\ufffd"
    if kind == "html":
        return html.unescape(text)
    return _dumped(text, kind == "numbers")


def _letter(raw: bytes) -> str:
    """Return a letter of UTF-8; the byte's own of Latin-1 where it is none."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _dumped(text: str, decimal: bool) -> str:
    """Return what a list of bytes spells; numbers of two digits may be of either base."""
    if not decimal:
        pairs = re.findall(_H + "{2}", text.lower().replace("0x", ""))
        return bytes.fromhex("".join(pairs)).decode(errors="replace")
    numbers = re.findall("[0-9]+", text)
    raw = bytes(number if number < 256 else 0 for number in map(int, numbers))
    if all(len(number) == 2 for number in numbers):
        raw += b"\0" + bytes.fromhex("".join(numbers))
    return raw.decode(errors="replace")

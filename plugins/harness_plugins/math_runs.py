"""Split prose into words and runs of numbers, formulas and what joins them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness_plugins.math_formulas import is_prose

ENVIRONMENT = re.compile(
    r"\$\$(?P<a>[^$]{1,1000})\$\$|(?<![\\\d])\$(?P<b>(?:\\\$|[^$\n]){1,500})(?<!\\)\$"
    r"|\\\((?P<c>(?:[^\\]|\\(?!\))){1,1000})\\\)|\\\[(?P<d>(?:[^\\]|\\(?!\])){1,1000})\\\]"
)
_TOKEN = re.compile(
    r"[\u3040-\u9fff\uac00-\ud7af]+|\S(?:(?!\\[(\[]|\$|[\u3040-\u9fff\uac00-\ud7af])\S)*"
)
_OPERATOR = re.compile(r"[-+*/=<>^,;|&:!]+|\\(?:times|cdot|pm|le|ge|ne|leq|geq|approx|cup|in|frac)")
_LETTER = re.compile(r"[A-Za-z](?:_\{?\w{1,3}\}?)?|[A-Za-z]\([A-Za-z](?:,[A-Za-z])*\)")
_NUMERIC = re.compile(r"[\d½¼¾⅓⅔]|\\[A-Za-z]")
_RATE = re.compile(r"(?<=[\d$])/[a-z]{2,12}$")


def tokens_of(text: str) -> list[tuple[int, int, str, str]]:
    """Split a text into words, numbers, formulas, operators, letters and joining words."""
    return [(start, end, word, _kind(word)) for start, end, word in _words(text)]


def _words(text: str) -> Iterator[tuple[int, int, str]]:
    place = 0
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        match = ENVIRONMENT.match(text, place)
        if match is None or is_prose(match["a"] or match["b"] or match["c"] or match["d"]):
            match = _TOKEN.match(text, place)
            assert match is not None
        yield (*match.span(), match[0])
        place = match.end()


def _kind(word: str) -> str:
    if ENVIRONMENT.fullmatch(word):
        return "math"
    if word.strip(",").lower() in ("and", "or", "或", "和"):
        return "joint"
    if word == "*":
        return "operator"
    bare = word.strip('*`"').rstrip(".:;?,")
    if not bare:
        return "mark" if word.strip('*`"') in (",", ";") else "none"
    if _OPERATOR.fullmatch(bare):
        return "operator"
    if _LETTER.fullmatch(bare):
        return "letter"
    if _NUMERIC.search(bare) and len(bare) < 500 and not is_prose(_RATE.sub("", bare)):
        return "math" if re.match(r"[-+(\[{|\\$€£¥.\d]|[A-Za-z]{1,3}(?:\W|_|\d)", bare) else "word"
    return "word"


def runs_of(tokens: list[tuple[int, int, str, str]]) -> list[tuple[int, int]]:
    """Return first and last token of every run that may be one formula, number or list."""
    runs: list[tuple[int, int]] = []
    first: int | None = None
    for place in range(len(tokens) + 1):
        kind = tokens[place][3] if place < len(tokens) else "word"
        if kind in ("word", "none"):
            if first is not None:
                runs += _trimmed(tokens, first, place - 1)
            first = None
            continue
        if first is None:
            first = place
        if re.search(r"[.?!:;]['\"*)]*$", tokens[place][2]) and kind == "math":
            runs += _trimmed(tokens, first, place)
            first = None
    return runs


def _trimmed(
    tokens: list[tuple[int, int, str, str]], first: int, last: int
) -> list[tuple[int, int]]:
    """Leave out joining words, marks and lone letters at either end; nothing without a number."""
    while first <= last and (
        tokens[last][3] in ("joint", "mark", "operator") or tokens[last][2] in ("a", "A", "I")
    ):
        last -= 1
    while first <= last:
        kind = tokens[first][3]
        follows = tokens[first + 1][3] if first < last else ""
        if kind in ("joint", "mark") or (kind == "letter" and follows not in ("operator", "mark")):
            first += 1
        elif kind == "operator" and tokens[first][2] not in ("-", "+", "\\pm"):
            first += 1
        else:
            break
    kinds = {tokens[place][3] for place in range(first, last + 1)}
    return [(first, last)] if "math" in kinds else []

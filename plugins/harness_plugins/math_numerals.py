"""Read what is no formula: numerals, mixed numbers, times, dates, numbers of other bases."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, Literal

from harness_plugins.math_signs import TEXT

Kind = Literal[
    "number",
    "formula",
    "list",
    "words",
    "time",
    "date",
    "based",
    "ratio",
    "choice",
    "residue",
    "chain",
]
_GROUP = r"(?:,\\!\s*|,|\{,\}|\\,|\s|')"
_NUMERAL = re.compile(
    r"(?P<sign>[+-]?)\s*(?P<whole>\d{1,3}(?:" + _GROUP + r"\d{3})+(?!\d)|\d+)?"
    r"(?:\.(?P<part>\d*))?(?:\s*[eE](?P<power>[+-]?\d{1,4}))?"
)
_TIMES_TEN = re.compile(
    r"(?P<head>[+-]?\s*\d+(?:\.\d*)?|[+-]?\.\d+)\s*(?:\\times|\\cdot|\*|x)\s*10\s*"
    r"(?:\^|\*\*)\s*(?:\{\s*(?P<braced>[+-]?\d{1,4})\s*\}|\(?(?P<bare>[+-]?\d{1,4})\)?)"
)
_REPEATED = re.compile(
    r"(?P<sign>[+-]?)(?P<whole>\d*)\.(?P<part>\d*)"
    r"(?:\\(?:overline|bar)\s*\{(?P<bar>\d+)\}|\((?P<round>\d+)\)"
    r"|\\dot\s*\{?(?P<first>\d)\}?(?:(?P<middle>\d*)\\dot\s*\{?(?P<last>\d)\}?)?)"
)
_MIXED = re.compile(
    r"(?P<sign>[+-]?)\s*(?P<whole>\d+)\s*(?:\\[ ,;])?"
    r"(?:\\[dtc]?frac\s*(?:\{(?P<top>\d+)\}\s*\{(?P<bottom>\d+)\}|(?P<t>\d)\s*(?P<b>\d))"
    r"|(?:\s|-|\s+and\s+)(?P<over>\d+)\s*/\s*(?P<under>\d+))"
)
_TIME = re.compile(
    r"(?P<hour>\d{1,2}):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?\s*(?P<half>[ap]\.?m\.?)?", re.I
)
_DATE = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})")
_DAY = re.compile(r"\d{1,2}([-/.])\d{1,2}\1\d{4}")
_RATIO = re.compile(r"\s*[^:,;=<>]{1,60}(?:\s*:\s*[^:,;=<>]{1,60}){2,9}")
_BASED = re.compile(
    r"\(?(?:"
    + TEXT
    + r"\{)?(?P<digits>[0-9A-Fa-f][0-9A-Fa-f,\s]*)\}?\)?\s*_\s*(?:\{\s*(?:"
    + TEXT
    + r"\{)?"
    r"(?P<base>[A-Za-z\d]+)\}?\s*\}|(?P<bare>\d+))"
)
_DOLLARS = re.compile(
    r"^(?:" + TEXT + r"\{\s?US(?:D|\s?\\?\$)?\s?\}|USD?)(?:\s|\\[ ,;])*(?:\\?\$)?\s*(?=[\d.])"
)
_REMAINDER = re.compile(r"(\d{1,9})\s?\\bmod\s?\{?([1-9]\d{0,8})\}?")
_QUOTIENT = re.compile(
    r"(-?\d{1,12})\s?(?:\\[ ,;])?(?:"
    + TEXT
    + r"\{\s?)?(?:[Rr]\.?|rem(?:ainder|\.)?)(?:\s?\})?(?:\\[ ,;])?\s?"
    r"(\d{1,12})(?:\\[ ,;]?)?"
)
_RESIDUE = re.compile(
    r"(?:(?P<name>[a-z])\s?(?:\\equiv(?![A-Za-z])|=|\u2261)\s?)?"
    r"(?P<value>-?\d{1,12})\s?(?:\\[ ,;]|\\quad)?\s?"
    r"(?:\\p?mod\s?\{?\s?|(?:"
    + TEXT
    + r"\{)?\s?\(?\s?(?:\\)?mod\s?\}?\s?)(?P<of>[1-9]\d{0,11})\s?[)}]{0,2}"
)
_SIGNS = {"pounds": "£", "euro": "€", "yen": "¥"}
_BASES = "zero one two three four five six seven eight nine ten eleven twelve".split()


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, understood as a whole.

    Args:
        text: As it was read, without what it was wrapped in.
        kind: What it is.
        value: An exact number, the words, what joins a list, (hour, minute, second, half), (year,
            month, day), (base, digits), (R or mod, number, number), or the formula that math-verify
            makes of it (None where it makes none of it).
        items: The members of a list.
        brackets: What opens and closes a list: ``()``, ``[)``, ``{}``, ``<>``; nothing where it
            stands bare, and ``?`` in braces that LaTeX does not show.
        rounded: Whether a number is written with decimal places.
        percent: Whether a percent sign follows.
        unit: The unit that follows.
        name: What stands before an equals sign.
    """

    text: str
    kind: Kind
    value: Any = None
    items: tuple[Answer, ...] = ()
    brackets: str = ""
    rounded: bool = False
    percent: bool = False
    unit: str = ""
    name: str = field(default="")


def number(bare: str) -> Answer | None:
    """Read a numeral: grouped, decimal, scientific, repeating, mixed, with a sign of money."""
    bare = re.sub(r"^\\(pounds|euro|yen)(?![a-z])\s*", lambda m: _SIGNS[m[1]], bare)
    bare = re.sub(TEXT + r"\{\s?(\\?[$€£¥₹₽₩¢])\s?\}", r"\1", bare)
    bare = _DOLLARS.sub(r"\\$", bare)
    if rest := _REMAINDER.fullmatch(bare):
        return Answer(bare, "number", Fraction(int(rest[1]) % int(rest[2])))
    money = re.match(r"[+-]?\s*(\\?\$|[€£¥₹₽₩])\s*(?=[\d.])", bare)
    money = money or re.search(r"(?<=\d)\s*(\\?\$|[€£¥₹₽₩¢])$", bare)
    if money is not None:
        found = number((bare[: money.start(1)] + bare[money.end(1) :]).strip())
        return None if found is None else replace(found, text=bare, unit=money[1].lstrip("\\"))
    text = bare
    if match := _NUMERAL.fullmatch(text):
        digits = re.sub(r"\D", "", match["whole"] or "")
        part = match["part"] or ""
        if not digits and not part:
            return None
        value = Fraction(int(digits + part or "0"), 10 ** len(part))
        value *= Fraction(10) ** int(match["power"] or 0)
        rounded = bool(part) or match["power"] is not None
        return _signed(bare, match["sign"], value, rounded)
    if match := _TIMES_TEN.fullmatch(text):
        head = number(match["head"])
        if head is not None:
            value = head.value * Fraction(10) ** int(match["braced"] or match["bare"])
            return Answer(bare, "number", value, rounded=True)
    if match := _REPEATED.fullmatch(text):
        again = match["bar"] or match["round"]
        if again is None:
            again = match["first"] + (match["middle"] or "") + (match["last"] or "")
        tail = Fraction(int(again), (10 ** len(again) - 1) * 10 ** len(match["part"]))
        head_digits = (match["whole"] or "") + match["part"]
        value = Fraction(int(head_digits or "0"), 10 ** len(match["part"])) + tail
        return _signed(bare, match["sign"], value, False)
    if match := _MIXED.fullmatch(text):
        top = int(match["top"] or match["t"] or match["over"])
        bottom = int(match["bottom"] or match["b"] or match["under"])
        if top < bottom:
            return _signed(bare, match["sign"], int(match["whole"]) + Fraction(top, bottom), False)
    return None


def _signed(text: str, sign: str, value: Fraction, rounded: bool) -> Answer:
    return Answer(text, "number", -value if sign == "-" else value, rounded=rounded)


def decimal_comma(bare: str) -> list[Answer]:
    """``1,22`` may be a number as well as a list."""
    match = re.fullmatch(r"([+-]?)(\d+),(\d+)", bare)
    if match is None or (len(match[3]) == 3 and not match[2].startswith("0")):
        return []
    value = Fraction(int(match[2] + match[3]), 10 ** len(match[3]))
    return [_signed(bare, match[1], value, True)]


def written(bare: str) -> Answer | None:
    """Times, dates, ratios, quotients with a remainder, residues, numbers of another base."""
    if match := _TIME.fullmatch(re.sub(TEXT + r"\{([^{}]*)\}", r"\1", bare)):
        half = (match["half"] or "").replace(".", "").lower()
        parts = tuple(int(match[name] or 0) for name in ("hour", "minute", "second"))
        return Answer(bare, "time", (*parts, half))
    if match := _DATE.fullmatch(bare):
        return Answer(bare, "date", (int(match[1]), int(match[3]), int(match[4])))
    if _DAY.fullmatch(bare):
        return Answer(bare, "date", tuple(int(part) for part in re.findall(r"\d+", bare)))
    if _RATIO.fullmatch(bare) and not re.search(r"[A-Za-z]{4}", re.sub(r"\\[a-z]+", "", bare)):
        items = [number(part.strip()) for part in bare.split(":")]
        return Answer(bare, "ratio", None, tuple(one for one in items if one is not None))
    if match := _QUOTIENT.fullmatch(bare):
        return Answer(bare, "residue", ("R", int(match[1]), int(match[2])))
    if match := _RESIDUE.fullmatch(bare):
        modulus = int(match["of"])
        value = ("mod", int(match["value"]) % modulus, modulus)
        return Answer(bare, "residue", value, name=match["name"] or "")
    if match := _BASED.fullmatch(bare):
        base = (match["base"] or match["bare"]).lower()
        base = str(_BASES.index(base)) if base in _BASES else base
        digits = re.sub(r"[\s,]", "", match["digits"]).lstrip("0").upper() or "0"
        if base.isdigit() and all(int(digit, 16) < int(base) for digit in digits):
            return Answer(bare, "based", (base, digits))
    return None

"""Numbers as people and models write them, read whole: a part of a number is another number."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

LONGEST = 300
"""Digits of a number that is read."""

DASHES = "-\u2212\u2010\u2011\u2012\u2013\ufe63\uff0d"
CURRENCIES = "$\u20ac\u00a3\u00a5\u20b9\u20a9\u20bd\u20ba\uff04"
VULGAR = {chr(c): Fraction(unicodedata.numeric(chr(c))).limit_denominator(100)
          for c in (0xBC, 0xBD, 0xBE, *range(0x2150, 0x215F))}  # fmt: skip
_SUPER = "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079"
_GAPS = "\u00a0\u2009\u202f'\u2019"
_LATEX_GAP = re.compile(r"(?<=\d)(?:\{,\}|,\\!|\\,)(?=\d)")
_FRACTION = re.compile(r"\\[dtc]?frac\s*(?:\{\s*(\d+)\s*\}\s*\{\s*(\d+)\s*\}|(\d)\s*(\d)(?!\d))")
_SCALES = {
    "hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12,
    "dozen": 12, "\u767e": 100, "\u5343": 1000, "\u4e07": 10**4, "\u4ebf": 10**8,
}  # fmt: skip
_SCALED = re.compile(
    r"(?:\s|\\[,;: ]|~)?(?:\\text\{\s?)?(hundred|thousand|million|billion|trillion|dozen)\b"
    r"|([\u767e\u5343\u4e07\u4ebf])",
    re.IGNORECASE,
)

# Each repetition begins with a character that the one before it cannot take.
_POWER = (
    rf"\s?(?:[*x\u00d7\u00b7]|\\times|\\cdot)\s?10(?:\s?(?:\^|\*\*)\s?\{{?"
    rf"(?P<power>[{DASHES}+]?\d++)\}}?|(?P<raised>\u207b?[{_SUPER}]++))"
)
_WRITTEN = re.compile(
    rf"(?P<digits>\d++(?:[.,{_GAPS}]\d++)*+|(?<![\w.])\.\d++)(?P<vulgar>[{''.join(VULGAR)}])?"
    rf"(?:[eE](?P<exponent>[{DASHES}+]?\d++)(?![\w.])|{_POWER})?|(?P<alone>[{''.join(VULGAR)}])"
)
_PLAIN = re.compile(r"\d++(?:\.\d++)?+|\.\d++")
_GROUPED = (
    re.compile(r"\d{1,3}(?:,\d{3})++(?:\.\d++)?+"),  # 1,234.5
    re.compile(rf"\d{{1,3}}(?:([{_GAPS}])\d{{3}})(?:\1\d{{3}})*+(?:[.,]\d{{1,2}})?+"),  # 1 234,5
    re.compile(r"\d{1,3}(?:\.\d{3})++,\d{1,2}"),  # 1.234,5
    re.compile(r"\d{1,3}(?:\.\d{3}){2,}+"),  # 1.234.567
)
_JOINED = re.compile(rf"[{DASHES}/\u2044\u2215:^_*x\u00d7]|\s[/\u2044\u2215]\s")
_LOWERED = re.compile(rf"(?:\^\{{?|\w_\{{?)[{DASHES}+]?\Z")
_ROOT = re.compile(r"(?:\\sqrt\s?(?:\[[^\]]{0,9}\])?\{?|\u221a[({]?)\Z")
_LETTERS = (
    "alpha|beta|gamma|theta|phi|lambda|mu|tau|omega|infty|ln|log|sin|cos|tan|binom|dfrac|tfrac|cbrt"
)
_GOES_ON = re.compile(
    rf"\s?\\(?:pi|sqrt|frac|e|{_LETTERS})\b|[\u03c0\u221a\u2080-\u2089{_SUPER}]|\*\*(?=[\d{{(])"
    r"|\^(?!\s?\{?\s?\\circ)|_\{"
    r"|(?:kk?|bn|mn|mio|[MBKijnxyzefoqruv])(?![^\W_])|\s(?:x|y|z|i|n)(?![^\W_])(?!\s?\d)"
    r"|\s?(?:[\u00b7\u00d7]|\\cdot|\\times)\s?[A-Za-z(]"
)
"""What follows makes another number of it, or may; degrees do not."""
_UNIT = (
    r"(?:[kcdmµu\u03bcn]?m|in|inch(?:es)?|ft|feet|foot|yd|yards?|mi|miles?|[cdkm]g|g|lbs?|oz|ms|s|secs?"
    r"|seconds?|mins?|minutes?|h|hrs?|hours?|units?|(?:centi|milli|kilo|deci)?met(?:er|re)s?|mol|[kM]?[NJWV]"
    r"|[kM]?Pa|[LAKC]|Hz)"
)
_RAISED_UNIT = (
    rf"{_UNIT}\s?\}}?\s?"
    rf"(?:(?:\^|\*\*)\s?\{{?\s?[{DASHES}]?\d(?!\.?\d)\s?\}}?|[\u207b{_SUPER}]{{1,2}})?+"
)
_OPENS = r"(?:[\s~}$*_`)]|\\[,;: ]|\\(?:text|textrm|mathrm|rm|operatorname|mathbf)(?![a-z])|\{)"
_MEASURED = re.compile(
    rf"(?<=\d){_OPENS}{{0,9}}(?<![A-Za-z]){_RAISED_UNIT}"
    rf"(?:\s?(?:[/\u00b7*\u22c5]|\\cdot|\\,|\bper\b)?\s?{_OPENS}{{0,5}}{_RAISED_UNIT}(?![A-Za-z])){{0,4}}+(?![A-Za-z])"
)
_EXPONENT = re.compile(rf"(?:\^|\*\*)\s?\{{?\s?[{DASHES}]?\d\s?\}}?")


@dataclass(frozen=True, slots=True)
class Number:
    """A number where it stands in a text.

    Args:
        value: Exact; None where digits stand together that are no one number (a time, a date,
            a range, a power, a root, 3,5).
        start: Where its sign or first digit is.
        end: After its last character, a percent sign not included.
    """

    value: Fraction | None
    start: int
    end: int


def plain(text: str) -> str:
    """Return a text in which what LaTeX puts between digits, and in fractions, is plain."""
    if "\\" in text or "{,}" in text:
        text = _FRACTION.sub(_fraction, _LATEX_GAP.sub(",", text))
    return text


def without_exponents(text: str) -> str:
    """Return a text in which units behind a number stand without exponents: cm^2, m/s^2."""
    if "^" not in text and "**" not in text:
        return text
    return _MEASURED.sub(lambda found: _EXPONENT.sub("", found[0]), text)


def _fraction(found: re.Match[str]) -> str:
    before = found.string[max(0, found.start() - 1) : found.start()]
    gap = " " if before.isdigit() else ""  # 7\frac12
    return f"{gap}{found[1] or found[3]}/{found[2] or found[4]}"


def _is_word(mark: str) -> bool:
    """Tell whether a sign is a digit or a letter of an alphabet; others stand beside numbers."""
    return mark.isdigit() or mark.lower() != mark.upper()


def numbers(text: str) -> Iterator[Number]:
    """Yield the numbers of a text (``plain``), from left to right, in linear time."""
    position = 0
    while found := _WRITTEN.search(text, position):
        start, end = found.start(), found.end()
        parts = [found]
        # What is joined without a blank is one thing.
        while end + 1 < len(text):
            mark = _JOINED.match(text, end)
            joined = _WRITTEN.match(text, mark.end()) if mark else None
            if joined is None:
                break
            parts.append(joined)
            end = joined.end()
        position = end
        before, after = text[max(0, start - 1) : start], text[end : end + 1]
        if before and _is_word(before) and after and _is_word(after):
            continue  # H2O
        value = _value(text, parts, start, end)
        if scaled := _SCALED.match(text, end):
            position = end = scaled.end()
            value = None if value is None else value * _SCALES[(scaled[1] or scaled[2]).lower()]
        yield Number(value, start, end)


def signed(text: str, number: Number) -> Number:
    """Return a number with the sign that stands before it.

    After a letter or a digit a dash is a hyphen or a subtraction, not a sign.
    """
    start, value = number.start, number.value
    at = start - 1
    if at >= 0 and text[at] in CURRENCIES:
        at -= 1
        if at >= 0 and text[at] == "\\":
            at -= 1
    elif at >= 0 and text[at] == " " and text[at - 1 : at] and text[at - 1] in DASHES:
        lead = text[max(0, at - 9) : at - 1].rstrip(" ")
        if lead.endswith("="):  # x = - 5
            return Number(None if value is None else -value, at - 1, number.end)
        return number
    if at > 0 and text[at] == "(" and text[number.end : number.end + 1] == ")":
        at -= 1  # -(5)
    before = text[at - 1] if at > 0 else " "
    if at >= 0 and text[at] in DASHES and not (_is_word(before) or before in "_)]}"):
        return Number(None if value is None else -value, at, number.end)
    return number


def number_of(text: str) -> Fraction | None:
    """Return the number that a text is, whole; None where it is none.

    A currency sign before it and a percent sign after it do not count.
    """
    text = plain(text).strip().strip("$").strip()
    found = next(numbers(text), None)
    if found is None:
        return None
    number = signed(text, found)
    lead, rest = text[: number.start], text[number.end :]
    if lead.strip(CURRENCIES + "+\\ ") or rest.strip(" .%\\"):
        return None
    return number.value


def _value(text: str, parts: list[re.Match[str]], start: int, end: int) -> Fraction | None:
    lead = text[max(0, start - 20) : start]
    if _ROOT.search(lead) or _LOWERED.search(lead) or _GOES_ON.match(text, end):
        return None
    values = [_part(part) for part in parts]
    if len(values) == 1:
        return _mixed(text, start, values[0]) if parts[0]["alone"] else values[0]
    top, *rest = values
    if len(rest) > 1:
        return None
    (bottom,) = rest
    mark = text[parts[0].end() : parts[1].start()].strip()
    if mark in "/\u2044\u2215" and top is not None and bottom:
        return _mixed(text, start, top / bottom)
    return None


def _mixed(text: str, start: int, part: Fraction | None) -> Fraction | None:
    """Return the mixed number that ends in a fraction: 3 of "3 1/2" stands before it."""
    found = re.search(r"(?<![\w.,/-])(\d{1,9})[ \u00a0]\Z", text[max(0, start - 12) : start])
    if found is None or part is None or not 0 < part < 1:
        return part
    return int(found[1]) + part


def _part(found: re.Match[str]) -> Fraction | None:
    if found["alone"]:
        return VULGAR[found["alone"]]
    value = _digits(found["digits"])
    exponent = found["exponent"] or found["power"]
    if found["raised"]:
        exponent = found["raised"].translate(
            {ord("\u207b"): "-", **{ord(c): str(i) for i, c in enumerate(_SUPER)}}
        )
    if value is None:
        return None
    if found["vulgar"]:
        return value + VULGAR[found["vulgar"]] if value == int(value) else None
    if exponent is not None:
        number = exponent.translate({ord(dash): "-" for dash in DASHES})
        if len(number) > 4 or abs(int(number)) > LONGEST:
            return None
        return value * Fraction(10) ** int(number)
    return value


def _digits(text: str) -> Fraction | None:
    if len(text) > LONGEST:
        return None
    if _PLAIN.fullmatch(text):
        return Fraction(_ascii(text))
    for number, form in enumerate(_GROUPED):
        if form.fullmatch(text):
            digits = _ascii(text)
            if number == 0:
                return Fraction(digits.replace(",", ""))
            if number == 3:
                return Fraction(digits.replace(".", ""))
            whole, mark, decimals = digits.rpartition("," if "," in digits else ".")
            if number == 1 and not mark:
                whole, decimals = decimals, ""
            whole = re.sub(r"\D", "", whole)
            return Fraction(f"{whole}.{decimals}" if decimals else whole)
    return None


def _ascii(text: str) -> str:
    """Return digits of any script as ASCII ones."""
    if text.isascii():
        return text
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)

"""Words beside a number that make another one of it: "minus 3", "3 and a half", "3 tenths"."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction

_SCALES = {
    "hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12,
    "dozen": 12, "mln": 10**6, "mio": 10**6, "bn": 10**9, "lakh": 10**5, "crore": 10**7,
    "\u767e": 100, "\u5343": 1000, "\u4e07": 10**4, "\u4ebf": 10**8,
}  # fmt: skip
_PARTS = {
    "half": 2, "halve": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6,
    "seventh": 7, "eighth": 8, "ninth": 9, "tenth": 10, "hundredth": 100, "thousandth": 1000,
    "millionth": 10**6, "billionth": 10**9, "trillionth": 10**12,
}  # fmt: skip
_COUNTS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "": 1}
_THINGS = frozenset({"quarter", "half", "halve", "third", "fourth"})
"""Parts that are things, too, or places in a row: 3 quarters of a year, 2 halves of a match."""
_PART = "|".join(_PARTS)
_LEAD = r"(?:[\s-]|\\[,;: ]|~)?(?:\\text\{\s?)?"
_SCALED = re.compile(
    rf"{_LEAD}(hundred|thousand|million|billion|trillion|dozen|mln|mio|bn|lakh|crore)s?\b"
    r"|([\u767e\u5343\u4e07\u4ebf])",
    re.IGNORECASE,
)
_DIVIDED = re.compile(rf"{_LEAD}(?:(ten|hundred)[\s-])?({_PART})(s?)\b", re.IGNORECASE)
_MORE = re.compile(
    rf"((?:[\s-][a-z]{{1,12}})?)[\s-](?:and|&)[\s-](?:(an?|one|two|three|four|five)[\s-])?({_PART})s?\b"
    r"(\s(?:of|the|an?|as)\b)?(\s?\w)?",
    re.IGNORECASE,
)
_HALF = re.compile(r"\s?[个個年天元块塊岁歲斤里米倍度分]?半(?![径徑圆圓球数數价價])")
_CLOCK = re.compile(r"\s?[点點时時]半")
_SIGN = re.compile(
    r"(?:(?<![^\W_])(?P<less>minus|минус)[ \t]{1,3}|(?<![\w-])negative[ \t]{1,3}"
    r"|(?P<both>±|\\pm|正负|正負)[ \t]{0,3}|(?:负|負|零下|マイナス)[ \t]?)\Z",
    re.IGNORECASE,
)
_ZERO = re.compile(
    r"(?:\s?°\s?[CF]?|\sdegrees?)?(?:\s(?:Celsius|Fahrenheit|[CF]))?\sbelow\szero\b", re.IGNORECASE
)
_IS = re.compile(
    r"(?:\A|[^\w)\]}%]"
    r"|\b(?:is|are|was|were|be|equals?|to|at|of|gives?|get|by|about|roughly))\Z",
    re.IGNORECASE,
)
_TERM = re.compile(r"(?:[\d)\]}%]|(?<!\w)[^\W\d_])\Z")


@dataclass(frozen=True, slots=True)
class Number:
    """A number where it stands in a text.

    Args:
        value: Exact; None where digits stand together that are no one number (a time, a date,
            a range, a power, a root, 3,5).
        start: Where its sign or first digit is.
        end: After its last character, a percent sign not included.
        perhaps: What it may be, too, or what it may be where it has no value: none is decided.
    """

    value: Fraction | None
    start: int
    end: int
    perhaps: tuple[Fraction, ...] = ()


def with_words_behind(text: str, number: Number) -> Number:
    """Return a number with what stands behind it in words: a scale, a fraction, a part."""
    value, end = number.value, number.end
    if divided := _DIVIDED.match(text, end):
        if divided[3] or value == 1:
            return _divided(number, divided)
        return number
    while scaled := _SCALED.match(text, end):
        end = scaled.end()
        value = None if value is None else value * _SCALES[(scaled[1] or scaled[2]).lower()]
    known = replace(number, value=value, end=end)
    if value is None:
        return known
    if zero := _ZERO.match(text, end):
        return replace(known, value=-value, end=zero.end())
    if clock := _CLOCK.match(text, end):
        return replace(known, value=None, end=clock.end())
    if half := _HALF.match(text, end):
        sum_ = value + Fraction(1, 2)
        if end == number.end:
            return replace(known, value=sum_, end=half.end())
        return replace(known, value=None, end=half.end(), perhaps=(value, sum_))
    more = _MORE.match(text, end)
    return _and_more(known, more, end > number.end) if more else known


def _divided(number: Number, found: re.Match[str]) -> Number:
    by = _PARTS[found[2].lower()] * {"": 1, "ten": 10, "hundred": 100}[(found[1] or "").lower()]
    if number.value is None:
        return replace(number, end=found.end())
    value = number.value / by
    if found[2].lower() in _THINGS and number.value != 1:
        return replace(number, value=None, end=found.end(), perhaps=(number.value, value))
    return replace(number, value=value, end=found.end())


def _and_more(number: Number, found: re.Match[str], scaled: bool) -> Number:
    """Return a number and the part that "and" adds, unless that may be the part of something."""
    between, count, part, of, follows = found.groups()
    assert number.value is not None
    whole = number.value + Fraction(_COUNTS[(count or "").lower()], _PARTS[part.lower()])
    usual = part.lower() in ("half", "quarter")
    alone = not follows and (count or usual)
    sure = alone if between else alone or (count and usual)
    if sure and not of and not scaled:
        return replace(number, value=whole, end=found.end(3))
    return replace(number, value=None, end=found.end(3), perhaps=(number.value, whole))


def with_words_before(text: str, number: Number) -> Number:
    """Return a number with the sign that a word before it is: minus, negative.

    "10 minus 3" and "x minus 3" are subtractions; after another word it may be either.
    """
    lead = text[max(0, number.start - 40) : number.start]
    lead = lead.rstrip("*_`$\u20ac\u00a3({\\").removesuffix("\\boxed").rstrip("*_`$\\(")
    sign = _SIGN.search(lead[-16:])
    if sign is None or number.value is None:
        return number
    value = number.value
    before = lead[: len(lead) - len(sign[0])].rstrip(" \t")
    if sign["both"]:
        return replace(number, value=None, perhaps=(value, -value))
    if not sign["less"] or _IS.search(before):
        return replace(number, value=-value)
    if _TERM.search(before):
        return number
    return replace(number, value=None, perhaps=(value, -value))

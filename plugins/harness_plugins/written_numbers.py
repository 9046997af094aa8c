"""Numbers as people and models write them, read whole: a part of a number is another number."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from harness_plugins.number_words import Number, with_words_before, with_words_behind

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
_JOINED = re.compile(
    rf"[{DASHES}/\u2044\u2215:^_*x\u00d7]|\s(?:[/\u2044\u2215]|point)\s|\u5206\u4e4b|[\u70b9\u9ede\u6bd4]"
)
_OF = "\u5206\u4e4b"
"""Between the denominator and the numerator of a Chinese fraction."""
_WHOLE = re.compile(r"(?<![\w.,/])(?<!\w-)(\d{1,9})[ \u00a0](?:and[ \u00a0])?\Z")
_LOWERED = re.compile(rf"(?:\^\{{?|\w_\{{?)[{DASHES}+]?\Z")
_ROOT = re.compile(r"(?:\\sqrt\s?(?:\[[^\]]{0,9}\])?\{?|\u221a[({]?)\Z")
_LETTERS = (
    "alpha|beta|gamma|theta|phi|lambda|mu|tau|omega|infty|ln|log|sin|cos|tan|binom|dfrac|tfrac|cbrt"
)
_GOES_ON = re.compile(
    rf"\s?\\(?:pi|sqrt|frac|e|{_LETTERS})\b|[\u03c0\u221a\u2080-\u2089{_SUPER}]|\*\*(?=[\d{{(])"
    r"|\^(?!\s?\{?\s?\\circ)|_\{"
    r"|(?:kk?|mn|[MBKijnxyzefoqruv])(?![^\W_])|\s(?:x|y|z|i|n|mn)(?![^\W_])(?!\s?\d)"
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
        number = with_words_behind(text, _value(text, parts, Number(None, start, end)))
        position = number.end
        yield number


def signed(text: str, number: Number) -> Number:
    """Return a number with the sign that stands before it, or the word that is one.

    After a letter or a digit a dash is a hyphen or a subtraction, not a sign.
    """
    start = number.start
    at = start - 1
    if at >= 0 and text[at] in CURRENCIES:
        at -= 1
        if at >= 0 and text[at] == "\\":
            at -= 1
    elif at >= 0 and text[at] == " " and text[at - 1 : at] and text[at - 1] in DASHES:
        lead = text[max(0, at - 9) : at - 1].rstrip(" ")
        if lead.endswith("="):  # x = - 5
            return _negative(number, at - 1)
        return number
    if at > 0 and text[at] == "(" and text[number.end : number.end + 1] == ")":
        at -= 1  # -(5)
    before = text[at - 1] if at > 0 else " "
    if at >= 0 and text[at] in DASHES and not (_is_word(before) or before in "_)]}"):
        number = _negative(number, at)
    return with_words_before(text, number)


def _negative(number: Number, start: int) -> Number:
    value = None if number.value is None else -number.value
    return Number(value, start, number.end, tuple(-each for each in number.perhaps))


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


def _value(text: str, parts: list[re.Match[str]], number: Number) -> Number:
    """Return a number with its value."""
    lead = text[max(0, number.start - 20) : number.start]
    if _ROOT.search(lead) or _LOWERED.search(lead) or _GOES_ON.match(text, number.end):
        return number
    values = [_part(part) for part in parts]
    if len(values) == 1:
        known = replace(number, value=values[0])
        return _mixed(text, known) if parts[0]["alone"] else known
    top, *rest = values
    if len(rest) > 1:
        return number
    (bottom,) = rest
    mark = text[parts[0].end() : parts[1].start()].strip()
    if mark == _OF:
        top, bottom = bottom, top
    if mark in ("/", "\u2044", "\u2215", _OF) and top is not None and bottom:
        return _mixed(text, replace(number, value=top / bottom))
    return number


def _mixed(text: str, part: Number) -> Number:
    """Return the mixed number that ends in a fraction: 3 of "3 1/2" stands before it."""
    found = _WHOLE.search(text[max(0, part.start - 16) : part.start])
    if found is None or part.value is None or not 0 < part.value < 1:
        return part
    start, sum_ = part.start - len(found[0]), int(found[1]) + part.value
    if "and" in found[0]:
        return Number(None, start, part.end, (part.value, sum_))
    return Number(sum_, start, part.end)


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

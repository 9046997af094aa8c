"""Numbers as judges write them, and the ranges that they say of them."""

from __future__ import annotations

import re

NUMBER_WORDS = (
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
)

_HALVES = {"½": 0.5, "¼": 0.25, "¾": 0.75}

NUMBER = re.compile(
    r"(?<![\w.])(?P<sign>[-+\u2212\u2013]|(?:minus|negative|plus)\s++)?"
    r"(?:(?P<digits>(?:\d{1,3}(?: \d{3}(?!\d)){1,4}+|\d++)(?:[.,']\d++){0,5}+|\.\d++)"
    r"(?P<part>[½¼¾])?+|(?P<only>[½¼¾])"
    rf"|(?P<word>{'|'.join(NUMBER_WORDS)})(?P<half>\s++and\s++a\s++half)?+)(?!(?![\u4e00-\u9fff])[\w½¼¾]|[.,]\d)",
    re.IGNORECASE,
)

_THOUSANDS = re.compile(r"[1-9]\d{0,2}(?:([,' ])\d{3}(?:\1\d{3})*+)(?:\.\d++)?")

_DOTTED_THOUSANDS = re.compile(r"[1-9]\d{0,2}(?:\.\d{3})++")

_DECIMAL = re.compile(r"\d*+\.\d++|\d++(?:,\d{1,2})?|0,\d++")

STARS = re.compile(r"(?P<full>(?:[★⭐🌟]\ufe0f?+)++)(?P<empty>☆*+)")

UNIT = re.compile(
    r"\s*+(?:(?:stars?|points?|pts?|marks?|punkten?|sternen?|\u00e9toiles?|puntos?|estrellas?)\b|[分点])",
    re.IGNORECASE,
)

PERCENT = re.compile(r"\s?(?:%|per\s?cent\b)", re.IGNORECASE)

OUT_OF = re.compile(
    r"\s*+,?\s*+(?:/|out\s++of(?:\s++an?\s++(?:possible|maximum|total)(?:\s++of)?)?\s|of\s|(?:von|sur|de|sobre|su)\s)\s*+",
    re.IGNORECASE,
)

_N = r"[-+\u2212\u2013]?\d++(?:\.\d++)?+"

_SPAN = (
    r"(?P<on>(?:on|using|from)\s++)?(?:(?:an?|the)\s++)?(?P<scale>scale:?\s*+(?:(?:of|from)\s++)?)?"
    rf"(?:(?P<low>{_N})\s*+(?:[-\u2013\u2014\u2212]|to\b|through\b|\.\.)\s*+(?P<high>{_N})"
    rf"|(?P<out>out\s++of\s++|/\s*+|max\.?\s++)?(?P<top>{_N}))"
    r"(?:[\s-]*+points?\b)?+(?P<named>\s++scale)?"
)

BRACKETED_SPAN = re.compile(rf"\s*+[(\[]\s*+{_SPAN}\s*+[)\]]", re.IGNORECASE)

SPOKEN_SPAN = re.compile(rf",?\s++(?=on\b|using\b){_SPAN}", re.IGNORECASE)

SUM = re.compile(r"(?:\d++(?:\.\d++)?\s*+\+\s*+){1,20}+\d++(?:\.\d++)?\s*+=\s*+(?=\d)")


def number_of(text: str) -> float:
    """Return the number that digits with a sign stand for."""
    return float(text.replace("\u2212", "-").replace("\u2013", "-"))


def readings(number: re.Match[str]) -> set[float]:
    """Return what a number can be; nothing where it is no way to write one."""
    sign = -1.0 if (number["sign"] or "").strip().lower() in _MINUS else 1.0
    if number["word"]:
        half = 0.5 if number["half"] else 0.0
        return {sign * (NUMBER_WORDS.index(number["word"].lower()) + half)}
    if number["only"]:
        return {sign * _HALVES[number["only"]]}
    digits, part = number["digits"], _HALVES.get(number["part"] or "", 0.0)
    if _THOUSANDS.fullmatch(digits):
        return {sign * (float(digits.replace(",", "").replace("'", "").replace(" ", "")) + part)}
    found = set()
    if _DECIMAL.fullmatch(digits):
        found.add(sign * (float(digits.replace(",", ".")) + part))
    if _DOTTED_THOUSANDS.fullmatch(digits):
        found.add(sign * float(digits.replace(".", "")))
    return found


_MINUS = {"-", "\u2212", "\u2013", "minus", "negative"}


def adds_up(text: str, end: int) -> bool:
    """Tell whether the sum before a place is what stands there."""
    parts = [float(part) for part in text[:end].replace("=", "").split("+")]
    total = NUMBER.match(text, end)
    return total is not None and readings(total) == {sum(parts)}

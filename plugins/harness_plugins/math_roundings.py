"""A rounded value beside an answer, ``1/3 (about 0.33)``: it must say the same."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

from harness_plugins.math_numerals import Answer
from harness_plugins.math_value import near, numeric, rounds_to, sympy_value

_WORDS = r"(?:approximately|approx\.?|about|around|roughly|circa|\\approx|\\simeq|\\sim|~)"
_VALUE = (
    r"(?P<value>-?(?:\\?\$)?\d[\d,]{0,15}(?:\.\d{1,15})?|\\[dt]?frac\s?(?:\{\d{1,9}\}\s?\{\d{1,9}\}|\d\s?\d))"
    r"(?P<percent>\s?\\?%|\spercent\b)?"
)
_AT_END = re.compile(
    r"(?:,?\sor|,|,?\s(?:i\.e\.,?|which\sis|that\sis,?)|\s?\(|\$\s?(?=\\)|\s(?=~))\s?" + _WORDS
    + r"\s{0,2}\$?" + _VALUE + r"(?:\s[A-Za-z\u00b0]{1,12}(?:\s[a-z]{1,9})?)?\$?\)?(?=[.\s]{0,9}$)"
)  # fmt: skip
_BESIDE = re.compile(
    r"(?:[\s*$)\]}]|\\[,;:! ]|\\text\s?\{[^{}]{0,30}\}){0,6}"
    r"(?:[,(;]?\s?(?:or|i\.e\.,?|that\sis,?|which\s(?:is|equals))?\s?(?:" + _WORDS + r"|=(?!=))|\("
    r"(?=\d{0,9}\.\d{1,9}\)|\d{1,9}(?:\.\d{1,9})?\\?%\)))[\s$*(]{0,4}" + _VALUE
    + r"(?!\.?\d|[\w^+*/!{]|\s?[-+*/^]\s?[\d\\]|\s?\\(?:times|cdot|pi|sqrt|frac)(?![A-Za-z]))"
)  # fmt: skip


def without_rounding(text: str) -> tuple[str, re.Match[str] | None]:
    """Return a text without the rounded value at its end, ``(about 0.33)``, and that value."""
    about = _AT_END.search(text, max(0, len(text) - 80))
    return (text if about is None else text[: about.start()] + text[about.end() :]), about


def beside(after: str) -> re.Match[str] | None:
    """Return the value that what follows an answer says to be the same, or about it."""
    return _BESIDE.match(after)


def rounds(gold: Sequence[Answer], about: re.Match[str]) -> bool:
    """Tell whether a value that stands beside an answer is the reference, rounded."""
    value = _read(about)
    for one in gold:
        exact = sympy_value(one)
        if not numeric(exact):
            continue
        for share in (1, 100) if one.percent else (1,):
            if "/" in value.text:
                same = near(exact / share, sympy_value(value), 20)
            else:
                same = rounds_to(exact / share, value, about=True)
            if same:
                return True
    return False


def _read(about: re.Match[str]) -> Answer:
    percent = about["percent"] is not None
    if "frac" in about["value"]:
        top, bottom = re.findall(r"\d+(?=\})|(?<=[c\d\s])\d", about["value"])[:2]
        return Answer(f"{top}/{bottom}", "number", Fraction(int(top), int(bottom) or 1))
    text = re.sub(r"[\\$,]", "", about["value"])
    return Answer(text, "number", Fraction(text), percent=percent)

"""The words for the values of a scale, and texts without print and emphasis."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from harness.judging.score_numbers import number_of
from harness.nouns.scale import Scale

_TRUE = {"true", "yes", "pass", "passed", "passes", "correct", "right"}

_FALSE = {"false", "no", "fail", "failed", "fails", "incorrect", "wrong", "not correct"}

_NUMBERED = re.compile(
    r"(?P<number>[-+]?\d++(?:\.\d++)?)\s*+(?:[-\u2013:=.)]\s|\()\s*+(?P<word>[^()]++)\)?"
)

_PLAIN_NUMBER = re.compile(r"[-+]?\d++(?:\.\d++)?")

_GAPS = re.compile(r"[\s_-]+")


@dataclass(frozen=True, slots=True)
class Names:
    """How the values of a scale are called.

    Args:
        of: Words for a value, in small letters with one space between them -> the value.
        found: Finds them; None where all values are numbers.
        numbers: Numbers that are labels -> the label; empty for a scale of numbers.
    """

    of: dict[str, Any]
    found: re.Pattern[str] | None
    numbers: dict[float, Any]


def names_of(scale: Scale) -> Names:
    """Return how the values of a scale are called."""
    names: dict[str, Any] = {}
    numbers: dict[float, Any] = {}
    twice: set[str] = set()
    if scale.is_binary:
        names = {**dict.fromkeys(_TRUE, True), **dict.fromkeys(_FALSE, False)}
    for label in () if scale.is_binary else scale.labels:
        if _PLAIN_NUMBER.fullmatch(label.strip()):
            numbers[number_of(label)] = label
            continue
        names[normal(label)] = label
        if both := _NUMBERED.fullmatch(label.strip()):
            number, word = number_of(both["number"]), normal(both["word"])
            twice |= {word} if word in names else set()
            names.setdefault(word, label)
            numbers[number] = label
    for word in twice:
        del names[word]
    either = "|".join(_spelt(name) for name in sorted(names, key=len, reverse=True))
    pattern = rf"(?<![\w-])(?:{either})(?![\w+]|[-\u2212\u2013](?!\s))"
    return Names(names, re.compile(pattern, re.IGNORECASE) if names else None, numbers)


def unmarked(text: str) -> str:
    """Return a text with straight quotation marks and without emphasis."""
    return EMPHASIS.sub("", text.translate(SIGNS))


SIGNS = str.maketrans("\u2018\u2019\u201c\u201d\u2009", "''\"\" ")
"""Signs of print -> plain ones, one for one, so that places stay the same."""


EMPHASIS = re.compile(r"(?<![^\W_])(?<![*_`])[*_`]++|(?<![*_`])[*_`]++(?![^\W_])")
"""Marks around words; none between two letters or digits."""


def normal(word: str) -> str:
    """Return a word for a value in small letters, with one space between its parts."""
    word = word.translate(SIGNS).replace("\u2212", "-").replace("\u2013", "-").lower()
    if word.endswith((" minus", "-minus")):
        word = f"{word[:-6]}-"
    elif word.endswith((" plus", "-plus")):
        word = f"{word[:-5]}+"
    sign = word[-1:] if word[-1:] in "-+" else ""
    return _GAPS.sub(" ", word.rstrip("-+").strip()) + sign


def _spelt(name: str) -> str:
    """Return the pattern of a name: a space is any gap; a sign at its end may be a word."""
    sign = name[-1:] if name[-1:] in "-+" and len(name) > 1 else ""
    pattern = r"[\s_-]{1,3}".join(re.escape(word) for word in name.removesuffix(sign).split())
    if sign == "-":
        return rf"{pattern}(?:[-\u2212\u2013]|[\s-]minus\b)"
    return rf"{pattern}(?:\+|[\s-]plus\b)" if sign else pattern

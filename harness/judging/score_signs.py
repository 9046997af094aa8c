"""Emoji and stars beside a value, which leave it as it is or contradict it."""

from __future__ import annotations

import re
from typing import Any

from harness.judging.score_polarity import contradicted
from harness.nouns.scale import Scale

_STARS = "\u2605\u2b50\U0001f31f"

_SIGN = "[\u2600-\u2793\u2b50\u2b55\U0001f300-\U0001faff]"

_SIGNS_BEFORE = re.compile(rf"(?:\s*+{_SIGN})++\s*+(?=[\w(-])")

_SIGNS_BEHIND = re.compile(rf"(?<!{_SIGN})(?<!{_SIGN}\s)\s?(?:{_SIGN}\s?)++[.!]?\s*+\Z")


def undecorated(text: str) -> tuple[str, str]:
    """Return the signs at the ends of a text, and the text between them; stars alone stay."""
    begun, ended = _SIGNS_BEFORE.match(text), _SIGNS_BEHIND.search(text)
    begin, end = begun.end() if begun else 0, ended.start() if ended else len(text)
    if begin >= end or not any(c.isalnum() for c in text[begin:end]):
        return "", text
    return text[:begin] + text[end:], text[begin:end]


def agree(signs: str, scale: Scale, value: Any) -> bool:
    """Tell whether the signs beside a value leave it as it is: several stars must count it."""
    if contradicted(scale, value, signs, signs):
        return False
    stars = sum(c in _STARS for c in signs)
    if stars < 2 or isinstance(value, bool):
        return stars < 2
    try:
        return float(value) == stars
    except ValueError:
        return False

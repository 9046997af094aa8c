"""Words that say that something is good or bad, beside a value of a scale."""

from __future__ import annotations

import re
from typing import Any

from harness.judging.score_sense import is_no_end, sense_of
from harness.nouns.scale import Scale

BEST = r"best|highest|perfect|ideal|flawless|top"
WORST = r"worst|lowest"
_GOOD = (
    rf"{BEST}|excellente?|outstanding|exceptional|superb|great|good|strong|helpful|correct|accurate"
    r"|right|high|better"
)
_BAD = (
    rf"{WORST}|terrible|awful|horrible|dreadful|useless|unacceptable|poor|bad|weak|unhelpful"
    r"|incorrect|inaccurate|wrong|low|worse"
)
DEGREE = (
    r"(?:(?:the|an?|very|extremely|really|most|absolutely|completely|totally|truly|quite|much|fully|highly)"
    r"\s++)*+"
)
_OF_WHAT = (
    r"(?:\s++(?:possible|quality|response|answer|score|rating|grade|mark|value|work|overall|one"
    r"|performance|result))*+"
)
POLAR = rf"{DEGREE}(?:(?P<good>{_GOOD})|(?P<bad>{_BAD}))\b{_OF_WHAT}"
"""Pattern of a word for an end of a scale, with the words that go with it."""

_ALONE = re.compile(rf"\W*{POLAR}\W*\Z", re.IGNORECASE)

_BEHIND = re.compile(
    rf"\s*+(?:[(\[,;:.=\u2013\u2014-]\s*+)+(?:(?:which|that|this|it)\s++is\s++)?{POLAR}"
    r"\s*+(?:[)\].,;!]|\Z|[\u2013\u2014]|-\s|(?:because|since|as|but|and\s++it)\b)",
    re.IGNORECASE,
)

_BEFORE = re.compile(rf"\W*{POLAR}\s*+(?:\(|[-\u2013\u2014:]\s)", re.IGNORECASE)

UP = "\u2705\u2713\u2714\U0001f44d"
DOWN = "\u274c\u2717\u2718\u2716\U0001f44e\U0001f6ab"
_SIGNS = re.compile(rf"(?P<good>[{UP}])|(?P<bad>[{DOWN}])")

LOW, HIGH = 0.25, 0.75
"""Shares of a scale below which praise, and above which blame, contradicts a value."""


def contradicted(scale: Scale, value: Any, text: str, before: str = "", alone: bool = False) -> str:
    """Return the word beside a value that says the opposite of it; empty without one.

    Args:
        scale: The scale; the words say nothing where it is of counts, or has no order.
        value: On it.
        text: What follows the value.
        before: What stands before it.
        alone: Whether the text is a label of its own, and not what follows in a clause.
    """
    place = place_of(scale, value)
    if place is None:
        return ""
    found = [(_ALONE if alone else _BEHIND).match(text), _BEFORE.match(before)]
    signs = [*_SIGNS.finditer(before), *_SIGNS.finditer(text[:8])]
    for word in (*found, *signs):
        if word and ((word["good"] and place <= LOW) or (word["bad"] and place >= HIGH)):
            return word[0].strip()
    if is_no_end(place, text) and not scale.is_binary:
        return text[:40].strip()
    return against(scale, value, text) or ""


def against(scale: Scale, value: Any, text: str) -> str:
    """Return a clause that praises or blames the whole response where a value says the opposite."""
    place = place_of(scale, value)
    sense = 0 if place is None else sense_of(text, scale.is_binary)
    if place is None or not sense or (place > LOW if sense > 0 else place < HIGH):
        return ""
    return text[:80].strip()


def place_of(scale: Scale, value: Any) -> float | None:
    """Return where on its scale a value is, from 0 (worst) to 1; None where no word says it."""
    if scale.is_binary:
        return float(value is True)
    if scale.level in ("nominal", "ratio") or (
        scale.is_numeric and None in (scale.low, scale.high)
    ):
        return None
    return scale.to_unit(value)

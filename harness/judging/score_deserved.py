"""Tells whether a sentence says that a response should have another score than it has.

It names an end of the scale ("deserves the lowest score"), a bound ("not more than 2"), or a number
("should have got 1"). What is denied or only supposed ("to get the highest score it would need
sources") says nothing.
"""

from __future__ import annotations

import re
from typing import Any

from harness.judging.score_numbers import NUMBER_WORDS
from harness.judging.score_polarity import place_of
from harness.judging.score_value import Values

_N = rf"(?P<n>\d{{1,4}}(?:[.,]\d{{1,2}})?|{'|'.join(NUMBER_WORDS)})(?![\w.,]*\d)"
_SCORE = r"(?:scores?|ratings?|marks?|grades?|points?|values?)\b(?!\s++(?:for|in|on|of)\b)"
_SUBJECT = (
    r"\b(?:it|this|that|response|answer|reply|text|output|assistant|and|I)"
    r"(?:\s++(?:[a-z]{1,20}ly|only|just|also|still))*+\s++"
)
_DESERVES = r"(?:deserv(?:es?|ed|ing)|merits?|earns?|earned|warrants?|give\s++(?:it|this))"
_GETS = rf"(?:{_DESERVES}|gets?|got|receives?|give|gave|assign|award)"
_LOW = (
    rf"(?:(?:lowest|worst|bottom|minimum|minimal)\s++(?:possible\s++)?{_SCORE}"
    r"|minimum\b(?!\s++\w))"
)
_HIGH = (
    rf"(?:(?:highest|best|top|maximum|perfect|full)\s++(?:possible\s++)?{_SCORE}"
    r"|maximum\b(?!\s++\w))"
)
_ONLY = r"(?:(?:it|this|only|just|nothing\s++but|the|a)\s++)*+"
_END = re.compile(
    rf"{_SUBJECT}(?:{_GETS}\s++{_ONLY}(?P<low>{_LOW})|{_DESERVES}\s++{_ONLY}(?P<high>{_HIGH}))"
    rf"|\b(?P<low2>{_LOW})\s++(?:is|was)\s++(?:all\s++)?(?:(?:that\s++)?(?:it|this)\s++)?{_GETS}",
    re.IGNORECASE,
)
_MOST = re.compile(
    r"\b(?:(?:not|never)|(?:would|can|could|do|did)n't)\s++(?:\w++\s++){0,2}?(?:give|award|assign|rate|score)"
    rf"\s++(?:(?:it|this|the\s++\w++)\s++)?(?:any(?:thing)?\s++)?(?:more|higher)\s++than\s++(?:an?\s++)?{_N}",
    re.IGNORECASE,
)
_SHOULD = re.compile(
    r"\b(?:should|ought\s++to)\s++(?:only\s++)?(?:get|have\s++(?:got(?:ten)?|received|been\s++given|scored)"
    rf"|receive|be\s++given|score)\s++(?:an?\s++)?{_N}(?:\s++(?:points?|marks?|stars?))?\s*+(?:[.,;!]|\Z|instead)",
    re.IGNORECASE,
)
_BARE = re.compile(rf"\W*{_N}\s++(?:points?|marks?|stars?)\W*\Z", re.IGNORECASE)
_ANEW = re.compile(
    rf"\W*(?:falsch|faux|falso|incorrecto|sbagliato|wrong)\s*+[,;:!]\s*+{_N}\s++(?:trifft|passt|w\u00e4re|ist|est"
    r"|serait|es|ser\u00eda|sarebbe|is|fits|would)\b",
    re.IGNORECASE,
)
_UNSAID = re.compile(
    r"\b(?:not|never|if|unless|would|could|might|almost|nearly|needs?|otherwise|than|cannot)\b|n't\b",
    re.IGNORECASE,
)
_GIVES = re.compile(r"\bI(?:\s++would|'d)\s++(?=give|assign|award)", re.IGNORECASE)


def deserves_other(sentence: str, values: Values, value: Any) -> bool:
    """Tell whether a sentence says that a response should have another score.

    Args:
        sentence: It, at most 600 characters.
        values: Those of the scale.
        value: The score.
    """
    place = place_of(values.scale, value)
    if place is None or values.scale.is_binary:
        return False
    end = _END.search(_GIVES.sub("I ", sentence))
    if end and not _UNSAID.search(_GIVES.sub("I ", sentence)):
        if (place > 0) if end["low"] or end["low2"] else (place < 1):
            return True
    given = _number(str(value))
    if given is None:
        return False
    most = _MOST.search(sentence)
    if most and given > (_number(most["n"]) or 0.0):
        return True
    should = _SHOULD.search(sentence)
    said = should if should and not _UNSAID.search(sentence) else None
    said = said or _BARE.match(sentence) or _ANEW.match(sentence)
    return said is not None and _number(said["n"]) != given


def _number(text: str) -> float | None:
    if text.lower() in NUMBER_WORDS:
        return float(NUMBER_WORDS.index(text.lower()))
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None

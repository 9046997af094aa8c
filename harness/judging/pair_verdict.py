"""Reads which of two responses a judge prefers."""

from __future__ import annotations

import re
from typing import Any

from harness.judging.reply import answer_of
from harness.judging.stated import DASHES, SHORT, WRAP, alone, explicit, no_verdict
from harness.nouns.outcomes import Status
from harness.nouns.schema import Verdict

_STRONG_MARK = r"(?:\b(?:final\s++)?(?:verdict|winner)\b|\[result\])"
_MARK = (
    r"(?:\b(?:final\s++)?(?:verdict|answer|decision|judge?ment|winner|choice|preference)\b"
    r"|\b(?:preferred|better|best|chosen|superior|stronger)"
    r"(?:\s++(?:response|answer|assistant|option|output|one))?\b)"
)
_JOIN = rf"(?:\bis\b|\bgoes\s++to\b|\bwould\s++be\b|[:=>]|-\s|[{DASHES}])"
_LINK = rf"[\s*_`\"']*+(?:{_JOIN}[\s*_`\"']*+)++"
_LOOSE_LINK = rf"[\s*_`\"']*+(?:{_JOIN}[\s*_`\"']*+)*+"
_NOUN = r"(?:(?:response|assistant|option|output|completion)[\s*_]*+)?"
_TIE = r"tie|tied|draw|equal|neither|both"
# A small letter is an article ("a matter of taste"), unless the line ends with it.
_PAIR_VALUE = rf"(?P<value>(?-i:A|B)|[ab](?=[*_`\"')\]}}.!]*+[^\S\n]*+$)|{_TIE})"
_NO_LIST = (
    r"(?!\w)(?![*_`\"')\]]*+\s*+(?:/|\||,|\bor\b|\bvs\b|\band\b)\s*+[*_`\"'(\[]*+"
    r"(?:response\s++)?(?:A|B|TIE)\b)"
)
_NO_LIST_BEFORE = r"(?<![/|,])"
_MARKED_PAIR = re.compile(
    rf"(?:{_STRONG_MARK}{_LOOSE_LINK}|{_MARK}{_LINK}){WRAP}{_NOUN}{WRAP}{_NO_LIST_BEFORE}"
    rf"{_PAIR_VALUE}{_NO_LIST}",
    re.IGNORECASE | re.MULTILINE,
)
_BRACKETED_PAIR = re.compile(rf"\[\[\s*+{_NOUN}{_PAIR_VALUE}\s*+\]\]", re.IGNORECASE | re.MULTILINE)
_SENTENCE_PAIR = re.compile(
    r"\b(?:response|assistant|option|answer|output)\s++[*_\"'(\[]*+(?P<value>(?-i:A|B))\b"
    r"[*_\"')\]]*+\s++"
    r"(?:is|was|seems|appears\s++to\s++be|wins|provides)\s*+(?:(?:the|a|an|clearly|much|slightly|"
    r"significantly|overall|far|somewhat|more|marginally)\s++)*+(?:better|best|preferred|preferable|"
    r"superior|stronger|winner|wins|helpful|friendlier)\b"
    r"|\bprefer\s++(?:the\s++)?(?:response|assistant|option|answer)?\s*+[*_\"'(\[]*+"
    r"(?P<other>(?-i:A|B))\b"
    r"|\b(?:response|assistant|option|answer)\s++[*_\"'(\[]*+(?P<third>(?-i:A|B))\b[*_\"')\]]*+"
    r"\s++wins\b",
    re.IGNORECASE,
)
_NOT_BETTER = re.compile(
    r"\b(?:not|no|n't|neither|hardly|if)\W++(?:\w++\W++){0,3}\Z", re.IGNORECASE
)
_BARE_PAIR = re.compile(
    rf"^{WRAP}{_NOUN}{WRAP}(?P<value>A|B|{_TIE}){SHORT}$", re.IGNORECASE | re.DOTALL
)


def read_pair(reply: str, prompt: str = "", cut: bool = False) -> Verdict:
    """Return the verdict on a pair: A, B or TIE."""
    answer = answer_of(reply, prompt)
    entry = answer.field("verdict", "winner", "preferred", "choice", "answer")
    patterns = (_BRACKETED_PAIR, _MARKED_PAIR)
    if stated := explicit(answer, patterns, _matched_pair, entry, _json_pair):
        return stated
    if cut:
        return no_verdict(answer, reply, cut)
    if found := alone(answer.own, _BARE_PAIR):
        return _pair(found["value"])
    for found in reversed(list(_SENTENCE_PAIR.finditer(answer.own))):
        lead = answer.own[max(0, found.start() - 40) : found.start()]
        if not _NOT_BETTER.search(lead) and not answer.is_reported(found.start()):
            return _pair(found["value"] or found["other"] or found["third"])
    return no_verdict(answer, reply, cut)


def _pair(value: str) -> Verdict:
    letter = value.upper()
    return Verdict(Status.OK, letter if letter in ("A", "B") else "TIE")


def _matched_pair(found: re.Match[str]) -> Verdict:
    return _pair(found["value"])


def _json_pair(value: Any) -> Verdict | None:
    found = _BARE_PAIR.match(value) if isinstance(value, str) else None
    return _pair(found["value"]) if found else None

"""What a judge states: the last explicit verdict of an answer, a contradiction, or none."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from harness.judging.reply import Answer
from harness.nouns.outcomes import Status
from harness.nouns.schema import Verdict

QUOTES = "\u2018\u2019\u201c\u201d"
DASHES = "\u2013\u2014"
WRAP = rf"[\s*_`\"'{QUOTES}(\[{{<]*+"
SHORT = rf"[*_`\"'{QUOTES})\]}}>.,;:!\s]*+"
_REFUSAL = re.compile(
    rf"\b(?:i ?['{QUOTES}]? ?a?m (?:sorry|unable|not able)"
    rf"|i (?:can ?['{QUOTES}]? ?(?:no)?t|cannot|can not|won ?['{QUOTES}]t|will not|must decline)"
    r"|as an ai)\b",
    re.IGNORECASE,
)
Read = Callable[[Any], "Verdict | None"]
"""Returns the verdict of a match or of a JSON value; None where it is none."""


def explicit(
    answer: Answer,
    patterns: Sequence[re.Pattern[str]],
    read: Read,
    entry: tuple[int, Any] | None,
    read_json: Read,
    before: re.Pattern[str] | None = None,
) -> Verdict | None:
    """Return the verdict that an answer states, None where it states none.

    Args:
        answer: The answer.
        patterns: Of explicit verdicts.
        read: Reads their matches.
        entry: What a JSON object says, and where.
        read_json: Reads that.
        before: Where this follows a match, it is no verdict.
    """
    place, stated = _last(answer, patterns, read, before)
    said = read_json(entry[1]) if entry else None
    if entry is None or said is None or place is None:
        return stated
    if stated is None or _same(said, stated):
        return said
    return stated if place > entry[0] else _contradiction(stated, said)


def _last(
    answer: Answer,
    patterns: Sequence[re.Pattern[str]],
    read: Read,
    before: re.Pattern[str] | None,
) -> tuple[int | None, Verdict | None]:
    """Return where the last own match of some patterns stands, and its verdict.

    No match counts that is denied ("the better response is not A"), reported ("the response says")
    or followed by ``before``. Where an earlier line that is a verdict says otherwise, the last one
    must be such a line too, and none that the prompt has; else there is no place, and the verdict
    is a failure.
    """
    text, last = answer.own, None
    matches = [found for pattern in patterns for found in pattern.finditer(text)]
    for found in sorted(matches, key=lambda found: -found.end()):
        verdict, start = read(found), found.start()
        if verdict is None or (last is not None and _same(verdict, last[1])):
            continue
        if last is not None and not answer.begins_line(start):
            continue
        if _DENIED.search(found[0]) or (before and before.match(text, found.end())):
            continue
        if answer.is_reported(start):
            continue
        if last is not None:
            return None, _contradiction(verdict, last[1])
        if answer.begins_line(start) and not answer.is_known(start):
            return start, verdict
        last = start, verdict
    return last or (0, None)


def _same(one: Verdict, other: Verdict) -> bool:
    return (one.status, one.value) == (other.status, other.value)


def _contradiction(first: Verdict, last: Verdict) -> Verdict:
    return Verdict(
        Status.UNPARSEABLE,
        rationale=f"two verdicts: {_said(first)}, then {_said(last)}, which may be a quotation",
    )


def _said(verdict: Verdict) -> str:
    return str(verdict.value) if verdict.status is Status.OK else verdict.rationale


def alone(text: str, pattern: re.Pattern[str]) -> re.Match[str] | None:
    """Return the match of a reply that is nothing else, or whose last line is nothing else."""
    lines = text.rstrip().splitlines()
    return pattern.match(text) or pattern.match(lines[-1] if lines else "")


def is_short(value: Any) -> bool:
    """Tell whether a value can be written: whole numbers of thousands of digits cannot."""
    return not isinstance(value, int) or value.bit_length() < 1024


def no_verdict(answer: Answer, reply: str, cut: bool) -> Verdict:
    """Return the failure of an answer without a verdict."""
    if answer.failure:
        return Verdict(Status.UNPARSEABLE, rationale=answer.failure)
    words = " ".join(reply.split())
    if cut:
        reason = f"cut at the token limit before a verdict: ...{words[-80:]}"
        return Verdict(Status.UNPARSEABLE, rationale=reason)
    if _REFUSAL.search(words[:300]):
        return Verdict(Status.REFUSED, rationale=words[:200])
    return Verdict(Status.UNPARSEABLE, rationale=f"no verdict in: {words[:200]}")


_DENIED = re.compile(r"\bnot\b", re.IGNORECASE)

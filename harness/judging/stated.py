"""What an answer without a verdict is: cut, a refusal, or nothing that can be read."""

from __future__ import annotations

import re

from harness.judging.reply import Answer
from harness.nouns.outcomes import Status
from harness.nouns.schema import Verdict

_REFUSAL = re.compile(
    r"\b(?:i ?['\u2018\u2019\u201c\u201d]? ?a?m (?:sorry|unable|not able)"
    r"|i (?:can ?['\u2018\u2019\u201c\u201d]? ?(?:no)?t|cannot|can not"
    r"|won ?['\u2018\u2019\u201c\u201d]t|will not|must decline)"
    r"|as an ai)\b",
    re.IGNORECASE,
)


def no_verdict(answer: Answer, reply: str, cut: bool) -> Verdict:
    """Return the failure of an answer without a verdict."""
    if answer.failure:
        return Verdict(Status.UNPARSEABLE, rationale=answer.failure)
    words = " ".join(reply.split())
    if cut:
        reason = f"cut at the token limit before a verdict: ...{words[-80:]}"
        return Verdict(Status.UNPARSEABLE, rationale=reason)
    if is_refusal(words):
        return Verdict(Status.REFUSED, rationale=words[:200])
    return Verdict(Status.UNPARSEABLE, rationale=f"no verdict in: {words[:200]}")


def is_refusal(said: str) -> bool:
    """Tell whether an answer begins with words that refuse to judge."""
    return _REFUSAL.search(said[:300]) is not None

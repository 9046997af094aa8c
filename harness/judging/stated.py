"""What an answer without a verdict is: cut, a refusal, or nothing that can be read."""

from __future__ import annotations

import re

from harness.judging.reply import Answer
from harness.nouns.outcomes import Status
from harness.nouns.scale import Scale
from harness.nouns.schema import Verdict

_REFUSAL = re.compile(
    r"\b(?:i ?['\u2018\u2019\u201c\u201d]? ?a?m (?:sorry|unable|not able)"
    r"|i (?:can ?['\u2018\u2019\u201c\u201d]? ?(?:no)?t|cannot|can not"
    r"|won ?['\u2018\u2019\u201c\u201d]t|will not|must decline)"
    r"|as an ai)\b",
    re.IGNORECASE,
)


CUT = "cut at the token limit before a verdict"
"""How the reason of a reply begins that ended before its verdict."""
MORE_ROOM = "raise max_tokens, or give it room for reasons by chain_of_thought: true"


def no_verdict(answer: Answer, reply: str, cut: bool, scale: Scale | None = None) -> Verdict:
    """Return the failure of an answer without a verdict, on a scale where there is one."""
    if answer.failure:
        return Verdict(Status.UNPARSEABLE, rationale=answer.failure)
    words = " ".join(reply.split())
    if cut:
        reason = f"{CUT} ({MORE_ROOM}): ...{words[-80:]}"
        return Verdict(Status.UNPARSEABLE, rationale=reason)
    if is_refusal(words):
        return Verdict(Status.REFUSED, rationale=words[:200])
    where = "" if scale is None else f" on the scale {scale.describe():.200}"
    return Verdict(Status.UNPARSEABLE, rationale=f"no verdict{where} in: {words[:200]}")


def is_refusal(said: str) -> bool:
    """Tell whether an answer begins with words that refuse to judge."""
    return _REFUSAL.search(said[:300]) is not None

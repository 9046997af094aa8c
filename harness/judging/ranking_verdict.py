"""Reads the order in which a judge ranks responses."""

from __future__ import annotations

import re
from collections.abc import Sequence

from harness.judging.reply import answer_of
from harness.judging.stated import no_verdict
from harness.nouns.outcomes import Status
from harness.nouns.schema import Verdict

_LETTER = r"(?<!\w)[{}](?!\w)"
_OUTER = r"[\s*_`\"'()\[\]{<]*+"
_BETWEEN = re.compile(
    rf"(?:(?=[*_`\"')\]]*+[^\S\n]*+\n)[*_`\"')\]]*+\s++\d++[.)]{_OUTER}"
    rf"|{_OUTER}(?:(?:->|[>,;\u2192]){_OUTER})?)(?:response\s++)?",
    re.IGNORECASE,
)
"""What stands between two letters of a ranking."""
_LETTERS = 1_000
"""Letters of a reply, the last ones, among which a ranking is looked for."""


def read_ranking(
    reply: str, letters: Sequence[str], prompt: str = "", cut: bool = False
) -> Verdict:
    """Return the verdict on responses that were shown under letters: these, best to worst."""
    answer = answer_of(reply, prompt)
    text = answer.own
    if entry := answer.field("ranking", "order", "verdict"):
        value = entry[1]
        if isinstance(value, list) and sorted(map(str, value)) == sorted(letters):
            return Verdict(Status.OK, tuple(map(str, value)))
        text = value if isinstance(value, str) else text
    letter = re.compile(_LETTER.format("".join(letters)))
    chain: list[str] = []
    found, begin, end = None, 0, -1
    for match in list(letter.finditer(text))[-_LETTERS:]:
        joined = end >= 0 and _BETWEEN.fullmatch(text, end, match.start())
        if not joined or len(chain) == len(letters):
            chain, begin = [], match.start()
        chain.append(match[0])
        end = match.end()
        if sorted(chain) == sorted(letters) and not (
            text is answer.own and answer.is_reported(begin)
        ):
            found = tuple(chain)
    return Verdict(Status.OK, found) if found is not None else no_verdict(answer, reply, cut)

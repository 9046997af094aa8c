"""Looks in a whole answer for what a judge says that it did not judge, for scores and rankings."""

from __future__ import annotations

from harness.judging.characters import plain
from harness.judging.clauses import sentences
from harness.judging.reply import Answer
from harness.judging.unjudged import is_unjudged

UNJUDGED = "the judge says that it did not judge"
_MARKS = frozenset(
    "rating score grade mark verdict ranking rank result judgment judgement order answer".split()
)
_MOST = 2000
"""Characters of a JSON field in which it is looked for."""


def not_judged(answer: Answer) -> str:
    """Return the words by which a judge says that it did not judge; empty without any."""
    lines = sentences(answer.own)
    marked = [n for n, line in enumerate(lines) if not _MARKS.isdisjoint(line.words)]
    last = marked[-1] if marked else len(lines) - 1
    for number, line in enumerate(lines):
        reported = answer.is_reported(line.tokens[-1].start)
        if not reported and is_unjudged(line.words, number >= last):
            return " ".join(token.text for token in line.tokens[:12])
    for value in answer.objects[-1].value.values() if answer.objects else ():
        if isinstance(value, str):
            for line in sentences(plain(value[:_MOST])):
                if is_unjudged(line.words, False):
                    return " ".join(token.text for token in line.tokens[:12])
    return ""

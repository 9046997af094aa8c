"""Looks in a whole answer for what a judge says that it did not judge, for scores and rankings."""

from __future__ import annotations

from collections.abc import Collection

from harness.judging.characters import plain
from harness.judging.clauses import sentences
from harness.judging.reply import Answer
from harness.judging.unjudged import is_unjudged, void_field

UNJUDGED = "the judge says that it did not judge"
_MARKS = frozenset(
    "rating score grade mark verdict ranking rank result judgment judgement order answer".split()
)
_NOTES = frozenset("note notes comment comments remark remarks warning caveat".split())
_LABEL = 2
"""Words of a JSON field that may be the name of a class, such as "unknown"."""
_MOST = 2000
"""Characters of a JSON field in which it is looked for."""


def not_judged(answer: Answer, named: Collection[str] = ()) -> str:
    """Return the words by which a judge says that it did not judge; empty without any.

    Args:
        answer: The answer.
        named: The criteria, in small letters, of which each is a field or a line.
    """
    lines = sentences(answer.own)
    marks = _MARKS.union(named)
    marked = [n for n, line in enumerate(lines) if not marks.isdisjoint(line.words)]
    last = marked[-1] if marked else len(lines) - 1
    for number, line in enumerate(lines):
        reported = answer.is_reported(line.tokens[-1].start)
        if not reported and is_unjudged(line.words, number >= last):
            return " ".join(token.text for token in line.tokens[:12])
    last_object = answer.objects[-1].value if answer.objects else {}
    if named and (name := void_field(last_object, named)):
        return name
    for name, value in last_object.items():
        if isinstance(value, str):
            least = 0 if name.lower() in _NOTES else _LABEL
            for line in sentences(plain(value[:_MOST])):
                if is_unjudged(line.words, len(line.tokens) > least):
                    return " ".join(token.text for token in line.tokens[:12])
    return ""

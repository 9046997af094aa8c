"""Tells whether a verdict is only a part: of one criterion, or of something else to judge."""

from __future__ import annotations

from collections.abc import Sequence

from harness.judging import pair_words as words
from harness.judging.clauses import Sentence, Token
from harness.judging.taken_back import takes_back

_LONGEST_HEADING = 6
"""Words of a heading."""
_WHOLE = (
    words.VERDICT
    | words.ANSWER
    | words.CONCLUDES
    | frozenset("final summary total ranking whole last end better best now".split())
)
"""A heading with one of these is not that of a part."""
_JOINS = frozenset("\x00 \t\n,;[](){}.`0123456789")


def in_part(lines: Sequence[Sentence], number: int, previous: int, start: int) -> bool:
    """Tell whether a verdict stands under, or behind, a heading that names a part of the whole.

    Args:
        lines: All sentences.
        number: That of the verdict.
        previous: That of the verdict before it, behind which the heading must stand.
        start: Where the verdict begins.
    """
    lead = [token for token in lines[number].tokens if token.start < start]
    if lead and lead[-1].word in (":", "-", "\u2013", "\u2014"):
        return _names_part(lead)
    for at in range(number - 1, previous, -1):
        line = lines[at]
        if line.first and line.last and not line.end and _is_short(line.tokens):
            return _names_part(line.tokens)
    return False


def begins_another(sentence: Sentence) -> bool:
    """Tell whether a sentence begins another thing to judge: "Question:", "Response A:"."""
    if not sentence.first:
        return False
    names = [token.word for token in sentence.tokens[:4]]
    if ":" not in names and "]" not in names:
        return False
    roles = words.ROLES | words.NOUNS
    return any(name in roles for name in names) or names[:2] in (["a", ":"], ["b", ":"])


def are_joined(between: str) -> bool:
    """Tell whether nothing is said between two JSON objects, as in a list of them."""
    return all(character in _JOINS for character in between)


def _is_short(tokens: Sequence[Token]) -> bool:
    return 0 < sum(token.word[:1].isalnum() for token in tokens) <= _LONGEST_HEADING


def _names_part(tokens: Sequence[Token]) -> bool:
    names = {token.word for token in tokens if token.word[:1].isalpha()}
    corrects = takes_back([token.word for token in tokens])
    return bool(names) and not names & _WHOLE and not corrects

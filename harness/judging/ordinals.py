"""Reads which response is meant by its place: "the latter", "the one that was shown first"."""

from __future__ import annotations

from harness.judging import pair_words as words
from harness.judging.sides import CLOSE, OPEN, Sides

_PLACES = {
    **dict.fromkeys(
        "former first 1st erste ersten erstere premier premi\u00e8re primer primera primero "
        "prima primeira".split(),
        "A",
    ),
    **dict.fromkeys(
        "latter second 2nd last zweite zweiten letzte letztere deuxi\u00e8me seconde derni\u00e8re "
        "segundo segunda \u00faltima seconda".split(),
        "B",
    ),
}
_SIGNS = {"\u7b2c\u4e00": "A", "\u524d\u8005": "A", "\u7b2c\u4e8c": "B", "\u540e\u8005": "B"}
_NUMBERS = {"1": "A", "2": "B", "one": "A", "two": "B", "st": "A", "nd": "B"}
_ARTICLES = words.ARTICLES | words.IS | {"i.e", "ie", "namely", "meaning"}
_RESTATES = (
    ("i", ".", "e", "."), ("i", ".", "e"), ("in", "other", "words"), ("that", "is"),
    ("which", "is"), ("to", "say"), ("to", "be", "precise"), ("viz", "."), ("viz",), ("=",),
)  # fmt: skip
"""Words behind which the same is said once more."""
_RELATIVE = frozenset("that which who whose with saying".split())
_FITS = words.GOOD | words.BETTER | {"right", "fewer", "more"}


def ordinal(clause: Sides, place: int) -> str | None:
    """Return the response that the words at a place name by its place, and nothing else.

    Returns:
        A or B; empty where a response is meant of which it is not known which one it is; None where
        no response is named so.
    """
    at = place
    while (after := _past_lead(clause, at)) > at:
        at = after
    word, noun = clause.word(at), clause.word(at) in words.NOUNS
    for sign, side in _SIGNS.items():
        if word.startswith(sign):
            return side
    if word in ("one", "response", "answer") and clause.word(at + 1) in _RELATIVE and at > place:
        rest = {token.word for token in clause.tokens[at + 1 :]}
        return None if rest & _FITS else ""
    if noun and clause.word(at + 1) in ("1", "2", "one", "two"):
        return _NUMBERS[clause.word(at + 1)] if _ends(clause, at + 2) else None
    if word in ("1", "2") and clause.word(at + 1) in ("st", "nd"):
        at, word = at + 1, {"1": "1st", "2": "2nd"}[word]
    found = _PLACES.get(word)
    if found is None or word == "prima":
        return None
    end = clause.past(at + 1, words.NOUNS | {"one", "of", "two", "the", "both"})
    return found if _ends(clause, end) else None


def _past_lead(clause: Sides, at: int) -> int:
    """Return the place behind an article, a bracket or "that is"; the same place without one."""
    if clause.word(at) in _ARTICLES or clause.word(at) in OPEN:
        return at + 1
    for said in _RESTATES:
        if clause.word(at) == said[0] and all(clause.word(at + n) == w for n, w in enumerate(said)):
            return at + len(said) + (clause.word(at + len(said)) == ",")
    return at


def _ends(clause: Sides, place: int) -> bool:
    return place >= clause.size or clause.word(place) in CLOSE or clause.pauses(place)

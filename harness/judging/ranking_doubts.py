"""Tells whether a sentence behind a ranking says otherwise: "B beats A", "C should be first"."""

from __future__ import annotations

from harness.judging import pair_words as words
from harness.judging.clauses import Sentence
from harness.judging.own_words import is_unclear
from harness.judging.pair_statements import behind_turn
from harness.judging.ranking_order import named, order_of
from harness.judging.taken_back import turn_of

_FIRST = frozenset("best better first top winner strongest".split())
_PLACED = frozenset("should be ranked placed deserves place".split())
_LAST = frozenset("worst last weakest".split())


def contradicts(sentence: Sentence, order: tuple[str, ...]) -> bool:
    """Tell whether a later sentence puts responses into another order, or in another place."""
    if sentence.end == "?":
        return False
    if is_unclear(sentence.words):
        return True
    tokens = behind_turn(sentence).tokens
    if turn_of(sentence.words) and (said := order_of(tokens, 0, order)):
        return said != order
    found = named(tokens, 0, order)
    if found is None:
        return False
    letter, at = found
    rest = [token.word for token in tokens[at:] if token.word[0].isalnum()]
    if rest[:2] == ["should", "be"] or rest[:1] == ["deserves"]:
        rest = ["is", *(word for word in rest if word not in _PLACED)]
    if not rest or (rest[0] not in words.IS and rest[0] not in words.WINS | words.LOSES):
        return False
    other = tokens[-1].text
    small = words.IS | words.ARTICLES | words.NOUNS | words.DEGREES
    rest = [word for word in rest[:-1] if word not in small] + rest[-1:]
    if len(rest) == 1:
        place = 0 if rest[0] in _FIRST else -1 if rest[0] in _LAST else None
        return place is not None and letter != order[place]
    if len(rest) > 3 or other not in order or other == letter:
        return False
    better = rest[0] in words.BETTER | words.WINS | {"above"}
    worse = rest[0] in words.WORSE | words.LOSES | {"below"}
    before = order.index(letter) < order.index(other)
    return (better and not before) or (worse and before)

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
_COMES = frozenset("came comes ranks ranked finishes finished goes".split())
_QUALITY = frozenset("accurate correct helpful useful truthful".split())
_LAST = frozenset("worst last weakest".split())


def contradicts(sentence: Sentence, order: tuple[str, ...]) -> bool:
    """Tell whether a later sentence puts responses into another order, or in another place."""
    if sentence.end == "?":
        return False
    if is_unclear(sentence.words):
        return True
    tokens = behind_turn(sentence).tokens
    if _chained(sentence, order):
        return True
    if turn_of(sentence.words) and (said := order_of(tokens, 0, order)):
        return said != order
    found = named(tokens, 0, order)
    if found is None:
        return False
    letter, at = found
    rest = [token.word for token in tokens[at:] if token.word[0].isalnum()]
    most = rest[:3][1:] == ["the", "most"] or rest[:3][1:] == ["the", "least"]
    if most and rest[0] in words.IS and rest[3:4] and rest[3] in _QUALITY:
        return letter == order[-1 if rest[2] == "most" else 0]
    if rest[0:1] and rest[0] in _COMES and rest[1:2] and rest[1] in _FIRST | _LAST:
        return letter != order[0 if rest[1] in _FIRST else -1]
    if rest[-1:] and rest[-1] in ("top", "bottom") and not _PLACED.isdisjoint(rest[:2]):
        return letter != order[0 if rest[-1] == "top" else -1]
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


def _chained(sentence: Sentence, order: tuple[str, ...]) -> bool:
    """Tell whether a sentence says of what is ranked again another order of all responses."""
    said = sentence.words
    if not {"ranked", "reranked", "ranking", "reordered"}.intersection(said):
        return False
    if not {"on", "for", "by", "in"}.isdisjoint(said):
        return False
    signs = [token.text for token in sentence.tokens if token.text in order or token.word == ">"]
    size = 2 * len(order) - 1
    chains = [signs[at : at + size : 2] for at in range(len(signs) - size + 1)]
    found = [chain for chain in chains if sorted(chain) == sorted(order)]
    return any(tuple(chain) != order for chain in found)

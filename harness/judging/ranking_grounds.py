"""Tells whether an order of responses is one of quality, and whether their scores go with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from harness.judging import pair_words as words
from harness.judging.clauses import Token, tokens_of
from harness.judging.sides import CLOSE, OPEN

_CHANCE = frozenset(
    "alphabetical alphabetically alphabet random randomly arbitrary arbitrarily placeholder "
    "placeholders dummy default appearance appear appeared shown presented listed length input "
    "original unordered unsorted coin dice chance guess guessed guessing tentative provisional "
    "preliminary draft example hypothetical illustration meaningless chronological "
    "chronologically sequence name names".split()
)
"""Words of an order that is not one of quality."""
_HOW = frozenset(
    "in the by of from to order ordered sorted ranked ranking is are was were this these that my i "
    "they them responses answers letters only just a an as at real among between there read "
    "reading better chosen picked put which purely made given here for and it it's each completely "
    "totally entirely simply one ones above their received have had has been did do yet be could "
    "can't cannot not no or true clear meaningful any rank compared compare judged seen see flip "
    "didn't haven't couldn't right left lower smaller fewer scores score numbers number left "
    "yet actually really toss of an is a".split()
)
_DENIED = frozenset("not no cannot can't didn't haven't couldn't never".split())
_DONE = frozenset("read ranked rank compared compare judged seen see order ranking ordered".split())
_TURNED = (
    frozenset("right left".split()),
    frozenset(("lower", "better")),
    frozenset(("smaller", "better")),
)
_LABELS = words.BEFORE | frozenset(
    "score scores rating ratings total totals points grades marks overall final sum sums ranking "
    "rankings ranked".split()
)
_BETWEEN = (
    OPEN | CLOSE | frozenset(": = | - \u2013 \u2014 is gets got scores scored has with".split())
)
_UNITS = frozenset("points point pts % stars".split())
_SPLITS = frozenset(", ; | and . )".split())


def is_no_order(tokens: Sequence[Token], letters: Sequence[str]) -> bool:
    """Tell whether words say of a ranking that it is by chance, by place, or none at all."""
    names = [
        token.word for token in tokens if token.word[0].isalnum() and token.text not in letters
    ]
    said = set(names)
    if not names or not said <= _HOW | _CHANCE:
        return False
    if any(said >= turned for turned in _TURNED):
        return True
    if said & _DENIED:
        return bool(said & _DONE) and not said & _CHANCE
    return bool(said & _CHANCE)


def against_scores(text: str, order: Sequence[str]) -> str:
    """Return the scores of the responses that go against their order; empty without such.

    Scores count where each response has one and no other number; those that are the places
    themselves go with the order, too.
    """
    found: dict[str, float] = {}
    other = False
    for line in text.split("\n"):
        tokens = list(tokens_of(line[:600]))
        said = _scores(tokens, order)
        if said:
            if other or any(found.get(letter, value) != value for letter, value in said.items()):
                return ""
            found.update(said)
        elif tokens:
            label = tokens[-1].word == ":"
            other = label and any(t.word not in _LABELS for t in tokens[:-1])
    if set(found) != set(order):
        return ""
    values = [found[letter] for letter in order]
    if values == [float(place) for place in range(1, len(order) + 1)]:
        return ""
    if all(one >= two for one, two in pairwise(values)):
        return ""
    return ", ".join(f"{letter} {found[letter]:g}" for letter in order)


def figures_against(entry: Mapping[str, object], order: Sequence[str]) -> bool:
    """Tell whether a JSON object has scores of all responses that go against their order."""
    for name, inner in entry.items():
        if isinstance(inner, dict) and "score" in name.lower() and set(inner) == set(order):
            figures = [inner[letter] for letter in order]
            known = all(isinstance(figure, int | float) for figure in figures)
            if known and any(one < two for one, two in pairwise(figures)):
                return True
    return False


def _scores(tokens: Sequence[Token], letters: Sequence[str]) -> Mapping[str, float]:
    """Return the scores of a line that holds nothing else, but a label before them."""
    at = next((n for n, token in enumerate(tokens) if token.text in letters), len(tokens))
    while at and tokens[at - 1].word in words.NOUNS:
        at -= 1
    lead = [token.word for token in tokens[:at] if token.word[0].isalpha()]
    if not set(lead) <= _LABELS:
        return {}
    found: dict[str, float] = {}
    while at < len(tokens):
        while at < len(tokens) and (tokens[at].word in words.NOUNS or tokens[at].word in _SPLITS):
            at += 1
        if at >= len(tokens):
            break
        letter, at = tokens[at].text, at + 1
        begin = at
        while at < len(tokens) and tokens[at].word in _BETWEEN:
            at += 1
        if letter not in letters or letter in found or at >= len(tokens):
            return {}
        number = tokens[at].word.replace(",", ".")
        if not number[:1].isdigit() or (at == begin and tokens[at].start == tokens[at - 1].end):
            return {}
        found[letter], at = float(number), at + 1
        if at + 1 < len(tokens) and tokens[at].word == "/" and tokens[at + 1].word[0].isdigit():
            at += 2
        elif [token.word for token in tokens[at : at + 2]] == ["out", "of"]:
            at += 3
        if at < len(tokens) and tokens[at].word in _UNITS:
            at += 1
        if at < len(tokens) and tokens[at].word not in _SPLITS:
            return {}
    return found

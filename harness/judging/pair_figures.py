"""Reads the figures that a judge gives to both responses, as scores or as probabilities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.judging.clauses import Sentence, Token
from harness.judging.preference import Clause
from harness.judging.sides import OTHER

_LINKS = frozenset(
    ": = - ( [ | gets got get scores scored earns earned receives received is has with at of "
    "\u2192 score rating total".split()
)
_UNITS = frozenset(
    "out of / point points pts percent % , . ; ) ] | and vs versus while but for marks "
    "stars".split()
)
_LABELS = frozenset(
    "score scores rating ratings points total totals final overall grade grades marks sum result "
    "results average give gave rate".split()
)
_CONFIDENT = frozenset("confidence confident certainty certain sure".split())
_SCORED = _LABELS | {"/", "out", "points", "pts", "marks", "stars"}
_SMALL = 10
"""A figure of which nobody says that it is a score is one up to here."""
_FAR = 40


def figures_before(lines: Sequence[Sentence], numbered: bool, value: str) -> str:
    """Return the figures before a verdict that all rank the other response higher; or nothing.

    They count where a word or a unit says that they are scores, or where nothing else is said.

    Args:
        lines: The sentences before the verdict.
        numbered: Whether the responses are called 1 and 2.
        value: The verdict: A, B or TIE.
    """
    found: dict[str, list[float]] = {"A": [], "B": []}
    chances = dict[str, float]()
    alone, named = True, False
    for line in lines if value != "TIE" else ():
        clause = Clause(line.tokens, numbered)
        said = list(figures_of(clause))
        alone = alone and (bool(said) or not any(word.isalpha() for word in line.words))
        named = named or (bool(said) and not _SCORED.isdisjoint(line.words))
        for side, figure in said:
            found[side].append(figure)
        for part in _parts(line):
            if (chance := chance_of(Clause(part, numbered))) and chance[0]:
                chances[chance[0]] = chance[1]
    other = OTHER[value]
    small = max([*found["A"], *found["B"]], default=0) <= _SMALL
    if named or (alone and small):
        pairs = list(zip(found.get(other, []), found.get(value, []), strict=False))
        same = len(found["A"]) == len(found["B"]) > 0
        if same and all(theirs > ours for theirs, ours in pairs):
            return f"{other} {pairs[0][0]:g}, {value} {pairs[0][1]:g}"
    if len(chances) == 2 and chances[other] > chances[value]:
        return f"{other} is likelier"
    return ""


def _parts(line: Sentence) -> Iterator[list[Token]]:
    part: list[Token] = []
    for token in line.tokens:
        if token.word == ",":
            yield part
            part = []
        else:
            part.append(token)
    yield part


def figures_of(clause: Clause) -> Iterator[tuple[str, float]]:
    """Yield the responses of a sentence that have a figure as their score."""
    first = next((at for at in range(clause.size) if clause.option(at)), clause.size)
    lead = [clause.word(at) for at in range(first)]
    if any(word.isalpha() for word in lead) and _LABELS.isdisjoint(lead):
        return
    place = 0
    while place < clause.size:
        named = clause.option(place)
        if named is None:
            place += 1
            continue
        side, place = named
        at = clause.past(place, _LINKS)
        has = clause.word(place) == "has"
        text = clause.word(at)
        if at > place + 3 or not text[:1].isdecimal():
            continue
        following = clause.word(at + 1)
        unit = following in _UNITS or not following or clause.option(at + 1)
        if unit and not (has and not following.startswith(("p", "out", "o"))):
            yield side, float(text.replace(",", "."))


def chance_of(clause: Clause) -> tuple[str, float] | None:
    """Return a probability that a sentence states, and of which response: "P(A) = 0.2"."""
    said = [token.word for token in clause.tokens[:_FAR]]
    certain = not _CONFIDENT.isdisjoint(said)
    if not certain and said[:2] not in (["p", "("], ["prob", "("], ["probability", "("]):
        if "probability" not in said:
            return None
    named = next(filter(None, map(clause.option, range(min(clause.size, _FAR)))), None)
    at = next((n for n, word in enumerate(said) if word[0].isdecimal()), -1)
    if at < 0 or sum(word[0].isdecimal() for word in said) > 1:
        return None
    figure, percent = float(said[at].replace(",", ".")), said[at + 1 : at + 2] == ["%"]
    if percent:
        figure /= 100
    elif not said[at].startswith("0"):
        return None
    return named[0] if named else "", figure

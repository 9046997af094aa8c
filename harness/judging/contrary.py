"""Tells whether what stands behind a verdict ranks the other response higher.

Figures for both responses are compared, criteria that all go to the other one counted, and what is
said of each response gathered: good of the other one and bad of the preferred one is contrary.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from harness.judging import pair_words as words
from harness.judging.clauses import Sentence
from harness.judging.comparisons import ASPECTS
from harness.judging.ellipses import denies_fault, is_elliptic
from harness.judging.pair_figures import chance_of, figures_of
from harness.judging.preference import Clause
from harness.judging.sides import OTHER

_FAR = 40
_MOST = 400
"""Characters of a JSON field that are read."""
_LIKELY = 1 / 3
"""The least probability of the likeliest of A, B and a tie."""
_TOTAL = frozenset("all every each everything any most both".split())
_DOES = frozenset(
    "answers satisfys satisfies meets fulfills fulfils answers gets follows addresses solves "
    "passes has meet wins leads".split()
)
_WINS = words.WINS | {"leads"}
_NOTHING = frozenset("none nothing neither".split())
_ASKED = frozenset("question prompt task criteria criterion it them instructions".split())
_OUT = frozenset("rejected disqualified eliminated excluded discarded discounted".split())
_FALSE = words.BAD | words.AGAINST | _OUT
_USABLE = frozenset("used usable acceptable right correct works valid answers chosen".split())
_ALONE = (
    words.TURNS
    | (words.CONCEDES - {"while", "whereas"})
    | frozenset("also too both however if would could".split())
)
_LESS = ("error", "length", "penalt", "time", "token", "word", "cost", "fault", "rank", "place")
"""Of which more is no merit."""


def is_contrary(lines: Sequence[Sentence], numbered: bool, value: str) -> str:
    """Return the words behind a verdict that rank the other response higher; empty without any.

    Args:
        lines: The sentences behind the verdict.
        numbered: Whether the responses are called 1 and 2.
        value: The verdict: A, B or TIE.
    """
    if value == "TIE":
        return ""
    clauses = [Clause(line.tokens, numbered) for line in lines if line.end != "?"]
    other = OTHER[value]
    figures = dict[str, float]()
    of_criteria = list[str]()
    good, bad = set[str](), set[str]()
    last: Clause | None = None
    for before, clause in zip([None, *clauses], clauses, strict=False):
        if chance := chance_of(clause):
            figures.setdefault("P" + (chance[0] or value), chance[1])
        for side, figure in figures_of(clause):
            figures.setdefault(side, figure)
        if (one := _of_criterion(clause)) is not None:
            of_criteria.append(one)
        if clause.side < 0 or not _ALONE.isdisjoint(token.word for token in clause.tokens):
            continue
        for side, said in _claims(clause, before):
            (good if said > 0 else bad).add(side)
            last = clause if (side == value) == (said < 0) else last
    if figures.keys() >= {"A", "B"} and figures[other] > figures[value]:
        return f"{other} {figures[other]:g}, {value} {figures[value]:g}"
    if len(of_criteria) > 1 and set(of_criteria) == {other}:
        return f"{len(of_criteria)} criteria for {other}"
    if last is not None and value not in good and other not in bad and (value in bad):
        return " ".join(token.text for token in last.tokens[:12])
    if figures.get("P" + value, 1) < _LIKELY or figures.get("P" + other, 0) > 1 - _LIKELY:
        return "it is said to be unlikely"
    if f"{other}+" in good and value not in good:
        return f"{other} is better in several respects"
    return ""


def figures_differ(entry: Mapping[str, Any], value: str) -> bool:
    """Tell whether figures, or an order, of a JSON object rank the other response higher."""
    if value not in ("A", "B"):
        return False
    other = OTHER[value]
    for name, inner in entry.items():
        key = "".join(filter(str.isalnum, name.lower()))
        if any(less in key for less in _LESS) and not key.startswith("ranking"):
            continue
        if isinstance(inner, dict) and _ranks(inner, other, value):
            return True
        if key in ("ranking", "order", "finalranking") and inner and isinstance(inner, (list, str)):
            first = inner[0] if isinstance(inner, list) else inner.partition(">")[0]
            if _side(str(first)[:_MOST]) == other:
                return True
    named = {
        name: figure
        for name, figure in entry.items()
        if not any(less in name.lower() for less in _LESS)
    }
    return _ranks(named, other, value)


def _ranks(entry: Mapping[str, Any], other: str, value: str) -> bool:
    """Tell whether an object has a higher figure for one response than for another."""
    found = dict[tuple[str, str], float]()
    for name, figure in entry.items():
        if isinstance(figure, dict):
            figure = figure.get("score", figure.get("total"))
        if isinstance(figure, (int, float)) and not isinstance(figure, bool):
            side = _side(name)
            key = "".join(filter(str.isalnum, name.lower()))
            found[side, key.removesuffix(side.lower()).replace(f"response{side.lower()}", "")] = (
                figure
            )
    pairs = [
        (found[other, stem], figure)
        for (side, stem), figure in found.items()
        if side == value and (other, stem) in found
    ]
    return bool(pairs) and all(theirs > ours for theirs, ours in pairs)


def _side(name: str) -> str:
    """Return the response that a key names: "A", "score_a", "Response B"."""
    parts = "".join(c if c.isalnum() else " " for c in name).split()
    sides = [part.upper() for part in parts if part.upper() in ("A", "B")]
    return sides[0] if len(sides) == 1 else ""


def _of_criterion(clause: Clause) -> str | None:
    """Return the response of "Accuracy: B"."""
    if not 2 < clause.size < 7 or not clause.word(0).isalpha() or clause.option(0):
        return None
    at = next((at for at in range(1, clause.size) if clause.word(at) == ":"), clause.size)
    named = clause.option(at + 1)
    return named[0] if named is not None and named[1] >= clause.size else None


def _claims(clause: Clause, before: Clause | None) -> Iterator[tuple[str, int]]:
    """Yield what is said of each response on the whole: 1 for good, -1 for bad."""
    if clause.word(0) == "reject" and (named := clause.option(1)) and named[1] >= clause.size:
        yield named[0], -1
    place = 0
    while place < clause.size:
        named = clause.option(place)
        if named is None or clause.tokens[named[1] - 1].text.endswith("'s"):
            place += 1
            continue
        start, (side, place) = place, named
        end = place
        while (
            end < clause.size
            and clause.option(end) is None
            and clause.word(end)
            not in (
                "and",
                ",",
                ";",
                "while",
                "whereas",
            )
        ):
            end += 1
        near = [clause.word(at) for at in range(place, end)]
        elliptic = is_elliptic(near) and denies_fault(clause, start, side, before)
        if said := 1 if elliptic else _said(near):
            yield side, said
        if near[1:3] == ["the", "only"] and not _USABLE.isdisjoint(near[4:]):
            yield f"{side}+", 1
        if ["cannot", "win"] in [
            list(pair)
            for pair in pairwise(
                clause.word(at) for at in range(place, min(place + _FAR, clause.size))
            )
        ]:
            yield side, -1
        wins = near[:1] and near[0] in _WINS
        if (wins and not _TOTAL.isdisjoint(near)) or (near[-1:] == ["better"] and near[0] in _DOES):
            yield f"{side}+", 1
        whole = [clause.word(at) for at in range(place, min(place + _FAR, clause.size))]
        if whole[:1] and whole[0] in words.IS and _praises(whole):
            yield f"{side}+", 1


def _praises(near: Sequence[str]) -> bool:
    """Tell whether more than one merit is compared: "is more accurate and complete"."""
    merits = [at for at, word in enumerate(near) if word in words.GOOD]
    rest = set(near) - words.GOOD - words.IS - words.DEGREES - {"more", ",", "and", "than", "a"}
    return "more" in near and len(merits) > 1 and not rest


def _said(near: Sequence[str]) -> int:
    told = [word for word in near if word not in words.DEGREES]
    if not told:
        return 0
    verb, rest = told[0], told[1:]
    if verb in _NOTHING and not rest:
        return -1
    whole = ASPECTS.isdisjoint(rest) and "about" not in rest
    whole = whole or not _TOTAL.isdisjoint(rest)
    if verb in ("does", "did", "should", "must", "can") and rest[:1] == ["not"]:
        fails = not _DOES.isdisjoint(f"{word}s" for word in rest[1:2]) and rest[-1] in _ASKED
        wins = rest[1:] in (["win"], ["be", "chosen"])
        return -1 if len(rest) == 1 or wins or fails or rest[1:2] == ["answer"] == rest[-1:] else 0
    if verb == "does" and not rest:
        return 1
    if verb in ("doesn't", "didn't"):
        return -1 if not rest else 0
    if verb in ("should", "must") and rest[:1] == ["be"]:
        return -1 if rest[1:2] and rest[1] in _OUT else 0
    if verb == "cannot":
        return -1 if rest == ["win"] else 0
    if verb in words.IS and rest:
        last = rest[0]
        if last.endswith("ly") and rest[1:2]:
            rest = rest[1:]
            last = rest[0]
        if last in _FALSE and (len(rest) == 1 or not _TOTAL.isdisjoint(rest)):
            return -1 if whole else 0
        return 1 if last in words.GOOD | {"right"} and len(rest) == 1 else 0
    if verb in ("fails", "failed"):
        return -1 if not rest or rest[-1] in _ASKED or not _TOTAL.isdisjoint(rest) else 0
    if verb in _DOES:
        if not _NOTHING.isdisjoint(rest):
            return -1
        return 1 if not words.NOT.intersection(rest) else 0
    return 0

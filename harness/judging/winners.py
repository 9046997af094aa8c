"""Tells whether words behind a response say that it is the one to choose."""

from __future__ import annotations

from collections.abc import Sequence

from harness.judging import judge_words as known
from harness.judging import pair_words as words
from harness.judging.comparisons import ASPECTS
from harness.judging.own_words import stems

_WHOLE = frozenset("all every everything everywhere overall both easily clearly".split())
"""Words behind what a response beats, by which it does so on the whole."""


def is_chosen(near: Sequence[str]) -> bool:
    """Tell whether a response is what the judge would choose: "is the one I meant"."""
    if near[:1] == [] or near[0] not in words.IS or known.JUDGES.isdisjoint(near):
        return False
    means = known.WRITES | words.CHOOSES | {"want", "land", "mean", "meant"}
    return any(not means.isdisjoint(stems(word)) for word in near)


def is_to_win(near: Sequence[str]) -> bool:
    """Tell whether a response should win, or rank first."""
    if not words.NOT.isdisjoint(near) or not ASPECTS.isdisjoint(near):
        return False
    if {"rank", "ranks"}.intersection(near[:2]):
        return not {"higher", "first", "above"}.isdisjoint(near)
    should = words.POSSIBLE - {"would", "could", "might", "may"}
    should |= {"ought", "has", "needs", "was", "had"}
    if near[:1] == [] or near[0] not in should:
        return False
    wins = near[1:] in (["get", "this"], ["get", "it"], ["be", "it"], ["have", "it"])
    return wins or not known.CHOSEN.isdisjoint(near[1:5])


def is_winner(near: Sequence[str], other: str) -> bool:
    """Tell whether a response is the winner, or gets what the winner gets."""
    if any(word in words.NOT or word in ("would", "could", "might", "if") for word in near):
        return False
    first = next((n for n, word in enumerate(near) if word not in words.DEGREES), len(near))
    verb, rest = "".join(near[first : first + 1]), list(near[first + 1 :])
    if verb in ("it", "for"):  # "B it is"
        return first == 0 and (verb == "it" or not known.PRIZES.isdisjoint(rest))
    if verb in known.EARNS and rest in ([], ["it"], ["me"], ["better"], [other]):
        return verb not in ("got", "has") or rest != []
    beaten = rest[rest[:1] in (["out"], ["over"], ["against"]) :]
    beaten = beaten[beaten[:1] != [] and beaten[0] in words.NOUNS :]
    if verb in known.EARNS and other and beaten[:1] == [other]:
        return len(beaten) == 1 or not _WHOLE.isdisjoint(beaten)
    top = rest[-2:] == ["on", "top"]
    ahead = top or rest[-1:] in (["ahead"], ["first"])
    if verb in words.IS:
        if rest[:2] in (["the", "one"], ["what", "i"]):
            told = rest[2:3] in (["that"], ["which"], ["with"])
            told = told or not known.LACKS.isdisjoint(rest)
            return not told or not (known.CHOSEN | known.EARNS).isdisjoint(rest)
        if rest[1:] == ["all", "along"] and rest[0] in words.BETTER:
            return True
        if rest[:1] == ["my"]:
            return ASPECTS.isdisjoint(near)
        best = len(rest) > 1 and rest[1] in words.BETTER and not rest[-1].endswith(("ed", "en"))
        if rest[:1] in (["a"], ["the"]) and "in" not in rest:
            if best or rest[1:4] == ["way", "to", "go"]:
                return True
    elif verb not in known.EARNS | words.POSSIBLE:
        return ahead and verb in ("comes", "came", "pulls", "edges")
    whole = top or ASPECTS.isdisjoint(near)
    return whole and (ahead or not known.PRIZES.isdisjoint(rest[:5]))

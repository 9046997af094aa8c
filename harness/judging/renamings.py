"""Tells whether a judge gives the responses other names than they were shown with."""

from __future__ import annotations

from itertools import pairwise

from harness.judging import pair_words as words
from harness.judging.clauses import Sentence
from harness.judging.judge_words import JUDGES
from harness.judging.preference import Clause
from harness.judging.sides import OTHER

_MOST = 400
"""Words of a sentence in which a response is looked for."""
_STANDS = frozenset(
    "is are be being was will called named labelled labeled relabelled denotes denote denoted "
    "means mean stands stand for refers refer to as = : i we shall here now ( that \u2192 by "
    "below".split()
)
"""Words between a name and what it stands for."""
_CALLS = frozenset("call label name rename denote relabel calling labelling".split())
_DENOTES = frozenset("stands stand for denotes denote refers refer to means as".split())
_MEANS = frozenset("stands stand denotes denote refers refer means".split())
_NAMES = frozenset("labels letters names order responses positions".split())
_TURNED = frozenset("swapped reversed switched flipped interchanged exchanged inverted".split())


def renames(sentence: Sentence, numbered: bool) -> bool:
    """Tell whether a sentence gives the responses other names than they were shown with."""
    clause = Clause(sentence.tokens, numbered)
    said = sentence.words
    if not {"renamed", "relabelled", "relabeled"}.isdisjoint(said) and not JUDGES.isdisjoint(said):
        return True
    if clause.side < 0 or not _NAMES.isdisjoint(said):
        turned = not _TURNED.isdisjoint(said) or ["in", "reverse"] in map(list, pairwise(said))
        if turned and not _NAMES.isdisjoint(said) and (clause.side < 0 or "reverse" in said):
            return True
    if not _TURNED.isdisjoint(said) and "order" in said and not words.VERDICT.isdisjoint(said):
        return True
    if _is_other_place(sentence):
        return True
    for place in range(min(clause.size, _MOST)):
        named = clause.option(place)
        if named is None:
            continue
        side, end = named
        calls = not _CALLS.isdisjoint(said[max(0, place - 2) : place])
        calls = calls or ("refer" in said[max(0, place - 3) : place] and "as" in said)
        renamed = clause.past(end, _DENOTES)
        denotes = renamed
        denotes = denotes if not _MEANS.isdisjoint(said[end:denotes]) else 0
        for begin in {
            end if calls else 0,
            renamed if calls else 0,
            denotes if denotes > end else 0,
        } - {0}:
            other = clause.option(begin)
            if other is not None and other[0] == OTHER[side]:
                return True
        where = said[place - 1 : place] in (["where"], ["let"], ["with"])
        if (where or denotes > end) and not {"response", "one", "answer"}.isdisjoint(
            said[end : end + 5]
        ):
            if not {"that", "which", "whose"}.isdisjoint(said[end : end + 6]):
                return where or not {"denote", "denotes", "stands", "stand"}.isdisjoint(said)
    return False


def _is_other_place(sentence: Sentence) -> bool:
    """Tell whether a letter stands for the response at the other place: "Response 2 is called A".

    Nothing but a link, or nothing at all, stands between the two.
    """
    clause = Clause(sentence.tokens, True)
    last: tuple[str, bool, int] | None = None
    place = 0
    while place < min(clause.size, _MOST):
        named = clause.option(place)
        if named is None:
            place += 1
            continue
        side, end = named
        said = [token.word for token in clause.tokens[place:end]]
        spelt = not {"a", "b", "a's", "b's"}.isdisjoint(said)
        if spelt or not words.NOUNS.isdisjoint(said) or "one" in said:
            if last is not None and last[0] != side and last[1] is not spelt:
                between = {clause.word(at) for at in range(last[2], place)}
                if between <= _STANDS:
                    return True
            last = (side, spelt, end)
        place = end
    return False

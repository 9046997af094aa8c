"""Tells whether a sentence behind a verdict on a pair may mean another one.

It does where it names the other response as an object ("I'd rather pick B"), alone ("after all,
B"), or as what is best ("B deserves it"); where it says that the verdict's letter is not meant; and
where the judge speaks of itself as of a mistake. A response that is compared with ("better than
B"), or of which something is told ("B has an error"), is only described.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from harness.judging import judge_words as known
from harness.judging import pair_words as words
from harness.judging.clauses import Sentence
from harness.judging.comparisons import ASPECTS
from harness.judging.objections import NONE_OF
from harness.judging.own_words import is_unclear, stems
from harness.judging.pair_statements import in_one_respect
from harness.judging.preference import Clause
from harness.judging.sides import OTHER, STEPS
from harness.judging.taken_back import within
from harness.judging.winners import is_chosen, is_to_win, is_winner

_FAR = 40
"""Words before a response, or behind one, that are looked at."""
_NEAR = 9
"""Words behind a response in which it is said what it is."""
_JOINS = frozenset("and or & / oder und et y \u548c ,".split())
_ORDERS = frozenset(("other", "latter", "former", "first", "second"))


class _Mention(NamedTuple):
    """A response that a sentence names.

    Args:
        side: Which one.
        begin: Where its clause begins.
        start: Where it is named.
        end: The place behind it.
        again: Whether another one is named before it.
        lead: The words of its clause before it.
        near: The words behind it, up to a pause.
        judge: Whether the judge is the subject of the clause.
    """

    side: str
    begin: int
    start: int
    end: int
    again: bool
    lead: list[str]
    near: list[str]
    judge: bool


def differs(sentence: Sentence, numbered: bool, value: str, last: bool) -> bool:
    """Tell whether a sentence behind a verdict is not understood as going with it.

    Args:
        sentence: The sentence.
        numbered: Whether the responses are called 1 and 2.
        value: The verdict: A, B or TIE.
        last: Whether nothing stands behind the sentence.
    """
    if sentence.end == "?":
        return False
    unclear = is_unclear(sentence.words, last) or within(sentence.words)
    return unclear or _Thought(sentence, numbered, value, last).differs()


class _Thought(Clause):
    """A sentence behind a verdict."""

    def __init__(self, sentence: Sentence, numbered: bool, value: str, last: bool) -> None:
        super().__init__(sentence.tokens, numbered)
        self.value = value
        self.all = frozenset(sentence.words)
        self.heads = not last and not sentence.end and sentence.first
        """Whether a name alone may be a heading."""

    def differs(self) -> bool:
        """Tell whether it may mean another verdict."""
        place, begin, again = 0, 0, False
        while place < self.size:
            if self.pauses(place) or self.word(place) in words.TURNS:
                begin = place + 1
            named = self._named_here(place)
            if named is None:
                place += 1
                continue
            side, end = named
            if not self.tokens[end - 1].text.endswith("'s"):
                one = self._mention(side, begin, place, end, again)
                if self._is_doubted(one) if side == self.value else self._is_meant(one):
                    return True
            again, place = True, end
        return False

    def _named_here(self, place: int) -> tuple[str, int] | None:
        """Return the response that is named at a place, also as "the latter" or "the other"."""
        word = self.word(place)
        if self.word(place - 1) != "the" or word not in _ORDERS:
            return self.option(place)
        end = self.past(place + 1, words.NOUNS | {"one"})
        following = self.word(end)
        if word == "other":
            aside = following in ("hand", "side", "words")
            return None if aside else (OTHER[self.value] or "B", end)
        if word in ("latter", "former"):
            return "B" if word == "latter" else "A", end
        alone = end >= self.size or self.pauses(end) or following in words.IS | known.EARNS
        return ("A" if word == "first" else "B", end) if alone or end > place + 1 else None

    def _mention(self, side: str, begin: int, place: int, end: int, again: bool) -> _Mention:
        begin = max(begin, place - _FAR)
        start = max(begin, place - (self.word(place - 1) == "the"))
        lead = [self.word(at) for at in range(begin, start)]
        near = list[str]()
        for at in range(end, min(self.size, end + _NEAR)):
            if self.pauses(at) or self.word(at) in words.TURNS:
                break
            near.append(self.word(at))
        judge = any(word in known.SELF or word.startswith(("j'", "\u6211")) for word in lead)
        return _Mention(side, begin, start, end, again, lead, near, judge)

    def _is_meant(self, one: _Mention) -> bool:
        """Tell whether the other response may be the verdict that is meant."""
        lead, before, following = one.lead, self.word(one.start - 1), self.word(one.end)
        if not words.NOT.isdisjoint(lead):
            return False
        nearly = known.NEARLY - {"may", "might", "could", "had", "where"}
        if not (nearly if one.judge else known.NEARLY).isdisjoint(lead):
            return False
        chosen = lead == ["it", "would", "be"] and not known.JUDGES.isdisjoint(self.all)
        if not known.PEOPLE.isdisjoint(lead) or not (
            one.judge or chosen or not _is_of_others(lead)
        ):
            return False
        if lead[-2:] == ["it", "is"] and following in known.CLEFT and not one.again:
            right = not (known.RIGHT | known.EARNS).isdisjoint(self.all)
            return right and known.LACKS.isdisjoint(self.all)
        if lead in (["it's"], ["c'est"]) and following not in known.CLEFT:
            return True
        if one.judge and before in known.AWARDS:
            return not known.AWARDED.isdisjoint(one.near)
        if before in known.COMPARED:
            return self._is_given(one)
        if one.again and before in _JOINS | {"\u2192"}:
            if before in ("/", "\u2192"):
                return all(len(word) == 1 for word in self.all)
            if before != "," or one.end >= self.size or following in ("and", ","):
                return False
        if following[:1].isdigit() or following in (":", "(", "[", "|"):
            return one.judge and following == "(" and not _handles(lead)
        ends = one.end >= self.size or following in known.ENDS
        ends = ends or (self.pauses(one.end) and (lead != [] or self._is_short(one.end)))
        chooses = (
            one.judge
            and before in known.WRITES | words.CHOOSES | known.SENDS
            and not _handles([before])
        )
        chooses = chooses and following not in words.IS - {"to"} | words.POSSIBLE
        return self._is_object(one) if ends or chooses else self._is_best(one)

    def _is_short(self, place: int) -> bool:
        """Tell whether what follows a pause is no statement about what stands before it."""
        rest = [self.word(at) for at in range(place + 1, min(self.size, place + _FAR))]
        reason = rest[:1] in (["not"], ["because"], ["since"]) and "," not in rest
        return self.word(place) != ":" and (len(rest) < 3 or reason)

    def _is_object(self, one: _Mention) -> bool:
        """Tell whether a response that ends a clause is what a verdict is for."""
        lead = one.lead
        if not lead:
            return self._is_alone(one.start)
        if not known.LACKS.isdisjoint(lead) or (one.judge and _handles(lead)):
            return False
        before = next((word for word in reversed(lead) if not _is_adverb(word)), "")
        names = before in words.IS or before in ("it's", "that's", "c'est")
        if one.judge or names or before[-1:] in known.CHOOSES:
            return True
        tells = len(lead) > 4 or not known.SUBJECTS.isdisjoint(lead[:-1])
        tells = tells or any(self.option(at) for at in range(one.begin, one.start))
        return not tells or before in known.FAVOURS

    def _is_alone(self, start: int) -> bool:
        """Tell whether a response alone is a verdict, not a heading, nor that of one criterion."""
        before = self.word(start - 1)
        if before not in (":", "-", "\u2014", "\u2013", ">", "=", "\u2192"):
            return not (self.heads and start == 0)
        label = [self.word(at) for at in range(max(0, start - STEPS), start - 1)]
        if not known.LACKS.isdisjoint(label):
            return False
        partly = label[:1] != [] and label[0] in ASPECTS and known.THOUGHT.isdisjoint(label)
        if before == ":" and len(label) > 2 and not partly:
            return start <= STEPS and {"on", "in", "of"}.isdisjoint(label)
        return not known.MARKS.isdisjoint(label)

    def _is_given(self, one: _Mention) -> bool:
        """Tell whether "for B", "to B" and the like name a verdict."""
        lead = one.lead
        if one.near[:2] == ["as", "the"]:
            return not known.PRIZES.isdisjoint(one.near)
        if one.near and one.near[0] not in known.ENDS and one.near[:2] != ["on", "this"]:
            return False
        if lead[-2:] in (["favor", "of"], ["favour", "of"]):
            return True
        if not lead or lead[-1] not in known.GIVERS or not known.LACKS.isdisjoint(lead):
            return False
        own = [n for n, word in enumerate(lead) if word in known.SELF]
        told = lead[own[-1] if own else 0 : -1]
        if any(word in ASPECTS - {"with", "by"} for word in told[:-1]):
            return False
        gives = {"give", "hand"}.intersection(lead) and {"it", "this"}.intersection(lead)
        return bool(gives) or any(not known.GIVEN.isdisjoint(stems(word)) for word in lead)

    def _is_best(self, one: _Mention) -> bool:
        """Tell whether what is said of a response is that it is the one to choose."""
        if not known.NEARLY.isdisjoint(one.lead) or self._is_partly():
            return False
        end = self._past_insertion(one.end)
        said = self.said_of(one.side, end)
        if said is not None and said[1] and said[0] == one.side:
            return True
        near = one.near if end == one.end else self._mention("", end, end, end, True).near
        near = near[near[:1] != [] and near[0] in known.CLEFT :]
        if near[:1] and near[0].startswith(known.BEST):
            return "\u5730" not in near[0]
        if near[:1] == ["\u6bd4"]:
            return near[-1][0] in "\u597d\u5f3a\u4f18\u4f73"
        if len(near) == 2 and near[0] in words.IS and near[1] in known.RIGHT:
            return known.AGREES.isdisjoint(self.all)
        if near[:2] == ["would", "be"] and {"if", "with", "had"}.isdisjoint(self.all):
            near = ["is", *near[2:]]
        return is_chosen(near) or is_to_win(near) or is_winner(near, self.value.lower())

    def _is_partly(self) -> bool:
        """Tell whether a sentence begins with the respect in which it is so: "On style, ..."."""
        thought = any(self.word(at) in known.THOUGHT for at in range(4))
        begins = self.word(0) in ("on", "for", "in", "as") and not thought
        return begins and in_one_respect(self, self.size)

    def _is_doubted(self, one: _Mention) -> bool:
        """Tell whether the verdict's letter is said not to be meant."""
        lead, near = one.lead, one.near
        refused = (self.word(one.start - 2), self.word(one.start - 1)) in known.REFUSED
        if (refused or lead in (["not"], ["and", "not"])) and not near:
            return known.LACKS.isdisjoint(self.all)
        if (
            near[:1] == ["above"]
            or lead[-1:] in (["my"], ["letter"])
            or (lead == ["that"] and near[:2] == ["is", "a"])
        ):
            return True
        if one.judge and not words.NOT.isdisjoint(lead):
            means = words.CHOOSES | known.MEANT
            if not means.isdisjoint(stems(lead[-1])):
                return True
        said = self.said_of(one.side, one.end)
        better = said is not None and said[1]
        if better and said is not None and said[0] == OTHER[one.side]:
            return known.NEARLY.isdisjoint(lead) and not self._is_partly()
        if not words.NOT.isdisjoint(lead) and (NONE_OF | {"only"}).isdisjoint(lead):
            if better or is_winner(near, ""):
                return True
        return _is_slip(near) or _is_denied(near)


def _is_of_others(lead: Sequence[str]) -> bool:
    """Tell whether somebody else may choose a response: "some readers would prefer B"."""
    named = known.MARKS | {"label", "letter", "correct", "right"}
    return not known.OTHERS.isdisjoint(lead) and named.isdisjoint(lead)


def _is_adverb(word: str) -> bool:
    return word in words.DEGREES or word.endswith("ly") or word == "in"


def _handles(lead: Sequence[str]) -> bool:
    return any(not known.HANDLES.isdisjoint(stems(word)) for word in lead)


def _is_slip(near: Sequence[str]) -> bool:
    """Tell whether a letter is said to be written, or chosen, by mistake."""
    being = next((n for n, word in enumerate(near[:4]) if word in words.IS | {"got"}), len(near))
    rest = list(near[being + 1 :])
    if any(one in ("by", "in") and two in known.MISTAKES for one, two in pairwise(near)):
        return True
    rest = rest[rest[:1] == ["been"] :]
    if rest[:2] == ["the", "wrong"]:
        return not (known.MARKS | {"letter", "one"}).isdisjoint(rest[2:3])
    if rest[:1] in (["a"], ["an"], ["my"], ["the"]):
        return not known.MISTAKES.isdisjoint(rest[1:3])
    written = any(not known.WRITES.isdisjoint(stems(word)) for word in rest[:3])
    return written and not known.MISTAKES.isdisjoint(rest)


def _is_denied(near: Sequence[str]) -> bool:
    """Tell whether a response is said not to win: "does not deserve it"."""
    if near[:2] in (["should", "lose"], ["must", "lose"]):
        return True
    denied = next((n for n, word in enumerate(near[:4]) if word in words.NOT), len(near))
    prizes = known.PRIZES | known.CHOSEN | {"deserve", "better", "best", "right", "my"}
    return ASPECTS.isdisjoint(near) and not prizes.isdisjoint(near[denied + 1 : denied + 6])

"""Reads which of two responses a judge prefers."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.judging import pair_words
from harness.judging.asides import speaks_against, tells_choice
from harness.judging.clauses import Sentence, sentences, tokens_of
from harness.judging.contrary import is_contrary
from harness.judging.judge_words import JUDGES
from harness.judging.pair_figures import figures_before
from harness.judging.pair_objects import verdict_of
from harness.judging.pair_statements import (
    alone,
    corrected,
    goes_on,
    labelled,
    opens,
    stated,
    turns_in,
    turns_to,
)
from harness.judging.parts import are_joined, begins_another, in_part
from harness.judging.preference import Clause
from harness.judging.renamings import renames
from harness.judging.reply import Answer, answer_of
from harness.judging.second_thoughts import differs
from harness.judging.stated import is_refusal, no_verdict
from harness.judging.tables import last_rows
from harness.judging.tasks import is_another_task, is_conditional
from harness.judging.unjudged import is_unjudged
from harness.judging.unjudged_answers import UNJUDGED
from harness.nouns.outcomes import Status
from harness.nouns.schema import Verdict

_NAMED = re.compile(
    r"\b(?:response|assistant|option|output|answer|model|completion|candidate|summary|reply|text)"
    r"[ _]?[(\[#]{0,2}([12AB])\b",
    re.IGNORECASE,
)
_TIES = pair_words.TIE_NOUNS | pair_words.EQUAL | {"equally"}


@dataclass(frozen=True, slots=True)
class _Said:
    """A verdict of an answer.

    Args:
        value: What it is; empty where it is not understood.
        start: Where it stands.
        sentence: In which sentence.
        concludes: Whether it is said to be the last one.
        json: Whether it is a JSON object.
        mark: Where its mark stands, of a marked one.
    """

    value: str
    start: int
    sentence: int
    concludes: bool = False
    json: bool = False
    mark: int = 0


def read_pair(reply: str, prompt: str = "", cut: bool = False) -> Verdict:
    """Return the verdict on a pair: A, B or TIE.

    Args:
        reply: What the judge wrote.
        prompt: What it was shown. Responses may be called 1 and 2 where the prompt calls them so.
        cut: Whether the reply ended at its token limit, so that only a marked verdict counts.
    """
    numbered = {name.upper() for name in _NAMED.findall(prompt)} == {"1", "2"}
    answer = answer_of(reply, prompt, lambda line: _is_verdict(line, numbered))
    found = None if answer.failure else _Reading(answer, numbered, cut).verdict()
    return found or no_verdict(answer, reply, cut)


def _is_verdict(line: str, numbered: bool) -> bool:
    """Tell whether a line is a verdict as a whole."""
    said = sentences(line)
    found = stated(said[0], numbered) if len(said) == 1 else None
    return found is not None and found.value != ""


class _Reading:
    """All verdicts of an answer: marked ones, letters alone, and those of sentences."""

    def __init__(self, answer: Answer, numbered: bool, cut: bool) -> None:
        self.answer, self.numbered, self.cut = answer, numbered, cut
        self.lines = sentences(answer.own)
        self.turns = turns_in(self.lines)
        marked, self.plain = list[_Said](), list[_Said]()
        for number, sentence in enumerate(self.lines):
            found = stated(sentence, numbered)
            if found and not answer.is_reported(found.mark or found.start):
                value = found.value
                if value and found.mark is None and sentence.end == ";":
                    behind = self.lines[number + 1 : number + 2]
                    value = value if all(goes_on(s, numbered, value) for s in behind) else ""
                said = _Said(value, found.start, number, found.concludes, mark=found.mark or 0)
                (self.plain if found.mark is None else marked).append(said)
        self.solves = any(tells_choice(line, numbered) for line in self.lines)
        if self.solves:
            marked = [said for said in marked if not self._may_be_item(said.mark)]
        marked += [_Said(*row, mark=row[1]) for row in last_rows(self.lines, numbered)]
        objects = self._objects(any(said.value for said in marked))
        self.marked = sorted([*marked, *objects], key=lambda said: said.start)
        bare = [] if cut else list(self._bare())
        self.bare = [said for said in bare if not self.solves or not self._is_boxed(said.start)]

    def verdict(self) -> Verdict | None:
        """Return what the answer says; None where it has no verdict."""
        if not (self.marked or self.plain or self.bare):
            return None
        turns = self.turns
        if turns:
            for group in (self.marked, self.plain, self.bare):
                group[:] = [said for said in group if said.sentence >= turns[-1]]
            if not (self.marked or self.plain or self.bare):
                words = " ".join(token.text for token in self.lines[turns[-1]].tokens[:12])
                return _failed(f"the verdict is taken back: {words}")
        behind = self.marked[-1].sentence + 1 if self.marked else len(self.lines)
        if any(speaks_against(line, self.numbered) for line in self.lines[behind : behind + 1]):
            return _failed("a word behind the verdict speaks against it")
        if self.marked:
            found = self._of_marked()
        else:
            found = None if self.cut else self._of_letters() or self._of_sentences()
        refuses = found is not None and found.value == "TIE" and is_refusal(self.answer.own)
        return None if refuses and not self._names_tie() else found

    def _may_be_item(self, mark: int) -> bool:
        """Tell whether a mark may be that of the answer to the item, not of the verdict."""
        return self._is_boxed(mark) or self.answer.own[mark : mark + 6].lower() == "answer"

    def _is_boxed(self, start: int) -> bool:
        return "box" in self.answer.own[max(0, start - 5) : start + 2]

    def _names_tie(self) -> bool:
        """Tell whether the answer has a word for a tie: "neither" may as well be a refusal."""
        return any(token.word in _TIES for token in tokens_of(self.answer.text))

    def _of_marked(self) -> Verdict | None:
        last, answer = self.marked[-1], self.answer
        if not last.value:
            words = " ".join(answer.text[last.start : last.start + 200].split())
            return _failed(f"its verdict is not understood: {words}")
        first = self.bare[0] if self.bare and self.bare[0].sentence == 0 else last
        if first.value != last.value and self._is_letter(first):
            return _contradicted(first.value, last.value)
        before = self.marked[-2] if len(self.marked) > 1 else last
        differ = before.value != last.value
        if differ and is_another_task(answer.text, before.start, last.start):
            return _failed("it has verdicts on several tasks")
        if is_conditional(answer.text, last.start):
            return _failed("its verdict depends on a condition")
        others = [said for said in self.marked if said.value not in ("", last.value)]
        if others and not last.json and self._in_part(last):
            return _contradicted(others[-1].value, last.value)
        others = [said for said in others if said.json or answer.begins_line(said.start)]
        if len({said.value for said in others if not said.json}) > 1:
            return _failed("it has a verdict for A, for B and for a tie")
        if others and not self._settles(last, others):
            return _contradicted(others[0].value, last.value)
        ends = last.sentence == len(self.lines) - 1 and not last.json
        if self.cut and ends and answer.own.rstrip(" \t")[-1:] in ("A", "B", "a", "b"):
            return None  # it could have gone on: "A tie", "a better one"
        letters = [said for said in self.bare if said.sentence == len(self.lines) - 1]
        return self._standing(last, [*self.plain, *letters])

    def _in_part(self, last: _Said) -> bool:
        """Tell whether the last verdict is only that of one criterion, or of another pair."""
        before = [said.sentence for said in self.marked if said.sentence < last.sentence]
        return in_part(self.lines, last.sentence, max(before, default=-1), last.start)

    def _settles(self, last: _Said, others: Sequence[_Said]) -> bool:
        """Tell whether the last verdict is clearly meant, not those before that say otherwise."""
        answer, said = self.answer, others[0]
        if last.json:
            between = answer.own[others[-1].start : last.start]
            return all(said.json for said in others) and not are_joined(between)
        if said.json and not answer.own[said.start : last.start].strip("\x00 "):
            return True
        if not answer.begins_line(last.start) or answer.is_known(last.start):
            return False
        between = answer.own[said.start : last.start].rpartition("\n")[0]
        if any(line.lstrip().startswith("#") for line in between.split("\n")):
            return False
        lines = self.lines[said.sentence + 1 : last.sentence + 1]
        return not any(begins_another(line) for line in lines if not stated(line, self.numbered))

    def _of_letters(self) -> Verdict | None:
        """Return the verdict of a letter alone, at the beginning or at the end."""
        if not self.bare:
            return None
        first, last = self.bare[0], self.bare[-1]
        begins = first.sentence == 0
        values = {said.value for said in self.bare}
        if begins and len(values) > 1:
            return _contradicted(first.value, last.value)
        ends = last.sentence == len(self.lines) - 1
        if ends or (len(values) == 1 and self._only_courtesy(last)):
            return self._standing(last, self.plain)
        return self._standing(first, self.plain) if begins else None

    def _of_sentences(self) -> Verdict | None:
        if not self.plain or not self.plain[-1].value:
            return None
        last = self.plain[-1]
        others = [said.value for said in self.plain if said.value not in ("", last.value)]
        if others and not last.concludes:
            return _contradicted(others[-1], last.value)
        return self._unless_doubted(last)

    def _standing(self, said: _Said, others: Sequence[_Said]) -> Verdict:
        """Return a verdict if nothing behind it says otherwise."""
        later = [other.value for other in others if other.sentence > said.sentence]
        later += [turns_to(line, self.numbered) for line in self.lines[said.sentence + 1 :]]
        for value in later:
            if value not in ("", said.value):
                return _contradicted(said.value, value)
        return self._unless_doubted(said)

    def _unless_doubted(self, said: _Said) -> Verdict:
        """Return a verdict unless a sentence behind it may mean another one."""
        for number, line in enumerate(self.lines[said.sentence + 1 :], said.sentence + 2):
            if self._is_of_others(line):
                continue
            if differs(line, self.numbered, said.value, number == len(self.lines)):
                words = " ".join(token.text for token in line.tokens[:12])
                return _failed(f"{said.value}, then what may mean another verdict: {words}")
        behind = self._own(self.lines[said.sentence + 1 :])
        if against := is_contrary(behind, self.numbered, said.value):
            return _failed(f"{said.value}, then what ranks the other response higher: {against}")
        if against := figures_before(self.lines[: said.sentence], self.numbered, said.value):
            return _failed(f"{said.value}, and before it {against}")
        remark = self._remark(said)
        every = [*self.lines, *remark]
        renamed = next((line for line in every if renames(line, self.numbered)), None)
        if renamed is not None:
            words = " ".join(token.text for token in renamed.tokens[:12])
            return _failed(f"the responses are given other names: {words}")
        behind = [*remark, *self._rest(said)]
        if any(differs(line, self.numbered, said.value, True) for line in behind):
            return _failed(f"{said.value}, then what may mean another verdict")
        if against := is_contrary(remark, self.numbered, said.value):
            return _failed(f"{said.value}, then what speaks against it: {against}")
        for number, line in enumerate(self.lines):
            if not self._is_of_others(line) and is_unjudged(line.words, number >= said.sentence):
                words = " ".join(token.text for token in line.tokens[:12])
                return _failed(f"{UNJUDGED}: {words}")
        return Verdict(Status.OK, said.value)

    def _remark(self, said: _Said) -> list[Sentence]:
        """Return what stands in brackets behind a verdict, as a sentence of its own."""
        tokens = self.lines[said.sentence].tokens
        behind = [at for at, token in enumerate(tokens) if token.start > said.start]
        begin = next((at for at in behind if tokens[at].word in "(["), len(tokens))
        return [Sentence(tokens[begin + 1 :])] if begin + 1 < len(tokens) else []

    def _rest(self, said: _Said) -> list[Sentence]:
        """Return what a "but" begins behind a verdict, as a sentence of its own."""
        tokens = self.lines[said.sentence].tokens
        behind = [at for at, token in enumerate(tokens) if token.start > said.start]
        turns = [at for at in behind if tokens[at].word in pair_words.TURNS]
        return [Sentence(tokens[turns[-1] + 1 :])] if turns and turns[-1] + 1 < len(tokens) else []

    def _own(self, lines: Sequence[Sentence]) -> list[Sentence]:
        """Return the sentences that are not what somebody else says."""
        return [line for line in lines if not self._is_of_others(line)]

    def _is_of_others(self, line: Sentence) -> bool:
        """Tell whether a sentence ends in what a text says: "a later text says: B"."""
        spoken = ":" in line.words and JUDGES.isdisjoint(line.words)
        ends = (line.tokens[0].start, line.tokens[-1].start)
        return spoken and any(map(self.answer.is_reported, ends))

    def _bare(self) -> Sequence[_Said]:
        """Return the sentences that are nothing but a verdict, alone in their line or first."""
        found = []
        for number, sentence in enumerate(self.lines):
            value = ""
            whole = sentence.first and sentence.last
            if whole or (number == 0 and self._is_explained()):
                value = alone(sentence, self.numbered)
            if self.turns and number >= self.turns[0] and not value:
                value = corrected(sentence, self.numbered)
            if number == 0 and not value:
                value = opens(sentence, self.numbered)
            if len(self.lines) == 1 and not value:
                value = labelled(sentence, self.numbered)
            if value:
                found.append(_Said(value, sentence.tokens[0].start, number))
        return found

    def _is_explained(self) -> bool:
        """Tell whether the second sentence speaks of a response: "A. It names the year."."""
        names = {token.word for line in self.lines[1:2] for token in line.tokens}
        return bool(names & (pair_words.NOUNS | {"it", "it's", "its", "both", "while", "b", "a"}))

    def _only_courtesy(self, said: _Said) -> bool:
        """Tell whether a letter alone is followed by nothing that names a response."""
        if not self._is_letter(said):
            return False
        behind = self.lines[said.sentence + 1 :]
        return all(Clause(line.tokens, True).side < 0 for line in behind)

    def _is_letter(self, said: _Said) -> bool:
        """Tell whether a verdict alone is no name, which could be a heading."""
        tokens = self.lines[said.sentence].tokens
        return not any(token.word in pair_words.NOUNS for token in tokens)

    def _objects(self, stated: bool) -> Sequence[_Said]:
        """Return the verdicts of JSON objects.

        Args:
            stated: Whether there is a verdict in words, so that a quotation is none.
        """
        starts, found = [line.tokens[0].start for line in self.lines], []
        for item in self.answer.own_objects(self._has_verdict):
            value = verdict_of(item.value, self.numbered) or ""
            if not stated or not self.answer.is_quotable(item):
                sentence = bisect_right(starts, item.start) - 1
                found.append(_Said(value, item.start, sentence, json=True))
        return found

    def _has_verdict(self, entry: dict[str, Any]) -> bool:
        return verdict_of(entry, self.numbered) is not None


def _failed(reason: str) -> Verdict:
    return Verdict(Status.UNPARSEABLE, rationale=reason)


def _contradicted(first: str, last: str) -> Verdict:
    return _failed(f"two verdicts: {first}, then {last}, which may be a quotation")

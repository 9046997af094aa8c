"""Reads the order in which a judge ranks responses."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import starmap

from harness.judging import pair_words as words
from harness.judging.clauses import Sentence, Token, sentences
from harness.judging.pair_statements import behind_turn, turns_in
from harness.judging.parts import are_joined, begins_another, in_part
from harness.judging.ranking_dicts import of_list
from harness.judging.ranking_doubts import contradicts
from harness.judging.ranking_grounds import against_scores, is_no_order
from harness.judging.ranking_lists import of_lists
from harness.judging.ranking_objects import Ranked, of_objects, texts_of
from harness.judging.ranking_order import claims, direction, order_of, ties, turns_round
from harness.judging.ranking_places import end_said, in_places
from harness.judging.reply import Answer, answer_of
from harness.judging.sides import OPEN
from harness.judging.stated import no_verdict
from harness.judging.taken_back import takes_back
from harness.judging.tasks import is_another_task, is_conditional
from harness.judging.unjudged_answers import UNJUDGED, not_judged
from harness.nouns.outcomes import Status
from harness.nouns.schema import Verdict

_MARKS = frozenset(
    "ranking rankings order ranked rank verdict result answer rangfolge rangliste reihenfolge "
    "classement clasificaci\u00f3n orden \u6392\u540d \u6392\u5e8f \u6700\u7ec8\u6392\u540d "
    "\u6700\u7ec8\u6392\u5e8f".split()
)
_LEADS = words.FILL | frozenset(
    "responses them these three all rank order from best to worst first last quality highest "
    "lowest descending of most least strongest weakest helpful accurate follows four five finale "
    "endg\u00fcltige".split()
)
_GROUNDS = frozenset("accuracy helpfulness quality correctness criteria criterion above".split())


def read_ranking(
    reply: str, letters: Sequence[str], prompt: str = "", cut: bool = False
) -> Verdict:
    """Return the verdict on responses that were shown under letters: these, best to worst."""
    known = tuple(letters)
    answer = answer_of(reply, prompt, lambda line: _is_ranking(line, known))
    found = None if answer.failure else _read(answer, known, cut)
    return found or no_verdict(answer, reply, cut)


def _is_ranking(line: str, letters: tuple[str, ...]) -> bool:
    """Tell whether a line is a ranking as a whole."""
    said = list(_of_sentences(sentences(line, _is_label), letters))
    return len(said) == 1 and said[0].order != ()


def _states(line: str, letters: tuple[str, ...]) -> bool:
    """Tell whether a line has a ranking."""
    return any(said.order for said in _of_sentences(sentences(line, _is_label), letters))


def _read(answer: Answer, letters: tuple[str, ...], cut: bool) -> Verdict | None:
    if order := of_list(answer.text, letters):
        return Verdict(Status.OK, order)
    lines = sentences(answer.own, _is_label)
    places = list(in_places(lines, letters))
    lists = [
        *starmap(Ranked, of_lists(answer.own, letters, lambda line: _states(line, letters))),
        *(Ranked(tuple(order), start, False) for order, start, _ in places),
    ]
    single = [
        said
        for said in _of_sentences(lines, letters)
        if not any(start <= said.start < end for _, start, end in places)
    ]
    found = [*of_objects(answer, letters), *single, *lists]
    found = [said for said in found if not answer.is_reported(said.start)]
    turns = [lines[number].tokens[0].start for number in turns_in(lines)]
    if found and turns and not (found := [s for s in found if s.start >= turns[-1]]):
        return _failed("the ranking is taken back")
    marked = [said for said in found if said.marked]
    chosen = sorted(marked or found, key=lambda said: said.start)
    if not chosen:
        return None
    last = chosen[-1]
    if not last.order:
        line = " ".join(answer.text[last.start : last.start + 200].split())
        return _failed(f"its ranking is not understood: {line}")
    differ = len(chosen) > 1 and chosen[-2].order != last.order
    if differ and is_another_task(answer.text, chosen[-2].start, last.start):
        return _failed("it has rankings of several tasks")
    if is_conditional(answer.text, last.start):
        return _failed("its ranking depends on a condition")
    later = [line for line in lines if line.tokens[0].start > last.start]
    if any(contradicts(line, last.order) for line in later):
        return _failed("what stands behind the ranking says otherwise")
    if any(one.start > last.start and one.order not in ((), last.order) for one in lists):
        return _failed("it has several rankings")
    orders = {said.order for said in chosen if said.order}
    owns = answer.begins_line(last.start) and not answer.is_known(last.start)
    if len(orders) > 1 and not (marked and owns and _settles(answer, lines, chosen)):
        return _failed("it has several rankings")
    if cut and last.start + len(answer.own[last.start :].rstrip()) == len(answer.own):
        ends = "\n" not in answer.own[last.start :].strip() and answer.own[-1:].isalpha()
        if ends and answer.own[-1:] in letters:
            return None  # what follows could have been "=", or another letter
    if reason := _denied(answer, lines, last, letters):
        return _failed(reason)
    if unjudged := not_judged(answer):
        return _failed(f"{UNJUDGED}: {unjudged}")
    return Verdict(Status.OK, last.order)


def _denied(
    answer: Answer, lines: Sequence[Sentence], last: Ranked, letters: tuple[str, ...]
) -> str:
    """Return why what else an answer says goes against its ranking; empty where nothing does."""
    said: list[Sequence[Token]] = [line.tokens for line in lines]
    if scores := against_scores(answer.own, last.order):
        return f"its ranking goes against its scores: {scores}"
    for line in lines:
        if line.tokens[0].start < last.start or line.end == "?":
            continue
        here = line.tokens[0].start == last.start
        behind_it = line.tokens
        if here:
            ends = [n for n, token in enumerate(behind_it) if token.text in letters]
            behind_it = behind_it[ends[-1] + 1 :] if ends else ()
        text = " ".join(token.text for token in behind_it)[:100]
        if is_no_order(behind_it, letters):
            return f"its ranking is none of quality: {text}"
        if not here and (end := end_said(behind_it, letters)):
            if end[0] != last.order[0 if end[1] else -1]:
                return f"its ranking is contradicted: {text}"
    if last.json:
        said = [tokens for entry in texts_of(answer, last) for tokens in entry]
    for tokens in said:
        names = [token.word for token in tokens]
        text = " ".join(names)
        behind = last.json or tokens[0].start > last.start
        if last.json and tokens and contradicts(Sentence(tuple(tokens)), last.order):
            return f"its ranking is contradicted: {text[:100]}"
        if last.json and is_no_order(tokens, letters):
            return f"its ranking is none of quality: {text[:100]}"
        if ties([n for n in names if n != "="], letters):
            return f"its ranking is a tie: {text[:100]}"
        lead = names[: names.index(":")] if ":" in names else names
        few = sum(token.text in letters for token in tokens[: len(lead)]) < 2
        if behind and few and turns_round(" ".join(lead)):
            return f"its ranking may be turned round: {text[:100]}"
        for letter, best in claims(tokens, letters):
            if letter != last.order[0 if best else -1]:
                return f"its ranking is contradicted: {text[:100]}"
    return ""


def _settles(answer: Answer, lines: Sequence[Sentence], chosen: Sequence[Ranked]) -> bool:
    """Tell whether the last of several rankings is clearly meant, not one before it."""
    last, others = chosen[-1], [said for said in chosen if said.order != chosen[-1].order]
    starts = [line.tokens[0].start for line in lines]
    before, here = (bisect_right(starts, said.start) - 1 for said in (chosen[-2], last))
    if in_part(lines, here, before, last.start):
        return False
    first = bisect_right(starts, others[-1].start)
    if any(begins_another(line) for line in lines[first:here]):
        return False
    return not last.json or not are_joined(answer.own[others[-1].start : last.start])


def _failed(reason: str) -> Verdict:
    return Verdict(Status.UNPARSEABLE, rationale=reason)


def _is_label(tokens: Sequence[Token]) -> bool:
    """Tell whether words are nothing but the name of a ranking."""
    names = [token.word for token in tokens if token.word not in "[]():"]
    return bool(_MARKS & set(names)) and all(
        name in _MARKS | _LEADS | words.BEFORE for name in names
    )


def _of_sentences(lines: Sequence[Sentence], letters: tuple[str, ...]) -> Iterator[Ranked]:
    for sentence in lines:
        tokens = sentence.tokens
        names = {token.text for token in tokens}
        if sentence.end == "?" or not names & set(letters):
            continue
        if takes_back(sentence.words) and (
            order := order_of(behind_turn(sentence).tokens, 0, letters)
        ):
            yield Ranked(order, tokens[0].start, True)
            continue
        at = 0
        while at < len(tokens) and tokens[at].text not in letters:
            at += 1
        while at and (tokens[at - 1].word in words.NOUNS or tokens[at - 1].word in OPEN):
            at -= 1
        lead = [token.word for token in tokens[:at]]
        known = all(
            word in _LEADS or word in _MARKS or word in words.BEFORE or not word[:1].isalnum()
            for word in lead
        )
        early = bool(words.EARLY & set(lead) - {"first"})
        if lead[:2] == ["based", "on"]:
            on = [word for word in lead[2:] if word[:1].isalpha() and word != "the"]
            known = all(w in _GROUNDS or w in _LEADS or w in _MARKS for w in on)
        lists = not words.PLURAL.isdisjoint(token.word for token in tokens[:at])
        lists = lists or (at < len(tokens) and tokens[at].word in words.PLURAL)
        says = bool(_MARKS & set(lead)) or direction(" ".join(lead)) != 0
        order = () if early else order_of(tokens, at, letters, alone=not says)
        if lists and not says and "," in {token.word for token in tokens[at:]}:
            order = ()
        if lead[:2] == ["based", "on"] and order and not known:
            yield Ranked((), tokens[0].start, False)
            continue
        start = tokens[0].start
        if says and known and not early:
            yield Ranked(order, start, True)
        elif order and (known and sentence.first):
            yield Ranked(order, start, False)

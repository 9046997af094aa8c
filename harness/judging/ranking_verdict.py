"""Reads the order in which a judge ranks responses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from harness.judging import pair_words as words
from harness.judging.characters import plain
from harness.judging.clauses import Sentence, Token, sentences, tokens_of
from harness.judging.pair_statements import takes_back
from harness.judging.reply import Answer, answer_of
from harness.judging.sides import CLOSE, OPEN, PAUSES
from harness.judging.stated import no_verdict
from harness.nouns.outcomes import Status
from harness.nouns.schema import Verdict

_MARKS = frozenset("ranking rankings order ranked rank verdict result answer".split())
_LEADS = words.FILL | frozenset(
    "responses them these three all rank order from best to worst first last quality highest "
    "lowest descending of".split()
)
_FORWARD = ("best to worst", "best first", "descending", "most to least", "highest to lowest")
_BACKWARD = ("worst to best", "worst first", "ascending", "least to most", "lowest to highest")
_MORE, _LESS = frozenset(">\u227b\u226b"), frozenset("<\u227a\u226a")
_JOINTS = frozenset(", ; then and followed by \u2192 -".split())
_SIGNS = _MORE | _LESS | _JOINTS | frozenset("=\u2248\u2261~\u2265\u2264/&")
_FIELDS = ("ranking", "finalranking", "order", "ranks", "ranked", "besttoworst")
_BACKWARD_FIELD = "worsttobest"
_ITEM = re.compile(r"[\s*_>-]{0,8}+(\d{1,2}+)(?:[.):]|(?:st|nd|rd|th)\b[.:)]?)[\s*_]*+")
_BULLET = re.compile(r"\s{0,8}+[-*\u2022]\s++")
_LONGEST = 2000
"""Characters of a JSON field in which an order is looked for."""


@dataclass(frozen=True, slots=True)
class _Ranked:
    """An order that an answer states: empty where it is not understood.

    Args:
        order: Letters, the best one first.
        start: Where it stands.
        marked: Whether it is marked as the ranking.
    """

    order: tuple[str, ...]
    start: int
    marked: bool


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


def _read(answer: Answer, letters: tuple[str, ...], cut: bool) -> Verdict | None:
    lines = sentences(answer.own, _is_label)
    found = [
        *_of_objects(answer, letters),
        *_of_sentences(lines, letters),
        *_of_lists(answer.own, letters),
    ]
    found = [said for said in found if not answer.is_reported(said.start)]
    turns = [line.tokens[0].start for line in lines if takes_back(line)]
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
    orders = {said.order for said in chosen if said.order}
    owns = answer.begins_line(last.start) and not answer.is_known(last.start)
    if len(orders) > 1 and not (marked and owns):
        return _failed("it has several rankings")
    if cut and last.start + len(answer.own[last.start :].rstrip()) == len(answer.own):
        ends = "\n" not in answer.own[last.start :].strip() and answer.own[-1:].isalpha()
        if ends and answer.own[-1:] in letters:
            return None  # what follows could have been "=", or another letter
    return Verdict(Status.OK, last.order)


def _failed(reason: str) -> Verdict:
    return Verdict(Status.UNPARSEABLE, rationale=reason)


def _is_label(tokens: Sequence[Token]) -> bool:
    """Tell whether words are nothing but the name of a ranking."""
    names = [token.word for token in tokens if token.word not in "[]():"]
    return bool(_MARKS & set(names)) and all(
        name in _MARKS | _LEADS | words.BEFORE for name in names
    )


def _direction(text: str) -> int | None:
    """Return 1 for "best to worst", -1 for "worst to best", 0 where nothing is said.

    None where both are said, or where it is not clear.
    """
    forward = any(phrase in text for phrase in _FORWARD)
    backward = any(phrase in text.replace("descending", "") for phrase in _BACKWARD)
    if forward == backward:
        unclear = forward or any(word in text for word in ("worst", "reverse", "bottom", "lowest"))
        return None if unclear else 0
    return 1 if forward else -1


def _named(tokens: Sequence[Token], at: int, letters: Sequence[str]) -> tuple[str, int] | None:
    """Return the letter of the response that is named at a place, and the place behind it."""
    while at < len(tokens) and (tokens[at].word in words.NOUNS or tokens[at].word in OPEN):
        at += 1
    if at >= len(tokens) or tokens[at].text not in letters:
        return None
    letter, at = tokens[at].text, at + 1
    while at < len(tokens) and tokens[at].word in CLOSE:
        at += 1
    return letter, at


def _chain(
    tokens: Sequence[Token], at: int, letters: Sequence[str]
) -> tuple[list[str], str, int] | None:
    """Return the letters of a chain, its sign ("<", ">" or ","), and the place behind it.

    None where no chain begins, where its signs differ, and where another thing is in it.
    """
    first = _named(tokens, at, letters)
    if first is None:
        return None
    order, signs, end = [first[0]], set[str](), first[1]
    while len(order) <= len(letters):
        at = end
        while at < len(tokens) and tokens[at].word in _SIGNS:
            at += 1
        marks = {token.word for token in tokens[end:at]}
        following = _named(tokens, at, letters) if marks else None
        if following is None:
            if marks - {",", ";", "-"}:
                return None
            break
        if not marks <= _JOINTS | _MORE and not marks <= _LESS:
            return None
        signs.add("<" if marks <= _LESS else ">" if marks & _MORE else ",")
        order.append(following[0])
        end = following[1]
    return (order, signs.pop(), end) if len(signs) == 1 else None


def _ends(tokens: Sequence[Token], at: int) -> bool:
    """Tell whether what follows a chain is understood, and takes nothing of it back."""
    if at >= len(tokens):
        return True
    rest = [token.word for token in tokens[at:]]
    text = " ".join(rest)
    if words.CORRECTS & set(rest) or any(phrase in text for phrase in words.CORRECTING):
        return False
    if rest[0] in words.REASONS:
        return True
    doubts = words.HEDGES | words.CONDITIONS | {"or", "no", "not"}
    return rest[0] in PAUSES and not (len(rest) > 1 and rest[1] in doubts)


def _order(
    tokens: Sequence[Token], at: int, letters: tuple[str, ...], alone: bool = False
) -> tuple[str, ...]:
    """Return the order of a whole clause, the best one first; empty where it is none.

    Args:
        tokens: The clause.
        at: Where its chain begins.
        letters: Of all responses.
        alone: Whether nothing may stand behind letters that commas join.
    """
    chain = _chain(tokens, at, letters)
    if chain is None or sorted(chain[0]) != sorted(letters) or not _ends(tokens, chain[2]):
        return ()
    order, sign, _ = chain
    said = _direction(" ".join(token.word for token in tokens))
    if said is None or (said, sign) in ((-1, ">"), (1, "<")):
        return ()
    if alone and sign == "," and chain[2] < len(tokens):
        return ()
    return tuple(order[::-1]) if sign == "<" or said < 0 else tuple(order)


def _of_sentences(lines: Sequence[Sentence], letters: tuple[str, ...]) -> Iterator[_Ranked]:
    for sentence in lines:
        tokens = sentence.tokens
        names = {token.text for token in tokens}
        if sentence.end == "?" or not names & set(letters):
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
        says = bool(_MARKS & set(lead)) or _direction(" ".join(lead)) != 0
        order = () if early else _order(tokens, at, letters, alone=not says)
        start = tokens[0].start
        if says and known and not early:
            yield _Ranked(order, start, True)
        elif order and (known and sentence.first):
            yield _Ranked(order, start, False)


def _of_lists(text: str, letters: tuple[str, ...]) -> Iterator[_Ranked]:
    """Yield the orders of lists: "1. B", "A: rank 2", or, under a label, "- B"."""
    items: list[tuple[int | None, str]] = []
    label, start, place, described = "", 0, 0, False
    for line in [*text.split("\n"), "."]:
        item = _item(line, letters)
        if item is not None:
            start = start if items else place
            items.append(item[:2])
            described = described or item[2]
        elif line.strip():
            if items:
                yield from _of_list(items, label, described, start, letters)
            items, described = [], False
            label = line.lower()[-200:]
        place += len(line) + 1


def _item(line: str, letters: Sequence[str]) -> tuple[int | None, str, bool] | None:
    """Return the number and the letter of an item of a list, and whether more is said of it."""
    number = _ITEM.match(line)
    begin = number or _BULLET.match(line)
    tokens = list(tokens_of(line, 0, begin.end() if begin else 0))[:64]
    named = _named(tokens, 0, letters)
    if named is None:
        return None
    letter, at = named
    rest = [token.word for token in tokens[at:]]
    if number is not None:
        if rest and rest[0] not in PAUSES:
            return None
        return int(number[1]), letter, len(rest) > 1
    ranks = [word for word in rest if word.isdigit()]
    suffixes = {"rank", "ranked", "place", "position", "st", "nd", "rd", "th"}
    known = all(word in suffixes or word.isdigit() or not word[:1].isalnum() for word in rest)
    if len(ranks) == 1 and known and suffixes & set(rest):
        return int(ranks[0]), letter, False
    bare = begin is not None and (not rest or rest[0] in PAUSES)
    return (None, letter, len(rest) > 1) if bare else None


def _of_list(
    items: Sequence[tuple[int | None, str]],
    label: str,
    described: bool,
    start: int,
    letters: tuple[str, ...],
) -> Iterator[_Ranked]:
    names = {token.word for token in tokens_of(label)}
    marked = bool(names & {"ranking", "order", "rank", "ranked"})
    numbers = [number for number, _ in items]
    if (described or None in numbers) and not marked:
        return
    order: tuple[str, ...] = ()
    if sorted(letter for _, letter in items) == sorted(letters) and _direction(label) in (0, 1):
        if all(number is None for number in numbers):
            order = tuple(letter for _, letter in items)
        elif sorted(n for n in numbers if n is not None) == list(range(1, len(items) + 1)):
            order = tuple(letter for _, letter in sorted(items, key=lambda item: item[0] or 0))
    if order or marked:
        yield _Ranked(order, start, marked)


def _of_objects(answer: Answer, letters: tuple[str, ...]) -> Iterator[_Ranked]:
    for found in answer.own_objects(lambda entry: bool(_fields(entry))):
        orders = {_of_value(value, letters, name) for name, value in _fields(found.value)}
        yield _Ranked(orders.pop() if len(orders) == 1 else (), found.start, True)


def _fields(entry: dict[str, Any]) -> list[tuple[str, Any]]:
    named = [("".join(filter(str.isalpha, name.lower())), value) for name, value in entry.items()]
    ranks = [(name, value) for name, value in named if name in _FIELDS or name == _BACKWARD_FIELD]
    return ranks or [(name, value) for name, value in named if name == "verdict"]


def _of_value(value: Any, letters: tuple[str, ...], name: str) -> tuple[str, ...]:
    if isinstance(value, str):
        tokens = list(tokens_of(plain(value[:_LONGEST])))
        return _order(tokens, 0, letters)
    if isinstance(value, dict):
        ranks = {str(key): rank for key, rank in value.items() if type(rank) is int}
        value = sorted(ranks, key=lambda key: ranks[key])
        if sorted(ranks.values()) != list(range(1, len(letters) + 1)):
            return ()
    if not isinstance(value, list) or len(value) != len(letters):
        return ()
    named = [_named(list(tokens_of(str(each)[:80])), 0, letters) for each in value]
    order = tuple(each[0] for each in named if each is not None)
    if sorted(order) != sorted(letters):
        return ()
    return order[::-1] if name == _BACKWARD_FIELD else order

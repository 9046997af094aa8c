"""Reads the order of responses from lists: "1. B", "A: rank 2", or, under a label, "- B"."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from harness.judging.clauses import tokens_of
from harness.judging.ranking_order import direction, named
from harness.judging.sides import PAUSES

_ITEM = re.compile(
    r"[\s*_>-]{0,8}+(?:(?:rank|place) ?)?+(\d{1,2}+)"
    r"(?: \((best|worst)\):|[.):]|(?:st|nd|rd|th)\b(?: place)?+[.:)]?)[\s*_]*+",
    re.IGNORECASE,
)
_BULLET = re.compile(r"\s{0,8}+[-*\u2022]\s++")
_MARKS = frozenset(("ranking", "order", "rank", "ranked"))
_EXPLAINS = frozenset(
    "reason reasons why explanation explanations justification rationale notes comments".split()
)
_SUFFIXES = frozenset("rank ranked place position st nd rd th".split())


class _Item(NamedTuple):
    """An item of a list.

    Args:
        number: Its number; None behind a bullet.
        letter: The response that it names; empty where it names none.
        described: Whether more is said in it.
    """

    number: int | None
    letter: str
    described: bool = False


def of_lists(
    text: str, letters: tuple[str, ...], states: Callable[[str], bool]
) -> Iterator[tuple[tuple[str, ...], int, bool]]:
    """Yield the orders of lists, where they begin, and whether they are marked as the ranking.

    Args:
        text: The answer.
        letters: Of all responses.
        states: Tells whether a line is a ranking itself, and no label of the list behind it.
    """
    items: list[_Item] = []
    label, start, place, gap = "", 0, 0, False
    for line in [*text.split("\n"), "."]:
        item = _item(line, letters)
        if item is not None and items and not item.letter and not _belongs(item, items[-1], gap):
            if not gap and item.number is None:  # "- it is right" below "1. B"
                items[-1] = items[-1]._replace(described=True)
                place += len(line) + 1
                continue
            yield from _of_list(items, label, start, letters, states)
            items, label = [], ""
        if item is not None:
            start = start if items else place
            items.append(item)
        elif line.strip():
            yield from _of_list(items, label, start, letters, states)
            items, label = [], line[-200:]
        gap = not line.strip()
        place += len(line) + 1


def _belongs(item: _Item, last: _Item, gap: bool) -> bool:
    """Tell whether an item without a response goes on with the list before it."""
    if item.number is None or last.number is None:
        return item.number is None and last.number is None and not gap
    return not gap or item.number == last.number + 1


def _item(line: str, letters: Sequence[str]) -> _Item | None:
    number = _ITEM.match(line)
    if number and number[2] and (number[2].lower() == "best") != (number[1] == "1"):
        return _Item(int(number[1]), "")
    begin = number or _BULLET.match(line)
    tokens = list(tokens_of(line, 0, begin.end() if begin else 0))[:64]
    found = named(tokens, 0, letters)
    other = _Item(int(number[1]) if number else None, "") if begin else None
    if found is None:
        return other
    letter, at = found
    rest = [token.word for token in tokens[at:]]
    if number is not None:
        if rest and rest[0] not in PAUSES:
            return other
        return _Item(int(number[1]), letter, len(rest) > 1)
    ranks = [word for word in rest if word.isdigit()]
    known = all(word in _SUFFIXES or word.isdigit() or not word[:1].isalnum() for word in rest)
    if len(ranks) == 1 and known and _SUFFIXES & set(rest):
        return _Item(int(ranks[0]), letter)
    bare = begin is not None and (not rest or rest[0] in PAUSES)
    return _Item(None, letter, len(rest) > 1) if bare else other


def _of_list(
    items: Sequence[_Item],
    label: str,
    start: int,
    letters: tuple[str, ...],
    states: Callable[[str], bool],
) -> Iterator[tuple[tuple[str, ...], int, bool]]:
    if not any(item.letter for item in items):
        return
    said = [token.word for token in tokens_of(label)]
    marked = bool(_MARKS & set(said)) and not _EXPLAINS & set(said) and not states(label)
    numbers = [item.number for item in items if item.number is not None]
    described = any(item.described for item in items)
    if (described or len(numbers) < len(items)) and not marked:
        return
    order: tuple[str, ...] = ()
    whole = sorted(item.letter for item in items) == sorted(letters)
    if whole and direction(" ".join(said)) in (0, 1):
        if not numbers:
            order = tuple(item.letter for item in items)
        elif sorted(numbers) == list(range(1, len(items) + 1)):
            order = tuple(item.letter for item in sorted(items, key=lambda item: item.number or 0))
    if order or marked:
        yield order, start, marked

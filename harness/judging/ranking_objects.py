"""Reads the rankings in a judge's JSON objects, and what their other fields say against them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from harness.judging.characters import plain
from harness.judging.clauses import Token, sentences, tokens_of
from harness.judging.ranking_dicts import by_rank
from harness.judging.ranking_grounds import figures_against
from harness.judging.ranking_order import named, order_of
from harness.judging.ranking_places import of_keys
from harness.judging.reply import Answer
from harness.judging.taken_back import is_last_word, is_taken_back_in

_FIELDS = ("ranking", "finalranking", "order", "ranks", "ranked", "besttoworst")
_BACKWARD_FIELD = "worsttobest"
_LONGEST = 2000
"""Characters of a JSON field in which an order is looked for."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """An order that an answer states: empty where it is not understood.

    Args:
        order: Letters, the best one first.
        start: Where it stands.
        marked: Whether it is marked as the ranking.
        json: Whether it is a JSON object.
    """

    order: tuple[str, ...]
    start: int
    marked: bool
    json: bool = False


def of_objects(answer: Answer, letters: tuple[str, ...]) -> Iterator[Ranked]:
    """Yield the orders of the judge's own JSON objects."""
    wanted = answer.own_objects(lambda each: bool(_fields(each)) or _is_of_places(each, letters))
    for found in wanted:
        if not _fields(found.value):
            places = of_keys(found.value, letters)
            order = _of_value([places[place] for place in sorted(places)], letters, "ranking")
            yield Ranked(order, found.start, True, json=True)
            continue
        orders = {_of_value(value, letters, name) for name, value in _fields(found.value)}
        orders |= set(_corrections(found.value, letters))
        if not all(_agrees(name, value, orders) for name, value in found.value.items()):
            orders = {()}
        if any(figures_against(found.value, order) for order in orders):
            orders = {()}
        yield Ranked(orders.pop() if len(orders) == 1 else (), found.start, True, json=True)


def _agrees(name: str, value: Any, orders: set[tuple[str, ...]]) -> bool:
    """Tell whether a field beside a ranking goes with it: "best", "worst", "ties"."""
    key = "".join(filter(str.isalpha, name.lower()))
    if key in ("tie", "ties", "tied", "equal"):
        return not value or (isinstance(value, str) and value.lower() in ("none", "no", "n/a"))
    place = {"best": 0, "winner": 0, "top": 0, "worst": -1, "loser": -1}.get(key)
    if place is None or not isinstance(value, str):
        return True
    ends = {order[place] for order in orders if order}
    letters = tuple({letter for order in orders for letter in order})
    each = named(list(tokens_of(value[:80])), 0, letters)
    return not ends or (each is not None and {each[0]} == ends)


def _fields(entry: dict[str, Any]) -> list[tuple[str, Any]]:
    named = [("".join(filter(str.isalpha, name.lower())), value) for name, value in entry.items()]
    ranks = [(name, value) for name, value in named if name in _FIELDS or name == _BACKWARD_FIELD]
    return ranks or [(name, value) for name, value in named if name == "verdict"]


def _is_of_places(entry: dict[str, Any], letters: tuple[str, ...]) -> bool:
    values = of_keys(entry, letters).values()
    return bool(values) and all(isinstance(value, str) for value in values)


def _corrections(entry: dict[str, Any], letters: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the orders of fields that correct a ranking; an empty one where it is taken back."""
    for name, value in entry.items():
        if is_last_word(name) and (order := _of_value(value, letters, name)):
            yield order
        elif is_taken_back_in(value):
            yield ()


def _of_value(value: Any, letters: tuple[str, ...], name: str) -> tuple[str, ...]:
    if isinstance(value, str):
        tokens = list(tokens_of(plain(value[:_LONGEST])))
        return order_of(tokens, 0, letters)
    if isinstance(value, dict):
        ranks = {str(key): rank for key, rank in value.items() if type(rank) is int}
        value = sorted(ranks, key=lambda key: ranks[key])
        if sorted(ranks.values()) != list(range(1, len(letters) + 1)):
            return ()
    if not isinstance(value, list) or len(value) != len(letters):
        return ()
    if order := by_rank(value, letters):
        return () if name == _BACKWARD_FIELD else order
    each = [named(list(tokens_of(str(entry)[:80])), 0, letters) for entry in value]
    order = tuple(found[0] for found in each if found is not None)
    if sorted(order) != sorted(letters):
        return ()
    return order[::-1] if name == _BACKWARD_FIELD else order


def texts_of(answer: Answer, last: Ranked) -> Iterator[list[Sequence[Token]]]:
    """Yield the sentences of a JSON object's texts, but for those of the ranking itself."""
    found = next(each for each in answer.objects if each.start == last.start)
    for name, value in found.value.items():
        if isinstance(value, str) and "".join(filter(str.isalpha, name.lower())) not in _FIELDS:
            yield [line.tokens for line in sentences(plain(value[:_LONGEST]))]

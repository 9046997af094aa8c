"""Where two JSON contents differ, key by key."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

ABSENT = "(absent)"
"""What stands for a key, or a row, that one of the two does not have."""

ALIKE = 1e-9
"""Numbers that differ by less, in relation, are the same: processors differ in the last digits."""


class Differing(NamedTuple):
    """One place where two contents differ: its keys joined by dots, what was there, what is."""

    place: str
    before: Any
    now: Any


def differing(
    before: Any, now: Any, place: str = "", *, into_lists: bool = True, alike: float = 0.0
) -> Iterator[Differing]:
    """Yield the places where two JSON contents differ, in the order of the second one.

    Args:
        before: One content.
        now: The other.
        place: Of both, put before each place.
        into_lists: Whether lists are compared one by one, of different lengths also.
        alike: Numbers that differ by less, in relation, are the same.
    """
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for key in [*now, *(key for key in before if key not in now)]:
            yield from differing(
                before.get(key, ABSENT if into_lists else None),
                now.get(key, ABSENT if into_lists else None),
                f"{place}.{key}".lstrip("."),
                into_lists=into_lists,
                alike=alike,
            )
    elif into_lists and isinstance(before, list) and isinstance(now, list):
        for at in range(max(len(before), len(now))):
            one, other = (part[at] if at < len(part) else ABSENT for part in (before, now))
            yield from differing(one, other, f"{place}.{at}".lstrip("."), alike=alike)
    elif not _same(before, now, alike):
        yield Differing(place, before, now)


def aligned(before: Sequence[Any], now: Sequence[Any]) -> Iterator[tuple[int, Any, Any]]:
    """Yield the number from 1, what was there and what is, of rows that differ.

    Rows that are alike at the start and at the end stand for each other, so that one row more or
    less is one difference.
    """
    start, least = 0, min(len(before), len(now))
    while start < least and _same(before[start], now[start], ALIKE):
        start += 1
    end = 0
    while end < least - start and _same(before[-1 - end], now[-1 - end], ALIKE):
        end += 1
    one, other = before[start : len(before) - end], now[start : len(now) - end]
    for at in range(max(len(one), len(other))):
        was, there = (rows[at] if at < len(rows) else ABSENT for rows in (one, other))
        if not _same(was, there, ALIKE):
            yield start + at + 1, was, there


def _same(before: Any, now: Any, alike: float) -> bool:
    kinds = {type(before), type(now)}
    if alike and kinds <= {int, float}:
        return math.isclose(before, now, rel_tol=alike, abs_tol=alike / 1000)
    # True equals 1 in Python, and does not in a file
    return bool(before == now) and (len(kinds) == 1 or kinds <= {int, float})

"""Rankings and best-worst choices to pairs: each says which of two responses a person prefers.

A ranking of n responses is n(n-1)/2 pairs, where equal ranks are ties. A best-worst choice among n
says 2n-3 pairs: the best before each other, and each other before the worst (Louviere and Woodworth
1991); nothing is known of the rest among themselves. Pairs of one ranking are not independent, so
intervals are to be clustered by item.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from harness.labels.values import cell_text, number_of

Pair = tuple[str, str, str]
"""(A, B, value): value is A, B or TIE."""


def pairs_of_ranks(ranks: Mapping[str, float]) -> list[Pair]:
    """Return the pairs of a ranking.

    Args:
        ranks: Rank of each response, 1 for the best; equal ranks are ties.
    """
    return [
        (a, b, "TIE" if ranks[a] == ranks[b] else "A" if ranks[a] < ranks[b] else "B")
        for a, b in combinations(ranks, 2)
    ]


def pairs_of_best_worst(shown: Sequence[str], best: str, worst: str) -> list[Pair]:
    """Return the pairs that a best-worst choice decides.

    Raises:
        ValueError: Best or worst was not shown, they are the same, or a response stands twice.
    """
    if len(set(shown)) != len(shown):
        raise ValueError("a response was shown twice")
    for role, name in (("best", best), ("worst", worst)):
        if name not in shown:
            raise ValueError(f"{role} {name!r} is not among {', '.join(shown)}")
    if best == worst:
        raise ValueError(f"{best!r} is both best and worst")
    others = [name for name in shown if name not in (best, worst)]
    pairs = [(best, name, "A") for name in others] + [(name, worst, "A") for name in others]
    return [(best, worst, "A"), *pairs]


def ranks_of_columns(cells: Mapping[str, Any]) -> dict[str, float]:
    """Return the rank of each response from one column per response; empty ones are left out.

    Raises:
        ValueError: A rank is not a number.
    """
    ranks = {}
    for name, cell in cells.items():
        text = cell_text(cell)
        if text:
            ranks[name] = _rank(text)
    return _at_least_two(ranks)


def ranks_of_list(cell: Any) -> dict[str, float]:
    """Return ranks from one cell: a list from best to worst, or a text such as ``a > b = c``.

    In a list, an entry that is itself a list is a tie, and ``{"value": name, "rank": 1}`` is a
    name with its rank.

    Raises:
        ValueError: It is none of these, or a response stands twice.
    """
    if isinstance(cell, str):
        text = cell.strip()
        if text.startswith("["):
            try:
                cell = json.loads(text)
            except json.JSONDecodeError as error:
                raise ValueError(f"{text!r:.60} is not a JSON list") from error
        else:
            cell = [[name.strip() for name in tier.split("=")] for tier in text.split(">")]
    if not isinstance(cell, list | tuple):
        raise ValueError(f"{cell!r:.60} is not a ranking; write a > b = c, or a list")
    ranks: dict[str, float] = {}
    for place, entry in enumerate(cell, 1):
        if isinstance(entry, dict) and "rank" in entry:
            tier = [(cell_text(entry.get("value")), _rank(cell_text(entry["rank"])))]
        else:
            names = entry if isinstance(entry, list | tuple) else [entry]
            tier = [(cell_text(name), float(place)) for name in names]
        for name, rank in tier:
            if not name or name in ranks:
                raise ValueError(f"response {name!r} stands twice" if name else "an empty name")
            ranks[name] = rank
    return _at_least_two(ranks)


def _rank(text: str) -> float:
    number = number_of(text)
    if number is None:
        raise ValueError(f"rank {text!r} is not a number")
    return number


def _at_least_two(ranks: dict[str, float]) -> dict[str, float]:
    if len(ranks) < 2:
        raise ValueError(f"a ranking needs two responses or more, got {len(ranks)}")
    return ranks

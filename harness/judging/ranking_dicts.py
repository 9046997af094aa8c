"""Reads rankings that are lists of objects: ``[{'model': 'C', 'rank': 1}, ...]``."""

from __future__ import annotations

import ast
import json
from collections.abc import Sequence
from typing import Any

from harness.judging.clauses import tokens_of
from harness.judging.ranking_order import named

_LONGEST = 4000
"""Characters of a list that are read."""
_RANKS = frozenset(("rank", "ranking", "place", "position"))


def of_list(text: str, letters: Sequence[str]) -> tuple[str, ...]:
    """Return the order of a text that is such a list, of JSON or of Python, and nothing else.

    Returns:
        The letters, the best one first; empty where the text is another one.
    """
    text = text.strip()
    if not text.startswith("[") or not text.endswith("]") or len(text) > _LONGEST:
        return ()
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        try:
            value = ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return ()
    return by_rank(value, letters)


def by_rank(value: Any, letters: Sequence[str]) -> tuple[str, ...]:
    """Return the order of objects that have a name and a rank each, and no other number.

    Args:
        value: A list of objects.
        letters: Of all responses; each needs a rank of its own, from 1 on.
    """
    if not isinstance(value, list) or len(value) != len(letters):
        return ()
    places = dict[int, str]()
    for entry in value:
        if not isinstance(entry, dict) or len(entry) != 2:
            return ()
        ranks = [v for k, v in entry.items() if str(k).lower() in _RANKS]
        names = [v for k, v in entry.items() if str(k).lower() not in _RANKS]
        if len(ranks) != 1 or type(ranks[0]) is not int or type(names[0]) is not str:
            return ()
        places[ranks[0]] = _letter(names[0], letters)
    whole = set(places) == set(range(1, len(letters) + 1)) and set(places.values()) == set(letters)
    return tuple(places[place] for place in sorted(places)) if whole else ()


def _letter(name: str, letters: Sequence[str]) -> str:
    tokens = list(tokens_of(name[:80]))
    found = named(tokens, 0, letters)
    return found[0] if found is not None and found[1] >= len(tokens) else ""

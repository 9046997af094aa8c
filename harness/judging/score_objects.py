"""Reads the scores in a judge's JSON objects, with the ranges that their fields say of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from harness.judging.reply import Answer
from harness.judging.score_decision import Said
from harness.judging.score_limits import Limit, limits
from harness.judging.score_names import MARKS, words
from harness.judging.score_polarity import contradicted
from harness.judging.score_range import other_range
from harness.judging.score_value import Values, not_understood, off_scale
from harness.judging.score_words import unmarked
from harness.judging.taken_back import Names, is_correction, is_taken_back_in
from harness.nouns.outcomes import Status

_DEPTH = 8
"""Levels of a JSON object that are read."""

_LONGEST_NOTE = 2000
"""Characters of a text field in which a range is looked for."""

_DENIES = frozenset("fail fails failed incorrect wrong false violated unmet invalid".split())
"""Names of fields that are true where a response is bad."""

_NAMES = ("criterion", "name", "aspect", "dimension", "category", "metric")

Rank = Callable[[tuple[str, ...], tuple[str, ...]], str | None]
"""Returns what a name, under a heading, is a score of; None for nothing of interest."""

_Leaf = tuple[tuple[str, ...], Any, tuple[Limit, ...]]


def of_objects(
    answer: Answer, values: Values, rank: Rank, single: bool = False, names: Names = ()
) -> Iterator[Said]:
    """Yield what the judge's own JSON objects say."""

    def counts(value: dict[str, Any]) -> bool:
        return any(rank(path, ()) or single for path, _, _ in _leaves(value, (), _DEPTH))

    for found in answer.own_objects(counts):
        leaves = list(_leaves(found.value, (), _DEPTH))
        is_yes = any(rank(path, ()) and not set(path) & MARKS for path, _, _ in leaves)
        notes = [text[:_LONGEST_NOTE] for _, text, _ in leaves if isinstance(text, str)]
        off = next(filter(None, (other_range(note, values.ends) for note in notes)), "")
        main = ""
        for path, value, said in leaves:
            ranked = rank(path, ())
            if main and any(is_correction(word) for word in path):
                rest = tuple(word for word in path if not is_correction(word))
                ranked = main if not rest or rank(rest, ()) == main else ranked
            if main and not ranked and is_taken_back_in(value, names):
                yield Said(found.start, found.end, main, not_understood(value), closed=True)
            if ranked is None and isinstance(value, bool) and is_yes and single:
                ranked = "main"
            if ranked and isinstance(value, bool) and not _DENIES.isdisjoint(path[-2:]):
                value = not value
            if ranked and (verdict := values.of_json(value)):
                main = main or ranked
                if verdict.status is Status.OK and (
                    off or _is_off(path, values, verdict.value, said)
                ):
                    verdict = off_scale(off or f"{value}, with the range beside it,", values.scale)
                yield Said(found.start, found.end, ranked, verdict, closed=True)


def _is_off(path: tuple[str, ...], values: Values, value: Any, said: tuple[Limit, ...]) -> bool:
    """Tell whether a field says that a score is out of another range."""
    for limit in said:
        if not set(limit.of) <= set(path):
            continue
        if limit.kind == "word":
            said_in_words = values.clause(unmarked(limit.value))
            other = said_in_words is not None and said_in_words.value not in (None, value)
            if other or contradicted(values.scale, value, limit.value, alone=True):
                return True
        elif any(limit.misfits(ends) for ends in values.ends):
            return True
    return False


def _leaves(
    value: Any, path: tuple[str, ...], depth: int, said: tuple[Limit, ...] = ()
) -> Iterator[_Leaf]:
    """Yield the values of a JSON value, with the words of their keys and the ranges that hold."""
    if isinstance(value, dict):
        named = [v for k, v in value.items() if k.lower() in _NAMES and isinstance(v, str)]
        if len(named) == 1 and len(value) > 1:
            path = (*path, *words(named[0][:80]))
        own = tuple(limits(value))
        ranges = {limit.kind for limit in own if not limit.of} - {"word"}
        said = (
            tuple(one for one in said if one.kind != "word" and not (ranges and not one.of)) + own
        )
        for key, inner in value.items():
            if depth:
                yield from _leaves(inner, (*path, *words(key[:80])), depth - 1, said)
    elif isinstance(value, list):
        for inner in value:
            if isinstance(inner, dict) and depth:
                yield from _leaves(inner, path, depth - 1, said)
    else:
        yield path, value, said

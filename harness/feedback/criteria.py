"""Several criteria, one verdict: each is asked about by itself, and their weights decide."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import astuple, replace

from harness.nouns.errors import ConfigError, PluginError, ScaleError
from harness.nouns.hashing import content_hash
from harness.nouns.outcomes import Status
from harness.nouns.rubric import Criterion
from harness.nouns.scale import UNIT, Scale
from harness.nouns.schema import JudgmentRequest, Verdict, Way, off_scale
from harness.ratings.both_orders import WORTH, likelier

Ask = Callable[[JudgmentRequest], Awaitable[Verdict]]
"""Judges a request by the criterion that it holds."""


def checked(criteria: Sequence[Criterion], judge: str) -> Scale:
    """Return the scale of a score by some criteria: of the one, or 0 to 1 for several.

    Raises:
        PluginError: There is none, one is no criterion, or two have one id.
        ConfigError: One of several has no order or no bounds.
    """
    wrong = [one for one in criteria if not isinstance(one, Criterion)]
    ids = [one.id for one in criteria if isinstance(one, Criterion)]
    if wrong or not ids or len(set(ids)) < len(ids):
        said = f"got {wrong[0]!r:.60}" if wrong else f"their ids: {', '.join(ids) or 'none'}"
        raise PluginError(
            f"criteria of judge {judge!r} are objects of Criterion with ids of their own, {said}"
        )
    if len(criteria) == 1:
        return criteria[0].scale
    for one in criteria:
        if not (math.isfinite(one.weight) and one.weight > 0):
            raise PluginError(f"criterion {one.id!r} of judge {judge!r}: weight is {one.weight!r}")
        weighable(one)
    return UNIT


def hash_of(criteria: Sequence[Criterion]) -> str:
    """Return what moves when a criterion does; it is part of the version of a judge."""
    return content_hash([astuple(one) for one in criteria])[:12]


async def by_criteria(request: JudgmentRequest, criteria: Sequence[Criterion], ask: Ask) -> Verdict:
    """Return the verdict by all criteria: each is asked about in turn, as the request's own.

    A score without one of its parts would be another score: the first that failed is returned.
    """
    found = []
    for criterion in criteria:
        asked = replace(request, criterion=criterion)
        verdict = await ask(asked)
        responses = [response.id for response in request.responses]
        wrong = off_scale(verdict.value, criterion.scale, responses)
        if verdict.status is Status.OK and wrong:
            return Verdict(Status.ERROR, rationale=f"{criterion.id}: {wrong}")
        if verdict.status is not Status.OK or len(criteria) == 1:
            return verdict
        found.append(verdict)
    return combine(found, criteria, request.way)


def weighable(criterion: Criterion) -> None:
    """Refuse a criterion that has no place between 0 and 1 to be weighed with others.

    Raises:
        ConfigError: See above.
    """
    scale = criterion.scale
    try:
        scale.to_unit(True if scale.is_binary else scale.labels[0] if scale.labels else scale.low)
    except ScaleError as error:
        raise ConfigError(
            f"the criterion {criterion.id!r} cannot be weighed with others into one score:"
            f" its scale is {scale.describe()}",
            hint="give it an ordinal scale or both bounds, or judge by it alone (criterion: ...)",
        ) from error


def combine(found: Sequence[Verdict], criteria: Sequence[Criterion], way: Way) -> Verdict:
    """Return one verdict from those on single criteria, by their weights.

    Pairs: the weighted mean of the probabilities (1, 1/2, 0 where none is stated), which counts as
    stated where one of them is. Single responses: the weighted mean on the unit scale. Lists: the
    weighted mean of the ranks.
    """
    weights = [criterion.weight for criterion in criteria]
    total = math.fsum(weights)
    parts = "; ".join(f"{c.id}: {v.value}" for c, v in zip(criteria, found, strict=True))
    if way == "pairwise":
        chances = [v.probability if v.probability is not None else WORTH[v.value] for v in found]
        p = math.fsum(w * c for w, c in zip(weights, chances, strict=True)) / total
        stated = any(v.probability is not None for v in found)
        return Verdict(Status.OK, likelier(p), p if stated else None, parts)
    if way == "pointwise":
        units = [c.scale.to_unit(v.value) for c, v in zip(criteria, found, strict=True)]
        value = math.fsum(w * u for w, u in zip(weights, units, strict=True)) / total
        return Verdict(Status.OK, value, rationale=parts)
    ranks: dict[str, float] = {}
    for weight, verdict in zip(weights, found, strict=True):
        assert isinstance(verdict.value, tuple)
        for rank, letter in enumerate(verdict.value):
            ranks[letter] = ranks.get(letter, 0.0) + weight * rank
    return Verdict(Status.OK, tuple(sorted(ranks, key=lambda k: (ranks[k], k))), rationale=parts)

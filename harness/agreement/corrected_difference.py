"""The difference of two policies as people see it, from a judge's scores and a few labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.statistics.arrays import FloatArray, IntArray
from harness.statistics.estimate import Estimate
from harness.statistics.intervals import clustered_difference, t_quantile

FEWEST = 10
"""Prompts with people's labels, of each policy, below which nothing is corrected."""


@dataclass(frozen=True, slots=True)
class Scored:
    """The responses of one policy.

    Args:
        judged: (n,) what the judge says of each.
        truth: (n,) what people say; NaN where nobody was asked. Whom people were asked about is
            drawn at random: labels of the worst responses only correct nothing.
        clusters: (n,) prompt of each; the two policies' have the same names.
    """

    judged: FloatArray
    truth: FloatArray
    clusters: IntArray


@dataclass(frozen=True, slots=True)
class CorrectedDifference:
    """The difference of two policies, three times.

    Args:
        corrected: By people, with the judge's scores as help.
        judged: By the judge alone: where it favours one policy's style, off by that.
        labelled: By people's labels alone.
        tuning: lambda, how much of the judge is used; 0 is nothing.
        effective_n: Labels that would give the corrected interval without the judge.
    """

    corrected: Estimate
    judged: Estimate
    labelled: Estimate
    tuning: float
    effective_n: float


def corrected_difference(
    a: Scored, b: Scored, bounds: tuple[float, float] | None = (-1.0, 1.0)
) -> CorrectedDifference:
    """Return how much better people find a than b, by prediction-powered inference.

    Each policy's mean is l mean(f) + mean over labelled responses of (Y - l f) (Angelopoulos et al.
    2023), so that what the judge gets wrong is taken off for each policy apart, and a judge that
    favours one of them does not decide. Prompts are the units: the influence of a prompt is
    A + l B, of A the labels' and B the judge's over all responses less the judge's over the
    labelled ones, and l = -sum A B / sum B^2 makes it least (PPI++, 2023b). Student's t has the
    labelled prompts of the policy with fewer of them, less two, as degrees of freedom, one of them
    for l: where 200 of one and 10 of the other are labelled, the ten decide.

    Args:
        a: Responses of one policy.
        b: Responses of the other.
        bounds: Least and largest difference that there can be; None without any.

    Returns:
        The differences; the corrected one is undefined where a policy has fewer than ten labelled
        prompts.
    """
    sides = (a, b)
    judged = clustered_difference(
        a.judged.tolist(), a.clusters.tolist(), b.judged.tolist(), b.clusters.tolist(), bounds
    )
    known = [~np.isnan(side.truth) for side in sides]
    some = [
        (side.truth[have].tolist(), side.clusters[have].tolist())
        for side, have in zip(sides, known, strict=True)
    ]
    labelled = clustered_difference(*some[0], *some[1], bounds)
    units = len({*some[0][1], *some[1][1]})
    count = int(sum(have.sum() for have in known))
    least = min(len({*prompts}) for _, prompts in some)
    if least < FEWEST:
        reason = f"{least} prompts of a policy with people's labels; {FEWEST} of each at least"
        none = Estimate(None, n=count, clusters=units, status="undefined", reason=reason)
        return CorrectedDifference(none, judged, labelled, 0.0, 0.0)
    people, help_ = _influences(sides, known)
    square = float(help_ @ help_)
    tuning = -float(people @ help_) / square if square > 1e-24 else 0.0
    pull = people + tuning * help_
    scale = least / (least - 2)
    error = float(np.sqrt(scale * (pull @ pull)))
    alone = float(np.sqrt(units / (units - 1) * (people @ people)))
    if error < 1e-12:
        corrected = labelled.caution("people's labels less the judge's do not vary: labels alone")
        return CorrectedDifference(corrected, judged, labelled, 0.0, float(count))
    from scipy.special import stdtr

    value = sum(
        sign * (tuning * side.judged.mean() + (side.truth - tuning * side.judged)[have].mean())
        for sign, side, have in zip((1, -1), sides, known, strict=True)
    )
    half = t_quantile(least - 2) * error
    low, high = value - half, value + half
    if bounds is not None:
        low, high = max(bounds[0], low), min(bounds[1], high)
    corrected = Estimate(
        float(value),
        float(low),
        float(high),
        count,
        units,
        float(2 * stdtr(least - 2, -abs(value) / error)),
    ).with_unit_count()
    return CorrectedDifference(corrected, judged, labelled, tuning, count * (alone / error) ** 2)


def _influences(
    sides: Sequence[Scored], known: Sequence[np.typing.NDArray[np.bool_]]
) -> tuple[FloatArray, FloatArray]:
    """Return the influence of each prompt: of people's labels, and of the judge beside them."""
    names, place = np.unique(np.concatenate([s.clusters for s in sides]), return_inverse=True)
    first = sides[0].clusters.size
    places = place[:first], place[first:]
    people, help_ = np.zeros(names.size), np.zeros(names.size)
    for sign, side, have, here in zip((1.0, -1.0), sides, known, places, strict=True):
        truth, judged, seen = side.truth[have], side.judged, side.judged[have]
        np.add.at(people, here[have], sign * (truth - truth.mean()) / truth.size)
        np.add.at(help_, here, sign * (judged - judged.mean()) / judged.size)
        np.add.at(help_, here[have], -sign * (seen - seen.mean()) / seen.size)
    return people, help_

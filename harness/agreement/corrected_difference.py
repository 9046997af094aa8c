"""The difference of two policies as people see it, from a judge's scores and a few labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness.statistics.arrays import FloatArray, IntArray
from harness.statistics.estimate import Estimate
from harness.statistics.intervals import clustered_difference
from harness.statistics.seeds import Luck, Seeded, hull

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
        seeds: (n,) training that wrote each; None where the policy was not trained, or once.
    """

    judged: FloatArray
    truth: FloatArray
    clusters: IntArray
    seeds: IntArray | None = None


@dataclass(frozen=True, slots=True)
class CorrectedDifference:
    """The difference of two policies, three times.

    Args:
        seeded: By people, with the judge's scores as help: over trainings and prompts.
        judged: By the judge alone: where it favours one policy's style, off by that; over prompts.
        labelled: By people's labels alone; over prompts.
        tuning: lambda, how much of the judge is used; 0 is nothing.
        effective_n: Labels that would give the corrected interval without the judge.
    """

    seeded: Seeded
    judged: Estimate
    labelled: Estimate
    tuning: float
    effective_n: float

    @property
    def corrected(self) -> Estimate:
        """By people, with the judge's scores as help: over prompts only."""
        return self.seeded.trainings


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
    for l: where 200 of one and 10 of the other are labelled, the ten decide. Over trainings it is
    the hull of :mod:`harness.statistics.seeds`, of what each training's responses add to it.

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
        return CorrectedDifference(Seeded(none, none, None), judged, labelled, 0.0, 0.0)
    tables = _influences(sides, known)
    people, help_ = (sum(table[at].sum(0) for table in tables) for at in (0, 1))
    square = float(help_ @ help_)
    tuning = -float(people @ help_) / square if square > 1e-24 else 0.0
    pull = people + tuning * help_
    scale = least / (least - 2)
    error = float(np.sqrt(scale * (pull @ pull)))
    alone = float(np.sqrt(units / (units - 1) * (people @ people)))
    if error < 1e-12:
        corrected = labelled.caution("people's labels less the judge's do not vary: labels alone")
        seeds = min((len(t[2]) for t in tables if t[2].size), default=None)
        alone_ = Seeded(corrected, corrected, seeds, effective=float(units))
        return CorrectedDifference(alone_, judged, labelled, 0.0, float(count))
    value = sum(
        sign * (tuning * side.judged.mean() + (side.truth - tuning * side.judged)[have].mean())
        for sign, side, have in zip((1, -1), sides, known, strict=True)
    )
    lucky = [
        (tuple(seeds.tolist()), Luck(labels + tuning * words, share))
        for labels, words, seeds, share in tables
        if seeds.size
    ]
    clusters = pull.size
    wide = pull * np.sqrt(scale * (clusters - 1) / clusters)
    found = hull(float(value), count, wide, lucky, bounds, paired=True, groups=least - 1.0)
    whole, those = (
        replace(one, clusters=units).with_unit_count() for one in (found.estimate, found.trainings)
    )
    seeded = replace(found, estimate=whole, trainings=those)
    return CorrectedDifference(seeded, judged, labelled, tuning, count * (alone / error) ** 2)


_Table = tuple[FloatArray, FloatArray, IntArray, FloatArray]
"""Influence of people's labels and of the judge, by training and prompt, the trainings (none where
they are not known), and the share of the responses in each cell."""


def _influences(
    sides: Sequence[Scored], known: Sequence[np.typing.NDArray[np.bool_]]
) -> list[_Table]:
    """Return what each training and prompt of a policy moves the difference by."""
    names, place = np.unique(np.concatenate([s.clusters for s in sides]), return_inverse=True)
    first = sides[0].clusters.size
    places = place[:first], place[first:]
    tables = list[_Table]()
    for sign, side, have, here in zip((1.0, -1.0), sides, known, places, strict=True):
        seeds, row = np.array([], dtype=np.int64), np.zeros(here.size, dtype=np.int64)
        if side.seeds is not None:
            seeds, row = np.unique(side.seeds, return_inverse=True)
        people, help_, share = np.zeros((3, max(1, seeds.size), names.size))
        truth, judged, seen = side.truth[have], side.judged, side.judged[have]
        np.add.at(people, (row[have], here[have]), sign * (truth - truth.mean()) / truth.size)
        np.add.at(help_, (row, here), sign * (judged - judged.mean()) / judged.size)
        np.add.at(help_, (row[have], here[have]), -sign * (seen - seen.mean()) / seen.size)
        np.add.at(share, (row, here), 1.0 / judged.size)
        tables.append((people, help_, seeds, share))
    return tables

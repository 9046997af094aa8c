"""Intervals and p-values over trainings and prompts: what another seed would have given.

A policy is trained k times and each training answers the same G prompts. Its mean moves with the
choice of prompts, with the luck of training, which is the same for all prompts of a seed, and with
what is left (sampling, and trainings that suit some prompts). CR1 by prompt holds the first and the
third; the spread of the seed means holds the second and again the third. So the variance is

    V = CR1(prompts) + max(0, seeds - rest)

with seeds and rest from the two-way table of seeds and prompts (Searle, Casella & McCulloch 1992,
"Variance Components"; two-way clustering of Cameron, Gelbach & Miller 2011 has the same form). Its
degrees of freedom are Satterthwaite's (1946). Where clusters are unlike in size, each one's pull is
that of leaving it out (the jackknife; Efron & Stein 1981), since a large one draws the mean to
itself and hides its own deviation, and they count as so many equal ones as tell as much (Kish
1965): size^2 / sum of squared sizes, one more than the degrees of freedom. Of equal clusters all
that is CR1 itself. Seeds that are unlike in size are taken in the same way.

With few seeds that is still too sure far out, where Holm's method looks; so a second interval is
the t-interval of the seed means, with k - 1 degrees. What all seed means share, they do not show:
the noise of the prompts and of base. Of it, as much is added as the trainings' own part is of the
whole variance: all where they decide, nothing where they are alike. The interval is the hull of
both, the p-value the larger of the two.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from harness.statistics.arrays import FloatArray, IntArray
from harness.statistics.estimate import CONFIDENCE, Estimate
from harness.statistics.intervals import (
    NO_SPREAD,
    degrees_of,
    from_influence,
    t_quantile,
    two_sided,
)

FEWEST_SEEDS = 3
"""Fewer trainings than this say nothing of the next one: what they show holds for them alone."""

POWER = 0.8

Cells = Mapping[int, Mapping[Any, Sequence[float]]]
"""Observations by seed and, inside it, by cluster (prompt)."""

Bounds = tuple[float, float] | None
Part = tuple[float, float]
"""Standard error and degrees of freedom."""


@dataclass(frozen=True, slots=True)
class Grid:
    """The observations of one policy, summed.

    Args:
        sums: (k, G) sum of the observations of each seed and cluster.
        counts: (k, G) how many there are; may be weights.
        seeds: (k,) names of the rows.
    """

    sums: FloatArray
    counts: FloatArray
    seeds: tuple[int, ...]

    @classmethod
    def of(cls, cells: Cells, clusters: Sequence[Hashable]) -> Grid:
        """Return the table of cells over some clusters."""
        place = {cluster: index for index, cluster in enumerate(clusters)}
        sums, counts = np.zeros((2, len(cells), len(clusters)))
        for row, by_cluster in enumerate(cells.values()):
            for cluster, values in by_cluster.items():
                sums[row, place[cluster]] = math.fsum(values)
                counts[row, place[cluster]] = len(values)
        return cls(sums, counts, tuple(cells))

    @classmethod
    def by(cls, values: FloatArray, seeds: IntArray, clusters: IntArray) -> Grid:
        """Return the table of (n,) observations; the clusters are 0 ... G - 1."""
        names, row = np.unique(seeds, return_inverse=True)
        shape = names.size, int(clusters.max(initial=-1)) + 1
        place = row * shape[1] + clusters
        sums, counts = (
            np.bincount(place, weights, shape[0] * shape[1]).reshape(shape).astype(np.float64)
            for weights in (values, None)
        )
        return cls(sums, counts, tuple(names.tolist()))

    def weighed(self, weights: FloatArray, groups: IntArray) -> Grid:
        """Return the table with a weight for each column, whose columns are summed by group.

        Args:
            weights: (G,) of the columns.
            groups: (G,) group of each column, 0 ... groups - 1.
        """
        found = np.zeros((2, len(self.sums), int(groups.max(initial=-1)) + 1))
        for into, table in zip(found, (self.sums, self.counts), strict=True):
            for row, own in zip(into, table * weights, strict=True):
                row += np.bincount(groups, own, row.size)
        return Grid(found[0], found[1], self.seeds)

    def known(self) -> Grid:
        """Return the table without the seeds that have no observation."""
        some = self.counts.sum(1) > 0
        if some.all():
            return self
        seeds = tuple(seed for seed, kept in zip(self.seeds, some, strict=True) if kept)
        return Grid(self.sums[some], self.counts[some], seeds)

    @property
    def size(self) -> float:
        """Number of observations."""
        return float(self.counts.sum())

    @property
    def mean(self) -> float:
        """Mean of the observations."""
        return float(self.sums.sum()) / self.size

    def pull(self) -> FloatArray:
        """Return (k, G) what each cell moves the mean by; they sum to 0."""
        return np.asarray((self.sums - self.counts * self.mean) / self.size)

    def share(self) -> FloatArray:
        """Return (k, G) the weight of each cell in the mean."""
        return np.asarray(self.counts / self.size)


def alike(counts: FloatArray) -> FloatArray:
    """Return (G,) weights by which all columns of (k, G) counts weigh alike.

    Their mean over the observations is 1; where all columns have equally many it is 1 exactly.
    """
    each = counts.sum(0)
    share = each.sum() / max(1, np.count_nonzero(each))
    return np.asarray(np.divide(share, each, out=np.zeros_like(each), where=each > 0))


def left_out(counts: FloatArray) -> FloatArray:
    """Return (G,) how much more leaving a cluster out moves a mean than its residual says.

    (G - 1) / G / (1 - share of the cluster), so that CR1 of what it is multiplied with is the
    jackknife's variance; 1 exactly where all clusters have as many observations. A cluster that has
    them all has no residual.

    Args:
        counts: (G,) observations, or weights, of each cluster.
    """
    groups = counts.size
    rest = groups - groups * counts / counts.sum()
    return np.asarray(np.divide(groups - 1, rest, out=np.ones_like(rest), where=rest > NO_SPREAD))


def effective(counts: FloatArray) -> float:
    """Return how many clusters of equal size tell as much: size^2 / sum of squared sizes (Kish)."""
    squares = float(counts @ counts)
    return float(counts.sum()) ** 2 / squares if squares else 0.0


@dataclass(frozen=True, slots=True)
class Luck:
    """What the trainings of one side, or of both sides seed by seed, move an estimate by.

    Args:
        pull: (k, G) influence of each seed and cluster.
        share: (k, G) its weight in the mean.
    """

    pull: FloatArray
    share: FloatArray

    @property
    def degrees(self) -> float:
        """Degrees of freedom: one less than there are seeds, or than equal ones would tell as much.

        One that holds most of the observations decides the mean alone, whatever stands beside it.
        """
        return degrees_of(effective(self.share.sum(1))) if self._unlike else len(self.pull) - 1

    @property
    def _unlike(self) -> bool:
        return bool(np.ptp(self.share.sum(1)) > NO_SPREAD)

    def seeds(self) -> float:
        """Return the variance that the spread of the seed means gives the estimate.

        CR1; the jackknife's where seeds are unlike in size.
        """
        k, moved = len(self.pull), self.pull.sum(1)
        if self._unlike:
            moved = moved * left_out(self.share.sum(1))
        return k / (k - 1) * float((moved**2).sum())

    def rest(self) -> float:
        """Return the part of that which sampling and interaction account for, already in CR1."""
        pull, share = self.pull, self.share
        rows, columns = share.sum(1, keepdims=True), share.sum(0, keepdims=True)
        with np.errstate(invalid="ignore", divide="ignore"):
            by_row = pull.sum(1, keepdims=True) * np.where(rows > 0, share / rows, 0.0)
            by_column = pull.sum(0, keepdims=True) * np.where(columns > 0, share / columns, 0.0)
        left = np.where(share > 0, pull - by_row - by_column, 0.0)
        cells = int((share > 0).sum())
        degrees = cells - int((rows > 0).sum()) - int((columns > 0).sum()) + 1
        return cells / degrees * float((left * left).sum()) if degrees > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Seeded:
    """An estimate with what it is sure of.

    Args:
        estimate: Over seeds and prompts where there are two trainings or more, else over prompts.
        trainings: The same value over prompts only: what holds for the trainings that there are.
        seeds: How many trainings stand behind it, of the side that has fewer; None where nothing
            that takes part was trained.
        parts: (standard error, degrees of freedom) of each interval whose hull it is.
        prompts: The same of the interval over prompts only.
        effective: How many clusters of equal size would tell as much.
    """

    estimate: Estimate
    trainings: Estimate
    seeds: int | None
    parts: tuple[Part, ...] = ()
    prompts: tuple[Part, ...] = ()
    effective: float = 0.0

    def alone(self) -> Seeded:
        """Return the same over prompts only, of the trainings that there are."""
        return Seeded(
            self.trainings, self.trainings, None, self.prompts, self.prompts, self.effective
        )

    @property
    def over(self) -> str | None:
        """What the interval covers; None without one."""
        if self.estimate.low is None:
            return None
        return "prompts" if self.seeds is None or self.seeds < 2 else "seeds and prompts"

    def p_beyond(self, margin: float) -> float | None:
        """Return the p-value of "the value is not within the margin" (two one-sided tests).

        Schuirmann 1987; the larger of both sides and of both parts of the hull.
        """
        value = self.estimate.value
        if value is None or not self.parts:
            return None
        ends = (value + margin, margin - value)
        return max(
            two_sided(end, error, degrees) / 2 if end > 0 else 1.0
            for end in ends
            for error, degrees in self.parts
        )

    def mdd(self, level: float) -> float | None:
        """Return the smallest true difference that would be found with power .8.

        (t_{1 - level/2} + t_.8) SE, with the degrees of freedom of the test (Bloom 1995; Miller
        2024), the larger of both parts of the hull.

        Args:
            level: Of the two-sided test, such as .05 / m for the first step of Holm's method.
        """
        return max(
            (
                (t_quantile(degrees, 1 - level) + t_quantile(degrees, 2 * POWER - 1)) * error
                for error, degrees in self.parts
            ),
            default=None,
        )


def with_seeds(a: Cells, b: Cells | None = None, bounds: Bounds = (0.0, 1.0)) -> Estimate:
    """Return mean(a), or mean(a) - mean(b), over the trainings and prompts of both sides.

    See :func:`seeded`, whose estimate it is.
    """
    return seeded(a, b, bounds).estimate


def seeded(
    a: Cells,
    b: Cells | None = None,
    bounds: Bounds = (0.0, 1.0),
    *,
    trained: tuple[bool, bool] = (True, True),
    confidence: float = CONFIDENCE,
) -> Seeded:
    """Return mean(a), or mean(a) - mean(b), over trainings and prompts.

    Sides with the same seeds are paired by seed, as they are by prompt.

    Args:
        a: Observations by seed and cluster.
        b: The other side; None for a mean.
        bounds: Smallest and largest possible value, of the difference with ``b``.
        trained: Whether the seeds of ``a`` and of ``b`` are trainings. Those of a base policy are
            not: one and the same policy was sampled anew, which the spread within prompts holds.
        confidence: Coverage of the interval.
    """
    clusters = sorted({name for side in (a, b or {}) for cell in side.values() for name in cell})
    return of_grids(
        Grid.of(a, clusters),
        None if b is None else Grid.of(b, clusters),
        bounds,
        trained=trained,
        confidence=confidence,
    )


def of_grids(
    a: Grid,
    b: Grid | None = None,
    bounds: Bounds = (0.0, 1.0),
    *,
    trained: tuple[bool, bool] = (True, True),
    confidence: float = CONFIDENCE,
) -> Seeded:
    """Return the same as :func:`seeded` from tables over the same clusters."""
    sides = [(1.0, a.known(), trained[0])]
    sides += [] if b is None else [(-1.0, b.known(), trained[1])]
    if any(side.size == 0 for _, side, _ in sides):
        nothing = Estimate(None, reason="no observations")
        return Seeded(nothing, nothing, None)
    value = a.mean - (0.0 if b is None else b.mean)
    used = sum((side.counts.sum(0) for _, side, _ in sides), np.zeros(a.sums.shape[1])) > 0
    pulls = [sign * side.pull()[:, used] for sign, side, _ in sides]
    lucky = [
        (side.seeds, Luck(pull, side.share()[:, used]))
        for pull, (_, side, is_trained) in zip(pulls, sides, strict=True)
        if is_trained
    ]
    n = round(sum(side.size for _, side, _ in sides))
    counts = [side.counts.sum(0)[used] for _, side, _ in sides]
    influence = np.sum(
        [pull.sum(0) * left_out(count) for pull, count in zip(pulls, counts, strict=True)], axis=0
    )
    groups = min(effective(count) for count in counts)
    return hull(value, n, influence, lucky, bounds, confidence, paired=b is not None, groups=groups)


def of_pairs(
    a: Grid, b: Grid, *, trained: tuple[bool, bool] = (True, True), confidence: float = CONFIDENCE
) -> Seeded:
    """Return a mean over pairs of observations, such as a win rate.

    Args:
        a: The pairs, summed by the seed of their first member.
        b: The same pairs, by the seed of their second.
        trained: Whether the seeds of each are trainings.
        confidence: Coverage of the interval.
    """
    a, b = a.known(), b.known()
    if a.size == 0:
        nothing = Estimate(None, reason="no observations")
        return Seeded(nothing, nothing, None)
    used = a.counts.sum(0) > 0
    lucky = [
        (side.seeds, Luck(side.pull()[:, used], side.share()[:, used]))
        for side, is_trained in zip((a, b), trained, strict=True)
        if is_trained
    ]
    counts = a.counts.sum(0)[used]
    influence = a.pull()[:, used].sum(0) * left_out(counts)
    n, groups = round(a.size), effective(counts)
    return hull(a.mean, n, influence, lucky, (0.0, 1.0), confidence, paired=False, groups=groups)


def hull(
    value: float,
    n: int,
    influence: FloatArray,
    lucky: Iterable[tuple[tuple[int, ...], Luck]],
    bounds: Bounds = (0.0, 1.0),
    confidence: float = CONFIDENCE,
    *,
    paired: bool,
    groups: float | None = None,
) -> Seeded:
    """Return an estimate with the hull of its two intervals.

    Args:
        value: The estimate.
        n: Observations.
        influence: (G,) what each cluster moves it by.
        lucky: The seeds of each side that was trained, and what they move it by.
        bounds: Smallest and largest possible value; None when there are none.
        confidence: Coverage of the interval.
        paired: Whether the value is a difference, which has a p-value.
        groups: How many clusters of equal size would tell as much; all of them by default.
    """
    clusters = influence.size
    groups = float(clusters) if groups is None else groups
    alone = from_influence(value, influence, n, bounds, confidence, paired=paired, groups=groups)
    sides = list(lucky)
    seeds = min((len(names) for names, _ in sides), default=None)
    prompts = 0.0
    if clusters > 1:
        prompts = clusters / (clusters - 1) * float(influence @ influence)
    free = degrees_of(groups)
    known = math.sqrt(prompts) >= NO_SPREAD
    by_prompt = ((math.sqrt(prompts), free),) if known else ()
    if clusters < 2 or seeds is None or seeds < 2:
        return Seeded(alone, alone, seeds, by_prompt, by_prompt, groups)
    lucks = _by_seed(sides)
    spread = [luck.seeds() for luck in lucks]
    rest = [luck.rest() for luck in lucks]
    owns = [max(0.0, whole - part) for whole, part in zip(spread, rest, strict=True)]
    own = sum(owns)
    parts = list[Part]()
    variance = prompts + own
    if math.sqrt(variance) >= NO_SPREAD:
        unsure = prompts**2 / free
        unsure += sum(v**2 / luck.degrees for v, luck in zip(owns, lucks, strict=True))
        parts.append((math.sqrt(variance), max(1.0, variance**2 / unsure)))
    if math.sqrt(sum(spread)) >= NO_SPREAD:
        fewest = min(luck.degrees for luck in lucks)
        shared = max(0.0, prompts - sum(rest)) * own / variance if own > 0 else 0.0
        parts.append((math.sqrt(sum(spread) + shared), float(fewest)))
    over = _widened(alone, parts, bounds, confidence)
    return Seeded(over, alone, seeds, tuple(parts), by_prompt, groups)


def _by_seed(sides: Sequence[tuple[tuple[int, ...], Luck]]) -> list[Luck]:
    """Return the luck of both sides together where they have the same seeds, else of each."""
    if len(sides) == 2 and set(sides[0][0]) == set(sides[1][0]):
        (names, first), (others, second) = sides
        order = [others.index(name) for name in names]
        together = first.pull + second.pull[order], first.share + second.share[order]
        return [Luck(*together)]
    return [luck for _, luck in sides]


def _widened(
    alone: Estimate, parts: Sequence[tuple[float, float]], bounds: Bounds, confidence: float
) -> Estimate:
    """Return the estimate with the hull of its interval and those of the parts."""
    value = alone.value
    if value is None or not parts:
        return alone
    half = max(t_quantile(degrees, confidence) * error for error, degrees in parts)
    ends = [value - half, value + half]
    if bounds is not None:
        ends = [max(bounds[0], ends[0]), min(bounds[1], ends[1])]
    if alone.low is not None and alone.high is not None:
        ends = [min(ends[0], alone.low), max(ends[1], alone.high)]
    p = alone.p
    if p is not None:
        p = max(p, *(two_sided(value, error, degrees) for error, degrees in parts))
    return replace(alone, low=ends[0], high=ends[1], p=p, reason="")

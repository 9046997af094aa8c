"""One-sided 95% bounds, clustered by prompt: what a decision may lean on, on either side.

A decision needs one end only: "at least so much" or "at most so much". Each bound here holds the
truth in 95% of cases on its side (``benchmarks/gates.py``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import combinations

import numpy as np
import numpy.typing as npt

from harness.statistics.arrays import FloatArray, IntArray, cluster_sums
from harness.statistics.estimate import CONFIDENCE
from harness.statistics.intervals import clopper_pearson_upper

TWO_SIDED = 2 * CONFIDENCE - 1
"""Level of the two-sided interval whose ends are these bounds."""

MOST_LABELS = 100_000
"""Where so many more labels would be needed, nobody is told a number."""

FEW = 5
"""In fewer clusters than this with a miss (or a hit) their spread says little."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """A number with one bound on each side.

    Args:
        value: The estimate; None where there is none: ``reason`` says why.
        lower: The truth is at least this, in 95% of cases.
        upper: The truth is at most this, in 95% of cases.
        error: Standard error of the estimate.
        n: Items that took part.
        clusters: Independent groups of them.
        reason: Why there is no number.
        grown: The same number, of so many times as many labels that tell as much each: on the scale
            on which these bounds are; None where nobody can tell.
    """

    value: float | None
    lower: float | None = None
    upper: float | None = None
    error: float = 0.0
    n: int = 0
    clusters: int = 0
    reason: str = ""
    grown: Callable[[float], Bounds] | None = field(default=None, compare=False, repr=False)


def one_sided_t(degrees: int) -> float:
    """Return the 95% quantile of Student's t."""
    from scipy.special import stdtrit

    return float(stdtrit(max(1, degrees), CONFIDENCE))


def cluster_error(pull: FloatArray, clusters: IntArray) -> tuple[float, int]:
    """Return the CR1 standard error of a sum of (n,) influences, and the number of clusters.

    Var = G/(G-1) * sum_g (sum of influences in g)^2 (Liang & Zeger 1986); infinite of one cluster.
    """
    sums = cluster_sums(pull, clusters)
    groups = sums.size
    if groups < 2:
        return math.inf, groups
    return math.sqrt(groups / (groups - 1) * float(sums @ sums)), groups


def share_bounds(hits: FloatArray, clusters: IntArray, why_none: str) -> Bounds:
    """Return a share with its exact bounds, for an effective number of items.

    Clopper & Pearson (1934) where every item is a prompt; else with the number of independent items
    that would vary as much, as Korn & Graubard (1998, Survey Methodology 24:193) do. Where fewer
    than five prompts hold a hit, or a miss, they cannot tell how alike the items of a prompt are,
    and the prompts are counted.

    Args:
        hits: (n,) 0 or 1.
        clusters: (n,) prompt of each.
        why_none: The reason of no number where there is nothing.
    """
    n = int(hits.size)
    if n == 0:
        return Bounds(None, reason=why_none)
    value = float(hits.mean())
    error, groups = cluster_error((hits - value) / n, clusters)
    hit = np.unique(clusters[hits > 0]).size
    miss = np.unique(clusters[hits < 1]).size
    if groups == n:
        effective = float(n)
    elif min(hit, miss) < FEW:
        effective = float(groups)
    else:
        effective = value * (1 - value) / error**2
        effective *= (one_sided_t(n - 1) / one_sided_t(groups - 1)) ** 2
        effective = min(float(n), effective)
    return _exact(value, effective, n, groups)


def _exact(value: float, effective: float, n: float, groups: float, times: float = 1.0) -> Bounds:
    """Return the exact bounds of a share of so many independent items, n with those alike."""
    effective, n, groups = times * effective, times * n, times * groups
    count = value * effective
    lower = 1.0 - clopper_pearson_upper(effective - count, effective, 1 - CONFIDENCE)
    upper = clopper_pearson_upper(count, effective, 1 - CONFIDENCE)
    error = math.sqrt(max(value * (1 - value), 0.25 / n) / effective)
    grown = partial(_exact, value, effective, n, groups)
    return Bounds(value, lower, upper, error, round(n), round(groups), grown=grown)


@dataclass(frozen=True, slots=True)
class _Kappa:
    """Kappa of two, and how much each of the n items pulls at it, 0 where one has no label."""

    value: float
    pull: FloatArray
    chance: float
    same: FloatArray
    inside: npt.NDArray[np.bool_]


def _kappa(first: IntArray, second: IntArray) -> _Kappa | str:
    both = (first >= 0) & (second >= 0)
    a, b = first[both], second[both]
    n = int(a.size)
    if n == 0:
        return "no item was labelled by both"
    size = int(max(a.max(), b.max())) + 1
    p_a, p_b = np.bincount(a, minlength=size) / n, np.bincount(b, minlength=size) / n
    same = (a == b).astype(np.float64)
    observed, chance = float(same.mean()), float(p_a @ p_b)
    if chance > 1 - 1e-12:
        return "both used one category only, so agreement by chance is certain"
    value = (observed - chance) / (1 - chance)
    pull = np.zeros(first.size)
    pull[both] = (same - observed) - (1 - value) * (p_b[a] + p_a[b] - 2 * chance)
    return _Kappa(value, pull / ((1 - chance) * n), chance, same, both)


def kappa_bounds(first: IntArray, second: IntArray, clusters: IntArray) -> Bounds:
    """Return Cohen's kappa with its bounds, from its influences (delta method, CR1).

    The bounds are taken on Fisher's scale, atanh(kappa), with G - 1 degrees of freedom: on its own
    scale kappa's error grows as kappa falls, so that a bad source passes too often with few items
    (7.6% with 50 at the minimum, 4.0% on this scale). Where fewer than five prompts hold a
    disagreement the bounds are those of the share of agreement.

    Args:
        first: (n,) codes of one, -1 without a label.
        second: (n,) codes of the other.
        clusters: (n,) prompt of each.
    """
    found = _kappa(first, second)
    if isinstance(found, str):
        return Bounds(None, reason=found)
    inside, chance = clusters[found.inside], found.chance
    n, prompts = int(inside.size), int(np.unique(inside).size)
    if np.unique(inside[found.same < 1]).size < FEW:
        return _of_share(share_bounds(found.same, inside, ""), chance)
    error, _ = cluster_error(found.pull[found.inside], inside)
    return _fisher(found.value, error, n, prompts)


def _of_share(share: Bounds, chance: float, times: float = 1.0) -> Bounds:
    """Return kappa with the bounds of the share of agreement, as chance stays what it is."""
    assert share.grown is not None
    share = share if times == 1 else share.grown(times)
    assert share.value is not None and share.lower is not None and share.upper is not None
    value, lower, upper = (
        (one - chance) / (1 - chance) for one in (share.value, share.lower, share.upper)
    )
    error, grown = share.error / (1 - chance), partial(_of_share, share, chance)
    lower = max(-1.0, lower)
    return Bounds(value, lower, upper, error, share.n, share.clusters, grown=grown)


def mean_kappa_bounds(columns: Sequence[IntArray], clusters: IntArray) -> Bounds:
    """Return the mean of Cohen's kappa over all pairs of some annotators, with its bounds."""
    found = [one for a, b in combinations(columns, 2) if not isinstance(one := _kappa(a, b), str)]
    if not found:
        return Bounds(None, reason="one person only")
    value = sum(one.value for one in found) / len(found)
    inside = np.logical_or.reduce([one.inside for one in found])
    pull = np.add.reduce([one.pull for one in found])[inside] / len(found)
    error, prompts = cluster_error(pull, clusters[inside])
    return _fisher(value, error, int(inside.sum()), prompts)


def _fisher(value: float, error: float, n: float, prompts: float, times: float = 1.0) -> Bounds:
    error, n, prompts = error / math.sqrt(times), times * n, times * prompts
    if abs(value) >= 1 or not math.isfinite(error):
        return Bounds(value, -1.0, 1.0, error, round(n), round(prompts))
    reach = one_sided_t(round(prompts) - 1) * error / (1 - value * value)
    lower, upper = (math.tanh(math.atanh(value) + side * reach) for side in (-1, 1))
    grown = partial(_fisher, value, error, n, prompts)
    return Bounds(value, lower, upper, error, round(n), round(prompts), grown=grown)


def of_interval(value: float, low: float, high: float, n: float, times: float = 1.0) -> Bounds:
    """Return the ends of an interval of kappa as bounds, with what more labels make of them.

    On Fisher's scale, on which an interval shrinks alike at both ends; an end at 1 is as far as
    the other one.
    """
    if abs(value) > _EDGE:
        return Bounds(value, low, high, n=round(n))
    middle = math.atanh(value)
    below, above = (None if abs(end) >= 1 else abs(math.atanh(end) - middle) for end in (low, high))
    if times != 1:
        root = math.sqrt(times)
        below, above = below or above or math.inf, above or below or math.inf
        low, high = math.tanh(middle - below / root), math.tanh(middle + above / root)
    grown = partial(of_interval, value, low, high, times * n)
    return Bounds(value, low, high, (high - low) / 4, round(times * n), grown=grown)


_EDGE = 1 - 1e-9
"""Kappas beyond this have no place on Fisher's scale."""


def lowest(found: Sequence[Bounds]) -> Bounds:
    """Return the lowest of several numbers about one source: the bounds of the lowest of them."""
    least = min(found, key=lambda one: -math.inf if one.value is None else one.value)
    if least.value is None:
        return least
    lower = min(one.lower for one in found if one.lower is not None)
    upper = min(one.upper for one in found if one.upper is not None)
    told = all(one.grown is not None for one in found)
    grown = partial(_lowest_grown, tuple(found)) if told else None
    return replace(least, lower=lower, upper=upper, grown=grown)


def _lowest_grown(found: Sequence[Bounds], times: float) -> Bounds:
    return lowest([one.grown(times) for one in found if one.grown is not None])


def more_that(bounds: Bounds, decides: Callable[[Bounds], bool], most: int) -> int | None:
    """Return how many more labels make bounds that decide, if the estimate stays where it is.

    Args:
        bounds: Of the labels that there are.
        decides: Whether bounds decide.
        most: Where so many do not, or those that there are do, there is no answer: None.
    """
    grown, n = bounds.grown, bounds.n
    if bounds.value is None or grown is None or n < 1 or decides(bounds):
        return None

    def enough(more: int) -> bool:
        return decides(grown(1 + more / n))

    step = 1
    while not enough(step):
        if step >= most:
            return None
        step = min(2 * step, most)
    under, over = step // 2, step
    while over - under > 1:
        middle = (under + over) // 2
        under, over = (under, middle) if enough(middle) else (middle, over)
    return over

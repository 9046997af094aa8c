"""Intervals of shares, means and paired differences, by formula.

Every interval is two-sided. A sample without any spread gets no interval of zero width: see
:func:`clustered_mean`.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from harness.statistics.arrays import FloatArray, IntArray
from harness.statistics.estimate import CONFIDENCE, Estimate, one_cluster, undefined


def wilson(hits: float, n: float, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the score interval of a share of independent observations (Wilson 1927).

    A formula of its own, since scipy's ``binomtest`` takes whole numbers only; a test holds it to
    scipy's on those.

    Args:
        hits: Successes; need not be whole, so that an effective number of items can be given.
        n: Trials, above 0; need not be whole.
        confidence: Level of the interval.

    Raises:
        ValueError: ``n`` is not positive, or ``hits`` is not between 0 and ``n``.
    """
    from scipy.special import ndtri

    if n <= 0 or not 0 <= hits <= n:
        raise ValueError(f"needs 0 <= hits <= n and n > 0, got {hits} of {n}")
    z = float(ndtri(0.5 + confidence / 2))
    share, scale = hits / n, 1 + z * z / n
    middle = (share + z * z / (2 * n)) / scale
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / scale
    low = 0.0 if hits == 0 else max(0.0, middle - half)
    high = 1.0 if hits == n else min(1.0, middle + half)
    return low, high


def clopper_pearson_upper(hits: float, n: float, delta: float) -> float:
    """Return the exact upper bound of a share at level ``delta`` (Clopper & Pearson 1934).

    The closed form of scipy's ``binomtest(...).proportion_ci(method="exact")``, which searches for
    it hundreds of times slower (docs/decisions.md, 17): a cascade asks for every threshold.
    """
    from scipy.special import betaincinv

    return 1.0 if hits >= n else float(betaincinv(hits + 1, n - hits, 1.0 - delta))


def t_quantile(degrees: float, confidence: float = CONFIDENCE) -> float:
    """Return the two-sided quantile of Student's t."""
    from scipy.special import stdtrit

    return float(stdtrit(max(1, degrees), 0.5 + confidence / 2))


def student(
    name: str, annotators: str, value: float, error: float, n: int, clusters: int
) -> Estimate:
    """Return an estimate with the t-interval of its standard error; none of one cluster.

    ``error`` is the standard error, with ``clusters`` - 1 degrees of freedom.
    """
    if clusters < 2:
        return one_cluster(name, annotators, value, n)
    half = t_quantile(clusters - 1) * error
    ends = value - half, value + half
    return Estimate(value, *ends, n, clusters, name=name, annotators=annotators)


def clustered_mean(
    values: Sequence[float],
    clusters: Sequence[Hashable],
    bounds: tuple[float, float] | None = (0.0, 1.0),
    confidence: float = CONFIDENCE,
) -> Estimate:
    """Return a mean with its CR1 t-interval (Liang and Zeger 1986; df = clusters - 1).

    The variance is ``G / (G - 1) * sum_g (sum of residuals in g)^2 / n^2``. The interval is cut at
    the bounds. When every cluster has the same mean the formula gives zero width; then the share of
    clusters that could be different is taken at its Wilson upper end for 0 of G, and those clusters
    are put at the bounds, which for all-right answers is the Wilson interval itself.

    Args:
        values: One number per observation.
        clusters: The cluster (prompt) of each.
        bounds: Smallest and largest possible value; None when there are none.
        confidence: Coverage of the interval.
    """
    return from_sums(_sums(values, clusters), None, bounds, confidence)


def clustered_difference(
    a: Sequence[float],
    a_clusters: Sequence[Hashable],
    b: Sequence[float],
    b_clusters: Sequence[Hashable],
    bounds: tuple[float, float] | None = (-1.0, 1.0),
    confidence: float = CONFIDENCE,
) -> Estimate:
    """Return mean(a) - mean(b), paired through the clusters that they share, with a CR1 t-interval.

    Each cluster's influence is ``sum_a(a - mean a) / n_a - sum_b(b - mean b) / n_b``, so what makes
    a prompt hard for both cancels. The p-value is the t-test's; without any spread it is the
    smallest that flipping signs by cluster can give.

    The arguments are those of :func:`clustered_mean`, twice; ``bounds`` are of the difference.
    """
    return from_sums(_sums(a, a_clusters), _sums(b, b_clusters), bounds, confidence)


Sums = Mapping[Any, tuple[float, int]]
"""Sum and count of the observations of each cluster: all that an interval of a mean needs."""


def _sums(values: Sequence[float], clusters: Sequence[Hashable]) -> Sums:
    if len(values) != len(clusters):
        raise ValueError("needs one cluster per value")
    sums: dict[Hashable, tuple[float, int]] = {}
    for value, cluster in zip(values, clusters, strict=True):
        total, count = sums.get(cluster, (0.0, 0))
        sums[cluster] = total + value, count + 1
    return sums


def from_sums(
    a: Sums,
    b: Sums | None = None,
    bounds: tuple[float, float] | None = (0.0, 1.0),
    confidence: float = CONFIDENCE,
) -> Estimate:
    """Return a mean, or a difference of means, from the sums of its clusters.

    The same as :func:`clustered_mean`, and :func:`clustered_difference` with ``b``, for callers
    that have many equal observations and count them.
    """
    influence: dict[Hashable, float] = {}
    value, n = 0.0, 0
    for sign, side in ((1.0, a), (-1.0, b)):
        if side is None:
            continue
        size = sum(count for _, count in side.values())
        if size == 0:
            return Estimate(None, reason="no observations")
        mean = math.fsum(total for total, _ in side.values()) / size
        value, n = value + sign * mean, n + size
        for group, (total, count) in side.items():
            influence[group] = influence.get(group, 0.0) + sign * (total - count * mean) / size
    groups = np.fromiter(influence.values(), dtype=np.float64, count=len(influence))
    return from_influence(value, groups, n, bounds, confidence, paired=b is not None)


def from_influence(
    value: float,
    influence: FloatArray,
    n: int,
    bounds: tuple[float, float] | None,
    confidence: float = CONFIDENCE,
    *,
    paired: bool,
    groups: float | None = None,
) -> Estimate:
    """Return the CR1 t-interval of a value from what each cluster moves it by.

    Args:
        value: The estimate.
        influence: (G,) influence of each cluster; they sum to 0.
        n: Observations.
        bounds: Smallest and largest possible value; None when there are none.
        confidence: Coverage of the interval.
        paired: Whether the value is a difference, which has a p-value.
        groups: How many clusters of equal size would tell as much; all of them by default.
    """
    clusters = influence.size
    groups = float(clusters) if groups is None else groups
    if clusters < 2:
        reason = "one cluster only: no interval"
        return Estimate(value, n=n, clusters=clusters, reason=reason)
    error = math.sqrt(clusters / (clusters - 1) * math.fsum((influence * influence).tolist()))
    if error < NO_SPREAD:
        p = (1.0 if abs(value) < NO_SPREAD else 2.0 ** (1 - groups)) if paired else None
        if bounds is None:
            reason = "no spread: no interval"
            return Estimate(value, n=n, clusters=clusters, p=p, reason=reason)
        share = wilson(0, groups, confidence)[1]
        low, high = value - share * (value - bounds[0]), value + share * (bounds[1] - value)
        return Estimate(value, low, high, n, clusters, p)
    half = t_quantile(degrees_of(groups), confidence) * error
    low, high = value - half, value + half
    if bounds is not None:
        low, high = max(bounds[0], low), min(bounds[1], high)
    p = two_sided(value, error, degrees_of(groups)) if paired else None
    return Estimate(value, low, high, n, clusters, p)


NO_SPREAD = 1e-12
"""A standard error below this is rounding."""


FEWEST_DEGREES = 1.0


def degrees_of(groups: float) -> float:
    """Return the degrees of freedom of as many clusters; at least one."""
    return max(FEWEST_DEGREES, groups - 1.0)


def two_sided(value: float, error: float, degrees: float) -> float:
    """Return the p-value of Student's t for "the value is 0"."""
    from scipy.special import stdtr

    return float(2 * stdtr(degrees, -abs(value) / error))


def cluster_share(
    name: str, annotators: str, scores: FloatArray, clusters: IntArray, *, why_undefined: str
) -> Estimate:
    """Return a mean of scores in [0, 1] with its cluster-robust t-interval.

    ``scores`` are (n,) between 0 and 1; ``why_undefined`` is the reason without any.
    """
    n = scores.size
    if n == 0:
        return undefined(name, annotators, why_undefined)
    _, group, sizes = np.unique(clusters, return_inverse=True, return_counts=True)
    value, groups = float(scores.mean()), sizes.size
    if groups < 2:
        return one_cluster(name, annotators, value, n)
    pull = np.bincount(group, weights=scores - value) / n
    hit = np.unique(group[scores > 0]).size
    miss = np.unique(group[scores < 1]).size
    low, high = robust_share(value, pull, float(scores.var()), n, few=min(hit, miss) < 5)
    row = Estimate(value, low, high, n, groups, name=name, annotators=annotators)
    return row.with_unit_count()


def robust_share(
    value: float, pull: FloatArray, spread: float, n: int, *, few: bool
) -> tuple[float, float]:
    """Return the cluster-robust t-interval of a mean in [0, 1], or Wilson's where that is far off.

    Var = G/(G-1) * sum_g pull_g^2 (CR1; Liang & Zeger 1986, Cameron & Miller 2015) and G - 1
    degrees of freedom. Where few clusters hold a miss (or a hit), that interval is far from its
    level; Wilson's interval with the effective number of items stands in.

    Args:
        value: The mean.
        pull: (G,) sum of each cluster's residuals over n; two clusters or more.
        spread: Variance of one item.
        n: Items.
        few: Whether fewer than five clusters hold a miss, or a hit.
    """
    groups = pull.size
    variance = groups / (groups - 1) * float(pull @ pull)
    if few or variance < 1e-24:
        effective = spread / variance if variance > 1e-24 and spread > 0 else float(groups)
        effective = min(float(n), effective)
        return wilson(value * effective, effective)
    half = t_quantile(groups - 1) * math.sqrt(variance)
    return max(0.0, value - half), min(1.0, value + half)


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Return p-values adjusted for their number (Holm 1979); None stays None and is not counted."""
    order = sorted((p, index) for index, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, (p, index) in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * p))
        adjusted[index] = largest
    return adjusted

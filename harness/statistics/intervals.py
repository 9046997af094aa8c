"""Intervals for shares, means and paired differences; pure functions that any stage may use.

Every interval is two-sided. A sample without any spread gets no interval of zero width: see
:func:`clustered_mean`.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from statistics import NormalDist
from typing import Any

from harness.statistics.estimate import CONFIDENCE, Estimate

REPLICATES = 2000


def wilson(successes: int, n: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the score interval of a share of independent observations (Wilson 1927).

    Raises:
        ValueError: ``n`` is not positive, or ``successes`` is not between 0 and ``n``.
    """
    if n <= 0 or not 0 <= successes <= n:
        raise ValueError(f"needs 0 <= successes <= n and n > 0, got {successes} of {n}")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = successes / n
    middle = share + z * z / (2 * n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    low = 0.0 if successes == 0 else (middle - half) / scale
    high = 1.0 if successes == n else (middle + half) / scale
    return low, high


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
    if len(values) != len(clusters):
        raise ValueError("needs one cluster per value")
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

    Args:
        a: Observations of the one.
        a_clusters: The cluster (prompt) of each.
        b: Observations of the other.
        b_clusters: The cluster (prompt) of each.
        bounds: Smallest and largest possible difference; None when there are none.
        confidence: Coverage of the interval.
    """
    if len(a) != len(a_clusters) or len(b) != len(b_clusters):
        raise ValueError("needs one cluster per value")
    return from_sums(_sums(a, a_clusters), _sums(b, b_clusters), bounds, confidence)


Sums = Mapping[Any, tuple[float, int]]
"""Sum and count of the observations of each cluster: all that an interval of a mean needs."""


def _sums(values: Sequence[float], clusters: Sequence[Hashable]) -> Sums:
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

    The same as :func:`clustered_mean` and :func:`clustered_difference`, for callers that have many
    equal observations and count them.

    Args:
        a: The one.
        b: The other; None for the mean of ``a``.
        bounds: Smallest and largest possible value or difference; None when there are none.
        confidence: Coverage of the interval.
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
    paired, groups = b is not None, len(influence)
    if groups < 2:
        reason = "one cluster only: no interval"
        return Estimate(value, n=n, clusters=groups, reason=reason)
    error = math.sqrt(groups / (groups - 1) * math.fsum(u * u for u in influence.values()))
    if error < 1e-12:
        p = (1.0 if abs(value) < 1e-12 else 2.0 ** (1 - groups)) if paired else None
        if bounds is None:
            reason = "no spread: no interval"
            return Estimate(value, n=n, clusters=groups, p=p, reason=reason)
        share = wilson(0, groups, confidence)[1]
        low, high = value - share * (value - bounds[0]), value + share * (bounds[1] - value)
        return Estimate(value, low, high, n, groups, p)
    from scipy.special import stdtr, stdtrit

    half = float(stdtrit(groups - 1, (1 + confidence) / 2)) * error
    low, high = value - half, value + half
    if bounds is not None:
        low, high = max(bounds[0], low), min(bounds[1], high)
    p = float(2 * stdtr(groups - 1, -abs(value) / error)) if paired else None
    return Estimate(value, low, high, n, groups, p)


Cells = Mapping[int, Mapping[str, Sequence[float]]]
"""Observations by seed and, inside it, by cluster."""


def seed_interval(
    a: Cells,
    b: Cells | None = None,
    *,
    confidence: float = CONFIDENCE,
    replicates: int = REPLICATES,
    random_seed: int = 0,
) -> tuple[float, float] | None:
    """Return the percentile interval of mean(a), or mean(a) - mean(b), over seeds and prompts.

    Seeds are resampled first, then prompts, the same prompts for ``a`` and ``b``. Of k units k - 1
    are drawn, which makes the bootstrap variance unbiased (Rao and Wu 1988); with the few seeds of
    an experiment drawing k would be clearly too narrow.

    Returns:
        None when ``a`` has fewer than three seeds, or a side has nothing to average: two seeds say
        nothing about a distribution of seeds.
    """
    import numpy as np

    if len(a) < 3 or (b is not None and not b):
        return None
    clusters = sorted({name for side in (a, b or {}) for cell in side.values() for name in cell})
    place = {cluster: index for index, cluster in enumerate(clusters)}
    if len(clusters) < 2:
        return None
    generator = np.random.default_rng(random_seed)
    weights = generator.multinomial(
        len(clusters) - 1, np.full(len(clusters), 1 / len(clusters)), size=replicates
    )
    total = np.zeros(replicates)
    for sign, side in ((1.0, a), (-1.0, b)):
        if side is None:
            continue
        sums = np.zeros((len(side), len(clusters)))
        counts = np.zeros((len(side), len(clusters)))
        for row, seed in enumerate(sorted(side)):
            for cluster, values in side[seed].items():
                sums[row, place[cluster]] = math.fsum(values)
                counts[row, place[cluster]] = len(values)
        k = len(side)
        draws = np.ones((replicates, 1))
        if k > 1:
            draws = generator.multinomial(k - 1, np.full(k, 1 / k), size=replicates).astype(float)
        top = ((draws @ sums) * weights).sum(axis=1)
        bottom = ((draws @ counts) * weights).sum(axis=1)
        with np.errstate(invalid="ignore"):
            total += sign * top / bottom
    total = total[np.isfinite(total)]
    if total.size < replicates / 2:
        return None
    low, high = np.quantile(total, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Return p-values adjusted for their number (Holm 1979); None stays None and is not counted."""
    order = sorted((p, index) for index, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, (p, index) in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * p))
        adjusted[index] = largest
    return adjusted

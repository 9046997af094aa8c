"""Intervals: the bootstrap over patterns, the cluster jackknife, and exact fall-backs at the edges.

Every statistic here is a smooth function of sums over independent units (items, or clusters of
items). Units with the same row of sums are exchangeable, so resampling n units is one multinomial
draw over the few distinct rows, and 10,000 replicates are one matrix product. No approximation is
made: it is the ordinary bootstrap, counted instead of copied.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from harness.statistics.arrays import FloatArray, IntArray
from harness.statistics.estimate import Estimate, one_cluster, undefined
from harness.statistics.intervals import t_quantile, wilson

REPLICATES = 2_000
_MOST_DRAWS = 30_000_000  # replicates x distinct rows; above it the jackknife stands in
_BLOCK = 4_000_000


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """How often and with which seed units are drawn anew."""

    replicates: int = REPLICATES
    seed: int = 0


BOOTSTRAP = Bootstrap()

SumsToValue = Callable[[FloatArray], FloatArray]
"""(..., d) sums -> (...) values, NaN where undefined; must not depend on the number of rows."""


@dataclass(frozen=True, slots=True)
class Units:
    """The units that are resampled.

    Args:
        rows: (p, d) distinct rows of sums.
        counts: (p,) how many units have that row.
    """

    rows: FloatArray
    counts: IntArray

    @property
    def n(self) -> int:
        """Number of units."""
        return int(self.counts.sum())

    @property
    def total(self) -> FloatArray:
        """(d,) sums over all units."""
        total: FloatArray = self.counts @ self.rows
        return total


def distinct_rows(rows: IntArray) -> tuple[IntArray, IntArray]:
    """Return (one index for each distinct row, (n,) which distinct row each row is).

    Rows are told apart by a mixed-radix code, whose values are numbered anew before they outgrow 62
    bits.
    """
    n = rows.shape[0]
    if n == 0:
        none = np.zeros(0, dtype=np.int64)
        return none, none
    key, size = np.zeros(n, dtype=np.int64), 1
    for column in rows.T:
        digit = column - column.min()
        span = int(digit.max()) + 1
        if size * span >= 2**62:
            (key, size), (digit, span) = _numbered(key), _numbered(digit)
        key = key * span + digit
        size *= span
    if size <= 4 * n + 65_536:
        first = np.full(size, -1, dtype=np.int64)
        first[key[::-1]] = np.arange(n - 1, -1, -1)
        used = np.flatnonzero(first >= 0)
        number = np.zeros(size, dtype=np.int64)
        number[used] = np.arange(used.size)
        return first[used], number[key]
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    return first, inverse


def _numbered(key: IntArray) -> tuple[IntArray, int]:
    used, number = np.unique(key, return_inverse=True)
    return number, used.size


def units_of(features: FloatArray, pattern: IntArray, clusters: IntArray | None) -> Units:
    """Sum the features of items up to units.

    Args:
        features: (p, d) sums of each distinct pattern of an item.
        pattern: (n,) which pattern each item has.
        clusters: (n,) cluster of each item; None when items are independent.
    """
    if clusters is None:
        return Units(features, np.bincount(pattern, minlength=features.shape[0]))
    _, group, sizes = np.unique(clusters, return_inverse=True, return_counts=True)
    if sizes.max(initial=0) <= 1:
        return Units(features, np.bincount(pattern, minlength=features.shape[0]))
    order = np.argsort(group, kind="stable")
    starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
    return Units(
        np.add.reduceat(features[pattern[order]], starts, axis=0),
        np.ones(sizes.size, dtype=np.int64),
    )


@lru_cache(maxsize=16)
def _weights(counts: bytes, replicates: int, seed: int) -> npt.NDArray[np.float32]:
    number = np.frombuffer(counts, dtype=np.int64)
    n = int(number.sum())
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(n, number / n, size=replicates)
    return drawn.astype(np.float32) if n < 2**24 else drawn.astype(np.float64)


def replicate(
    units: Units, function: SumsToValue, replicates: int = REPLICATES, seed: int = 0
) -> FloatArray:
    """Return (replicates,) bootstrap values of a statistic."""
    counts = np.ascontiguousarray(units.counts, dtype=np.int64).tobytes()
    weights = _weights(counts, replicates, seed)
    block = 1 + _BLOCK // (units.rows.shape[0] + 4 * units.rows.shape[1])
    values = np.empty(replicates)
    for start in range(0, replicates, block):
        part = weights[start : start + block].astype(np.float64) @ units.rows
        values[start : start + block] = function(part)
    return values


def jackknife(units: Units, function: SumsToValue) -> FloatArray:
    """Return (p,) values with one unit of each distinct row left out."""
    total = units.total
    block = 1 + _BLOCK // (4 * units.rows.shape[1])
    values = np.empty(units.rows.shape[0])
    for start in range(0, values.size, block):
        values[start : start + block] = function(total - units.rows[start : start + block])
    return values


def estimate(
    name: str,
    annotators: str,
    units: Units,
    function: SumsToValue,
    *,
    n: int,
    why_undefined: str,
    bounds: tuple[float, float] = (-1.0, 1.0),
    perfect: tuple[float, float] | None = None,
    bootstrap: Bootstrap = BOOTSTRAP,
) -> Estimate:
    """Return a statistic with its 95% interval.

    The interval is the bias-corrected and accelerated bootstrap (Efron 1987, JASA 82:171), with the
    acceleration of the jackknife over units, and levels expanded for small numbers of units by
    Student's t (Hesterberg 2015, The American Statistician 69:371).

    Args:
        name: Name of the statistic.
        annotators: Whom it is about.
        units: Sums of the resampled units.
        function: The statistic as a function of the sums.
        n: Items that took part.
        why_undefined: Reason to print where the value is not a number.
        bounds: Where the statistic lies.
        perfect: (value at perfect agreement, its loss for each unit of share of imperfect items):
            at perfect agreement all replicates agree, and the interval comes from the Wilson bound
            of the share of imperfect items instead of having no width.
        bootstrap: Its replicates and seed.
    """
    groups = units.n
    with np.errstate(all="ignore"):
        value = float(function(units.total)) if groups else np.nan
    if not np.isfinite(value):
        return undefined(name, annotators, why_undefined, n, groups)
    result = Estimate(value, n=n, clusters=groups, name=name, annotators=annotators)
    if perfect is not None and abs(value - perfect[0]) < 1e-12:
        share = 1.0 - wilson(groups, groups)[0]
        low = max(bounds[0], value - perfect[1] * share)
        reason = "perfect agreement: lower bound from Wilson's interval"
        return replace(result, low=low, high=value, reason=reason).with_unit_count()
    if groups < 2:
        return one_cluster(name, annotators, value, n)
    with np.errstate(all="ignore"):
        left_out = jackknife(units, function)
        if bootstrap.replicates * units.rows.shape[0] > _MOST_DRAWS:
            low, high = _jackknife_t(value, left_out, units.counts)
            lost = 0.0
        else:
            drawn = replicate(units, function, bootstrap.replicates, bootstrap.seed)
            lost = float(np.mean(~np.isfinite(drawn)))
            low, high = _bca(value, drawn[np.isfinite(drawn)], left_out, units.counts)
    if not (np.isfinite(low) and np.isfinite(high)):
        return result.caution("the bootstrap gave no interval", "unreliable")
    low, high = max(bounds[0], min(low, value)), min(bounds[1], max(high, value))
    if high - low < 1e-12:
        return result.caution("all units are alike, so their spread is unknown", "unreliable")
    result = replace(result, low=low, high=high)
    if lost > 0.05:
        result = result.caution(f"undefined in {lost:.0%} of the replicates", "unreliable")
    return result.with_unit_count()


def _bca(
    value: float, drawn: FloatArray, left_out: FloatArray, counts: IntArray
) -> tuple[float, float]:
    from scipy.special import ndtr, ndtri

    units = int(counts.sum())
    if drawn.size < 20:
        return np.nan, np.nan
    below = np.mean(drawn < value) + 0.5 * np.mean(drawn == value)
    edge = 0.5 / drawn.size
    bias = float(ndtri(np.clip(below, edge, 1.0 - edge)))
    keep = np.isfinite(left_out) & (counts > 0)
    acceleration = 0.0
    if keep.any():
        deviation = np.average(left_out[keep], weights=counts[keep]) - left_out[keep]
        spread = float(counts[keep] @ deviation**2)
        if spread > 0:
            acceleration = float(counts[keep] @ deviation**3) / (6.0 * spread**1.5)
    # Quantiles of a bootstrap are as narrow as sqrt((n-1)/n) z would be; t makes up for small n.
    reach = float(np.sqrt(units / (units - 1))) * t_quantile(units - 1)
    z = np.array([-1.0, 1.0]) * reach + bias
    levels = ndtr(bias + z / (1.0 - acceleration * z))
    low, high = np.quantile(drawn, levels)
    return float(low), float(high)


def jackknife_se(left_out: FloatArray, counts: IntArray) -> float:
    """Return the standard error from leaving out one unit at a time (Tukey 1958)."""
    n = float(counts.sum())
    mean = float(np.average(left_out, weights=counts))
    return float(np.sqrt((n - 1.0) / n * (counts @ (left_out - mean) ** 2)))


def _jackknife_t(value: float, left_out: FloatArray, counts: IntArray) -> tuple[float, float]:
    half = t_quantile(int(counts.sum()) - 1) * jackknife_se(left_out, counts)
    return value - half, value + half

"""Krippendorff's alpha for nominal, ordinal, interval and ratio data, any cell missing."""

from __future__ import annotations

import numpy as np

from harness.nouns.errors import ScaleError
from harness.nouns.scale import Level
from harness.statistics.arrays import FloatArray, IntArray, ratio
from harness.statistics.estimate import Estimate, undefined
from harness.statistics.resample import (
    BOOTSTRAP,
    Bootstrap,
    SumsToValue,
    distinct_rows,
    estimate,
    units_of,
)

MANY_CATEGORIES = 40
NO_PAIR = "no item has two labels"
NO_VARIATION = "all labels are the same, so there is nothing to agree about"


def krippendorff_alpha(
    counts: IntArray,
    level: Level,
    annotators: str,
    *,
    values: FloatArray | None = None,
    clusters: IntArray | None = None,
    bootstrap: Bootstrap = BOOTSTRAP,
) -> Estimate:
    """Return alpha = 1 - D_o / D_e (Krippendorff 2011, Computing Krippendorff's alpha-reliability).

    Items with fewer than two labels take no part. The ordinal metric is the squared distance of
    mid-ranks, taken from the labels of the resample itself.

    ``counts`` are (n, c): how often each category was given to each item, columns in their order.
    """
    name = f"krippendorff_alpha_{level}"
    paired = counts.sum(1) > 1
    n = int(paired.sum())
    if n == 0:
        return undefined(name, annotators, NO_PAIR)
    counts = counts[paired]
    used = counts.sum(0) > 0
    counts = counts[:, used]
    if counts.shape[1] < 2:
        return undefined(name, annotators, NO_VARIATION, n)
    numbers = np.arange(used.size, dtype=np.float64) if values is None else values
    numbers = numbers[used]
    first, pattern = distinct_rows(counts)
    distinct = counts[first].astype(np.float64)
    if level == "ordinal" and counts.shape[1] > MANY_CATEGORIES:
        # With so many ranks their own sampling error is negligible.
        totals = counts.sum(0)
        numbers, level = np.cumsum(totals) - totals / 2.0, "interval"
    if level == "ordinal":
        features, value = _ordinal(distinct)
    elif level == "interval":
        features, value = _interval(distinct, numbers, counts.sum(0))
    elif level == "nominal":
        features, value = _nominal(distinct)
    else:
        features, value = _metric(distinct, difference(level, numbers))
    units = units_of(features, pattern, None if clusters is None else clusters[paired])
    return estimate(
        name,
        annotators,
        units,
        value,
        n=n,
        why_undefined=NO_VARIATION,
        bounds=(-np.inf, 1.0),
        perfect=(1.0, _loss(level, numbers, counts.sum(0).astype(np.float64))),
        bootstrap=bootstrap,
    )


def _loss(level: Level, numbers: FloatArray, totals: FloatArray) -> float:
    """Return the worst drop of alpha for each unit of share of imperfect items."""
    ranks = np.cumsum(totals) - totals / 2.0
    metric = difference("interval", ranks) if level == "ordinal" else difference(level, numbers)
    n = totals.sum()
    expected = float(totals @ metric @ totals) / (n * (n - 1))
    return float(metric.max() / expected)


def _pairable(counts: FloatArray) -> FloatArray:
    return np.asarray(counts / (counts.sum(1) - 1.0)[:, None])


def _nominal(counts: FloatArray) -> tuple[FloatArray, SumsToValue]:
    """Return what ``_metric`` returns for the nominal metric, without a table of all pairs."""
    observed = counts.sum(1) - (_pairable(counts) * (counts - 1.0)).sum(1)

    def value(sums: FloatArray) -> FloatArray:
        marginal = sums[..., 1:]
        n = marginal.sum(-1)
        expected = (n**2 - (marginal**2).sum(-1)) / (n - 1)
        return np.asarray(1.0 - ratio(sums[..., 0], expected))

    return np.column_stack([observed, counts]), value


def _metric(counts: FloatArray, metric: FloatArray) -> tuple[FloatArray, SumsToValue]:
    observed = (_pairable(counts) * (counts @ metric)).sum(1)

    def value(sums: FloatArray) -> FloatArray:
        marginal = sums[..., 1:]
        n = marginal.sum(-1)
        expected = ((marginal @ metric) * marginal).sum(-1) / (n - 1)
        return np.asarray(1.0 - ratio(sums[..., 0], expected))

    return np.column_stack([observed, counts]), value


def _interval(
    counts: FloatArray, numbers: FloatArray, totals: IntArray
) -> tuple[FloatArray, SumsToValue]:
    # Centred, so that the sums of squares lose no digits.
    v = numbers - float(totals @ numbers) / totals.sum()
    m = counts.sum(1)
    mean = counts @ v / m
    within = (counts * (v[None, :] - mean[:, None]) ** 2).sum(1)
    observed = 2.0 * m / (m - 1.0) * within
    features = np.column_stack([observed, m, counts @ v, counts @ v**2])

    def value(sums: FloatArray) -> FloatArray:
        n, s, q = sums[..., 1], sums[..., 2], sums[..., 3]
        return np.asarray(1.0 - ratio(sums[..., 0], 2.0 * (n * q - s**2) / (n - 1)))

    return features, value


def _ordinal(counts: FloatArray) -> tuple[FloatArray, SumsToValue]:
    c = counts.shape[1]
    upper = np.triu_indices(c, 1)
    coincidence = (_pairable(counts)[:, :, None] * counts[:, None, :])[:, upper[0], upper[1]]

    def value(sums: FloatArray) -> FloatArray:
        marginal = sums[..., :c]
        n = marginal.sum(-1)
        rank = np.cumsum(marginal, axis=-1) - marginal / 2.0 - n[..., None] / 2.0
        gap = (rank[..., upper[0]] - rank[..., upper[1]]) ** 2
        observed = 2.0 * (sums[..., c:] * gap).sum(-1)
        s, q = (marginal * rank).sum(-1), (marginal * rank**2).sum(-1)
        return np.asarray(1.0 - ratio(observed, 2.0 * (n * q - s**2) / (n - 1)))

    return np.column_stack([counts, coincidence]), value


def difference(level: Level, values: FloatArray) -> FloatArray:
    """Return (c, c) squared differences of a level whose metric does not depend on the data.

    ``values`` are (c,) numbers of the categories; Krippendorff 2011, section on metrics.

    Raises:
        ScaleError: The ordinal metric, which depends on the marginals, or negative ratio values.
    """
    if level == "nominal":
        return np.asarray(1.0 - np.eye(values.size))
    gap = values[:, None] - values[None, :]
    if level == "interval":
        return np.asarray(gap**2)
    if level == "ratio":
        if values.size and values.min() < 0:
            raise ScaleError(f"the ratio metric has no negative values, got {values.min():g}")
        total = values[:, None] + values[None, :]
        return np.asarray(np.divide(gap, total, out=np.zeros_like(gap), where=total > 0) ** 2)
    raise ScaleError("the ordinal metric depends on the marginals")

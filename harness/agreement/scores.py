"""Two columns of scores: concordance and correlation."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from harness.statistics.arrays import FloatArray, IntArray
from harness.statistics.estimate import Estimate, undefined
from harness.statistics.resample import BOOTSTRAP, Bootstrap, SumsToValue, estimate, units_of


def concordance(
    first: FloatArray,
    second: FloatArray,
    clusters: IntArray,
    annotators: str,
    *,
    bootstrap: Bootstrap = BOOTSTRAP,
) -> Estimate:
    """Return Lin's coefficient 2 cov / (var + var + (mean - mean)^2) (Lin 1989, Biometrics 45:255).

    Args:
        first: (n,) scores, NaN where missing.
        second: (n,) scores, NaN where missing.
        clusters: (n,) cluster of each item.
        annotators: Whom it is about.
        bootstrap: Its replicates and seed.
    """
    return _two("concordance", first, second, clusters, annotators, bootstrap)


def pearson(
    first: FloatArray,
    second: FloatArray,
    clusters: IntArray,
    annotators: str,
    *,
    bootstrap: Bootstrap = BOOTSTRAP,
) -> Estimate:
    """Return Pearson's correlation; arguments as of ``concordance``."""
    return _two("pearson_r", first, second, clusters, annotators, bootstrap)


def _concordance(sums: FloatArray) -> FloatArray:
    n, x, y = (sums[..., k] for k in range(3))
    covariance = sums[..., 5] / n - x * y / n**2
    spread = sums[..., 3] / n + sums[..., 4] / n - 2 * x * y / n**2
    fine = spread > 1e-12
    return np.where(fine, 2 * covariance / np.where(fine, spread, 1.0), np.nan)


def _pearson(sums: FloatArray) -> FloatArray:
    n, x, y = (sums[..., k] for k in range(3))
    covariance = sums[..., 5] / n - x * y / n**2
    spread = (sums[..., 3] / n - (x / n) ** 2) * (sums[..., 4] / n - (y / n) ** 2)
    fine = spread > 1e-24
    return np.where(fine, covariance / np.sqrt(np.where(fine, spread, 1.0)), np.nan)


_FORMULAS: Mapping[str, SumsToValue] = {"concordance": _concordance, "pearson_r": _pearson}


def _two(
    name: str,
    first: FloatArray,
    second: FloatArray,
    clusters: IntArray,
    annotators: str,
    bootstrap: Bootstrap,
) -> Estimate:
    usable = ~(np.isnan(first) | np.isnan(second))
    n = int(usable.sum())
    if n < 3:
        return undefined(name, annotators, "fewer than three common items", n)
    x, y = first[usable], second[usable]
    # A common shift and scale leave both statistics alone and keep the sums small.
    middle, scale = x.mean(), max(float(x.std()), float(y.std()), 1e-12)
    x, y = (x - middle) / scale, (y - middle) / scale
    features = np.column_stack([np.ones(n), x, y, x * x, y * y, x * y])
    return estimate(
        name,
        annotators,
        units_of(features, np.arange(n), clusters[usable]),
        _FORMULAS[name],
        n=n,
        why_undefined="the scores do not vary",
        perfect=(1.0, 1.0),
        bootstrap=bootstrap,
    )

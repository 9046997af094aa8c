"""Stated probability against observed frequency."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.agreement.resample import (
    REPLICATES,
    SumsToValue,
    cluster_share,
    estimate,
    units_of,
    wilson,
)
from harness.agreement.statistic import Statistic, not_applicable
from harness.agreement.table import FloatArray, IntArray

BINS = 10
FEWEST = 30
_EDGE = 1e-6


@dataclass(frozen=True, slots=True)
class Bin:
    """One bar of a reliability diagram.

    Args:
        stated: Mean stated probability.
        observed: Share that was right.
        low: Lower end of Wilson's interval of that share.
        high: Upper end.
        n: Verdicts in the bin.
    """

    stated: float
    observed: float
    low: float
    high: float
    n: int


def bins_of(stated: FloatArray, bins: int = BINS) -> IntArray:
    """Return (n,) bins of about equal size; equal values share one."""
    edges = np.unique(np.quantile(stated, np.linspace(0, 1, bins + 1)[1:-1]))
    return np.searchsorted(edges, stated, side="left").astype(np.int64)


def reliability(stated: FloatArray, right: FloatArray, bins: int = BINS) -> list[Bin]:
    """Return the bars of the reliability diagram.

    Args:
        stated: (n,) stated probabilities.
        right: (n,) 1 where the verdict was right.
        bins: Most bars.
    """
    found = []
    place = bins_of(stated, bins)
    for number in np.unique(place):
        inside = place == number
        n, hits = int(inside.sum()), float(right[inside].sum())
        low, high = wilson(hits, n)
        found.append(Bin(float(stated[inside].mean()), hits / n, low, high, n))
    return found


def calibration(
    stated: FloatArray,
    right: FloatArray,
    clusters: IntArray,
    annotator: str,
    *,
    bins: int = BINS,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> list[Statistic]:
    """Return ECE, the Brier score and its decomposition, before and after recalibration.

    ECE (Naeini et al. 2015) in bins of equal size; Brier = reliability - resolution + uncertainty
    (Murphy 1973), exact for the probabilities rounded to their bin's mean. ECE is biased upwards
    where calibration is good, since noise counts as miscalibration. The temperature is cross-fitted
    in five folds of clusters, so that no verdict helps to calibrate itself.

    Args:
        stated: (n,) stated probability that the verdict is right, NaN where none was stated.
        right: (n,) 1 where it was, 0 where not, NaN where the truth is unknown.
        clusters: (n,) cluster of each.
        annotator: The judge.
        bins: Most bins.
        replicates: Bootstrap replicates.
        seed: Seed of the bootstrap and of the folds.
    """
    usable = ~(np.isnan(stated) | np.isnan(right))
    p, y, groups = stated[usable], right[usable], clusters[usable]
    n = p.size
    if n < FEWEST:
        return [not_applicable("ece", annotator, f"{n} verdicts with a probability, needs 30", n)]
    rows = [
        _ece("ece", p, y, groups, annotator, bins, replicates, seed),
        cluster_share("brier", annotator, (p - y) ** 2, groups, why_undefined="no verdict"),
        *_murphy(p, y, groups, annotator, bins, replicates, seed),
    ]
    temperature, scaled = cross_fitted_temperature(p, y, groups, seed)
    if temperature is None:
        return rows
    name = f"{annotator}, recalibrated"
    after = _ece("ece", scaled, y, groups, name, bins, replicates, seed)
    return [
        *rows,
        after.caution(f"cross-fitted temperature {temperature:.2f}"),
        cluster_share("brier", name, (scaled - y) ** 2, groups, why_undefined="no verdict"),
    ]


def _binned(p: FloatArray, y: FloatArray, bins: int) -> tuple[FloatArray, int]:
    place = bins_of(p, bins)
    names, where = np.unique(place, return_inverse=True)
    hot = np.eye(names.size)[where]
    return np.concatenate([hot, hot * p[:, None], hot * y[:, None]], axis=1), names.size


def _ece(
    name: str,
    p: FloatArray,
    y: FloatArray,
    clusters: IntArray,
    annotator: str,
    bins: int,
    replicates: int,
    seed: int,
) -> Statistic:
    features, b = _binned(p, y, bins)

    def value(sums: FloatArray) -> FloatArray:
        n = sums[..., :b].sum(-1)
        return np.asarray(np.abs(sums[..., b : 2 * b] - sums[..., 2 * b :]).sum(-1) / n)

    return _estimate(name, features, value, p.size, clusters, annotator, replicates, seed)


def _murphy(
    p: FloatArray,
    y: FloatArray,
    clusters: IntArray,
    annotator: str,
    bins: int,
    replicates: int,
    seed: int,
) -> list[Statistic]:
    features, b = _binned(p, y, bins)

    def parts(sums: FloatArray, which: int) -> FloatArray:
        size, stated, hits = sums[..., :b], sums[..., b : 2 * b], sums[..., 2 * b :]
        n = size.sum(-1)
        base = hits.sum(-1) / n
        some = np.where(size > 0, size, 1.0)
        if which == 0:
            return np.asarray((np.where(size > 0, (stated - hits) ** 2 / some, 0.0)).sum(-1) / n)
        if which == 1:
            gap = (hits / some - base[..., None]) ** 2
            return np.asarray((size * gap).sum(-1) / n)
        return np.asarray(base * (1 - base))

    names = ("brier_reliability", "brier_resolution", "brier_uncertainty")
    rows = []
    for which, name in enumerate(names):

        def value(sums: FloatArray, which: int = which) -> FloatArray:
            return parts(sums, which)

        rows.append(_estimate(name, features, value, p.size, clusters, annotator, replicates, seed))
    return rows


def _estimate(
    name: str,
    features: FloatArray,
    value: SumsToValue,
    n: int,
    clusters: IntArray,
    annotator: str,
    replicates: int,
    seed: int,
) -> Statistic:
    return estimate(
        name,
        annotator,
        units_of(features, np.arange(n), clusters),
        value,
        n=n,
        why_undefined="no verdict",
        bounds=(0.0, 1.0),
        replicates=replicates,
        seed=seed,
    )


def temperature_of(stated: FloatArray, right: FloatArray) -> float | None:
    """Return the temperature that maximises the likelihood (Guo et al. 2017); None if infinite."""
    from scipy.optimize import minimize_scalar

    logit = _logit(stated)
    if np.unique(right).size < 2 or np.allclose(logit, 0):
        return None

    def loss(log_temperature: float) -> float:
        z = logit / np.exp(log_temperature)
        return float(np.mean(np.logaddexp(0.0, z) - right * z))

    found = minimize_scalar(loss, bounds=(-5.0, 7.0), method="bounded")
    return float(np.exp(found.x))


def cross_fitted_temperature(
    stated: FloatArray, right: FloatArray, clusters: IntArray, seed: int = 0, folds: int = 5
) -> tuple[float | None, FloatArray]:
    """Return the mean temperature and the recalibrated probabilities, each from other clusters."""
    names, group = np.unique(clusters, return_inverse=True)
    fold = np.random.default_rng(seed).permutation(names.size) % folds
    scaled = np.empty_like(stated)
    temperatures = []
    for number in range(folds):
        inside = fold[group] == number
        if not inside.any():
            continue
        temperature = temperature_of(stated[~inside], right[~inside])
        if temperature is None:
            return None, stated
        temperatures.append(temperature)
        scaled[inside] = 1.0 / (1.0 + np.exp(-_logit(stated[inside]) / temperature))
    return float(np.mean(temperatures)), scaled


def _logit(p: FloatArray) -> FloatArray:
    clipped = np.clip(p, _EDGE, 1 - _EDGE)
    return np.asarray(np.log(clipped / (1 - clipped)))

"""Stated probability against observed frequency."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from harness.statistics.arrays import FloatArray, IntArray
from harness.statistics.estimate import Estimate, not_applicable
from harness.statistics.intervals import cluster_share, student, wilson
from harness.statistics.one_sided import Bounds, cluster_error, one_sided_t
from harness.statistics.resample import BOOTSTRAP, Bootstrap, jackknife, jackknife_se, units_of

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
    return np.searchsorted(edges, stated)


def _hot(stated: FloatArray, bins: int) -> FloatArray:
    """Return (n, b) which of the bins that hold anything each value is in."""
    place = np.unique(bins_of(stated, bins), return_inverse=True)[1]
    return np.eye(int(place.max()) + 1)[place]


def reliability(stated: FloatArray, right: FloatArray, bins: int = BINS) -> list[Bin]:
    """Return the bars of the reliability diagram.

    ``stated`` and ``right`` are (n,) probabilities, and 1 where the verdict was right.
    """
    found = []
    for inside in _hot(stated, bins).T > 0:
        n, hits = int(inside.sum()), float(right[inside].sum())
        found.append(Bin(float(stated[inside].mean()), hits / n, *wilson(hits, n), n))
    return found


def calibration(
    stated: FloatArray,
    right: FloatArray,
    clusters: IntArray,
    annotator: str,
    *,
    bins: int = BINS,
    bootstrap: Bootstrap = BOOTSTRAP,
) -> list[Estimate]:
    """Return ECE, the Brier score and its decomposition, before and after recalibration.

    ECE (Naeini et al. 2015) is biased upwards by noise, so it stands beside what noise alone would
    give, not in an interval. Brier = reliability - resolution + uncertainty (Murphy 1973), with the
    bias of the bins removed (Ferro & Fricker 2012, QJRMS 138:1954). The temperature is cross-fitted
    in five folds of clusters, so that no verdict helps to calibrate itself.

    ``stated`` is (n,) the probability that the verdict is right, NaN where none was stated;
    ``right`` 1 where it was, NaN where the truth is unknown. ``bootstrap`` gives number and seed of
    the simulations of noise, and the seed of the folds.
    """
    usable = ~(np.isnan(stated) | np.isnan(right))
    p, y, groups = stated[usable], right[usable], clusters[usable]
    n = p.size
    if n < FEWEST:
        return [not_applicable("ece", annotator, f"{n} verdicts with a probability, needs 30", n)]
    rows = [
        expected_error(p, y, groups, annotator, bins, bootstrap),
        cluster_share("brier", annotator, (p - y) ** 2, groups, why_undefined="no verdict"),
        *murphy(p, y, groups, annotator, bins),
    ]
    temperature, scaled = cross_fitted_temperature(p, y, groups, bootstrap.seed)
    if temperature is None:
        first, *rest = rows
        return [first.caution("not recalibrated: no finite temperature could be fitted"), *rest]
    name = f"{annotator}, recalibrated"
    after = expected_error(scaled, y, groups, name, bins, bootstrap)
    return [
        *rows,
        after.caution(f"cross-fitted temperature {temperature:.2f}"),
        cluster_share("brier", name, (scaled - y) ** 2, groups, why_undefined="no verdict"),
    ]


def expected_error(
    p: FloatArray,
    y: FloatArray,
    clusters: IntArray,
    annotator: str,
    bins: int = BINS,
    bootstrap: Bootstrap = BOOTSTRAP,
) -> Estimate:
    """Return ECE in bins of equal size, and what a calibrated judge would get by noise.

    The latter is simulated by drawing outcomes with the stated probabilities (consistency
    resampling; Broecker & Smith 2007, Weather and Forecasting 22:651); items count as independent.

    ``p`` are (n,) stated probabilities, ``y`` is 1 where right; 500 simulations are enough.
    """
    hot = _hot(p, bins)
    value = float(np.abs(hot.T @ (p - y)).sum() / p.size)
    rng = np.random.default_rng(bootstrap.seed)
    noise = np.array(
        [
            np.abs(hot.T @ (p - (rng.random(p.size) < p))).sum() / p.size
            for _ in range(min(bootstrap.replicates, 500))
        ]
    )
    top = float(np.quantile(noise, 0.95))
    word = "more than" if value > top else "no more than"
    return Estimate(
        value,
        n=p.size,
        clusters=int(np.unique(clusters).size),
        reason=f"{word} noise gives a calibrated judge: mean {noise.mean():.3f}, 95% below"
        f" {top:.3f}; biased upwards, so no interval",
        name="ece",
        annotators=annotator,
    )


def error_bounds(
    stated: FloatArray, right: FloatArray, clusters: IntArray, bins: int = BINS
) -> Bounds:
    """Return the calibration error beyond noise with its one-sided bounds.

    ECE in bins of equal size, less what noise seems to add to each bin, E|N(d, s)| - |d| of a gap d
    with the clustered standard error s. Less half of it for the estimate and the upper bound, since
    all of it would take too much where the gaps are small.

    ``stated`` and ``right`` are as in ``calibration``.
    """
    from scipy.special import ndtr

    usable = ~(np.isnan(stated) | np.isnan(right))
    p, y, groups = stated[usable], right[usable], clusters[usable]
    n = p.size
    if n < FEWEST:
        return Bounds(None, n=n, reason=f"{n} verdicts with a probability, needs {FEWEST}")
    hot, gap = _hot(p, bins), p - y
    parts = hot.T @ gap / n
    errors = np.array([cluster_error((h * gap - part) / n, groups)[0] for h, part in
                       zip(hot.T, parts, strict=True)])  # fmt: skip
    signed = (hot @ np.sign(parts)) * gap
    error, prompts = cluster_error((signed - signed.mean()) / n, groups)
    if prompts < 2:
        return Bounds(None, n=n, clusters=prompts, reason="no bounds from one cluster")
    far = np.abs(parts) / np.maximum(errors, _EDGE**2)
    folded = np.sqrt(2 / np.pi) * errors * np.exp(-(far**2) / 2)
    noise = float((folded - 2 * np.abs(parts) * ndtr(-far)).sum())
    total = float(np.abs(parts).sum())
    value, reach = max(0.0, total - noise / 2), one_sided_t(prompts - 1) * error
    lower = max(0.0, total - noise - reach)
    grown = partial(_grown_error, value, value - (total - noise), error, n, prompts)
    return Bounds(value, lower, min(1.0, value + reach), error, n, prompts, grown=grown)


def _grown_error(
    value: float, below: float, error: float, n: int, prompts: int, times: float
) -> Bounds:
    """Return the bounds of so many times as many verdicts: noise and error fall by the root."""
    root = math.sqrt(times)
    error, below = error / root, below / root
    reach = one_sided_t(round(times * prompts) - 1) * error
    ends = max(0.0, value - below - reach), min(1.0, value + reach)
    return Bounds(value, *ends, error, round(times * n), round(times * prompts))


def murphy(
    p: FloatArray, y: FloatArray, clusters: IntArray, annotator: str, bins: int = BINS
) -> list[Estimate]:
    """Return reliability, resolution and uncertainty of the Brier score, free of binning bias.

    Intervals are jackknife t-intervals over clusters, since the parts are quadratic in the bins.

    ``p`` are (n,) stated probabilities, ``y`` is 1 where right.
    """
    hot = _hot(p, bins)
    b = hot.shape[1]
    features = np.concatenate([hot, hot * p[:, None], hot * y[:, None]], axis=1)

    def parts(sums: FloatArray) -> list[FloatArray]:
        size, stated, hits = sums[..., :b], sums[..., b : 2 * b], sums[..., 2 * b :]
        n = size.sum(-1)
        base = hits.sum(-1) / n
        some = np.maximum(size, 1.0)
        rate = hits / some
        noise = (size * rate * (1 - rate) / np.maximum(size - 1, 1.0)).sum(-1) / n
        spread = base * (1 - base) / np.maximum(n - 1, 1.0)
        off = (np.where(size > 0, (stated - hits) ** 2 / some, 0.0)).sum(-1) / n
        told = (size * (rate - base[..., None]) ** 2).sum(-1) / n
        return [
            np.asarray(off - noise),
            np.asarray(told - noise + spread),
            np.asarray(base * (1 - base) + spread),
        ]

    units = units_of(features, np.arange(p.size), clusters)
    values = [float(value) for value in parts(units.total)]

    def error(which: int) -> float:
        if units.n < 2:
            return np.nan
        return jackknife_se(jackknife(units, lambda sums: parts(sums)[which]), units.counts)

    rows = [
        student(f"brier_{name}", annotator, values[which], error(which), p.size, units.n)
        for which, name in enumerate(("reliability", "resolution"))
    ]
    return [*rows, _uncertainty(y, clusters, annotator, values[2])]


def _uncertainty(y: FloatArray, clusters: IntArray, annotator: str, value: float) -> Estimate:
    """Return base (1 - base); its interval is the image of the base rate's."""
    base = cluster_share("brier_uncertainty", annotator, y, clusters, why_undefined="no verdict")
    if base.low is None or base.high is None:
        return replace(base, value=value)
    ends = [end * (1 - end) for end in (base.low, base.high)]
    top = 0.25 if base.low < 0.5 < base.high else max(ends)
    return Estimate(
        value, min(*ends, value), max(top, value), y.size, base.clusters, name=base.name,
        annotators=annotator,
    )  # fmt: skip


def temperature_of(stated: FloatArray, right: FloatArray) -> float | None:
    """Return the temperature that maximises the likelihood (Guo et al. 2017).

    Returns:
        None where the likelihood grows towards an infinite temperature (what was stated says
        nothing, or the contrary) or towards 0 (every verdict was on the right side of one half).
    """
    from scipy.optimize import minimize_scalar

    margin = _logit(stated) * (2.0 * right - 1.0)
    if margin.sum() <= 0 or margin.min() >= 0:
        return None

    def loss(log_temperature: float) -> float:
        return float(np.mean(np.logaddexp(0.0, -margin / np.exp(log_temperature))))

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
    for number in range(min(folds, names.size)):
        inside = fold[group] == number
        temperature = temperature_of(stated[~inside], right[~inside])
        if temperature is None:
            return None, stated
        temperatures.append(temperature)
        scaled[inside] = 1.0 / (1.0 + np.exp(-_logit(stated[inside]) / temperature))
    return float(np.mean(temperatures)), scaled


def _logit(p: FloatArray) -> FloatArray:
    clipped = np.clip(p, _EDGE, 1 - _EDGE)
    return np.asarray(np.log(clipped / (1 - clipped)))

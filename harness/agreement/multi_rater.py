"""Many raters, any cell missing: Fleiss' kappa, Gwet's AC1 and AC2, Brennan-Prediger."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from harness.agreement.kappa import Weighting, agreement_weights
from harness.statistics.arrays import FloatArray, IntArray, ratio
from harness.statistics.estimate import Estimate, undefined
from harness.statistics.resample import BOOTSTRAP, Bootstrap, distinct_rows, estimate, units_of

Chance = Literal["fleiss", "gwet", "brennan_prediger"]

ONE_CATEGORY = "one category only, so agreement by chance is certain"
NO_PAIR = "no item has two labels"


def chance_corrected(
    counts: IntArray,
    chance: Chance,
    annotators: str,
    *,
    clusters: IntArray | None = None,
    weighting: Weighting = "identity",
    values: FloatArray | None = None,
    bootstrap: Bootstrap = BOOTSTRAP,
) -> Estimate:
    """Return (p_a - p_e) / (1 - p_e) for items with any number of labels.

    p_a is the mean over items with two labels or more of their weighted agreement; pi_k is the mean
    over all labelled items, singletons included, of category k's share (Gwet 2014, chapter 2).

    ``counts`` are (n, c): how often each category was given to each item. p_e of Fleiss (1971) is
    sum w_kl pi_k pi_l; of Gwet (2008) sum(w)/(c(c-1)) * sum pi_k (1 - pi_k), his AC1 with identity
    weights, AC2 with others; of Brennan & Prediger (1981) sum(w)/c^2.
    """
    name = _name(chance, weighting)
    c = counts.shape[1]
    labelled = counts.sum(1) > 0
    paired = int((counts.sum(1) > 1).sum())
    if paired == 0:
        return undefined(name, annotators, NO_PAIR)
    if c < 2:
        return undefined(name, annotators, ONE_CATEGORY, paired)
    counts = counts[labelled]
    first, pattern = distinct_rows(counts)
    weights = agreement_weights(c, weighting, values)
    features = _features(counts[first].astype(np.float64), weights)
    units = units_of(features, pattern, None if clusters is None else clusters[labelled])
    expected = _expected(chance, weights)

    def value(sums: FloatArray) -> FloatArray:
        by_chance = expected(sums[..., 3:] / sums[..., 2:3])
        return ratio(sums[..., 1] / sums[..., 0] - by_chance, 1.0 - by_chance)

    top = float(expected(units.total[3:] / units.total[2]))
    return estimate(
        name,
        annotators,
        units,
        value,
        n=paired,
        why_undefined=ONE_CATEGORY,
        perfect=(1.0, 1.0 / (1.0 - top)) if top < 1 - 1e-12 else None,
        bootstrap=bootstrap,
    )


def _features(counts: FloatArray, weights: FloatArray) -> FloatArray:
    r = counts.sum(1)
    several = r > 1
    pairs = np.where(several, r * (r - 1), 1.0)
    agreeing = (counts * (counts @ weights - 1.0)).sum(1)
    share = np.where(several, agreeing / pairs, 0.0)
    return np.column_stack(
        [several.astype(np.float64), share, np.ones_like(r), counts / r[:, None]]
    )


def _expected(chance: Chance, weights: FloatArray) -> Callable[[FloatArray], FloatArray]:
    """Return the agreement by chance as a function of (..., c) shares of the categories."""
    c, total = weights.shape[0], float(weights.sum())
    equal = total == np.trace(weights) == c  # identity: no table of all pairs of categories
    return {
        "fleiss": lambda pi: ((pi if equal else pi @ weights) * pi).sum(-1),
        "gwet": lambda pi: total / (c * (c - 1)) * (pi * (1 - pi)).sum(-1),
        "brennan_prediger": lambda pi: np.full(pi.shape[:-1], total / c**2),
    }[chance]


def _name(chance: Chance, weighting: Weighting) -> str:
    if chance == "gwet":
        return "gwet_ac1" if weighting == "identity" else f"gwet_ac2_{weighting}"
    stem = "fleiss_kappa" if chance == "fleiss" else "brennan_prediger"
    return stem if weighting == "identity" else f"{stem}_{weighting}"

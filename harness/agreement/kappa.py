"""Two raters: Cohen's kappa, weighted or not, with the prevalence and bias indices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from harness.statistics.arrays import FloatArray, IntArray, ratio
from harness.statistics.estimate import Estimate, undefined
from harness.statistics.intervals import cluster_share
from harness.statistics.resample import BOOTSTRAP, Bootstrap, distinct_rows, estimate, units_of

Weighting = Literal["identity", "linear", "quadratic"]
RARE = 0.98
NOTHING_SHARED = "no item was labelled by both"
SAME_CATEGORY = "both used one category only, so agreement by chance is certain"


@dataclass(frozen=True, slots=True)
class Pairs:
    """The items that two annotators both labelled.

    Args:
        first: (m,) codes of the first.
        second: (m,) codes of the second.
        clusters: (m,) cluster of each item.
        n_categories: Number of declared categories.
    """

    first: IntArray
    second: IntArray
    clusters: IntArray
    n_categories: int

    @property
    def contingency(self) -> IntArray:
        """(c, c) counts; rows are the first annotator's categories."""
        c = self.n_categories
        return np.bincount(self.first * c + self.second, minlength=c * c).reshape(c, c)


def pairs_of(first: IntArray, second: IntArray, clusters: IntArray, n_categories: int) -> Pairs:
    """Keep the items that both labelled (pairwise deletion)."""
    both = (first >= 0) & (second >= 0)
    return Pairs(first[both], second[both], clusters[both], n_categories)


def agreement_weights(
    n_categories: int, weighting: Weighting, values: FloatArray | None = None
) -> FloatArray:
    """Return (c, c) weights of agreement, 1 on the diagonal.

    Args:
        n_categories: Number of categories c.
        weighting: identity (Cohen 1960), linear (Cicchetti & Allison 1971) or quadratic (Fleiss &
            Cohen 1973).
        values: (c,) number of each category; equally spaced ranks by default.
    """
    if weighting == "identity" or n_categories < 2:
        return np.eye(n_categories)
    v = np.arange(n_categories, dtype=np.float64) if values is None else values
    distance = np.abs(v[:, None] - v[None, :]) / (v.max() - v.min())
    return np.asarray(1.0 - (distance if weighting == "linear" else distance**2))


def cohen_kappa(
    pairs: Pairs,
    annotators: str,
    *,
    weighting: Weighting = "identity",
    values: FloatArray | None = None,
    bootstrap: Bootstrap = BOOTSTRAP,
) -> Estimate:
    """Return Cohen's kappa (Cohen 1960, 1968): (p_o - p_e) / (1 - p_e)."""
    name = "cohen_kappa" if weighting == "identity" else f"cohen_kappa_{weighting}"
    if pairs.first.size == 0:
        return undefined(name, annotators, NOTHING_SHARED)
    # Categories that neither gave add nothing; of thousands two annotators share few.
    used = np.union1d(pairs.first, pairs.second)
    c = used.size
    equal = weighting == "identity"
    weights = np.eye(c)
    if not equal:
        weights = agreement_weights(pairs.n_categories, weighting, values)[np.ix_(used, used)]

    def chance(sums: FloatArray) -> FloatArray:
        first, second = sums[..., 2 : 2 + c], sums[..., 2 + c :]
        expected = first if equal else first @ weights
        return np.asarray((expected * second).sum(-1) / sums[..., 0] ** 2)

    def value(sums: FloatArray) -> FloatArray:
        by_chance = chance(sums)
        return ratio(sums[..., 1] / sums[..., 0] - by_chance, 1.0 - by_chance)

    first, pattern = distinct_rows(np.column_stack([pairs.first, pairs.second]))
    a, b = (np.searchsorted(used, codes[first]) for codes in (pairs.first, pairs.second))
    eye = np.eye(c)
    features = np.column_stack([np.ones(a.size), weights[a, b], eye[a], eye[b]])
    units = units_of(features, pattern, pairs.clusters)
    total = units.total
    certain = float(chance(total))
    result = estimate(
        name,
        annotators,
        units,
        value,
        n=pairs.first.size,
        why_undefined=SAME_CATEGORY,
        perfect=(1.0, 1.0 / (1.0 - certain)) if certain < 1 - 1e-12 else None,
        bootstrap=bootstrap,
    )
    share = float(max((total[2 : 2 + c] + total[2 + c :]) / (2 * total[0])))
    if result.status == "ok" and share >= RARE:
        return result.caution(f"one category holds {share:.1%} of the labels", "unreliable")
    return result


def scott_pi(pairs: Pairs, annotators: str, *, bootstrap: Bootstrap = BOOTSTRAP) -> Estimate:
    """Return Scott's pi (Scott 1955, Public Opinion Quarterly 19:321): (p_o - p_e) / (1 - p_e).

    p_e is the sum of the squared shares of the categories among the labels of both. An item with
    one label takes no part, neither in p_o nor in p_e; in Fleiss' kappa it counts in p_e.
    """
    if pairs.first.size == 0:
        return undefined("scott_pi", annotators, NOTHING_SHARED)
    used = np.union1d(pairs.first, pairs.second)
    first, pattern = distinct_rows(np.column_stack([pairs.first, pairs.second]))
    a, b = (np.searchsorted(used, codes[first]) for codes in (pairs.first, pairs.second))
    eye = np.eye(used.size)
    features = np.column_stack([np.ones(a.size), a == b, eye[a] + eye[b]])

    def value(sums: FloatArray) -> FloatArray:
        n = sums[..., 0]
        by_chance = (sums[..., 2:] ** 2).sum(-1) / (2 * n) ** 2
        return ratio(sums[..., 1] / n - by_chance, 1.0 - by_chance)

    units = units_of(features, pattern, pairs.clusters)
    certain = float((units.total[2:] ** 2).sum() / (2 * units.total[0]) ** 2)
    return estimate(
        "scott_pi",
        annotators,
        units,
        value,
        n=pairs.first.size,
        why_undefined=SAME_CATEGORY,
        perfect=(1.0, 1.0 / (1.0 - certain)) if certain < 1 - 1e-12 else None,
        bootstrap=bootstrap,
    )


def percent_agreement(pairs: Pairs, annotators: str) -> Estimate:
    """Return the share of items on which two annotators agree, with its clustered t-interval."""
    same = (pairs.first == pairs.second).astype(np.float64)
    return cluster_share(
        "percent_agreement", annotators, same, pairs.clusters, why_undefined=NOTHING_SHARED
    )


def kappa_standard_error(contingency: IntArray, weights: FloatArray | None = None) -> float:
    """Return the asymptotic standard error of kappa (Fleiss, Cohen & Everitt 1969, eq. 14).

    Args:
        contingency: (c, c) counts.
        weights: (c, c) weights of agreement; identity by default.
    """
    p = contingency / contingency.sum()
    w = np.eye(len(p)) if weights is None else weights
    row, column = p.sum(1), p.sum(0)
    observed, chance = float((w * p).sum()), float(row @ w @ column)
    row_mean, column_mean = w @ column, row @ w
    kappa = (observed - chance) / (1 - chance)
    inner = w - (row_mean[:, None] + column_mean[None, :]) * (1 - kappa)
    spread = float((p * inner**2).sum()) - (kappa - chance * (1 - kappa)) ** 2
    return float(np.sqrt(max(0.0, spread) / contingency.sum()) / (1 - chance))


def prevalence_statistic(
    pairs: Pairs, annotators: str, *, bootstrap: Bootstrap = BOOTSTRAP
) -> Estimate:
    """Return the prevalence index (Byrt, Bishop & Carlin 1993, J. Clin. Epidemiol. 46:423).

    For two categories it is (a - d) / n, the first minus the second cell of agreement. For more it
    is the largest minus the smallest of these cells, a description without an interval.
    """
    shares = np.diagonal(pairs.contingency) / max(1, pairs.first.size)
    spread = float(shares.max() - shares.min()) if shares.size else 0.0
    signed = np.diag([1.0, -1.0])
    return _index("prevalence_index", pairs, annotators, signed, spread, bootstrap)


def bias_statistic(pairs: Pairs, annotators: str, *, bootstrap: Bootstrap = BOOTSTRAP) -> Estimate:
    """Return the bias index: how much the marginals of two annotators differ (Byrt et al. 1993).

    For two categories it is (b - c) / n, how much more often the first of them gave the first
    category. For more it is half the total variation, a description without an interval.
    """
    table = pairs.contingency
    gap = np.abs(table.sum(0) - table.sum(1)).sum() / (2 * max(1, pairs.first.size))
    signed = np.array([[0.0, 1.0], [-1.0, 0.0]])
    return _index("bias_index", pairs, annotators, signed, float(gap), bootstrap)


def _index(
    name: str,
    pairs: Pairs,
    annotators: str,
    signed: FloatArray,
    described: float,
    bootstrap: Bootstrap,
) -> Estimate:
    n = pairs.first.size
    if n == 0:
        return undefined(name, annotators, NOTHING_SHARED)
    if pairs.n_categories != 2:
        clusters = int(np.unique(pairs.clusters).size)
        reason = "more than two categories: a description, no interval"
        return Estimate(
            described, n=n, clusters=clusters, reason=reason, name=name, annotators=annotators
        )
    features = np.column_stack([np.ones(n), signed[pairs.first, pairs.second]])
    return estimate(
        name,
        annotators,
        units_of(features, np.arange(n), pairs.clusters),
        lambda sums: sums[..., 1] / sums[..., 0],
        n=n,
        why_undefined="no label",
        bootstrap=bootstrap,
    )

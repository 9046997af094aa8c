"""Whether two sources have the same rule: what one says follows from what the other says.

Only the order of what they say counts: a scale that is moved, stretched, turned round or made
coarser is the same rule.
"""

from __future__ import annotations

import numpy as np

from harness.agreement.kappa import Pairs, cohen_kappa
from harness.nouns.counted import counted
from harness.statistics.arrays import FloatArray, IntArray, ratio
from harness.statistics.estimate import Estimate, not_applicable, undefined
from harness.statistics.resample import estimate, units_of

SAME_RULE = 0.95
"""From this kappa on two sources are said to have the same rule."""

FEWEST_SHARED = 30
"""Fewer shared responses, or pairs, than this tell nothing."""

FEWEST_OTHERS = 5
"""Of both, so many must differ from the commonest verdict."""

NAME = "same_rule"
_CUTS = 60


def kappa_of_scores(a: FloatArray, b: FloatArray, clusters: IntArray) -> Estimate:
    """Return how far the scores of one source follow from those of another, up to 1.

    Where one has two values, the other is cut where Cohen's kappa is highest, upwards or downwards;
    two sources of two values have plain kappa so. Where both have more, it is the quadratic kappa
    (Fleiss and Cohen 1973; on scores Lin's concordance, 1989) between one and the best monotone
    function of the other (isotonic regression, Barlow et al. 1972).

    Args:
        a: (n,) scores of one source.
        b: (n,) scores of the other, of the same responses.
        clusters: (n,) prompt of each.

    Returns:
        No value where there are fewer than ``FEWEST_SHARED``, or too few that differ.
    """
    if (few := _too_few([_codes(a), _codes(b)], "response")) is not None:
        return few
    coarse, fine = (a, b) if np.unique(a).size <= np.unique(b).size else (b, a)
    if np.unique(coarse).size == 2:
        above = (coarse == coarse.max()).astype(np.int64)
        cuts = [(fine > cut).astype(np.int64) for cut in _cuts(fine, below_all=False)]
        return _best(above, [codes for cut in cuts for codes in (cut, 1 - cut)], clusters, 2)
    fits = [
        (y, _monotone(x, y, rising))
        for x, y in ((fine, coarse), (coarse, fine))
        for rising in (True, False)
    ]
    return max((_concordance(*fit, clusters) for fit in fits), key=lambda one: one.value or 0.0)


def kappa_of_choices(differences: FloatArray, choices: IntArray, clusters: IntArray) -> Estimate:
    """Return how far choices in pairs follow from differences of scores: Cohen's kappa, up to 1.

    A difference is a choice by its sign, and a tie up to where that makes kappa highest; a source
    that scores what the other dislikes has the same rule.

    Args:
        differences: (n,) score of the first response of a pair less that of the second.
        choices: (n,) 1 for the first, -1 for the second, 0 for a tie.
        clusters: (n,) prompt of each.

    Returns:
        No value where there are fewer than ``FEWEST_SHARED``, or too few that differ.
    """
    signs = np.sign(differences).astype(np.int64)
    if (few := _too_few([signs + 1, choices + 1], "pair")) is not None:
        return few
    size = np.abs(differences)
    tied = [np.where(size > cut, signs, 0) for cut in _cuts(size, below_all=True)]
    return _best(choices + 1, [way * one + 1 for one in tied for way in (1, -1)], clusters, 3)


def _codes(scores: FloatArray) -> IntArray:
    return np.unique(scores, return_inverse=True)[1].astype(np.int64)


def _too_few(sides: list[IntArray], what: str) -> Estimate | None:
    n = sides[0].size
    if n < FEWEST_SHARED:
        few = f"{counted(n, what)} with a verdict of both, fewer than {FEWEST_SHARED}"
        return not_applicable(NAME, "", few, n)
    others = min(n - int(np.bincount(codes).max()) for codes in sides)
    if others == 0:
        return undefined(NAME, "", f"one of them says the same of all {counted(n, what)}", n)
    if others < FEWEST_OTHERS:
        reason = f"one of them says the same of all but {others} of {counted(n, what)}"
        return not_applicable(NAME, "", reason, n)
    return None


def _cuts(values: FloatArray, below_all: bool) -> FloatArray:
    """Return where values may be cut, at ``_CUTS`` places at most; one is below all of them."""
    levels = np.unique(values)[:-1]
    if below_all:
        levels = np.unique(np.concatenate(([0.0], levels)))
    return levels[np.unique(np.linspace(0, levels.size - 1, _CUTS).round().astype(np.int64))]


def _best(one: IntArray, others: list[IntArray], clusters: IntArray, categories: int) -> Estimate:
    def kappa(codes: IntArray) -> float:
        table = np.bincount(one * categories + codes, minlength=categories**2)
        shares = table.reshape(categories, categories) / one.size
        chance = float(shares.sum(0) @ shares.sum(1))
        return (float(np.trace(shares)) - chance) / (1 - chance) if chance < 1 else 0.0

    best = max(others, key=kappa)
    return cohen_kappa(Pairs(one, best, clusters, categories), "")


def _monotone(x: FloatArray, y: FloatArray, rising: bool) -> FloatArray:
    """Return the monotone function of x that is nearest to y; equal x have one value."""
    from scipy.optimize import isotonic_regression

    codes = _codes(x)
    counts = np.bincount(codes)
    means = np.bincount(codes, weights=y) / counts
    fitted = isotonic_regression(means, weights=counts, increasing=rising).x
    return np.asarray(fitted, dtype=np.float64)[codes]


def _concordance(y: FloatArray, fitted: FloatArray, clusters: IntArray) -> Estimate:
    middle, width = y.mean(), y.max() - y.min()
    y, fitted = (y - middle) / width, (fitted - middle) / width
    columns = (np.ones(y.size), y, fitted, y * y, fitted * fitted, y * fitted)

    def value(sums: FloatArray) -> FloatArray:
        mean, to, square, to_square, product = (sums[..., i] / sums[..., 0] for i in range(1, 6))
        apart = square - mean**2 + to_square - to**2 + (mean - to) ** 2
        return ratio(2 * (product - mean * to), apart)

    units = units_of(np.column_stack(columns), np.arange(y.size), clusters)
    return estimate(
        NAME, "", units, value, n=y.size, why_undefined="no spread",
        perfect=(1.0, float(0.5 / y.var())),
    )  # fmt: skip

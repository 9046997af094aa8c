"""Win rates of one side over another, as they are and at equal length."""

from __future__ import annotations

import math

import numpy as np

from harness.statistics.arrays import FloatArray, IntArray
from harness.statistics.estimate import Estimate
from harness.statistics.intervals import from_sums, t_quantile
from harness.statistics.paired_model import ALIKE, FIRST, TIE, fit_paired, halves


def win_rate(outcomes: IntArray, clusters: IntArray) -> Estimate:
    """Return (wins + ties/2) / n of the first side, with its interval clustered.

    Args:
        outcomes: (n,) 0 first won, 1 tie, 2 second won.
        clusters: (n,) comparisons with the same number are not independent.
    """
    won = np.where(outcomes == FIRST, 1.0, np.where(outcomes == TIE, 0.5, 0.0))
    _, group = np.unique(clusters, return_inverse=True)
    totals, counts = np.bincount(group, won), np.bincount(group)
    return from_sums(dict(enumerate(zip(totals.tolist(), counts.tolist(), strict=True))))


def length_controlled(outcomes: IntArray, clusters: IntArray, gap: FloatArray) -> Estimate:
    """Return the win rate that the first side would have if both had written equally much.

    The logistic regression of Dubois et al. 2024 ("Length-Controlled AlpacaEval") without terms of
    the items: log-odds of winning = strength + effect * tanh(gap / its standard deviation), a tie
    being half a win of each; the win rate is that at gap 0. Without any effect of length it is
    (wins + ties/2) / n. The interval is that of the strength, robust to clusters. Where one side is
    always the shorter there is no rate: gap 0 is outside of what was seen.

    Args:
        outcomes: (n,) 0 first won, 1 tie, 2 second won.
        clusters: (n,) comparisons with the same number are not independent.
        gap: (n,) length of the first answer minus the second's, in any unit.
    """
    n, groups = outcomes.size, int(np.unique(clusters).size)
    spread = float(gap.std()) if n else 0.0
    if spread == 0.0 and gap.any():
        reason = "every gap of length is the same, so that its effect cannot be told"
        return Estimate(None, n=n, clusters=groups, reason=reason)
    columns = [np.ones(n)] + ([np.tanh(gap / spread)] if spread > 0 else [])
    fit = fit_paired(*halves(outcomes, np.column_stack(columns), clusters))
    if fit.problem:
        return Estimate(None, n=n, clusters=groups, reason=fit.problem)
    if gap.all() and abs(np.sign(gap).sum()) == n:
        reason = "one of the two is always the shorter, so that equal length would be extrapolated"
        return Estimate(None, n=n, clusters=groups, reason=reason)
    strength, error = float(fit.coefficients[0]), float(fit.errors[0])
    wide = t_quantile(groups - 1) * error if groups > 1 else math.nan
    low, high = (_chance(strength + side) for side in (-wide, wide))
    if math.isnan(wide):
        reason = ALIKE if groups > 1 else "one cluster only: no interval"
        return Estimate(_chance(strength), n=n, clusters=groups, reason=reason)
    return Estimate(_chance(strength), low, high, n, groups)


def _chance(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))

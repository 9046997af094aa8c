"""Win rates of one side over another, as they are and at equal length."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from harness.statistics.arrays import FloatArray, IntArray
from harness.statistics.estimate import Estimate
from harness.statistics.intervals import from_sums
from harness.statistics.paired_model import ALIKE, FIRST, TIE, fit_paired, halves
from harness.statistics.seeds import Grid, Luck, Seeded, effective, hull, left_out


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
    """Return the win rate at equal length over prompts; see :func:`at_equal_length`."""
    return at_equal_length(outcomes, clusters, gap).estimate


def at_equal_length(
    outcomes: IntArray,
    clusters: IntArray,
    gap: FloatArray,
    seeds: Sequence[IntArray | None] = (),
) -> Seeded:
    """Return the win rate that the first side would have if both had written equally much.

    The logistic regression of Dubois et al. 2024 ("Length-Controlled AlpacaEval") without terms of
    the items: log-odds of winning = strength + effect * tanh(gap / its standard deviation), a tie
    being half a win of each; the win rate is that at gap 0. Without any effect of length it is
    (wins + ties/2) / n. The interval is that of the strength, over clusters and, where they are
    given, trainings. Where one side is always the shorter there is no rate: gap 0 is outside of
    what was seen.

    Args:
        outcomes: (n,) 0 first won, 1 tie, 2 second won.
        clusters: (n,) comparisons with the same number are not independent.
        gap: (n,) length of the first answer minus the second's, in any unit.
        seeds: (n,) seed of the training of each side; None of one that was not trained.
    """
    n, groups = outcomes.size, int(np.unique(clusters).size)

    def none(reason: str, value: float | None = None) -> Seeded:
        found = Estimate(value, n=n, clusters=groups, reason=reason)
        return Seeded(found, found, None)

    spread = float(gap.std()) if n else 0.0
    if spread == 0.0 and gap.any():
        return none("every gap of length is the same, so that its effect cannot be told")
    columns = [np.ones(n)] + ([np.tanh(gap / spread)] if spread > 0 else [])
    design = np.column_stack(columns)
    fit = fit_paired(*halves(outcomes, design, clusters))
    if fit.problem:
        return none(fit.problem)
    if gap.all() and abs(np.sign(gap).sum()) == n:
        return none(
            "one of the two is always the shorter, so that equal length would be extrapolated"
        )
    strength = float(fit.coefficients[0])
    if groups < 2 or math.isnan(float(fit.errors[0])):
        return none(ALIKE if groups > 1 else "one cluster only: no interval", _chance(strength))
    chance = 1 / (1 + np.exp(-(design @ fit.coefficients)))
    information = design.T @ (design * (chance * (1 - chance))[:, None])
    won = np.array([1.0, 0.5, 0.0])[outcomes]
    pull = (design @ np.linalg.inv(information)[0]) * (won - chance)
    _, group = np.unique(clusters, return_inverse=True)
    lucky = []
    for by in (one for one in seeds if one is not None):
        grid = Grid.by(pull, by, group)
        lucky.append((grid.seeds, Luck(grid.sums, grid.share())))
    counts = np.bincount(group).astype(np.float64)
    by_cluster = np.bincount(group, pull) * left_out(counts)
    found = hull(strength, n, by_cluster, lucky, None, paired=False, groups=effective(counts))
    return replace(found, estimate=_share(found.estimate), trainings=_share(found.trainings))


def _share(log_odds: Estimate) -> Estimate:
    value, low, high = (
        None if x is None else _chance(x) for x in (log_odds.value, log_odds.low, log_odds.high)
    )
    return replace(log_odds, value=value, low=low, high=high)


def _chance(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))

"""Win rates of one side over another, as they are, at equal length and in equal style."""

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
    n = outcomes.size
    spread = float(gap.std()) if n else 0.0
    if spread == 0.0 and gap.any():
        return _none(
            outcomes, clusters, "every gap of length is the same, so that its effect cannot be told"
        )
    columns = [np.ones(n)] + ([np.tanh(gap / spread)] if spread > 0 else [])
    beyond = "one of the two is always the shorter, so that equal length would be extrapolated"
    always = beyond if gap.all() and abs(np.sign(gap).sum()) == n else ""
    return _at_even(outcomes, clusters, np.column_stack(columns), seeds, always)


def at_equal_style(
    outcomes: IntArray,
    clusters: IntArray,
    mine: FloatArray,
    theirs: FloatArray,
    features: Sequence[str],
    seeds: Sequence[IntArray | None] = (),
) -> Seeded:
    """Return the win rate that the first side would have if both had written in one style.

    The style control of Chatbot Arena (Li, Angelopoulos & Chiang 2024): log-odds of winning =
    strength + the sum of effect * (first - second) / (first + second) over the features, each in
    units of its standard deviation, a tie being half a win of each; the win rate is that at
    differences of 0. They are not centred, as they are there: who writes more than the other is
    to be compared as if it did not. A feature that is the same in all pairs takes no part. Where
    one side always has more of one there is no rate, as with length.

    Args:
        outcomes: (n,) 0 first won, 1 tie, 2 second won.
        clusters: (n,) comparisons with the same number are not independent.
        mine: (n, features) how much of each the first answer has, none below 0.
        theirs: (n, features) the same of the second.
        features: Their names.
        seeds: (n,) seed of the training of each side; None of one that was not trained.
    """
    total = mine + theirs
    gaps = np.divide(mine - theirs, total, out=np.zeros_like(total), where=total > 0)
    columns, n = [np.ones(outcomes.size)], outcomes.size
    for name, gap in zip(features, gaps.T, strict=True):
        if not gap.any():
            continue
        if gap.all() and abs(np.sign(gap).sum()) == n:
            told = (
                f"one of the two always has more {name}, so that equal style would be extrapolated"
            )
            return _none(outcomes, clusters, told)
        columns.append(gap / gap.std())
    return _at_even(outcomes, clusters, np.column_stack(columns), seeds)


def _none(
    outcomes: IntArray, clusters: IntArray, reason: str, value: float | None = None
) -> Seeded:
    groups = int(np.unique(clusters).size)
    found = Estimate(value, n=outcomes.size, clusters=groups, reason=reason)
    return Seeded(found, found, None)


def _at_even(
    outcomes: IntArray,
    clusters: IntArray,
    design: FloatArray,
    seeds: Sequence[IntArray | None],
    beyond: str = "",
) -> Seeded:
    """Return the win rate where all covariates are 0.

    Args:
        outcomes: (n,) 0 first won, 1 tie, 2 second won.
        clusters: (n,) comparisons with the same number are not independent.
        design: (n, 1 + covariates) ones, and the covariates.
        seeds: (n,) seed of the training of each side; None of one that was not trained.
        beyond: Why 0 is outside of what was seen; empty where it is not.
    """
    n, groups = outcomes.size, int(np.unique(clusters).size)
    fit = fit_paired(*halves(outcomes, design, clusters))
    if fit.problem or beyond:
        return _none(outcomes, clusters, fit.problem or beyond)
    strength = float(fit.coefficients[0])
    if groups < 2 or math.isnan(float(fit.errors[0])):
        reason = ALIKE if groups > 1 else "one cluster only: no interval"
        return _none(outcomes, clusters, reason, _chance(strength))
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

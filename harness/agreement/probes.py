"""Biases beyond a placebo: which change of a question turns a judge's verdict, quality aside.

Each unit is asked three times: once, once again in the same words (the placebo), and with the
change that the bias would fall for. A bias is what the change turns beyond what asking again turns.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from harness.nouns.biases import BIASES
from harness.statistics.arrays import FloatArray, IntArray, cluster_sums
from harness.statistics.intervals import holm, t_quantile
from harness.statistics.one_sided import (
    FEW,
    Bounds,
    cluster_error,
    one_sided_t,
    share_bounds,
)

STEP = 0.1
"""Part of its scale by which a score has moved, at the least, where it counts as turned."""

MOVED = 10
"""With fewer prompts than this that moved at all, their signs decide beside the t-test."""

ALPHA = 0.05
AWAY = 0.2
"""Part of the level that is kept for the other direction: who likes the shorter answer."""

POWER = 0.9

NOTHING_ASKED = "nothing was asked"


@dataclass(frozen=True)
class Askings:
    """What a judge said of each unit in its three askings.

    Args:
        first: (n,) what the verdict is worth to the answer in question, 0 (lost) to 1 (won); NaN
            without a verdict.
        again: (n,) the same, asked again in the same words.
        probed: (n,) the same, asked with the change.
        clusters: (n,) prompt of each unit.
    """

    first: FloatArray
    again: FloatArray
    probed: FloatArray
    clusters: IntArray


@dataclass(frozen=True, slots=True)
class Probe:
    """What a probe of one bias found.

    Args:
        bias: A name of ``BIASES``.
        asked: Units that were put to the judge.
        excess: Share of verdicts that the change turns beyond the placebo, with one-sided bounds;
            undefined with a reason where it could not be measured.
        low: Lower end of its two-sided 95% interval.
        high: Upper end.
        towards: Share of verdicts that turn towards the changed answer; all that turn, where the
            bias has no direction.
        away: Share that turn away from it; None where the bias has no direction.
        placebo: Share of verdicts that turn when the same is asked again.
        p: P-value of "no bias", four fifths of its level on the side of the changed answer where
            the bias has a direction; None where it could not be measured.
        adjusted: The same, adjusted for the number of probes (Holm 1979).
        smallest: The smallest excess that so many prompts find in nine of ten cases.
        silent: Units that have both plain verdicts, and none with the change.
        failed: Units without a verdict in one of the askings, by asking and status.
        left_out: Units that the change cannot be made of, by reason.
    """

    bias: str
    asked: int
    excess: Bounds
    low: float | None = None
    high: float | None = None
    towards: float | None = None
    away: float | None = None
    placebo: float | None = None
    p: float | None = None
    adjusted: float | None = None
    smallest: float | None = None
    silent: int = 0
    failed: Mapping[str, int] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)

    @property
    def found(self) -> bool:
        """Whether the judge was shown to have the bias."""
        return self.adjusted is not None and self.adjusted < ALPHA


def probe(bias: str, said: Askings) -> Probe:
    """Return how many verdicts a change turns beyond the placebo, paired by unit.

    Both plain askings are the same question, so the changed one is held against each of them: with
    turns m(x, y) = 1, 0 or -1 from x to y,

        directed:    d = (m(first, probed) + m(again, probed)) / 2
        undirected:  d = (|m(first, probed)| + |m(again, probed)|) / 2 - |m(first, again)|
        pushback:    d = |m(first, probed)| - |m(first, again)|

    since the second turn of ``pushback`` follows the first asking only. Where the change does
    nothing but ask again, the mean of d is 0: of a directed bias the turns of the placebo go both
    ways alike, and so do those of a judge that any other wording moves. Intervals are CR1 by
    prompt. A judge that falls silent where the change would turn it hides the bias: the bounds hold
    whatever the verdicts would have been that are there without the change only (Horowitz & Manski
    2000), the estimate and the p-value are of the others.

    Args:
        bias: A name of ``BIASES``.
        said: The three askings; units without a verdict in one of them take no part.
    """
    kind = BIASES[bias]
    plain = ~(np.isnan(said.first) | np.isnan(said.again))
    whole = plain & ~np.isnan(said.probed)
    silent = said.clusters[plain & ~whole]
    first, again, probed = (one[whole] for one in (said.first, said.again, said.probed))
    clusters = said.clusters[whole]
    asked, n = int(said.first.size), int(whole.sum())
    if n == 0:
        reason = "no unit has a verdict in all three askings" if asked else NOTHING_ASKED
        return Probe(bias, asked, Bounds(None, reason=reason), silent=silent.size)
    turned, other, chance = _turns(first, probed), _turns(again, probed), _turns(first, again)
    if bias == "pushback":
        towards, away = np.abs(turned), None
        moves = towards - np.abs(chance)
    elif kind.directed:
        towards = ((turned > 0) + (other > 0).astype(np.float64)) / 2
        away = ((turned < 0) + (other < 0).astype(np.float64)) / 2
        moves = towards - away
    else:
        towards, away = (np.abs(turned) + np.abs(other)) / 2, None
        moves = towards - np.abs(chance)
    bounds = _bounds(moves, clusters)
    if silent.size:
        every = np.concatenate([clusters, silent])
        most, least = (
            _bounds(np.concatenate([moves, np.full(silent.size, end)]), every)
            for end in (1.0, -1.0 if kind.directed else 0.0)
        )
        assert most.upper is not None and least.lower is not None
        assert bounds.lower is not None and bounds.upper is not None
        ends = min(bounds.lower, least.lower), max(bounds.upper, most.upper)
        bounds = replace(bounds, lower=ends[0], upper=ends[1])
    bounds = with_plan(bias, bounds, silent.size)
    found = Probe(
        bias,
        asked,
        bounds,
        silent=silent.size,
        towards=float(towards.mean()),
        away=None if away is None else float(away.mean()),
        placebo=float(np.abs(chance).mean()),
    )
    if bounds.clusters < 2:
        return found
    half = t_quantile(bounds.clusters - 1) * bounds.error
    assert bounds.value is not None and bounds.lower is not None and bounds.upper is not None
    low, high = bounds.value - half, bounds.value + half
    # A bound of one side holds on its own; the interval of both sides is never the narrower one.
    low, high = max(-1.0, min(low, bounds.lower)), min(1.0, max(high, bounds.upper))
    p = _p_value(moves, clusters, bounds.error)
    if kind.directed:
        p = min(1.0, p / (1 - AWAY), _p_value(-moves, clusters, bounds.error) / AWAY)
    return replace(found, low=low, high=high, p=p)


def together(probes: Sequence[Probe]) -> list[Probe]:
    """Return probes of one judge with p-values adjusted for their number, and what they could see.

    At most one of twenty judges without any bias is then told to have one.
    """
    adjusted = holm([one.p for one in probes])
    measured = sum(one.p is not None for one in probes)
    return [
        replace(
            one,
            adjusted=p,
            smallest=None
            if one.p is None or one.placebo is None
            else smallest_found(one.bias, one.excess.clusters, one.placebo, measured),
        )
        for one, p in zip(probes, adjusted, strict=True)
    ]


def worst(probes: Sequence[Probe]) -> Probe | None:
    """Return the bias that turns most verdicts, of those that were found; None without one."""
    found = [one for one in probes if one.found]
    return max(found, key=lambda one: abs(one.excess.value or 0.0), default=None)


def strength(bias: str, excess: Bounds) -> Bounds:
    """Return how much a bias turns, to whichever side: who hates markdown is biased, too."""
    if not BIASES[bias].directed or excess.value is None:
        return excess
    assert excess.lower is not None and excess.upper is not None
    lower, upper = max(0.0, excess.lower, -excess.upper), max(excess.upper, -excess.lower)
    grown = None if excess.grown is None else partial(_grown_strength, bias, excess)
    return replace(excess, value=abs(excess.value), lower=lower, upper=upper, grown=grown)


def _grown_strength(bias: str, excess: Bounds, times: float) -> Bounds:
    assert excess.grown is not None
    return strength(bias, excess.grown(times))


def with_plan(bias: str, excess: Bounds, silent: int = 0) -> Bounds:
    """Return bounds of a probe that tell what more verdicts would make of them.

    By what the prompts differ falls by the root of their number, what an exact bound of few turns
    adds to it by the number, and what verdicts that are missing may hide stays.

    Args:
        bias: A name of ``BIASES``.
        excess: Share of verdicts that it turns beyond the placebo, with bounds.
        silent: Units without a verdict where the change is made.
    """
    if excess.value is None or excess.clusters < 2 or not math.isfinite(excess.error):
        return excess
    least = -1.0 if BIASES[bias].directed else 0.0
    share = silent / (excess.n + silent)
    stays = share * (excess.value - least), share * (1 - excess.value)
    return replace(excess, grown=partial(_grown_excess, excess, stays))


def _grown_excess(excess: Bounds, stays: tuple[float, float], times: float) -> Bounds:
    value, lower, upper = excess.value, excess.lower, excess.upper
    assert value is not None and lower is not None and upper is not None
    reach = one_sided_t(excess.clusters - 1) * excess.error
    more = [max(0.0, gap - reach - stay) for gap, stay in
            zip((value - lower, upper - value), stays, strict=True)]  # fmt: skip
    n, clusters = round(times * excess.n), round(times * excess.clusters)
    error = excess.error / math.sqrt(times)
    reach = one_sided_t(clusters - 1) * error
    below, above = (reach + stay + one / times for stay, one in zip(stays, more, strict=True))
    return Bounds(value, max(-1.0, value - below), min(1.0, value + above), error, n, clusters)


def smallest_found(bias: str, prompts: int, placebo: float, probes: int) -> float | None:
    """Return the smallest excess that is found in nine of ten cases; None where none is.

    A unit's d has the variance x (1 - x) of turning plus that of asking again: 3/4 of the share
    that turns then, or for pushback, which is held against one asking, twice that share.

    Args:
        bias: A name of ``BIASES``.
        prompts: Independent prompts.
        placebo: Share of verdicts that turn when the same is asked again.
        probes: How many are looked at together.
    """
    from scipy.special import ndtri

    if prompts < 2:
        return None
    noise = (2.0 if bias == "pushback" else 0.75) * placebo
    level = ALPHA * (1 - AWAY if BIASES[bias].directed else 1)
    reach = float(-ndtri(level / max(1, probes))) + float(ndtri(POWER))
    for points in range(1, 101):
        excess = points / 100
        if excess >= reach * math.sqrt((excess * (1 - excess) + noise) / prompts):
            return excess
    return None


def _turns(before: FloatArray, after: FloatArray) -> FloatArray:
    """Return (n,) 1 where a verdict turned towards the answer, -1 away from it, else 0."""
    gap = after - before
    return np.where(np.abs(gap) >= STEP - 1e-9, np.sign(gap), 0.0)


def _bounds(moves: FloatArray, clusters: IntArray) -> Bounds:
    """Return the mean of moves in [-1, 1] with one-sided bounds.

    Where fewer than five prompts moved to one side, the exact bound of the share that did holds
    there instead of one by their spread.
    """
    n, value = int(moves.size), float(moves.mean())
    error, groups = cluster_error((moves - value) / n, clusters)
    if groups < 2:
        return Bounds(value, -1.0, 1.0, error, n, groups)
    reach = one_sided_t(groups - 1) * error
    lower, upper = value - reach, value + reach
    up, down = np.maximum(moves, 0.0), np.maximum(-moves, 0.0)
    if np.unique(clusters[up > 0]).size < FEW:
        most = share_bounds((up > 0).astype(np.float64), clusters, "").upper
        assert most is not None
        upper = max(upper, most - float(down.mean()))
    if np.unique(clusters[down > 0]).size < FEW:
        most = share_bounds((down > 0).astype(np.float64), clusters, "").upper
        assert most is not None
        lower = min(lower, float(up.mean()) - most)
    return Bounds(value, max(-1.0, lower), min(1.0, upper), error, n, groups)


def _p_value(moves: FloatArray, clusters: IntArray, error: float) -> float:
    """Return the one-sided p-value of a mean of 0 or less, by prompts.

    That of Student's t; where few prompts moved, not below that of the sign test.
    """
    from scipy.special import stdtr
    from scipy.stats import binom

    sums, value = cluster_sums(moves, clusters), float(moves.mean())
    up, down = int((sums > 0).sum()), int((sums < 0).sum())
    p = float(value <= 0)
    if error > 0:
        p = float(stdtr(sums.size - 1, -value / error))
    if up + down < MOVED or error == 0:
        p = max(p, float(binom.sf(up - 1, up + down, 0.5)))
    return p

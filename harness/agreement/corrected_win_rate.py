"""How often people prefer one policy, from a few labelled pairs and an evaluator's word on all."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.agreement.corrected_difference import FEWEST
from harness.statistics.arrays import FloatArray, IntArray, cluster_sums
from harness.statistics.estimate import Estimate
from harness.statistics.intervals import t_quantile, wilson
from harness.statistics.one_sided import FEW, MOST_LABELS, Bounds, more_that

EVEN = 0.5
"""The win rate of a policy that is as good as the other."""


@dataclass(frozen=True, slots=True)
class Prompts:
    """Prompts to which two policies wrote different texts; ties are worth one half.

    Args:
        people: (n,) share of people who prefer the policy in the pair that was drawn of the prompt;
            NaN where nobody was asked. The pair is one of two different texts.
        drawn: (n,) what the evaluator says of that pair; anything where nobody was asked.
        judged: (n,) mean of what the evaluator says of all pairs of different texts.
        same: (n,) share of the prompt's pairs that are one text twice: ties, below 1.
        weights: (n,) prompts that a labelled one stands for, 1 over the chance to be labelled.
        clusters: (n,) group of prompts that are not independent.
        alike: Prompts beside these of which all pairs are one text twice.
    """

    people: FloatArray
    drawn: FloatArray
    judged: FloatArray
    same: FloatArray
    weights: FloatArray
    clusters: IntArray
    alike: int = 0


@dataclass(frozen=True, slots=True)
class CorrectedWinRate:
    """A win rate, three times.

    Args:
        corrected: By people, with the evaluator's word on all pairs as help; ``p`` is of "even".
        labelled: By people's labels alone.
        judged: By the evaluator alone; without an interval.
        tuning: lambda, how much of the evaluator is used; 0 is nothing.
        effective_n: Labelled pairs that would give the corrected interval without the evaluator.
        more: Further labelled pairs that would decide, if the rate stays what it is; None where it
            is decided, and where nobody can tell.
    """

    corrected: Estimate
    labelled: Estimate
    judged: float | None
    tuning: float
    effective_n: float
    more: int | None


@dataclass(frozen=True, slots=True)
class _Fit:
    """A rate with its standard error.

    Args:
        value: The rate.
        error: Its standard error.
        degrees: Of freedom.
        effective: Independent labels that are as sure, where few tell the rarer thing; else None.
        alike: Clusters that say all the same; 0 where they do not.
    """

    value: float
    error: float
    degrees: int
    effective: float | None = None
    alike: int = 0

    @property
    def ends(self) -> tuple[float, float]:
        if self.alike:  # as clustered_mean: what may differ is put at the bounds
            share = wilson(0, self.alike)[1]
            return (1 - share) * self.value, self.value + share * (1 - self.value)
        if self.effective is not None:
            value = min(1.0, max(0.0, self.value))
            return wilson(value * self.effective, self.effective)
        half = t_quantile(self.degrees) * self.error
        return max(0.0, self.value - half), min(1.0, self.value + half)

    @property
    def p(self) -> float:
        from scipy.special import ndtr, stdtr

        gap = abs(self.value - EVEN)
        if self.alike:  # as from_sums: the smallest that flipping signs can give
            return 1.0 if gap < 1e-12 else 2.0 ** (1 - self.alike)
        if self.effective is not None:
            return float(2 * ndtr(-gap / math.sqrt(EVEN**2 / self.effective)))
        return float(2 * stdtr(self.degrees, -gap / self.error))


def corrected_win_rate(found: Prompts) -> CorrectedWinRate:
    """Return how often people prefer a policy to another, by prediction-powered inference.

    Of a prompt g = same/2 + (1 - same) Y is what people say, h the same with the evaluator's word
    on the drawn pair, and H with its word on all pairs. The rate is mean_w(g) + l (mean(H) -
    mean_w(h)), the means with w over labelled prompts, weighted by 1 over the chance to be labelled
    (Hajek), so that what the evaluator gets wrong is taken off (Angelopoulos et al. 2023). With
    the influences A of people and B of the evaluator, summed by cluster, l = -sum A B / sum B^2,
    kept in [0, 1], makes the variance least (PPI++, 2023b); Student's t has the labelled clusters
    less two as degrees of freedom. Where fewer than five clusters hold a win, or a loss, Wilson's
    interval of the effective number of labels stands in. Prompts of which all pairs are one text
    twice count as ties; how many they are is itself uncertain, and the two are combined as Donner &
    Zou (2012) do.

    Args:
        found: Prompts to which the two wrote different texts, drawn at random for labels.

    Returns:
        The rates; the corrected one is undefined with fewer than ten labelled clusters.
    """
    asked = ~np.isnan(found.people)
    n, units = int(asked.sum()), int(np.unique(found.clusters[asked]).size)
    share = _share(found)
    judged = found.same / 2 + (1 - found.same) * found.judged
    rate = EVEN + share[0] * (float(judged.mean()) - EVEN) if judged.size else None
    if units < 2:
        value = EVEN + share[0] * (_mean(found, asked) - EVEN) if n else None
        reason = "no interval from one prompt" if n else "no label"
        labelled = Estimate(value, n=n, clusters=units, reason=reason)
        return CorrectedWinRate(_none(n, units), labelled, rate, 0.0, 0.0, FEWEST - units)
    people, help_, lift = _influences(found, asked, judged)
    spread, few = _spread(found, asked), _few(found, asked)
    alone = _fit(_mean(found, asked), people, units, 1, spread, few)
    labelled = _estimate(alone, share, n, units)
    more = _more(alone, alone, n, found.people.size)
    if units < FEWEST:
        more = max(FEWEST - units, more or 0)
        return CorrectedWinRate(_none(n, units), labelled, rate, 0.0, 0.0, more)
    unseen = _unseen(found, asked)
    square = float(help_ @ help_) + unseen
    tuning = -float(people @ help_) / square if square > 1e-24 else 0.0
    tuning = min(1.0, max(0.0, tuning))
    if tuning < 1e-12:
        why = "the evaluator's word tells nothing of people's: labels alone"
        return CorrectedWinRate(labelled.caution(why), labelled, rate, 0.0, float(n), more)
    pull = people + tuning * help_
    fit = _fit(alone.value + tuning * lift, pull, units, 2, spread, few, tuning**2 * unseen)
    effective = n * (alone.error / fit.error) ** 2
    more = _more(fit, alone, n, found.people.size)
    corrected = _estimate(fit, share, n, units)
    return CorrectedWinRate(corrected, labelled, rate, tuning, effective, more)


def _none(n: int, units: int) -> Estimate:
    reason = f"{units} labelled prompts; {FEWEST} at least"
    return Estimate(None, n=n, clusters=units, status="undefined", reason=reason)


def _truth(found: Prompts, said: FloatArray) -> FloatArray:
    return found.same / 2 + (1 - found.same) * said


def _mean(found: Prompts, asked: NDArray[np.bool_]) -> float:
    weights = found.weights[asked]
    return float(weights @ _truth(found, found.people)[asked] / weights.sum())


def _spread(found: Prompts, asked: NDArray[np.bool_]) -> float:
    weights = found.weights[asked] / found.weights[asked].sum()
    off = _truth(found, found.people)[asked] - _mean(found, asked)
    return float(weights @ off**2)


def _few(found: Prompts, asked: NDArray[np.bool_]) -> bool:
    """Tell whether few clusters hold a win, or few a loss."""
    people, clusters = found.people[asked], found.clusters[asked]
    hit, miss = (np.unique(clusters[held]).size for held in (people > 0, people < 1))
    return min(hit, miss) < FEW


def _unseen(found: Prompts, asked: NDArray[np.bool_]) -> float:
    """Return the variance of two labels more on which people and evaluator differ, one each way.

    Where they differ on fewer than five clusters, how often they do is hardly known.
    """
    differ = found.people[asked] != found.drawn[asked]
    if np.unique(found.clusters[asked][differ]).size >= FEW:
        return 0.0
    return 2.0 / int(asked.sum()) ** 2


def _influences(
    found: Prompts, asked: NDArray[np.bool_], judged: FloatArray
) -> tuple[FloatArray, FloatArray, float]:
    """Return the influence of each cluster, people's and the evaluator's, and what it adds."""
    weights = np.where(asked, found.weights, 0.0)
    weights = weights / weights.sum()
    truth = np.where(asked, _truth(found, found.people), 0.0)
    drawn = np.where(asked, _truth(found, found.drawn), 0.0)
    people = weights * (truth - weights @ truth)
    all_of_them = (judged - judged.mean()) / judged.size
    seen = weights * (drawn - weights @ drawn)
    sums = [cluster_sums(pull, found.clusters) for pull in (people, all_of_them - seen)]
    return sums[0], sums[1], float(judged.mean() - weights @ drawn)


def _fit(
    value: float,
    pull: FloatArray,
    units: int,
    used: int,
    spread: float,
    few: bool,
    unseen: float = 0.0,
) -> _Fit:
    """Return a rate with its error, of ``used`` parameters."""
    variance = units / (units - used) * float(pull @ pull) + unseen
    if variance < 1e-24:
        return _Fit(value, 0.0, units - used, alike=units)
    effective = spread / variance if few and spread > 1e-24 else None
    return _Fit(value, math.sqrt(variance), units - used, effective)


def _share(found: Prompts) -> tuple[float, float]:
    """Return the share of prompts with different texts, and half the width of its interval."""
    different, all_of_them = found.people.size, found.people.size + found.alike
    if not found.alike or not different:
        return (1.0 if different else 0.0), 0.0
    share = different / all_of_them
    # Clusters of prompts that are alike everywhere are not told: each counts as one.
    sizes = cluster_sums(np.ones(different), found.clusters)
    spread = float(sizes @ sizes) * (1 - share) ** 2 + found.alike * share**2
    return share, t_quantile(all_of_them - 1) * math.sqrt(spread) / all_of_them


def _estimate(fit: _Fit, share: tuple[float, float], n: int, units: int) -> Estimate:
    """Return the rate over all prompts: those of one text twice are ties."""
    ends = fit.ends
    value = min(ends[1], max(ends[0], fit.value)) - EVEN
    low, high = (math.hypot(share[0] * (fit.value - end), share[1] * value) for end in ends)
    middle = EVEN + share[0] * value
    found = Estimate(middle, max(0.0, middle - low), min(1.0, middle + high), n, units, fit.p)
    return found.with_unit_count()


def _more(fit: _Fit, alone: _Fit, n: int, prompts: int) -> int | None:
    """Return the further labels that decide, if the rate and the evaluator stay what they are.

    The variance of n' labels is that of n alone, n / n' of it, times 1 - r (1 - n' / prompts), with
    r the share that the evaluator explains; of more labels than there are prompts it is 1.
    """
    left = max(1e-9, 1 - n / prompts)
    base = alone.error**2 or EVEN**2 / n
    explained = min(1.0, max(0.0, (1 - fit.error**2 / base) / left)) if alone.error else 0.0

    def grown(times: float) -> Bounds:
        now = n * times
        kept = 1 - explained * max(0.0, 1 - now / prompts)
        half = t_quantile(int(now) - 2) * math.sqrt(base / times * kept)
        ends = fit.value - half, fit.value + half
        return Bounds(fit.value, *ends, n=n, grown=grown)

    low, high = fit.ends
    if low > EVEN or high < EVEN:
        return None
    now = grown(1.0)
    return 1 if _excludes_even(now) else more_that(now, _excludes_even, MOST_LABELS)


def _excludes_even(bounds: Bounds) -> bool:
    assert bounds.lower is not None and bounds.upper is not None
    return bounds.lower > EVEN or bounds.upper < EVEN

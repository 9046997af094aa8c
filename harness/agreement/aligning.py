"""Choosing a judge by labels of people, and proving on other labels that it is better.

What is chosen among several looks better than it is on the labels that chose it, so the gain is
measured on prompts that were held back (``halves``), once, and paired: both judges on the same
items, which makes what is hard for both cancel.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from harness.agreement.calibration import temperature_of
from harness.agreement.halves import Mask
from harness.ratings.both_orders import at_temperature, likelier
from harness.statistics.arrays import FloatArray, IntArray
from harness.statistics.estimate import CONFIDENCE, Estimate
from harness.statistics.intervals import clopper_pearson_upper, clustered_mean

FEW = 10
"""Below this many prompts on which two judges differ, only which of them wins how many counts."""

MARGINS = (0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3)
"""Distances of P(A) from one half, below which a verdict may become a tie."""


def says_it(said: IntArray, truth: IntArray) -> FloatArray:
    """Return (n,) 1 where a judge says what people say, else 0; NaN where people say nothing.

    A verdict that failed does not say what people say: a judge that fails on what is hard is not
    the better one. Its coverage is to be shown beside.

    Args:
        said: (n,) codes of the judge's verdicts, -1 without one.
        truth: (n,) codes of the people's, -1 where they have none.
    """
    return np.where(truth >= 0, (said == truth).astype(np.float64), np.nan)


NO_CHANGE = 0.05
"""Log of a temperature that is not worth writing down."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """How a judge did on the labels that choose.

    Args:
        name: Its name.
        share: Of the items that people decided, how many it says the same of.
        coverage: Of the same items, how many have a verdict of it.
        n: How many these are.
    """

    name: str
    share: float
    coverage: float
    n: int


def choose(
    said: Mapping[str, IntArray], truth: IntArray, chosen_by: Mask
) -> tuple[str, list[Candidate]]:
    """Return who says most often what people say, and how all of them did.

    Of several that do it equally often the first is taken: put the judge first that is to be kept
    unless another one is better.

    Args:
        said: Name of each candidate -> (n,) codes.
        truth: (n,) codes of the people's verdicts, -1 where they have none.
        chosen_by: (n,) the labels that choose; no other one is looked at.
    """
    inside = chosen_by & (truth >= 0)
    n = int(inside.sum())
    rows = []
    for name, codes in said.items():
        share = float(says_it(codes, truth)[inside].mean()) if n else 0.0
        coverage = float((codes[inside] >= 0).mean()) if n else 0.0
        rows.append(Candidate(name, share, coverage, n))
    return max(rows, key=lambda row: row.share).name, rows


@dataclass(frozen=True, slots=True)
class Gain:
    """Whether one judge is better than another.

    Args:
        before: Share of the items on which the judge says what people say.
        after: The same of the other one.
        gain: After less before, paired, with its 95% interval.
        won: Items on which only the other one says what people say.
        lost: Items on which only the first one does.
        coverage: Share of the items with a verdict, before and after.
    """

    before: Estimate
    after: Estimate
    gain: Estimate
    won: int
    lost: int
    coverage: tuple[float, float]

    @property
    def is_proven(self) -> bool:
        """Whether the interval of the gain lies above 0."""
        return self.gain.low is not None and self.gain.low > 0


def prove(
    before: IntArray, after: IntArray, truth: IntArray, clusters: IntArray, proven_by: Mask
) -> Gain:
    """Return how much more often one judge says what people say, on labels that chose nothing.

    The interval is the CR1 t-interval of the paired difference over prompts (Liang & Zeger 1986).
    Where fewer than ten prompts differ, neither end is farther from 0 than the exact interval of
    the share of these prompts that one of them wins allows (Clopper & Pearson 1934).

    Args:
        before: (n,) codes of the judge as it is, -1 without a verdict.
        after: (n,) codes of the one that was chosen.
        truth: (n,) codes of the people's verdicts, -1 where they have none.
        clusters: (n,) prompt of each.
        proven_by: (n,) the labels that were held back; no other one is looked at.
    """
    inside = proven_by & (truth >= 0)
    groups = clusters[inside].tolist()
    old, new = (says_it(codes, truth)[inside] for codes in (before, after))
    difference = new - old
    gain = clustered_mean(difference.tolist(), groups, (-1.0, 1.0))
    covered = [float((codes[inside] >= 0).mean()) if inside.any() else 0.0
               for codes in (before, after)]  # fmt: skip
    return Gain(
        clustered_mean(old.tolist(), groups),
        clustered_mean(new.tolist(), groups),
        _not_beyond(gain, difference, clusters[inside]),
        int((difference > 0).sum()),
        int((difference < 0).sum()),
        (covered[0], covered[1]),
    )


def _not_beyond(gain: Estimate, difference: FloatArray, clusters: IntArray) -> Estimate:
    """Widen an interval to what few prompts that differ can show."""
    if gain.low is None or gain.high is None:
        return gain
    _, group = np.unique(clusters, return_inverse=True)
    net = np.bincount(group, weights=difference, minlength=1)
    up, moved = int((net > 0).sum()), int((net != 0).sum())
    if not 0 < moved < FEW:
        return gain
    size = float(np.abs(net).sum()) / difference.size
    level = (1 - CONFIDENCE) / 2
    ends = (
        1 - clopper_pearson_upper(moved - up, moved, level),
        clopper_pearson_upper(up, moved, level),
    )
    low, high = ((2 * end - 1) * size for end in ends)
    return replace(gain, low=min(gain.low, low), high=max(gain.high, high))


@dataclass(frozen=True, slots=True)
class Calibration:
    """What makes stated probabilities say how often they are right.

    Args:
        temperature: By which their log-odds are divided; None leaves them.
        tie_margin: Nearer to one half than this, P(A) is a tie; 0 is none.
    """

    temperature: float | None = None
    tie_margin: float = 0.0

    def said(self, chances: FloatArray, a: int, b: int, tie: int) -> IntArray:
        """Return (n,) what P(A) of each order, (orders, n), amount to; -1 where one is unknown."""
        names = {"A": a, "B": b, "TIE": tie}
        t = self.temperature
        told = [
            -1 if np.isnan(one).any() else names[likelier(float(np.mean(
                [p if t is None else at_temperature(p, t) for p in one.tolist()]
            )), self.tie_margin)]
            for one in chances.T
        ]  # fmt: skip
        return np.array(told, dtype=np.int64)


def calibrated(chances: FloatArray, truth: IntArray, a: int, b: int, tie: int) -> Calibration:
    """Return the temperature and the margin of ties that fit labels which choose.

    The temperature makes what people decided likeliest. The margin is the smallest one with which
    the judge says most often what people say; none where it says so as often without.

    Args:
        chances: (orders, n) P(A), NaN without a verdict that states one.
        truth: (n,) codes of the people's verdicts, -1 where they have none.
        a: Code of A.
        b: Code of B.
        tie: Code of a tie.
    """
    known = ~np.isnan(chances).any(axis=0)
    decided = known & np.isin(truth, (a, b))
    of_side = np.where(truth[decided] == a, chances[:, decided], 1 - chances[:, decided]).ravel()
    sure, right = np.maximum(of_side, 1 - of_side), (of_side > 0.5).astype(np.float64)
    temperature = temperature_of(sure, right) if sure.size else None
    if temperature is not None:
        temperature = None if abs(np.log(temperature)) < NO_CHANGE else round(temperature, 3)
    inside = known & (truth >= 0)

    def share(margin: float) -> float:
        said = Calibration(temperature, margin).said(chances[:, inside], a, b, tie)
        return float((said == truth[inside]).mean()) if said.size else 0.0

    return Calibration(temperature, max((0.0, *MARGINS), key=share))

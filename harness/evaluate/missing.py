"""Responses without a score: what they could do to a difference, and when it cannot be decided.

Failures that hit bad answers more make a policy look better than it is, by as much as it fails more
often. Where the rates of two policies differ by more than two points, every response without a
score is put at the worst and at the best value (Horowitz & Manski 2000). Where they differ by less,
only as many of them are as one policy has more than the other: what both lose at the same rate is
taken to be lost in the same way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.statistics.arrays import FloatArray, IntArray
from harness.statistics.seeds import Grid, Seeded, alike, of_grids

FAR = 0.02
"""Rates of failures that differ by more than this are taken at the worst in full."""


@dataclass(frozen=True, slots=True)
class Side:
    """The responses of one policy to some items, of which each weighs alike.

    Args:
        table: Those that have a score, in [0, 1], by seed and item.
        lost: (k, items) how many have none.
        groups: (items,) cluster of each item, 0 ...; by default each is its own.
    """

    table: Grid
    lost: FloatArray
    groups: IntArray | None = None

    @property
    def failures(self) -> int:
        """How many have no score."""
        return round(float(self.lost.sum()))

    @property
    def rate(self) -> float:
        """Share of the responses without a score, each item weighing alike."""
        weights = alike(self.table.counts + self.lost)
        everything = float(((self.table.counts + self.lost) * weights).sum())
        return float((self.lost * weights).sum()) / everything if everything else 0.0

    @property
    def scored(self) -> Grid:
        """Those that have a score, by seed and cluster."""
        return self.filled(0.0, 0.0)

    def filled(self, value: float, share: float) -> Grid:
        """Return the table by seed and cluster in which a share of the lost ones has a value."""
        sums = self.table.sums + share * value * self.lost
        whole = Grid(sums, self.table.counts + share * self.lost, self.table.seeds)
        return self.grouped(whole, alike(self.table.counts + self.lost))

    def paired(self, kept: IntArray) -> Grid:
        """Return the table by seed and cluster of those with a score, over some items.

        Each of these weighs alike, however many of its responses have a score.
        """
        these = np.zeros(self.table.counts.shape[1])
        these[kept] = 1.0
        only = Grid(self.table.sums * these, self.table.counts * these, self.table.seeds)
        return self.grouped(only, alike(only.counts))

    def grouped(self, table: Grid, weights: FloatArray | None = None) -> Grid:
        """Return a table by seed and item summed by cluster, with a weight for each item."""
        items = table.counts.shape[1]
        groups = np.arange(items) if self.groups is None else self.groups
        return table.weighed(np.ones(items) if weights is None else weights, groups)


@dataclass(frozen=True, slots=True)
class Worst:
    """The difference at both ends of what responses without a score could do.

    Args:
        lowest: Where they go against the first policy.
        highest: Where they go for it.
        far: Whether all of them do, since the rates are far apart; else the surplus.
    """

    lowest: Seeded
    highest: Seeded
    far: bool

    @property
    def holds_zero(self) -> bool:
        """Whether no difference is possible."""
        low, high = self.lowest.estimate.low, self.highest.estimate.high
        return low is None or high is None or low <= 0 <= high

    def p(self, value: float) -> float:
        """Return the p-value of "no difference" at the end that is nearer to zero."""
        near = self.lowest.estimate if value > 0 else self.highest.estimate
        if near.value is None or near.p is None or near.value * value <= 0:
            return 1.0
        return near.p


@dataclass(frozen=True, slots=True)
class Missing:
    """Responses without a score in a difference.

    Args:
        policy: Of the first.
        base: Of the second.
        worst: What they could do, over seeds and prompts; None where the rates are the same.
        alone: The same over prompts.
    """

    policy: Side
    base: Side
    worst: Worst | None
    alone: Worst | None

    @property
    def tipping(self) -> float | None:
        """The mean that the lost ones of who lost more must have for no difference to be there.

        None where no value in [0, 1] does that; those of the other are as its scored ones are.
        """
        more, other = self.policy, self.base
        if other.rate > more.rate:
            more, other = other, more
        if not more.failures or not more.scored.size or not other.scored.size:
            return None
        found = (other.scored.mean - (1 - more.rate) * more.scored.mean) / more.rate
        return found if 0 <= found <= 1 else None

    @property
    def at_worst(self) -> list[float] | None:
        """The difference with all lost ones against the first policy, and with all for it.

        That is where they are lost for opposite reasons, however near the rates are.
        """
        if not self.policy.table.size or not self.base.table.size:
            return None
        return [
            self.policy.filled(value, 1.0).mean - self.base.filled(1 - value, 1.0).mean
            for value in (0.0, 1.0)
        ]

    def row(self) -> dict[str, Any]:
        """Return what stands in report.json."""
        bounds = None
        if self.worst is not None:
            low, high = self.worst.lowest.estimate, self.worst.highest.estimate
            bounds = {"low": low.low, "high": high.high, "values": [low.value, high.value]}
        return {
            "policy": self.policy.failures,
            "base": self.base.failures,
            "rates": {"policy": self.policy.rate, "base": self.base.rate},
            "far": self.worst is not None and self.worst.far,
            "bounds": bounds,
            "at_worst": self.at_worst,
            "tipping": self.tipping,
        }


def missing(
    policy: Side,
    base: Side,
    trained: tuple[bool, bool] = (True, True),
    bounds: tuple[float, float] = (-1.0, 1.0),
) -> Missing | None:
    """Return what responses without a score could do to a difference; None where there is none.

    Args:
        policy: The first.
        base: The second, over the same clusters.
        trained: Whether the seeds of each are trainings.
        bounds: Smallest and largest possible difference.
    """
    if not policy.failures and not base.failures:
        return None
    gap = policy.rate - base.rate
    if gap == 0:
        return Missing(policy, base, None, None)
    far = abs(gap) > FAR
    mine = 1.0 if far else max(0.0, gap) / (policy.rate or 1.0)
    theirs = 1.0 if far else max(0.0, -gap) / (base.rate or 1.0)

    def at(value: float) -> Seeded:
        sides = policy.filled(value, mine), base.filled(1 - value, theirs)
        return of_grids(*sides, bounds, trained=trained)

    worst = Worst(at(0.0), at(1.0), far)
    return Missing(policy, base, worst, Worst(worst.lowest.alone(), worst.highest.alone(), far))

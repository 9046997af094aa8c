"""Does agreement that was measured before a training hold on what the policy writes after it?"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.statistics.estimate import Estimate
from harness.statistics.intervals import (
    clustered_difference,
    clustered_mean,
    holm,
    t_quantile,
)

Outcome = Literal["valid", "fallen", "undecided"]

MARGIN = 0.10
"""Fall of the share of agreement, from 0 to 1, that still counts as none."""

LEVEL = 0.90
"""Confidence of the interval of a fall: 5% on each side."""


@dataclass(frozen=True, slots=True)
class Agreed:
    """Verdicts of a source that people judged too.

    Args:
        right: Whether the source says what people say, of each item that both decide.
        clusters: The prompt of each; prompts that stand before and after are paired by their name.
    """

    right: Sequence[bool]
    clusters: Sequence[Hashable]


@dataclass(frozen=True, slots=True)
class Transport:
    """What became of a source's agreement with people.

    Args:
        outcome: "valid" (the fall is shown to be below the margin), "fallen" (it is shown to be
            above 0 and not to be below the margin) or "undecided".
        before: Share of agreement on responses of the policy before training, with 95% interval.
        after: The same on responses of the trained policy.
        fall: Before less after, with a 90% interval: 5% on each side.
        p: One-sided, of "it did not fall"; None without an interval.
        more: Further labels of responses after training that would decide, if the fall stays what
            it is; None where it is decided, and where the labels before are too few for that.
        margin: Fall that still counts as none.
    """

    outcome: Outcome
    before: Estimate
    after: Estimate
    fall: Estimate
    p: float | None
    more: int | None
    margin: float

    @property
    def sentence(self) -> str:
        """The outcome in one sentence."""
        if self.outcome == "valid":
            return "this reward was still valid at the end"
        if self.outcome == "fallen":
            return "this reward was no longer valid at the end"
        if self.more is None:
            return "not decidable: too few labels of responses before training"
        return f"not decidable: {self.more} more labels"


def transport(before: Agreed, after: Agreed, margin: float = MARGIN) -> Transport:
    """Compare a source's agreement with people before and after a training.

    A fall is shown where its one-sided 95% lower bound is above 0, that it is small where its upper
    bound is below the margin (non-inferiority, the confidence interval form; Piaggio et al. 2012,
    JAMA 308:2594). Prompts are the units, paired where they stand on both sides.

    Args:
        before: Verdicts on responses of the policy before training.
        after: Verdicts on responses of the trained policy.
        margin: Fall that still counts as none, above 0.
    """
    sides = [([float(x) for x in side.right], list(side.clusters)) for side in (before, after)]
    fall = clustered_difference(*sides[0], *sides[1], confidence=LEVEL)
    first, last = (clustered_mean(*side) for side in sides)
    p = None if fall.p is None or fall.value is None else _one_sided(fall.p, fall.value)
    outcome: Outcome = "undecided"
    if fall.low is not None and fall.high is not None:
        outcome = "valid" if fall.high < margin else "fallen" if fall.low > 0 else "undecided"
    more = _more(first, fall, len(after.right), margin) if outcome == "undecided" else None
    return Transport(outcome, first, last, fall, p, more, margin)


def valid_until(looks: Mapping[int, Transport]) -> tuple[int | None, int | None]:
    """Return the last step that a reward was shown to be valid, and the first where it had fallen.

    Falls are tested at every look, so their p-values are adjusted for the number of looks
    (Holm 1979). A look after the first fall makes nothing valid again.

    Args:
        looks: What became of the agreement, by the step of the checkpoint.
    """
    steps = sorted(looks)
    adjusted = dict(zip(steps, holm([looks[step].p for step in steps]), strict=True))
    fallen = [
        step for step in steps
        if looks[step].outcome == "fallen" and (adjusted[step] or 0) <= (1 - LEVEL) / 2
    ]  # fmt: skip
    first = fallen[0] if fallen else None
    valid = [s for s in steps if looks[s].outcome == "valid" and (first is None or s < first)]
    return valid[-1] if valid else None, first


def _one_sided(p: float, value: float) -> float:
    return p / 2 if value > 0 else 1 - p / 2


def _more(before: Estimate, fall: Estimate, n: int, margin: float) -> int | None:
    """Return the labels after training that are missing until one end of the interval decides."""
    ends = fall.value, fall.low, fall.high, before.low, before.high
    if not n or any(one is None for one in ends):
        return None
    value, low, high, least, most = (float(one or 0) for one in ends)
    quantile = t_quantile(fall.clusters - 1, LEVEL)
    now = (high - low) / 2 / quantile
    fixed = (most - least) / 2 / t_quantile(before.clusters - 1)
    wanted = (max(value, margin - value) / quantile) ** 2 - fixed**2
    if wanted <= 0:
        return None
    of_after = max(now**2 - fixed**2, 0.0)  # shrinks as 1 / n; prompts in common make it smaller
    return max(1, math.ceil(n * of_after / wanted) - n)

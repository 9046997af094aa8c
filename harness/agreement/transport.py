"""Does agreement that was measured before a training hold on what the policy writes after it?"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from harness.nouns.counted import counted
from harness.statistics.estimate import Estimate
from harness.statistics.intervals import (
    clustered_difference,
    clustered_mean,
    t_quantile,
)

Outcome = Literal["valid", "fallen", "undecided"]

MARGIN = 0.10
"""Fall of the share of agreement, from 0 to 1, that still counts as none."""

MOST = 10_000_000
"""Labels that nobody has: where they would not decide, no labels after training do."""

FEWEST = 5
"""Prompts on each side below which nothing is decided: their spread says nothing."""

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
        return sentence_of(self.outcome, self.more, self.after.value is not None)


def sentence_of(outcome: Outcome, more: int | None, observed: bool) -> str:
    """Return an outcome in one sentence, of the numbers that a report holds.

    Args:
        outcome: What became of the agreement.
        more: Further labels after training that would decide.
        observed: Whether any verdict on what the trained policy wrote was held against people;
            without one the labels are counted as if they agreed as those before training do.
    """
    if outcome == "valid":
        return "this reward was still valid at the end"
    if outcome == "fallen":
        return "this reward was no longer valid at the end"
    if more is None:
        return "not decidable: too few labels of responses before training"
    if not observed:
        return (
            f"not decidable: {counted(more, 'label')} if agreement stays what it was before"
            " training, and nothing was seen of it since"
        )
    return f"not decidable: {counted(more, 'more label')}"


def transport(before: Agreed, after: Agreed, margin: float = MARGIN) -> Transport:
    """Compare a source's agreement with people before and after a training.

    A fall is shown where its one-sided 95% lower bound is above 0, that it is small where its upper
    bound is below the margin (non-inferiority, the confidence interval form; Piaggio et al. 2012,
    JAMA 308:2594). Prompts are the units, paired where they stand on both sides. The interval is
    that of a verdict more that is right and one that is wrong, on each side (Agresti & Caffo 2000),
    with the degrees of freedom of the side with fewer prompts: without them a few labels, or a
    share near 1, call a reward valid too often. With fewer than five prompts on a side nothing is
    decided.

    Args:
        before: Verdicts on responses of the policy before training.
        after: Verdicts on responses of the trained policy.
        margin: Fall that still counts as none, above 0.
    """
    sides = [([float(x) for x in side.right], list(side.clusters)) for side in (before, after)]
    first, last = (clustered_mean(*side) for side in sides)
    fall = clustered_difference(*sides[0], *sides[1], confidence=LEVEL)
    wider = [_with_two(*side, name) for side, name in zip(sides, ("before", "after"), strict=True)]
    found = clustered_difference(*wider[0], *wider[1], None, LEVEL)
    units = len(set(wider[0][1])), len(set(wider[1][1]))
    value, low, high = (float(end or 0) for end in (found.value, found.low, found.high))
    error = (high - low) / 2 / t_quantile(found.clusters - 1, LEVEL)
    if fall.value is None:
        more = _more(wider[0], first, 0, error, units, margin) if not sides[1][0] else None
        return Transport("undecided", first, last, fall, None, more, margin)
    from scipy.special import stdtr

    degrees = min(units) - 1
    half = t_quantile(degrees, LEVEL) * error
    p = float(stdtr(degrees, -value / error))
    fall = replace(
        fall, low=max(-1.0, value - half), high=min(1.0, value + half), p=2 * min(p, 1 - p)
    )
    outcome = _outcome(value - half, value + half, margin)
    if min(units) - 2 < FEWEST:
        outcome = "undecided"
    more = None
    if outcome == "undecided":
        more = _more(wider[0], last, len(after.right), error, units, margin)
    return Transport(outcome, first, last, fall, p, more, margin)


def _with_two(
    right: Sequence[float], clusters: Sequence[Hashable], name: str
) -> tuple[list[float], list[Hashable]]:
    """Return verdicts and prompts with one more that is right, and one more that is wrong."""
    return [*right, 1.0, 0.0], [*clusters, (name, "right"), (name, "wrong")]


def _outcome(low: float, high: float, margin: float) -> Outcome:
    return "valid" if high < margin else "fallen" if low > 0 else "undecided"


def _more(
    before: tuple[Sequence[float], Sequence[Hashable]],
    after: Estimate,
    n: int,
    error: float,
    units: tuple[int, int],
    margin: float,
) -> int | None:
    """Return the labels after training that are missing until one end of the interval decides.

    Args:
        before: Verdicts before training and their prompts, those two more among them.
        after: Share of agreement after training, of ``n`` verdicts; without any that before it,
            and each label tells as much as one before.
        n: Their count.
        error: Standard error of the fall.
        units: Prompts before and after, with those two on each side.
        margin: Fall that still counts as none.
    """
    first = clustered_mean(*before, bounds=None)
    if first.low is None or first.high is None or after.value is None:
        return None
    share, said = float(first.value or 0), after.value
    fixed = ((first.high - first.low) / 2 / t_quantile(first.clusters - 1)) ** 2

    def variance(labels: int) -> float:
        value = (labels * said + 1) / (labels + 2)
        return value * (1 - value) / (labels + 2)

    spread = max(error**2 - fixed, 0.0) / variance(n) if n else fixed / variance(len(before[0]) - 2)

    def decides(labels: int) -> bool:
        value = share - (labels * said + 1) / (labels + 2)
        prompts = min(units[0], units[1] + labels - n)
        degrees = prompts - 1
        half = t_quantile(degrees, LEVEL) * math.sqrt(fixed + spread * variance(labels))
        found = _outcome(value - half, value + half, margin)
        return found != "undecided" and prompts - 2 >= FEWEST

    if not decides(MOST):
        return None
    step = 1
    while not decides(n + step):
        step *= 2
    under, over = n + step // 2, n + step
    while over - under > 1:
        middle = (under + over) // 2
        under, over = (under, middle) if decides(middle) else (middle, over)
    return over - n

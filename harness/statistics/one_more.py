"""What one more prompt of the worst kind would do to a difference.

A policy that is a little better at most prompts and breaks at few has a spread, and so an interval,
only where prompts at which it breaks were drawn. Where none or one was, the t-interval is far too
narrow (skewed data; Hall 1992, "On the removal of skewness by transformation"). So a claim has to
stand with one prompt (cluster) more, at which the difference is as far to the other side as the
scale lets it be. With a mean v and its variance V over G clusters and one more of d, the mean is

    v' = (G v + d) / (G + 1),    V' = V (G - 1) / (G + 1) + ((d - v) / (G + 1))^2

with G degrees of freedom: the mean and variance of G + 1 values. Where clusters are unlike in size
that one is as large as they are on average, and there is one degree more than the variance has.
Without any spread it asks for G v > 1 + t (1 + v): at 5%, for a difference of 3 points over 100
prompts. It is a guard, not a bound: what breaks once in more prompts than there are can pass.
"""

from __future__ import annotations

import math

from harness.statistics.intervals import t_quantile, two_sided
from harness.statistics.seeds import POWER, Part, Seeded

REACH = 1.0
"""How far a difference of two scores on the unit scale can be from 0. Scores are on it by the
ends of the evaluator's declared scale; one without both ends is refused."""

HALVINGS = 40


def p_with_one_more(found: Seeded, reach: float = REACH) -> float | None:
    """Return the p-value of "no difference" with one more prompt, at the worst for the value.

    None where there is no interval over prompts.

    Args:
        found: The difference.
        reach: How far from 0 that of one prompt can be.
    """
    value = found.estimate.value
    if value is None or found.estimate.low is None:
        return None
    moved, error, degrees = _with(value, found, -math.copysign(reach, value))
    return two_sided(moved, error, degrees) if moved * value > 0 else 1.0


def p_beyond_with_one_more(found: Seeded, margin: float, reach: float = REACH) -> float | None:
    """Return the p-value of "not within the margin" with one more prompt, at the worse end.

    None where there is no interval over prompts.
    """
    value = found.estimate.value
    if value is None or found.estimate.low is None:
        return None
    worst = 0.0
    for end in (-1.0, 1.0):
        moved, error, degrees = _with(value, found, end * reach)
        inside = margin - end * moved
        worst = max(worst, two_sided(inside, error, degrees) / 2 if inside > 0 else 1.0)
    return worst


def least_with_one_more(found: Seeded, level: float, reach: float = REACH) -> float | None:
    """Return the smallest true difference that power .8 finds with one more prompt against it.

    None where no difference on the scale does, or there is no interval.

    Args:
        found: The difference, of which the variance over prompts is taken.
        level: Of the two-sided test.
        reach: How far from 0 that of one prompt can be.
    """
    if found.estimate.value is None or found.estimate.low is None:
        return None
    groups, (error, _) = found.estimate.clusters, _over_prompts(found)
    at, by_luck = (t_quantile(found.effective, share) for share in (1 - level, 2 * POWER - 1))

    def falls_short(size: float) -> bool:
        moved, wide, _ = _with(size, found, -reach)
        return moved < at * wide + by_luck * error * groups / (groups + 1)

    low, high = 0.0, reach
    if falls_short(high):
        return None
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if falls_short(middle) else (low, middle)
    return high


def _over_prompts(found: Seeded) -> Part:
    return found.prompts[0] if found.prompts else (0.0, 0.0)


def _with(value: float, found: Seeded, worst: float) -> tuple[float, float, float]:
    """Return mean, standard error and degrees of freedom with one more prompt."""
    groups, (error, _) = found.estimate.clusters, _over_prompts(found)
    moved = (groups * value + worst) / (groups + 1)
    variance = error**2 * (groups - 1) / (groups + 1) + ((worst - value) / (groups + 1)) ** 2
    return moved, math.sqrt(variance), found.effective

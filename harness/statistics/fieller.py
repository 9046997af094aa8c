"""Ratios of two estimates, such as dollars for each point gained, with Fieller's interval."""

from __future__ import annotations

import math
from dataclasses import replace

from harness.statistics.estimate import Estimate

HOLDS_ZERO = "undefined: the interval of what is divided by holds 0"


def ratio_of(above: Estimate, below: Estimate, shared: float = 0.0) -> Estimate:
    """Return above / below with Fieller's interval (Fieller 1954, JRSS B 16:175).

    The interval is every ratio r for which ``above - r * below`` cannot be told from 0. With the
    half widths A and B of both intervals, and their shared part C (the square of the t-quantile
    times the covariance), it solves ``(a - r b)^2 <= A^2 - 2 r C + r^2 B^2``. Where the interval of
    ``below`` holds 0 every large ratio is among them, upwards and downwards, and there is no value.

    Args:
        above: Its value; where it has no interval it is taken as known, such as a bill.
        below: Its value with its interval; of an uneven one the half towards 0 counts, unless
            ``above`` is known: then its ends are divided by.
        shared: C, 0 where the two have nothing to do with each other.

    Returns:
        No value, with the reason, where one of both is missing or the lower may be 0.
    """
    a, b = above.value, below.value
    if a is None or b is None:
        return Estimate(None, reason=(above if a is None else below).reason or "not known")
    found = Estimate(None, n=below.n, clusters=below.clusters)
    if below.low is None or below.high is None:
        return replace(found, reason=f"undefined: {below.reason or 'no interval of the gain'}")
    if below.low <= 0 <= below.high:
        return replace(found, reason=HOLDS_ZERO)
    if above.low is None or above.high is None:
        ends = sorted((a / below.low, a / below.high))
        return replace(found, value=a / b, low=ends[0], high=ends[1])
    half_a = max(above.high - a, a - above.low)
    half_b = b - below.low if b > 0 else below.high - b
    width = b * b - half_b * half_b
    middle = a * b - shared
    root = math.sqrt(max(0.0, middle * middle - (a * a - half_a * half_a) * width))
    return replace(found, value=a / b, low=(middle - root) / width, high=(middle + root) / width)

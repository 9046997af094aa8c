"""Fieller's interval of a ratio, by hand, by its definition and by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from harness.statistics.estimate import Estimate
from harness.statistics.fieller import HOLDS_ZERO, ratio_of


def known(value: float | None) -> Estimate:
    return Estimate(value, reason="" if value is not None else "nobody knows")


def within(value: float, half: float) -> Estimate:
    return Estimate(value, value - half, value + half)


def test_by_hand() -> None:
    # A bill of 10 over a gain of 2 (1 to 3).
    found = ratio_of(known(10), within(2, 1))
    assert (found.value, found.low, found.high) == (5, pytest.approx(10 / 3), 10)
    # g = 1/4, middle 5 / (1 - g) = 20/3, half sqrt(9 + 25 - g 9) / (2 (1 - g)) = sqrt(31.75) / 1.5
    found = ratio_of(within(10, 3), within(2, 1))
    half = math.sqrt(31.75) / 1.5
    assert (found.low, found.high) == pytest.approx((20 / 3 - half, 20 / 3 + half))
    # The same with covariance 1.5: middle (20 - 1.5) / 3, root sqrt(18.5^2 - 91 * 3) / 3
    found = ratio_of(within(10, 3), within(2, 1), shared=1.5)
    root = math.sqrt(18.5**2 - 91 * 3) / 3
    assert (found.low, found.high) == pytest.approx((18.5 / 3 - root, 18.5 / 3 + root))


@pytest.mark.parametrize("a", [-4.0, 0.0, 7.0])
@pytest.mark.parametrize("b", [-2.0, 5.0])
def test_the_ends_solve_the_equation(a: float, b: float) -> None:
    found = ratio_of(within(a, 1.5), within(b, 0.8))
    assert found.low is not None and found.high is not None and found.value == a / b
    assert found.low < a / b < found.high
    for end in (found.low, found.high):
        assert (a - end * b) ** 2 == pytest.approx(1.5**2 + (end * 0.8) ** 2)


@pytest.mark.parametrize(
    ("above", "below", "reason"),
    [
        (known(10), within(1, 1), HOLDS_ZERO),
        (known(10), within(0.5, 1), HOLDS_ZERO),
        (within(10, 1), Estimate(2.0, -0.5, 4.5), HOLDS_ZERO),
        (known(10), known(2), "undefined: no interval of the gain"),
        (known(None), within(2, 1), "nobody knows"),
        (known(10), known(None), "nobody knows"),
    ],
)
def test_what_is_not_defined(above: Estimate, below: Estimate, reason: str) -> None:
    found = ratio_of(above, below)
    assert (found.value, found.low, found.high, found.reason) == (None, None, None, reason)


def test_an_uneven_interval_is_divided_by_as_it_is() -> None:
    found = ratio_of(known(6), Estimate(2.0, 1.0, 2.5))
    assert (found.low, found.value, found.high) == (pytest.approx(2.4), 3, 6)
    assert ratio_of(within(6, 1), Estimate(2.0, 0.5, 4.5)) == ratio_of(within(6, 1), within(2, 1.5))
    found = ratio_of(known(6), Estimate(-2.0, -3.0, -1.0))
    assert (found.low, found.value, found.high) == (-6, -3, -2)


def test_it_covers_the_true_ratio() -> None:
    draw = np.random.default_rng(4)
    hits = 0
    for a, b in zip(draw.normal(10, 1.5, 2000), draw.normal(4, 1, 2000), strict=True):
        found = ratio_of(within(a, 1.96 * 1.5), within(b, 1.96 * 1))
        if found.low is None or found.high is None:
            hits += 1  # every large ratio is in it, so the true one is as often as it may be
        else:
            hits += found.low <= 2.5 <= found.high
    assert 0.93 < hits / 2000 < 0.98

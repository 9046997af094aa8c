"""Gao et al.'s forms: the coefficients that made the looks come back, with intervals that hold."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from harness.statistics.overoptimisation import Fit, Point, fit_forms

FORMS: dict[str, Callable[[float, float, float], float]] = {
    "rl": lambda d, a, b: d * (a - b * math.log(d)),
    "best_of_n": lambda d, a, b: d * (a - b * d),
}


def made(
    form: str, alpha: float, beta: float, noise: float = 0.0, seed: int = 0, furthest: float = 3.0
) -> Fit:
    """Ten looks at 60 prompts in 30 clusters."""
    dice = np.random.default_rng(seed)
    points = []
    for d in np.linspace(0.1, furthest, 10):
        gain = FORMS[form](float(d), alpha, beta)
        gains = gain + noise * dice.normal(size=60)
        points.append(Point(float(d), {str(n): float(gain) for n, gain in enumerate(gains)}))
    return fit_forms(points, {str(n): n // 2 for n in range(60)})


@pytest.mark.parametrize("form", FORMS)
def test_what_made_the_looks_comes_back(form: str) -> None:
    fit = made(form, 0.6, 0.3)
    found = fit.forms[form]
    assert (found.alpha.value, found.beta.value) == pytest.approx((0.6, 0.3))
    assert found.misfit == pytest.approx(0, abs=1e-6)
    assert found.peak.value == pytest.approx(math.e if form == "rl" else 1.0)
    assert fit.fits == form
    assert (fit.looks, fit.prompts, fit.furthest) == (10, 30, pytest.approx(3.0))


@pytest.mark.parametrize("form", FORMS)
def test_intervals_hold_what_made_the_looks(form: str) -> None:
    """95% of 200 hold alpha, beta and the peak; below 91% have a chance of 1 in 100."""
    place = math.exp(0.6 / 0.4 - 1) if form == "rl" else 0.75
    held = np.zeros(3)
    for seed in range(200):
        found = made(form, 0.6, 0.4, 0.6, seed).forms[form]
        for index, (one, true) in enumerate(
            ((found.alpha, 0.6), (found.beta, 0.4), (found.peak, place))
        ):
            held[index] += one.low is not None and one.low <= true <= (one.high or -1)
    assert (held >= 182).all(), held


def test_forms_that_noise_hides_are_either_and_others_neither() -> None:
    assert made("rl", 0.3, 0.05, 2.0).fits == "either"
    dice = np.random.default_rng(1)
    wave = [
        Point(d, {str(n): math.sin(4 * d) + 0.1 * dice.normal() for n in range(40)})
        for d in np.linspace(0.1, 3, 10).tolist()
    ]
    fit = fit_forms(wave, {})
    assert (fit.fits, fit.peak) == ("neither", None)


def test_a_peak_is_told_only_where_it_was_looked_at() -> None:
    assert made("best_of_n", 0.6, 0.3, 0.2).peak is not None  # at 1 of 3
    assert made("best_of_n", 0.6, 0.3, 0.2, furthest=0.9).peak is None  # beyond the last look
    assert made("best_of_n", 0.6, 0.0, 0.2).peak is None  # it only rises
    assert made("best_of_n", -0.2, 0.1, 0.2).peak is None  # it only falls


def test_too_few_looks_or_prompts_fit_nothing() -> None:
    many = {str(n): 0.1 * n for n in range(20)}
    for points, reason in (
        ([], "0 of the 5 looks"),
        ([Point(0.5, many)] * 4 + [Point(0.0, many)], "4 of the 5 looks"),
        ([Point(0.1 * n, {"a": 1.0}) for n in range(1, 9)], "1 of the 10 independent prompts"),
        ([Point(0.5, many)] * 6, "one distance"),
    ):
        fit = fit_forms(points, {})
        assert (fit.forms, fit.fits, fit.peak) == ({}, "", None)
        assert reason in fit.reason and fit.as_row()["peak"] is None

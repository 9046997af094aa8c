"""The interval over seeds and prompts: ends known exactly, and a plain nested bootstrap."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import numpy as np
import pytest

from harness.statistics.resample import seed_interval

Seeds = dict[int, dict[str, list[float]]]


def constant(means: Sequence[float], prompts: int = 2) -> Seeds:
    """Seeds that have one mean on every prompt."""
    return {seed: {f"p{n}": [mean] for n in range(prompts)} for seed, mean in enumerate(means)}


def test_two_prompts_are_drawn_one_at_a_time() -> None:
    # Of two prompts one is drawn: every replicate is .2 or (.7 + .9) / 2.
    seeds: Seeds = {seed: {"p": [0.2], "q": [0.7, 0.9]} for seed in (5, 1, 3)}
    assert seed_interval(seeds) == pytest.approx((0.2, 0.8))


def test_three_prompts_are_drawn_two_at_a_time() -> None:
    # 0, 0, .9 by prompt: the mean of two draws is 0 in 4, .45 in 4 and .9 in 1 of 9 cases.
    seeds: Seeds = {s: {"p": [0.0], "q": [0.0], "r": [0.9]} for s in range(3)}
    assert seed_interval(seeds) == pytest.approx((0.0, 0.9))
    assert seed_interval(seeds, confidence=0.5) == pytest.approx((0.0, 0.45))


def test_three_seeds_are_drawn_two_at_a_time() -> None:
    # .1, .25, .4, .5, .65, .9 with chances 1, 2, 1, 2, 2, 1 of 9.
    seeds = constant([0.1, 0.4, 0.9])
    assert seed_interval(seeds) == pytest.approx((0.1, 0.9))
    assert seed_interval(seeds, confidence=0.5) == pytest.approx((0.25, 0.65))


def test_observations_count_not_cells() -> None:
    # Seeds with 3 right answers, 1 wrong and 1 wrong to each prompt: 0, 3/4 or 1 (4, 4, 1 of 9).
    seeds: Seeds = {0: {"p": [1.0] * 3, "q": [1.0] * 3}} | {
        s: {"p": [0.0], "q": [0.0]} for s in (1, 2)
    }
    assert seed_interval(seeds, confidence=0.2) == pytest.approx((0.0, 0.75))


def test_both_sides_have_the_same_prompts() -> None:
    easy: Seeds = {s: {f"p{n}": [n / 10] for n in range(10)} for s in range(3)}
    easier: Seeds = {s: {f"p{n}": [n / 10 + 0.07] for n in range(10)} for s in range(2)}
    assert seed_interval(easier | {2: easier[0]}, easy) == pytest.approx((0.07, 0.07))
    assert seed_interval(easy, easier) == pytest.approx((-0.07, -0.07))


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        ([0.2], (0.1 - 0.2, 0.9 - 0.2)),  # one seed stays as it is
        ([0.0, 0.3], (0.1 - 0.3, 0.9)),  # of two, one is drawn: the ends have chance 1/18
    ],
)
def test_the_other_side_may_have_fewer_seeds(
    base: list[float], expected: tuple[float, float]
) -> None:
    assert seed_interval(constant([0.1, 0.4, 0.9]), constant(base)) == pytest.approx(expected)


def test_nothing_is_said_of_too_little() -> None:
    three = constant([0.1, 0.4, 0.9])
    assert seed_interval(constant([0.1, 0.9])) is None
    assert seed_interval(constant([0.1, 0.9]), three) is None
    assert seed_interval(constant([0.1, 0.4, 0.9], prompts=1)) is None
    assert seed_interval(three, {}) is None
    assert seed_interval({}) is None


def test_replicates_without_an_observation_are_left_out() -> None:
    # 9 of 10 prompts are drawn; one that matters is among them with chance 1 - .9^9 = .61, two
    # with 1 - 2 * .9^9 + .8^9 = .36.
    others: dict[str, list[float]] = {f"p{n}": [] for n in range(10)}
    one: Seeds = {s: others | {"p3": [value]} for s, value in enumerate((0.1, 0.4, 0.9))}
    two: Seeds = {0: others | {"p7": [0.2]}}
    assert seed_interval(one) == pytest.approx((0.1, 0.9))
    assert seed_interval(one, {0: one[0]}) == pytest.approx((0.0, 0.8))
    assert seed_interval(one, two) is None


def test_the_seed_and_the_replicates_decide() -> None:
    rng = random.Random(4)
    seeds: Seeds = {s: {f"p{n}": [rng.random()] for n in range(20)} for s in range(4)}
    assert seed_interval(seeds) == seed_interval(seeds, replicates=2000, random_seed=0)
    assert seed_interval(seeds) == seed_interval(seeds, confidence=0.95)
    found = {
        seed_interval(seeds),
        seed_interval(seeds, random_seed=1),
        seed_interval(seeds, replicates=2001),
    }
    assert len(found) == 3


def test_the_interval_is_that_of_a_nested_bootstrap() -> None:
    rng = np.random.default_rng(2)
    ease = rng.normal(0.5, 0.3, 15)

    def side(count: int, gain: float) -> Seeds:
        return {
            s: {
                f"p{n}": list(ease[n] + luck + rng.normal(gain, 0.1, rng.integers(1, 4)))
                for n in range(15)
                if rng.random() < 0.9
            }
            for s, luck in enumerate(rng.normal(0, 0.1, count))
        }

    a, b = side(5, 0.2), side(4, 0.0)
    drawn = []
    for _ in range(3000):
        prompts = [f"p{n}" for n in rng.integers(0, 15, 14)]
        means = []
        for cells in (a, b):
            picked = rng.integers(0, len(cells), len(cells) - 1)
            means.append(
                np.mean([v for s in picked for p in prompts for v in cells[int(s)].get(p, [])])
            )
        drawn.append(means[0] - means[1])
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert seed_interval(a, b, replicates=10_000) == pytest.approx((low, high), abs=0.015)
    assert high - low > 0.2


def test_the_interval_is_wider_when_seeds_differ() -> None:
    def width(shares: list[float]) -> float:
        low, high = seed_interval(
            {
                seed: {f"p{i}": [float(i < share * 50)] for i in range(50)}
                for seed, share in enumerate(shares)
            }
        ) or (math.nan, math.nan)
        return high - low

    assert width([0.2, 0.5, 0.8]) > 1.5 * width([0.5, 0.5, 0.5])


def test_the_width_is_that_of_the_standard_error_of_the_seed_mean() -> None:
    """With no spread inside seeds, the width follows sd / sqrt(seeds), not sd / sqrt(seeds) less
    the factor (seeds - 1) / seeds of a plain bootstrap."""
    rng = random.Random(0)
    means = [rng.gauss(0.5, 0.1) for _ in range(12)]
    low, high = seed_interval(constant(means, prompts=5), replicates=20000) or (0.0, 0.0)
    mean = sum(means) / 12
    error = math.sqrt(sum((m - mean) ** 2 for m in means) / 11 / 12)
    assert high - low == pytest.approx(2 * 1.96 * error, rel=0.03)

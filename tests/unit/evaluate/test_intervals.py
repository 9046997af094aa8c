"""Intervals against closed forms, statsmodels and simulation."""

from __future__ import annotations

import math
import random

import pytest

from harness.intervals import (
    clustered_difference,
    clustered_mean,
    holm,
    seed_interval,
    wilson,
)


def test_wilson_golden() -> None:
    assert wilson(81, 263) == pytest.approx((0.25529, 0.36621), abs=5e-6)


def test_wilson_has_width_at_the_ends() -> None:
    low, high = wilson(30, 30)
    assert low == pytest.approx(30 / (30 + 1.959964**2), abs=1e-6)
    assert high == 1.0
    assert wilson(0, 30) == pytest.approx((1 - high, 1 - low))


@pytest.mark.parametrize(("successes", "n"), [(1, 0), (-1, 5), (6, 5)])
def test_wilson_refuses_nonsense(successes: int, n: int) -> None:
    with pytest.raises(ValueError, match="successes"):
        wilson(successes, n)


def _sample(seed: int, prompts: int = 40) -> tuple[list[float], list[str]]:
    rng = random.Random(seed)
    values, clusters = [], []
    for prompt in range(prompts):
        ease = rng.random()
        for _ in range(rng.randint(1, 5)):
            values.append(float(rng.random() < ease))
            clusters.append(f"p{prompt}")
    return values, clusters


def test_clustered_mean_is_statsmodels_cr1_with_t() -> None:
    sm = pytest.importorskip("statsmodels.api")
    values, clusters = _sample(1)
    codes = [int(name[1:]) for name in clusters]
    fit = sm.OLS(values, [1.0] * len(values)).fit(
        cov_type="cluster", cov_kwds={"groups": codes}, use_t=True
    )
    low, high = fit.conf_int()[0]
    estimate = clustered_mean(values, clusters)
    assert estimate.value == pytest.approx(fit.params[0])
    assert (estimate.low, estimate.high) == pytest.approx((low, high))
    assert (estimate.n, estimate.clusters) == (len(values), 40)


def test_repeating_every_observation_adds_no_information() -> None:
    values, clusters = _sample(2)
    once = clustered_mean(values, clusters)
    thrice = clustered_mean(values * 3, clusters * 3)
    assert (thrice.low, thrice.high) == pytest.approx((once.low, once.high))


def test_no_spread_gives_the_wilson_interval_of_the_clusters() -> None:
    estimate = clustered_mean([1.0] * 60, [i // 2 for i in range(60)])
    assert (estimate.low, estimate.high) == pytest.approx(wilson(30, 30))


def test_balanced_difference_is_the_one_sample_t_test_of_prompt_differences() -> None:
    from scipy import stats

    rng = random.Random(3)
    a = [rng.random() for _ in range(25)]
    b = [x + rng.gauss(0.1, 0.2) for x in a]
    prompts = list(range(25))
    expected = stats.ttest_rel(a, b)
    estimate = clustered_difference(a, prompts, b, prompts, bounds=None)
    interval = expected.confidence_interval()
    assert estimate.p == pytest.approx(expected.pvalue)
    assert (estimate.low, estimate.high) == pytest.approx((interval.low, interval.high))


def test_difference_without_spread() -> None:
    prompts = list(range(20))
    same = clustered_difference([1.0] * 20, prompts, [1.0] * 20, prompts)
    assert (same.value, same.p) == (0.0, 1.0)
    assert same.low is not None and same.high is not None and same.low < 0 < same.high
    all_better = clustered_difference([1.0] * 20, prompts, [0.0] * 20, prompts)
    assert all_better.p == pytest.approx(2**-19)
    assert all_better.high == 1.0


def test_interval_stays_inside_the_bounds() -> None:
    estimate = clustered_mean([1.0] * 19 + [0.0], list(range(20)))
    assert estimate.high == 1.0


def test_nothing_and_one_cluster_say_why() -> None:
    assert clustered_mean([], []).reason == "no observations"
    single = clustered_mean([0.0, 1.0], ["p", "p"])
    assert (single.value, single.low) == (0.5, None)
    assert "one cluster" in single.reason


def test_seed_interval_needs_three_seeds() -> None:
    cell = {f"p{i}": [float(i % 2)] for i in range(30)}
    assert seed_interval({0: cell, 1: cell}) is None
    assert seed_interval({0: cell, 1: cell, 2: cell}) is not None


def test_seed_interval_is_wider_when_seeds_differ() -> None:
    def cells(shares: list[float]) -> dict[int, dict[str, list[float]]]:
        return {
            seed: {f"p{i}": [float(i < share * 50)] for i in range(50)}
            for seed, share in enumerate(shares)
        }

    def width(shares: list[float]) -> float:
        interval = seed_interval(cells(shares))
        assert interval is not None
        return interval[1] - interval[0]

    assert width([0.2, 0.5, 0.8]) > 1.5 * width([0.5, 0.5, 0.5])


def test_seed_interval_has_the_standard_error_of_the_seed_mean() -> None:
    """With no spread inside seeds, the width follows sd / sqrt(seeds), not sd / sqrt(seeds) less
    the factor (seeds - 1) / seeds of a plain bootstrap."""
    rng = random.Random(0)
    means = [rng.gauss(0.5, 0.1) for _ in range(12)]
    cells = {seed: {f"p{i}": [mean] for i in range(5)} for seed, mean in enumerate(means)}
    interval = seed_interval(cells, replicates=20000)
    assert interval is not None
    mean = sum(means) / 12
    error = math.sqrt(sum((m - mean) ** 2 for m in means) / 11 / 12)
    assert interval[1] - interval[0] == pytest.approx(2 * 1.96 * error, rel=0.03)


def test_coverage_of_the_clustered_interval() -> None:
    hits = 0
    for seed in range(400):
        values, clusters = _sample(seed + 100)
        estimate = clustered_mean(values, clusters)
        assert estimate.low is not None and estimate.high is not None
        hits += estimate.low <= 0.5 <= estimate.high
    assert 0.92 <= hits / 400 <= 0.98


def test_holm_golden() -> None:
    raw = [0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205, 0.212, 0.216]
    adjusted = holm(raw)
    assert adjusted[:2] == pytest.approx([0.01, 0.072])
    assert adjusted == sorted(adjusted)  # type: ignore[type-var]
    assert holm([None, 0.02, None, 0.01]) == [None, 0.02, None, 0.02]

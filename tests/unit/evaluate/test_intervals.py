"""Intervals by hand, against scipy and statsmodels, and by simulation."""

from __future__ import annotations

import math
import random

import pytest
from scipy import stats

from harness.statistics.intervals import (
    clustered_difference,
    clustered_mean,
    from_sums,
    holm,
    wilson,
)


def test_wilson_golden() -> None:
    assert wilson(81, 263) == pytest.approx((0.25529, 0.36621), abs=5e-6)


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
@pytest.mark.parametrize(
    ("successes", "n"),
    [(0, 30), (1, 30), (29, 30), (30, 30), (1, 1), (7, 10), (81, 263)],
)
def test_wilson_is_scipys(successes: int, n: int, confidence: float) -> None:
    theirs = stats.binomtest(successes, n).proportion_ci(confidence, "wilson")
    assert wilson(successes, n, confidence) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_wilson_has_width_at_the_ends() -> None:
    low, high = wilson(30, 30)
    assert low == pytest.approx(30 / (30 + 1.959964**2), abs=1e-6)
    assert high == 1.0
    assert wilson(0, 30) == pytest.approx((1 - high, 1 - low))
    assert {wilson(0, n)[0] for n in range(1, 200)} == {0.0}
    assert {wilson(n, n)[1] for n in range(1, 200)} == {1.0}


@pytest.mark.parametrize(("successes", "n"), [(0, 0), (1, 0), (-1, 5), (6, 5)])
def test_wilson_refuses_nonsense(successes: int, n: int) -> None:
    with pytest.raises(ValueError, match=f"got {successes} of {n}"):
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


@pytest.mark.parametrize("confidence", [0.95, 0.8])
def test_clustered_mean_is_statsmodels_cr1_with_t(confidence: float) -> None:
    sm = pytest.importorskip("statsmodels.api")
    values, clusters = _sample(1)
    codes = [int(name[1:]) for name in clusters]
    fit = sm.OLS(values, [1.0] * len(values)).fit(
        cov_type="cluster", cov_kwds={"groups": codes}, use_t=True
    )
    low, high = fit.conf_int(1 - confidence)[0]
    estimate = clustered_mean(values, clusters, confidence=confidence)
    assert estimate.value == pytest.approx(fit.params[0])
    assert (estimate.low, estimate.high) == pytest.approx((low, high))
    assert (estimate.n, estimate.clusters, estimate.p) == (len(values), 40, None)


def test_two_clusters_by_hand() -> None:
    # .2, .4 in one and .6 in the other: residuals sum to -.2 and .2, Var = 2 * .08 / 9.
    estimate = clustered_mean([0.2, 0.4, 0.6], ["p", "p", "q"], bounds=None)
    half = 12.706205 * math.sqrt(0.16 / 9)
    assert estimate.value == pytest.approx(0.4)
    assert (estimate.low, estimate.high) == pytest.approx((0.4 - half, 0.4 + half))
    cut = clustered_mean([0.2, 0.4, 0.6], ["p", "p", "q"])
    assert (cut.low, cut.high) == (0.0, 1.0)
    cut = clustered_mean([0.2, 0.4, 0.6], ["p", "p", "q"], bounds=(-0.5, 0.9))
    assert (cut.low, cut.high) == (-0.5, 0.9)


def test_repeating_every_observation_adds_no_information() -> None:
    values, clusters = _sample(2)
    once = clustered_mean(values, clusters)
    thrice = clustered_mean(values * 3, clusters * 3)
    assert (thrice.low, thrice.high) == pytest.approx((once.low, once.high))


def test_sums_of_clusters_are_enough() -> None:
    values, clusters = _sample(3)
    sums: dict[str, tuple[float, int]] = {}
    for value, cluster in zip(values, clusters, strict=True):
        total, count = sums.get(cluster, (0.0, 0))
        sums[cluster] = (total + value, count + 1)
    assert from_sums(sums) == clustered_mean(values, clusters)


def test_no_spread_gives_the_wilson_interval_of_the_clusters() -> None:
    estimate = clustered_mean([1.0] * 60, [i // 2 for i in range(60)])
    assert (estimate.low, estimate.high) == pytest.approx(wilson(30, 30))
    assert (estimate.n, estimate.clusters, estimate.p) == (60, 30, None)


@pytest.mark.parametrize("bounds", [(0.0, 1.0), (-1.0, 3.0)])
@pytest.mark.parametrize("confidence", [0.95, 0.8])
def test_no_spread_inside_the_bounds(bounds: tuple[float, float], confidence: float) -> None:
    # Up to the Wilson end of 0 of 10 clusters may lie at the bounds instead.
    share = wilson(0, 10, confidence)[1]
    estimate = clustered_mean([0.3] * 10, list(range(10)), bounds, confidence)
    assert (estimate.low, estimate.high) == pytest.approx(
        ((1 - share) * 0.3 + share * bounds[0], (1 - share) * 0.3 + share * bounds[1])
    )


def test_no_spread_without_bounds_has_no_interval() -> None:
    estimate = clustered_mean([3.0] * 12, [i // 2 for i in range(12)], bounds=None)
    assert (estimate.value, estimate.low, estimate.high, estimate.p) == (3.0, None, None, None)
    assert (estimate.n, estimate.clusters) == (12, 6)
    assert estimate.reason == "no spread: no interval"
    prompts = list(range(5))
    difference = clustered_difference([3.0] * 5, prompts, [1.0] * 5, prompts, bounds=None)
    assert (difference.value, difference.low, difference.p) == (2.0, None, 2**-4)
    assert difference.reason == "no spread: no interval"


def test_balanced_difference_is_the_one_sample_t_test_of_prompt_differences() -> None:
    rng = random.Random(3)
    a = [rng.random() for _ in range(25)]
    b = [x + rng.gauss(0.1, 0.2) for x in a]
    prompts = list(range(25))
    expected = stats.ttest_rel(a, b)
    estimate = clustered_difference(a, prompts, b, prompts, bounds=None)
    interval = expected.confidence_interval()
    assert estimate.value == pytest.approx(sum(a) / 25 - sum(b) / 25)
    assert estimate.p == pytest.approx(expected.pvalue)
    assert (estimate.low, estimate.high) == pytest.approx((interval.low, interval.high))
    turned = clustered_difference(b, prompts, a, prompts, bounds=None)
    assert turned.p == pytest.approx(expected.pvalue)
    assert (turned.low, turned.high) == pytest.approx((-interval.high, -interval.low))


def test_an_unbalanced_difference_by_hand() -> None:
    # a: p 1, 0; q 1; mean 2/3. b: p 0; q 0, 1; r 0; mean 1/4. Influences in 1/144:
    # p -16 + 9, q 16 - 18, r 9; Var = 3/2 * (49 + 4 + 81) / 144^2 = 201 / 144^2.
    given = ([1.0, 0.0, 1.0], ["p", "p", "q"], [0.0, 0.0, 1.0, 0.0], ["p", "q", "q", "r"])
    error = math.sqrt(201) / 144
    estimate = clustered_difference(*given, confidence=0.9)
    half = stats.t.ppf(0.95, 2) * error
    assert estimate.value == pytest.approx(5 / 12)
    assert (estimate.low, estimate.high) == pytest.approx((5 / 12 - half, 5 / 12 + half))
    assert estimate.p == pytest.approx(2 * stats.t.sf(5 / 12 / error, 2))
    assert (estimate.n, estimate.clusters) == (7, 3)
    cut = clustered_difference(*given, confidence=0.99)
    assert (cut.low, cut.high) == (pytest.approx(5 / 12 - stats.t.ppf(0.995, 2) * error), 1.0)
    assert clustered_difference(*given, bounds=(0.1, 0.5)).low == 0.1


def test_difference_without_spread() -> None:
    prompts = list(range(20))
    share = wilson(0, 20)[1]
    same = clustered_difference([1.0] * 20, prompts, [1.0] * 20, prompts)
    assert (same.value, same.p) == (0.0, 1.0)
    assert (same.low, same.high) == pytest.approx((-share, share))
    all_better = clustered_difference([1.0] * 20, prompts, [0.0] * 20, prompts)
    assert all_better.p == pytest.approx(2**-19)
    assert (all_better.low, all_better.high) == pytest.approx((1 - 2 * share, 1.0))


def test_one_value_needs_one_cluster() -> None:
    for a, b in ((["p"], ["p", "q"]), (["p", "q"], ["p"])):
        with pytest.raises(ValueError, match="one cluster per value"):
            clustered_difference([1.0, 0.0], a, [1.0, 0.0], b)
    with pytest.raises(ValueError, match="one cluster per value"):
        clustered_mean([1.0], ["p", "q"])


def test_interval_stays_inside_the_bounds() -> None:
    estimate = clustered_mean([1.0] * 19 + [0.0], list(range(20)))
    assert estimate.high == 1.0


def test_nothing_and_one_cluster_say_why() -> None:
    for nothing in (
        clustered_mean([], []),
        clustered_difference([], [], [1.0, 0.0], ["p", "q"]),
        clustered_difference([1.0, 0.0], ["p", "q"], [], []),
    ):
        assert (nothing.value, nothing.low, nothing.n) == (None, None, 0)
        assert nothing.reason == "no observations"
    single = clustered_mean([0.0, 1.0], ["p", "p"])
    assert (single.value, single.low, single.high) == (0.5, None, None)
    assert (single.n, single.clusters) == (2, 1)
    assert single.reason == "one cluster only: no interval"


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
    assert holm([0.9, 0.6]) == [1.0, 1.0]
    assert holm([]) == []


@pytest.mark.parametrize("seed", range(5))
def test_holm_is_statsmodels(seed: int) -> None:
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    rng = random.Random(seed)
    raw = [rng.random() ** 3 for _ in range(12)]
    assert holm(raw) == pytest.approx(list(multitest.multipletests(raw, method="holm")[1]))

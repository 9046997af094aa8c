"""Shares of clusters, Wilson and Clopper-Pearson: by hand, by a loop and against scipy."""

import math

import numpy as np
import pytest
from scipy import stats

from harness.statistics.intervals import clopper_pearson_upper, cluster_share, t_quantile, wilson


def test_wilson_of_an_effective_number_by_hand():
    # p = .25, n = 6.4, z = 1.959964: (p + z2/2n -+ z sqrt(pq/n + z2/4n2)) / (1 + z2/n)
    z2 = 1.959963984540054**2
    half = math.sqrt(z2 * (0.25 * 0.75 / 6.4 + z2 / (4 * 6.4**2)))
    ends = [(0.25 + z2 / 12.8 + sign * half) / (1 + z2 / 6.4) for sign in (-1, 1)]
    assert wilson(1.6, 6.4) == pytest.approx(ends)


@pytest.mark.parametrize(("hits", "n", "delta"), [(0, 30, 0.1), (3, 20, 0.05), (19, 20, 0.2)])
def test_clopper_pearson_is_scipys(hits, n, delta):
    theirs = stats.binomtest(hits, n, alternative="less").proportion_ci(1 - delta, "exact").high
    assert clopper_pearson_upper(hits, n, delta) == pytest.approx(theirs)
    assert clopper_pearson_upper(n, n, delta) == 1.0


def test_quantiles_of_t():
    assert t_quantile(11) == pytest.approx(2.200985)
    assert t_quantile(4, 0.9) == pytest.approx(2.131847)
    assert t_quantile(0) == t_quantile(1) == pytest.approx(12.706205)
    assert t_quantile(2) == pytest.approx(4.302653)


def cr1_half(scores, clusters):
    """Half of the interval by a loop over clusters, with its standard error."""
    names = np.unique(clusters)
    sums = [sum(s - scores.mean() for s in scores[clusters == g]) for g in names]
    g = len(names)
    error = math.sqrt(g / (g - 1) * sum(s**2 for s in sums)) / len(scores)
    return stats.t.ppf(0.975, g - 1) * error, error


@pytest.mark.parametrize("seed", range(4))
def test_cr1_of_random_clusters_equals_a_loop(seed):
    rng = np.random.default_rng(seed)
    clusters = rng.integers(0, 35, 150)
    scores = rng.choice([0.0, 0.5, 1.0], 150)
    row = cluster_share("x", "j", scores, clusters, why_undefined="")
    half, _ = cr1_half(scores, clusters)
    assert (row.value, row.high - row.value, row.value - row.low) == pytest.approx(
        (scores.mean(), half, half)
    )
    assert (row.name, row.annotators, row.n) == ("x", "j", 150)
    assert row.clusters == np.unique(clusters).size
    assert (row.status, row.reason) == ("ok", "")


def share_of_misses(missing, n=40, size=2):
    """Clusters of two, with one miss in each of the first few."""
    scores = np.ones(n * size)
    scores[: missing * size : size] = 0.0
    return scores, np.arange(n * size) // size


@pytest.mark.parametrize("turned", [False, True])
def test_few_misses_take_wilson_with_the_effective_number(turned):
    scores, clusters = share_of_misses(4)
    if turned:
        scores = 1 - scores
    row = cluster_share("x", "", scores, clusters, why_undefined="")
    _, error = cr1_half(scores, clusters)
    p = 76 / 80
    effective = p * (1 - p) / error**2
    assert effective == pytest.approx(82.33, abs=0.01)  # more than the 80 items, so cut there
    low, high = wilson(76, 80)
    assert (row.low, row.high) == pytest.approx((1 - high, 1 - low) if turned else (low, high))


def test_few_misses_that_come_together_count_less():
    # 4 of 40 clusters of two are wholly wrong: .9, Var = 40/39 * (36 * .04 + 4 * 3.24) / 6400
    scores = np.repeat([0.0, 1.0], [8, 72])
    row = cluster_share("x", "", scores, np.arange(80) // 2, why_undefined="")
    effective = 0.09 / (40 / 39 * (36 * 0.04 + 4 * 3.24) / 6400)
    assert effective == pytest.approx(39)
    assert (row.low, row.high) == pytest.approx(wilson(0.9 * effective, effective))


def test_five_clusters_with_a_miss_take_the_t_interval():
    scores, clusters = share_of_misses(5)
    row = cluster_share("x", "", scores, clusters, why_undefined="")
    half, _ = cr1_half(scores, clusters)
    assert (row.low, row.high) == pytest.approx((75 / 80 - half, min(1.0, 75 / 80 + half)))
    for turned in (scores, 1 - scores):
        row = cluster_share("x", "", turned, clusters, why_undefined="")
        assert 0.0 <= row.low < row.value < row.high <= 1.0
    # 5 of 9 alone: t(8) would leave [0, 1] on neither side, 5 of 6 on one.
    six = cluster_share("x", "", np.repeat([1.0, 0.0], [5, 5]), np.arange(10), why_undefined="")
    assert (six.low, six.high) == pytest.approx((0.5 - 2.262157 / 6, 0.5 + 2.262157 / 6))


def test_all_right_and_all_half():
    right = cluster_share("x", "", np.ones(60), np.arange(60) // 2, why_undefined="")
    # 30 prompts without any spread are 30 items, not 60.
    assert (right.value, right.low, right.high) == (1.0, pytest.approx(wilson(30, 30)[0]), 1.0)
    half = cluster_share("x", "", np.full(40, 0.5), np.arange(40), why_undefined="")
    assert (half.low, half.high) == pytest.approx(wilson(20, 40))


def test_clusters_that_are_alike_inside_and_out():
    # Each of 10 prompts has one hit and one miss: no spread between them, 10 of them.
    row = cluster_share("x", "", np.tile([1.0, 0.0], 10), np.arange(20) // 2, why_undefined="")
    assert (row.low, row.high) == pytest.approx(wilson(5, 10))


def test_no_score_and_one_cluster():
    row = cluster_share("x", "j", np.zeros(0), np.zeros(0, dtype=int), why_undefined="no vote")
    assert (row.name, row.annotators, row.status, row.reason) == ("x", "j", "undefined", "no vote")
    row = cluster_share("x", "j", np.array([1.0, 0.0]), np.array([7, 7]), why_undefined="")
    assert (row.name, row.annotators, row.value, row.low, row.high) == ("x", "j", 0.5, None, None)
    assert (row.n, row.clusters, row.status) == (2, 1, "unreliable")
    assert row.reason == "no interval from one cluster"
    pair = cluster_share("x", "j", np.array([1.0, 0.0]), np.array([7, 8]), why_undefined="")
    assert (pair.low, pair.high) == pytest.approx(wilson(0.5, 1))  # Var = 2 * .5 / 4
    assert pair.clusters == 2

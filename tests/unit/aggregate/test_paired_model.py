"""Davidson's model: true effects come back, ties are no half wins, no strength is invented."""

import numpy as np
import pytest

from harness.aggregate import rank_systems
from harness.nouns.errors import DataError
from harness.statistics.paired_model import Comparisons, fit_paired


def play(seed, n=20_000, strengths=(0.8, 0.2, -0.3, -0.7), place=0.3, tie=0.4):
    rng = np.random.default_rng(seed)
    theta = np.array(strengths)
    first = rng.integers(0, theta.size, n)
    second = (first + rng.integers(1, theta.size, n)) % theta.size
    eta = theta[first] - theta[second] + place
    logits = np.stack([eta / 2, np.full(n, tie), -eta / 2], axis=1)
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    outcomes = (rng.random(n)[:, None] > p.cumsum(1)).sum(1)
    return first, second, outcomes


NAMES = ["a", "b", "c", "d"]


def test_strengths_and_place_come_back():
    first, second, outcomes = play(1)
    ranking = rank_systems(Comparisons(first, second, outcomes, NAMES, np.arange(first.size)))
    assert [s.system for s in ranking.strengths] == NAMES
    for found, true in zip(ranking.strengths, (0.8, 0.2, -0.3, -0.7), strict=True):
        assert found.low < true < found.high
        assert found.elo == pytest.approx(1000 + 400 / np.log(10) * found.value)
    value, low, high = ranking.effects["position"]
    assert low < 0.3 < high and abs(value - 0.3) < 0.05
    assert ranking.tie == pytest.approx(0.4, abs=0.05)


def test_ties_as_half_wins_shrink_the_effect():
    first, second, outcomes = play(2)
    clusters = np.arange(first.size)
    half = rank_systems(Comparisons(first, second, outcomes, NAMES, clusters), ties_half=True)
    assert half.effects["position"][0] < 0.25
    assert half.tie is None


def test_length_is_told_from_strength():
    first, second, _ = play(3)
    rng = np.random.default_rng(4)
    theta = np.array([0.8, 0.2, -0.3, -0.7])
    gap = rng.normal(0, 100, first.size) + 150.0 * (theta[first] - theta[second])
    eta = theta[first] - theta[second] + 1.0 * np.tanh(gap / gap.std())
    outcomes = np.where(rng.random(first.size) < 1 / (1 + np.exp(-eta)), 0, 2)
    ranking = rank_systems(Comparisons(first, second, outcomes, NAMES, np.arange(first.size), gap))
    assert ranking.effects["length"][0] == pytest.approx(1.0, abs=0.1)
    assert ranking.strengths[0].value == pytest.approx(0.8, abs=0.08)


def test_a_system_that_always_wins_has_no_finite_strength():
    first, second = np.array([0, 0, 1, 2, 1]), np.array([1, 2, 2, 1, 0])
    outcomes = np.array([0, 0, 0, 0, 2])
    with pytest.raises(DataError, match="no finite strengths"):
        rank_systems(Comparisons(first, second, outcomes, ["a", "b", "c"], np.arange(5)))


@pytest.mark.parametrize(
    ("outcomes", "design", "problem"),
    [
        ([0, 0, 0], [[1.0], [1.0], [2.0]], "same way"),
        ([0, 0, 2, 2], [[1.0], [2.0], [-1.0], [-2.0]], "separated"),
        ([0, 2, 0, 2], [[1.0, 1.0]] * 4, "combination"),
        ([], np.zeros((0, 1)), "no comparison"),
    ],
)
def test_no_estimate_has_its_reason(outcomes, design, problem):
    fit = fit_paired(np.array(outcomes, dtype=int), np.array(design), np.arange(len(outcomes)))
    assert problem in fit.problem


def test_clusters_widen_the_interval():
    first, second, outcomes = play(5, n=300)
    repeated = [np.repeat(x, 10) for x in (first, second, outcomes)]
    alone = rank_systems(Comparisons(*repeated, NAMES, np.arange(3000)))
    grouped = rank_systems(Comparisons(*repeated, NAMES, np.arange(3000) // 10))
    width = [r.strengths[0].high - r.strengths[0].low for r in (alone, grouped)]
    assert width[1] > 2.5 * width[0]
    assert grouped.clusters == 300


def place_table():
    """a stood first 40 times and won 30; b stood first 50 times and won 30."""
    first = np.repeat([0, 1], [40, 50])
    outcomes = np.repeat([0, 2, 0, 2], [30, 10, 30, 20])
    return first, 1 - first, outcomes


def test_interval_of_the_place_by_hand():
    first, second, outcomes = place_table()
    ranking = rank_systems(Comparisons(first, second, outcomes, ["a", "b"], np.arange(90)))
    value, low, high = ranking.effects["position"]
    # Two logits, two parameters: the place is their mean, its variance a quarter of their sum's.
    assert value == pytest.approx((np.log(30 / 10) + np.log(30 / 20)) / 2)
    error = np.sqrt((1 / 30 + 1 / 10 + 1 / 30 + 1 / 20) / 4 * 90 / 89)
    assert high - value == pytest.approx(1.98698 * error, rel=1e-4)  # t of 89 degrees
    assert value - low == pytest.approx(high - value)


def test_effect_of_length_has_no_unit():
    first, second, outcomes = play(5, n=500, tie=-9.0)
    gap = np.random.default_rng(6).normal(0, 100, 500)
    fits = [
        rank_systems(Comparisons(first, second, outcomes, NAMES, np.arange(500), gap * unit))
        for unit in (1.0, 1e-4)
    ]
    assert abs(fits[0].effects["length"][0]) > 0.01
    assert fits[1].effects["length"] == pytest.approx(fits[0].effects["length"], rel=1e-6)

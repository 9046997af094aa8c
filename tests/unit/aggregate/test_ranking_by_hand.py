"""Strengths, intervals and counts of a ranking worked out by hand from one table."""

import numpy as np
import pytest

from harness.aggregate import rank_systems
from harness.statistics.paired_model import Comparisons

WIN, TIE, LOSS = 0, 1, 2
OUTCOMES = np.repeat([WIN, LOSS, TIE], [5, 3, 2])  # of a, which always stood first


@pytest.mark.parametrize(
    ("clusters", "independent", "squares", "quantile"),
    [
        # a's share is (5 + 2/2) / 10 = .6. What is left over is .4 of a win, -.6 of a loss, and
        # -.1 of a tie, whose two halves are one comparison: 5 * .16 + 3 * .36 + 2 * .01.
        (np.arange(10), 10, 1.9, 2.262157),  # t of 9 degrees
        # Two by two: WW WW WL LL TT give .8 .8 -.2 -1.2 -.2.
        (np.arange(10) // 2, 5, 2.8, 2.776445),  # t of 4 degrees, however many comparisons
    ],
)
def test_half_ties_stay_one_comparison(clusters, independent, squares, quantile):
    zeros = np.zeros(10, dtype=np.int64)
    ranking = rank_systems(
        Comparisons(zeros, zeros + 1, OUTCOMES, ["a", "b"], clusters),
        position=False,
        ties_half=True,
    )
    assert (ranking.n, ranking.clusters, ranking.tie) == (10, independent, None)
    a, b = ranking.strengths
    assert (a.system, a.n, b.system, b.n) == ("a", 10, "b", 10)
    # Against the mean of both: half the logit of .6; the slope of the logit to it is 2, so the
    # variance is G/(G-1) * 4 * squares / (4 * 10 * .6 * .4)^2.
    error = np.sqrt(independent / (independent - 1) * 4 * squares) / 9.6
    assert a.value == pytest.approx(np.log(0.6 / 0.4) / 2)
    assert a.high - a.value == pytest.approx(quantile * error, rel=1e-6)
    assert a.value - a.low == pytest.approx(quantile * error, rel=1e-6)
    assert (b.value, b.low, b.high) == pytest.approx((-a.value, -a.high, -a.low))


def test_comparisons_of_a_system_are_counted_from_both_places():
    # a-b three times, a-c twice, c-b four times: a 5, b 7, c 6.
    first = np.repeat([0, 1, 0, 2], [2, 1, 2, 4])
    second = np.repeat([1, 0, 2, 1], [2, 1, 2, 4])
    outcomes = np.array([0, 2, 0, 0, 2, 0, 0, 2, 0])
    ranking = rank_systems(
        Comparisons(first, second, outcomes, ["a", "b", "c"], np.arange(9)), position=False
    )
    assert {s.system: s.n for s in ranking.strengths} == {"a": 5, "b": 7, "c": 6}
    assert (ranking.n, ranking.clusters) == (9, 9)


def test_effect_of_length_by_hand():
    # a won 8 of 10 when 30 words longer, and 4 of 10 when 30 shorter: the gap is one standard
    # deviation, so the logits are m + L tanh(1) and m - L tanh(1), with m twice the strength of a.
    gap = np.repeat([30.0, -30.0], 10)
    outcomes = np.repeat([WIN, LOSS, WIN, LOSS], [8, 2, 4, 6])
    zeros = np.zeros(20, dtype=np.int64)
    ranking = rank_systems(
        Comparisons(zeros, zeros + 1, outcomes, ["a", "b"], np.arange(20), gap), position=False
    )
    longer, shorter = np.log(8 / 2), np.log(4 / 6)
    assert ranking.effects["length"][0] == pytest.approx((longer - shorter) / 2 / np.tanh(1.0))
    assert ranking.strengths[0].system == "a"
    assert ranking.strengths[0].value == pytest.approx((longer + shorter) / 4)

"""A judge of whom nothing turns: what has no spread has no interval, without a word of numpy."""

from __future__ import annotations

import numpy as np
import pytest

from harness.aggregate.ranking import rank_systems
from harness.agreement.bias import position_coefficient
from harness.ratings.evidence import OrderVerdicts
from harness.report.aggregation import blocks
from harness.report.blocks import Text
from harness.statistics.paired_model import Comparisons

A, B, TIE = 0, 1, 2
CODES = {"A": A, "B": B, "T": TIE}

NEVER_TURNS = {
    # verdicts (the same in both orders), what people say
    "8 pairs": ("ABABABAB", "AABBABBA"),
    "12 pairs": ("AABBABABABBA", "ABABABAABBAB"),
    "16 pairs": ("ABABABABAABBAABB", "AABBABBAABABBABA"),
    "20 pairs": ("ABABABABAABBAABBABBA", "AABBABBAABABBABAAABB"),
    "24 pairs, ties": ("ABTABABATABBAABBABBAABTA", "AABBATBAABTBBABAAABBABAB"),
    "24 pairs": ("ABAABABAAABBAABBABBAABBA", "AABBABBAABABBABAAABBABAB"),
    "without people": ("ABABAABB", ""),
    "ties without people": ("ABTTAABB", ""),
    "almost all A": ("AAAAAAAB", "AABBABBA"),
}


def codes(letters: str) -> np.ndarray:
    return np.array([CODES[letter] for letter in letters])


@pytest.mark.parametrize("groups", ["each pair", "pairs of two"])
@pytest.mark.parametrize("case", NEVER_TURNS)
def test_a_judge_that_never_turns_with_the_order(case: str, groups: str) -> None:
    said, people = NEVER_TURNS[case]
    clusters = np.arange(len(said)) // (2 if groups == "pairs of two" else 1)
    both = codes(said)
    verdicts = OrderVerdicts("judge", both, both, clusters, A, B, TIE)
    row = position_coefficient(verdicts, codes(people) if people else None)
    assert (row.value, row.low, row.high, row.status) == (None, None, None, "undefined")
    assert "no interval" in row.reason
    assert (row.n, row.clusters) == (len(said), len(set(clusters.tolist())))


@pytest.mark.parametrize("turned", range(1, 8, 2))
def test_one_verdict_that_turns_gives_an_interval(turned: int) -> None:
    first, people = codes("ABABABAB"), codes("AABBABBA")
    second = first.copy()
    second[turned] = A
    row = position_coefficient(OrderVerdicts("judge", first, second, np.arange(8), A, B), people)
    assert row.value is not None and row.low is not None and row.high is not None
    assert row.low < row.value < row.high and abs(row.value) > 1e-3


def test_the_first_place_of_a_ranking_that_never_turns() -> None:
    # x beats y thrice of four, whoever stands first: each prompt holds both orders.
    first, second = np.array([0, 1] * 4), np.array([1, 0] * 4)
    outcomes = np.array([0, 2, 0, 2, 0, 2, 2, 0])
    compared = Comparisons(first, second, outcomes, ("x", "y"), np.arange(8) // 2)
    found = rank_systems(compared)
    value, low, high = found.effects["position"]
    assert value == pytest.approx(0) and low is None and high is None
    assert found.strengths[0].low < found.strengths[0].high
    (said,) = [one.text for one in blocks(found, "davidson")[2:3] if isinstance(one, Text)]
    assert "(no interval)" in said

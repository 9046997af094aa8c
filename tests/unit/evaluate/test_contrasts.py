"""Arm against arm: each pair once, each evaluator its own family."""

from __future__ import annotations

import pytest

from harness.evaluate.contrasts import contrasts
from harness.statistics.intervals import holm
from tests.support.rows_of_scores import one_seed, rows

TRAINED = {"a": True, "b": True, "c": True}


def test_each_pair_stands_once_over_the_items_that_both_have_scores_for() -> None:
    scores = {
        "a": one_seed("a", [1.0, 1.0, 0.0, None]),
        "b": one_seed("b", [0.0, 1.0, 0.0, 1.0]),
        "c": one_seed("c", [None, 0.0, 0.0, 1.0]),
    }
    found = contrasts(scores, TRAINED)
    assert [(row["a"], row["b"], row["items"]) for row in found] == [
        ("a", "b", 3),
        ("a", "c", 2),
        ("b", "c", 3),
    ]
    for row in found:
        assert row["to"] - row["from"] == pytest.approx(row["value"])
    assert found[0]["value"] == pytest.approx(1 / 3) and found[1]["value"] == 0.5


def test_p_is_adjusted_over_the_pairs_of_one_criterion() -> None:
    scores = {
        "a": one_seed("a", [1.0] * 9 + [0.0] * 3),
        "b": one_seed("b", [0.0] * 8 + [1.0] * 4),
        "c": one_seed("c", [1.0, 0.0] * 6),
    }
    found = contrasts(scores, TRAINED)
    assert [row["p_holm"] for row in found] == pytest.approx(holm([row["p"] for row in found]))
    own = [row["trainings"]["p_holm"] for row in found]
    assert own == pytest.approx(holm([row["trainings"]["p"] for row in found]))


def test_a_difference_of_two_trainings_is_of_those_trainings_only() -> None:
    table = {"a": 0.9, "b": 0.1, "c": 0.1}
    scores = {
        policy: rows(
            policy, {s: {f"i{n}": float(n % 10 < 10 * p) for n in range(60)} for s in (0, 1)}
        )
        for policy, p in table.items()
    }
    (row, *_) = contrasts(scores, TRAINED)
    assert row["verdict"] == "unclear" and row["trainings"]["verdict"] == "raised"

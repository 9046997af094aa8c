"""The Pareto front of two criteria, held against shares that can be worked out."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.evaluate.pareto import fronts, on_front
from tests.support.rows_of_scores import drawn, one_seed, rows


def shares(row: dict) -> dict[str, float]:  # type: ignore[type-arg]
    return {one["policy"]: one["share"] for one in row["policies"]}


def test_two_prompts_that_disagree_put_each_policy_on_the_front_in_half_of_the_draws() -> None:
    scores = {
        ("x", "base"): one_seed("base", [0.5, 0.5]),
        ("x", "arm"): one_seed("arm", [1.0, 0.0]),
        ("y", "base"): one_seed("base", [0.5, 0.5]),
        ("y", "arm"): one_seed("arm", [0.5, 0.5]),
    }
    (row,) = fronts(scores, ["x", "y"], ["base", "arm"], draws=4000)
    assert [one["on_front"] for one in row["policies"]] == [True, True]  # the means are equal
    found = shares(row)
    assert found["base"] + found["arm"] == 1.0  # one prompt is drawn, and it decides
    assert found["arm"] == pytest.approx(0.5, abs=0.03)
    assert (row["items"], row["clusters"], row["draws_over"]) == (2, 2, "prompts")


def test_seeds_are_drawn_the_same_for_both_criteria() -> None:
    """One training is better at both, one worse at both: never a trade-off, on in half of draws."""
    good, bad = {f"i{n}": 1.0 for n in range(5)}, {f"i{n}": 0.0 for n in range(5)}
    scores = {(name, "arm"): rows("arm", {0: good, 1: bad}) for name in "xy"}
    scores |= {(name, "base"): one_seed("base", [0.5] * 5) for name in "xy"}
    (row,) = fronts(scores, ["x", "y"], ["base", "arm"], draws=4000)
    assert row["draws_over"] == "seeds and prompts"
    assert shares(row)["arm"] == pytest.approx(0.5, abs=0.03)
    assert shares(row)["base"] == pytest.approx(0.5, abs=0.03)


def test_less_is_better_where_the_evaluator_says_so() -> None:
    scores = {(name, "base"): one_seed("base", [0.5] * 4) for name in ("right", "toxic")}
    scores |= {(name, "arm"): one_seed("arm", [0.6] * 4) for name in ("right", "toxic")}
    policies = ["base", "arm"]
    (up,) = fronts(scores, ["right", "toxic"], policies)
    assert [one["on_front"] for one in up["policies"]] == [False, True]
    (both,) = fronts(scores, ["right", "toxic"], policies, ["toxic"])
    assert [one["on_front"] for one in both["policies"]] == [True, True]
    assert both["policies"][1]["values"] == pytest.approx([0.6, 0.6])  # as they were scored


def test_only_items_that_all_have_scores_for_count_and_who_has_none_is_left_out() -> None:
    scores = {
        ("x", "base"): one_seed("base", [0.0, 1.0, 1.0]),
        ("x", "arm"): one_seed("arm", [1.0, 1.0, None]),
        ("x", "mute"): one_seed("mute", [None, None, None]),
        ("y", "base"): one_seed("base", [None, 1.0, 1.0]),
        ("y", "arm"): one_seed("arm", [1.0, 1.0, 1.0]),
        ("y", "mute"): one_seed("mute", [1.0, 1.0, 1.0]),
    }
    (row,) = fronts(scores, ["x", "y"], ["base", "arm", "mute"])
    assert (row["items"], row["left_out"]) == (1, ["mute"])
    assert row["reason"] == "one cluster only: nothing to draw from"
    assert [one["share"] for one in row["policies"]] == [None, None]
    (alone,) = fronts(scores, ["x", "y"], ["base", "mute"])
    assert alone["reason"] == "fewer than two policies have scores by both"


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=6))
def test_a_policy_is_on_the_front_unless_another_is_no_worse_and_once_better(
    points: list[tuple[int, int]],
) -> None:
    found = on_front(np.array([points], dtype=float))[0]
    for at, one in enumerate(points):
        beaten = any(other[0] >= one[0] and other[1] >= one[1] and other != one for other in points)
        assert found[at] == (not beaten)
    assert found.any()


def test_the_front_does_not_depend_on_the_order_of_policies() -> None:
    dice = random.Random(4)
    scores = {
        (name, policy): each
        for name in "xy"
        for policy, each in drawn(dice, ["base", "a", "b"], 3, 30).items()
    }
    told = [
        {one["policy"]: one["on_front"] for one in fronts(scores, ["x", "y"], order)[0]["policies"]}
        for order in itertools.permutations(["base", "a", "b"])
    ]
    assert all(each == told[0] for each in told)

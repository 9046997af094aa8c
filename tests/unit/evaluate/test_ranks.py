"""Ranks with intervals: Davidson's strengths by hand, by another road, and without a difference."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
import pytest

from harness.aggregate.ranking import rank_systems
from harness.evaluate.ranks import not_connected, ranks
from harness.evaluate.scores import Scored, known
from harness.statistics.intervals import t_quantile
from harness.statistics.paired_model import Comparisons, fit_paired
from tests.support.rows_of_scores import drawn, one_seed, rows

POLICIES = ["base", "a", "b"]


def found(scores: dict[str, list[Scored]], policies: list[str], lower: bool = False) -> Any:
    table = {("e", policy): each for policy, each in scores.items()}
    trained = {policy: policy != "base" for policy in policies}
    (row,) = ranks(table, ["e"], trained, ["e"] if lower else [])
    return row


def by(row: Any, key: str) -> dict[str, Any]:
    return {one["policy"]: one[key] for one in row["policies"]}


def test_of_two_policies_the_strength_is_the_log_of_wins_over_losses() -> None:
    scores = {
        "base": one_seed("base", [0.0] * 6 + [1.0] * 2 + [1.0] * 4),
        "arm": one_seed("arm", [1.0] * 6 + [0.0] * 2 + [1.0] * 4),
    }
    row = found(scores, ["base", "arm"])
    assert by(row, "value")["arm"] == pytest.approx(math.log(6 / 2))
    assert (row["comparisons"], row["clusters"], row["against"]) == (12, 12, "base")
    down = found(scores, ["base", "arm"], lower=True)
    assert by(down, "value")["arm"] == pytest.approx(-math.log(3))
    assert by(down, "rank") == {"base": 1, "arm": 2}


def test_with_one_training_the_intervals_are_the_cluster_robust_ones_of_the_other_road() -> None:
    """rank_systems fits every comparison by itself, with one row each and the mean as origin."""
    scores = drawn(random.Random(5), POLICIES, 1, 60)
    row = found(scores, POLICIES)
    tables = [{one.item_id: value for one, value in known(scores[p])} for p in POLICIES]
    first, second, outcomes, clusters = [], [], [], []
    for a, b in ((0, 1), (0, 2), (1, 2)):
        for n, item in enumerate(tables[0]):
            first.append(a)
            second.append(b)
            clusters.append(n)
            mine, theirs = tables[a][item], tables[b][item]
            outcomes.append(0 if mine > theirs else 2 if mine < theirs else 1)
    arrays = [np.array(each) for each in (first, second, outcomes)]
    compared = Comparisons(*arrays, ("base", "a", "b"), np.array(clusters))
    other = {one.system: one.value for one in rank_systems(compared, position=False).strengths}
    for arm in "ab":
        assert by(row, "value")[arm] == pytest.approx(other[arm] - other["base"], abs=1e-8)
    design = np.zeros((len(first), 2))
    for at, (a, b) in enumerate(zip(first, second, strict=True)):
        for system, sign in ((a, 1.0), (b, -1.0)):
            if system:
                design[at, system - 1] += sign
    fit = fit_paired(arrays[2], design, np.array(clusters))
    half = t_quantile(59) * fit.errors
    for at, arm in enumerate("ab"):
        assert by(row, "high")[arm] - by(row, "value")[arm] == pytest.approx(half[at], rel=1e-6)


@pytest.mark.parametrize("seeds", [1, 3])
def test_a_rank_is_sure_only_against_those_who_are_surely_better_or_worse(seeds: int) -> None:
    draw = random.Random(1)
    scores = {
        policy: rows(
            policy,
            {s: {f"i{n}": float(draw.random() < rate) for n in range(100)} for s in range(seeds)},
        )
        for policy, rate in {"base": 0.3, "a": 0.32, "b": 0.85}.items()
    }
    row = found(scores, POLICIES)
    if seeds < 3:
        assert all((one["rank_low"], one["rank_high"]) == (1, 3) for one in row["policies"])
        row = {"policies": [one | one["trainings"] for one in row["policies"]]}
    assert by(row, "rank")["b"] == 1
    assert (by(row, "rank_low")["b"], by(row, "rank_high")["b"]) == (1, 1)
    assert {(one["rank_low"], one["rank_high"]) for one in row["policies"][:2]} == {(2, 3)}


def test_trainings_that_differ_widen_the_ranks() -> None:
    """One training of b is far ahead, one is where base is: b need not be the best next time."""
    dice = random.Random(3)

    def of(policy: str, rates: list[float]) -> list[Scored]:
        return [
            Scored(f"i{n}", f"i{n}", policy, seed, float(dice.random() < rate), row.status)
            for seed, rate in enumerate(rates)
            for n, row in enumerate(one_seed(policy, [0.0] * 150))
        ]

    steady = {name: of(name, [0.4] * 3) for name in ("base", "a")}
    assert by(found(steady | {"b": of("b", [0.7] * 3)}, POLICIES), "rank_high")["b"] == 1
    lucky = steady | {"b": of("b", [0.99, 0.4, 0.4])}
    assert by(found(lucky, POLICIES), "rank_high")["b"] == 3
    assert by(found(lucky, POLICIES), "low")["b"] < 0 < by(found(lucky, POLICIES), "value")["b"]


def test_who_won_everything_has_no_strength_and_is_named() -> None:
    scores = {
        "base": one_seed("base", [0.0, 0.5, 0.0, 0.5]),
        "a": one_seed("a", [0.5, 0.0, 0.5, 0.0]),
        "b": one_seed("b", [1.0] * 4),
    }
    row = found(scores, POLICIES)
    assert row["policies"] == []
    assert row["reason"].startswith("no other policy ever won or tied a comparison with b")
    apart = scores | {"b": [Scored("z", "z", "b", 0, 1.0, scores["a"][0].status)]}
    assert "not compared" in found(apart, POLICIES)["reason"]


def test_connected_is_what_the_comparisons_say() -> None:
    ring = np.array([[1, 0, 0], [0, 0, 1], [1, 0, 0]], dtype=float)  # a > b, c > a, b > c
    assert not_connected(["a", "b", "c"], ring) == ""
    line = np.array([[1, 0, 0], [1, 0, 0], [1, 0, 0]], dtype=float)
    assert "with a" in not_connected(["a", "b", "c"], line)
    tied = np.array([[0, 1, 0], [0, 0, 0], [0, 1, 0]], dtype=float)
    assert not_connected(["a", "b", "c"], tied) == ""


def test_without_a_difference_ranks_are_rarely_told_apart() -> None:
    dice, wrong, repeats = random.Random(11), 0, 80
    policies = ["base", "a", "b", "c"]
    for _ in range(repeats):
        row = found(drawn(dice, policies, 3, 40, 0.03), policies)
        wrong += any((one["rank_low"], one["rank_high"]) != (1, 4) for one in row["policies"])
    assert wrong / repeats <= 0.06

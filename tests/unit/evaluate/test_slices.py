"""Slices: the test whether they differ comes first, and a slice's own numbers claim nothing."""

from __future__ import annotations

import random
from typing import Any

import pytest

from harness.evaluate.scores import Scored
from harness.evaluate.slices import slices
from tests.support.rows_of_scores import drawn, one_seed, rows


def found(scores: dict[str, list[Scored]], of: dict[str, str], policies: Any = None) -> Any:
    table = {("e", policy): each for policy, each in scores.items()}
    trained = {policy: policy != "base" for policy in policies or scores}
    return slices(table, {"e": None}, trained, "base", of)


def halves(n: int, first: int) -> dict[str, str]:
    return {f"i{k}": "sums" if k < first else "words" for k in range(n)}


def test_the_effect_in_a_slice_is_held_against_that_elsewhere() -> None:
    scores = {
        "base": one_seed("base", [0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0]),
        "arm": one_seed("arm", [1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0]),
    }
    (row,) = found(scores, halves(8, 4))["rows"]
    first, second = row["slices"]
    assert (first["slice"], first["items"], first["clusters"]) == ("sums", 4, 4)
    assert (first["difference"]["value"], second["difference"]["value"]) == (0.5, -0.25)
    assert first["against_rest"]["value"] == pytest.approx(0.75)
    assert second["against_rest"]["value"] == pytest.approx(-0.75)
    assert row["interaction"]["tested"] == 2


def test_three_prompts_against_three_are_never_shown_to_differ() -> None:
    """A formula sees no spread at all and would be sure; 2 of the 20 choices of three say so."""
    scores = {"base": one_seed("base", [0.0] * 6), "arm": one_seed("arm", [1.0] * 3 + [0.0] * 3)}
    (row,) = found(scores, halves(6, 3))["rows"]
    assert row["interaction"]["p"] == pytest.approx(0.1, abs=0.02)
    assert not row["interaction"]["shown"]


def test_an_effect_in_one_slice_only_is_shown_and_placed() -> None:
    dice = random.Random(8)
    rates = {"base": [0.4] * 120, "arm": [0.9] * 40 + [0.4] * 80}
    scores = {
        policy: rows(
            policy,
            {
                seed: {f"i{n}": float(dice.random() < rate) for n, rate in enumerate(each)}
                for seed in range(3)
            },
        )
        for policy, each in rates.items()
    }
    (row,) = found(scores, halves(120, 40))["rows"]
    assert row["interaction"]["shown"] and row["interaction"]["p_holm"] < 0.02
    assert row["slices"][0]["against_rest"]["value"] > 0.3


def test_the_same_effect_everywhere_is_no_interaction_however_large() -> None:
    dice = random.Random(9)
    base = [float(dice.random() < 0.2) for _ in range(120)]
    arm = [float(dice.random() < 0.8) for _ in range(120)]
    scores = {"base": one_seed("base", base), "arm": one_seed("arm", arm)}
    (row,) = found(scores, halves(120, 12))["rows"]
    assert row["interaction"]["p"] > 0.05


def test_a_training_that_liked_one_slice_is_not_the_method() -> None:
    """Of three trainings one is good at sums: over trainings nothing is shown."""
    sums, words = [0.9] * 30 + [0.1] * 30, [0.1] * 30 + [0.2] * 30
    dice = random.Random(1)

    def toss(rates: list[float]) -> dict[str, float]:
        return {f"i{n}": float(dice.random() < rate) for n, rate in enumerate(rates)}

    base = rows("base", {seed: toss([0.1] * 60) for seed in (0, 1, 2)})
    arm = rows("arm", {0: toss(sums), 1: toss(words), 2: toss([0.1] * 60)})
    (row,) = found({"base": base, "arm": arm}, halves(60, 30))["rows"]
    assert not row["interaction"]["shown"]
    assert row["interaction"]["trainings"]["shown"]  # of these three it holds
    alone = [one for one in arm if one.seed == 0]
    (lucky,) = found({"base": base, "arm": alone}, halves(60, 30))["rows"]
    assert lucky["interaction"]["p_holm"] < 0.01 and not lucky["interaction"]["shown"]


def test_small_and_empty_slices_are_told_and_not_tested() -> None:
    scores = {
        "base": one_seed("base", [0.0, 1.0, 0.0, 1.0, None]),
        "arm": one_seed("arm", [1.0, 1.0, 0.0, 1.0, 1.0]),
    }
    of = {"i0": "one", "i1": "many", "i2": "many", "i3": "many", "i4": "none"}
    (row,) = found(scores, of)["rows"]
    one, many, none = row["slices"]
    assert (one["clusters"], one["against_rest"]) == (1, None)
    assert (none["items"], none["difference"]["value"], none["against_rest"]) == (0, None, None)
    assert many["against_rest"] is None  # what is left beside it is a single prompt
    test = row["interaction"]
    assert (test["p"], test["shown"], test["tested"]) == (None, False, 0)
    assert test["reason"] == "fewer than 2 independent prompts in each slice but one"


def test_a_cluster_of_two_slices_leaves_the_formula_alone() -> None:
    clusters = {f"i{n}": f"c{n // 2}" for n in range(20)}
    of = {f"i{n}": "even" if n % 2 else "odd" for n in range(20)}
    dice = random.Random(6)
    scores = {
        policy: rows(
            policy, {0: {f"i{n}": float(dice.random() < 0.5) for n in range(20)}}, clusters
        )
        for policy in ("base", "arm")
    }
    (row,) = found(scores, of)["rows"]
    assert 0 < row["interaction"]["p"] <= 1 and row["slices"][0]["clusters"] == 10


def test_there_is_nothing_without_slices_or_base() -> None:
    scores = {"base": one_seed("base", [0.0, 1.0]), "arm": one_seed("arm", [1.0, 1.0])}
    assert found(scores, {"i0": "", "i1": ""})["rows"] == []
    assert found(scores, halves(2, 1), ["arm"])["rows"] == []


@pytest.mark.parametrize(("small", "rate"), [(4, 0.15), (10, 0.5)])
def test_without_an_interaction_small_slices_are_rarely_shown(small: int, rate: float) -> None:
    dice, wrong, repeats = random.Random(small), 0, 80
    for _ in range(repeats):
        scores = drawn(dice, ["base", "arm"], 3, 40, 0.0, rate)
        (row,) = found(scores, halves(40, small))["rows"]
        wrong += row["interaction"]["shown"] or row["interaction"]["trainings"]["shown"]
    assert wrong / repeats <= 0.06

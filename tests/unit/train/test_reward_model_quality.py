"""How good a reward model is on held-out pairs; one that is no better than chance is refused."""

from __future__ import annotations

import math
import random
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.nouns.errors import DataError
from harness.statistics.intervals import wilson
from harness.train.reward_function import WeightedRewards
from harness.train.reward_model_quality import accuracy_of, held_out_quality, refuse_chance
from harness.train.trainers import train
from harness.train.training import TrainOptions


def logit(p: float) -> float:
    return math.log(p / (1 - p))


def quality(*pairs: tuple[float, float], prompts: str = "") -> dict[str, Any]:
    """Of pairs of (difference of scores, label)."""
    gaps, labels = zip(*pairs, strict=True) if pairs else ((), ())
    names = list(prompts) or [str(n) for n in range(len(pairs))]
    return held_out_quality(gaps, [0.0] * len(gaps), labels, names)


def test_accuracy_and_brier_to_hand_computed_values() -> None:
    found = quality((logit(0.8), 1.0), (logit(0.8), 0.0), (0.0, 1.0), (logit(0.4), 0.1), (9.0, 0.5))
    assert (found["accuracy"], found["n_held_out"]) == (0.5, 4)  # a tie is neither; equal is wrong
    soft = 0.1 * 0.6**2 + 0.9 * 0.4**2  # expected over the outcomes that the label leaves open
    assert found["brier"] == pytest.approx((0.2**2 + 0.8**2 + 0.5**2 + soft) / 4)
    # Indifference has .25 whatever the labels are.
    assert quality((0.0, 1.0), (0.0, 0.7), (0.0, 0.2))["brier"] == pytest.approx(0.25)


def test_the_interval_is_wilsons_on_separate_prompts_and_wider_on_shared_ones() -> None:
    pairs = [(1.0, 1.0)] * 19 + [(-1.0, 1.0)]
    apart = quality(*pairs)
    assert (apart["accuracy_low"], apart["accuracy_high"]) == pytest.approx(
        wilson(19, 20), abs=0.01
    )
    shared = quality(*([(1.0, 1.0)] * 10 + [(-1.0, 1.0)] * 10), prompts="aaaaabbbbbcccccddddd")
    alone = quality(*([(1.0, 1.0)] * 10 + [(-1.0, 1.0)] * 10))
    assert shared["accuracy_low"] < alone["accuracy_low"] < 0.5
    one = quality((1.0, 1.0), (1.0, 1.0), prompts="aa")  # one prompt says as much as one pair
    assert (one["accuracy_low"], one["accuracy_high"]) == pytest.approx(wilson(1, 1))


def test_nothing_held_out_is_no_figure() -> None:
    for found in (quality(), quality((2.0, 0.5))):  # a tie alone
        assert found == {
            "accuracy": None, "accuracy_low": None, "accuracy_high": None, "brier": None,
            "n_held_out": 0, "reliability": [],
        }  # fmt: skip
        assert accuracy_of(found) is None


def test_reliability_is_stated_against_observed() -> None:
    """A model that states .9 and is right in .9 lies on the diagonal; one too sure below it."""
    rng = random.Random(0)
    said = [rng.choice([0.2, 0.6, 0.9]) for _ in range(3000)]
    pairs = [(logit(p), float(rng.random() < p)) for p in said]
    bars = quality(*pairs)["reliability"]
    assert [round(bar["stated"], 1) for bar in bars] == [0.6, 0.8, 0.9]  # .2 is .8 the other way
    assert sum(bar["n"] for bar in bars) == 3000
    for bar in bars:
        assert bar["low"] <= bar["stated"] <= bar["high"]
    too_sure = quality(*[(5 * gap, label) for gap, label in pairs])["reliability"]
    assert all(bar["high"] < bar["stated"] for bar in too_sure)
    assert len(quality(*pairs[:39])["reliability"]) == 1  # 20 pairs at least in each


def measured(**statistics: Any) -> Any:
    class Reward:
        def __init__(self) -> None:
            self.statistics = statistics

        def __call__(self, prompts: Any, **columns: Any) -> list[float]:
            return [0.0] * len(prompts)

    return Reward()


NO_BETTER = {"accuracy": 0.6, "accuracy_low": 0.45, "accuracy_high": 0.74, "n_held_out": 40}
CASES: list[tuple[str, dict[str, Any], bool]] = [
    ("the interval reaches below one half", NO_BETTER, True),
    ("and to one half", {**NO_BETTER, "accuracy_low": 0.5}, True),
    ("worse than chance", {**NO_BETTER, "accuracy": 0.3, "accuracy_low": 0.2}, True),
    ("above it", {**NO_BETTER, "accuracy_low": 0.51}, False),
    ("right about nothing", {"accuracy": 0.0, "n_held_out": 9}, True),
    ("of an earlier version: 6 of 9", {"accuracy": 6 / 9, "n_held_out": 9}, True),
    ("of an earlier version: 9 of 9", {"accuracy": 1.0, "n_held_out": 9}, False),
    ("nothing held out", {"accuracy": None, "n_held_out": 0}, False),
    ("of a version that did not count", {"accuracy": 0.5}, False),
]


@pytest.mark.parametrize(("name", "statistics", "refused"), CASES, ids=[case[0] for case in CASES])
def test_who_is_no_better_than_chance(name: str, statistics: dict[str, Any], refused: bool) -> None:
    rewards = WeightedRewards({"rm/final": measured(**statistics), "other": len})
    if not refused:
        refuse_chance(rewards)
        return
    with pytest.raises(DataError, match="the reward model rm/final ranks") as wrong:
        refuse_chance(rewards)
    assert "held_out_share" in wrong.value.hint and "unproven_rewards" in wrong.value.hint
    # One that counts for nothing is only looked at.
    refuse_chance(WeightedRewards(rewards.functions, {"rm/final": 0.0}))


@pytest.mark.parametrize("trainer", ["ppo", "grpo", "best_of_n"])
def test_no_training_on_chance_begins_unless_it_is_asked_for(
    trainer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{"prompt": "1+1?"}]
    options = TrainOptions(rewards=WeightedRewards({"rm": measured(**NO_BETTER)}))
    with pytest.raises(DataError, match=r"60% of 40 right \(95% interval 45% to 74%\)"):
        train(trainer, "absent/model/folder", rows, {}, tmp_path / "out", options)
    assert not (tmp_path / "out").exists()
    monkeypatch.setattr("harness.train.training.Training.run", lambda self: SimpleNamespace())
    train(trainer, "m", rows, {"unproven_rewards": True}, tmp_path / "out", options)

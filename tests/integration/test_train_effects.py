"""The trainers learn what they are rewarded for, and it is said where that goes wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from trainings import trained_by

pytest.importorskip("trl", reason="the extra train is not installed")

from harness.examples.arithmetic_task import is_correct, prompt_rows, split_pairs, style_of

from harness.train.grpo import GrpoSettings
from harness.train.log import read_log
from harness.train.monitor import Monitor
from harness.train.ppo_settings import PpoSettings
from harness.train.result import TrainResult

TRAIN, HELD_OUT = (prompt_rows(pairs) for pairs in split_pairs())


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


def correct(prompts: Any, completions: Any, completion_ids: Any, **_: Any) -> list[float]:
    return [float(is_correct(p, c)) for p, c in zip(prompts, completions, strict=True)]


def polite(prompts: Any, completions: Any, completion_ids: Any, **_: Any) -> list[float]:
    return [float(style_of(c) == "polite") for c in completions]


def monitor(every: int) -> Monitor:
    gold = {"correct": correct, "polite": polite}
    return Monitor(HELD_OUT, gold, every=every, max_new_tokens=40)


def before_and_after(result: TrainResult, gold: str) -> tuple[float, float]:
    looks = [row for row in read_log(result.log_path) if "held_out/length" in row]
    return looks[0][f"held_out/gold/{gold}"], looks[-1][f"held_out/gold/{gold}"]


@pytest.mark.slow
def test_ppo_raises_what_it_is_rewarded_for_on_prompts_it_never_saw(
    repo_root: Path, tmp_path: Path
) -> None:
    settings = PpoSettings(
        learning_rate=5e-4, critic_learning_rate=1e-3, steps=14, rollout_size=64, batch_size=64,
        epochs=2, max_new_tokens=40, beta=0.1,
    )  # fmt: skip
    policy = repo_root / "examples" / "arithmetic_policy"
    result = trained_by(
        "ppo", policy, TRAIN, settings, tmp_path, {"polite": polite}, monitor=monitor(14)
    )
    before, after = before_and_after(result, "polite")
    assert before < 0.55
    assert after > 0.8
    rows = read_log(result.log_path)
    assert rows[-1]["kl_sequence"] > 0.2
    assert rows[1]["first_ratio_error"] < 1e-4
    # Paid for politeness alone it forgets sums, by 15 points: the one alarm says so.
    right = before_and_after(result, "correct")
    said = [alarm for row in rows for alarm in row.get("alarms", {}).items()]
    assert right[1] < right[0] - 0.1
    assert [kind for kind, _ in said] == ["reward_hacking"]
    assert f"correct fell from its peak in step 0 ({right[0]:.2f} to {right[1]:.2f})" in said[0][1]


@pytest.mark.slow
def test_a_training_that_goes_wrong_is_said_to(repo_root: Path, tmp_path: Path) -> None:
    """Paid for length alone, with no penalty and great steps: soon it writes noise."""
    settings = PpoSettings(
        learning_rate=2e-3, steps=10, rollout_size=16, batch_size=16, epochs=2, max_new_tokens=40,
        beta=0.0,
    )  # fmt: skip

    def longer(prompts: Any, completions: Any, **_: Any) -> list[float]:
        return [len(text) / 40 for text in completions]

    policy = repo_root / "examples" / "arithmetic_policy"
    watch = Monitor(HELD_OUT[:32], {"correct": correct}, every=10, max_new_tokens=40)
    result = trained_by("ppo", policy, TRAIN, settings, tmp_path, {"l": longer}, monitor=watch)
    said = [kind for row in read_log(result.log_path) for kind in row.get("alarms", {})]
    assert sorted(said) == ["kl_runaway", "reward_hacking"]


@pytest.mark.slow
def test_grpo_raises_correctness_and_leaves_the_style(repo_root: Path, tmp_path: Path) -> None:
    settings = GrpoSettings(
        learning_rate=6e-4, steps=24, batch_size=128, max_new_tokens=40, beta=0.1, group_size=8
    )
    policy = repo_root / "examples" / "arithmetic_policy"
    result = trained_by(
        "grpo", policy, TRAIN, settings, tmp_path, {"correct": correct}, monitor=monitor(24)
    )
    before, after = before_and_after(result, "correct")
    assert before < 0.6
    assert after > before + 0.12
    assert not any("alarms" in row for row in read_log(result.log_path))
    manners = before_and_after(result, "polite")
    assert manners[1] == pytest.approx(manners[0], abs=0.2)

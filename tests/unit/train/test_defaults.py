"""Defaults that teach something: rates of short trainings and of adapters; absent rewards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from trainings import trained_by

from harness.experiment.stages.train_files import train as stage
from harness.nouns.errors import ConfigError, HarnessError
from harness.train.dpo import DpoSettings
from harness.train.log import coverage, read_log, silent
from harness.train.ppo_settings import PpoSettings, schedule_factor
from harness.train.settings import TrainerSettings
from harness.train.table import TRAINERS
from harness.train.trainers import settings_of, trainer_class

pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")

RATES = {"sft": 2e-5, "reward_model": 1e-5, "dpo": 1e-6, "kto": 1e-6, "grpo": 1e-6,
         "rloo": 1e-6, "ppo": 1e-6, "online_dpo": 1e-6, "best_of_n": 2e-5}  # fmt: skip
ROWS = [{"prompt": f"{n}+3?", "completion": f"{n + 3}."} for n in range(4)]


@pytest.mark.parametrize("trainer", TRAINERS)
def test_an_adapter_has_ten_times_the_rate_unless_one_is_given(trainer: str) -> None:
    settings = trainer_class(trainer).Settings()
    assert settings.rate(False) == RATES[trainer]
    assert settings.rate(True) == pytest.approx(10 * RATES[trainer])
    given = settings_of(trainer, {"learning_rate": "3e-4"}, "")
    assert (given.rate(False), given.rate(True)) == (3e-4, 3e-4)


@pytest.mark.parametrize(
    ("steps", "warmup"), [(1, 0), (2, 0), (4, 0), (5, 1), (14, 2), (24, 4), (25, 5), (1000, 5)]
)
def test_the_warm_up_is_a_fifth_of_a_short_training_at_most(steps: int, warmup: int) -> None:
    assert TrainerSettings().warm_up(steps) == warmup
    assert DpoSettings(warmup_steps=7).warm_up(steps) == 7
    if steps < 5:
        assert schedule_factor(PpoSettings(steps=steps), 1) == 1


def test_ppo_has_no_longer_warm_up_than_steps() -> None:
    with pytest.raises(ConfigError) as wrong:
        settings_of("ppo", {"steps": 3, "warmup_steps": 5}, "")
    assert wrong.value.details == ("warmup_steps: 5 is more than the 3 steps",)


@pytest.mark.slow
@pytest.mark.parametrize("lora_rank", [0, 2])
def test_a_training_of_two_steps_has_its_whole_rate(
    lora_rank: int, policy_path: Path, tmp_path: Path
) -> None:
    given = {"batch_size": 2, "lora_rank": lora_rank}
    result = trained_by("sft", policy_path, ROWS, given, tmp_path / "out")
    rate = 2e-4 if lora_rank else 2e-5
    assert [row["learning_rate"] for row in read_log(result.log_path)[:2]] == [rate, rate]


@pytest.mark.slow
def test_an_adapter_that_is_trained_further_has_its_rate(lora_path: Path, tmp_path: Path) -> None:
    result = trained_by("sft", lora_path, ROWS, {"batch_size": 4}, tmp_path / "out")
    assert read_log(result.log_path)[0]["learning_rate"] == 2e-4


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "steps"),
    [
        ({"batch_size": 1, "accumulation": 3}, 2),
        ({"batch_size": 8}, 1),
        ({"batch_size": 1, "epochs": 0.5}, 2),
        ({"batch_size": 4, "epochs": 3}, 3),
    ],
)
def test_a_warm_up_that_never_ends_is_refused(
    settings: dict[str, Any], steps: int, policy_path: Path, tmp_path: Path
) -> None:
    """Of as many steps as the trainer makes; then another may be given in the same folder."""
    out = tmp_path / "out"
    with pytest.raises(ConfigError) as wrong:
        trained_by("sft", policy_path, ROWS, settings | {"warmup_steps": steps}, out)
    assert f"warmup_steps is {steps}, and the training has {steps} steps" in wrong.value.what
    assert trained_by("sft", policy_path, ROWS, settings, out).steps == steps


def test_the_log_says_who_had_verdicts() -> None:
    rows = [{"step": 1, "coverage/a": 1.0, "coverage/b": None, "held_out/coverage/c": 0.0},
            {"step": 2, "coverage/a": 0.5, "coverage/b": 0.0}]  # fmt: skip
    assert coverage(rows) == {"a": 0.75, "b": 0.0}
    assert silent(rows).startswith("b had no verdict on any completion")
    assert silent(rows[:0]) == silent([{"step": 1, "loss": 0.5}]) == ""


@pytest.mark.slow
@pytest.mark.parametrize("trainer", ["grpo", "ppo"])
def test_a_training_without_any_verdict_is_an_error_each_time(
    trainer: str, policy_path: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """It was called a success; TRL printed each row."""
    values = {"steps": 2, "batch_size": 2, "max_new_tokens": 2}
    values |= {"group_size": 2} if trainer == "grpo" else {"rollout_size": 2}
    settings: Any = {"values": values, "rewards": {"exact_match": 1.0}}
    for _ in range(2):
        with pytest.raises(HarnessError, match="exact_match had no verdict on any completion"):
            stage(trainer, str(policy_path), [{"prompt": "1+1?"}] * 2, tmp_path / "out", settings)
    printed = capfd.readouterr()
    assert "returned None" not in printed.out + printed.err

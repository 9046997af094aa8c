"""Every training makes the steps that it was asked for: none ends with less and says it is done."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from trainings import trained_by

from harness.nouns.errors import ConfigError, DataError
from harness.train.grpo import Grpo
from harness.train.log import read_log

# transformers warns of an old name of its own, which peft still reads.
pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")


class Made:
    """TRL's configuration, as far as it says how much is sampled at once."""

    def __init__(self, completions: int, group: int) -> None:
        self.generation_batch_size, self.num_generations = completions, group


@pytest.mark.parametrize(
    ("prompts", "completions", "group", "rows"),
    [
        (1, 32, 8, 4),
        (3, 32, 8, 12),
        (4, 32, 8, 4),
        (5, 32, 8, 5),
        (2, 64, 4, 16),
        (7, 16, 2, 56),
        (999, 2000, 2, 999_000),
        (3, 2, 2, 3),
    ],
)
def test_fewer_prompts_than_a_step_asks_for_are_asked_again(
    prompts: int, completions: int, group: int, rows: int
) -> None:
    """As often that all of them are asked equally often; TRL makes no step of part of one."""
    found = Grpo.enough(None, list(range(prompts)), Made(completions, group))  # type: ignore[arg-type]
    assert len(found) == rows
    assert set(Counter(found).values()) == {rows // prompts}


@pytest.mark.slow
@pytest.mark.parametrize("trainer", ["grpo", "rloo"])
def test_three_prompts_are_enough_for_steps_of_four(
    trainer: str, policy_path: Path, tmp_path: Path
) -> None:
    """They made none, and the weights were called trained."""
    asked: list[str] = []

    def reward(prompts: Any, completion_ids: Any, **_: Any) -> list[float]:
        asked.extend(prompts)
        return [float(len(ids)) for ids in completion_ids]

    given = {"steps": 3, "batch_size": 8, "group_size": 2, "max_new_tokens": 2}
    rows = [{"prompt": f"{n}+3?"} for n in range(3)]
    result = trained_by(trainer, policy_path, rows, given, tmp_path, {"r": reward})
    assert result.steps == 3
    assert [row["step"] for row in read_log(result.log_path)] == [1, 2, 3]
    assert Counter(asked) == {row["prompt"]: 8 for row in rows}


@pytest.mark.parametrize("trainer", ["sft", "dpo", "kto", "reward_model"])
def test_no_whole_batch_is_refused_before_anything_is_loaded(
    trainer: str, policy_path: Path, tmp_path: Path
) -> None:
    row = {"prompt": "2+3?", "completion": "5.", "chosen": "5.", "rejected": "6."}
    given = {"batch_size": 16, "trl": {"dataloader_drop_last": True}}
    with pytest.raises(ConfigError, match=r"dataloader_drop_last: there are .* no whole batch"):
        trained_by(trainer, policy_path, [row] * 3, given, tmp_path)


def test_a_training_that_trl_ends_early_is_no_result(tmp_path: Path) -> None:
    from types import SimpleNamespace

    from harness.train.result import TrainingFolder
    from harness.train.trl_callbacks import run_trainer

    state = SimpleNamespace(global_step=2, max_steps=3)
    trainer: Any = SimpleNamespace(
        remove_callback=lambda _: None,
        model=SimpleNamespace(can_generate=lambda: False),
        accelerator=SimpleNamespace(unwrap_model=lambda model: model),
        train=lambda resume_from_checkpoint: None,
        state=state,
    )
    with pytest.raises(DataError, match="TRL ended after 2 of 3 steps"):
        run_trainer(trainer, TrainingFolder(tmp_path, {}, None), None, 0)


@pytest.mark.slow
def test_rows_of_steps_that_sample_nothing_have_no_rewards(
    policy_path: Path, tmp_path: Path
) -> None:
    given = {
        "steps": 3, "batch_size": 4, "group_size": 2, "max_new_tokens": 2,
        "trl": {"steps_per_generation": 2},
    }  # fmt: skip

    def reward(prompts: Any, completion_ids: Any, **_: Any) -> list[float]:
        return [float(len(ids)) for ids in completion_ids]

    rows = [{"prompt": f"{n}+3?"} for n in range(2)]
    result = trained_by("grpo", policy_path, rows, given, tmp_path, {"r": reward})
    log = read_log(result.log_path)
    sampled = {"reward", "reward/r", "coverage/r", "length", "distinct_1", "eos_rate"}
    assert [sampled <= row.keys() for row in log] == [True, False, True]
    assert not sampled & log[1].keys()
    assert all("loss" in row for row in log)

"""Schedules of transformers, with what they take besides; and how many steps there are."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import pytest
from trainings import trained_by

from harness.nouns.errors import ConfigError
from harness.train.log import read_log
from harness.train.settings import Schedule
from harness.train.trainers import settings_of
from harness.train.trl_checks import check_schedule

# transformers warns of an old name of its own, which peft still reads.
pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")

ROWS = [{"prompt": f"{n}+3?", "completion": f"{n + 3}."} for n in range(4)]


def made(schedule: str, **given: Any) -> Any:
    name = "constant_with_warmup" if schedule == "constant" else schedule
    return SimpleNamespace(
        lr_scheduler_type=name, lr_scheduler_kwargs=given, learning_rate=1e-3, warmup_steps=1
    )


def test_every_schedule_of_transformers_but_those_that_follow_an_evaluation() -> None:
    from transformers import SchedulerType

    left = {one.value for one in SchedulerType} - set(get_args(Schedule))
    assert left == {"constant_with_warmup", "reduce_lr_on_plateau", "greedy"}


@pytest.mark.parametrize(
    ("schedule", "given"),
    [
        ("constant", {}),
        ("linear", {}),
        ("cosine", {"num_cycles": 1}),
        ("cosine_with_restarts", {"num_cycles": 3}),
        ("polynomial", {"power": 2.0, "lr_end": 1e-5}),
        ("inverse_sqrt", {"timescale": 10}),
        ("cosine_with_min_lr", {"min_lr_rate": 0.1}),
        ("cosine_warmup_with_min_lr", {"min_lr": 1e-5, "warmup_lr_rate": 0.1}),
        ("warmup_stable_decay", {"num_decay_steps": 3, "decay_type": "linear"}),
    ],
)
def test_a_schedule_takes_what_transformers_takes(schedule: str, given: Any) -> None:
    check_schedule(made(schedule, **given), schedule, 10)
    check_schedule(made(schedule, **given), schedule, 1_000_000_000)


@pytest.mark.parametrize(
    ("schedule", "given", "said"),
    [
        ("constant", {"num_cycles": 1}, "schedule constant takes none"),
        ("linear", {"power": 2}, "unexpected keyword argument"),
        ("cosine", {"num_cycle": 1}, "unexpected keyword argument"),
        ("cosine", {"num_cycles": "two"}, "cannot be made with"),
        ("polynomial", {"lr_end": 1.0}, "smaller than initial lr"),
        ("polynomial", {"lr_end": -1.0}, "rates below 0"),
        ("polynomial", {"power": float("nan")}, "rates below 0, or that are none"),
        ("inverse_sqrt", {"timescale": 0}, "cannot be made with"),
        ("cosine_with_min_lr", {}, "min_lr or min_lr_rate should be set"),
        ("cosine_with_min_lr", {"min_lr": "low"}, "cannot be made with"),
        ("cosine_warmup_with_min_lr", {}, "min_lr or min_lr_rate should be set"),
        ("warmup_stable_decay", {}, "num_decay_steps"),
        ("warmup_stable_decay", {"num_decay_steps": 3, "decay_type": "steep"}, "steep"),
    ],
)
def test_what_a_schedule_does_not_take_is_one_error(schedule: str, given: Any, said: str) -> None:
    """They were errors of transformers, after the model was loaded."""
    with pytest.raises(ConfigError) as wrong:
        check_schedule(made(schedule, **given), schedule, 10)
    assert schedule in str(wrong.value) and said in str(wrong.value)


@pytest.mark.parametrize("trainer", ["ppo", "online_dpo"])
def test_ppo_has_the_schedules_that_take_nothing_besides(trainer: str) -> None:
    with pytest.raises(ConfigError, match="wrong training settings") as wrong:
        settings_of(trainer, {"schedule": "cosine_with_min_lr"}, "")
    assert wrong.value.details == (
        "schedule: must be constant or linear or cosine, got 'cosine_with_min_lr'",
    )


@pytest.mark.slow
def test_the_rates_and_steps_are_those_that_were_asked_for(
    policy_path: Path, tmp_path: Path
) -> None:
    """``max_steps`` goes on over the rows again, as transformers does."""
    settings = {
        "schedule": "cosine_with_restarts", "max_steps": 8, "batch_size": 2, "warmup_steps": 0,
        "learning_rate": 1e-3, "trl": {"lr_scheduler_kwargs": {"num_cycles": 2}},
    }  # fmt: skip
    result = trained_by("sft", policy_path, ROWS, settings, tmp_path)
    rates = [row["learning_rate"] for row in read_log(result.log_path)]
    down = [1e-3, 0.000854, 0.0005, 0.000146]
    assert rates == pytest.approx([*down, *down], abs=1e-6)
    assert result.steps == 8

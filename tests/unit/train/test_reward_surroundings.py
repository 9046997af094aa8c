"""What reward functions set for the whole process, the training never meets."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import harness.examples
import pytest
import torch
from harness.examples.arithmetic_task import prompt_rows, split_pairs
from trainings import trained_by

from harness.train.log import read_log
from harness.train.reward_function import WeightedRewards

POLICY = Path(harness.examples.__path__[0]) / "arithmetic_policy"


def sets_dtype() -> None:
    torch.set_default_dtype(torch.float64)


def sets_device() -> None:
    torch.set_default_device("meta")


def stops_gradients() -> None:
    torch.set_grad_enabled(False)


def is_strict() -> None:
    torch.use_deterministic_algorithms(True)


def goes_elsewhere() -> None:
    os.chdir("/")


def removes_where_it_is() -> None:
    os.mkdir("gone")
    os.chdir("gone")
    os.rmdir("../gone")


def surroundings() -> tuple[Any, ...]:
    return (
        torch.get_default_dtype(), torch.get_default_device(), torch.is_grad_enabled(),
        torch.are_deterministic_algorithms_enabled(), os.getcwd(),
    )  # fmt: skip


@pytest.mark.parametrize(
    "sets",
    [sets_dtype, sets_device, stops_gradients, is_strict, goes_elsewhere, removes_where_it_is],
)
@pytest.mark.parametrize("raises", [False, True])
def test_what_a_function_sets_is_put_back(
    sets: Any, raises: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def reward(prompts: Any, **_: Any) -> list[float]:
        sets()
        if raises:
            raise ValueError("no")
        return [1.0 for _ in prompts]

    before = surroundings()
    try:
        found = WeightedRewards({"r": reward})(["p"])
        assert surroundings() == before
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_default_device("cpu")
        torch.set_grad_enabled(True)
        torch.use_deterministic_algorithms(False)
        monkeypatch.chdir(tmp_path)
    assert found == [None if raises else 1.0]


@pytest.mark.slow
def test_a_function_that_seeds_does_not_bend_what_grpo_samples(tmp_path: Path) -> None:
    """It made each rollout begin with the same draws."""

    def plain(completions: Any, **_: Any) -> list[float]:
        return [len(text) / 10 for text in completions]

    def seeded(completions: Any, **_: Any) -> list[float]:
        torch.manual_seed(0)
        return plain(completions)

    settings = {
        "steps": 3, "group_size": 4, "batch_size": 8, "warmup_steps": 0, "max_new_tokens": 12,
    }  # fmt: skip
    rows, logs = prompt_rows(split_pairs()[0])[:8], []
    for name, function in (("plain", plain), ("seeded", seeded)):
        result = trained_by("grpo", POLICY, rows, settings, tmp_path / name, {"r": function})
        logs.append([(row["reward"], row["loss"]) for row in read_log(result.log_path)])
    assert logs[0] == logs[1]

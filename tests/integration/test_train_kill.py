"""Every trainer, killed with signal 9 and called again, makes the weights that it makes at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from forked import ended, forked, kill_at, killed, rank_of
from small_ppo import by_length
from trainings import preference_pairs, trained_by

pytest.importorskip("trl", reason="the extra train is not installed")

from harness.examples.arithmetic_task import imitation_rows, prompt_rows, split_pairs

from harness.train.log import read_log
from harness.train.table import TRAINERS

PROMPTS = prompt_rows(split_pairs()[0])[:8]
FEW = PROMPTS[:3]
"""A step uses up two prompts, so that each is an epoch."""
SETTINGS: dict[str, Any] = {
    "batch_size": 4, "warmup_steps": 0, "checkpoint_every": 1, "learning_rate": 1e-3,
    "schedule": "linear",
}  # fmt: skip
SAMPLING: dict[str, Any] = {"max_new_tokens": 8}


CASES: dict[str, tuple[list[dict[str, Any]], dict[str, Any]]] = {
    "sft": (imitation_rows(12, 0), {}),
    "reward_model": (preference_pairs(12), {"held_out_share": 0.0}),
    "dpo": (preference_pairs(12), {}),
    "kto": (preference_pairs(6), {}),
    "grpo": (PROMPTS, {"steps": 3, "group_size": 2, "beta": 0.1, **SAMPLING}),
    "rloo": (FEW, {"steps": 3, "group_size": 2, "beta": 0.1, **SAMPLING}),
    "ppo": (PROMPTS, {"steps": 3, "rollout_size": 8, "epochs": 1, "target_kl": 1.0, **SAMPLING}),
    "online_dpo": (PROMPTS, {"steps": 3, "rollout_size": 8, **SAMPLING}),
    "best_of_n": (PROMPTS, {"n": 2, "epochs": 1.5, **SAMPLING}),
}
"""Rows and settings of three steps."""


AS_ANOTHER = {"best_of_n": "sft", "rloo": "grpo", "online_dpo": "ppo", "kto": "dpo"}
"""Trainers whose adapter is that of another one: what is done with it is the same."""


def train(trainer: str, policy: Path, out: Path, lora_rank: int, on_step: Any = None) -> Path:
    rows, own = CASES[trainer]
    rewards = {"r": by_length} if rows in (PROMPTS, FEW) else None
    settings = {**SETTINGS, **own, "lora_rank": lora_rank}
    result = trained_by(trainer, policy, rows, settings, out, rewards, seed=3, on_step=on_step)
    assert result.steps == 3
    return result.checkpoint


def weights(folder: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    found: dict[str, Any] = load_file(next((folder / "final").glob("*model.safetensors")))
    return found


def assert_same(folder: Path, other: Path) -> None:
    found, wanted = weights(folder), weights(other)
    assert found.keys() == wanted.keys()
    assert all(found[name].equal(wanted[name]) for name in wanted)
    assert any(value.abs().max() > 0 for name, value in found.items() if "lora_B" in name) or not (
        any("lora_B" in name for name in found)
    )
    logs = ([{**row, "seconds": 0} for row in read_log(f / "log.jsonl")] for f in (folder, other))
    assert next(logs) == next(logs)


@pytest.fixture
def policy(repo_root: Path) -> Path:
    import torch

    torch.set_num_threads(1)
    return repo_root / "examples" / "arithmetic_policy"


def test_every_trainer_is_here() -> None:
    assert set(CASES) == set(TRAINERS)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("trainer", "lora_rank"),
    [*((name, 0) for name in CASES), *((name, 2) for name in CASES if name not in AS_ANOTHER)],
)
def test_a_killed_training_goes_on_bit_for_bit(
    trainer: str, lora_rank: int, policy: Path, tmp_path: Path
) -> None:
    train(trainer, policy, tmp_path / "whole", lora_rank)
    out = tmp_path / "killed"
    assert killed(lambda: train(trainer, policy, out, lora_rank, on_step=kill_at(2)))
    assert not (out / "final").exists()
    # A checkpoint that the kill cut short is not used.
    (out / "resume" / "checkpoint-3").mkdir()
    again: list[int] = []
    train(trainer, policy, out, lora_rank, on_step=lambda row: again.append(row["step"]))
    assert again[:2] == [2, 3]  # from the first step on it would be the same, and twice the work
    assert_same(out, tmp_path / "whole")
    assert not (out / "resume").exists()
    if not lora_rank:
        kinds = {path.suffix for path in (out / "final").iterdir()}
        assert kinds == {".json", ".safetensors"}  # nothing of the optimizer


@pytest.mark.slow
@pytest.mark.parametrize("trainer", ["ppo", "dpo"])
def test_two_ranks_of_which_one_is_killed_go_on_bit_for_bit(
    trainer: str, policy: Path, tmp_path: Path
) -> None:
    def both(out: Path, on_step: Any = None) -> list[int]:
        one = rank_of(2, lambda: train(trainer, policy, out, 0, on_step))
        return ended([forked(one(0)), forked(one(1))])

    assert both(tmp_path / "whole") == [0, 0]
    first, second = both(tmp_path / "killed", kill_at(2))
    assert first == -9 and second != 0
    assert both(tmp_path / "killed") == [0, 0]
    assert_same(tmp_path / "killed", tmp_path / "whole")

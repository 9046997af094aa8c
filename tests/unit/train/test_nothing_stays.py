"""A training that ended leaves no weights in memory, so that the next one has room."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest
from trainings import preference_pairs, trained_by

pytest.importorskip("trl", reason="the extra train is not installed")

from harness.examples.arithmetic_task import prompt_rows, split_pairs

SETTINGS = {"batch_size": 4, "max_new_tokens": 4, "warmup_steps": 0}


def held() -> int:
    """Return how many numbers the weights in this process are."""
    from torch.nn import Parameter

    return sum(one.numel() for one in gc.get_objects() if type(one) is Parameter)


@pytest.mark.parametrize("trainer", ["ppo", "best_of_n", "dpo"])
def test_a_training_leaves_no_weights_behind(trainer: str, repo_root: Path, tmp_path: Path) -> None:
    online = trainer != "dpo"
    rows = prompt_rows(split_pairs()[0])[:8] if online else preference_pairs(8)
    settings = SETTINGS | ({"steps": 1, "rollout_size": 4} if trainer == "ppo" else {})
    rewards = {"r": lambda completions, **_: [float(len(c)) for c in completions]}
    gc.collect()
    before = held()
    gc.disable()  # else it may come by chance
    try:
        trained_by(
            trainer, repo_root / "examples" / "arithmetic_policy", rows,
            settings if online else {"batch_size": 4}, tmp_path, rewards if online else None,
        )  # fmt: skip
        assert held() == before
    finally:
        gc.enable()

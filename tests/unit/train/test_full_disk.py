"""A disk that fills up while a training saves: one clear error, and the same command goes on."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from small_ppo import by_length
from trainings import trained_by

from harness.nouns.errors import InputError
from harness.train.log import read_log

pytest.importorskip("trl", reason="the extra train is not installed")

PROMPTS = [{"prompt": "What is 2+3?"}, {"prompt": "What is 4+3?"}]
PAIRS = [{**row, "chosen": "5", "rejected": "6"} for row in PROMPTS]
BOTH: dict[str, Any] = {"batch_size": 2, "checkpoint_every": 1, "warmup_steps": 0}
SMALL = {**BOTH, "max_steps": 2}
SAMPLED = {**BOTH, "steps": 2, "rollout_size": 2, "max_new_tokens": 4}


@contextmanager
def room_for(most: int) -> Iterator[None]:
    """Let no file grow beyond some bytes; Python is told so by an error, as of a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize(
    ("trainer", "rows", "settings", "rewards"),
    [
        ("ppo", PROMPTS, SAMPLED, {"r": by_length}),
        ("ppo", PROMPTS, {**SAMPLED, "checkpoint_every": 9}, {"r": by_length}),
        ("dpo", PAIRS, SMALL, None),
        ("dpo", PAIRS, {**SMALL, "checkpoint_every": 9}, None),
    ],
    ids=["ppo, a state", "ppo, the end", "dpo, a state", "dpo, the end"],
)
def test_a_disk_that_fills_up_is_one_error_and_the_same_call_goes_on(
    trainer: str, rows: Any, settings: Any, rewards: Any, policy_path: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with room_for(200_000), pytest.raises(InputError) as told:
        trained_by(trainer, policy_path, rows, settings, out, rewards)
    assert "cannot write it" in str(told.value) and str(out) in str(told.value)
    assert "make room, and run the same command again" in str(told.value)
    assert trained_by(trainer, policy_path, rows, settings, out, rewards).steps == 2
    assert [row["step"] for row in read_log(out / "log.jsonl")] == [1, 2]

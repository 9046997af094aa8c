"""A training on two processes is the training on one: the same log, and the same weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from forked import on_ranks
from trainings import preference_pairs, trained_by

pytest.importorskip("trl", reason="the extra train is not installed")

from harness.examples.arithmetic_task import imitation_rows, prompt_rows, split_pairs

from harness.train.log import read_log
from harness.train.monitor import Monitor

TRAIN, HELD_OUT = (prompt_rows(pairs) for pairs in split_pairs())
COMMON = {"batch_size": 4, "accumulation": 2, "warmup_steps": 0, "learning_rate": 3e-4}
SAMPLING = {"max_new_tokens": 12}
PPO = {
    "steps": 2, "rollout_size": 16, "epochs": 2, "target_kl": 2.0, "kl_horizon": 20,
    "whiten_rewards": True,
}  # fmt: skip
GRPO = {"steps": 2, "group_size": 2, "beta": 0.1}
OF_PASSES = {"grpo": {"entropy", "kl_token"}}
"""What TRL averages over passes, so that it depends on their size, on one process as well."""


def reward(completion_ids: Any, **_: Any) -> list[float | None]:
    """Fails on some, of which one rank may have more than the other."""
    return [None if len(ids) % 4 == 3 else len(ids) / 10 for ids in completion_ids]


ROWS: dict[str, list[dict[str, Any]]] = {
    "sft": imitation_rows(16, 0),
    "dpo": preference_pairs(16),
    "reward_model": preference_pairs(16),
    "best_of_n": TRAIN[:16],
    "grpo": TRAIN[:16],
    "ppo": TRAIN[:16],
}


def sampled_alike(probs: Any, num_samples: int = 1, **_: Any) -> Any:
    """In place of torch's draw, which differs on each rank: by place in a pair."""
    import torch

    chance = torch.tensor([0.3, 0.8]).repeat(len(probs) // 2).unsqueeze(1)
    upto = probs.double().cumsum(-1)
    return (upto < chance * upto[:, -1:]).sum(-1, keepdim=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("trainer", "settings"),
    [
        ("sft", {}),
        ("dpo", {"lora_rank": 2}),
        ("reward_model", {"held_out_share": 0.0, "members": 2, "combine": "worst"}),
        ("best_of_n", {"n": 2, **SAMPLING}),
        ("grpo", GRPO | SAMPLING),
        ("ppo", PPO | SAMPLING),
        ("ppo", PPO | SAMPLING | {"advantage_estimator": "grpo", "group_size": 4}),
        ("ppo", PPO | SAMPLING | {"lora_rank": 2, "gradient_checkpointing": True}),
    ],
)
def test_two_ranks_train_and_log_as_one_does(
    trainer: str,
    settings: dict[str, Any],
    repo_root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import torch
    from safetensors.torch import load_file

    torch.set_num_threads(1)
    if trainer == "grpo":
        monkeypatch.setattr(torch, "multinomial", sampled_alike)
    policy, rows = repo_root / "examples" / "arithmetic_policy", ROWS[trainer]
    rewards = {"r": reward} if trainer in ("best_of_n", "grpo", "ppo") else None
    monitor = Monitor(HELD_OUT[:4], {"r": reward}, every=2, max_new_tokens=8)

    def train(name: str) -> Path:
        out, given = tmp_path / name, {**COMMON, **settings}
        return trained_by(trainer, policy, rows, given, out, rewards, monitor=monitor).log_path

    one = read_log(train("one"))
    logs = on_ranks(2, tmp_path / "ranks", lambda: train("two"))
    assert logs == [tmp_path / "two" / "log.jsonl"] * 2
    two = read_log(logs[0])
    assert [row["step"] for row in two] == [row["step"] for row in one]
    # The gap of an engine in this process is rounding and nothing else.
    assert all(row.get("engine_gap", 0) < 1e-5 for row in one + two)
    left = OF_PASSES.get(trainer, set()) | {"seconds", "engine_gap"}
    for mine, wanted in zip(two, one, strict=True):
        numbers = {k: v for k, v in wanted.items() if v is not None and k not in left}
        for key, number in numbers.items():  # some are a number for each prompt
            assert mine[key] == pytest.approx(number, rel=1e-6, abs=2e-6), key
        assert mine.keys() == wanted.keys()
    assert any(row.get("coverage/r", 0.5) < 1 for row in one)
    ours, theirs = (
        sorted((tmp_path / name / "final").rglob("*model.safetensors")) for name in ("one", "two")
    )
    assert len(ours) == settings.get("members", 1)
    for mine_at, wanted_at in zip(theirs, ours, strict=True):
        mine, wanted = load_file(mine_at), load_file(wanted_at)
        for name, value in wanted.items():
            torch.testing.assert_close(mine[name], value, rtol=0, atol=1e-5)
    used = [
        json.loads((tmp_path / name / "result.json").read_text())["used"] for name in ("one", "two")
    ]
    # Of a prompt in groups the few steps come to fewer than there are.
    assert used[0] == used[1] and (used[1] == 16 or "group_size" in settings)
    if trainer == "reward_model":
        scales = [
            json.loads((tmp_path / name / "final" / "reward_model.json").read_text())["scales"]
            for name in ("one", "two")
        ]
        for way, scale in scales[0].items():
            assert scales[1][way] == pytest.approx(scale, rel=1e-4, abs=1e-5)

"""TRL's trainers through the harness: rows in, log and checkpoint out."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from trainings import trained_by

pytest.importorskip("trl", reason="the extra train is not installed")

from harness.examples.arithmetic_task import (
    answer,
    imitation_rows,
    is_correct,
    prompt_rows,
    split_pairs,
    style_of,
)

from harness.train.dpo import DpoSettings
from harness.train.grpo import GrpoSettings
from harness.train.log import read_log
from harness.train.monitor import Monitor
from harness.train.result import TrainResult
from harness.train.rloo import RlooSettings
from harness.train.sft import SftSettings

TRAIN, HELD_OUT = (prompt_rows(pairs) for pairs in split_pairs())
COMMON: dict[str, Any] = {"batch_size": 8, "warmup_steps": 0, "checkpoint_every": 2}


@pytest.fixture(scope="module")
def policy(repo_root_module: Path) -> Path:
    return repo_root_module / "examples" / "arithmetic_policy"


@pytest.fixture(scope="module")
def repo_root_module() -> Path:
    import torch

    torch.set_num_threads(1)
    return Path(__file__).resolve().parents[2]


def correct(prompts: Any, completions: Any, completion_ids: Any, **columns: Any) -> list[float]:
    assert columns["reference"] and columns["item_id"]
    return [float(is_correct(p, c)) for p, c in zip(prompts, completions, strict=True)]


def polite(prompts: Any, completions: Any, completion_ids: Any, **_: Any) -> list[float | None]:
    """Fails on every third completion."""
    return [
        None if i % 3 == 0 else float(style_of(c) == "polite") for i, c in enumerate(completions)
    ]


def preference_rows(n: int) -> list[dict[str, Any]]:
    pairs = zip(imitation_rows(n, 0), imitation_rows(n, 1), strict=True)
    return [
        {
            "prompt": a["prompt"],
            "chosen": a["completion"],
            "rejected": b["completion"],
            "probability": 0.8,
        }
        for a, b in pairs
        if a["completion"] != b["completion"]
    ]


def monitor() -> Monitor:
    return Monitor(HELD_OUT[:8], {"correct": correct}, every=2, max_new_tokens=40)


Trainer = Callable[..., TrainResult]


def sft(policy: Path, out: Path, **more: Any) -> TrainResult:
    settings = SftSettings(**COMMON, learning_rate=1e-3)
    return trained_by(
        "sft", policy, imitation_rows(32, 0), settings, out, monitor=monitor(), **more
    )


def dpo(policy: Path, out: Path, **more: Any) -> TrainResult:
    settings = DpoSettings(**COMMON, learning_rate=1e-3)
    return trained_by(
        "dpo", policy, preference_rows(40)[:32], settings, out, monitor=monitor(), **more
    )


def grpo(policy: Path, out: Path, **more: Any) -> TrainResult:
    settings = GrpoSettings(
        **COMMON, learning_rate=1e-3, steps=4, group_size=4, max_new_tokens=16, beta=0.1
    )
    rewards = {"correct": correct, "polite": polite}
    return trained_by("grpo", policy, TRAIN, settings, out, rewards, monitor=monitor(), **more)


@pytest.fixture(scope="module")
def trained_by_grpo(policy: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainResult:
    return grpo(policy, tmp_path_factory.mktemp("grpo"))


@pytest.mark.parametrize("train", [sft, dpo, grpo])
def test_the_monitor_starts_at_kl_zero(
    train: Trainer, policy: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    once = train is grpo
    result = request.getfixturevalue("trained_by_grpo") if once else train(policy, tmp_path)
    looks = {r["step"]: r for r in read_log(result.log_path) if "held_out/length" in r}
    assert list(looks) == [0, 2, 4]
    assert looks[0]["held_out/kl_sequence"] == pytest.approx(0, abs=1e-4)
    assert looks[4]["held_out/kl_sequence"] != pytest.approx(0, abs=1e-4)
    for key in ("gold/correct", "kl_token", "entropy", "distinct_2", "eos_rate", "truncated"):
        assert f"held_out/{key}" in looks[4]


def test_grpo_logs_each_source_with_its_coverage(trained_by_grpo: TrainResult) -> None:
    row = read_log(trained_by_grpo.log_path)[1]
    assert row["coverage/correct"] == 1.0
    assert row["coverage/polite"] == pytest.approx(5 / 8)
    names = "reward reward/correct reward/polite zero_std_groups length entropy truncated_share"
    names += " clip_fraction grad_norm kl_token distinct_1 distinct_2 unique"
    for key in names.split():
        assert isinstance(row[key], int | float), key
    assert row["eos_rate"] == pytest.approx(1 - row["truncated_share"])
    assert row["total_steps"] == 4


def test_rloo_counts_groups_of_equal_rewards(policy: Path, tmp_path: Path) -> None:
    """TRL's own count has the KL penalty in it, with which no two rewards are equal."""

    def alike(prompts: Any, **_: Any) -> list[float | None]:
        return [None, 1.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0][: len(prompts)]

    settings = RlooSettings(**COMMON, learning_rate=1e-2, steps=2, group_size=4, max_new_tokens=8)
    result = trained_by("rloo", policy, TRAIN, settings, tmp_path, {"alike": alike})
    assert [row["zero_std_groups"] for row in read_log(result.log_path)] == [0.5, 0.5]


@pytest.mark.slow
def test_what_all_rewards_have_in_common_moves_nothing(policy: Path, tmp_path: Path) -> None:
    """Of 1000 + .0001 i float32 keeps three levels for eight; the log has the whole number."""
    rows = {}
    for offset in (0.0, 1000.0):
        settings = GrpoSettings(**COMMON, learning_rate=1e-3, steps=1, group_size=4,
                                max_new_tokens=8, beta=0.0)  # fmt: skip
        rewards = {"r": lambda prompts, offset=offset, **_: [offset + i * 1e-4 for i in range(8)]}
        out = tmp_path / str(offset)
        result = trained_by("grpo", policy, TRAIN, settings, out, rewards)
        (rows[offset],) = read_log(result.log_path)
    assert rows[1000.0]["grad_norm"] == pytest.approx(rows[0.0]["grad_norm"], rel=1e-4)
    assert rows[0.0]["grad_norm"] > 0.1
    assert rows[1000.0]["reward"] == 1000.00035


WITHOUT_REWARD = [("grpo", GrpoSettings, 0.0), ("rloo", RlooSettings, 0.1)]
"""TRL's GRPO has its KL penalty in the loss, where it acts on completions without reward, too."""


@pytest.mark.parametrize(("trainer", "kind", "beta"), WITHOUT_REWARD)
def test_a_training_without_any_reward_moves_nothing(
    trainer: str, kind: type[GrpoSettings], beta: float, policy: Path, tmp_path: Path
) -> None:
    from safetensors.torch import load_file

    settings = kind(
        **COMMON, learning_rate=1e-2, steps=2, group_size=4, max_new_tokens=16, beta=beta
    )
    nothing = {"broken": lambda prompts, **_: [None] * len(prompts)}
    result = trained_by(trainer, policy, TRAIN, settings, tmp_path, nothing)
    before, after = (
        load_file(folder / "model.safetensors") for folder in (policy, result.checkpoint)
    )
    assert after.keys() == before.keys()
    assert all(after[key].equal(before[key]) for key in before)
    row = read_log(result.log_path)[0]
    assert row["coverage/broken"] == 0.0
    assert row["reward/broken"] is None


def test_dpo_prefers_what_was_chosen(policy: Path, tmp_path: Path) -> None:
    rng = random.Random(0)
    rows = [
        {
            "prompt": row["prompt"],
            "chosen": answer(int(row["reference"]), "polite", rng),
            "rejected": answer(int(row["reference"]), "flippant", rng),
        }
        for row in TRAIN[:48]
    ]
    settings = DpoSettings(**COMMON, learning_rate=1e-3)
    steps = read_log(trained_by("dpo", policy, rows, settings, tmp_path).log_path)
    assert steps[0]["reward_margin"] == pytest.approx(0, abs=1e-4)  # policy = reference at first
    assert steps[-1]["reward_margin"] > 0.1
    assert steps[-1]["reward_accuracy"] > 0.5


def test_lora_checkpoints_hold_the_adapter_and_train_further(policy: Path, tmp_path: Path) -> None:
    """DPO makes an adapter; GRPO goes on with it, from a KL divergence of 0."""
    settings = DpoSettings(**COMMON, learning_rate=1e-2, lora_rank=2)
    first = trained_by("dpo", policy, preference_rows(40)[:32], settings, tmp_path / "dpo")
    files = {path.name for path in first.checkpoint.iterdir()}
    assert "adapter_model.safetensors" in files and "model.safetensors" not in files
    second = grpo(first.checkpoint, tmp_path / "grpo")
    rows = read_log(second.log_path)
    assert rows[0]["held_out/kl_sequence"] == pytest.approx(0, abs=1e-4)
    assert rows[1]["kl_token"] == pytest.approx(0, abs=1e-4)
    assert not any(path.is_dir() for path in second.checkpoint.iterdir())


def test_chat_models_are_trained_on_their_template(policy: Path, tmp_path: Path) -> None:
    """Plain prompts become messages; reward functions get the texts that the rows have."""
    import shutil

    from harness.policy.models import load_tokenizer

    chat = tmp_path / "chat"
    shutil.copytree(policy, chat)
    tokenizer = load_tokenizer(policy)
    tokenizer.chat_template = (
        "{{ bos_token }}{% for m in messages %}{{ m.content }}"
        "{% if m.role == 'assistant' %}{{ eos_token }}{% endif %}{% endfor %}"
    )
    tokenizer.save_pretrained(chat)
    seen: dict[str, Any] = {}

    def reward(prompts: Any, completions: Any, completion_ids: Any, **_: Any) -> list[float]:
        seen.update(prompt=prompts[0], completion=completions[0])
        return [float(len(ids)) for ids in completion_ids]

    settings = GrpoSettings(**COMMON, learning_rate=1e-3, steps=1, group_size=4, max_new_tokens=16)
    trained_by("grpo", chat, TRAIN, settings, tmp_path / "grpo", {"r": reward})
    assert seen["prompt"] in [row["prompt"] for row in TRAIN]
    assert isinstance(seen["completion"], str)
    rows = preference_rows(40)[:8]
    pairs = DpoSettings(**COMMON, learning_rate=1e-3)
    assert trained_by("dpo", chat, rows, pairs, tmp_path / "dpo").steps == 1

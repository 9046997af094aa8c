"""Trainings as tests call them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from harness.examples.arithmetic_task import imitation_rows

from harness.policy.models import load_policy, load_tokenizer
from harness.train.ppo import Ppo
from harness.train.result import TrainingFolder, TrainResult
from harness.train.reward_function import RewardFunction, WeightedRewards
from harness.train.settings import TrainerSettings
from harness.train.trainers import train
from harness.train.training import TrainOptions

CHAT_TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}<{{ m.content }}>{% endfor %}"
    "{% if add_generation_prompt %}:{% endif %}"
)

S = TypeVar("S", bound=TrainerSettings)


def changed(settings: S, **changes: Any) -> S:
    """Return settings of which some are others."""
    return settings.model_copy(update=changes)


def trained_by(
    trainer: str,
    model: str | Path,
    rows: Sequence[Any],
    settings: TrainerSettings | Mapping[str, Any],
    out: Path,
    rewards: Mapping[str, RewardFunction] | None = None,
    weights: Mapping[str, float] | None = None,
    **options: Any,
) -> TrainResult:
    """Train, with reward functions by name."""
    weighted = None if rewards is None else WeightedRewards(rewards, weights or {})
    return train(trainer, model, rows, settings, out, TrainOptions(rewards=weighted, **options))


def preference_pairs(n: int) -> list[dict[str, Any]]:
    """Return preferences between two imitations of sums, by chance."""
    both = zip(imitation_rows(3 * n, 0), imitation_rows(3 * n, 1), strict=True)
    return [
        {"prompt": a["prompt"], "chosen": a["completion"], "rejected": b["completion"]}
        for a, b in both
        if a["completion"] != b["completion"]
    ][:n]


def built_ppo(
    model: str | Path,
    rows: Sequence[Any],
    settings: TrainerSettings,
    out: Path,
    rewards: Mapping[str, RewardFunction],
    seed: int = 3,
) -> Ppo:
    """Return a PPO training that has made no step yet."""
    options = TrainOptions(rewards=WeightedRewards(rewards), seed=seed)
    training = Ppo(model, rows, settings, out, options)
    training.folder = TrainingFolder(out, {}, None)
    training.tokenizer = load_tokenizer(model)
    training.build()
    return training


def chat_model(policy: Path, folder: Path) -> Path:
    """Write a policy as a chat model."""
    tokenizer = load_tokenizer(policy)
    tokenizer.chat_template = CHAT_TEMPLATE
    load_policy(policy).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder

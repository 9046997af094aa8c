"""One call for every trainer, by the name that experiments and the command line use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.nouns.errors import ConfigError

ONLINE = ("grpo", "ppo")
TRAINERS = ("sft", "reward_model", "dpo", *ONLINE)


def settings_of(trainer: str, values: Mapping[str, Any], where: str) -> Any:
    """Return the checked settings of a trainer.

    Raises:
        ConfigError: A setting is unknown or wrong.
    """
    from harness.train import settings

    kinds: dict[str, Any] = {
        "sft": settings.SftSettings,
        "reward_model": settings.RewardModelSettings,
        "dpo": settings.DpoSettings,
        "grpo": settings.GrpoSettings,
        "ppo": settings.PpoSettings,
    }
    return settings.parse_settings(kinds[trainer], values, where)


def train(
    trainer: str,
    model: str,
    rows: Sequence[Mapping[str, Any]],
    values: Mapping[str, Any],
    out: Path,
    *,
    rewards: Mapping[str, Any] | None = None,
    weights: Mapping[str, float] | None = None,
    seed: int = 0,
    monitor: Any = None,
    on_step: Any = None,
    where: str = "settings",
) -> Any:
    """Train with a trainer by name.

    Args:
        trainer: One of ``TRAINERS``.
        model: Checkpoint folder or hub id.
        rows: As the trainer needs them.
        values: Raw settings.
        out: Output folder; the same call on it goes on after a kill.
        rewards: Reward functions by name; online trainers only.
        weights: Of the reward functions.
        seed: Of order and sampling.
        monitor: What to measure on held-out prompts.
        on_step: Called with each row of the log.
        where: Place of the settings, for errors.

    Returns:
        The trainer's TrainResult.

    Raises:
        ConfigError: Settings are wrong, or rewards do not fit the trainer.
    """
    settings = settings_of(trainer, values, where)
    if bool(rewards) != (trainer in ONLINE):
        raise ConfigError(
            f"{trainer} {'needs' if trainer in ONLINE else 'takes no'} rewards", where=where
        )
    common: dict[str, Any] = {"seed": seed, "on_step": on_step}
    if trainer == "reward_model":
        from harness.train.reward_model import train_reward_model

        return train_reward_model(model, rows, settings, out, **common)
    common["monitor"] = monitor
    if trainer == "sft":
        from harness.train.sft import train_sft

        return train_sft(model, rows, settings, out, **common)
    if trainer == "dpo":
        from harness.train.dpo import train_dpo

        return train_dpo(model, rows, settings, out, **common)
    functions = dict(rewards or {})
    if trainer == "grpo":
        from harness.train.grpo import train_grpo

        return train_grpo(model, rows, functions, settings, out, weights=weights, **common)
    from harness.train.ppo import train_ppo

    return train_ppo(model, rows, functions, settings, out, weights=weights, **common)

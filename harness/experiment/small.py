"""The small size of an experiment: all of its parts on a few items, to see that they work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.experiment.config import RunConfig
from harness.train.trainers import settings_of

ITEMS = 4
"""Items to train on, and held-out ones."""

TOKENS = 24
"""Of a response."""

FEW: Mapping[str, int] = {
    "steps": 2,
    "epochs": 1,
    "batch_size": 4,
    "accumulation": 4,
    "rollout_size": 4,
    "group_size": 2,
    "num_generations": 2,
    "n": 2,
    "max_new_tokens": TOKENS,
    "warmup_steps": 0,
    "held_out_share": 0,
}
"""The most of each setting of a trainer that has it; few pairs tell no reward model from chance."""

SHARED = "batch_size", "accumulation", "rollout_size", "group_size"
"""Settings of which some are multiples of others: powers of two; the first two make 4 at most."""


def small(config: RunConfig) -> RunConfig:
    """Return an experiment of the same parts on few items, with few steps and one seed.

    Its name is another, so that it has a run directory of its own.

    Raises:
        ConfigError: A setting of a trainer is unknown or wrong.
    """
    parts = {
        part: entry.model_copy(update={"limit": min(ITEMS, entry.limit or ITEMS)})
        for part, entry in (("train", config.data.train), ("evaluation", config.data.evaluation))
    }
    sampling = {
        "responses_per_item": 2,
        "max_new_tokens": min(TOKENS, config.policy.max_new_tokens),
    }
    arms = {
        name: arm.model_copy(
            update={
                "settings": _few(arm.trainer, arm.settings, f"arms.{name}.settings"),
                "reward_model": _few("reward_model", arm.reward_model, f"arms.{name}.reward_model"),
            }
        )
        for name, arm in config.arms.items()
    }
    return config.model_copy(
        update={
            "name": f"{config.name}-small",
            "seeds": config.seeds[:1],
            "data": config.data.model_copy(update=parts),
            "policy": config.policy.model_copy(update=sampling),
            "arms": arms,
            "evaluation": config.evaluation.model_copy(update={"responses_per_item": 1}),
        }
    )


def _few(trainer: str, settings: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return settings of a trainer with no more than a few of anything."""
    checked = settings_of(trainer, settings, where)
    least = {
        name: min(value, most)
        for name, most in FEW.items()
        if (value := getattr(checked, name, None)) is not None
    }
    if steps := getattr(checked, "max_steps", None):  # it says how long it is, epochs do not
        least.pop("epochs", None)
        least["max_steps"] = min(steps, FEW["steps"])
    # By default PPO's estimators have groups of more than a few.
    if (each := getattr(checked, "completions_each", 1)) > 1:
        least["group_size"] = min(each, FEW["group_size"])
    least |= {name: 1 << int(least[name]).bit_length() - 1 for name in SHARED if name in least}
    least["accumulation"] = min(least["accumulation"], FEW["batch_size"] // least["batch_size"])
    return {**settings, **least}

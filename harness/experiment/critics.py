"""What the critic of an arm starts from: the arm's own reward model, or that of a folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from harness.experiment.config import ArmConfig, RunConfig
from harness.experiment.sources import NamedSource
from harness.nouns.errors import ConfigError
from harness.policy.weights import weights_hash

OWN = "reward_model"
"""What ``critic_from`` says where the arm's own reward model is meant."""


def folder_of(arm: ArmConfig, path: Path) -> Path | None:
    """Return the folder that the critic of an arm starts from, None if it is none or the arm's own.

    Args:
        arm: Its ``critic_from`` is relative to the experiment file.
        path: The experiment file.
    """
    start = arm.settings.get("critic_from")
    return path.parent / start if start and start != OWN else None


def check_critics(config: RunConfig, path: Path, sources: Mapping[str, NamedSource]) -> None:
    """Refuse a critic that nothing could start from.

    Raises:
        ConfigError: An arm has no reward model that its critic could start from.
        InputError: A folder holds no reward model.
    """
    for name, arm in config.arms.items():
        start = arm.settings.get("critic_from")
        if start == OWN and all(sources[one].way != "pairwise" for one in arm.sources):
            raise ConfigError(
                f"critic_from is {OWN}, and the arm has no pairwise source to train one on",
                where=f"arms.{name}.settings",
                hint="add a source that compares responses, or name the folder of a reward model",
            )
        if folder := folder_of(arm, path):
            from harness.train.reward_model import read_statistics

            read_statistics(folder)


def critics_of(config: RunConfig, path: Path) -> dict[str, str]:
    """Return what the folders hold that critics start from, by arm."""
    found = {name: folder_of(arm, path) for name, arm in config.arms.items()}
    return {name: weights_hash(folder) for name, folder in found.items() if folder}

"""REINFORCE leave-one-out through TRL's RLOOTrainer."""

from __future__ import annotations

from typing import ClassVar

from harness.train.grpo import Grpo, GrpoSettings


class RlooSettings(GrpoSettings):
    """REINFORCE leave-one-out (Ahmadian et al. 2024) through TRL; the KL penalty is in the reward.

    PPO's ``advantage_estimator: rloo`` has the same advantages in the harness's own loop.
    """

    trl_config: ClassVar[str] = "RLOOConfig"


class Rloo(Grpo):
    """A policy trained on rewards, each less the mean of the others of its prompt."""

    name = "rloo"
    Settings = RlooSettings
    trainer_name: ClassVar[str] = "TokensRlooTrainer"
    takes_environments: ClassVar[bool] = False
    settings: RlooSettings

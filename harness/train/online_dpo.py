"""Online DPO: preferences between the policy's own completions, in the loop of PPO."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from harness.train.ppo import Ppo
from harness.train.ppo_settings import PpoSettings
from harness.train.settings import Positive


class OnlineDpoSettings(PpoSettings):
    """Online direct preference optimization (Guo et al. 2024).

    Settings that speak of a critic or of a discount are refused.

    Attributes:
        beta: Strength of the KL penalty; at 0 every pair would have the same loss.
        epochs: Passes over each rollout; beyond one, the pairs' weights are those of its beginning.
        advantage_estimator: What makes the policy gradient that of DPO; PPO has the others.
    """

    beta: Positive = 0.1
    epochs: int = Field(default=1, ge=1, le=10_000)
    advantage_estimator: Literal["online_dpo"] = "online_dpo"


class OnlineDpo(Ppo):
    """A policy that samples two completions of each prompt and prefers the one with more reward."""

    name = "online_dpo"
    Settings = OnlineDpoSettings

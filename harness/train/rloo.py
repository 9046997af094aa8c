"""REINFORCE leave-one-out through TRL's RLOOTrainer."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
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
    log_keys: ClassVar[dict[str, str]] = {
        key: name for key, name in Grpo.log_keys.items() if name != "zero_std_groups"
    }
    """TRL's share of equal groups has the KL penalty in it, so that no two rewards are equal."""
    takes_environments: ClassVar[bool] = False
    settings: RlooSettings

    def of_groups(self, calls: Sequence[Sequence[float | None]]) -> dict[str, float]:
        """Return the share of groups of equal rewards."""
        size = self.settings.group_size
        equal = [one for call in calls for one in _equal(call, size)]
        return {"zero_std_groups": fmean(equal)} if equal else {}


def _equal(rewards: Sequence[float | None], size: int) -> list[bool]:
    """Return for each group with two rewards or more whether they are all equal."""
    groups = (rewards[start : start + size] for start in range(0, len(rewards), size))
    known = ([one for one in group if one is not None] for group in groups)
    return [min(group) == max(group) for group in known if len(group) > 1]

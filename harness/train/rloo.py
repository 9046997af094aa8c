"""REINFORCE leave-one-out through TRL's RLOOTrainer."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from statistics import fmean
from typing import Any, ClassVar

from harness.train.grpo import Grpo, GrpoSettings
from harness.train.ranks import of_all


class RlooSettings(GrpoSettings):
    """REINFORCE leave-one-out (Ahmadian et al. 2024) through TRL; the KL penalty is in the reward.

    PPO's ``advantage_estimator: rloo`` has the same advantages in the harness's own loop.
    """

    trl_config: ClassVar[str] = "RLOOConfig"


class Rloo(Grpo):
    """A policy trained on rewards, each less the mean of the others of its prompt."""

    name = "rloo"
    Settings = RlooSettings
    trainer_name: ClassVar[str] = "RLOOTrainer"
    log_keys: ClassVar[dict[str, str]] = {
        key: name for key, name in Grpo.log_keys.items() if name != "zero_std_groups"
    }
    """TRL's share of equal groups has the KL penalty in it, so that no two rewards are equal."""
    takes_environments: ClassVar[bool] = False
    settings: RlooSettings

    def trainable(self) -> dict[str, Any]:
        """Return the model and its adapter, and the reward function."""
        self._scored: list[list[float | None]] = []
        return super().trainable()

    def _reward(self, completion_ids: list[list[int]], *args: Any, **others: Any) -> Any:
        rewards = super()._reward(completion_ids, *args, **others)
        self._scored.append(rewards)
        return rewards

    def of_rollout(self) -> dict[str, Any]:
        """Return the diversity of what was sampled, and the share of groups of equal rewards."""
        # Ranks may share a group: in each call the rewards of all stand one after the other.
        calls, self._scored = list(zip(*of_all(self._scored), strict=True)), []
        size = self.settings.group_size
        equal = [one for call in calls for one in _equal(list(chain(*call)), size)]
        row = super().of_rollout()
        return row | {"zero_std_groups": fmean(equal)} if equal else row


def _equal(rewards: Sequence[float | None], size: int) -> list[bool]:
    """Return for each group with two rewards or more whether they are all equal."""
    groups = (rewards[start : start + size] for start in range(0, len(rewards), size))
    known = ([one for one in group if one is not None] for group in groups)
    return [min(group) == max(group) for group in known if len(group) > 1]

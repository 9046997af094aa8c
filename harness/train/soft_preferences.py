"""TRL's RewardTrainer with a probability for each preference.

Imports trl at its top, because it subclasses its trainer; import it only inside functions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.functional import logsigmoid
from trl import RewardTrainer
from trl.trainer.reward_trainer import DataCollatorForPreference


@dataclass
class SoftPreferenceCollator(DataCollatorForPreference):  # type: ignore[misc]
    """TRL's collator, which also passes on the probability of each preference."""

    def torch_call(self, examples: list[dict[str, Any]]) -> dict[str, Any]:
        """Return a padded batch with ``probability``, (n,)."""
        batch: dict[str, Any] = super().torch_call(examples)
        batch["probability"] = torch.tensor([row["probability"] for row in examples])
        return batch


class SoftRewardTrainer(RewardTrainer):  # type: ignore[misc]
    """Bradley-Terry with soft labels: cross-entropy between p and sigmoid(chosen - rejected)."""

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """Return the loss; TRL's own, of hard labels, only serves its metrics."""
        probability = inputs.pop("probability")
        _, outputs = super().compute_loss(model, inputs, return_outputs=True)
        chosen, rejected = outputs.logits.squeeze(-1).float().chunk(2)
        gap = chosen - rejected
        loss = -(probability * logsigmoid(gap) + (1 - probability) * logsigmoid(-gap)).mean()
        return (loss, outputs) if return_outputs else loss

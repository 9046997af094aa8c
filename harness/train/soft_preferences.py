"""TRL's RewardTrainer and DPOTrainer with a probability for each preference.

Imports trl at its top, because it subclasses its trainer; import it only inside functions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.functional import logsigmoid
from trl import RewardTrainer
from trl.trainer import dpo_trainer
from trl.trainer.reward_trainer import DataCollatorForPreference

from harness.train.own_tokens import CountsRows, TokensDpoTrainer


@dataclass
class SoftPreferenceCollator(DataCollatorForPreference):  # type: ignore[misc]
    """TRL's collator, which also passes on the probability of each preference."""

    def torch_call(self, examples: list[dict[str, Any]]) -> dict[str, Any]:
        """Return a padded batch with ``probability``, (n,)."""
        batch: dict[str, Any] = super().torch_call(examples)
        batch["probability"] = torch.tensor([row["probability"] for row in examples])
        return batch


class SoftRewardTrainer(CountsRows, RewardTrainer):  # type: ignore[misc]
    """Bradley-Terry with soft labels: cross-entropy between p and sigmoid(chosen - rejected).

    With a margin m, whichever response is the better one must lead by it (Touvron et al. 2023,
    equation 2, for both outcomes that a soft label leaves open):
    -p log sigmoid(gap - m) - (1 - p) log sigmoid(-gap - m). So a pair that is turned round, with
    1 - p, has the same loss.
    """

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """Return the loss; TRL's own, of hard labels, only serves its metrics."""
        probability, margin = inputs.pop("probability"), inputs.pop("margin")
        _, outputs = super().compute_loss(model, inputs, return_outputs=True)
        chosen, rejected = outputs.logits.squeeze(-1).float().chunk(2)
        gap = chosen - rejected
        better, worse = logsigmoid(gap - margin), logsigmoid(-gap - margin)
        loss = -(probability * better + (1 - probability) * worse).mean()
        if coefficient := self.args.center_rewards_coefficient:
            loss = loss + coefficient * ((chosen + rejected) ** 2).mean()
        loss = loss * self.share_of(inputs)
        return (loss, outputs) if return_outputs else loss


@dataclass
class SoftDpoCollator(dpo_trainer.DataCollatorForPreference):  # type: ignore[misc]
    """TRL's collator for DPO, which also passes on the probability of each preference."""

    def torch_call(self, examples: list[dict[str, Any]]) -> dict[str, Any]:
        """Return a padded batch with ``probability``, (n,)."""
        batch: dict[str, Any] = super().torch_call(examples)
        batch["probability"] = torch.tensor([row["probability"] for row in examples])
        return batch


class SoftDpoTrainer(TokensDpoTrainer):
    """DPO with soft labels: cross-entropy between p and sigmoid(z), z = beta * the gap.

    -p log sigmoid(z) - (1 - p) log sigmoid(-z) is TRL's own loss -log sigmoid(z), plus (1 - p) z.
    The log-probabilities that z is made of are read as policy and reference return them.
    """

    data_collator: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        given = self.data_collator
        self.data_collator = SoftDpoCollator(
            pad_token_id=given.pad_token_id,
            max_length=given.max_length,
            truncation_mode=given.truncation_mode,
            pad_to_multiple_of=given.pad_to_multiple_of,
        )

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """Return the loss; TRL's metrics are those of its own."""
        probability = inputs.pop("probability")
        sums: list[torch.Tensor] = []

        def read(_: Any, __: Any, outputs: Any) -> None:
            sums.append(outputs.log_probs.sum(1))

        models = [self.accelerator.unwrap_model(self.model)]
        models += [] if self.ref_model is None else [self.accelerator.unwrap_model(self.ref_model)]
        hooks = [one.register_forward_hook(read) for one in models]
        try:
            loss = super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        finally:
            for hook in hooks:
                hook.remove()
        ratio = sums[0] - self._reference(inputs, sums[1:])
        chosen, rejected = ratio.chunk(2)
        soft = ((1 - probability) * self.beta * (chosen - rejected)).mean() * self.loss_weights[0]
        soft = soft * self.share_of(inputs)
        return (loss[0] + soft, loss[1]) if return_outputs else loss + soft

    def _reference(self, inputs: dict[str, Any], seen: list[torch.Tensor]) -> torch.Tensor:
        if "ref_chosen_logps" in inputs:  # computed before the training
            return torch.cat([inputs["ref_chosen_logps"], inputs["ref_rejected_logps"]])
        return seen[0]

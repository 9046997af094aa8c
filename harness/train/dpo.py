"""Direct preference optimization through TRL's DPOTrainer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from pydantic import Field

from harness.nouns.errors import DataError
from harness.policy.prompts import as_prompt, prompt_ids
from harness.train.rows import Row, as_completion
from harness.train.settings import NotNegative, Number, Passes, Positive, TrainerSettings
from harness.train.training import TrlTraining


class DpoSettings(TrainerSettings):
    """Direct preference optimization (Rafailov et al. 2023).

    Attributes:
        epochs: Passes over the preferences.
        beta: Strength of the KL penalty; at 0 every pair would have the same loss.
        sft_weight: Weight of an added imitation loss on the chosen responses (Pang et al. 2024),
            which keeps DPO from pushing down what chosen and rejected have in common.
        minimum_probability: Preferences less certain than this are left out; exact ties always.
    """

    epochs: Passes = 1.0
    beta: Positive = 0.1
    sft_weight: NotNegative = 0.0
    minimum_probability: Number = Field(default=0.5, ge=0.5, le=1)


class Dpo(TrlTraining):
    """A policy trained on preferences; see `certain_pairs` for their probabilities."""

    name = "dpo"
    needs = "preferences"
    Settings = DpoSettings
    log_keys: ClassVar[dict[str, str]] = {
        "rewards/margins": "reward_margin",
        "rewards/accuracies": "reward_accuracy",
        "rewards/chosen": "reward/chosen",
        "rewards/rejected": "reward/rejected",
    }
    settings: DpoSettings

    def build(self) -> Any:
        """Return TRL's trainer."""
        from trl import DPOConfig, DPOTrainer

        settings = self.settings
        pairs = certain_pairs(self.rows, settings.minimum_probability)
        return self.trl(
            DPOTrainer,
            DPOConfig,
            [self._example(row) for row in pairs],
            num_train_epochs=settings.epochs,
            beta=settings.beta,
            loss_type=["sigmoid", "sft"] if settings.sft_weight else ["sigmoid"],
            loss_weights=[1.0, settings.sft_weight] if settings.sft_weight else None,
            max_length=settings.max_length,
        )

    def _example(self, row: Row) -> dict[str, Any]:
        prompt = as_prompt(self.tokenizer, row["prompt"])
        before = len(prompt_ids(self.tokenizer, prompt)) + 1  # and an EOS
        pair = (
            self.tokenizer(row[key], add_special_tokens=False) for key in ("chosen", "rejected")
        )
        self.note_length(*(before + len(response["input_ids"]) for response in pair))
        return {
            "prompt": prompt,
            "chosen": as_completion(prompt, row["chosen"]),
            "rejected": as_completion(prompt, row["rejected"]),
        }


def certain_pairs(rows: Sequence[Row], minimum_probability: float) -> list[Row]:
    """Return the preferences that are certain enough to count as hard labels.

    TRL's DPO loss takes no probability. A tie (probability 0.5) prefers nothing and is always left
    out; a row with a probability below 0.5 is the opposite preference, and is turned round.

    Raises:
        DataError: None is left.
    """
    kept: list[Row] = []
    for row in rows:
        probability = float(row.get("probability", 1.0))
        if max(probability, 1 - probability) < minimum_probability or probability == 0.5:
            continue
        if probability < 0.5:
            row = {
                **row,
                "chosen": row["rejected"],
                "rejected": row["chosen"],
                "probability": 1 - probability,
            }
        kept.append(row)
    if not kept:
        raise DataError(
            f"none of {len(rows)} preferences is more certain than {minimum_probability}",
            hint="lower minimum_probability, or use a source that can tell the responses apart",
        )
    return kept

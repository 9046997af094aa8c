"""Direct preference optimization through TRL's DPOTrainer."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from harness.policy.prompts import as_prompt, prompt_ids
from harness.train.row_forms import Row
from harness.train.rows import as_completion
from harness.train.settings import NotNegative, Number, Passes, Positive, TrainerSettings
from harness.train.training import TrlTraining

SAME = "with the same text twice"
"""Why a pair prefers nothing: what is chosen is what is rejected."""


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
    """A policy trained on preferences; see `certain_pair` for their probabilities."""

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
        """Return TRL's trainer.

        Raises:
            DataError: No pair is certain enough and leaves room for its responses.
        """
        from trl import DPOConfig, DPOTrainer

        settings = self.settings
        examples = [one for n, row in enumerate(self.rows) if (one := self._example(n, row))]
        self.learnt()
        return self.trl(
            DPOTrainer,
            DPOConfig,
            examples,
            num_train_epochs=settings.epochs,
            beta=settings.beta,
            loss_type=["sigmoid", "sft"] if settings.sft_weight else ["sigmoid"],
            loss_weights=[1.0, settings.sft_weight] if settings.sft_weight else None,
            max_length=self.left_out.longest,
        )

    def _example(self, number: int, given: Row) -> dict[str, Any] | None:
        if not self.left_out.says(number, given["chosen"], given["rejected"]):
            return None
        row = certain_pair(given, self.settings.minimum_probability)
        if isinstance(row, str):
            self.left_out.leave(number, row)
            return None
        prompt = as_prompt(self.tokenizer, row["prompt"])
        before = len(prompt_ids(self.tokenizer, prompt))
        texts = self.tokenizer([row["chosen"], row["rejected"]], add_special_tokens=False)
        pair = [[*ids, self.tokenizer.eos_token_id] for ids in texts["input_ids"]]
        if pair[0] == pair[1]:
            self.left_out.leave(number, SAME)
            return None
        room = self.left_out.longest - before
        if room > 0 and pair[0][:room] == pair[1][:room]:
            self.left_out.leave(number, "alike once cut", before + max(map(len, pair)))
            return None
        if not self.left_out.fits(number, before + 1, *(before + len(ids) for ids in pair)):
            return None
        return {
            "prompt": prompt,
            "chosen": as_completion(prompt, row["chosen"]),
            "rejected": as_completion(prompt, row["rejected"]),
        }


def certain_pair(row: Row, minimum_probability: float) -> Row | str:
    """Return a preference that is certain enough to count as a hard label, or why it is not.

    TRL's DPO loss takes no probability. A tie (probability 0.5) prefers nothing and is always left
    out; a row with a probability below 0.5 is the opposite preference, and is turned round.
    """
    if row["chosen"] == row["rejected"]:
        return SAME
    probability = float(row.get("probability", 1.0))
    if probability == 0.5:
        return "tied"
    if max(probability, 1 - probability) < minimum_probability:
        return "less certain than minimum_probability"
    if probability > 0.5:
        return row
    turned = {"chosen": row["rejected"], "rejected": row["chosen"]}
    return {**row, **turned, "probability": 1 - probability}

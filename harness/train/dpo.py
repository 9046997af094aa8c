"""Direct preference optimization through TRL's DPOTrainer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from pydantic import Field, model_validator

from harness.nouns.errors import ConfigError
from harness.policy.prompts import prompt_ids
from harness.train.left_out import LeftOut
from harness.train.memory import Use
from harness.train.row_forms import Row
from harness.train.settings import NotNegative, Number, Passes, Positive, RowSettings
from harness.train.trl_training import TrlTraining

SAME = "with the same text twice"
"""Why a pair prefers nothing: what is chosen is what is rejected."""

CUT_ALIKE = "alike once cut"
"""Why a pair prefers nothing that is learnt: it differs beyond ``max_length`` only."""

NO_PROBABILITIES = {"loss_type", "f_divergence_type", "use_weighting", "ld_alpha"}
"""Fields of TRL that change the loss to one that soft labels are not defined for."""


class DpoSettings(RowSettings):
    """Direct preference optimization (Rafailov et al. 2023).

    Attributes:
        epochs: Passes over the preferences.
        beta: Strength of the KL penalty; at 0 every pair would have the same loss.
        sft_weight: Weight of an added imitation loss on the chosen responses (Pang et al. 2024),
            which keeps DPO from pushing down what chosen and rejected have in common.
        soft_labels: Whether a preference counts with its probability, also a tie: its gap of
            log-ratios is drawn to logit(probability) / beta. Otherwise it counts as if it were
            certain, and ties are left out.
        minimum_probability: Preferences less certain than this are left out.
    """

    trl_config: ClassVar[str] = "DPOConfig"

    epochs: Passes = 1.0
    beta: Positive = 0.1
    sft_weight: NotNegative = 0.0
    soft_labels: bool = True
    minimum_probability: Number = Field(default=0.5, ge=0.5, le=1)

    @model_validator(mode="after")
    def _one_loss(self) -> DpoSettings:
        if self.sft_weight and {"loss_type", "loss_weights"} & self.trl.keys():
            raise ValueError("trl.loss_type: sft_weight is a loss of its own; set one of the two")
        return self


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
            ConfigError: The loss that ``trl`` names takes no probabilities.
        """
        from trl import DPOConfig

        from harness.train.own_tokens import TokensDpoTrainer

        settings = self.settings
        examples = self.examples()
        trainer = TokensDpoTrainer
        if any(one["probability"] < 1 for one in examples):
            unfit = sorted(NO_PROBABILITIES & self.settings.trl.keys())
            if unfit:
                raise ConfigError(
                    f"the loss of trl.{unfit[0]} takes no probabilities of preferences",
                    where="soft_labels",
                    hint="set soft_labels: false to count each preference as if it were certain",
                )
            from harness.train.soft_preferences import SoftDpoTrainer as trainer
        return self.trl(
            trainer,
            DPOConfig,
            examples,
            remove_unused_columns=trainer is TokensDpoTrainer,
            num_train_epochs=settings.epochs,
            beta=settings.beta,
            loss_type=["sigmoid", "sft"] if settings.sft_weight else ["sigmoid"],
            loss_weights=[1.0, settings.sft_weight] if settings.sft_weight else None,
            max_length=self.left_out.longest,
        )

    def use(self, settings: Any) -> Use:
        """Return the use of pairs, and of a reference."""
        found = super().use(settings)
        copies = found.copies + (0 if found.lora else 1)
        return replace(found, tokens=2 * found.tokens, copies=copies)

    def examples(self) -> list[dict[str, Any]]:
        """Return the tokens of the pairs that are learnt from; the rest is noted.

        Raises:
            DataError: No pair is certain enough and leaves room for its responses.
        """
        found = [one for n, row in enumerate(self.rows) if (one := self._example(n, row))]
        self.learnt()
        return found

    def _example(self, number: int, given: Row) -> dict[str, Any] | None:
        if not self.left_out.says(number, given["chosen"], given["rejected"]):
            return None
        row = certain_pair(given, self.settings.minimum_probability, self.settings.soft_labels)
        if isinstance(row, str):
            self.left_out.leave(number, row)
            return None
        prompt = prompt_ids(self.tokenizer, row["prompt"])
        if not self.left_out.asks(number, row["prompt"], prompt):
            return None
        before = len(prompt)
        pair = self.taught(number, row["prompt"], row["chosen"], row["rejected"])
        if pair[0] == pair[1]:
            self.left_out.leave(number, SAME)
            return None
        if alike_once_cut(self.left_out, number, before, pair):
            return None
        if not self.left_out.fits(number, before + 1, *(before + len(ids) for ids in pair)):
            return None
        self.occur(number, *(prompt + ids for ids in pair))
        return {
            "prompt_ids": prompt,
            "chosen_ids": pair[0],
            "rejected_ids": pair[1],
            "probability": float(row.get("probability", 1.0)) if self.settings.soft_labels else 1.0,
        }


def alike_once_cut(account: LeftOut, number: int, before: int, pair: Sequence[list[int]]) -> bool:
    """Tell whether two answers are the same up to where they are cut; leave the row out, if so.

    Args:
        account: Of the rows.
        number: Of the row, from 0.
        before: Tokens of its prompt.
        pair: Tokens of the answers.
    """
    room = account.longest - before
    if room <= 0 or pair[0][:room] != pair[1][:room]:
        return False
    account.leave(number, CUT_ALIKE, before + max(map(len, pair)))
    return True


def certain_pair(row: Row, minimum_probability: float, soft: bool = False) -> Row | str:
    """Return a preference that is certain enough, or why it is not.

    A row with a probability below 0.5 is the opposite preference, and is turned round. A tie
    (probability 0.5) prefers nothing, and is left out where labels are not soft.
    """
    if row["chosen"] == row["rejected"]:
        return SAME
    probability = float(row.get("probability", 1.0))
    if probability == 0.5 and not soft:
        return "tied"
    if max(probability, 1 - probability) < minimum_probability:
        return "less certain than minimum_probability"
    if probability >= 0.5:
        return row
    turned = {"chosen": row["rejected"], "rejected": row["chosen"]}
    return {**row, **turned, "probability": 1 - probability}

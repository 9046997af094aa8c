"""Supervised fine-tuning through TRL's SFTTrainer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from harness.policy.prompts import prompt_ids
from harness.train.row_forms import Row
from harness.train.settings import Passes, RowSettings, TrainerSettings
from harness.train.training import Needs
from harness.train.trl_training import TrlTraining


class SftSettings(RowSettings):
    """Supervised fine-tuning on prompts and completions.

    Attributes:
        learning_rate: Peak of the schedule; by default 2e-5, ten times that with LoRA.
        epochs: Passes over the rows.
    """

    trl_config: ClassVar[str] = "SFTConfig"
    default_rate: ClassVar[float] = 2e-5

    epochs: Passes = 1.0


class Sft(TrlTraining):
    """Imitation of completions; the loss is on the completion and its EOS only."""

    name = "sft"
    needs: ClassVar[Needs] = "completions"
    Settings: ClassVar[type[TrainerSettings]] = SftSettings
    log_keys: ClassVar[dict[str, str]] = {"mean_token_accuracy": "token_accuracy"}
    settings: SftSettings

    def build(self) -> Any:
        """Return TRL's trainer on tokens that are made here, cut to ``max_length``.

        Raises:
            DataError: No prompt leaves room for a token of its completion.
        """
        from trl import SFTConfig, SFTTrainer

        examples = self.examples()
        epochs = self.settings.epochs
        return self.trl(SFTTrainer, SFTConfig, examples, num_train_epochs=epochs, max_length=None)

    def examples(self) -> list[dict[str, Any]]:
        """Return the tokens that are learnt from; the rest is noted.

        Raises:
            DataError: No prompt leaves room for a token of its completion.
        """
        examples, longest = [], self.left_out.longest
        for number, row in self.imitated():
            prompt = prompt_ids(self.tokenizer, row["prompt"])
            if not self.left_out.asks(number, row["prompt"], prompt):
                continue
            completion = self.completion_ids(number, row)
            ids, labels = prompt + completion, [-100] * len(prompt) + completion
            if self.left_out.fits(number, len(prompt) + 1, len(ids)):
                self.occur(number, ids)
                examples.append({"input_ids": ids[:longest], "labels": labels[:longest]})
        self.learnt()
        return examples

    def imitated(self) -> Iterable[tuple[int, Row]]:
        """Return the rows with the completions to imitate, and the number of each, from 0."""
        rows = enumerate(self.rows)
        return [(n, row) for n, row in rows if self.left_out.says(n, row["completion"])]

    def completion_ids(self, number: int, row: Row) -> list[int]:
        """Return the tokens to imitate of a row."""
        return self.taught(number, row["prompt"], row["completion"])[0]

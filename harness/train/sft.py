"""Supervised fine-tuning through TRL's SFTTrainer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from harness.policy.prompts import prompt_ids
from harness.train.rows import Row
from harness.train.settings import Passes, Rate, TrainerSettings
from harness.train.training import Needs, TrlTraining


class SftSettings(TrainerSettings):
    """Supervised fine-tuning on prompts and completions.

    Attributes:
        epochs: Passes over the rows.
    """

    learning_rate: Rate = 2e-5
    epochs: Passes = 1.0


class Sft(TrlTraining):
    """Imitation of completions; the loss is on the completion and its EOS only."""

    name = "sft"
    needs: ClassVar[Needs] = "completions"
    Settings: ClassVar[type[TrainerSettings]] = SftSettings
    log_keys: ClassVar[dict[str, str]] = {"mean_token_accuracy": "token_accuracy"}
    settings: SftSettings

    def build(self) -> Any:
        """Return TRL's trainer on tokens that are made here, cut to ``max_length``."""
        from trl import SFTConfig, SFTTrainer

        examples = []
        for row in self.imitated():
            prompt = prompt_ids(self.tokenizer, row["prompt"])
            completion = self.completion_ids(row)
            self.note_length(len(prompt) + len(completion))
            ids, labels = prompt + completion, [-100] * len(prompt) + completion
            longest = self.settings.max_length
            examples.append({"input_ids": ids[:longest], "labels": labels[:longest]})
        epochs = self.settings.epochs
        return self.trl(SFTTrainer, SFTConfig, examples, num_train_epochs=epochs, max_length=None)

    def imitated(self) -> Sequence[Row]:
        """Return the rows with the completions to imitate."""
        return self.rows

    def completion_ids(self, row: Row) -> list[int]:
        """Return the tokens to imitate of a row."""
        ids = self.tokenizer(row["completion"], add_special_tokens=False)["input_ids"]
        return [*ids, self.tokenizer.eos_token_id]

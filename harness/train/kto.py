"""Kahneman-Tversky optimization through TRL's KTOTrainer."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from pydantic import Field, model_validator

from harness.nouns.alike import alike
from harness.nouns.errors import DataError
from harness.policy.prompts import as_prompt, prompt_ids
from harness.train.dpo import certain_pair
from harness.train.memory import Use
from harness.train.ranks import ranks
from harness.train.row_forms import Row
from harness.train.rows import Placed, as_completion, file_of, plain_rows
from harness.train.settings import NotNegative, Number, Passes, Positive, RowSettings
from harness.train.trl_training import TrlTraining

LABEL = "label"
"""Column of a row that is one completion: whether it is wanted."""

HIDDEN = "label of kto"
"""Its name while rows are read: by its own a label of false would be refused, since elsewhere
completions are imitated."""


class KtoSettings(RowSettings):
    """Kahneman-Tversky optimization (Ethayarajh et al. 2024).

    Its reference point is estimated on the completions of a batch with each other's prompts, so
    ``batch_size`` is at least 2.

    Attributes:
        epochs: Passes over the completions.
        beta: Strength of the KL penalty; at 0 every completion would have the same loss.
        desirable_weight: Of the loss of wanted completions.
        undesirable_weight: Of the loss of the others; the losses of the two kinds together should
            weigh alike.
        minimum_probability: Preferences less certain than this are left out; exact ties always.
    """

    trl_config: ClassVar[str] = "KTOConfig"
    least_batch: ClassVar[int] = 2

    epochs: Passes = 1.0
    beta: Positive = 0.1
    desirable_weight: NotNegative = 1.0
    undesirable_weight: NotNegative = 1.0
    minimum_probability: Number = Field(default=0.5, ge=0.5, le=1)

    @model_validator(mode="after")
    def _several(self) -> KtoSettings:
        if self.batch_size < self.least_batch * ranks():
            of = f" on {ranks()} processes" if ranks() > 1 else ""
            raise ValueError(
                f"batch_size: {self.batch_size}{of} leaves KTO no other prompt for its reference"
                " point"
            )
        return self


class Kto(TrlTraining):
    """A policy trained on completions that are wanted or not: rows with ``label``, or preferences.

    Both responses of a preference are learnt from, one as wanted and the other as not.
    """

    name = "kto"
    needs = "preferences"
    Settings = KtoSettings
    log_keys: ClassVar[dict[str, str]] = {
        "kl": "kto_kl",
        "rewards/margins": "reward_margin",
        "rewards/chosen": "reward/chosen",
        "rewards/rejected": "reward/rejected",
    }
    settings: KtoSettings

    @classmethod
    def columns(cls, rows: Sequence[Row]) -> tuple[str, ...]:
        """Return the columns that every row has: those of preferences, or with a label."""
        first = rows[0] if len(rows) else None
        if isinstance(first, Mapping) and LABEL in first:
            return ("prompt", "completion", LABEL)
        return super().columns(rows)

    @classmethod
    def plain_rows(cls, rows: Sequence[Row], places: Sequence[str] = ()) -> list[Placed]:
        """Return preferences, or completions with their labels, and where each stands.

        Raises:
            DataError: A row lacks a column or has something wrong in it.
        """
        if LABEL not in cls.columns(rows):
            return super().plain_rows(rows, places)
        hidden = [
            {(HIDDEN if key == LABEL else key): value for key, value in row.items()}
            if isinstance(row, Mapping)
            else row
            for row in rows
        ]
        found = plain_rows(hidden, ("prompt", "completion"), "labelled completions", places)
        wrong = [
            (place, f"label must be true or false, got {row.get(HIDDEN)!r:.40}")
            for place, row in found
            if row.get(HIDDEN) not in (True, False) or isinstance(row[HIDDEN], float)
        ]
        if wrong:
            what = f"{len(wrong)} wrong labels"
            raise DataError(what, where=file_of(places), details=alike(wrong, 10))
        return [
            (place, {k: v for k, v in row.items() if k != HIDDEN} | {LABEL: bool(row[HIDDEN])})
            for place, row in found
        ]

    def build(self) -> Any:
        """Return TRL's trainer on the examples in an order of the seed, since it keeps theirs.

        Raises:
            DataError: No row is certain enough and leaves room for a response.
        """
        from trl import KTOConfig, KTOTrainer

        settings = self.settings
        examples = [one for n, row in enumerate(self.rows) for one in self._examples(n, row)]
        random.Random(f"kto {self.seed}").shuffle(examples)
        self.learnt()
        return self.trl(
            KTOTrainer,
            KTOConfig,
            examples,
            num_train_epochs=settings.epochs,
            beta=settings.beta,
            desirable_weight=settings.desirable_weight,
            undesirable_weight=settings.undesirable_weight,
            max_length=self.left_out.longest,
        )

    def use(self, settings: Any) -> Use:
        """Return the use of a reference."""
        found = super().use(settings)
        return replace(found, copies=found.copies + (0 if found.lora else 1))

    def _examples(self, number: int, given: Row) -> list[dict[str, Any]]:
        sides = ("completion",) if LABEL in given else ("chosen", "rejected")
        texts = [given[key] for key in sides]
        if not self.left_out.says(number, *texts):
            return []
        if LABEL in given:
            labelled = {given["completion"]: given[LABEL]}
        else:
            row = certain_pair(given, self.settings.minimum_probability)
            if isinstance(row, str):
                self.left_out.leave(number, row)
                return []
            labelled = {row["chosen"]: True, row["rejected"]: False}
        prompt = as_prompt(self.tokenizer, given["prompt"])
        before = len(prompt_ids(self.tokenizer, prompt))
        ids = self.tokenizer(list(labelled), add_special_tokens=False)["input_ids"]
        if not self.left_out.fits(number, before + 1, *(before + len(one) + 1 for one in ids)):
            return []
        return [
            {"prompt": prompt, "completion": as_completion(prompt, text), LABEL: label}
            for text, label in labelled.items()
        ]

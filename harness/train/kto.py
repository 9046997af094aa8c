"""Kahneman-Tversky optimization through TRL's KTOTrainer."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from pydantic import Field, model_validator

from harness.nouns.alike import alike
from harness.nouns.errors import DataError
from harness.policy.prompts import prompt_ids
from harness.train.dpo import SAME, alike_once_cut, certain_pair
from harness.train.memory import Use
from harness.train.other_forms import label_of
from harness.train.ranks import ranks, shared
from harness.train.row_forms import Row
from harness.train.rows import Placed, file_of, plain_rows
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
            {key: value for key, value in row.items() if key != LABEL}
            | ({HIDDEN: label_of(row[LABEL])} if LABEL in row else {})
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
        from trl import KTOConfig

        from harness.train.own_tokens import TokensKtoTrainer

        settings = self.settings
        return self.trl(
            TokensKtoTrainer,
            KTOConfig,
            self.with_others(self.examples()),
            num_train_epochs=settings.epochs,
            beta=settings.beta,
            desirable_weight=settings.desirable_weight,
            undesirable_weight=settings.undesirable_weight,
            max_length=self.left_out.longest,
        )

    @property
    def examples_each(self) -> int:
        """Two for a preference."""
        return 1 if LABEL in self.rows[0] else 2

    def reached(self, steps: int) -> int:
        """Return how many rows are learnt from in the order in which the examples stand."""
        return len({*self._order[: steps * self.settings.batch_size * self.settings.accumulation]})

    def use(self, settings: Any) -> Use:
        """Return the use of a reference."""
        found = super().use(settings)
        return replace(found, copies=found.copies + (0 if found.lora else 1))

    def examples(self) -> list[dict[str, Any]]:
        """Return the tokens that are learnt from, in an order of the seed; the rest is noted.

        Raises:
            DataError: No row is certain enough and leaves room for a response.
        """
        both = [(n, one) for n, row in enumerate(self.rows) for one in self._examples(n, row)]
        random.Random(f"kto {self.seed}").shuffle(both)
        self._order, found = [number for number, _ in both], [one for _, one in both]
        self.learnt()
        labels = [one[LABEL] for one in found]
        uneven = unlike(labels, self.settings.desirable_weight, self.settings.undesirable_weight)
        if uneven and self.folder.writes:
            self.tell(uneven)
        return found

    def with_others(self, examples: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return examples with the completions on which the reference point is estimated."""
        size = shared(self.settings.batch_size)
        taken = of_others([one["prompt_ids"] for one in examples], size)
        return [
            {**one, "KL_completion_ids": examples[other]["completion_ids"]}
            for one, other in zip(examples, taken, strict=True)
        ]

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
        prompt = prompt_ids(self.tokenizer, given["prompt"])
        if not self.left_out.asks(number, given["prompt"], prompt):
            return []
        before = len(prompt)
        answers = self.taught(number, given["prompt"], *labelled)
        if len(answers) > 1 and answers[0] == answers[1]:
            self.left_out.leave(number, SAME)
            return []
        if len(answers) > 1 and alike_once_cut(self.left_out, number, before, answers):
            return []
        if not self.left_out.fits(number, before + 1, *(before + len(ids) for ids in answers)):
            return []
        self.occur(number, *(prompt + ids for ids in answers))
        return [
            {"prompt_ids": prompt, "completion_ids": ids, LABEL: label}
            for ids, label in zip(answers, labelled.values(), strict=True)
        ]


def unlike(labels: Sequence[bool], desirable: float, undesirable: float) -> str:
    """Return a line for the terminal where one kind of completions outweighs the other, else "".

    Equal numbers are as they are meant; others should weigh alike, or the wanted ones up to a third
    more (Ethayarajh et al. 2024, equation 8).
    """
    wanted = sum(labels)
    others = len(labels) - wanted
    if labels and not (wanted and others):
        kind = "wanted" if wanted else "not wanted"
        return (
            f"kto: all {len(labels):,} completions are {kind}, so that nothing is told apart; rows"
            " of both kinds are usual"
        )
    if wanted == others or not (desirable and undesirable):
        return ""
    if 1 <= round(desirable * wanted / (undesirable * others), 9) <= 4 / 3:
        return ""
    low = undesirable * others / wanted
    return (
        f"kto: {wanted:,} completions are wanted and {others:,} are not: a desirable_weight from"
        f" {low:.3g} to {low * 4 / 3:.3g} lets both kinds weigh alike"
    )


def of_others(prompts: Sequence[Sequence[int]], size: int) -> list[int]:
    """Return for each row the number of the row whose completion its prompt is given, too.

    It is the one before it in its batch, the last one for the first, as in TRL; or the next before
    that of which the prompt is another, in the batch or, where there is none, in all the data. Only
    if all rows have one prompt it is the one before it in any case.

    Args:
        prompts: Token ids of the prompt of each row.
        size: Rows of a batch.
    """
    found = []
    for number, prompt in enumerate(prompts):
        start = number - number % size
        batch = range(start, min(start + size, len(prompts)))
        inside = (batch[(number - start - back) % len(batch)] for back in range(1, len(batch)))
        outside = ((number - back) % len(prompts) for back in range(1, len(prompts)))
        near = (one for rows in (inside, outside) for one in rows if prompts[one] != prompt)
        found.append(next(near, (number or len(prompts)) - 1))
    return found

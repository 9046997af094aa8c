"""The training of reward models on preferences, through TRL."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from numbers import Real
from typing import Any, ClassVar

from pydantic import Field, model_validator

from harness.nouns.alike import alike
from harness.nouns.errors import ConfigError, DataError
from harness.policy.classifiers import goes_on
from harness.policy.models import base_of, configuration, fitting, is_adapter
from harness.policy.prompts import prompt_ids
from harness.policy.stillness import keep_still
from harness.train.dpo import SAME, certain_pair
from harness.train.memory import Use
from harness.train.other_forms import is_empty
from harness.train.quiet import new_head
from harness.train.reward_combined import SIDES, Combine
from harness.train.reward_model import STATISTICS, score_ids
from harness.train.reward_model_quality import held_out_quality
from harness.train.row_forms import Row
from harness.train.rows import Placed, file_of
from harness.train.settings import NotNegative, Number, Passes, RowSettings
from harness.train.trl_training import TrlTraining

WIDEST = 1_000_000
"""The widest margin of a row, which is that of the setting."""


class RewardModelSettings(RowSettings):
    """A reward model on preferences (Bradley-Terry, with the probabilities as soft labels).

    Attributes:
        learning_rate: Peak of the schedule; by default 1e-5, ten times that with LoRA.
        epochs: Passes over the preferences.
        soft_labels: Whether a preference counts with its probability (cross-entropy with a soft
            label); otherwise as if it were certain, and ties are left out.
        held_out_share: Share of the prompts on which accuracy and calibration are measured and
            which are not trained; below 1, so that something is trained.
        margin: By how much the score of the better response should lead, for rows without a
            ``margin`` of their own (Touvron et al. 2023).
        center_rewards_coefficient: Weight of the squared sum of both scores of a pair in the loss,
            which keeps scores around 0 (Eisenstein et al. 2023; they use 0.01).
        members: Reward models that are trained, which differ by the order of their pairs (and new
            adapters by what they start from); more than one are an ensemble.
        combine: What an ensemble's score is: the mean of its members' standardized scores, the
            worst of them, or as a lower bound their mean less their standard deviation.
    """

    trl_config: ClassVar[str] = "RewardConfig"
    default_rate: ClassVar[float] = 1e-5

    epochs: Passes = 1.0
    soft_labels: bool = True
    held_out_share: Number = Field(default=0.1, ge=0, lt=1)
    margin: NotNegative = 0.0
    center_rewards_coefficient: NotNegative = 0.0
    members: int = Field(default=1, ge=1, le=100)
    combine: Combine = "mean"

    @model_validator(mode="after")
    def _of_several(self) -> RewardModelSettings:
        if self.members == 1 and self.combine != "mean":
            raise ValueError("combine: would do nothing with one member; set members, too")
        return self


class RewardModel(TrlTraining):
    """A reward model trained on preferences, with their probabilities as soft labels.

    Whole prompts are held out from training to measure accuracy and calibration, which are in the
    last row of the log and in ``reward_model.json`` of the checkpoint.
    """

    name = "reward_model"
    needs = "preferences"
    reads = ("margin",)
    makes_policy = False
    Settings = RewardModelSettings
    log_keys: ClassVar[dict[str, str]] = {
        "accuracy": "reward_accuracy",
        "margin": "reward_margin",
        "mean_reward": "reward",
    }
    settings: RewardModelSettings

    split_seed: int | None = None
    """What the members of an ensemble divide their rows by, so that they hold out the same."""

    @classmethod
    def plain_rows(cls, rows: Sequence[Row], places: Sequence[str] = ()) -> list[Placed]:
        """Return the preferences, and where each stands.

        Raises:
            DataError: A row lacks a column or has something wrong in it; by ``places``, if given.
        """
        found = super().plain_rows(rows, places)
        wrong = [
            (place, f"margin must be a number from 0 to {WIDEST:,}, got {row['margin']!r:.40}")
            for place, row in found
            if not (is_empty(row.get("margin")) or is_lead(row["margin"]))
        ]
        if wrong:
            raise DataError(
                f"{len(wrong)} wrong cells in the {cls.what()}",
                where=file_of(places),
                details=alike(wrong, 10),
                hint="leave a margin out where there is none",
            )
        return found

    def check_settings(self) -> None:
        """Refuse what cannot be trained, also models that transformers has no classifier of.

        Raises:
            ConfigError: The settings do not fit the machine, or there is no such classifier.
            InputError: There is no such model, it is a learnt prompt, a policy's adapter, or a
                classifier of more than one label.
        """
        from transformers import MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING

        super().check_settings()
        goes_on(self.model)
        model = base_of(self.model) if is_adapter(self.model) else self.model
        kind = configuration(model)
        if type(kind) not in MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING:
            raise ConfigError(
                f"{kind.model_type}: transformers has no model of this architecture that scores"
                " texts",
                where=str(model),
                hint="train it on a model of another architecture",
            )

    def inputs(self) -> dict[str, Any]:
        """Return everything that the result depends on, also which pairs a member holds out."""
        found = super().inputs()
        return found if self.split_seed is None else found | {"split": self.split_seed}

    def divide(self) -> None:
        """Divide the rows into those that are trained and those that are held out.

        Raises:
            DataError: No row is left.
        """
        settings = self.settings
        make_pad_differ_from(self.answers.ends, self.tokenizer)
        labelled = ((n, self._label(n, row)) for n, row in enumerate(self.rows))
        seed = self.seed if self.split_seed is None else self.split_seed
        sides = _split({n: row for n, row in labelled if row}, settings.held_out_share, seed)
        fitting = [
            {
                n: one
                for n, row in side.items()
                if (one := self._example(n, row)) and self._fits(n, one)
            }
            for side in sides
        ]
        for number in fitting[1]:
            self.left_out.leave(number, "held out")
        self.parts = [list(side.values()) for side in fitting]
        self.prompts = [json.dumps(self.rows[number]["prompt"]) for number in fitting[1]]
        self.learnt()

    def build(self) -> Any:
        """Return TRL's trainer, without the rows above ``max_length``.

        Raises:
            DataError: No row is left.
        """
        from trl import RewardConfig

        from harness.train.soft_preferences import SoftRewardTrainer

        settings = self.settings
        self.divide()
        return self.trl(
            SoftRewardTrainer,
            RewardConfig,
            self.parts[0],
            num_train_epochs=settings.epochs,
            max_length=self.left_out.longest,
            remove_unused_columns=False,
            center_rewards_coefficient=settings.center_rewards_coefficient or None,
        )

    def _label(self, number: int, row: Row) -> Row | None:
        """Return a row with its soft label, or with the hard one of a row that is no tie."""
        if not self.left_out.says(number, row["chosen"], row["rejected"]):
            return None
        if self.settings.soft_labels and row["chosen"] != row["rejected"]:
            return {**row, "probability": float(row.get("probability", 1.0))}
        found = certain_pair(row, 0.5)
        if isinstance(found, str):
            self.left_out.leave(number, found)
            return None
        return {**found, "probability": 1.0}

    def _example(self, number: int, row: Row) -> dict[str, Any] | None:
        prompt = prompt_ids(self.tokenizer, row["prompt"])
        if not self.left_out.asks(number, row["prompt"], prompt):
            return None
        chosen, rejected = self.taught(number, row["prompt"], *(row[side] for side in SIDES))
        if chosen == rejected and row["chosen"] != row["rejected"]:
            self.left_out.leave(number, SAME)
            return None
        lead = self.settings.margin if is_empty(row.get("margin")) else float(row["margin"])
        return {
            "chosen_ids": prompt + chosen,
            "rejected_ids": prompt + rejected,
            "probability": row["probability"],
            "margin": lead,
        }

    def _fits(self, number: int, example: Row) -> bool:
        both = example["chosen_ids"], example["rejected_ids"]
        fits = self.left_out.fits(number, max(map(len, both)))
        if fits:
            self.occur(number, *both)
        return fits

    def trainable(self) -> dict[str, Any]:
        """Return a classifier with one score, its adapter, and what makes batches for it."""
        from transformers import set_seed

        from harness.train.soft_preferences import SoftPreferenceCollator

        pad = self.tokenizer.pad_token_id
        set_seed(self.seed)  # a new adapter is drawn at random
        return {
            "model": self.classifier(pad),
            "data_collator": SoftPreferenceCollator(pad_token_id=pad),
            "peft_config": self.lora_config("SEQ_CLS"),
        }

    def classifier(self, pad: int) -> Any:
        """Return a reward model to go on from, or one of a policy, whose head is zeros.

        Those make training start from indifference, whatever the seed.
        """
        from transformers import AutoModelForSequenceClassification

        adapted = is_adapter(self.model)
        path = base_of(self.model) if adapted else self.model
        with new_head(), fitting(path):
            model: Any = AutoModelForSequenceClassification.from_pretrained(
                str(path), num_labels=1, pad_token_id=pad, **self.precision.options()
            )
        if not goes_on(self.model):
            model.score.weight.data.zero_()
        keep_still(model)
        if adapted:
            from peft import PeftModel

            with fitting(self.model):
                return PeftModel.from_pretrained(model, str(self.model), is_trainable=True)
        return model

    def use(self, settings: Any) -> Use:
        """Return the use of pairs, without any logits."""
        found = super().use(settings)
        return replace(found, tokens=2 * found.tokens, chunk=0)

    def finish(self, steps: int) -> None:
        """Measure the scores in training and the accuracy on what was held out."""
        trained = self.trainer.accelerator.unwrap_model(self.trainer.model).eval()
        found = _statistics(trained, self.tokenizer, self.parts, self.prompts)
        folder = self.folder
        if not folder.writes:
            return
        from transformers import GenerationConfig

        # What ends an answer to it, as in the checkpoint that it was made of.
        GenerationConfig(eos_token_id=list(self.answers.stops)).save_pretrained(folder.final)
        (folder.final / STATISTICS).write_text(json.dumps(found) + "\n", encoding="utf-8")
        logged = {f"held_out/{k}": v for k, v in found.items() if not isinstance(v, list)}
        folder.log({"step": steps, **logged})


def make_pad_differ_from(ends: Collection[int], tokenizer: Any) -> None:
    """Choose another pad token if it ends texts.

    Classification models take the last token that is not a pad token; with pad = EOS they would
    read the score before the EOS.
    """
    if tokenizer.pad_token_id in ends:
        other = next(i for i in range(len(tokenizer)) if i not in ends)
        tokenizer.pad_token = tokenizer.convert_ids_to_tokens(other)


def _split(
    rows: Mapping[int, Row], share: float, seed: int
) -> tuple[dict[int, Row], dict[int, Row]]:
    """Hold out whole prompts, so that no prompt is on both sides."""
    keys = sorted({json.dumps(row["prompt"]) for row in rows.values()})
    random.Random(f"reward model split {seed}").shuffle(keys)
    chosen = set(keys[: int(share * len(keys))])
    sides: tuple[dict[int, Row], dict[int, Row]] = {}, {}
    for number, row in rows.items():
        sides[json.dumps(row["prompt"]) in chosen][number] = row
    return sides


def is_lead(value: Any) -> bool:
    """Return whether a value is a margin: a number from 0 to `WIDEST`."""
    return issubclass(type(value), Real) and type(value) is not bool and 0 <= value <= WIDEST


def _statistics(
    model: Any, tokenizer: Any, parts: Sequence[Sequence[Row]], prompts: Sequence[str]
) -> dict[str, Any]:
    """Return the spread of the scores in training, and how good they are on held-out pairs."""
    train, held_out = (
        [score_ids(model, tokenizer, [row[f"{side}_ids"] for row in rows]) for side in SIDES]
        for rows in parts
    )
    scores = [score for side in train for score in side]
    mean = sum(scores) / len(scores)
    deviation = math.sqrt(sum((score - mean) ** 2 for score in scores) / len(scores))
    labels = [row["probability"] for row in parts[1]]
    return {
        "score_mean": mean,
        "score_deviation": deviation or 1.0,
        "n_train": len(parts[0]),
        **held_out_quality(held_out[0], held_out[1], labels, prompts),
    }

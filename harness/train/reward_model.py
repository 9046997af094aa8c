"""Reward models: trained on preferences through TRL, and used as a reward function."""

from __future__ import annotations

import json
import math
import random
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace
from numbers import Real
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from harness.nouns.alike import alike
from harness.nouns.errors import DataError, InputError
from harness.nouns.plain_text import parsed_json
from harness.policy.models import is_adapter, load_tokenizer
from harness.policy.padding import padded
from harness.policy.prompts import prompt_ids
from harness.policy.weights import weights_hash
from harness.train.dpo import certain_pair
from harness.train.memory import Use
from harness.train.other_forms import is_empty
from harness.train.reward_combined import SIDES, Combine, combined, members_of, standardized
from harness.train.reward_model_quality import held_out_quality
from harness.train.row_forms import Row
from harness.train.rows import Placed
from harness.train.settings import NotNegative, Number, Passes, TrlSettings
from harness.train.trl_training import TrlTraining

STATISTICS = "reward_model.json"
"""File in the checkpoint: spread of the scores in training, quality on held-out pairs."""


class RewardModelSettings(TrlSettings):
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
            (place, f"margin must be a number of at least 0, got {row['margin']!r:.40}")
            for place, row in found
            if not (is_empty(row.get("margin")) or is_lead(row["margin"]))
        ]
        if wrong:
            raise DataError(
                f"{len(wrong)} wrong cells in the {cls.what()}",
                where=places[0].rpartition(":")[0] if places else "",
                details=alike(wrong, 10),
                hint="leave a margin out where there is none",
            )
        return found

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
        make_pad_differ_from_eos(self.tokenizer)
        labelled = ((n, self._label(n, row)) for n, row in enumerate(self.rows))
        seed = self.seed if self.split_seed is None else self.split_seed
        sides = _split({n: row for n, row in labelled if row}, settings.held_out_share, seed)
        fitting = [
            {
                n: one
                for n, row in side.items()
                if self._fits(n, one := _example(self.tokenizer, row, settings.margin))
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

    def _fits(self, number: int, example: Row) -> bool:
        longest = max(len(example["chosen_ids"]), len(example["rejected_ids"]))
        return self.left_out.fits(number, longest)

    def trainable(self) -> dict[str, Any]:
        """Return a classifier with one score, its adapter, and what makes batches for it."""
        from transformers import AutoModelForSequenceClassification, set_seed

        from harness.train.soft_preferences import SoftPreferenceCollator

        pad = self.tokenizer.pad_token_id
        set_seed(self.seed)  # a new adapter is drawn at random
        model: Any = AutoModelForSequenceClassification.from_pretrained(
            str(self.model), num_labels=1, pad_token_id=pad, **self.precision.options()
        )
        # A head of zeros makes training start from indifference, whatever the seed.
        model.score.weight.data.zero_()
        return {
            "model": model,
            "data_collator": SoftPreferenceCollator(pad_token_id=pad),
            "peft_config": self.lora_config("SEQ_CLS"),
        }

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
        (folder.final / STATISTICS).write_text(json.dumps(found) + "\n", encoding="utf-8")
        logged = {f"held_out/{k}": v for k, v in found.items() if not isinstance(v, list)}
        folder.log({"step": steps, **logged})


class RewardModelReward:
    """A trained reward model as a reward function.

    The sampled token ids are scored as they are, never decoded and encoded again. The score is read
    at an EOS, as in training; a truncated completion gets one for that purpose.

    Args:
        path: Checkpoint of a `RewardModel` training; of an ensemble the one score is given.
        standardize: Whether scores are centred and divided by their deviation on the training
            preferences, so that reward models of different arms have one scale.
        clip: Standardized scores are clipped to plus or minus this; 0 does not clip.
        batch_size: Sequences at once.
        combine: How the members of an ensemble make one score; by default as it was trained.

    Raises:
        InputError: The folder holds no reward model.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        standardize: bool = True,
        clip: float = 0.0,
        batch_size: int = 256,
        combine: Combine | None = None,
    ) -> None:
        import torch

        self.statistics = read_statistics(path)
        self.tokenizer = load_tokenizer(path)
        folders = members_of(path)
        self.models = [load_reward_model(folder) for folder in folders]
        for model in self.models:
            model.to("cuda" if torch.cuda.is_available() else "cpu")
        self.model = self.models[0]
        self.members = [read_statistics(folder) for folder in folders]
        self.combine: Combine = combine or self.statistics.get("combine", "mean")
        self.standardize, self.clip, self.batch_size = standardize, clip, batch_size
        self.__name__ = "reward_model"
        self.identity = {
            "weights": "+".join(map(weights_hash, folders)),
            "standardize": standardize,
            "clip": clip,
        }
        if len(folders) > 1:
            self.identity["combine"] = self.combine

    @property
    def held_bytes(self) -> int:
        """Bytes of its weights."""
        weights = (weight for model in self.models for weight in model.parameters())
        return sum(weight.numel() * weight.element_size() for weight in weights)

    def __call__(
        self,
        prompts: Sequence[Any],
        completions: Sequence[Any],
        completion_ids: Sequence[Sequence[int]],
        **columns: Any,
    ) -> list[float]:
        """Return one score for each completion."""
        ids = [
            prompt_ids(self.tokenizer, prompt) + with_eos(self.tokenizer, list(completion))
            for prompt, completion in zip(prompts, completion_ids, strict=True)
        ]
        scores, scale = self._scores(ids, columns.get("log_metric"))
        if self.standardize:
            scores = standardized(scores, scale)
        if self.clip:
            scores = [min(max(score, -self.clip), self.clip) for score in scores]
        return scores

    def _scores(
        self, ids: Sequence[Sequence[int]], log_metric: Any
    ) -> tuple[list[float], Mapping[str, Any]]:
        """Return one score for each sequence, and their scale."""
        each = [score_ids(model, self.tokenizer, ids, self.batch_size) for model in self.models]
        if len(each) == 1:
            return each[0], self.statistics
        each = [standardized(*one) for one in zip(each, self.members, strict=True)]
        if log_metric is not None:
            spread = [statistics.pstdev(one) for one in zip(*each, strict=True)]
            log_metric("reward_model_spread", statistics.fmean(spread))
        return combined(each, self.combine), self.statistics["scales"][self.combine]


def score_texts(path: str | Path, prompts: Sequence[Any], texts: Sequence[str]) -> list[float]:
    """Return the score of each response to its prompt, by the reward model of a checkpoint."""
    if not texts:
        return []
    reward = RewardModelReward(path)
    ids = [reward.tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]
    return reward(prompts, texts, ids)


def read_statistics(path: str | Path) -> dict[str, Any]:
    """Return what a reward model's checkpoint says of its scores in training.

    Raises:
        InputError: The folder holds no reward model.
    """
    folder = Path(path)
    try:
        found: dict[str, Any] = parsed_json((folder / STATISTICS).read_bytes())
        if math.isfinite(found["score_mean"]) and 0 < found["score_deviation"] < math.inf:
            return found
        reason = "mean or deviation of its scores is no number"
    except OSError:
        reason = "there is none" if folder.is_dir() else "there is no such folder"
    except (ValueError, TypeError, KeyError, OverflowError):
        reason = "it is damaged"
    below = folder / "final"
    raise InputError(
        f"this is no reward model: {STATISTICS}: {reason}",
        where=str(path),
        hint=f"it lies in {below}"
        if (below / STATISTICS).is_file()
        else "name what harness train --trainer reward_model left: OUT/final",
    )


def load_reward_model(path: str | Path, *, trainable: bool = False) -> Any:
    """Return the sequence classification model of a reward model's checkpoint."""
    from transformers import AutoModelForSequenceClassification

    if is_adapter(path):
        from peft import AutoPeftModelForSequenceClassification

        # Merged, it is a model like any other; its base knows nothing of the pad in training.
        model: Any = AutoPeftModelForSequenceClassification.from_pretrained(
            str(path), num_labels=1, dtype="float32"
        ).merge_and_unload()
    else:
        model = AutoModelForSequenceClassification.from_pretrained(str(path), dtype="float32")
    return model.requires_grad_(trainable).eval()


def make_pad_differ_from_eos(tokenizer: Any) -> None:
    """Choose another pad token if it is the EOS.

    Classification models take the last token that is not a pad token; with pad = EOS they would
    read the score before the EOS.
    """
    if tokenizer.pad_token_id == tokenizer.eos_token_id:
        other = next(i for i in range(len(tokenizer)) if i != tokenizer.eos_token_id)
        tokenizer.pad_token = tokenizer.convert_ids_to_tokens(other)


def with_eos(tokenizer: Any, ids: list[int]) -> list[int]:
    """Return the ids ending in EOS."""
    return ids if ids and ids[-1] == tokenizer.eos_token_id else [*ids, tokenizer.eos_token_id]


def score_ids(
    model: Any, tokenizer: Any, ids: Sequence[Sequence[int]], batch_size: int = 256
) -> list[float]:
    """Return the score of each sequence of token ids, which must end in EOS.

    It is read at the last token of the sequence, whatever the pad of tokenizer or model is.
    """
    import torch

    device = next(model.parameters()).device
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    scores: list[float] = []
    for start in range(0, len(ids), batch_size):
        part = ids[start : start + batch_size]
        batch, mask = (t.to(device) for t in padded(part, tokenizer.pad_token_id, "right"))
        with torch.no_grad():
            states = inner.base_model(input_ids=batch, attention_mask=mask).last_hidden_state
            last = states[torch.arange(len(part), device=device), mask.sum(1) - 1]
            scores += inner.score(last).squeeze(-1).float().tolist()
    return scores


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
    """Return whether a value is a finite number of at least 0."""
    return issubclass(type(value), Real) and type(value) is not bool and 0 <= value < math.inf


def _example(tokenizer: Any, row: Row, margin: float) -> dict[str, Any]:
    prompt = prompt_ids(tokenizer, row["prompt"])

    def ids(text: str) -> list[int]:
        tokens = tokenizer(text, add_special_tokens=False)["input_ids"]
        return prompt + with_eos(tokenizer, [int(token) for token in tokens])

    return {
        "chosen_ids": ids(row["chosen"]),
        "rejected_ids": ids(row["rejected"]),
        "probability": row["probability"],
        "margin": margin if is_empty(row.get("margin")) else float(row["margin"]),
    }


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

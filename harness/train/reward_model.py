"""Reward models: trained on preferences through TRL, and used as a reward function."""

from __future__ import annotations

import dataclasses
import json
import math
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.policy.models import is_adapter, load_tokenizer, require_train_extra
from harness.policy.prompts import prompt_ids
from harness.train.dpo import certain_pairs
from harness.train.result import OnStep, TrainingFolder, TrainResult
from harness.train.rows import Row, check_rows
from harness.train.settings import RewardModelSettings

STATISTICS = "reward_model.json"
"""File in the checkpoint: mean and deviation of the scores in training, accuracy, counts."""


def train_reward_model(
    model_path: str | Path,
    rows: Sequence[Row],
    settings: RewardModelSettings,
    output_dir: Path,
    *,
    seed: int = 0,
    on_step: OnStep | None = None,
) -> TrainResult:
    """Train a reward model on preferences, with their probabilities as soft labels.

    Whole prompts are held out from training to measure the accuracy, which is in the last row of
    the log and in ``reward_model.json`` of the checkpoint.

    Args:
        model_path: Checkpoint folder or hub id of a causal language model, whose body is used.
        rows: ``{"prompt", "chosen", "rejected", "probability"}``.
        settings: Of the optimization.
        output_dir: Log, resume state and result; the same call goes on after a kill.
        seed: Of a new adapter, the order of the rows and the held-out prompts.
        on_step: Called with every row of the log.

    Raises:
        DataError: A row lacks a column, or only ties are left.
        InputError: There is no such model, or the folder holds another training.
    """
    check_rows(rows, ["prompt", "chosen", "rejected"], "preferences")
    require_train_extra()
    folder = TrainingFolder(
        output_dir,
        {
            "trainer": "reward_model",
            "model": str(model_path),
            "rows": [dict(row) for row in rows],
            "settings": dataclasses.asdict(settings),
            "seed": seed,
        },
        on_step,
    )
    if done := folder.finished():
        return done

    from datasets import Dataset
    from transformers import AutoModelForSequenceClassification, set_seed
    from trl import RewardConfig

    from harness.train.soft_preferences import SoftPreferenceCollator, SoftRewardTrainer
    from harness.train.trl_callbacks import (
        StepLog,
        common_arguments,
        lora_config,
        quiet,
        run_trainer,
    )

    with quiet():
        tokenizer = load_tokenizer(model_path)
        make_pad_differ_from_eos(tokenizer)
        train, held_out = _split(_soft_or_hard(rows, settings), settings.held_out_share, seed)
        set_seed(seed)  # a new adapter is drawn at random
        model: Any = AutoModelForSequenceClassification.from_pretrained(
            str(model_path), num_labels=1, dtype="float32", pad_token_id=tokenizer.pad_token_id
        )
        # A head of zeros makes training start from indifference, whatever the seed.
        model.score.weight.data.zero_()
        trainer = SoftRewardTrainer(
            model=model,
            args=RewardConfig(
                **common_arguments(settings, folder, seed),
                num_train_epochs=settings.epochs,
                max_length=settings.max_length,
                remove_unused_columns=False,
            ),
            data_collator=SoftPreferenceCollator(pad_token_id=tokenizer.pad_token_id),
            train_dataset=Dataset.from_list([_example(tokenizer, row) for row in train]),
            processing_class=tokenizer,
            peft_config=lora_config(settings, "SEQ_CLS"),
        )
        trainer.add_callback(
            StepLog(
                folder,
                {
                    "loss": "loss",
                    "accuracy": "reward_accuracy",
                    "margin": "reward_margin",
                    "mean_reward": "reward",
                    "grad_norm": "grad_norm",
                    "learning_rate": "learning_rate",
                },
            )
        )
        steps = run_trainer(trainer, folder, tokenizer)
        trained = trainer.accelerator.unwrap_model(trainer.model).eval()
        statistics = _statistics(trained, tokenizer, train, held_out)
        statistics["n_train"] = len(trainer.train_dataset)  # without those above max_length
        (folder.final / STATISTICS).write_text(json.dumps(statistics) + "\n", encoding="utf-8")
        folder.log({"step": steps, **{f"held_out/{k}": v for k, v in statistics.items()}})
    return folder.finish(steps)


class RewardModelReward:
    """A trained reward model as a reward function.

    The sampled token ids are scored as they are, never decoded and encoded again. The score is read
    at an EOS, as in training; a truncated completion gets one for that purpose.

    Args:
        path: Checkpoint of `train_reward_model`.
        standardize: Whether scores are centred and divided by their deviation on the training
            preferences, so that reward models of different arms have one scale.
        clip: Standardized scores are clipped to plus or minus this; 0 does not clip.
        batch_size: Sequences at once.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        standardize: bool = True,
        clip: float = 0.0,
        batch_size: int = 256,
    ) -> None:
        import torch

        self.tokenizer = load_tokenizer(path)
        self.model = load_reward_model(path)
        self.model.to("cuda" if torch.cuda.is_available() else "cpu")
        self.statistics = json.loads((Path(path) / STATISTICS).read_text(encoding="utf-8"))
        self.standardize, self.clip, self.batch_size = standardize, clip, batch_size
        self.__name__ = "reward_model"

    def __call__(
        self,
        prompts: Sequence[Any],
        completions: Sequence[Any],
        completion_ids: Sequence[Sequence[int]],
        **columns: Any,
    ) -> list[float | None]:
        """Return one score for each completion."""
        ids = [
            prompt_ids(self.tokenizer, prompt) + with_eos(self.tokenizer, list(completion))
            for prompt, completion in zip(prompts, completion_ids, strict=True)
        ]
        scores = score_ids(self.model, self.tokenizer, ids, self.batch_size)
        if self.standardize:
            mean, deviation = self.statistics["score_mean"], self.statistics["score_deviation"]
            scores = [(score - mean) / deviation for score in scores]
        if self.clip:
            scores = [min(max(score, -self.clip), self.clip) for score in scores]
        return list(scores)


def load_reward_model(path: str | Path, *, trainable: bool = False) -> Any:
    """Return the sequence classification model of a reward model's checkpoint."""
    from transformers import AutoModelForSequenceClassification

    if is_adapter(path):
        from peft import AutoPeftModelForSequenceClassification

        model: Any = AutoPeftModelForSequenceClassification.from_pretrained(
            str(path), num_labels=1, dtype="float32"
        )
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

    Sequences are padded on the right with a pad that differs from EOS, so that the last token that
    is no pad is the EOS.
    """
    import torch

    pad = tokenizer.pad_token_id
    device = next(model.parameters()).device
    scores: list[float] = []
    for start in range(0, len(ids), batch_size):
        part = ids[start : start + batch_size]
        width = max(len(row) for row in part)
        batch = torch.tensor([[*row, *[pad] * (width - len(row))] for row in part], device=device)
        lengths = torch.tensor([len(row) for row in part], device=device)
        mask = (torch.arange(width, device=device)[None] < lengths[:, None]).long()
        with torch.no_grad():
            logits = model(input_ids=batch, attention_mask=mask).logits
        scores += logits.squeeze(-1).float().tolist()
    return scores


def _soft_or_hard(rows: Sequence[Row], settings: RewardModelSettings) -> list[Row]:
    if settings.soft_labels:
        return [{**row, "probability": float(row.get("probability", 1.0))} for row in rows]
    return [{**row, "probability": 1.0} for row in certain_pairs(rows, 0.5)]


def _split(rows: Sequence[Row], share: float, seed: int) -> tuple[list[Row], list[Row]]:
    """Hold out whole prompts, so that no prompt is on both sides."""
    keys = sorted({json.dumps(row["prompt"]) for row in rows})
    random.Random(f"reward model split {seed}").shuffle(keys)
    chosen = set(keys[: int(share * len(keys))])
    sides: tuple[list[Row], list[Row]] = [], []
    for row in rows:
        sides[json.dumps(row["prompt"]) in chosen].append(row)
    return sides


def _example(tokenizer: Any, row: Row) -> dict[str, Any]:
    prompt = prompt_ids(tokenizer, row["prompt"])

    def ids(text: str) -> list[int]:
        tokens = tokenizer(text, add_special_tokens=False)["input_ids"]
        return prompt + with_eos(tokenizer, [int(token) for token in tokens])

    return {
        "chosen_ids": ids(row["chosen"]),
        "rejected_ids": ids(row["rejected"]),
        "probability": row["probability"],
    }


def _statistics(
    model: Any, tokenizer: Any, train: Sequence[Row], held_out: Sequence[Row]
) -> dict[str, Any]:
    """Return the spread of the scores in training, and the accuracy on held-out preferences."""
    examples = [_example(tokenizer, row) for row in train]
    scores = score_ids(
        model, tokenizer, [row[key] for row in examples for key in ("chosen_ids", "rejected_ids")]
    )
    mean = sum(scores) / len(scores)
    deviation = math.sqrt(sum((score - mean) ** 2 for score in scores) / len(scores))
    tests = [_example(tokenizer, row) for row in held_out if row["probability"] != 0.5]
    chosen = score_ids(model, tokenizer, [row["chosen_ids"] for row in tests])
    rejected = score_ids(model, tokenizer, [row["rejected_ids"] for row in tests])
    right = sum(
        (a - b) * (row["probability"] - 0.5) > 0  # equal scores are right about nothing
        for a, b, row in zip(chosen, rejected, tests, strict=True)
    )
    return {
        "score_mean": mean,
        "score_deviation": deviation or 1.0,
        "accuracy": right / len(tests) if tests else None,
        "n_held_out": len(tests),
    }

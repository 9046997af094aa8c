"""Direct preference optimization through TRL's DPOTrainer."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.nouns.errors import DataError
from harness.policy.models import load_policy, load_tokenizer, require_train_extra
from harness.policy.prompts import as_prompt
from harness.train.monitor import Monitor
from harness.train.result import OnStep, TrainingFolder, TrainResult
from harness.train.rows import Row, as_completion, check_rows
from harness.train.settings import DpoSettings


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


def train_dpo(
    model_path: str | Path,
    rows: Sequence[Row],
    settings: DpoSettings,
    output_dir: Path,
    *,
    seed: int = 0,
    monitor: Monitor | None = None,
    on_step: OnStep | None = None,
) -> TrainResult:
    """Train a policy on preferences.

    Args:
        model_path: Checkpoint folder or hub id; also the reference policy.
        rows: ``{"prompt", "chosen", "rejected", "probability"}``; see `certain_pairs`.
        settings: Of the optimization.
        output_dir: Log, resume state and result; the same call goes on after a kill.
        seed: Of the order of the rows.
        monitor: Measurements on a fixed set of prompts.
        on_step: Called with every row of the log.

    Raises:
        DataError: A row lacks a column, or no preference is certain enough.
        InputError: There is no such model, or the folder holds another training.
    """
    check_rows(rows, ["prompt", "chosen", "rejected"], "preferences")
    require_train_extra()
    pairs = certain_pairs(rows, settings.minimum_probability)
    folder = TrainingFolder(
        output_dir,
        {
            "trainer": "dpo",
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
    from trl import DPOConfig, DPOTrainer

    from harness.train.trl_callbacks import (
        StepLog,
        common_arguments,
        lora_config,
        quiet,
        run_trainer,
        trl_reference,
    )

    with quiet():
        tokenizer = load_tokenizer(model_path)

        def example(row: Row) -> dict[str, Any]:
            prompt = as_prompt(tokenizer, row["prompt"])
            return {
                "prompt": prompt,
                "chosen": as_completion(prompt, row["chosen"]),
                "rejected": as_completion(prompt, row["rejected"]),
            }

        trainer = DPOTrainer(
            model=load_policy(model_path),
            args=DPOConfig(
                **common_arguments(settings, folder, seed),
                num_train_epochs=settings.epochs,
                beta=settings.beta,
                loss_type=["sigmoid", "sft"] if settings.sft_weight else ["sigmoid"],
                loss_weights=[1.0, settings.sft_weight] if settings.sft_weight else None,
                max_length=settings.max_length,
            ),
            train_dataset=Dataset.from_list([example(row) for row in pairs]),
            processing_class=tokenizer,
            peft_config=lora_config(settings),
        )
        trainer.add_callback(
            StepLog(
                folder,
                {
                    "loss": "loss",
                    "rewards/margins": "reward_margin",
                    "rewards/accuracies": "reward_accuracy",
                    "rewards/chosen": "reward/chosen",
                    "rewards/rejected": "reward/rejected",
                    "entropy": "entropy",
                    "grad_norm": "grad_norm",
                    "learning_rate": "learning_rate",
                },
                monitor=monitor,
                reference=lambda: trl_reference(trainer, model_path),
                tokenizer=tokenizer,
            )
        )
        return folder.finish(run_trainer(trainer, folder, tokenizer))

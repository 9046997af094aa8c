"""Supervised fine-tuning through TRL's SFTTrainer."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from harness.policy.models import load_policy, load_tokenizer, require_train_extra
from harness.policy.prompts import prompt_ids
from harness.train.monitor import Monitor
from harness.train.result import OnStep, TrainingFolder, TrainResult
from harness.train.rows import Row, check_rows
from harness.train.settings import SftSettings


def train_sft(
    model_path: str | Path,
    rows: Sequence[Row],
    settings: SftSettings,
    output_dir: Path,
    *,
    seed: int = 0,
    monitor: Monitor | None = None,
    on_step: OnStep | None = None,
) -> TrainResult:
    """Fine-tune a policy to imitate completions.

    Args:
        model_path: Checkpoint folder or hub id to start from.
        rows: ``{"prompt", "completion"}``; the loss is on the completion and its EOS only.
        settings: Of the optimization.
        output_dir: Log, resume state and result; the same call goes on after a kill.
        seed: Of the order of the rows.
        monitor: Measurements on a fixed set of prompts.
        on_step: Called with every row of the log.

    Raises:
        DataError: A row lacks a column.
        InputError: There is no such model, or the folder holds another training.
    """
    check_rows(rows, ["prompt", "completion"], "rows for supervised fine-tuning")
    require_train_extra()
    folder = TrainingFolder(
        output_dir,
        {
            "trainer": "sft",
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
    from trl import SFTConfig, SFTTrainer

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
        examples = []
        for row in rows:
            prompt = prompt_ids(tokenizer, row["prompt"])
            completion = tokenizer(row["completion"], add_special_tokens=False)["input_ids"]
            completion = [*completion, tokenizer.eos_token_id]
            ids = (prompt + completion)[: settings.max_length]
            labels = ([-100] * len(prompt) + completion)[: settings.max_length]
            examples.append({"input_ids": ids, "labels": labels})
        trainer = SFTTrainer(
            model=load_policy(model_path),
            args=SFTConfig(
                **common_arguments(settings, folder, seed),
                num_train_epochs=settings.epochs,
                max_length=None,
            ),
            train_dataset=Dataset.from_list(examples),
            processing_class=tokenizer,
            peft_config=lora_config(settings),
        )
        trainer.add_callback(
            StepLog(
                folder,
                {
                    "loss": "loss",
                    "entropy": "entropy",
                    "mean_token_accuracy": "token_accuracy",
                    "grad_norm": "grad_norm",
                    "learning_rate": "learning_rate",
                },
                monitor=monitor,
                reference=lambda: trl_reference(trainer, model_path),
                tokenizer=tokenizer,
            )
        )
        return folder.finish(run_trainer(trainer, folder, tokenizer))

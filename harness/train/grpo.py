"""Group-relative policy optimization through TRL's GRPOTrainer."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.policy.models import load_policy, load_tokenizer, require_train_extra
from harness.policy.prompts import as_prompt
from harness.policy.sampling import decode, stop_ids
from harness.train.monitor import Monitor
from harness.train.result import OnStep, TrainingFolder, TrainResult
from harness.train.reward_function import RewardFunction, WeightedRewards, call_rewards
from harness.train.rows import Row, check_rows
from harness.train.settings import GrpoSettings


def train_grpo(
    model_path: str | Path,
    rows: Sequence[Row],
    reward_funcs: Mapping[str, RewardFunction],
    settings: GrpoSettings,
    output_dir: Path,
    *,
    weights: Mapping[str, float] | None = None,
    seed: int = 0,
    monitor: Monitor | None = None,
    on_step: OnStep | None = None,
) -> TrainResult:
    """Train a policy on rewards, with the mean of each prompt's group as its baseline.

    Args:
        model_path: Checkpoint folder or hub id; also the reference policy.
        rows: ``{"prompt", ...}``; the other columns are passed to the reward functions.
        reward_funcs: Reward functions by name, with TRL's calling convention.
        settings: Of the optimization.
        output_dir: Log, resume state and result; the same call goes on after a kill.
        weights: Of the reward functions; 1 by default.
        seed: Of the order of the rows and of sampling.
        monitor: Measurements on a fixed set of prompts.
        on_step: Called with every row of the log.

    Raises:
        DataError: A row lacks its prompt.
        InputError: There is no such model or reward function, or the folder holds another training.
    """
    check_rows(rows, ["prompt"], "prompts")
    require_train_extra()
    rewards = WeightedRewards(reward_funcs, weights or {})
    folder = TrainingFolder(
        output_dir,
        {
            "trainer": "grpo",
            "model": str(model_path),
            "rows": [dict(row) for row in rows],
            "rewards": {name: rewards.weights.get(name, 1.0) for name in reward_funcs},
            "settings": dataclasses.asdict(settings),
            "seed": seed,
        },
        on_step,
    )
    if done := folder.finished():
        return done

    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    from harness.train.trl_callbacks import (
        StepLog,
        common_arguments,
        lora_config,
        quiet,
        run_trainer,
        trl_reference,
    )

    # Arrow cannot hold columns of mixed types, so TRL sees row numbers and the rows stay here. Its
    # texts would keep a stop token that is not special.
    def reward(
        prompts: list[Any], completions: list[Any], completion_ids: list[list[int]], **columns: Any
    ) -> list[float | None]:
        texts = [decode(tokenizer, ids, stops) for ids in completion_ids]
        mine = [rows[i] for i in columns["row"]]
        return call_rewards(rewards, mine, prompts, texts, completion_ids)

    with quiet():
        tokenizer, policy = load_tokenizer(model_path), load_policy(model_path)
        stops = stop_ids(policy, tokenizer)
        trainer = GRPOTrainer(
            model=policy,
            reward_funcs=[reward],
            args=GRPOConfig(
                **common_arguments(settings, folder, seed),
                max_steps=settings.steps * settings.epochs,
                num_iterations=settings.epochs,
                num_generations=settings.group_size,
                max_completion_length=settings.max_new_tokens,
                temperature=settings.temperature,
                beta=settings.beta,
                epsilon=settings.clip,
                disable_dropout=True,
            ),
            train_dataset=Dataset.from_list(
                [
                    {"prompt": as_prompt(tokenizer, row["prompt"]), "row": number}
                    for number, row in enumerate(rows)
                ]
            ),
            processing_class=tokenizer,
            peft_config=lora_config(settings),
        )
        trainer.add_callback(
            StepLog(
                folder,
                {
                    "loss": "loss",
                    "reward": "reward",
                    "reward_std": "reward_std",
                    "kl": "kl_token",
                    "completions/mean_length": "length",
                    "completions/clipped_ratio": "truncated_share",
                    "entropy": "entropy",
                    "frac_reward_zero_std": "zero_std_groups",
                    "clip_ratio/region_mean": "clip_fraction",
                    "grad_norm": "grad_norm",
                    "learning_rate": "learning_rate",
                },
                monitor=monitor,
                reference=lambda: trl_reference(trainer, model_path),
                tokenizer=tokenizer,
                extra=rewards.take_stats,
            )
        )
        return folder.finish(run_trainer(trainer, folder, tokenizer))

"""GRPO through the harness beside a bare script of TRL: what the house around it costs.

    python benchmarks/grpo.py [--steps 8] [--rounds 5] [--completions 64]

Both train the same policy on the same prompts with the same settings and reward function. Rounds
of the two alternate; a figure is the ratio of the medians of the CPU seconds of a step (its first
one left out), so that another load on the machine takes nothing from one of them. The goal is at
most 1.03.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import harness.examples
import torch
from harness.examples.arithmetic_task import is_correct, prompt_rows, split_pairs

import harness

POLICY = Path(harness.examples.__path__[0]) / "arithmetic_policy"
ROWS = prompt_rows(split_pairs()[0])
NEW_TOKENS, GROUP = 40, 8


def right(prompts: Any, completions: Any, **columns: Any) -> list[float]:
    """Whether each sum is right."""
    return [float(is_correct(p, c)) for p, c in zip(prompts, completions, strict=True)]


def bare(steps: int, completions: int, out: Path, step: Callable[[], None]) -> None:
    """Train as TRL's documentation says."""
    from datasets import Dataset
    from transformers import AutoModelForCausalLM, PrinterCallback, TrainerCallback
    from trl import GRPOConfig, GRPOTrainer

    class Clock(TrainerCallback):  # type: ignore[misc]
        def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if "loss" in kwargs["logs"]:
                step()

    config = GRPOConfig(
        output_dir=str(out), per_device_train_batch_size=completions, num_generations=GROUP,
        max_completion_length=NEW_TOKENS, max_steps=steps, beta=0.04, learning_rate=1e-6,
        lr_scheduler_type="constant", warmup_steps=0, logging_steps=1, save_strategy="no",
        report_to="none", disable_tqdm=True, bf16=False, activation_checkpointing=False,
        dataloader_pin_memory=False, disable_dropout=True, weight_decay=0.0,
    )  # fmt: skip
    model = AutoModelForCausalLM.from_pretrained(POLICY, dtype="float32")
    trainer = GRPOTrainer(
        model=model, reward_funcs=right, args=config, train_dataset=Dataset.from_list(ROWS),
        callbacks=[Clock()],
    )  # fmt: skip
    trainer.remove_callback(PrinterCallback)
    trainer.train()


def through(steps: int, completions: int, out: Path, step: Callable[[], None]) -> None:
    """Train through the harness."""
    values = {
        "steps": steps, "batch_size": completions, "group_size": GROUP, "warmup_steps": 0,
        "max_new_tokens": NEW_TOKENS, "learning_rate": 1e-6, "beta": 0.04,
    }  # fmt: skip
    settings = {"values": values, "reward_funcs": right, "on_step": lambda row: step()}
    harness.train("grpo", str(POLICY), ROWS, out, settings)


def seconds(train: Callable[..., None], steps: int, completions: int, out: Path) -> list[float]:
    """Return the CPU seconds of each step but the first."""
    ends: list[float] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        train(steps, completions, out, lambda: ends.append(time.process_time()))
    return [after - before for before, after in itertools.pairwise(ends)]


def main() -> None:
    """Time and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--completions", type=int, default=64)
    given = parser.parse_args()
    torch.set_num_threads(1)
    times: dict[str, list[float]] = {"bare": [], "harness": []}
    with tempfile.TemporaryDirectory() as scratch:
        for turn in range(given.rounds):
            for name, train in (("bare", bare), ("harness", through)):
                out = Path(scratch) / f"{name}-{turn}"
                times[name] += seconds(train, given.steps, given.completions, out)
    medians = {name: statistics.median(found) for name, found in times.items()}
    print(f"bare TRL: {medians['bare']:.3f} CPU seconds a step")
    print(f"harness:  {medians['harness']:.3f}, {medians['harness'] / medians['bare']:.3f} of it")


if __name__ == "__main__":
    main()

"""GRPO through the harness beside a bare script of TRL: what the house around it costs.

    python benchmarks/grpo.py [--steps 40] [--completions 64]

Both train the same policy on the same prompts with the same settings and reward function, each in
a process of its own. They take turns, step by step, so that another load on the machine takes from
both alike; the figure is the median ratio of the CPU seconds of two steps that follow each other
(the first pair left out). The goal is at most 1.03.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
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


def turns(name: str, steps: int, completions: int) -> None:
    """Train, and after each step say what it took and wait for the next turn."""
    began = [0.0]

    def step() -> None:
        print(time.process_time() - began[0], flush=True)
        sys.stdin.readline()
        began[0] = time.process_time()

    torch.set_num_threads(1)
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as scratch:
        warnings.simplefilter("ignore")
        {"bare": bare, "harness": through}[name](steps, completions, Path(scratch) / "out", step)


def seconds_of(process: subprocess.Popen[str]) -> float:
    """Return the seconds of the next step that a process has done."""
    assert process.stdout is not None
    while line := process.stdout.readline():
        try:
            return float(line)
        except ValueError:
            continue  # what a library prints
    raise RuntimeError("a training ended before its last step")


def main() -> None:
    """Time and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--completions", type=int, default=64)
    parser.add_argument("--turns", choices=("bare", "harness"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.turns:
        turns(given.turns, given.steps, given.completions)
        return
    command = [sys.executable, __file__, "--steps", str(given.steps)]
    command += ["--completions", str(given.completions), "--turns"]
    found: dict[str, list[float]] = {}
    trainings: dict[str, subprocess.Popen[str]] = {}
    for name in ("bare", "harness"):
        trainings[name] = subprocess.Popen(
            [*command, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        found[name] = [seconds_of(trainings[name])]
    for _ in range(given.steps - 1):
        for name, training in trainings.items():
            assert training.stdin is not None
            print("next", file=training.stdin, flush=True)
            found[name].append(seconds_of(training))
    for training in trainings.values():
        training.communicate("last\n")
    pairs = list(zip(found["bare"], found["harness"], strict=True))[1:]
    ratios = sorted(harness / bare for bare, harness in pairs)
    print(f"bare TRL: {statistics.median(found['bare']):.3f} CPU seconds a step")
    print(
        f"harness:  {statistics.median(found['harness']):.3f},"
        f" {statistics.median(ratios):.3f} of it"
        f" (half of {len(ratios)} pairs between {ratios[len(ratios) // 4]:.3f}"
        f" and {ratios[3 * len(ratios) // 4]:.3f})"
    )


if __name__ == "__main__":
    main()

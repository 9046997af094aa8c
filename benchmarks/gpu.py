"""Training of a model with the shapes of Qwen2.5-0.5B on one card: memory, speed, learning.

    python benchmarks/gpu.py [--completions 64] [--tokens 512] [--small]

The weights are random, so that nothing is fetched: completions end at the limit of tokens. Each
line is a training of two steps, of which the second is timed: PPO with all weights, with LoRA, with
recomputed layers, and TRL's GRPO with all weights. At the end the policy of the default experiment
learns sums by PPO. ``--small`` runs the same on a tiny body, to try the script on a CPU.
"""

from __future__ import annotations

import argparse
import itertools
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import harness.examples
import torch
from harness.examples.arithmetic_task import is_correct, prompt_rows, split_pairs

import harness.policy.sampling as engine
from harness.train.log import read_log
from harness.train.result import TrainResult
from harness.train.reward_function import WeightedRewards
from harness.train.trainers import train
from harness.train.training import TrainOptions

POLICY = Path(harness.examples.__path__[0]) / "arithmetic_policy"
ROWS = prompt_rows(split_pairs()[0])
GPU = torch.cuda.is_available()


def shapes(small: bool) -> dict[str, Any]:
    """Return the sizes of Qwen2.5-0.5B, or a tiny body under its vocabulary."""
    if small:
        sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
        return {**sizes, "num_attention_heads": 2, "num_key_value_heads": 1}
    sizes = {"hidden_size": 896, "intermediate_size": 4864, "num_hidden_layers": 24}
    return {**sizes, "num_attention_heads": 14, "num_key_value_heads": 2}


def make_model(folder: Path, small: bool) -> int:
    """Write a model of random weights with a tokenizer; return its parameters."""
    from transformers import Qwen2Config, Qwen2ForCausalLM

    torch.manual_seed(0)
    model = Qwen2ForCausalLM(
        Qwen2Config(vocab_size=151_936, tie_word_embeddings=True, **shapes(small))
    )
    model.generation_config.eos_token_id = None
    model.save_pretrained(folder)
    for file in POLICY.glob("tokenizer*"):
        shutil.copy(file, folder)
    return sum(p.numel() for p in model.parameters())


class Clock:
    """Seconds within the sampling engine."""

    def __init__(self) -> None:
        self.seconds, self.plain = 0.0, engine.generate

    def __call__(self, *arguments: Any) -> Any:
        """Sample and count."""
        began = now()
        made = self.plain(*arguments)
        self.seconds += now() - began
        return made


def now() -> float:
    """Return the time when all that was asked of the card is done."""
    if GPU:
        torch.cuda.synchronize()
    return time.perf_counter()


def reward(completion_ids: Any, **_: Any) -> list[float]:
    """Any reward that differs between completions and costs nothing."""
    return [(sum(ids[:4]) % 97) / 97 for ids in completion_ids]


def measured(name: str, trainer: str, model: Path, out: Path, settings: dict[str, Any]) -> None:
    """Train two steps and print a line."""
    if GPU:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    clock = engine.generate = Clock()  # type: ignore[assignment]
    looked: list[float] = []
    options = TrainOptions(
        rewards=WeightedRewards({"r": reward}), on_step=lambda row: looked.append(clock.seconds)
    )
    try:
        result = train(trainer, model, ROWS[:512], settings, out, options)
    except torch.OutOfMemoryError as error:
        print(f"{name:34} out of memory: {error!s:.60}", flush=True)
        return
    finally:
        engine.generate = clock.plain
    peak = torch.cuda.max_memory_allocated() / 1e9 if GPU else float("nan")
    log = [row for row in read_log(result.log_path) if row["step"]]
    seconds = log[-1]["seconds"] - log[-2]["seconds"]
    sampling = f"{(looked[-1] - looked[-2]) / seconds:9.0%}" if clock.seconds else "       --"
    made = settings.get("rollout_size", settings["batch_size"]) * settings["max_new_tokens"]
    gap = f"{log[-1]['engine_gap']:.3f}" if "engine_gap" in log[-1] else "--"
    print(
        f"{name:34}{peak:8.1f}{seconds:9.1f}{made / seconds:11,.0f}{sampling}{gap:>8}", flush=True
    )
    shutil.rmtree(out, ignore_errors=True)


def learns(out: Path, steps: int) -> None:
    """Let the policy of the default experiment learn sums, and print how often it is right."""

    def right(prompts: Any, completions: Any, **_: Any) -> list[float]:
        return [float(is_correct(p, c)) for p, c in zip(prompts, completions, strict=True)]

    settings = {
        "steps": steps, "rollout_size": 256, "batch_size": 128, "epochs": 2, "beta": 0.02,
        "learning_rate": 1e-3, "critic_learning_rate": 1e-3, "max_new_tokens": 40,
        "schedule": "linear", "warmup_steps": 2,
    }  # fmt: skip
    began = now()
    options = TrainOptions(rewards=WeightedRewards({"right": right}))
    result: TrainResult = train("ppo", POLICY, ROWS, settings, out, options)
    rewards = [row["reward"] for row in read_log(result.log_path) if "reward" in row]
    print(f"sums right by PPO: {rewards[0]:.2f} at first, {sum(rewards[-5:]) / 5:.2f} in the last "
          f"five of {steps} steps, {now() - began:.0f} s")  # fmt: skip


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--completions", type=int, default=64)
    parser.add_argument("--tokens", type=int, default=512)
    parser.add_argument("--steps", type=int, default=60, help="of the sums")
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--only", default="", help="lines whose names have this text")
    arguments = parser.parse_args()
    n, tokens = arguments.completions, arguments.tokens
    print(f"{torch.cuda.get_device_name() if GPU else 'CPU'}, torch {torch.__version__}")
    online = {"steps": 2, "batch_size": n, "max_new_tokens": tokens, "learning_rate": 1e-6}
    ppo = {**online, "rollout_size": n, "epochs": 1, "warmup_steps": 0, "pass_tokens": 16_384}
    grpo = {**online, "group_size": 8, "warmup_steps": 0, "beta": 0.0}
    with tempfile.TemporaryDirectory() as scratch:
        model, out = Path(scratch) / "model", Path(scratch) / "out"
        print(f"{make_model(model, arguments.small) / 1e6:,.0f} M parameters, "
              f"{n} completions of {tokens} tokens")  # fmt: skip
        print(f"{'':34}{'peak GB':>8}{'s a step':>9}{'tokens/s':>11}{'sampling':>9}{'gap':>8}")
        for name, trainer, settings in [
            ("PPO, all weights", "ppo", ppo),
            ("PPO, all weights, passes of 4,096", "ppo", {**ppo, "pass_tokens": 4096}),
            ("PPO, all weights, one body", "ppo", {**ppo, "critic": "detached"}),
            ("PPO, all weights, recomputed", "ppo", {**ppo, "gradient_checkpointing": True}),
            ("PPO, LoRA 16", "ppo", {**ppo, "lora_rank": 16}),
            ("GRPO of TRL, all weights", "grpo", grpo),
        ]:
            if arguments.only in name:
                measured(name, trainer, model, out / str(next(NUMBERS)), settings)
        learns(out / "sums", arguments.steps)
    return 0


NUMBERS = itertools.count()

if __name__ == "__main__":
    sys.exit(main())

"""Does every trainer train on the accelerator of this machine? A minute; it needs no network.

    python benchmarks/gpu_check.py [--steps 4]

Each trains the policy of the default experiment for a few steps, with all weights and with LoRA.
One line each; exit code 1 if the device was not used, a loss or reward is not finite, no weight
moved, or a PPO that was killed does not go on where it was. Without a GPU the CPU is checked.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
from pathlib import Path
from typing import Any

import harness.examples
import torch
from harness.examples.arithmetic_task import imitation_rows, is_correct, prompt_rows, split_pairs
from safetensors.torch import load_file

from harness.train.log import read_log
from harness.train.reward_function import WeightedRewards
from harness.train.table import TRAINERS
from harness.train.trainers import train, trainer_class
from harness.train.training import TrainOptions

POLICY = Path(harness.examples.__path__[0]) / "arithmetic_policy"
PAIRS = [
    {**a, "chosen": a["completion"], "rejected": b["completion"], "probability": 0.8}
    for a, b in zip(imitation_rows(32, 0), imitation_rows(32, 1), strict=True)
    if a["completion"] != b["completion"]
]
SHARED = {"batch_size": 8, "learning_rate": 1e-3, "warmup_steps": 0, "checkpoint_every": 1}
SAMPLING = {"max_new_tokens": 16}


class Killed(Exception):
    """Stands for a kill: nothing runs after it."""


def correct(prompts: Any, completions: Any, **_: Any) -> list[float]:
    """The reward: whether the sum is right."""
    return [float(is_correct(p, c)) for p, c in zip(prompts, completions, strict=True)]


def moved(checkpoint: Path) -> bool:
    """Return whether a weight differs from the policy's, or an adapter changes something."""
    (file,) = checkpoint.glob("*.safetensors")
    trained, base = load_file(file), load_file(POLICY / "model.safetensors")
    if file.name.startswith("adapter"):
        return any(bool(tensor.any()) for key, tensor in trained.items() if "lora_B" in key)
    return any(not trained[key].equal(base[key]) for key in trained.keys() & base.keys())


def check(name: str, lora_rank: int, steps: int, out: Path) -> str:
    """Train once; return what went wrong, or an empty text."""
    online = trainer_class(name).needs == "rewards"
    settings: dict[str, Any] = {**SHARED, **(SAMPLING if online else {}), "lora_rank": lora_rank}
    if "steps" in trainer_class(name).Settings.model_fields:
        settings |= {"steps": steps}
    if name in ("ppo", "online_dpo"):
        settings |= {"rollout_size": 8}
    rows = prompt_rows(split_pairs()[0])[:32] if online else PAIRS
    rewards = WeightedRewards({"right": correct}) if online else None

    def kill(row: dict[str, Any]) -> None:
        if row["step"] == 2:
            raise Killed

    if name == "ppo":
        try:
            train(name, POLICY, rows, settings, out, TrainOptions(rewards=rewards, on_step=kill))
        except Killed:
            pass
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    result = train(name, POLICY, rows, settings, out, TrainOptions(rewards=rewards))
    if torch.cuda.is_available() and torch.cuda.max_memory_allocated() < 1e6:
        return "the GPU was not used"
    losses = {"policy_loss", "loss"}
    # A step of online DPO in which both completions of every prompt got one reward updates nothing.
    log = [r for r in read_log(result.log_path) if losses & r.keys() or r.get("updates") == 0]
    if not any(losses & row.keys() for row in log):
        return "no step updated anything"
    for row in log:
        figures = [
            row[key] for key in ("loss", "policy_loss", "value_loss", "reward") if key in row
        ]
        if not all(figure is not None and math.isfinite(figure) for figure in figures):
            return f"not finite in step {row['step']}: {figures}"
    if [row["step"] for row in log] != list(range(1, result.steps + 1)):
        return f"steps in the log: {[row['step'] for row in log]}"
    return "" if moved(result.checkpoint) else "nothing moved"


def main() -> int:
    """Check every trainer and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=4)
    arguments = parser.parse_args()
    gpu = torch.cuda.is_available()
    print(f"device: {torch.cuda.get_device_name() if gpu else 'CPU'}")
    failed = 0
    with tempfile.TemporaryDirectory() as scratch:
        for name in TRAINERS:
            for rank in (0, 4):
                wrong = check(name, rank, arguments.steps, Path(scratch) / f"{name}-{rank}")
                failed += bool(wrong)
                print(f"{name}{', LoRA' if rank else ''}: {wrong or 'ok'}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

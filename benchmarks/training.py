"""Speed of the harness's PPO, as ratios to TRL's GRPOTrainer on the same policy and prompts.

    python benchmarks/training.py [--steps 8] [--completions 128]

Both sample the same number of completions in each step, score them with the same function, compare
them with a reference policy and pass over them once in one optimizer step. PPO also has a critic,
which GRPO does without; with a detached head the two do the same passes over the same networks.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
from pathlib import Path
from typing import Any

import harness.examples
import torch
from harness.examples.arithmetic_task import prompt_rows, split_pairs

from harness.train.log import read_log
from harness.train.result import TrainResult
from harness.train.reward_function import WeightedRewards
from harness.train.trainers import train
from harness.train.training import TrainOptions

POLICY = Path(harness.examples.__path__[0]) / "arithmetic_policy"
ROWS = prompt_rows(split_pairs()[0])


def reward(prompts: Any, completions: Any, completion_ids: Any, **_: Any) -> list[float]:
    """Any reward that costs nothing."""
    return [float(len(ids)) for ids in completion_ids]


def seconds_per_step(result: TrainResult) -> float:
    """Return the shortest time between two rows of the log."""
    times = [row["seconds"] for row in read_log(result.log_path)]
    return min(b - a for a, b in itertools.pairwise(times))


def main() -> None:
    """Time and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--completions", type=int, default=128)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    same: dict[str, Any] = {
        "learning_rate": 1e-6,  # so that lengths stay the same
        "steps": arguments.steps,
        "batch_size": arguments.completions,
        "max_new_tokens": 40,
        "beta": 0.1,
        "epochs": 1,
    }
    options = TrainOptions(rewards=WeightedRewards({"length": reward}))
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch)
        peer = seconds_per_step(train("grpo", POLICY, ROWS, same, out / "grpo", options))
        print("TRL GRPOTrainer: 1.00")
        for critic in ("detached", "separate"):
            settings = {**same, "rollout_size": arguments.completions, "critic": critic}
            own = seconds_per_step(train("ppo", POLICY, ROWS, settings, out / critic, options))
            print(f"PPO, {critic} critic: {own / peer:.2f} of its time for a step")


if __name__ == "__main__":
    main()

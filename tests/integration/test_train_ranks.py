"""PPO on two processes is PPO on one: the same rollout gives the same update."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from trainings import built_ppo

pytest.importorskip("trl", reason="the extra train is not installed")

# Each rank takes its part of one rollout that all of them know, updates, and the first one writes
# the weights. The rewards fail for one sequence of the second half, so that ranks differ in tokens.
PROGRAM = """
import sys
from pathlib import Path
import torch
from harness.examples.arithmetic_task import prompt_rows, split_pairs
from harness.train.monitor import Monitor
from harness.train.ppo_settings import PpoSettings
from harness.train.reward_function import WeightedRewards
from harness.policy.sampling import rows_of
from harness.train.grpo import GrpoSettings
from trainings import built_ppo, changed, trained_by

torch.set_num_threads(1)
policy, out = Path(sys.argv[1]), Path(sys.argv[2])
settings = PpoSettings(
    learning_rate=1e-3, warmup_steps=0, steps=1, rollout_size=8, batch_size=4, accumulation=2,
    epochs=1, max_new_tokens=12,
)
rewards = WeightedRewards(
    {"length": lambda completion_ids, **_: [
        None if len(ids) == 2 else len(ids) / 10 for ids in completion_ids]}
)
rows = prompt_rows(split_pairs()[0])[:8]
training = built_ppo(policy, rows, settings, out, {"length": rewards})
world, rank = training.accelerator.num_processes, training.accelerator.process_index
whole = torch.load(sys.argv[3], weights_only=False)
mine = slice(rank * 8 // world, (rank + 1) * 8 // world)
experience = type(whole)(rows_of(whole.rollout, mine), *(
    getattr(whole, name)[mine] for name in ("logprobs", "values", "advantages", "returns", "mask")))
row = training.update(experience, 1)
if rank == 0:
    weights = training.accelerator.unwrap_model(training.module).state_dict()
    torch.save({"weights": weights, "row": row}, out / f"after-{world}.pt")
# And a whole training: each step is logged once, and the ranks agree on the KL coefficient.
settings = changed(settings, steps=3, target_kl=2.0, kl_horizon=20)
result = trained_by("ppo", policy, rows, settings, out / f"whole-{world}", {"length": rewards})
if world > 1:
    groups = GrpoSettings(
        learning_rate=1e-3, steps=2, batch_size=4, group_size=4, max_new_tokens=12, beta=0.1
    )
    monitor = Monitor(rows, every=1, max_new_tokens=12)
    trained_by("grpo", policy, rows, groups, out / "grpo", {"length": rewards}, monitor=monitor)
(out / f"whole-{world}-{rank}.txt").write_text(str(result.checkpoint))
"""


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port: int = server.getsockname()[1]
        return port


def update(policy: Path, out: Path, experience: Path, world: int) -> Any:
    import torch

    port = free_port()
    processes = []
    for rank in range(world):
        env = {**os.environ, "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"}
        env["PYTHONPATH"] = os.pathsep.join(sys.path)
        if world > 1:
            env |= {
                "RANK": str(rank),
                "LOCAL_RANK": str(rank),
                "WORLD_SIZE": str(world),
                "LOCAL_WORLD_SIZE": str(world),
                "MASTER_ADDR": "127.0.0.1",
                "MASTER_PORT": str(port),
            }
        command = [sys.executable, "-c", PROGRAM, str(policy), str(out), str(experience)]
        processes.append(subprocess.Popen(command, env=env))
    try:
        assert [process.wait(timeout=240) for process in processes] == [0] * world
    finally:
        for process in processes:
            process.kill()
    return torch.load(out / f"after-{world}.pt", weights_only=True)


@pytest.mark.slow
def test_two_ranks_update_as_one_does(repo_root: Path, tmp_path: Path) -> None:
    import torch
    from harness.examples.arithmetic_task import prompt_rows, split_pairs

    from harness.train.ppo_settings import PpoSettings

    policy = repo_root / "examples" / "arithmetic_policy"

    def reward(completion_ids: Any, **_: Any) -> list[float | None]:
        # Failures in the second half only: the ranks have different numbers of tokens.
        return [None if i >= 6 else len(ids) / 10 for i, ids in enumerate(completion_ids)]

    settings = PpoSettings(rollout_size=8, batch_size=8, max_new_tokens=12)
    rows = prompt_rows(split_pairs()[0])[:8]
    training = built_ppo(policy, rows, settings, tmp_path / "collect", {"r": reward})
    experience, _ = training.collect(1)
    torch.save(experience, tmp_path / "experience.pt")
    one, two = (update(policy, tmp_path, tmp_path / "experience.pt", n) for n in (1, 2))
    for name, weights in one["weights"].items():
        torch.testing.assert_close(two["weights"][name], weights, rtol=0, atol=1e-5)
    for key in ("policy_loss", "value_loss", "grad_norm"):
        assert two["row"][key] == pytest.approx(one["row"][key], rel=1e-3, abs=1e-5)
    before = training.accelerator.unwrap_model(training.module).state_dict()
    assert any((one["weights"][n] - before[n]).abs().max() > 1e-4 for n in before)
    whole = tmp_path / "whole-2"
    rows_logged = [json.loads(line) for line in (whole / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows_logged] == [1, 2, 3]
    assert rows_logged[0]["beta"] != rows_logged[1]["beta"]
    assert all((tmp_path / f"whole-2-{rank}.txt").read_text() for rank in range(2))
    assert (whole / "final" / "model.safetensors").is_file()
    groups = tmp_path / "grpo"
    logged = [json.loads(line) for line in (groups / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in logged] == [0, 1, 2]
    assert (groups / "final" / "model.safetensors").is_file()

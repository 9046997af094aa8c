"""A PPO training of a few small steps, and what is looked at in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.examples.arithmetic_task import prompt_rows, split_pairs
from trainings import built_ppo, changed

from harness.train.ppo import Ppo
from harness.train.ppo_settings import PpoSettings

ROWS = prompt_rows(split_pairs()[0])[:40]
SETTINGS = PpoSettings(
    learning_rate=1e-3, warmup_steps=0, steps=4, rollout_size=8, batch_size=8, epochs=1,
    max_new_tokens=10, checkpoint_every=2,
)  # fmt: skip


def by_length(prompts: Any, completion_ids: Any, **_: Any) -> list[float]:
    return [len(ids) / 10 for ids in completion_ids]


def training(
    path: Path,
    out: Path,
    reward: Callable[..., Any] = by_length,
    seed: int = 3,
    rows: list[Any] = ROWS,
    **changes: Any,
) -> Ppo:
    return built_ppo(path, rows, changed(SETTINGS, **changes), out, {"reward": reward}, seed)


def weights_of(trained: Ppo) -> dict[str, Any]:
    return {name: p.detach().clone() for name, p in trained.module.named_parameters()}


def move_away_from_the_start(trained: Ppo, by: float = 0.1) -> None:
    """A policy that is not its reference, and a critic that values something."""
    import torch

    generator = torch.Generator().manual_seed(0)
    for parameter in trained.policy.parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        parameter.data += by * parameter.abs().mean() * noise
    trained.module.head.weight.data += 0.2 * torch.randn(1, 96, generator=generator)
    trained.module.head.bias.data += 0.3

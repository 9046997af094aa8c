"""``harness train``: one training on plain files, with no experiment file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    trainer: Annotated[str, typer.Option(help="sft, reward_model, dpo, grpo or ppo.")],
    model: Annotated[str, typer.Option(help="Folder of a checkpoint, or a hub id.")],
    data: Annotated[
        Path,
        typer.Option(
            help="JSONL rows: sft prompt, completion; dpo and reward_model prompt, chosen, rejected"
            " and perhaps probability; grpo and ppo prompt and perhaps reference, item_id."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder for checkpoint and log; a second try goes on.")],
    reward: Annotated[
        list[str] | None,
        typer.Option(
            help="grpo and ppo: a source by name, or the checkpoint folder of a reward model;"
            " NAME=WEIGHT weighs it; repeatable."
        ),
    ] = None,
    option: Annotated[
        list[str] | None, typer.Option("--set", help="Setting of the trainer, key=value.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of order and sampling.")] = 0,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
) -> None:
    """Train a policy or a reward model."""
    from typing import Any

    from harness.cli.judge import parse_options
    from harness.cli.screen import console, progress
    from harness.errors import ConfigError
    from harness.pipeline.rewards import open_rewards
    from harness.pipeline.trainers import TRAINERS, train
    from harness.records import read_rows

    if trainer not in TRAINERS:
        raise ConfigError(f"--trainer is {trainer!r}", hint=f"use one of {', '.join(TRAINERS)}")
    rows = [row for _, row in read_rows(data)]
    with progress(quiet) as bars, open_rewards(reward or [], seed=seed) as (functions, weights):
        bars.start()
        task = bars.add_task(trainer, total=None)

        def on_step(row: dict[str, Any]) -> None:
            shown = row.get("reward", row.get("loss"))
            text = trainer if shown is None else f"{trainer} {shown:+.3f}"
            bars.update(task, completed=row["step"], description=text)

        result = train(
            trainer, model, rows, parse_options(option or []), out, rewards=functions,
            weights=weights, seed=seed, on_step=on_step,
        )  # fmt: skip
    console().print(
        f"{result.steps} steps in {result.seconds:.1f} s, checkpoint in {result.checkpoint}",
        soft_wrap=True,
    )

"""``harness train``: one training on plain files, with no experiment file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.train.table import TRAINERS

if TYPE_CHECKING:
    from harness.train.reward_function import WeightedRewards


def command(
    trainer: Annotated[str, typer.Option(help=f"{', '.join(TRAINERS)}.")],
    model: Annotated[str, typer.Option(help="Folder of a checkpoint, or a hub id.")],
    data: Annotated[
        Path,
        typer.Option(
            help="JSONL rows: sft prompt, completion; dpo and reward_model prompt, chosen, rejected"
            " and perhaps probability; the others prompt and perhaps reference, item_id."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder for checkpoint and log; a second try goes on.")],
    reward: Annotated[
        list[str] | None,
        typer.Option(
            help="grpo, ppo and best_of_n: a source by name, or the checkpoint folder of a reward"
            " model; NAME=WEIGHT weighs it; repeatable."
        ),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(help="Option of a --reward source, NAME.key=value; repeatable."),
    ] = None,
    setting: Annotated[
        list[str] | None, typer.Option("--set", help="Setting of the trainer, key=value.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of order and sampling.")] = 0,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
) -> None:
    """Train a policy or a reward model."""
    from harness.cli.options import key_values
    from harness.cli.screen import console, progress
    from harness.records.rows import read_rows
    from harness.train.trainers import settings_of, train
    from harness.train.training import TrainOptions

    settings = settings_of(trainer, key_values(setting, "--set"), "--set")
    rows = [row for _, row in read_rows(data)]
    with (
        progress(quiet) as bars,
        open_rewards(reward or [], option or [], seed) as rewards,
    ):
        bars.start()
        task = bars.add_task(trainer, total=None)

        def on_step(row: dict[str, Any]) -> None:
            shown = row.get("reward", row.get("loss"))
            text = trainer if shown is None else f"{trainer} {shown:+.3f}"
            bars.update(task, completed=row["step"], description=text)

        options = TrainOptions(rewards=rewards, seed=seed, on_step=on_step)
        result = train(trainer, model, rows, settings, out, options)
    console().print(
        f"{result.steps} steps in {result.seconds:.1f} s, checkpoint in {result.checkpoint}",
        soft_wrap=True,
    )
    if result.too_long:
        console().print(f"{result.too_long} rows were above max_length: cut, or left out")


@contextmanager
def open_rewards(
    rewards: list[str], options: list[str], seed: int
) -> Iterator[WeightedRewards | None]:
    """Yield the rewards, None where there are none.

    Args:
        rewards: ``SOURCE``, ``FOLDER`` of a reward model, or either with ``=WEIGHT``.
        options: ``SOURCE.key=value``.
        seed: Of the sources.

    Raises:
        ConfigError: A weight is no number, a name is given twice, a source takes no single
            response, or an option is for none of them.
        PluginError: There is no such source, or its options are wrong.
    """
    from harness.cli.options import options_of_sources
    from harness.experiment.rewards import online_rewards
    from harness.nouns.errors import ConfigError
    from harness.registry import registry
    from harness.train.reward_function import WeightedRewards

    weights: dict[str, float] = {}
    folders: dict[str, str] = {}
    for entry in rewards:
        name, _, weight = entry.partition("=")
        label = Path(name).name if Path(name).is_dir() else name
        if label in weights:
            raise ConfigError(f"--reward {label} is given twice")
        try:
            weights[label] = float(weight or 1.0)
        except ValueError:
            raise ConfigError(f"--reward {entry!r}: {weight!r} is not a number") from None
        if Path(name).is_dir():
            folders[label] = name
    named = options_of_sources(options, [label for label in weights if label not in folders])
    sources = {name: registry().source(name).build(named[name]) for name in named}
    for name, source in sources.items():
        if "pointwise" not in source.info.takes:
            raise ConfigError(f"--reward {name}: the source judges no single response")
    if not weights:
        yield None
        return
    with online_rewards(seed) as (make, _):
        functions: dict[str, Any] = {name: make(source) for name, source in sources.items()}
        for label, folder in folders.items():
            from harness.train.reward_model import RewardModelReward

            functions[label] = RewardModelReward(folder)
        yield WeightedRewards(functions, weights)

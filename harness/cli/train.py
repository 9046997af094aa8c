"""``harness train``: one training on plain files, with no experiment file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from harness.cli.options import (
    Asking,
    Seed,
    Verifying,
    key_values,
    one_object,
    options_of_sources,
)
from harness.nouns.counted import counted
from harness.nouns.errors import ConfigError
from harness.train.table import TRAINERS


@dataclass(frozen=True, kw_only=True)
class Options(Asking, Verifying):
    """What ``harness train`` is given.

    Args:
        model: Folder of a checkpoint, or a hub id.
        data: Rows of JSONL, JSON, CSV, Parquet or Excel, or a data set: a folder of save_to_disk,
            or a hub id. sft has prompt, completion, or messages, or text; dpo, kto and reward_model
            prompt, chosen, rejected and perhaps probability; kto also prompt, completion, label;
            the others prompt and perhaps reference, item_id. Texts may be chats, which may hold
            the prompt.
        out: Folder for checkpoint and log; a second try goes on.
        reward: grpo, rloo, ppo, online_dpo and best_of_n: a source by name, the checkpoint folder
            of a reward model, or module:function as TRL calls it; NAME=WEIGHT weighs it;
            repeatable.
        option: Option of a --reward source, NAME.key=value, or FOLDER.combine=mean, worst or
            lower_bound for an ensemble of reward models; repeatable.
        setting: Setting of the trainer, key=value; trl.key=value is a field of TRL.
        seed: Seed of order and sampling.
        dataset_config: Configuration of a data set.
        dataset_train_split: Split of a data set; train, or the only one, by default.
        push_to_hub: Push the result with a model card to this name on the Hub, owner/name.
        hub_private_repo: A repository that is made on the Hub is private.
    """

    trainer: Annotated[str, typer.Option(help=f"{', '.join(TRAINERS)}.")]
    model: str
    data: str
    out: Path
    reward: list[str] | None = None
    option: list[str] | None = None
    setting: Annotated[list[str] | None, typer.Option("--set")] = None
    seed: Seed = 0
    dataset_config: str | None = None
    dataset_train_split: str | None = None
    push_to_hub: str | None = None
    hub_private_repo: bool = False


@one_object
def command(options: Options) -> None:
    """Train a policy or a reward model.

    What judges among the rewards answer is kept in OUT.journal.sqlite, which --budget counts as
    spent, so that the same command pays only for what is missing.
    """
    from harness.cli.screen import console, training
    from harness.experiment.stages.train_files import TrainSettings, train
    from harness.train.alarms import noticed
    from harness.train.log import failing, read_log
    from harness.train.ranks import rank
    from harness.train.trainers import settings_of

    trainer, weights = options.trainer, weights_of(options.reward or ())
    values = settings_of(trainer, key_values(options.setting, "--set"), "--set")
    named = options_of_sources(options.option, list(weights))
    quiet = options.quiet or rank() > 0
    with training(trainer, quiet) as table:

        def on_step(row: dict[str, Any]) -> None:
            if not quiet:
                table.add(trainer, row)

        settings = TrainSettings(
            values,
            weights,
            {n: o for n, o in named.items() if o},
            seed=options.seed,
            on_step=on_step,
            concurrency=options.concurrency,
            budget=options.budget,
            journal=journal_of(options.out, weights),
            timeout_s=options.timeout,
            dataset_config=options.dataset_config,
            dataset_train_split=options.dataset_train_split,
            push_to_hub=options.push_to_hub,
            hub_private_repo=options.hub_private_repo,
        )
        result = train(trainer, options.model, options.data, options.out, settings)
    if rank() > 0:
        return  # the first process tells
    console().print(
        f"{counted(result.steps, 'step')} in {result.seconds:.1f} s, checkpoint in"
        f" {result.checkpoint}",
        soft_wrap=True,
    )
    log = read_log(result.log_path)
    for line in (*result.told(), *failing(log), *noticed(log)):
        console().print(line, soft_wrap=True, markup=False)


def journal_of(out: Path, rewards: Iterable[str]) -> Path | None:
    """Return the journal beside the folder of a training, None where no reward is a judge."""
    from harness.records.journal import JOURNAL
    from harness.registry import registry

    sources = registry().sources
    kinds = {sources[name].kind for name in rewards if name in sources}
    return out.with_name(f"{out.name}.{JOURNAL}") if kinds - {"verifier", "human"} else None


def weights_of(entries: Iterable[str]) -> dict[str, float]:
    """Return the weight of each ``SOURCE``, or ``FOLDER`` of a reward model; 1 without ``=WEIGHT``.

    Raises:
        ConfigError: A weight is no number, or a reward is given twice.
    """
    weights: dict[str, float] = {}
    for entry in entries:
        name, _, weight = entry.partition("=")
        if name in weights:
            raise ConfigError(f"--reward {name} is given twice")
        try:
            weights[name] = float(weight or 1.0)
        except ValueError:
            raise ConfigError(f"--reward {entry!r}: {weight!r} is not a number") from None
    return weights

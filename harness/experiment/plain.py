"""Each stage on plain tables or files, with no experiment file: ``harness.judge(...)`` and so on.

What takes items or responses takes a sequence of them, or the path of their JSONL file.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from harness.evaluate import EvaluatorInfo
from harness.evaluate import evaluate as compare
from harness.experiment.context import StartBar, asking_with, no_bar
from harness.experiment.sources import NamedSource, source_by_name
from harness.experiment.stages import judge as judging
from harness.experiment.stages.evaluate import score
from harness.experiment.stages.judge import Judged, requests_of
from harness.nouns.errors import ConfigError, DataError
from harness.nouns.schema import Item, Response, Way
from harness.records.rows import read_items, read_responses, read_rows
from harness.registry import registry

if TYPE_CHECKING:
    from harness.train.result import TrainResult
    from harness.train.settings import TrainerSettings

Items: TypeAlias = "Sequence[Item] | str | Path"
Responses: TypeAlias = "Sequence[Response] | str | Path"


@dataclass(frozen=True, slots=True)
class RespondSettings:
    """How responses are sampled.

    Args:
        per_item: Responses for each item.
        system: Name of the policy on its responses; the model's by default.
        temperature: Of the sampling.
        max_new_tokens: Upper limit of a response, in tokens.
        seed: Of the sampling, 0 by default; with ``chat`` sent only where it is given, since some
            providers take none.
        chat: Whether the model is asked through an API or as local/<name>.
        budget: With ``chat``: stop before spending more, in dollars; what the journal holds counts.
        journal: With ``chat``: file that keeps every reply, so that the same call pays only for
            what is missing.
    """

    per_item: int = 1
    system: str | None = None
    temperature: float = 1.0
    max_new_tokens: int = 256
    seed: int | None = None
    chat: bool = False
    budget: float | None = None
    journal: Path | None = None


def respond(
    model: str, items: Items, settings: RespondSettings | None = None, bar: StartBar = no_bar
) -> list[Response]:
    """Sample responses to items.

    Args:
        model: Folder of a checkpoint or a hub id; with ``chat`` a model as litellm names it.
        items: What is asked.
        settings: How many, how long, how hot.
        bar: For progress.

    Returns:
        ``per_item`` responses for each item, in order. A failed call of a chat model leaves an
        empty text with its status in the metadata.

    Raises:
        ConfigError: There is a budget for a policy of one's own, or the model cannot be asked.
        DataError: The items cannot be read.
        BudgetExceededError: The budget is used up; what was paid for is in the journal.
        InputError: The checkpoint cannot be loaded.
    """
    from harness.policy.respond import ask_model, sample_policy
    from harness.policy.sampling import Sampling

    settings = settings or RespondSettings()
    if settings.budget is not None and not settings.chat:
        raise ConfigError("--budget is for --chat; a policy of your own costs nothing")
    asked = _items(items)
    total, seed = len(asked) * settings.per_item, settings.seed
    sampling = Sampling(settings.temperature, settings.max_new_tokens, seed, settings.per_item)
    if not settings.chat:
        move, system = bar("sampling", total), settings.system or model
        return sample_policy(model, asked, sampling, system=system, on_batch=move)

    async def ask() -> list[Response]:
        with asking_with(settings.journal, seed or 0, budget_usd=settings.budget) as asking:
            async with asking.open() as ctx:
                ctx.chat.check(model)
                move = bar("asking", total)
                return await ask_model(ctx.chat, model, asked, sampling, on_batch=move)

    found = asyncio.run(ask())
    name = settings.system
    return [replace(response, system=name) for response in found] if name else found


@dataclass(frozen=True, slots=True)
class JudgeSettings:
    """How a source judges.

    Args:
        options: Of the source.
        way: pointwise or pairwise; by default what the source can do, pairs first.
        seed: Decides which response a judge sees first.
        concurrency: Requests in flight at once.
        budget: Stop before spending more, in dollars; what the journal holds counts.
        journal: File that keeps judgments, so that the same call makes only those that miss.
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    way: Way | None = None
    seed: int = 0
    concurrency: int = 32
    budget: float | None = None
    journal: Path | None = None


def judge(
    source: str,
    items: Items,
    responses: Responses,
    settings: JudgeSettings | None = None,
    bar: StartBar = no_bar,
) -> Judged:
    """Put responses to a feedback source.

    Args:
        source: Name of the plugin's source; ``harness plugins`` lists them.
        items: What was asked.
        responses: What is judged, one by one or as pairs of neighbours of an item.
        settings: Options of the source, way, seed and limits.
        bar: For progress.

    Returns:
        What was asked and what was said; failures are among the judgments, with their status.

    Raises:
        PluginError: There is no such source, or its options are wrong.
        ConfigError: It cannot judge that way.
        DataError: A table cannot be read, or there is nothing to judge.
        BudgetExceededError: The budget is used up; what was judged is in the journal.
    """
    settings = settings or JudgeSettings()
    named = source_by_name(source, settings.options, settings.way)
    asked = _items(items)
    requests = requests_of(named, asked, _responses(responses, asked))
    if not requests:
        raise DataError(
            "there is nothing to judge",
            where=str(responses) if isinstance(responses, str | Path) else "",
            hint="pairs are two different responses to an item"
            if named.way == "pairwise"
            else "the file holds no response to these items",
        )
    limits = settings.seed, settings.concurrency, settings.budget
    with asking_with(settings.journal, *limits) as asking:
        judging.check([named], asking)
        return Judged(named, requests, judging.judge(named, requests, asking, bar))


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """What a training is given besides its model, rows and folder.

    Args:
        values: Settings of the trainer by name, or an object of its ``Settings``.
        rewards: For trainers that need rewards: the weight of each source by name, and of each
            reward model by the folder of its checkpoint.
        options: Of the sources among the rewards.
        seed: Of order and sampling.
        on_step: Called with every row of the log.
    """

    values: Mapping[str, Any] | TrainerSettings = field(default_factory=dict)
    rewards: Mapping[str, float] = field(default_factory=dict)
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    seed: int = 0
    on_step: Callable[[dict[str, Any]], None] | None = None


def train(
    trainer: str,
    model: str,
    rows: Sequence[Mapping[str, Any]] | str | Path,
    out: str | Path,
    settings: TrainSettings | None = None,
) -> TrainResult:
    """Train a policy or a reward model.

    Args:
        trainer: Its name, such as dpo or ppo.
        model: Folder of a checkpoint, or a hub id.
        rows: Or the path of their JSONL file: ``prompt`` and what the trainer learns from:
            ``completion``; ``chosen`` and ``rejected``, perhaps with ``probability``; or what the
            rewards read, such as ``reference`` and ``item_id``.
        out: Folder for checkpoint and log; the same call on it goes on after a kill.
        settings: Of the trainer, with its rewards and seed.

    Returns:
        Steps, seconds, and the paths of checkpoint and log.

    Raises:
        ConfigError: There is no such trainer, a setting is wrong, or rewards do not fit it.
        PluginError: A reward is no source and no folder, or its options are wrong.
        DataError: A row lacks a column, or nothing can be learnt from the rows.
        InputError: There is no such model, or the folder holds another training.
        MissingExtraError: The libraries for training are not installed.
    """
    from harness.experiment.rewards import open_rewards
    from harness.train.trainers import settings_of
    from harness.train.trainers import train as train_rows
    from harness.train.training import TrainOptions

    given = settings or TrainSettings()
    checked = settings_of(trainer, given.values, "settings")
    read = [row for _, row in read_rows(Path(rows))] if isinstance(rows, str | Path) else rows
    with open_rewards(given.rewards, given.options, given.seed) as rewards:
        options = TrainOptions(rewards=rewards, seed=given.seed, on_step=given.on_step)
        return train_rows(trainer, model, read, checked, Path(out), options)


def evaluate(
    items: Items,
    responses: Mapping[str | tuple[str, int], Responses],
    evaluators: Mapping[str, Mapping[str, Any]] | Sequence[str],
    bar: StartBar = no_bar,
) -> dict[str, Any]:
    """Compare policies by evaluators: means, differences and win rates, with intervals.

    Args:
        items: Held-out items.
        responses: Of each policy, by its name or by (name, seed); the first is the base that the
            others are compared with.
        evaluators: Pointwise sources by name, perhaps with their options.
        bar: For progress.

    Returns:
        JSON values; docs/reports.md says what each key of ``evaluation`` holds.

    Raises:
        PluginError: There is no such source, or its options are wrong.
        ConfigError: It cannot judge single responses, or a policy is named twice.
        DataError: A table cannot be read, or responses do not fit the items.
    """
    options = evaluators if isinstance(evaluators, Mapping) else {n: {} for n in evaluators}
    sources = [source_by_name(name, given, "pointwise") for name, given in options.items()]
    asked = _items(items)
    written: dict[tuple[str, int], list[Response]] = {}
    for key, found in responses.items():
        name, seed = key if isinstance(key, tuple) else (key, 0)
        label = f"{name}@{seed}" if isinstance(key, tuple) else name
        if (name, seed) in written:
            raise ConfigError(f"there are responses of {label} already")
        # Ids only need to be unique inside a file.
        written[name, seed] = [
            replace(response, id=f"{label}/{response.id}", system=name)
            for response in _responses(found, asked)
        ]
    with asking_with(None) as asking:
        judging.check(sources, asking)
        judged = score(sources, asked, written, asking, bar)
    return compare(
        asked,
        written,
        [request for one in judged.values() for request in one.requests],
        [judgment for one in judged.values() for judgment in one.judgments],
        [_evaluator(source) for source in sources],
        base=next(iter(written))[0],
    )


def _evaluator(source: NamedSource) -> EvaluatorInfo:
    info = source.info
    return EvaluatorInfo(source.name, info.kind, info.simulated, None, info.scale)


def report(run_dir: str | Path, out: str | Path | None = None) -> Path:
    """Build report.html and report.md of a run again from its report.json.

    Nothing is computed or judged.

    Args:
        run_dir: Folder of the run.
        out: Where to write; into the run's folder by default.

    Returns:
        Path of report.html.

    Raises:
        DataError: There is no report.json, or it is of another format.
    """
    from harness.report import build, load

    return build(load(Path(run_dir)), Path(out or run_dir), registry().sections)


def _items(given: Items) -> Sequence[Item]:
    return read_items(Path(given)) if isinstance(given, str | Path) else given


def _responses(given: Responses, items: Sequence[Item]) -> Sequence[Response]:
    return read_responses(Path(given), items) if isinstance(given, str | Path) else given

"""Reward functions that call feedback sources, on a loop thread of their own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

from harness.experiment.context import Asking
from harness.experiment.wording import notes_on_scores
from harness.feedback.contract import FeedbackSource, SourceFactory
from harness.nouns.counted import counted
from harness.nouns.errors import ConfigError, InputError
from harness.nouns.nearest import did_you_mean
from harness.nouns.plain_text import visible
from harness.registry import registry
from harness.scale_out.loop_thread import LoopThread
from harness.train.imported import imported, is_import
from harness.train.reward_combined import Combine, members_of
from harness.train.reward_function import SourceReward, WeightedRewards, check_weights


@dataclass(frozen=True, slots=True)
class OnLoop:
    """An asynchronous reward function that a synchronous trainer can call."""

    reward: SourceReward
    loop: LoopThread

    @property
    def identity(self) -> Any:
        """What makes it another one."""
        return self.reward.identity

    def take_reason(self) -> str:
        """Return why a completion has no verdict."""
        return self.reward.take_reason()

    def __call__(self, **columns: Any) -> list[float | None]:
        """Return one reward or None for each completion."""
        return self.loop.run(self.reward(**columns))


MakeReward = Callable[[FeedbackSource], Any]


@contextmanager
def online_rewards(asking: Asking) -> Iterator[tuple[MakeReward, Callable[[], float]]]:
    """Yield what makes a reward function of a pointwise source, and what tells the dollars spent.

    The sources' context, with one worker for verifiers, lives on one loop thread as long as the
    body runs, so that synchronous trainers can call asynchronous sources.

    Args:
        asking: Its budget may be spent here, on top of what the journal holds.
    """
    from harness.chat import Client

    journal, budget_usd = asking.journal, asking.budget_usd
    with LoopThread() as loop:
        if journal is not None and budget_usd is not None:
            budget_usd += journal.spent_usd()
        opened = replace(asking, budget_usd=budget_usd, processes=1).open()
        ctx = loop.run(opened.__aenter__())

        def make(source: FeedbackSource) -> Any:
            return OnLoop(SourceReward(source, ctx), loop)

        def spent() -> float:
            chat = ctx.chat
            assert isinstance(chat, Client)
            return sum(usage.cost_usd for usage in chat.usage.values())

        try:
            yield make, spent
        finally:
            loop.run(opened.__aexit__(None, None, None))


@contextmanager
def open_rewards(
    rewards: Mapping[str, float],
    options: Mapping[str, Mapping[str, Any]],
    asking: Asking,
    functions: Sequence[Callable[..., Any]] = (),
    function_weights: Sequence[float] = (),
) -> Iterator[WeightedRewards | None]:
    """Yield the rewards that a training learns from, None where there are none.

    Weights are of sources by name, of reward models by the folder of their checkpoint, and of
    functions by ``module:function``. A log calls a reward model by the shortest end of its path
    that no other reward has, and a function by its own name. The weights of ``functions`` stand in
    their order, and are 1 where there are none.

    What judges answer is kept in the journal, whose dollars count for the budget: the same training
    on the same journal pays for nothing twice.

    Raises:
        ConfigError: A reward stands there twice, a weight is no finite number of at least 0 or none
            is above 0, options are of no source, or a source takes no single response.
        PluginError: There is no such source, or its options are wrong.
        InputError: A folder holds no reward model.
    """
    if not isinstance(rewards, Mapping) or not all(isinstance(name, str) for name in rewards):
        raise ConfigError(f"rewards are weights by name, as {{'last_number': 1}}, got {rewards!r}")
    given = _named({}, functions)
    if function_weights and len(function_weights) != len(given):
        raise ConfigError(
            f"reward_weights has {len(function_weights)} numbers for"
            f" {counted(len(given), 'reward function')}",
            hint="give one number for each of reward_funcs, in their order",
        )
    known = registry().sources
    folders = [name for name in rewards if name not in known and Path(name).is_dir()]
    called = {
        name: imported(name)
        for name in rewards
        if name not in known and name not in folders and is_import(name)
    }
    makers = {name: one for name, one in called.items() if isinstance(one, SourceFactory)}
    called = {name: one for name, one in called.items() if name not in makers}
    names = [name for name in rewards if name not in folders and name not in called]
    _check_options(options, [*names, *folders])
    ways = {name: _way(name, options.get(name, {})) for name in folders}
    if not rewards and not given:
        yield None
        return
    if rewards:
        check_weights(rewards)
    labels = _labels(folders, names)
    if absent := [name for name in names if name not in known and "/" in name]:
        raise InputError("there is no such folder of a reward model", where=absent[0])
    sources = {
        name: (makers.get(name) or registry().source(name)).build(options.get(name, {}))
        for name in names
    }
    for name, source in sources.items():
        if "pointwise" not in source.info.takes:
            raise ConfigError(f"--reward {name}: the source judges no single response")
    for name, source in sources.items():
        for line in notes_on_scores(name, source):
            sys.stderr.write(f"warning: {visible(line)}\n")
    with online_rewards(within_budget(asking)) as (make, _):
        found: dict[str, Any] = {}
        taken = {*names, *labels.values()}
        for name in rewards:
            if name in sources:
                found[name] = make(sources[name])
            elif name in called:
                found |= _named({*taken, *found}, [called[name]])
            else:
                from harness.train.reward_model import RewardModelReward

                found[labels[name]] = RewardModelReward(name, combine=ways[name])
        weights = dict(zip(found, rewards.values(), strict=True))
        own = _named(found, given.values())
        weights |= dict(zip(own, function_weights, strict=bool(function_weights)))
        yield WeightedRewards(found | own, weights)


def within_budget(asking: Asking) -> Asking:
    """Return with what sources are asked, without the dollars that the journal says are spent."""
    if asking.journal is None or asking.budget_usd is None:
        return asking
    return replace(asking, budget_usd=max(0.0, asking.budget_usd - asking.journal.spent_usd()))


def _named(taken: Collection[str], functions: Iterable[Any]) -> dict[str, Any]:
    """Return functions by their own names, as TRL's log has them; of two the second has a number.

    Raises:
        ConfigError: One of them cannot be called.
    """
    found: dict[str, Any] = {}
    for function in functions:
        if not callable(function) or isinstance(function, type):
            raise ConfigError(
                f"a reward function is called with completions, got {function!r:.60}",
                hint="sources and reward models stand among the rewards, by name",
            )
        own = getattr(function, "__name__", "") or type(function).__name__
        name, number = own, 1
        while name in found or name in taken:
            number += 1
            name = f"{own}_{number}"
        found[name] = function
    return found


def _check_options(options: Mapping[str, Mapping[str, Any]], sources: Sequence[str]) -> None:
    """Refuse options that no source among the rewards would see."""
    if not isinstance(options, Mapping) or not all(
        isinstance(values, Mapping) for values in options.values()
    ):
        raise ConfigError(f"options of rewards stand by name, got {options!r:.60}")
    if absent := [str(name) for name in options if name not in sources]:
        raise ConfigError(
            f"options of {absent[0]}, which is no source among the rewards",
            hint=did_you_mean(absent[0], sources) or f"sources: {', '.join(sources) or 'none'}",
        )


def _way(folder: str, options: Mapping[str, Any]) -> Combine | None:
    """Return how the members of an ensemble are combined, by its only option; None: as trained.

    Raises:
        ConfigError: It is another option, or no way, or there is one reward model only.
    """
    if unknown := [str(name) for name in options if name != "combine"]:
        raise ConfigError(
            f"options of {folder}: {', '.join(unknown)}", hint="a reward model has combine only"
        )
    if "combine" not in options:
        return None
    way, known = options["combine"], get_args(Combine)
    if way not in known:
        raise ConfigError(
            f"options of {folder}: combine is {way!r:.60}",
            hint=f"{did_you_mean(str(way), known, after=' ')}use one of {', '.join(known)}",
        )
    if len(members_of(folder)) == 1:
        raise ConfigError(f"options of {folder}: combine is for ensembles, and it is one model")
    found: Combine = way
    return found


def _labels(folders: Sequence[str], taken: Sequence[str]) -> dict[str, str]:
    """Return a name of each folder, none of them taken: as much of the ends of their paths."""
    paths = {name: Path(name).resolve() for name in folders}
    for name, path in paths.items():
        if list(paths.values()).count(path) > 1:
            raise ConfigError(f"--reward {name} is given twice")
    length, labels = 1, {name: path.name for name, path in paths.items()}
    while len({*labels.values(), *taken}) < len(labels) + len(taken):
        length += 1
        labels = {name: "/".join(path.parts[-length:]) for name, path in paths.items()}
    return labels

"""Reward functions that call feedback sources, on a loop thread of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.experiment.context import Asking
from harness.feedback.contract import FeedbackSource
from harness.nouns.errors import ConfigError
from harness.registry import registry
from harness.train.reward_function import LoopThread, SourceReward, WeightedRewards


@dataclass(frozen=True, slots=True)
class OnLoop:
    """An asynchronous reward function that a synchronous trainer can call."""

    reward: SourceReward
    loop: LoopThread

    @property
    def identity(self) -> Any:
        """What makes it another one."""
        return self.reward.identity

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
    rewards: Mapping[str, float], options: Mapping[str, Mapping[str, Any]], seed: int
) -> Iterator[WeightedRewards | None]:
    """Yield the rewards that a training learns from, None where there are none.

    Weights are of sources by name, and of reward models by the folder of their checkpoint.

    Raises:
        ConfigError: Two rewards have the same name, or a source takes no single response.
        PluginError: There is no such source, or its options are wrong.
    """
    folders = {Path(name).name: name for name in rewards if Path(name).is_dir()}
    weights: dict[str, float] = {}
    for name, weight in rewards.items():
        label = Path(name).name if name in folders.values() else name
        if label in weights:
            raise ConfigError(f"--reward {label} is given twice")
        weights[label] = weight
    sources = {}
    for name in (label for label in weights if label not in folders):
        sources[name] = registry().source(name).build(options.get(name, {}))
        if "pointwise" not in sources[name].info.takes:
            raise ConfigError(f"--reward {name}: the source judges no single response")
    if not weights:
        yield None
        return
    with online_rewards(Asking(None, seed)) as (make, _):
        functions: dict[str, Any] = {name: make(source) for name, source in sources.items()}
        for label, folder in folders.items():
            from harness.train.reward_model import RewardModelReward

            functions[label] = RewardModelReward(folder)
        yield WeightedRewards(functions, weights)

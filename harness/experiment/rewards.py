"""Reward functions that call feedback sources, on a loop thread of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from harness.experiment.context import open_context
from harness.feedback.contract import FeedbackSource
from harness.records.journal import Journal
from harness.train.reward_function import LoopThread, SourceReward


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
def online_rewards(
    seed: int,
    concurrency: int = 32,
    processes: int = 1,
    journal: Journal | None = None,
    budget_usd: float | None = None,
) -> Iterator[tuple[MakeReward, Callable[[], float]]]:
    """Yield what makes a reward function of a pointwise source, and what tells the dollars spent.

    The sources' context lives on one loop thread as long as the body runs, so that synchronous
    trainers can call asynchronous sources.

    Args:
        seed: Of the sources.
        concurrency: Judgments in flight at once for each source.
        processes: Workers of the verifiers.
        journal: Keeps the replies that were paid for.
        budget_usd: Dollars that may be spent here, on top of what the journal holds; None for no
            limit.
    """
    from harness.chat import Client

    with LoopThread() as loop:
        if journal is not None and budget_usd is not None:
            budget_usd += journal.spent_usd()
        opened = open_context(
            journal,
            seed=seed,
            concurrency=concurrency,
            processes=processes,
            budget_usd=budget_usd,
        )
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

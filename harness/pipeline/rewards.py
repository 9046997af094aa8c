"""Reward functions that call feedback sources, on a loop thread of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.contract import FeedbackSource
from harness.errors import ConfigError
from harness.pipeline.context import open_context

MakeReward = Callable[[FeedbackSource], Any]


@contextmanager
def online_rewards(seed: int, concurrency: int = 32, processes: int = 1) -> Iterator[MakeReward]:
    """Yield a function that makes a reward function of a pointwise source.

    The sources' context lives on one loop thread as long as the body runs, so that synchronous
    trainers can call asynchronous sources.
    """
    from harness.train.reward_function import LoopThread, SourceReward

    with LoopThread() as loop:
        opened = open_context(None, seed=seed, concurrency=concurrency, processes=processes)
        ctx = loop.run(opened.__aenter__())

        def make(source: FeedbackSource) -> Any:
            reward = SourceReward(source, ctx)
            return lambda **columns: loop.run(reward(**columns))

        try:
            yield make
        finally:
            loop.run(opened.__aexit__(None, None, None))


@contextmanager
def open_rewards(
    names: Sequence[str], seed: int = 0
) -> Iterator[tuple[dict[str, Any], dict[str, float]]]:
    """Yield reward functions and weights for names as the command line takes them.

    Args:
        names: ``SOURCE``, ``FOLDER`` of a reward model, or either with ``=WEIGHT``.
        seed: Of the sources.

    Raises:
        ConfigError: A weight is no number, or a source takes no single response.
        PluginError: There is no such source.
    """
    from harness.registry import registry

    functions: dict[str, Any] = {}
    weights: dict[str, float] = {}
    if not names:
        yield functions, weights
        return
    with online_rewards(seed) as make:
        for entry in names:
            name, _, weight = entry.partition("=")
            try:
                share = float(weight or 1.0)
            except ValueError:
                raise ConfigError(f"--reward {entry!r}: {weight!r} is not a number") from None
            label = Path(name).name if Path(name).is_dir() else name
            if label in functions:
                raise ConfigError(f"--reward {label} is given twice")
            if Path(name).is_dir():
                from harness.train.reward_model import RewardModelReward

                functions[label] = RewardModelReward(name)
            else:
                source = registry().source(name).build()
                if "pointwise" not in source.info.takes:
                    raise ConfigError(f"--reward {name}: the source judges no single response")
                functions[label] = make(source)
            weights[label] = share
        yield functions, weights

"""``harness.reward_function``: any feedback source as a reward function for TRL."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from harness.experiment.context import asking_with
from harness.experiment.rewards import online_rewards, within_budget
from harness.experiment.wording import notes_on_scores
from harness.feedback.contract import TIMEOUT_S, FeedbackSource, SourceFactory
from harness.nouns.errors import ConfigError
from harness.nouns.plain_text import visible
from harness.registry import registry
from harness.train.rows import item_of


def reward_function(
    source: str | SourceFactory | FeedbackSource,
    options: Mapping[str, Any] | None = None,
    *,
    journal: str | Path | None = None,
    budget: float | None = None,
    concurrency: int = 32,
    timeout_s: float = TIMEOUT_S,
) -> SourceFunction:
    """Return a reward function of any source, for TRL's trainers and everything that calls alike.

    It has the source's name, so that TRL's log is ``rewards/NAME/mean``. A completion without a
    verdict has the reward None.

    Args:
        source: A source by name, what ``@judge``, ``@verifier`` or ``@human_labels`` made, or a
            source itself.
        options: Of a source that is named or made.
        journal: File that keeps what judges answer, so that the same call is paid for once.
        budget: Dollars that judges may cost; what the journal holds counts.
        concurrency: Requests in flight at once.
        timeout_s: Seconds for one response, of verifiers that have no limit of their own.

    Raises:
        PluginError: There is no such source, or its options are wrong.
        ConfigError: The source judges no single response, or a limit is out of its range.
    """
    if isinstance(source, str):
        source = registry().source(source)
    made = source.build(options or {}) if isinstance(source, SourceFactory) else source
    if "pointwise" not in made.info.takes:
        raise ConfigError(f"source {made.info.name} judges no single response")
    for line in notes_on_scores(made.info.name, made):
        sys.stderr.write(f"warning: {visible(line)}\n")
    limits = partial(asking_with, journal, 0, concurrency, budget, timeout_s)
    with limits():  # what is wrong with them is said now
        pass
    return SourceFunction(made, limits)


class SourceFunction:
    """A feedback source that is called as TRL calls reward functions.

    What it needs, such as worker processes, is opened by the first call, and closed with the
    object, by ``close`` or at the end of a ``with``.
    """

    def __init__(self, source: FeedbackSource, asking: Any) -> None:
        self.source, self._asking = source, asking
        self.__name__ = source.info.name
        self.identity = [source.info.identity, source.info.version]
        self._reward: Any = None
        self._opened = ExitStack()
        self._end = weakref.finalize(self, self._opened.close)

    def __call__(
        self, prompts: Sequence[Any], completions: Sequence[Any], **columns: Any
    ) -> list[float | None]:
        """Return the mean of the verdicts on each completion, on [0, 1]; None where there is none.

        The columns ``id`` (or ``item_id``), ``reference`` and ``metadata`` are those of an item.
        """
        if self._reward is None:
            asking = self._opened.enter_context(self._asking())
            make, _ = self._opened.enter_context(online_rewards(within_budget(asking)))
            self._reward = make(self.source)
        if "item" not in columns:
            names = [k for k in ("id", "item_id", "reference", "metadata") if k in columns]
            columns["item"] = [
                item_of({"prompt": prompt, **{name: columns[name][n] for name in names}})
                for n, prompt in enumerate(prompts)
            ]
        found: list[float | None] = self._reward(
            prompts=prompts, completions=completions, **columns
        )
        return found

    def close(self) -> None:
        """Stop the workers; a later call starts them again."""
        self._opened.close()
        self._reward = None

    def __enter__(self) -> SourceFunction:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

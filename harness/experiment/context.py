"""What sources are asked with: chat client, workers and sandbox; what that costs; progress."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from harness.experiment.sources import NamedSource
from harness.feedback.contract import TIMEOUT_S, Limits, Plans, RunContext
from harness.nouns.errors import ConfigError
from harness.nouns.schema import Judgment, JudgmentRequest
from harness.records.journal import Journal
from harness.records.places import locked


class Move(Protocol):
    """Moves a bar on."""

    def __call__(self, count: int, *, kept: bool = False) -> None:
        """Move on by a number of units, or by some that an earlier try has done."""


StartBar = Callable[[str, int], Move]
"""Called with a title and a total; returns what moves the bar on."""


@runtime_checkable
class ShowsTrainings(Protocol):
    """A `StartBar` that also shows how trainings go on."""

    def row(self, name: str, row: Mapping[str, Any]) -> None:
        """Show a row of the log of a training."""


def no_bar(title: str, total: int) -> Move:
    """Show nothing."""

    def move(count: int, *, kept: bool = False) -> None:
        """Do nothing."""

    return move


@dataclass(slots=True)
class Asked:
    """What a source was asked in one part of the journal, and what it said.

    Attributes:
        source: Its name.
        version: Of the source.
        requests: By id, in the order in which they were first asked.
        judgments: What was said last of each request, in the order in which it came.
    """

    source: str
    version: str
    requests: dict[str, JudgmentRequest] = field(default_factory=dict)
    judgments: list[Judgment] = field(default_factory=list)

    def note(self, requests: Sequence[JudgmentRequest], judgments: Sequence[Judgment]) -> None:
        """Keep what was said of some requests, in place of what was said of them before."""
        again = {request.id for request in requests}
        kept = [judgment for judgment in self.judgments if judgment.request_id not in again]
        self.judgments = [*kept, *judgments]
        self.requests |= {request.id: request for request in requests}


@dataclass(frozen=True, slots=True)
class Asking:
    """With what sources are asked.

    Attributes:
        journal: Keeps what is judged and paid for; None keeps nothing.
        seed: Of the sources.
        concurrency: Requests in flight at once for each source.
        budget_usd: Dollars that may be spent, what the journal holds included; None for no limit.
        processes: Workers of the verifiers; one per core by default.
        timeout_s: Seconds for one response, of verifiers that have no limit of their own.
        said: Lines about models that were printed; each step of a run says only new ones.
        asked: Keeps what was asked and said, by the part of the journal.
        recorded: Where it is there, nobody is asked: it returns what was said before.
    """

    journal: Journal | None
    seed: int = 0
    concurrency: int = 32
    budget_usd: float | None = None
    processes: int | None = None
    timeout_s: float = TIMEOUT_S
    said: set[str] = field(default_factory=set, compare=False, repr=False)
    asked: dict[str, Asked] = field(default_factory=dict, compare=False, repr=False)
    recorded: Callable[[str, Sequence[JudgmentRequest]], list[Judgment]] | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[RunContext]:
        """Open the chat client, the workers and the sandbox that sources share, and close them."""
        from harness.chat import Client
        from harness.sandbox import Sandbox
        from harness.sandbox.workers import WorkerPool

        chat = Client(self.journal, budget_usd=self.budget_usd, concurrency=self.concurrency)
        chat.ledger.fitting.say_once(self.said)
        limits = Limits(self.concurrency, self.timeout_s)
        async with chat, WorkerPool(self.processes) as workers:
            with Sandbox(self.processes) as sandbox:
                yield RunContext(chat, workers, sandbox, self.seed, limits)


@contextmanager
def asking_with(
    journal: str | Path | None,
    seed: int = 0,
    concurrency: int = 32,
    budget_usd: float | None = None,
    timeout_s: float = TIMEOUT_S,
) -> Iterator[Asking]:
    """Open a journal for as long as something is asked; None keeps nothing.

    Raises:
        ConfigError: A limit is out of its range.
    """
    if not isinstance(concurrency, int) or concurrency < 1:
        raise ConfigError(f"concurrency must be a whole number of at least 1, got {concurrency!r}")
    if budget_usd is not None and not (
        isinstance(budget_usd, int | float) and 0 <= budget_usd < math.inf
    ):
        raise ConfigError(f"budget must be a number of dollars of at least 0, got {budget_usd!r}")
    checked_timeout(timeout_s)
    with _opened(Path(journal)) if journal else nullcontext() as opened:
        yield Asking(opened, seed, concurrency, budget_usd, timeout_s=timeout_s)


def checked_timeout(seconds: float) -> None:
    """Refuse a limit that is none.

    Raises:
        ConfigError: It is no number above 0.
    """
    if not (isinstance(seconds, int | float) and 0 < seconds < math.inf):
        raise ConfigError(f"timeout must be a number of seconds above 0, got {seconds!r}")


@contextmanager
def _opened(path: Path) -> Iterator[Journal]:
    """Open a journal for this process alone: two that do the same work would pay for it twice."""
    with locked(path.with_name(f"{path.name}.lock"), path), Journal(path) as journal:
        yield journal


def cost_note(source: NamedSource, requests: Sequence[JudgmentRequest], ctx: RunContext) -> str:
    """Return what judging is going to cost; empty where it is free.

    Calls that the journal answers are free. The upper limit holds unless calls are tried again.
    """
    from harness.chat import Client

    if not (isinstance(source.source, Plans) and isinstance(ctx.chat, Client)):
        return ""
    estimate = ctx.chat.estimate(source.source.planned(requests, ctx))
    if estimate.unknown:
        return f"the price of {', '.join(estimate.unknown)} is not known"
    if estimate.at_most_usd == 0:
        return ""
    expected, at_most = estimate.expected_usd, estimate.at_most_usd
    return f"about ${expected:.2f}, at most ${at_most:.2f} for {estimate.calls} calls"


def versions(packages: tuple[str, ...]) -> dict[str, str]:
    """Return the installed versions of packages, for the manifest."""
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for package in packages:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found

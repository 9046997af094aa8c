"""What a run is made of: sources by name, a context for them, and progress."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.experiment.config import RunConfig, SourceConfig
from harness.feedback.contract import FeedbackSource, Limits, RunContext
from harness.nouns.errors import ConfigError
from harness.nouns.hashing import content_hash
from harness.nouns.schema import JudgmentRequest, SourceInfo, Way
from harness.records.journal import Journal
from harness.registry import Origin, registry

StartBar = Callable[[str, int], Callable[[int], None]]
"""Called with a title and a total; returns what moves the bar on."""


def no_bar(title: str, total: int) -> Callable[[int], None]:
    """Show nothing."""
    return lambda count: None


@dataclass(frozen=True, slots=True)
class NamedSource:
    """A source under its name in the experiment."""

    name: str
    config: SourceConfig
    source: FeedbackSource
    origin: Origin

    @property
    def info(self) -> SourceInfo:
        """Who the source is."""
        return self.source.info

    @property
    def way(self) -> Way:
        """How the source judges in this experiment."""
        if self.config.way is not None:
            return self.config.way
        return "pairwise" if "pairwise" in self.info.takes else "pointwise"

    @property
    def scope(self) -> str:
        """Part of the journal that holds its judgments; it moves with the options."""
        return f"{self.name}/{content_hash([self.config.use, self.config.options])[:12]}"


def build_sources(config: RunConfig, config_path: Path) -> dict[str, NamedSource]:
    """Build every source of an experiment; files in options are relative to the experiment file.

    Raises:
        PluginError: A source is unknown or broken, or its options are wrong.
        ConfigError: A source cannot judge the way it is asked to.
    """
    found = registry()
    sources = {}
    for name, entry in config.sources.items():
        factory = found.source(entry.use)
        options = {key: _beside(config_path, value) for key, value in entry.options.items()}
        source = factory.build(options, name)
        named = NamedSource(name, entry, source, found.origins[entry.use])
        if named.way not in source.info.takes:
            raise ConfigError(
                f"source {name} ({entry.use}) cannot judge {named.way}",
                where=f"sources.{name}.way",
                hint=f"it can judge {', '.join(source.info.takes)}",
            )
        sources[name] = named
    return sources


def _beside(config_path: Path, value: Any) -> Any:
    """Return the path of a file that an option names beside the experiment file; else the value.

    A bare word is a name, such as a rubric's, even where a file happens to be called so.
    """
    if isinstance(value, str) and "\0" not in value and len(value) < 256 and set("./") & set(value):
        path = config_path.parent / value
        if value and not Path(value).is_absolute() and path.is_file():
            return str(path)
    return value


@asynccontextmanager
async def open_context(
    journal: Journal | None,
    *,
    seed: int = 0,
    concurrency: int = 32,
    budget_usd: float | None = None,
    processes: int | None = None,
) -> AsyncIterator[RunContext]:
    """Open the chat client, the workers and the sandbox that sources share, and close them."""
    from harness.chat import Client
    from harness.sandbox import Sandbox
    from harness.sandbox.workers import WorkerPool

    limits = Limits(concurrency)
    async with (
        Client(journal, budget_usd=budget_usd, concurrency=concurrency) as chat,
        WorkerPool(processes) as workers,
    ):
        with Sandbox(processes) as sandbox:
            yield RunContext(chat, workers, sandbox, seed, limits)


def cost_note(source: NamedSource, requests: Sequence[JudgmentRequest], ctx: RunContext) -> str:
    """Return what judging is going to cost; empty where it is free.

    Calls that the journal answers are free. The upper limit holds unless calls are tried again.
    """
    from harness.chat import Client

    planned = getattr(source.source, "planned", None)
    if planned is None or not isinstance(ctx.chat, Client):
        return ""
    estimate = ctx.chat.estimate(planned(requests, ctx))
    if estimate.unknown:
        return f"the price of {', '.join(estimate.unknown)} is not known"
    if estimate.at_most_usd == 0:
        return ""
    expected, at_most = estimate.expected_usd, estimate.at_most_usd
    return f"about ${expected:.2f}, at most ${at_most:.2f} for {estimate.calls} calls"


def resolve(config_path: Path, name: str) -> str:
    """Return a path of the experiment file, relative to it where it is one; else a hub id."""
    path = Path(name)
    beside = config_path.parent / path
    return str(path if path.is_absolute() or not beside.exists() else beside)


def versions(packages: tuple[str, ...]) -> dict[str, str]:
    """Return the installed versions of packages, for the manifest."""
    from importlib.metadata import PackageNotFoundError, version

    found: dict[str, Any] = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found

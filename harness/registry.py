"""Finds plugins through entry points, reports the broken ones and refuses duplicates."""

from __future__ import annotations

import difflib
import importlib.metadata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import pluggy

from harness import hookspecs
from harness.errors import PluginError, RubricError
from harness.rubric import Constitution, Rubric, load_rubric

if TYPE_CHECKING:
    from harness.contract import (
        AggregatorFactory,
        AgreementStatistic,
        ReportSection,
        SourceFactory,
    )

GROUP = "harness"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a plugin comes from.

    Args:
        entry_point: Name of the entry point.
        module: What it points to.
        distribution: Name of the installed distribution.
        version: Version of that distribution.
    """

    entry_point: str
    module: str
    distribution: str
    version: str

    def __str__(self) -> str:
        """Return the distribution and the entry point, for messages."""
        return f"{self.distribution} {self.version} ({self.entry_point} = {self.module})"


@dataclass(frozen=True, slots=True)
class BrokenPlugin:
    """A plugin whose import failed; fatal only when an experiment asks for it."""

    origin: Origin
    reason: str


@dataclass(frozen=True, slots=True)
class Registry:
    """Everything that plugins offer, by name."""

    sources: Mapping[str, SourceFactory]
    aggregators: Mapping[str, AggregatorFactory]
    statistics: Mapping[str, AgreementStatistic]
    sections: Sequence[ReportSection]
    origins: Mapping[str, Origin]
    broken: Sequence[BrokenPlugin]
    manager: pluggy.PluginManager

    def source(self, name: str) -> SourceFactory:
        """Return the factory of a source.

        Raises:
            PluginError: There is none of that name, or its plugin could not be loaded.
        """
        if name in self.sources:
            return self.sources[name]
        for plugin in self.broken:
            if plugin.origin.entry_point == name:
                raise PluginError(
                    f"plugin {name} could not be loaded: {plugin.reason}", where=str(plugin.origin)
                )
        raise unknown("source", name, self.sources)

    def aggregator(self, name: str) -> AggregatorFactory:
        """Return an aggregator.

        Raises:
            PluginError: There is none of that name.
        """
        if name not in self.aggregators:
            raise unknown("aggregation", name, self.aggregators)
        return self.aggregators[name]


def unknown(what: str, name: str, known: Mapping[str, Any]) -> PluginError:
    """Return the error for a name that nobody registered, with the nearest known one."""
    near = difflib.get_close_matches(name, known, 1)
    hint = f"did you mean {near[0]}? " if near else ""
    return PluginError(f"unknown {what} {name!r}", hint=f"{hint}known: {', '.join(sorted(known))}")


def load(entry_points: Sequence[importlib.metadata.EntryPoint] | None = None) -> Registry:
    """Load the plugins of all installed distributions.

    Args:
        entry_points: For tests; by default those of the group "harness".

    Raises:
        PluginError: Two plugins have the same entry-point name, or register the same name.
    """
    manager = pluggy.PluginManager("harness")
    manager.add_hookspecs(hookspecs)
    broken: list[BrokenPlugin] = []
    origins: dict[str, Origin] = {}
    if entry_points is None:
        entry_points = sorted(
            importlib.metadata.entry_points(group=GROUP), key=lambda entry: entry.name
        )
    seen: dict[str, Origin] = {}
    for entry in entry_points:
        dist = entry.dist
        origin = Origin(
            entry.name,
            entry.value,
            dist.name if dist else "(unknown)",
            dist.version if dist else "(unknown)",
        )
        if entry.name in seen:
            # The same distribution can be listed twice, once by its source tree's metadata.
            if seen[entry.name] == origin:
                continue
            raise duplicate("plugin", entry.name, seen[entry.name], origin)
        seen[entry.name] = origin
        try:
            manager.register(entry.load(), name=entry.name)
        except Exception as error:  # a plugin's import may raise anything
            broken.append(BrokenPlugin(origin, f"{type(error).__name__}: {error}"))
    return Registry(
        sources=_collect(manager, "harness_feedback_sources", "source", seen, origins),
        aggregators=_collect(manager, "harness_aggregators", "aggregation", seen, {}),
        statistics=_collect(manager, "harness_agreement_statistics", "statistic", seen, {}),
        sections=[s for found in manager.hook.harness_report_sections() for s in found],
        origins=origins,
        broken=tuple(broken),
        manager=manager,
    )


def duplicate(what: str, name: str, first: Origin, second: Origin) -> PluginError:
    """Return the error for a name that two distributions claim."""
    return PluginError(
        f"two plugins register the {what} {name!r}",
        details=[str(first), str(second)],
        hint="uninstall one of the distributions, or rename one",
    )


def _collect(
    manager: pluggy.PluginManager,
    hook: str,
    what: str,
    seen: Mapping[str, Origin],
    origins: dict[str, Origin],
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for implementation in getattr(manager.hook, hook).get_hookimpls():
        origin = seen[implementation.plugin_name]
        for factory in implementation.function():
            if factory.name in found:
                raise duplicate(what, factory.name, origins[factory.name], origin)
            found[factory.name] = factory
            origins[factory.name] = origin
    return found


@cache
def registry() -> Registry:
    """Return the registry of the installed plugins, loaded once."""
    return load()


def find_rubric(name: str) -> Rubric | Constitution:
    """Return a rubric or constitution by the id in its file, or by a path to a YAML file.

    Raises:
        RubricError: There is none of that name, or two, or the file is wrong.
    """
    from pathlib import Path

    if name.endswith((".yaml", ".yml")):
        path = Path(name)
        if not path.is_file():
            raise RubricError("no such rubric file", where=name)
        return load_rubric(path)
    known: dict[str, Rubric | Constitution] = {}
    for folder in (d for dirs in registry().manager.hook.harness_rubric_dirs() for d in dirs):
        for file in sorted(folder.iterdir(), key=lambda entry: str(entry.name)):
            if file.name.endswith((".yaml", ".yml")):
                rubric = load_rubric(file)
                if rubric.id in known:
                    raise RubricError(f"two rubrics have the id {rubric.id!r}", where=str(file))
                known[rubric.id] = rubric
    if name not in known:
        near = difflib.get_close_matches(name, known, 1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise RubricError(
            f"unknown rubric {name!r}",
            hint=f"{hint}known: {', '.join(sorted(known))}; or give a path to a .yaml file",
        )
    return known[name]

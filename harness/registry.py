"""Finds plugins, reports the broken ones and refuses duplicates."""

from __future__ import annotations

import importlib.metadata
import inspect
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources.abc import Traversable
from typing import Any, Literal

import pluggy

from harness import hookspecs
from harness.feedback.contract import SourceFactory
from harness.hookspecs import AggregatorFactory, AgreementStatistic, ReportSection
from harness.nouns.errors import PluginError, RubricError
from harness.nouns.nearest import did_you_mean
from harness.nouns.raised import raised
from harness.nouns.rubric import Constitution, Rubric, load_rubric

GROUP = "harness"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a plugin comes from: an entry point, its module, and the installed distribution."""

    entry_point: str
    module: str
    distribution: str
    version: str

    def __str__(self) -> str:
        """Return the distribution and the entry point, for messages."""
        return f"{self.distribution} {self.version} ({self.entry_point} = {self.module})"


@dataclass(frozen=True, slots=True)
class BrokenPlugin:
    """A plugin whose import or hook failed; fatal only when an experiment asks for it."""

    origin: Origin
    reason: str


@dataclass(frozen=True, slots=True)
class Registry:
    """Everything that plugins offer, by name."""

    sources: Mapping[str, SourceFactory]
    aggregators: Mapping[str, AggregatorFactory]
    statistics: Mapping[str, AgreementStatistic]
    sections: Sequence[ReportSection]
    rubric_dirs: Sequence[Traversable]
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
        raise unknown("source", name, self.sources, self.broken)

    def aggregator(self, name: str) -> AggregatorFactory:
        """Return an aggregator.

        Raises:
            PluginError: There is none of that name.
        """
        if name not in self.aggregators:
            raise unknown("aggregation", name, self.aggregators, self.broken)
        return self.aggregators[name]


def unknown(
    what: str, name: str, known: Mapping[str, Any], broken: Sequence[BrokenPlugin] = ()
) -> PluginError:
    """Return the error for a name that nobody registered, with the nearest known one.

    Broken plugins are named too, since one of them may be what offers it.
    """
    hint = did_you_mean(name, known, after=" ")
    own = "; one of your own has to be installed (docs/plugins.md)" if what == "source" else ""
    return PluginError(
        f"unknown {what} {name!r}",
        details=[f"broken plugin {plugin.origin}: {plugin.reason}" for plugin in broken],
        hint=f"{hint}known: {', '.join(sorted(known))}{own}",
    )


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
            with redirect_stdout(sys.stderr):  # what a plugin prints is none of a command's output
                plugin = entry.load()
            manager.register(plugin, name=entry.name)
        except Exception as error:  # a plugin's import may raise anything
            broken.append(BrokenPlugin(origin, raised(error)))
            continue
        if reason := _misspelt(manager, plugin):
            manager.unregister(plugin)
            broken.append(BrokenPlugin(origin, reason))
    manager.check_pending()

    def offered(hook: str, kind: type[Any]) -> Iterator[tuple[Origin, Any]]:
        """Yield what the plugins return; one that fails is broken and stops no other."""
        for implementation in getattr(manager.hook, hook).get_hookimpls():
            origin = seen[implementation.plugin_name]
            try:
                with redirect_stdout(sys.stderr):
                    found = list(implementation.function())
            except Exception as error:  # a plugin's hook may raise anything, or return None
                broken.append(BrokenPlugin(origin, f"{hook}: {raised(error)}"))
                continue
            for one in found:
                if isinstance(one, kind):
                    yield origin, one
                else:
                    reason = f"{hook}: {one!r} is no {kind.__name__}"
                    broken.append(BrokenPlugin(origin, reason))

    def named(hook: str, kind: type[Any], what: str) -> tuple[dict[str, Any], dict[str, Origin]]:
        found: dict[str, Any] = {}
        origins: dict[str, Origin] = {}
        for origin, factory in offered(hook, kind):
            name = factory.name
            if name in found:
                raise duplicate(what, name, origins[name], origin)
            found[name] = factory
            origins[name] = origin
        return found, origins

    sources, origins = named("harness_feedback_sources", SourceFactory, "source")
    return Registry(
        sources=_described(sources),
        aggregators=named("harness_aggregators", AggregatorFactory, "aggregation")[0],
        statistics=named("harness_agreement_statistics", AgreementStatistic, "statistic")[0],
        sections=[one for _, one in offered("harness_report_sections", ReportSection)],
        rubric_dirs=[one for _, one in offered("harness_rubric_dirs", Traversable)],
        origins=origins,
        broken=tuple(broken),
        manager=manager,
    )


def _described(sources: Mapping[str, SourceFactory]) -> dict[str, SourceFactory]:
    """Return the sources; of several in a module none has the module's words for its own."""
    number = Counter(one.function.__module__ for one in sources.values() if one.function)
    return {
        name: replace(one, summary="")
        if one.function and not inspect.getdoc(one.function) and number[one.function.__module__] > 1
        else one
        for name, one in sources.items()
    }


def _misspelt(manager: pluggy.PluginManager, plugin: Any) -> str:
    """Return what is wrong with the hooks of a plugin, empty where all of them are the harness's.

    ``check_pending`` of pluggy says the same of all plugins at once, and not which was meant.
    """
    known = [name for name in vars(hookspecs) if name.startswith("harness_")]
    callers = manager.get_hookcallers(plugin) or []
    wrong = [caller.name for caller in callers if not caller.has_spec()]
    hints = (f"unknown hook {name!r}{did_you_mean(name, known, '; ')}" for name in sorted(wrong))
    return "; ".join(hints)


def duplicate(what: str, name: str, first: Origin, second: Origin) -> PluginError:
    """Return the error for a name that two distributions claim."""
    return PluginError(
        f"two plugins register the {what} {name!r}",
        details=[str(first), str(second)],
        hint="uninstall one of the distributions, or rename one",
    )


@cache
def registry() -> Registry:
    """Return the registry of the installed plugins, loaded once."""
    return load()


def find_rubric(
    name: str, kind: Literal["rubric", "constitution"] | None = None
) -> Rubric | Constitution:
    """Return a rubric or constitution by the id in its file, or by a path to a YAML file.

    Args:
        name: Id or path.
        kind: What is looked for, for the message where there is none; both where it is None.

    Raises:
        RubricError: There is none of that name, or two, or the file is wrong.
    """
    from pathlib import Path

    if name.endswith((".yaml", ".yml")):
        return load_rubric(Path(name))
    known: dict[str, Rubric | Constitution] = {}
    for folder in registry().rubric_dirs:
        for file in sorted(folder.iterdir(), key=lambda entry: str(entry.name)):
            if file.name.endswith((".yaml", ".yml")):
                rubric = load_rubric(file)
                if rubric.id in known:
                    raise RubricError(f"two rubrics have the id {rubric.id!r}", where=str(file))
                known[rubric.id] = rubric
    if name not in known:
        kinds = {"rubric": Rubric, "constitution": Constitution}
        fit = {k: [n for n, one in known.items() if isinstance(one, kinds[k])] for k in kinds}
        fit = {k: names for k, names in fit.items() if kind in (None, k)}
        hint = did_you_mean(name, [n for names in fit.values() for n in names], after=" ")
        told = "; ".join(f"known {k}s: {', '.join(sorted(names))}" for k, names in fit.items())
        raise RubricError(
            f"unknown {kind or 'rubric or constitution'} {name!r}",
            hint=f"{hint}{told}; or give a path to a .yaml file",
        )
    return known[name]

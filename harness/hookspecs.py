"""Every hook, and what its contract mentions; no hook is called per item."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pluggy

from harness.nouns.errors import HarnessError, PluginError
from harness.nouns.raised import raised

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable
    from pathlib import Path

    import typer

    from harness.feedback.contract import SourceFactory
    from harness.ratings.posterior import Aggregate, Posterior
    from harness.ratings.table import RatingTable
    from harness.statistics.estimate import Estimate

ReportData = Mapping[str, Any]
"""What report.json holds, see docs/reports.md."""


@contextmanager
def _faults_of(what: str, function: Callable[..., Any]) -> Iterator[None]:
    """Make one PluginError of whatever a plugin's function raises; the harness's own errors stay.

    A ValueError of the checks of what it returned says how it is wrong.
    """
    module = getattr(getattr(function, "func", function), "__module__", "")
    try:
        yield
    except HarnessError:
        raise
    except (Exception, SystemExit) as error:  # a plugin may raise anything
        raise PluginError(
            f"the {what} of a plugin failed: {raised(error)}",
            where=str(module or ""),
            hint="it is the plugin that is to be mended, not your file",
        ) from error


@dataclass(frozen=True)
class AggregatorFactory:
    """A way to make one of many labels, and so rewards and preferences of judgments.

    Args:
        name: What experiments write under ``aggregation:``, and commands under ``--method``.
        aggregate: Called with a table of pairs, of scores or of labels, and the weight of each
            source; returns the chance of each category in each row.
        summary: One line for ``harness plugins``.
    """

    name: str
    aggregate: Aggregate
    summary: str = ""

    def checked(self, table: RatingTable, weights: Mapping[str, float]) -> Posterior:
        """Call ``aggregate`` and check what it returns.

        Raises:
            PluginError: It fails, or returns no posterior of the table.
            ScaleError: It cannot take the table; likewise any other error of the harness.
        """
        from harness.ratings.posterior import Posterior

        with _faults_of(f"aggregation {self.name!r}", self.aggregate):
            found = self.aggregate(table, dict(weights))
            if not isinstance(found, Posterior):
                raise TypeError(f"it returned {type(found).__name__}, not a Posterior")
            return found.checked(table)


@dataclass(frozen=True)
class AgreementStatistic:
    """A statistic that a plugin adds to the agreement report.

    Args:
        name: Title of its section in the report; each row has the name of its ``Estimate``.
        compute: Called with a rating table; returns rows of the report.
        summary: One line for ``harness plugins``.
    """

    name: str
    compute: Callable[[RatingTable], Sequence[Estimate]]
    summary: str = ""

    def checked(self, table: RatingTable) -> tuple[Estimate, ...]:
        """Call ``compute`` and check what it returns.

        Raises:
            PluginError: It fails, or returns something else than estimates with finite numbers.
        """
        from harness.statistics.estimate import Estimate

        with _faults_of(f"statistic {self.name!r}", self.compute):
            found: object = self.compute(table)
            if not isinstance(found, Iterable):
                raise TypeError(f"it returned {type(found).__name__}, not a sequence of Estimate")
            rows = tuple(found)
            for row in rows:
                if not isinstance(row, Estimate):
                    raise TypeError(f"it returned a {type(row).__name__} among the estimates")
            return tuple(row.checked() for row in rows)


@dataclass(frozen=True)
class ReportSection:
    """A section that a plugin adds to report.html.

    Args:
        title: Heading.
        render: Called with the report's data; returns Markdown text, which is escaped and styled.
    """

    title: str
    render: Callable[[ReportData], str]

    def checked(self, data: ReportData) -> str:
        """Call ``render`` with a copy of the data, which it may change, and check what it returns.

        Raises:
            PluginError: It fails, or returns no text.
        """
        with _faults_of(f"section {self.title!r}", self.render):
            text: object = self.render(deepcopy(data))
            if not isinstance(text, str):
                raise TypeError(f"it returned {type(text).__name__}, not text")
            return text


hookspec = pluggy.HookspecMarker("harness")
hookimpl = pluggy.HookimplMarker("harness")


@hookspec
def harness_feedback_sources() -> Sequence[SourceFactory]:  # type: ignore[empty-body]
    """Return the judges, verifiers and human sources that this plugin offers."""


@hookspec
def harness_aggregators() -> Sequence[AggregatorFactory]:  # type: ignore[empty-body]
    """Return ways to turn judgments into rewards and preferences."""


@hookspec
def harness_agreement_statistics() -> Sequence[AgreementStatistic]:  # type: ignore[empty-body]
    """Return statistics to add to the agreement report."""


@hookspec
def harness_rubric_dirs() -> Sequence[Traversable]:  # type: ignore[empty-body]
    """Return folders of rubric and constitution files (``*.yaml``)."""


@hookspec
def harness_report_sections() -> Sequence[ReportSection]:  # type: ignore[empty-body]
    """Return sections to add to report.html."""


@hookspec
def harness_commands(app: typer.Typer) -> None:
    """Add commands to the typer application of the ``harness`` command line."""


@hookspec
def harness_run_finished(run: Path) -> None:
    """Called once when ``harness run`` has written its report, with the run directory."""

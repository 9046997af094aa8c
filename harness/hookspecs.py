"""Every hook, and what its contract mentions; no hook is called per item."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable
    from pathlib import Path

    import typer

    from harness.feedback.contract import SourceFactory
    from harness.ratings.posterior import Aggregate
    from harness.ratings.table import RatingTable
    from harness.statistics.estimate import Estimate

ReportData = Mapping[str, Any]
"""What report.json holds, see docs/reports.md."""


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


@dataclass(frozen=True)
class AgreementStatistic:
    """A statistic that a plugin adds to the agreement report.

    Args:
        name: Row name in the report.
        compute: Called with a rating table; returns rows of the report.
        summary: One line for ``harness plugins``.
    """

    name: str
    compute: Callable[[RatingTable], Sequence[Estimate]]
    summary: str = ""


@dataclass(frozen=True)
class ReportSection:
    """A section that a plugin adds to report.html.

    Args:
        title: Heading.
        render: Called with the report's data; returns Markdown text, which is escaped and styled.
    """

    title: str
    render: Callable[[ReportData], str]


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

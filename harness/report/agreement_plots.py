"""The agreement report as plots: which statistics share one, and what it is drawn against."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

from harness.nouns.scale import Level
from harness.report.agreement_tables import in_words
from harness.report.figures import Dot, Scale, dot_plot
from harness.report.wording import Names, number

if TYPE_CHECKING:
    from harness.statistics.estimate import Estimate

MOST_ROWS = 14
"""Rows of one plot; the table has all of them."""

CEILING = "human_ceiling"
MAJORITY = "majority of people"


@dataclass(frozen=True, slots=True)
class Plot:
    """Statistics that share a plot.

    Args:
        statistics: Names, in the order of the rows.
        axis: What the axis measures; the name of the statistic when empty.
        reference: A value with a label, as a dashed line.
        bounded: Whether the axis runs to 1, and from 0 if nothing is below it.
    """

    statistics: tuple[str, ...]
    axis: str = ""
    reference: tuple[float, str] | None = None
    bounded: bool = True


AGREEMENT = (
    Plot(
        ("judge_against_rest", "person_against_rest"),
        "agreement with the majority of the other people",
    ),
    Plot(("cohen_kappa",)),
)
GROUPS = (
    Plot(("cohen_kappa_quadratic",)),
    Plot(tuple(f"krippendorff_alpha_{level}" for level in get_args(Level))),
    Plot(("fleiss_kappa",)),
    Plot(("gwet_ac1",)),
    Plot(("gwet_ac2_linear", "gwet_ac2_quadratic"), "Gwet's AC2"),
    Plot(("icc1", "icc2", "icc3", "icc1k", "icc2k", "icc3k"), "intraclass correlation"),
    Plot(("concordance",)),
)
ORDERS = (
    Plot(
        ("first_pick_rate",), "share of verdicts for the answer that stood first", (0.5, "no bias")
    ),
    Plot(("swap_flip_rate",), "share of verdicts that flip with the order"),
)
BIASES = (
    Plot(
        ("position_coefficient", "length_bias", "self_preference"),
        "log-odds added to the favoured answer",
        (0.0, "no bias"),
        bounded=False,
    ),
)


def panels(rows: Sequence[Estimate], names: Names, plots: Iterable[Plot], prefix: str) -> list[str]:
    """Draw those of the plots for which there are rows.

    ``prefix`` is unique in the page.
    """
    found = []
    for plot in plots:
        chosen = [row for name in plot.statistics for row in rows if row.name == name]
        if chosen:
            place = f"{prefix}-{plot.statistics[0].replace('_', '-')}"
            found.append(_panel(place, plot, _once(chosen)[:MOST_ROWS], names, rows))
    return found


def _once(rows: Sequence[Estimate]) -> list[Estimate]:
    """Return the rows without those of one annotator that say what the row of its source says."""
    sources = {_said(row) for row in rows if " - " not in row.annotators}
    return [row for row in rows if " - " not in row.annotators or _said(row) not in sources]


def _said(row: Estimate) -> tuple[object, ...]:
    return row.name, row.value, row.low, row.high, row.n


def _panel(
    place: str, plot: Plot, chosen: Sequence[Estimate], names: Names, rows: Sequence[Estimate]
) -> str:
    several = len({row.name for row in chosen}) > 1 and "person_against_rest" not in plot.statistics
    dots = [
        Dot(
            _who(row, names) + (f": {_short(row.name)}" if several else ""),
            row.value,
            row.low,
            row.high,
            0 if row.name == "person_against_rest" else 1,
            note=row.reason if row.status == "ok" else row.status.replace("_", " "),
        )
        for row in chosen
    ]
    axis = names.prose(plot.axis or in_words(chosen[0].name))
    if any(
        row.annotators.endswith(f" - {MAJORITY}") and row.name in plot.statistics for row in rows
    ):
        axis = names.prose(f"{axis} with the {MAJORITY}")
    lowest = min([0.0, *(dot.low for dot in dots if dot.low is not None)])
    bounds = (lowest, 1.0) if plot.bounded else None
    band = None
    ceiling = next((row for row in rows if row.name == CEILING), None)
    if "person_against_rest" in plot.statistics and ceiling and ceiling.value is not None:
        low = ceiling.value if ceiling.low is None else ceiling.low
        high = ceiling.value if ceiling.high is None else ceiling.high
        band = (low, high, f"ceiling of {names.people}: {number(ceiling.value)}")
    return dot_plot(place, axis, dots, Scale(axis, bounds, plot.reference, band))


def _who(row: Estimate, names: Names) -> str:
    """Return whom a row is about, without what its axis says already."""
    return names.short(row.annotators.partition(" against ")[0].removesuffix(f" - {MAJORITY}"))


def _short(statistic: str) -> str:
    words = in_words(statistic)
    return words.partition(", ")[2] or words

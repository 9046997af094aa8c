"""The over-optimisation curve: what was optimised and held-out gold, against how far it went."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from harness.report.strips import Strip, stacked
from harness.report.wording import number

FEWEST = 3
"""Looks that make a curve."""

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Look:
    """A training at one step.

    Args:
        step: Number of the step.
        distance: Square root of the KL divergence from base, in nats per response (Gao et al.
            2023); what sampling makes negative counts as 0.
        values: By metric; None where it was not logged.
        error: Standard error of the gold reward, over prompts.
    """

    step: int
    distance: float
    values: Mapping[str, float | None]
    error: float | None = None


def looks(rows: Rows, metrics: Sequence[str]) -> list[Look]:
    """Return the looks of a training at which its KL divergence is known."""
    return [
        Look(
            row["step"],
            math.sqrt(max(0.0, row["held_out/kl_sequence"])),
            {key: row.get(key) for key in metrics},
            row.get("gold_se"),
        )
        for row in rows
        if row.get("held_out/kl_sequence") is not None
    ]


def is_curve(seeds: Mapping[str, Rows]) -> bool:
    """Tell whether a training has enough looks with a gold reward."""
    return any(
        sum(look.values["gold"] is not None for look in looks(rows, ["gold"])) >= FEWEST
        for rows in seeds.values()
    )


def overoptimisation(
    name: str,
    title: str,
    seeds: Mapping[str, Rows],
    metrics: Sequence[tuple[str, str]],
    series: int,
    ranges: Mapping[str, tuple[float, float]],
) -> str:
    """Draw one arm's metrics above each other over the square root of KL.

    Thin: a seed, from look to look; thick: the mean over seeds of the looks at each step.

    Args:
        name: Unique in the page.
        title: Of the panel.
        seeds: Logged rows by seed.
        metrics: (key, label) from top to bottom; intervals are drawn for ``gold``.
        series: Colour.
        ranges: The axis of a metric where arms share it.
    """
    keys, shown = [key for key, _ in metrics], []
    lines = [looks(rows, keys) for rows in seeds.values()]
    for key, label in metrics:
        known = [[(x, y) for x in line if (y := x.values[key]) is not None] for line in lines]
        mean = _mean(known)
        said = ""
        if mean:
            (_, first), (far, last) = mean[0], mean[-1]
            said = f"{label} from {number(first)} to {number(last)} at {number(far)}"
        errors = [
            (look.distance, value, 1.96 * look.error)
            for line in known
            for look, value in line
            if key == "gold" and look.error is not None
        ]
        points = [[(look.distance, value) for look, value in line] for line in known]
        shown.append(Strip(label, points, mean, ranges.get(key), errors, True, said))
    furthest = max((look.distance for line in lines for look in line), default=1.0)
    return stacked(name, title, shown, furthest or 1.0, "√KL from base, nats", series)


def _mean(lines: Sequence[Sequence[tuple[Look, float]]]) -> list[tuple[float, float]]:
    """Return the mean distance and value at each step that a seed was looked at."""
    by_step: dict[int, list[tuple[float, float]]] = {}
    for line in lines:
        for look, value in line:
            by_step.setdefault(look.step, []).append((look.distance, value))
    return [
        (fmean(x for x, _ in found), fmean(y for _, y in found))
        for _, found in sorted(by_step.items())
    ]

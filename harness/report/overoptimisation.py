"""The over-optimisation curve: what was optimised and held-out gold, against how far it went."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from harness.report.figures import frame
from harness.report.svg import SERIES, Axis, Canvas, padded
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
    width, strip, left, right = 340.0, 104.0, 44.0, 296.0
    canvas = Canvas(width, 26 + (strip + 22) * len(metrics) + 20)
    canvas.text(2, 15, title, "t strong")
    keys = [key for key, _ in metrics]
    lines = [looks(rows, keys) for rows in seeds.values()]
    furthest = max((look.distance for line in lines for look in line), default=1.0)
    across = Axis(0, furthest or 1.0, left, right, 4)
    words = []
    for index, (key, label) in enumerate(metrics):
        top = 44 + (strip + 22) * index
        bottom = top + strip - 14
        canvas.text(2, top - 7, label, "t small muted")
        known = [[(x, y) for x in line if (y := x.values[key]) is not None] for line in lines]
        values = [value for line in known for _, value in line]
        if not values:
            middle = (left + right) / 2, (top + bottom) / 2
            canvas.text(*middle, "not logged", "t small muted", "middle")
            continue
        up = Axis(*(ranges.get(key) or padded(values)), bottom, top, 3)
        frame(canvas, across, up, ticks_below=index == len(metrics) - 1)
        style = f"s{series % SERIES}"
        for line in known:
            canvas.path([(across(x.distance), up(y)) for x, y in line], f"curve thin {style}")
            for look, value in line:
                if key == "gold" and look.error is not None:
                    half = 1.96 * look.error
                    ends = (up(min(up.high, max(up.low, value + d))) for d in (half, -half))
                    place = across(look.distance)
                    canvas.line(place, next(ends), place, next(ends), f"bar thin {style}")
                canvas.dot(across(look.distance), up(value), f"seed {style}")
        mean = _mean(known)
        canvas.path([(across(x), up(y)) for x, y in mean], f"curve {style}")
        (_, first), (far, last) = mean[0], mean[-1]
        words.append(f"{label} from {number(first)} to {number(last)} at {number(far)}")
        canvas.text(right + 6, up(last) + 4, number(last), "t strong small num")
    canvas.text(right, canvas.height - 3, "√KL from base, nats", "t small muted", "end")
    return canvas.render(name, title, "; ".join(words) or "nothing was logged")


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

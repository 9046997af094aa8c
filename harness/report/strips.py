"""Lines over steps or KL: one metric of all arms, or one arm's above each other.

Seeds are thin, their mean is thick.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.report.figures import frame
from harness.report.svg import PHONE, SERIES, Axis, Canvas, padded, spread
from harness.report.wording import number

WIDTH, HEIGHT, GAP, LEFT, RIGHT = PHONE, 90.0, 36.0, 44.0, 276.0
"""Units of a panel, of a strip, between two, and where a strip begins and ends."""

Line = Sequence[tuple[float, float]]


Steps = Sequence[Mapping[str, Any]]


def line_of(rows: Steps, key: str) -> list[tuple[float, float]]:
    """Return (step, value) of what was logged under a key."""
    return [(row["step"], row[key]) for row in rows if row.get(key) is not None]


def mean_line(seeds: Sequence[Sequence[tuple[float, float]]]) -> list[tuple[float, float]]:
    """Return the mean over seeds at the steps that all of them logged."""
    by_step = [dict(line) for line in seeds if line]
    if not by_step:
        return []
    shared = sorted(set.intersection(*(set(line) for line in by_step)))
    return [(step, sum(line[step] for line in by_step) / len(by_step)) for step in shared]


@dataclass(frozen=True, slots=True)
class Strip:
    """One metric.

    Args:
        label: Above it.
        lines: Points of each seed.
        mean: Points of the mean; its last value is written beside it.
        bounds: Ends of its axis; from the points when None.
        errors: Place, value and half an interval; drawn only where there is something.
        dotted: Whether each point of a seed has a dot.
        said: What a reader who does not see it is told.
    """

    label: str
    lines: Sequence[Line]
    mean: Line
    bounds: tuple[float, float] | None = None
    errors: Sequence[tuple[float, float, float]] = field(default=())
    dotted: bool = False
    said: str = ""


def stacked(
    name: str, title: str, shown: Sequence[Strip], last: float, below: str, series: int
) -> str:
    """Draw strips from top to bottom over an axis from 0 to ``last``, with its label ``below``.

    ``name`` is unique in the page.
    """
    canvas, style = Canvas(WIDTH, 42 + (HEIGHT + GAP) * len(shown)), f"s{series % SERIES}"
    canvas.text(2, 15, title, "t strong")
    across = Axis(0, last, LEFT, RIGHT, 4)
    for index, strip in enumerate(shown):
        top = 44 + (HEIGHT + GAP) * index
        bottom = top + HEIGHT
        canvas.text(2, top - 7, strip.label, "t small muted")
        values = [value for line in strip.lines for _, value in line]
        if not values:
            middle = (LEFT + RIGHT) / 2, (top + bottom) / 2
            canvas.text(*middle, "not logged", "t small muted", "middle")
            continue
        up = Axis(*(strip.bounds or padded(values)), bottom, top, 3)
        frame(canvas, across, up, ticks_below=index == len(shown) - 1)
        for line in strip.lines:
            canvas.path([(across(x), up(y)) for x, y in line], f"curve thin {style}")
        for x, y, half in strip.errors:
            low, high = (up(min(up.high, max(up.low, y + d))) for d in (-half, half))
            canvas.line(across(x), high, across(x), low, f"bar thin {style}")
        for x, y in (point for line in strip.lines for point in line if strip.dotted):
            canvas.dot(across(x), up(y), f"seed {style}")
        canvas.path([(across(x), up(y)) for x, y in strip.mean], f"curve {style}")
        if strip.mean:
            end = strip.mean[-1][1]
            canvas.text(RIGHT + 6, up(end) + 4, number(end), "t strong small num")
    canvas.text(RIGHT, canvas.height - 3, below, "t small muted", "end")
    words = [strip.said for strip in shown if strip.said]
    return canvas.render(name, title, "; ".join(words) or "nothing was logged")


def strips(
    name: str,
    title: str,
    seeds: Mapping[str, Steps],
    metrics: Sequence[tuple[str, str]],
    series: int,
    ranges: Mapping[str, tuple[float, float]],
) -> str:
    """Draw one arm's metrics over its steps.

    Args:
        name: Unique in the page.
        title: Of the panel.
        seeds: Logged rows by seed.
        metrics: (key, label) from top to bottom.
        series: Colour.
        ranges: The axis of a metric where arms share it.
    """
    shown = []
    for key, label in metrics:
        lines = [line_of(rows, key) for rows in seeds.values()]
        mean = mean_line(lines)
        said = f"{label} from {number(mean[0][1])} to {number(mean[-1][1])}" if mean else ""
        shown.append(Strip(label, lines, mean, ranges.get(key), said=said))
    last = max((row["step"] for rows in seeds.values() for row in rows), default=1)
    return stacked(name, title, shown, last, "step", series)


def curves(
    name: str, title: str, arms: Mapping[str, tuple[int, Sequence[Steps]]], key: str, y_label: str
) -> str:
    """Draw one metric of all arms over steps, each line labelled at its end."""
    width, height, left, top = PHONE, 230.0, 44.0, 26.0
    widest = max((len(arm) for arm in arms), default=4)
    right, bottom = width - 16 - 7.5 * min(widest, 16), height - 44
    canvas = Canvas(width, height)
    lines = {arm: [line_of(rows, key) for rows in seeds] for arm, (_, seeds) in arms.items()}
    values = [value for seeds in lines.values() for line in seeds for _, value in line]
    last = max((step for seeds in lines.values() for line in seeds for step, _ in line), default=1)
    across = Axis(0, last, left, right, 5)
    up = Axis(*padded([*values, 0.0]), bottom, top, 4)
    frame(canvas, across, up, ticks_below=True)
    canvas.text(2, 14, y_label, "t small muted")
    canvas.text(right, height - 8, "step", "t small muted", "end")
    ends: list[tuple[str, int, float, float]] = []
    described = []
    for arm, (series, _) in arms.items():
        mean = mean_line(lines[arm])
        _lines(canvas, across, up, lines[arm], mean, series)
        if mean:
            ends.append((arm, series, across(mean[-1][0]), up(mean[-1][1])))
            described.append(f"{arm} ends at {number(mean[-1][1])}")
    places = spread([y for *_, y in ends], 16, top + 4, bottom)
    for (arm, series, x, y), place in zip(ends, places, strict=True):
        canvas.marker(x, y, series, 4)
        canvas.text(right + 10, place + 4, arm, "t strong")
        if abs(place - y) > 3 or x < right - 10:
            canvas.line(x + 5, y, right + 7, place, "leader")
    return canvas.render(name, title, "; ".join(described))


def _lines(
    canvas: Canvas,
    across: Axis,
    up: Axis,
    lines: Sequence[Sequence[tuple[float, float]]],
    mean: Sequence[tuple[float, float]],
    series: int,
) -> None:
    style = f"s{series % SERIES}"
    for line in lines:
        canvas.path([(across(x), up(y)) for x, y in line], f"curve thin {style}")
    canvas.path([(across(x), up(y)) for x, y in mean], f"curve {style}")

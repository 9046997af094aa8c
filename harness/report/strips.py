"""One arm's metrics above each other over the same axis: seeds thin, their mean thick."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.report.figures import Steps, frame, line_of, mean_line
from harness.report.svg import SERIES, Axis, Canvas, padded
from harness.report.wording import number

WIDTH, HEIGHT, GAP, LEFT, RIGHT = 340.0, 90.0, 36.0, 44.0, 296.0
"""Units of a panel, of a strip, between two, and where a strip begins and ends."""

Line = Sequence[tuple[float, float]]


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

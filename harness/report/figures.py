"""The plots: each function takes plain numbers and returns SVG panels."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.report.svg import PHONE, SERIES, Axis, Canvas, breadth, padded, spread, wrapped
from harness.report.tables import interval, shown
from harness.report.wording import number, seconds

if TYPE_CHECKING:
    from harness.agreement.calibration import Bin

ROW, TALL = 34, 46
"""Heights of a row whose label stands beside it, and of one whose label stands above it."""

BESIDE = 9
"""Letters of a label that may stand beside its row; a longer one stands above it."""

TICK = "t small num axis"
"""Style of a tick's label: a mark on a ruler, and no number of the run."""


@dataclass(frozen=True, slots=True)
class Dot:
    """One row of a dot plot."""

    label: str
    value: float | None
    low: float | None = None
    high: float | None = None
    series: int = 0
    small: Sequence[float] = field(default=())
    note: str = ""

    @property
    def interval(self) -> str:
        """The interval in words, empty where there is none."""
        return shown((self.low, self.high), "score")


@dataclass(frozen=True, slots=True)
class Scale:
    """What a dot plot is drawn against.

    Args:
        label: What its axis measures.
        bounds: Ends of the axis; from the data when None.
        reference: A value with a label, as a dashed line through all rows.
        band: A range with a label, shaded behind all rows, such as the human ceiling.
    """

    label: str = ""
    bounds: tuple[float, float] | None = None
    reference: tuple[float, str] | None = None
    band: tuple[float, float, str] | None = None


def dot_plot(name: str, title: str, dots: Sequence[Dot], scale: Scale) -> str:
    """Draw values with intervals, one per row, the number written beside it.

    ``name`` is unique in the page; the dots stand from top to bottom.
    """
    reference, band = scale.reference, scale.band
    rows = _Rows([dot.label for dot in dots])
    left, width, top = rows.left, PHONE, 34.0 if band or reference else 12.0
    widest = max((breadth(dot.interval, "t small num") for dot in dots), default=0)
    bottom, end = top + rows.height * len(dots), PHONE - 16 - max(78, widest)
    below = wrapped(scale.label, width, "t small")
    canvas = Canvas(width, bottom + 24 + 16 * len(below))
    known = [x for d in dots for x in (d.value, d.low, d.high, *d.small) if x is not None]
    if band:
        known += band[:2]
    axis = Axis(*(scale.bounds or padded(known or [0.0, 1.0])), left, end)
    if band:
        start, stop = axis(max(axis.low, band[0])), axis(min(axis.high, band[1]))
        canvas.rect(start, top - 6, max(1.5, stop - start), bottom - top + 6, "band")
        half = 3.2 * len(band[2])
        middle = min(max((start + stop) / 2, half), width - half)
        canvas.text(middle, top - 14, band[2], "t small", "middle")
    for tick in axis.ticks:
        canvas.line(axis(tick), top, axis(tick), bottom, "grid")
        canvas.text(axis(tick), bottom + 16, axis.label(tick), TICK, "middle")
    if axis.low < 0 < axis.high:
        canvas.line(axis(0), top, axis(0), bottom, "zero")
    if reference:
        place = axis(min(axis.high, max(axis.low, reference[0])))
        canvas.line(place, top - 6, place, bottom, "dash")
        if not band:
            canvas.text(place, top - 12, reference[1], "t small", "middle")
    for index, dot in enumerate(dots):
        y = rows.label(canvas, top, index, dot.label)
        if dot.value is None:
            canvas.text(left + 4, y + 4.5, dot.note or "no number", "t small muted")
            continue
        series = f"s{dot.series % SERIES}"
        if dot.low is not None and dot.high is not None:
            low, high = max(axis.low, dot.low), min(axis.high, dot.high)
            canvas.line(axis(low), y, axis(high), y, f"bar {series}")
        for value in dot.small:
            canvas.dot(axis(value), y + 9, f"seed {series}")
        tip = f"{dot.label}: {number(dot.value)} ({dot.interval or 'no interval'})"
        canvas.marker(axis(min(axis.high, max(axis.low, dot.value))), y, dot.series, label=tip)
        canvas.text(end + 12, y + 0.5, number(dot.value), "t strong num")
        canvas.text(end + 12, y + 13.5, dot.interval, "t small num muted")
    for index, line in enumerate(below):
        canvas.text((left + end) / 2, bottom + 34 + 16 * index, line, "t small", "middle")
    description = "; ".join(
        f"{d.label} {number(d.value)}" + (f" ({d.interval})" if d.interval else "") for d in dots
    )
    return canvas.render(name, title, description)


class _Rows:
    """Where the rows of a plot and their labels stand, so that it fits a phone.

    Args:
        labels: Of all rows.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        widest = max((len(label) for label in labels), default=4)
        self.beside = widest <= BESIDE
        self.left = 16 + 7.0 * widest if self.beside else 16.0
        self.height = ROW if self.beside else TALL

    def label(self, canvas: Canvas, top: float, index: int, label: str) -> float:
        """Write the label of a row, and return the height at which its marks stand."""
        if self.beside:
            y = top + self.height * (index + 0.5)
            canvas.text(self.left - 10, y + 4.5, label, "t", "end")
            return y
        y = top + self.height * index + 13
        canvas.text(2, y, label, "t small halo")
        return y + 16


@dataclass(frozen=True, slots=True)
class Gain:
    """One arm's difference to base: a mapping of ``value``, ``low`` and ``high``."""

    label: str
    difference: Mapping[str, Any]
    series: int


GAIN_ROW = 21
"""Height of a row of gains: four arms and two criteria fit the first screen of a phone."""


def gains(name: str, title: str, groups: Sequence[tuple[str, Sequence[Gain]]]) -> str:
    """Draw differences to base in points, criterion by criterion, on one axis.

    Args:
        name: Unique in the page.
        title: For screen readers.
        groups: A criterion with the differences of all arms.
    """
    rows = [gain for _, group in groups for gain in group]
    left = min(110.0, 14 + 7.0 * max(len(gain.label) for gain in rows))
    width, bottom = 340.0, sum(24.0 + GAIN_ROW * len(group) for _, group in groups)
    canvas = Canvas(width, bottom + 22)
    ends = [x for gain in rows for key in ("value", "low", "high")
            if (x := gain.difference.get(key)) is not None]  # fmt: skip
    axis = Axis(*padded([100 * x for x in [*ends, 0.0]]), left, width - 120, 3)
    for tick in axis.ticks:
        canvas.line(axis(tick), 20, axis(tick), bottom, "grid")
        canvas.text(axis(tick), bottom + 16, axis.label(tick), "t num axis", "middle")
    canvas.line(axis(0), 20, axis(0), bottom, "zero")
    y = 0.0
    for criterion, group in groups:
        canvas.text(0, y + 15, criterion, "t strong")
        y += 24
        for gain in group:
            middle, found = y + GAIN_ROW / 2, gain.difference
            canvas.text(left - 8, middle + 4.5, _cut(gain.label), "t", "end")
            y += GAIN_ROW
            if found.get("value") is None:
                canvas.text(left + 4, middle + 4.5, "not known", "t muted")
                continue
            style, told = f"s{gain.series % SERIES}", interval(found, "hundredths")
            if found.get("low") is not None:
                start, end = (axis(100 * found[key]) for key in ("low", "high"))
                canvas.line(start, middle, end, middle, f"bar {style}")
            value = shown(found["value"], "points")
            canvas.marker(axis(100 * found["value"]), middle, gain.series, 4.5, _told(gain))
            canvas.text(width - 112, middle + 4.5, value, "t strong num")
            canvas.text(width - 78, middle + 4.5, told, "t num muted")
    words = "; ".join(f"{criterion}: {', '.join(map(_told, group))}" for criterion, group in groups)
    return canvas.render(name, title, words)


def _told(gain: Gain) -> str:
    """Return a gain in words."""
    if gain.difference.get("value") is None:
        return f"{gain.label} not known"
    ends = interval(gain.difference, "hundredths")
    value = shown(gain.difference["value"], "points")
    return f"{gain.label} {value} points" + (f" ({ends})" if ends else "")


def _cut(label: str, most: int = 13) -> str:
    return label if len(label) <= most else f"{label[: most - 1]}…"


@dataclass(frozen=True, slots=True)
class Point:
    """A policy in the plane of two evaluators; each side is (value, low, high)."""

    label: str
    x: tuple[float, float | None, float | None]
    y: tuple[float, float | None, float | None]
    series: int = 0


def plane(
    name: str,
    title: str,
    points: Sequence[Point],
    x_label: str,
    y_label: str,
    base: str,
    below: str = "",
) -> str:
    """Draw policies in the plane of two scores, with an arrow from base to each of the others.

    ``below`` is a line of words under it.
    """
    width, height = PHONE, 310.0
    left, right, top, bottom = 56.0, width - 16, 14.0, height - 50
    lines = textwrap.wrap(below, 44)
    canvas = Canvas(width, height + 18 * len(lines))
    for index, line in enumerate(lines):
        canvas.text(width / 2, height + 8 + 18 * index, line, "t", "middle")
    across = Axis(*_square([v for p in points for v in p.x]), left, right, 5)
    up = Axis(*_square([v for p in points for v in p.y]), bottom, top, 5)
    frame(canvas, across, up, ticks_below=True, upright=True)
    canvas.text((left + right) / 2, height - 12, f"{x_label} →", "t", "middle")
    canvas.turned_text(14, (top + bottom) / 2, f"{y_label} →")
    places = {p.label: (across(p.x[0]), up(p.y[0])) for p in points}
    for point in points:
        x, y = places[point.label]
        style = f"bar thin s{point.series % SERIES}"
        if point.x[1] is not None and point.x[2] is not None:
            canvas.line(across(point.x[1]), y, across(point.x[2]), y, style)
        if point.y[1] is not None and point.y[2] is not None:
            canvas.line(x, up(point.y[1]), x, up(point.y[2]), style)
    if base in places:
        for point in points:
            if point.label != base:
                canvas.arrow(places[base], places[point.label], point.series)
    labels = spread([places[p.label][1] - 9 for p in points], 15, top + 10, bottom - 4)
    for point, label_y in zip(points, labels, strict=True):
        x, y = places[point.label]
        tip = f"{point.label}: {x_label} {number(point.x[0])}, {y_label} {number(point.y[0])}"
        canvas.marker(x, y, point.series, 6, tip)
        at_end = x > right - 9 * len(point.label) - 12
        beside, anchor = (x - 10, "end") if at_end else (x + 10, "start")
        canvas.text(beside, label_y, point.label, "t strong halo", anchor)
    description = "; ".join(
        f"{p.label} {x_label} {number(p.x[0])}, {y_label} {number(p.y[0])}" for p in points
    )
    return canvas.render(name, title, f"{description}. {below}" if below else description)


def _square(values: Sequence[float | None]) -> tuple[float, float]:
    """Return the whole unit range, so that planes of several runs can be compared by eye."""
    known = [value for value in values if value is not None]
    return min([0.0, *known]), max([1.0, *known])


def reliability_diagram(name: str, annotator: str, bins: Sequence[Bin]) -> str:
    """Draw stated probability against observed frequency."""
    width, height = PHONE, 310.0
    left, right, top, bottom = 52.0, width - 16, 26.0, height - 48
    canvas = Canvas(width, height)
    across, up = Axis(0, 1, left, right, 5), Axis(0, 1, bottom, top, 5)
    frame(canvas, across, up, ticks_below=True, upright=True)
    canvas.line(across(0), up(0), across(1), up(1), "dash")
    canvas.text((left + right) / 2, 14, annotator, "t", "middle")
    canvas.text((left + right) / 2, height - 10, "stated probability", "t small", "middle")
    canvas.turned_text(14, (top + bottom) / 2, "share that was right", "t small")
    for b in bins:
        x = across(b.stated)
        canvas.line(x, up(b.low), x, up(b.high), "bar thin s0")
        tip = f"stated {number(b.stated)}, right {number(b.observed)}, n = {b.n}"
        canvas.marker(x, up(b.observed), 0, 5, tip)
    words = "; ".join(f"{number(b.stated)}: {number(b.observed)} of {b.n}" for b in bins)
    return canvas.render(name, f"Reliability of {annotator}", words)


def frame(
    canvas: Canvas, across: Axis, up: Axis, *, ticks_below: bool, upright: bool = False
) -> None:
    """Draw the grid of a plot and the labels of its ticks."""
    for tick in across.ticks if upright else ():
        canvas.line(across(tick), up.end, across(tick), up.start, "grid")
    for tick in up.ticks:
        canvas.line(across.start, up(tick), across.end, up(tick), "grid")
        canvas.text(across.start - 6, up(tick) + 4, up.label(tick), TICK, "end")
    if ticks_below:
        for tick in across.ticks:
            canvas.text(across(tick), up.start + 15, across.label(tick), TICK, "middle")


@dataclass(frozen=True, slots=True)
class Bar:
    """One horizontal bar: parts of it in order, each (value, style), and what is written beside."""

    label: str
    parts: Sequence[tuple[float, str]]
    text: str
    small: Sequence[float] = field(default=())


def bars(name: str, title: str, rows: Sequence[Bar], axis_label: str = "") -> str:
    """Draw horizontal bars from zero, the number written beside each."""
    placed, top, width = _Rows([bar.label for bar in rows]), 8.0, PHONE
    left, bottom = placed.left, top + placed.height * len(rows)
    end = width - 12 - max((breadth(bar.text) for bar in rows), default=28)
    canvas = Canvas(width, bottom + (24 if axis_label else 6))
    longest = max((max([sum(v for v, _ in b.parts), *b.small]) for b in rows), default=1) or 1
    axis = Axis(0, longest, left, end)
    for index, bar in enumerate(rows):
        y = placed.label(canvas, top, index, bar.label)
        start = 0.0
        for value, style in bar.parts:
            canvas.rect(axis(start), y - 8, axis(start + value) - axis(start), 16, style)
            start += value
        for value in bar.small:
            canvas.line(axis(value), y - 11, axis(value), y + 11, "tick")
        canvas.text(end + 10, y + 4.5, bar.text, "t num")
    canvas.line(left, top, left, bottom, "zero")
    if axis_label:
        canvas.text(left, bottom + 18, axis_label, "t small muted")
    return canvas.render(name, title, "; ".join(f"{bar.label} {bar.text}" for bar in rows))


def time_bars(name: str, arms: Sequence[tuple[str, int, Sequence[float]]]) -> str:
    """Draw the mean training time of each arm, seeds as ticks."""
    rows = [
        Bar(
            arm,
            [(sum(each) / len(each), f"fill s{series % SERIES}")],
            seconds(sum(each) / len(each)),
            each if len(each) > 1 else (),
        )
        for arm, series, each in arms
        if each
    ]
    return bars(name, "Training time per arm, mean over seeds", rows, "from 0; ticks are seeds")

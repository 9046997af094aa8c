"""A small SVG canvas whose colours are CSS variables of the page, so dark mode needs no script.

Panels are narrow and laid out by the page: one of at most PHONE units fits a phone, a wider one is
scrolled there. The output depends on nothing but the data.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from html import escape, unescape

PHONE = 320.0
"""Units that a phone shows without scrolling, one for each of its pixels."""

SERIES = 8
"""Colours of the palette; the shapes of markers tell more series apart, and without colour."""

_SHAPES: Mapping[str, Sequence[tuple[float, float]]] = {
    "circle": (),
    "square": [(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
    "diamond": [(0, -1.25), (1.25, 0), (0, 1.25), (-1.25, 0)],
    "up": [(0, -1.2), (1.15, 0.9), (-1.15, 0.9)],
    "down": [(0, 1.2), (1.15, -0.9), (-1.15, -0.9)],
    "plus": [
        *((-0.4, -1.2), (0.4, -1.2), (0.4, -0.4), (1.2, -0.4), (1.2, 0.4), (0.4, 0.4)),
        *((0.4, 1.2), (-0.4, 1.2), (-0.4, 0.4), (-1.2, 0.4), (-1.2, -0.4), (-0.4, -0.4)),
    ],
    "cross": [
        *((-1.1, -0.6), (-0.6, -1.1), (0, -0.5), (0.6, -1.1), (1.1, -0.6), (0.5, 0)),
        *((1.1, 0.6), (0.6, 1.1), (0, 0.5), (-0.6, 1.1), (-1.1, 0.6), (-0.5, 0)),
    ],
    "hexagon": [*((-1.1, 0), (-0.55, -0.95), (0.55, -0.95), (1.1, 0), (0.55, 0.95), (-0.55, 0.95))],
}
"""Corners of each marker around its middle; a circle has none."""


_NARROW = frozenset(" .,:;'|!()[]ijlftrI/-·")
_WIDE = frozenset("mwMWACDGHKNOQRU%@…<>=+\N{MINUS SIGN}→")


def breadth(text: str, style: str = "t") -> float:
    """Return about how many units a text is wide, rather too many than too few."""
    ems = sum(0.37 if one in _NARROW else 0.84 if one in _WIDE else 0.63 for one in text)
    classes = style.split()
    return ems * (12 if "small" in classes else 13) * (1.1 if "strong" in classes else 1)


def fitting(text: str, room: float, style: str = "t") -> str:
    """Return a text on one line, its end cut off where there is no room for it."""
    flat = " ".join(text.split())
    if breadth(flat, style) <= room:
        return flat
    while flat and breadth(f"{flat}…", style) > room:
        flat = flat[:-1]
    return f"{flat.rstrip()}…"


def wrapped(text: str, room: float, style: str = "t", most: int = 2) -> list[str]:
    """Return a text in lines of whole words, the last one cut where there is no room for it."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and (breadth(longer, style) <= room or len(lines) == most):
            lines[-1] = longer
        else:
            lines.append(word)
    return [fitting(line, room, style) for line in lines]


def _n(value: float) -> str:
    text = f"{value:.1f}"
    return text[:-2] if text.endswith(".0") else text


class Canvas:
    """Collects shapes and renders one accessible SVG."""

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self._parts: list[str] = []

    def line(self, x1: float, y1: float, x2: float, y2: float, style: str) -> None:
        """Add a straight line; ``style`` is a space-separated list of classes."""
        self._parts.append(
            f'<line class="{style}" x1="{_n(x1)}" y1="{_n(y1)}" x2="{_n(x2)}" y2="{_n(y2)}"/>'
        )

    def path(self, points: Sequence[tuple[float, float]], style: str) -> None:
        """Add an open line through points."""
        if len(points) > 1:
            way = "L".join(f"{_n(x)} {_n(y)}" for x, y in points)
            self._parts.append(f'<path class="{style}" d="M{way}"/>')

    def rect(self, x: float, y: float, width: float, height: float, style: str) -> None:
        """Add a rectangle."""
        self._parts.append(
            f'<rect class="{style}" x="{_n(x)}" y="{_n(y)}" width="{_n(max(0, width))}"'
            f' height="{_n(max(0, height))}"/>'
        )

    def text(self, x: float, y: float, text: str, style: str = "t", anchor: str = "start") -> None:
        """Add text; ``anchor`` is start, middle or end.

        It stays on the canvas: words are cut, numbers and what is centred move inwards.
        """
        rooms = {"start": self.width - x, "middle": self.width, "end": x}
        if "num" not in style.split():
            text = fitting(text, rooms[anchor], style)
        wide = min(self.width, breadth(text, style))
        before = {"start": 0.0, "middle": wide / 2, "end": wide}[anchor]
        x = min(max(x, before), self.width - wide + before)
        place = "" if anchor == "start" else f' text-anchor="{anchor}"'
        self._parts.append(
            f'<text class="{style}" x="{_n(x)}" y="{_n(y)}"{place}>{escape(text)}</text>'
        )

    def turned_text(self, x: float, y: float, text: str, style: str = "t") -> None:
        """Add text that reads upwards, centred at a point, cut where there is no room for it."""
        text = fitting(text, 2 * min(y, self.height - y), style)
        self._parts.append(
            f'<text class="{style}" text-anchor="middle" transform="translate({_n(x)} {_n(y)})'
            f' rotate(-90)">{escape(text)}</text>'
        )

    def marker(self, x: float, y: float, series: int, size: float = 5, label: str = "") -> None:
        """Add the marker of a series, with a tooltip where there is a label."""
        shape = list(_SHAPES)[series % len(_SHAPES)]
        tip = f"<title>{escape(label)}</title>" if label else ""
        style = f"m s{series % SERIES}"
        if shape == "circle":
            self._parts.append(
                f'<circle class="{style}" cx="{_n(x)}" cy="{_n(y)}" r="{_n(size)}">{tip}</circle>'
            )
            return
        points = " ".join(f"{_n(x + size * dx)},{_n(y + size * dy)}" for dx, dy in _SHAPES[shape])
        self._parts.append(f'<polygon class="{style}" points="{points}">{tip}</polygon>')

    def dot(self, x: float, y: float, style: str, size: float = 2.5) -> None:
        """Add a small unlabelled dot."""
        self._parts.append(f'<circle class="{style}" cx="{_n(x)}" cy="{_n(y)}" r="{_n(size)}"/>')

    def arrow(
        self, start: tuple[float, float], end: tuple[float, float], series: int, gap: float = 8
    ) -> None:
        """Add an arrow that stops ``gap`` before its end; none where there is no room for it."""
        dx, dy = end[0] - start[0], end[1] - start[1]
        length = math.hypot(dx, dy)
        if length < 2.5 * gap:
            return
        ux, uy = dx / length, dy / length
        tip = end[0] - gap * ux, end[1] - gap * uy
        back = tip[0] - 8 * ux, tip[1] - 8 * uy
        left = back[0] - 3.5 * uy, back[1] + 3.5 * ux
        right = back[0] + 3.5 * uy, back[1] - 3.5 * ux
        begin = start[0] + gap * ux, start[1] + gap * uy
        self.line(*begin, *back, f"arrow s{series % SERIES}")
        points = " ".join(f"{_n(x)},{_n(y)}" for x, y in (tip, left, right))
        self._parts.append(f'<polygon class="head s{series % SERIES}" points="{points}"/>')

    def render(self, name: str, title: str, description: str) -> str:
        """Return the document.

        Args:
            name: Unique in the page; ids are made from it.
            title: Shown by screen readers, and on hovering over the empty ground.
            description: The numbers in words.
        """
        body = "".join(self._parts)
        return (
            f'<svg viewBox="0 0 {_n(self.width)} {_n(self.height)}" role="img"'
            f' style="--w:{_n(self.width)}px" aria-labelledby="{name}-t {name}-d">'
            f'<title id="{name}-t">{escape(title)}</title>'
            f'<desc id="{name}-d">{escape(description)}</desc>{body}</svg>'
        )


def width_of(panel: str) -> float:
    """Return how wide a panel is that a canvas rendered."""
    found = re.match(r'<svg viewBox="0 0 ([\d.]+) ', panel)
    return float(found[1]) if found else 0.0


def in_words(panel: str) -> tuple[str, str]:
    """Return the title and the description of a panel that a canvas rendered."""
    found = re.match(r"<svg [^>]*><title [^>]*>(.*?)</title><desc [^>]*>(.*?)</desc>", panel, re.S)
    if found is None:
        raise ValueError(f"this panel is not rendered by a canvas: {panel[:60]!r}")
    return unescape(found[1]), unescape(found[2])


class Axis:
    """Maps values to places, with round ticks."""

    def __init__(self, low: float, high: float, start: float, end: float, ticks: int = 4) -> None:
        if not high > low:
            low, high = low - 0.5, high + 0.5
        self.low, self.high, self.start, self.end = low, high, start, end
        self.ticks = round_ticks(low, high, ticks)

    def __call__(self, value: float) -> float:
        """Return the place of a value."""
        share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def label(self, tick: float) -> str:
        """Return a tick's label, with as many decimals as the step between ticks needs."""
        step = abs(self.ticks[1] - self.ticks[0]) if len(self.ticks) > 1 else 1.0
        digits = max(0, min(6, -math.floor(math.log10(step) + 1e-9)))
        if round(step, digits) != round(step, 6):
            digits += 1
        return f"{tick:,.{digits}f}".replace("-", "\N{MINUS SIGN}")


def round_ticks(low: float, high: float, wanted: int) -> list[float]:
    """Return round numbers between two values, about as many as wanted."""
    raw = (high - low) / max(1, wanted)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * m for m in (1, 2, 2.5, 5, 10) if power * m >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [index * step for index in range(first, last + 1)]


def padded(values: Sequence[float], share: float = 0.06) -> tuple[float, float]:
    """Return the range of values with some room around it."""
    low, high = min(values), max(values)
    room = (high - low) * share or max(abs(high), 1.0) * share
    return low - room, high + room


def spread(places: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Move labels apart so that neighbours are at least ``gap`` away from each other."""
    order = sorted(range(len(places)), key=lambda i: places[i])
    moved = list(places)
    for _ in range(100):
        shifted = False
        for first, second in itertools.pairwise(order):
            overlap = gap - (moved[second] - moved[first])
            if overlap > 1e-6:
                moved[first] -= overlap / 2
                moved[second] += overlap / 2
                shifted = True
        moved = [min(high, max(low, place)) for place in moved]
        if not shifted:
            break
    return moved

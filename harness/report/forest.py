"""The forest plot: differences of two policies with their intervals, one below the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.report.svg import PHONE, Axis, Canvas, padded
from harness.report.tables import interval, shown

WIDTH, ROW, SIDE = PHONE, 42.0, 12.0
"""Units of the plot, of a row (its words stand above its line) and left free at both sides: no
wider than a phone, so that its text is not made smaller there."""

MOST = 24
"""Letters of a row's name that have room beside its numbers; the table has all of them."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A difference, the first policy less the second.

    Args:
        first: Its name.
        second: Its name.
        difference: With ``value``, ``low`` and ``high``.
        clear: Whether it is shown.
    """

    first: str
    second: str
    difference: Mapping[str, Any]
    clear: bool = False

    @property
    def label(self) -> str:
        """Both names, each cut where there is no room."""
        room = MOST - len(" less ")
        first = self.first
        if len(first) + len(self.second) > room:
            first = _cut(first, max(room // 2, room - len(self.second)))
        return f"{first} less {_cut(self.second, room - len(first))}"

    @property
    def told(self) -> str:
        """The numbers in words."""
        if self.difference.get("value") is None:
            return "not known"
        ends = interval(self.difference, "change")
        return shown(self.difference["value"], "change") + (f" ({ends})" if ends else "")


def forest(name: str, title: str, pairs: Sequence[Pair]) -> str:
    """Draw differences around zero, the numbers written above each.

    Args:
        name: Unique in the page.
        title: What they are differences of.
        pairs: From top to bottom.
    """
    top = 24.0
    bottom = top + ROW * len(pairs)
    canvas = Canvas(WIDTH, bottom + 44)
    canvas.text(0, 14, title, "t strong")
    ends = [
        x
        for pair in pairs
        for key in ("value", "low", "high")
        if (x := pair.difference.get(key)) is not None
    ]
    axis = Axis(*padded([*ends, 0.0]), SIDE, WIDTH - SIDE, 4)
    for tick in axis.ticks:
        canvas.line(axis(tick), top, axis(tick), bottom, "grid")
        canvas.text(axis(tick), bottom + 17, axis.label(tick), "t num axis", "middle")
    canvas.line(axis(0), top, axis(0), bottom, "zero")
    for index, pair in enumerate(pairs):
        y, found = top + ROW * index, pair.difference
        tone = "t strong" if pair.clear else "t"
        canvas.text(0, y + 14, pair.label, f"{tone} halo")
        canvas.text(WIDTH, y + 14, pair.told, f"{tone} num halo", "end")
        if found.get("value") is None:
            continue
        if found.get("low") is not None and found.get("high") is not None:
            canvas.line(axis(found["low"]), y + 28, axis(found["high"]), y + 28, "bar s1")
        canvas.marker(axis(found["value"]), y + 28, 1, 5, f"{pair.first} less {pair.second}")
    canvas.text(WIDTH / 2, bottom + 37, "← less than the second · more →", "t muted", "middle")
    words = "; ".join(f"{pair.first} less {pair.second} {pair.told}" for pair in pairs)
    return canvas.render(name, title, words)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: max(1, most - 1)]}…"

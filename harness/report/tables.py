"""The one model of a table, and the one rule by which its numbers are rounded.

Terminal, HTML and Markdown print what :attr:`Table.heads` and :attr:`Table.body` return, so a cell
reads the same in all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, TypeAlias, TypeVar

from harness.report.wording import NONE, count, dollars, number, p_value, percent, plain, seconds

T = TypeVar("T")
Tone = Literal["", "muted", "good", "bad", "warn", "strong"]
Kind = Literal[
    "text", "note", "count", "mean", "score", "change", "rate", "estimate", "share", "percent",
    "whole", "hundredths", "points", "p-value", "dollars", "seconds",
]  # fmt: skip
Ends: TypeAlias = tuple[float | None, float | None]
Value: TypeAlias = "str | float | Ends | None"

_WRITERS: Mapping[Kind, Callable[[Any], str]] = {
    "text": str,
    "note": str,
    "count": count,
    "mean": partial(number, digits=1),
    "score": number,
    "change": partial(number, sign=True),
    "rate": partial(number, digits=3),
    "estimate": partial(number, digits=4),
    "share": partial(percent, digits=2),
    "percent": partial(percent, digits=1),
    "whole": percent,
    "hundredths": lambda value: number(100 * value, 0),
    "points": lambda value: number(100 * value, 0, sign=True),
    "p-value": p_value,
    "dollars": dollars,
    "seconds": seconds,
}


def shown(value: Value, kind: Kind) -> str:
    """Return a value as it stands in every table, plot and page.

    Args:
        value: A number; (low, high) of an interval, rounded like its number; None for no value. A
            text stands as it is, whatever the kind.
        kind: ``count``: whole, thousands marked; ``mean`` (of counts): 1 decimal;
                ``score``: 2; ``change``: 2 with the sign; ``rate``: 3; ``estimate``
                (statistics): 4; ``share``: percent with 2; ``percent``: with 1; ``whole``: with
                none; ``hundredths``: the same without the sign of percent; ``points``: a change
                in hundredths, with its sign; ``p-value``; ``dollars``; ``seconds``; ``text``;
                ``note``: a text on its row, which a terminal shows below it.
    """
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, tuple):
        low, high = value
        known = low is not None and high is not None
        return f"{shown(low, kind)} to {shown(high, kind)}" if known else ""
    return NONE if value is None else _WRITERS[kind](value)


def interval(row: Mapping[str, Any] | None, kind: Kind = "score") -> str:
    """Return "low to high" of a row of report.json, empty when it has no interval."""
    return shown((row.get("low"), row.get("high")), kind) if row else ""


def low_high(row: Mapping[str, Any] | None) -> Ends:
    """Return the ends of the interval of a row of report.json, for a cell."""
    return (row.get("low"), row.get("high")) if row else (None, None)


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its heading and what it holds.

    Args:
        heading: In words.
        kind: How its numbers are rounded; all but ``text`` and ``note`` stand on the right.
    """

    heading: str
    kind: Kind = "text"

    @staticmethod
    def each(kind: Kind, *headings: str) -> tuple[Column, ...]:
        """Return several columns of one kind."""
        return tuple(Column(heading, kind) for heading in headings)

    @property
    def is_number(self) -> bool:
        """Whether it holds numbers."""
        return self.kind not in ("text", "note")


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table that is more than its value.

    Args:
        value: What stands in it.
        note: A second, smaller line, such as the interval.
        tone: Emphasis.
        heat: 0 to 1, coloured from loss to win; None for no colour.
        kind: How the value is rounded, where it is not as the column says.
        stored: The number behind a value that is a text already; it goes into CSV.
        ends: Low and high of the value's interval, which stands before its note.
    """

    value: Value
    note: str = ""
    tone: Tone = ""
    heat: float | None = None
    kind: Kind | None = None
    stored: float | None = None
    ends: Ends | None = None

    @property
    def text(self) -> str:
        """The value in words."""
        return shown(self.value, self.kind or "text")

    def small(self, kind: Kind) -> str:
        """Return what stands small beside a value of a kind: its interval, and the note."""
        ends = (None, None) if self.ends is None else self.ends
        told = shown(ends, "hundredths" if kind == "whole" else kind)
        return " · ".join(filter(None, (told, self.note)))


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose first column holds the row headings.

    Args:
        title: What it shows; also its name for screen readers. A terminal shows none that is empty.
        columns: From left to right; a plain string is a column of text.
        rows: Cells; a plain value is a cell without emphasis.
        notes: What a reader must know to read the rows rightly.
        matrix: Whether it is square and its headings name the same things twice.
        stack: Whether a phone shows each row as a card, with nothing to scroll sideways.
    """

    title: str
    columns: Sequence[Column | str]
    rows: Sequence[Sequence[Cell | Value]]
    notes: Sequence[str] = ()
    matrix: bool = False
    stack: bool = False

    @classmethod
    def of(
        cls,
        title: str,
        things: Iterable[T],
        columns: Sequence[tuple[str, Kind, Callable[[T], Cell | Value]]],
        notes: Sequence[str] = (),
    ) -> Table:
        """Return the table with one row for each thing.

        Args:
            title: What it shows.
            things: What the rows are about.
            columns: Heading, kind, and what stands in the cell of a thing.
            notes: What a reader must know to read the rows rightly.
        """
        heads = [Column(heading, kind) for heading, kind, _ in columns]
        return cls(title, heads, [[cell(one) for *_, cell in columns] for one in things], notes)

    @property
    def heads(self) -> tuple[Column, ...]:
        """The columns."""
        return tuple(Column(c) if isinstance(c, str) else c for c in self.columns)

    @property
    def body(self) -> tuple[tuple[Cell, ...], ...]:
        """The rows, each cell's text as every printer shows it.

        Raises:
            ValueError: A row is not as long as the table is wide.
        """
        heads = self.heads
        return tuple(
            tuple(_cell(cell, head.kind) for cell, head in zip(row, heads, strict=True))
            for row in self.rows
        )


def _cell(cell: Cell | Value, kind: Kind) -> Cell:
    if not isinstance(cell, Cell):
        cell = Cell(cell)
    own = cell.kind or kind
    return replace(cell, value=shown(cell.value, own), note=cell.small(own))

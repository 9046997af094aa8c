"""What a report is made of, before it becomes HTML or Markdown: one content, two renderings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

Tone = Literal["", "muted", "good", "bad", "warn", "strong"]


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph of plain text."""

    text: str
    tone: Tone = ""


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list of plain sentences."""

    items: Sequence[str]
    tone: Tone = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table.

    Args:
        text: What stands in it.
        note: A second, smaller line, such as the interval.
        tone: Emphasis.
        heat: 0 to 1, coloured from loss to win; None for no colour.
    """

    text: str
    note: str = ""
    tone: Tone = ""
    heat: float | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose first column holds the row headings.

    Args:
        caption: What it shows; also its name for screen readers.
        columns: Headings; one that starts with ``#`` is a column of numbers.
        rows: Cells; plain strings are cells without emphasis.
        matrix: Whether it is square and its headings name the same things twice.
    """

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell | str]]
    matrix: bool = False


@dataclass(frozen=True, slots=True)
class Figure:
    """Plots side by side with one caption; Markdown gets the caption only, tables hold the numbers.

    Args:
        caption: What to see, and how to read the marks.
        panels: SVG documents, made by figures.py and nothing else, since they are not escaped.
    """

    caption: str
    panels: Sequence[str]


@dataclass(frozen=True, slots=True)
class Answer:
    """One policy's answer to a sample prompt."""

    policy: str
    series: int
    text: str
    scores: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Sample:
    """One prompt with the answers of all policies, side by side."""

    item_id: str
    prompt: str
    reference: str
    answers: Sequence[Answer]


@dataclass(frozen=True, slots=True)
class Code:
    """Preformatted text."""

    text: str
    label: str


@dataclass(frozen=True, slots=True)
class Markdown:
    """Markdown from a plugin; raw HTML in it stays text."""

    text: str


@dataclass(frozen=True, slots=True)
class Details:
    """Blocks that are folded away at first."""

    summary: str
    blocks: Sequence[Block]


Block: TypeAlias = "Text | Bullets | Table | Figure | Sample | Code | Markdown | Details"


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with what stands under it."""

    id: str
    title: str
    blocks: Sequence[Block]

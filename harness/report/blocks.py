"""What a report is made of, before it is printed: one content, three printers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from harness.report.tables import Table, Tone


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
class Badge:
    """A few words on what limits an answer.

    Args:
        text: The words.
        section: Id of the section that tells more.
    """

    text: str
    section: str


@dataclass(frozen=True, slots=True)
class Badges:
    """What limits an answer, at a glance."""

    items: Sequence[Badge]


@dataclass(frozen=True, slots=True)
class Beside:
    """Blocks side by side where there is room, below each other on a phone."""

    blocks: Sequence[Block]


@dataclass(frozen=True, slots=True)
class Figure:
    """Plots side by side with one caption; Markdown gets the caption and their words.

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
    """One prompt with the answers of all policies, side by side, and why it is shown."""

    item_id: str
    prompt: str
    reference: str
    answers: Sequence[Answer]
    why: str = ""


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


Block: TypeAlias = (
    "Text | Bullets | Badges | Beside | Table | Figure | Sample | Code | Markdown | Details"
)


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with what stands under it."""

    id: str
    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True, slots=True)
class Page:
    """A whole document, for HTML and for Markdown.

    Args:
        title: Its name.
        lead: Lines below it, the last one small; empty ones are left out.
        sections: What stands on it.
        answer: The one sentence that stands first, in large type.
        first: What stands below the answer, before anything else.
    """

    title: str
    lead: Sequence[str]
    sections: Sequence[Section]
    answer: str = ""
    first: Sequence[Block] = ()


def noted(notes: Iterable[str]) -> list[Text]:
    """Return notes as texts; those that begin with "warning" stand out."""
    return [Text(note, "warn" if note.startswith("warning") else "muted") for note in notes]

"""Reads tables back from what the three printers wrote."""

from __future__ import annotations

import io
from collections.abc import Sequence
from html.parser import HTMLParser

from markdown_it import MarkdownIt
from rich.console import Console

from harness.report.blocks import Bullets, Text
from harness.report.tables import Table
from harness.report.terminal import show

Grid = list[list[str]]


def on_a_terminal(*blocks: Text | Bullets | Table, width: int = 80, encoding: str = "utf-8") -> str:
    """Return what a terminal of some width shows."""
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, newline="")
    show(Console(file=file, width=width, highlight=False), *blocks)
    file.flush()
    return raw.getvalue().decode(encoding)


class _Tables(HTMLParser):
    """Collects the cells of every table."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[Grid] = []
        self.inside = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("th", "td"):
            self.tables[-1][-1].append("")
            self.inside = True

    def handle_endtag(self, tag: str) -> None:
        if tag in ("th", "td"):
            self.inside = False
            self.tables[-1][-1][-1] = " ".join(self.tables[-1][-1][-1].split())

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.tables[-1][-1][-1] += data


def from_html(text: str) -> list[Grid]:
    """Return the cells of all tables of a page, headings first."""
    return _Tables(text).tables


def from_markdown(text: str) -> list[Grid]:
    """Return the cells of all tables of a Markdown document, headings first."""
    return from_html(MarkdownIt("commonmark").enable("table").render(text))

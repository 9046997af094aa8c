"""Reads the numbers off a report: section by section, from its page and from its Markdown."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser

NUMBER = re.compile(r"(?<![\w.])(?:(?<![\w)])[+\N{MINUS SIGN}-])?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?")
CELL = r"<t[hd][ >].*?</t[hd]>"
HEADING = re.compile(r"^## (.*)$", re.M)


def numbers(text: str) -> list[str]:
    """Return the numbers of a text as they are written, without thousands marks."""
    found = (match.group().rstrip(",").replace(",", "") for match in NUMBER.finditer(text))
    return [token.replace("\N{MINUS SIGN}", "-").replace("+", "") for token in found]


class _Sections(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: dict[str, list[str]] = {}
        self.title: str | None = ""
        self.skipped: list[str] = []
        self.in_heading = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        if self.skipped or tag in ("style", "nav") or "axis" in (known.get("class") or "").split():
            self.skipped.append(tag)
        if tag == "h2":
            self.in_heading, self.title = True, ""
        for name in ("aria-label", "title", "alt"):
            self.handle_data(f" {known.get(name) or ''} ")
        self.handle_data(" ")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        if self.skipped:
            self.skipped.pop()
        self.handle_data(" ")
        if tag == "h2":
            self.in_heading = False

    def handle_data(self, data: str) -> None:
        if self.skipped:
            return
        if self.in_heading:
            self.title = f"{self.title}{data}".strip()
        else:
            self.found.setdefault(self.title or "", []).append(data)


def of_page(html: str) -> dict[str, str]:
    """Return the text of each section of a page, words for screen readers too; no axis labels."""
    reader = _Sections()
    reader.feed(html.partition("<body>")[2])
    return {title: "".join(texts) for title, texts in reader.found.items()}


def of_markdown(text: str) -> dict[str, str]:
    """Return the text of each section of a report in Markdown."""
    plain = re.sub(r"\\([^\w\s])", r"\1", text.replace(" ⏎ ", "\n"))
    parts = HEADING.split(plain)
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def tables_of(html: str) -> list[list[list[str]]]:
    """Return the cells of each table of a page, row by row, the heads first."""
    tables = re.findall(r"<table[ >].*?</table>", html, re.S)
    return [
        [
            [unescape(re.sub(r"<[^>]*>", "", cell)) for cell in re.findall(CELL, row, re.S)]
            for row in re.findall(r"<tr[ >].*?</tr>", table, re.S)
        ]
        for table in tables
    ]

"""The report as Markdown for a pull request; nothing in the data can become markup."""

from __future__ import annotations

import re
from collections.abc import Sequence

from harness.report.blocks import (
    Badges,
    Beside,
    Block,
    Bullets,
    Code,
    Details,
    Figure,
    Markdown,
    Page,
    Sample,
    Text,
)
from harness.report.svg import in_words
from harness.report.tables import Cell, Table

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#~$&!])")
_LINE_START = re.compile(r"^(\d*)([-+=.)])(?=[\s\-=]|$)")


def escaped(text: str) -> str:
    """Return text in which no character means anything to Markdown or HTML, on one line."""
    flat = " ".join(text.split())
    return _LINE_START.sub(r"\1\\\2", _SPECIAL.sub(r"\\\1", flat))


def code_span(text: str) -> str:
    """Return text as inline code for a table, with backticks and pipes inside it kept apart."""
    flat = text.replace("\r\n", "\n").replace("\n", " ⏎ ").strip()
    if not flat:
        return "(empty)"
    longest = max((len(run) for run in re.findall(r"`+", flat)), default=0)
    fence = "`" * (longest + 1)
    return f"{fence} {flat} {fence}".replace("|", r"\|")


def fenced(text: str) -> str:
    """Return text as a code block whose fence is longer than any inside it."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text}\n{fence}"


def defused(text: str) -> str:
    """Return a plugin's Markdown without raw HTML and without images from elsewhere."""
    return text.replace("<", "&lt;").replace("![", r"\![")


def render(page: Page) -> str:
    """Return the whole document."""
    parts = [f"# {escaped(page.title)}", page.answer and f"**{escaped(page.answer)}**"]
    parts += map(_block, page.first)
    parts += [escaped(line) for line in page.lead if line]
    for section in page.sections:  # one of nothing but plots has no text
        if any(found := [_block(block) for block in section.blocks]):
            parts += [f"## {escaped(section.title)}", *found]
    return "\n\n".join(part for part in parts if part) + "\n"


def _block(block: Block) -> str:
    if isinstance(block, Text):
        return escaped(block.text)
    if isinstance(block, Bullets):
        return "\n".join(f"- {escaped(item)}" for item in block.items)
    if isinstance(block, Badges):
        return f"**Limits:** {' · '.join(escaped(badge.text) for badge in block.items)}"
    if isinstance(block, Beside):
        return "\n\n".join(part for part in map(_block, block.blocks) if part)
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Figure):
        return _figure(block)
    if isinstance(block, Sample):
        return _sample(block)
    if isinstance(block, Code):
        return fenced(block.text)
    if isinstance(block, Markdown):
        return defused(block.text)
    assert isinstance(block, Details)
    inner = "\n\n".join(part for part in map(_block, block.blocks) if part)
    return _details(block.summary, inner)


def _figure(figure: Figure) -> str:
    """Return the caption, and what the plots show in words, folded away."""
    words = [_plot(*in_words(panel)) for panel in figure.panels]
    told = _details("Plots in words", "\n".join(words)) if words else ""
    return f"{escaped(figure.caption)}\n\n{told}" if told else escaped(figure.caption)


def _plot(title: str, description: str) -> str:
    return f"- {escaped(title)}: {escaped(description)}"


def _details(summary: str, inner: str) -> str:
    return f"<details><summary>{_html(summary)}</summary>\n\n{inner}\n\n</details>"


def _html(text: str) -> str:
    from html import escape

    return escape(" ".join(text.split()))


def _table(table: Table) -> str:
    heads = [escaped(head.heading) for head in table.heads]
    rules = ["---:" if head.is_number else "---" for head in table.heads]
    lines = [f"**{escaped(table.title)}**", "", _row(heads), _row(rules)]
    lines += [_row([_cell(cell) for cell in row]) for row in table.body]
    lines += [f"\n{escaped(note)}" for note in table.notes]
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(cell: Cell) -> str:
    text = escaped(cell.text)
    if cell.tone in ("good", "bad", "strong") and text:
        text = f"**{text}**"
    return f"{text} ({escaped(cell.note)})" if cell.note else text


def _sample(sample: Sample) -> str:
    lines = [f"**Item {escaped(sample.item_id)}**", ""]
    if sample.why:
        lines += [escaped(sample.why), ""]
    lines += [fenced(sample.prompt), ""]
    if sample.reference:
        lines += [f"Reference: {code_span(sample.reference)}", ""]
    lines += [_row(["policy", "answer", "scores"]), _row(["---", "---", "---"])]
    for answer in sample.answers:
        scores = ", ".join(f"{name} {value}" for name, value in answer.scores)
        lines.append(_row([escaped(answer.policy), code_span(answer.text), escaped(scores)]))
    return "\n".join(lines)

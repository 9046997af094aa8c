"""The same blocks on a terminal: no word is broken that a line has room for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.report.blocks import Bullets, Text
from harness.report.tables import Cell, Column, Table, Tone
from harness.report.wording import MINUS, NONE

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text as Line

STYLES: dict[Tone, str] = {
    "": "", "muted": "dim", "good": "green", "bad": "red", "warn": "yellow", "strong": "bold",
}  # fmt: skip
GAP = 2
"""Blanks between two columns."""


def show(screen: Console, *blocks: Text | Bullets | Table) -> None:
    """Print paragraphs and tables; nothing in them is read as markup.

    Args:
        screen: Where to; ``harness.cli.screen.console()`` is the one of the commands.
        blocks: From top to bottom. A table without a title follows what stands above it.
    """
    for block in blocks:
        if isinstance(block, Table):
            _show_table(screen, block)
        elif isinstance(block, Text):
            _print(screen, block.text, STYLES[block.tone])
        else:
            for item in block.items:
                _print(screen, item, STYLES[block.tone], indent=2)


def _print(screen: Console, text: str, style: str = "", indent: int = 0) -> None:
    """Print one paragraph, ``indent`` cells from the left."""
    for line in _wrapped(screen, text, screen.width - indent, style):
        line.pad_left(indent)
        screen.print(line)


def _wrapped(screen: Console, text: str, width: int, style: str = "") -> list[Line]:
    """Return lines of at most ``width`` cells, broken at blanks; a longer word is folded."""
    from rich.text import Text as Line

    try:
        text.encode(screen.encoding)
    except UnicodeEncodeError:  # an old terminal
        text = text.replace(MINUS, "-").replace(NONE, "-")
    lines = Line(text, style).wrap(screen, max(1, width), overflow="fold")
    for line in lines:
        line.rstrip()
    return list(lines) or [Line("")]


def _show_table(screen: Console, table: Table) -> None:
    heads = [(k, head) for k, head in enumerate(table.heads) if head.kind != "note"]
    under = [k for k, head in enumerate(table.heads) if head.kind == "note"]
    columns = [head for _, head in heads]
    body = table.body
    kept = [[row[k] for k, _ in heads] for row in body]
    texts = [[head.heading for head in columns], *([_text(cell) for cell in row] for row in kept)]
    widths = _widths(columns, texts, screen.width)
    if table.title:
        screen.print()
        _print(screen, table.title, "bold")
    if widths:
        _show_row(screen, columns, widths, [Cell(head.heading, tone="muted") for head in columns])
    for row, cells in zip(body, kept, strict=True):
        if widths:
            _show_row(screen, columns, widths, cells)
        else:
            _show_stacked(screen, columns, cells)
        for note in (row[k] for k in under):
            if note.text:
                _print(screen, note.text, STYLES[note.tone], indent=4)
    for text in table.notes:
        _print(screen, text, "dim", indent=2)


def _text(cell: Cell) -> str:
    return f"{cell.text} ({cell.note})" if cell.note else cell.text


def _show_row(
    screen: Console, columns: Sequence[Column], widths: Sequence[int], cells: Sequence[Cell]
) -> None:
    from rich.text import Text as Line

    wrapped = [
        _wrapped(screen, _text(cell), width, STYLES[cell.tone])
        for cell, width in zip(cells, widths, strict=True)
    ]
    for height in range(max(map(len, wrapped))):
        line = Line()
        for column, width, lines in zip(columns, widths, wrapped, strict=True):
            part = lines[height] if height < len(lines) else Line("")
            part.align("right" if column.is_number else "left", width)
            line.append_text(part)
            line.append(" " * GAP)
        line.rstrip()
        screen.print(line)


def _show_stacked(screen: Console, columns: Sequence[Column], cells: Sequence[Cell]) -> None:
    """Print a row as lines of its own, below each other, where the columns have no room."""
    for k, (column, cell) in enumerate(zip(columns, cells, strict=True)):
        if k == 0:
            _print(screen, _text(cell), STYLES[cell.tone or "strong"])
        elif _text(cell):
            _print(screen, f"{column.heading}: {_text(cell)}", STYLES[cell.tone], indent=2)


def _widths(columns: Sequence[Column], table: Sequence[Sequence[str]], room: int) -> list[int]:
    """Return the widths at which the table is lowest; none where its words have no room.

    A word counts with at most the whole room: one that is longer than that is cut.

    Args:
        columns: What stands in them.
        table: The texts of the headings, then of the rows.
        room: Cells of the screen.
    """
    from rich.cells import cell_len

    rows = table[1:]
    words = [[[cell_len(word) for word in text.split()] for text in row] for row in table]
    widths = [max(1, *(cell_len(row[k]) for row in table)) for k in range(len(columns))]
    least = [max(1, *(max(row[k], default=0) for row in words)) for k in range(len(columns))]
    for k, column in enumerate(columns):
        if column.is_number:  # a number and its interval stay whole
            numbers = (row[k] for row in rows if any(map(str.isdigit, row[k])))
            least[k] = max(least[k], *map(cell_len, numbers), 0)

    def height(narrowed: int) -> int:
        tried = [width - (k == narrowed) for k, width in enumerate(widths)]
        return sum(max(map(_lines, row, tried)) for row in words)

    room -= GAP * (len(columns) - 1)
    if sum(least) > room and len(columns) > 1:
        return []
    least = [min(width, room) for width in least]
    while sum(widths) > room:
        free = [k for k, width in enumerate(widths) if width > least[k]]
        if not free:
            break
        widths[min(free, key=lambda k: (height(k), -widths[k]))] -= 1
    return widths


def _lines(words: Sequence[int], width: int) -> int:
    """Return how many lines words of these lengths take."""
    lines, used = 1, 0
    for word in words:
        if used and used + 1 + word > width:
            lines, used = lines + 1, 0
        used += word + (1 if used else 0)
    return lines

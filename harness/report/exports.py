"""The tables of a report one by one: as CSV for programs, as LaTeX for a paper."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from harness.labels.writing import write_csv
from harness.records.writes import make_folder, write_text
from harness.report.blocks import Beside, Block, Details, Page
from harness.report.tables import Cell, Table

_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "%": r"\%", "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
    "\N{MINUS SIGN}": r"\ensuremath{-}", "\N{EN DASH}": "--", "\N{MULTIPLICATION SIGN}":
    r"\ensuremath{\times}", "\N{SQUARE ROOT}": r"\ensuremath{\surd}", "\N{MIDDLE DOT}":
    r"\ensuremath{\cdot}", "\N{HORIZONTAL ELLIPSIS}": r"\ldots{}", "\N{PLUS-MINUS SIGN}":
    r"\ensuremath{\pm}", "\N{RIGHTWARDS ARROW}": r"\ensuremath{\to}",
    "\N{GREEK SMALL LETTER ALPHA}": r"\ensuremath{\alpha}",
    "\N{GREEK SMALL LETTER BETA}": r"\ensuremath{\beta}",
}  # fmt: skip
"""Signs that mean something to LaTeX, or that its oldest engine does not know."""


def tables_of(page: Page) -> Iterator[tuple[str, Table]]:
    """Yield (a name for a file, table) of every table of a page, folded ones too.

    Names are unique, and stay what they are when another section gets a table.
    """
    taken: dict[str, int] = {}
    for section, blocks in [("first", page.first), *((s.id, s.blocks) for s in page.sections)]:
        for table in _inside(blocks):
            words = re.findall(r"[a-z0-9]+", table.title.lower())[:7]
            name = "-".join([section, *words])
            taken[name] = taken.get(name, 0) + 1
            yield name if taken[name] == 1 else f"{name}-{taken[name]}", table


def _inside(blocks: Sequence[Block]) -> Iterator[Table]:
    for block in blocks:
        if isinstance(block, Table):
            yield block
        elif isinstance(block, Details | Beside):
            yield from _inside(block.blocks)


def write_tables_csv(page: Page, folder: Path) -> list[Path]:
    """Write each table as CSV, its numbers unrounded; shares are from 0 to 1.

    A column whose cells have intervals is followed by their low and high ends, and by the rest of
    what stands small on the page, as it is there; an interval of a column of its own becomes two.
    Cells that a spreadsheet would run are written with an apostrophe before them.
    """
    return _written(page, folder, ".csv", lambda path, table: write_csv(path, *plain_rows(table)))


def plain_rows(table: Table) -> tuple[list[str], list[dict[str, str]]]:
    """Return the columns and rows of a table for CSV."""
    parts: list[list[tuple[str, list[str]]]] = []
    for place, head in enumerate(table.heads):
        cells = [cell if isinstance(cell := row[place], Cell) else Cell(cell) for row in table.rows]
        if any(isinstance(cell.value, tuple) for cell in cells):
            pairs = [c.value if isinstance(c.value, tuple) else (c.value, None) for c in cells]
            found = [
                (f"{head.heading}, {side}", [_raw(pair[index]) for pair in pairs])
                for index, side in enumerate(("low", "high"))
            ]
        else:
            found = [
                (
                    head.heading,
                    [_raw(cell.value if cell.stored is None else cell.stored) for cell in cells],
                )
            ]
        if any(cell.ends and cell.ends[0] is not None for cell in cells):
            for index, side in enumerate(("low", "high")):
                ends = [None if cell.ends is None else cell.ends[index] for cell in cells]
                found.append((f"{head.heading}, {side}", [_raw(end) for end in ends]))
        if any(cell.note for cell in cells):
            found.append((f"{head.heading}, note", [cell.note for cell in cells]))
        parts.append(found)
    columns: list[tuple[str, list[str]]] = []
    for heading, values in (each for found in parts for each in found):
        before = sum(
            1 for name, _ in columns if re.fullmatch(rf"{re.escape(heading)}( \d+)?", name)
        )
        columns.append((f"{heading} {before + 1}" if before else heading, values))
    rows = [{name: values[n] for name, values in columns} for n in range(len(table.rows))]
    return [name for name, _ in columns], rows


def _raw(value: object) -> str:
    if value is None:
        return ""
    return repr(value) if isinstance(value, float) else str(value)


def write_tables_latex(page: Page, folder: Path) -> list[Path]:
    r"""Write each table as LaTeX for ``\input``, in booktabs' style, rounded as the page is."""
    return _written(page, folder, ".tex", lambda path, table: write_text(path, latex(table)))


def latex(table: Table) -> str:
    r"""Return a table as LaTeX; its document needs ``\usepackage{booktabs}`` and nothing else."""
    heads = table.heads
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{escaped_latex(table.title)}}}",
        rf"\begin{{tabular}}{{{''.join('r' if head.is_number else 'l' for head in heads)}}}",
        r"\toprule",
        _line([escaped_latex(head.heading) for head in heads]),
        r"\midrule",
        *(_line([_latex_cell(cell) for cell in row]) for row in table.body),
        r"\bottomrule",
        r"\end{tabular}",
        *(rf"\par\footnotesize {escaped_latex(note)}" for note in table.notes),
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def escaped_latex(text: str) -> str:
    """Return text in which nothing is a command, on one line."""
    return "".join(_LATEX.get(letter, letter) for letter in " ".join(text.split()))


def _latex_cell(cell: Cell) -> str:
    text = escaped_latex(cell.text)
    if cell.tone in ("good", "bad", "strong") and text:
        text = rf"\textbf{{{text}}}"
    return rf"{text} {{\footnotesize ({escaped_latex(cell.note)})}}" if cell.note else text


def _line(cells: Sequence[str]) -> str:
    # A row that begins with a bracket would be read as an option of the row before it.
    return " & ".join(f"{{{cell}}}" if cell[:1] in ("[", "*") else cell for cell in cells) + r" \\"


def _written(
    page: Page, folder: Path, ending: str, write: Callable[[Path, Table], None]
) -> list[Path]:
    make_folder(folder)
    made: Mapping[Path, Table] = {folder / f"{n}{ending}": t for n, t in tables_of(page)}
    for path, table in made.items():
        write(path, table)
    return list(made)

"""Cells that a spreadsheet would run: written with an apostrophe before them, and read back.

A text that begins with = + - @ is a formula to a spreadsheet, and a formula may start programs and
send the table elsewhere. Which cells got their apostrophe stands in the column ``escaped`` of their
row, so that a table reads back exactly, whatever apostrophes its texts had before.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from harness.nouns.plain_text import parsed_json

ESCAPED = "escaped"
"""The column that names, as a JSON list, the columns of its row with an apostrophe of ours."""

_QUOTES = "'\"\u2018\u2019\u201c\u201d"
_FILLERS = "\u115f\u1160\u3164\uffa0"
"""Letters that show nothing."""

_FIRST = "=+-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b"
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def is_formula(text: str) -> bool:
    """Tell whether a spreadsheet might take a cell for a formula; a whole number is none.

    What spreadsheets skip before a formula (spaces, quotes, characters that nobody sees) is
    skipped, and the full-width and small forms of its first character count.
    """
    if text.startswith(("\t", "\r", "\n")):
        return True
    first = next((letter for letter in text if not _is_skipped(letter)), "")
    return bool(first) and first in _FIRST and not _NUMBER.fullmatch(text)


def _is_skipped(letter: str) -> bool:
    """Tell whether a letter is a blank, a quote, or nothing that is seen by itself."""
    return letter in _QUOTES or letter in _FILLERS or unicodedata.category(letter)[0] in "CMZ"


def escaped(
    columns: Sequence[str], rows: Iterable[Mapping[str, str]]
) -> tuple[list[str], list[dict[str, str]]]:
    """Return columns and rows in which no cell is a formula; with ``escaped`` where one was."""
    found = []
    for row in rows:
        formulas = [n for n, cell in row.items() if isinstance(cell, str) and is_formula(cell)]
        safe = {name: f"'{row[name]}" for name in formulas}
        found.append({**row, **safe, ESCAPED: json.dumps(formulas) if formulas else ""})
    if any(row[ESCAPED] for row in found):
        return [*columns, ESCAPED], found
    return list(columns), [{k: v for k, v in row.items() if k != ESCAPED} for row in found]


def restored(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]] | None:
    """Return the rows as they were before ``escaped``; None for rows that it did not make.

    A cell whose apostrophe is gone, as when somebody edited it, stays as it is.
    """
    found = []
    for row in rows:
        names = _names(row)
        if names is None:
            return None
        cells = {name: cell for name, cell in row.items() if name != ESCAPED}
        for name in names:
            if isinstance(cells[name], str):
                cells[name] = cells[name].removeprefix("'")
        found.append(cells)
    return found


def _names(row: Mapping[str, Any]) -> list[str] | None:
    cell = row.get(ESCAPED)
    if not cell:
        return []
    try:
        names = parsed_json(cell) if isinstance(cell, str) else None
    except ValueError:
        return None
    if not isinstance(names, list):
        return None
    good = all(isinstance(name, str) and name in row and name != ESCAPED for name in names)
    return names if good else None

"""Rows that sum up the rows above them, as spreadsheets have below a table: they are no items."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Sequence

from harness.labels.columns import LabelColumns
from harness.labels.files import Row, Table
from harness.labels.values import number_of, said_text
from harness.nouns.errors import DataError

_WORDS = frozenset(
    (
        *("total", "totals", "grand total", "sub total", "subtotal", "sum", "count", "counts"),
        *("average", "avg", "mean", "median", "std", "stdev", "min", "max"),
        *("summe", "gesamt", "insgesamt", "anzahl", "mittelwert", "durchschnitt", "schnitt"),
        *("somme", "moyenne", "suma", "promedio", "media", "totale", "totaal", "soma"),
        *("\u0438\u0442\u043e\u0433\u043e", "\u5408\u8ba1", "\u603b\u8ba1", "\u5408\u8a08"),
    )
)
"""What such a row is called."""

_LAST = 8
"""Rows at the end of a table that may sum it up."""


def settle_totals(table: Table, columns: LabelColumns) -> list[str]:
    """Refuse rows at the end that surely sum up the rows above; warn of those that may.

    A row sums up where each of its labels is a number that is the sum, the mean, a count ... of the
    labels above it, or no label above is a number at all; surely so where it is called Total, too.

    Raises:
        DataError: There are such rows; names them.
    """
    labels = [columns.label] if columns.label else columns.labels
    if columns.kind in ("ranking", "best_worst") or not labels:
        return []
    sure, maybe, names = [], [], {}
    rows = table.rows
    for place in range(max(2, len(rows) - _LAST), len(rows)):
        row = rows[place]
        cells = [said_text(row.cells.get(column)) for column in labels]
        if not any(cells) or any(_number(text) is None for text in cells if text):
            continue
        named = _name(table, row, labels)
        if named is None:
            continue
        above = [[said_text(r.cells.get(column)) for r in rows[:place]] for column in labels]
        fits = all(_sums_up(t, column) for t, column in zip(cells, above, strict=True) if t)
        fits = fits and not _stand_above(cells, above)
        odd = all(_number(text) is None for column in above for text in column if text)
        names[row.place] = named
        if named and (odd or fits):
            sure.append(row.place)
        elif named or odd or fits:
            maybe.append(row.place)
    if sure:
        raise DataError(
            f"{', '.join(sure)} {'sums' if len(sure) == 1 else 'sum'} up the rows above and"
            f" {'is no item' if len(sure) == 1 else 'are no items'}",
            where=str(table.path),
            hint="take it out of the file; if it is an item, give it another name than"
            f" {names[sure[0]]!r}",
        )
    if not maybe:
        return []
    return [f"warning: {', '.join(maybe)} may sum up the rows above; counted as items"]


def _number(text: str) -> float | None:
    percent = text.endswith("%")
    number = number_of(text.rstrip("% ").replace(",", "."))
    return number / 100 if percent and number is not None else number


def _name(table: Table, row: Row, labels: Sequence[str]) -> str | None:
    """Return the word that says that a row sums up; empty where nothing names it, else None."""
    beside = [column for column in table.columns if column not in labels]
    texts = {column: said_text(row.cells.get(column)) for column in beside}
    for column, text in texts.items():
        if text.strip(" :.=").casefold() in _WORDS and table.texts(column).count(text) == 1:
            return text
    return "" if beside and not any(texts.values()) else None


def _stand_above(cells: Sequence[str], above: Sequence[Sequence[str]]) -> bool:
    """Tell whether every number of a row is a label of the rows above."""
    return {text for text in cells if text} <= {text for column in above for text in column}


def _sums_up(text: str, above: Sequence[str]) -> bool:
    """Tell whether a number is what a spreadsheet computes of the cells above it."""
    number, filled = _number(text), [cell for cell in above if cell]
    if number is None or not filled:
        return False
    counts = Counter(cell.casefold() for cell in filled)
    found: list[float] = [len(filled), len(above), *counts.values()]
    found += [count / len(filled) for count in counts.values()]
    numbers = [value for cell in filled if (value := _number(cell)) is not None]
    if numbers:
        found += [sum(numbers), min(numbers), max(numbers)]
        found += [statistics.fmean(numbers), statistics.median(numbers)]
        found += [statistics.stdev(numbers)] if len(numbers) > 1 else []
    digits = len(text.rstrip("% ").replace(",", ".").partition(".")[2]) + 2 * text.endswith("%")
    return any(math.isclose(number, value, abs_tol=0.5001 * 10.0**-digits) for value in found)

"""The first lines of a CSV file: its delimiter, and the names of its columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from harness.labels.foreign import repeated_columns
from harness.nouns.errors import DataError

DELIMITERS = (",", ";", "\t", "|")


def header_of(path: Path, names: list[str]) -> tuple[str, ...]:
    """Return the names of the columns.

    Raises:
        DataError: A name stands there twice.
    """
    repeated = sorted(name for name, count in Counter(names).items() if count > 1)
    if repeated:
        raise repeated_columns(path, repeated)
    return tuple(names)


def without_sep(text: str) -> tuple[str, str]:
    """Return a text and its delimiter without the line "sep=;" that spreadsheets write first.

    The line stays empty, so that rows keep their numbers.
    """
    line, end, rest = text.partition("\n")
    told = line.strip("\r\ufeff").strip('"')
    if len(told) == 5 and told.lower().startswith("sep="):
        return end + rest, told[4]
    return text, ""


def need_cells(path: Path, header_line: str, records: Sequence[Sequence[str]]) -> None:
    """Refuse a table whose header is one quoted cell with the names of several columns.

    Raises:
        DataError: The rows have one cell as well, or as many as there are names.
    """
    header = records[0]
    if len(header) != 1 or not header_line.lstrip("\ufeff ").startswith('"'):
        return
    mark = max(DELIMITERS, key=header[0].count)
    names, rows = header[0].split(mark), records[1:]
    as_many = all(len(cells) == len(names) for cells in rows)
    quoted = all(len(cells) == 1 and cells[0].count(mark) == len(names) - 1 for cells in rows)
    if len(names) > 1 and all(names) and (as_many or quoted):
        raise DataError(
            f"the header is one quoted cell with the names of {len(names)} columns:"
            f" {header_line.strip():.200}",
            where=str(path),
            hint="quotation marks stand around a cell, not around a line: take them away, in all"
            " lines that have them",
        )

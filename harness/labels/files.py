"""Files to tables: CSV, TSV, JSON, JSONL, Parquet and Excel, with the row number of every row."""

from __future__ import annotations

import codecs
import csv
import io
import json
import shlex
import time
import zipfile
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.labels.foreign import kind_hint, no_list
from harness.labels.formulas import ESCAPED, restored
from harness.labels.headers import DELIMITERS, header_of, need_cells, without_sep
from harness.labels.problems import Problems
from harness.labels.values import cell_text, said_text
from harness.nouns.errors import DataError, MissingExtraError
from harness.nouns.nearest import did_you_mean
from harness.nouns.plain_text import file_bytes, need_file, parsed_json

FORMATS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".txt": "csv",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".sqlite": "sqlite",
}

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LONGEST_CELL = 2**30
_LARGEST_BOOK = 2**27  # bytes unpacked: a small file may unpack to anything
_AS_CSV = "save the sheet as CSV"
_MOST_ROWS = 1_000_000
_MOST_TEXT = 2**28  # characters of an SQLite file's rows, together
_LONGEST_READ_S = 60.0


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its place for messages ("row 7", where the header is row 1) and its cells."""

    place: str
    cells: Mapping[str, Any]

    def text(self, column: str | None) -> str:
        """Return the cell of a column as text; the empty text where there is no such column."""
        return cell_text(self.cells.get(column)) if column else ""


@dataclass(frozen=True, slots=True)
class Table:
    """What a file holds.

    Args:
        path: The file, for messages.
        columns: Names in the order of the file.
        rows: At least one.
        tool: The annotation tool whose export it is; empty for a plain table.
        problems: (place, message) of rows that cannot be read; reported with those of the labels.
        notes: What was left out on purpose, to be shown.
    """

    path: Path
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    tool: str = ""
    problems: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()

    def texts(self, column: str) -> list[str]:
        """Return the cells of a column as text, one for each row."""
        return [row.text(column) for row in self.rows]

    def need(self, wanted: Mapping[str, str]) -> None:
        """Refuse what the table does not have of {column: what it is for, in words}.

        Raises:
            DataError: Columns are missing; says which ones there are.
        """
        missing = [column for column in wanted if column not in self.columns]
        if not missing:
            return
        raise DataError(
            f"{len(missing)} columns are missing" if len(missing) > 1 else "a column is missing",
            where=str(self.path),
            details=[
                f"{column!r} for {wanted[column]}{did_you_mean(column, self.columns, '; ')}"
                for column in missing
            ],
            hint=f"its columns: {', '.join(map(str, self.columns)):.1000}",
        )

    def only(self, column: str, value: str) -> Table:
        """Return the table of the rows with that value in the column.

        Raises:
            DataError: There is no such column, or no row with the value.
        """
        self.need({column: "--where"})
        rows = tuple(row for row in self.rows if row.text(column) == value)
        if not rows:
            values = list(dict.fromkeys(self.texts(column)))[:10]
            raise DataError(
                f"no row has {column}={value}",
                where=str(self.path),
                hint=f"values: {', '.join(values)}",
            )
        return replace(self, rows=rows)

    def with_rows(self, rows: Iterable[Row]) -> Table:
        """Return the table with other rows, such as those of a flattened export."""
        rows = tuple(rows)
        return replace(self, columns=_columns(rows), rows=rows)


def _columns(rows: Iterable[Row]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for row in rows for name in row.cells))


def read_table(path: Path, *, encoding: str = "", delimiter: str = "", sheet: str = "") -> Table:
    """Read a table; its format follows from the file's ending.

    Args:
        path: .csv, .tsv, .json (a list of objects), .jsonl, .parquet, .xlsx, or .sqlite with a
            table or view ``labels``, such as the store of the label page.
        encoding: Of a text file; by default UTF-8, or what its byte order mark says.
        delimiter: Of a CSV file; by default the one of , ; tab | that its header uses most.
        sheet: Of an Excel file; by default its only one.

    Raises:
        DataError: The file is missing, has another encoding, no rows, or a broken structure.
        MissingExtraError: pyarrow or openpyxl is needed and not installed.
    """
    need_file(path)
    kind = FORMATS.get(path.suffix.lower())
    if kind is None:
        raise DataError(
            f"unknown kind of table {path.suffix or path.name!r}",
            where=str(path),
            hint=kind_hint(path.suffix, FORMATS),
        )
    if kind == "parquet":
        table = _parquet(path)
    elif kind == "excel":
        table = _excel(path, sheet)
    elif kind == "sqlite":
        table = sqlite_table(path)
    else:
        text = _decode(path, encoding)
        if kind == "json":
            table = _json(path, text)
        elif kind == "jsonl":
            table = _jsonl(path, text)
        else:
            table = _csv(path, text, "\t" if kind == "tsv" and not delimiter else delimiter)
    if not table.columns:
        wrong = Problems(path, "a table of JSON is objects, one for each row")
        for place, message in table.problems:
            wrong.add(place, message)
        wrong.refuse("no row is a JSON object")
    if not table.rows and not table.problems:
        raise DataError("the table has no rows", where=str(path))
    return _restored(table)


def _restored(table: Table) -> Table:
    """Return a table as it was before its formulas were escaped."""
    if ESCAPED not in table.columns:
        return table
    cells = restored([row.cells for row in table.rows])
    if cells is None:
        return table
    rows = tuple(Row(row.place, one) for row, one in zip(table.rows, cells, strict=True))
    columns = tuple(column for column in table.columns if column != ESCAPED)
    return replace(table, columns=columns, rows=rows)


def _decode(path: Path, encoding: str) -> str:
    data = file_bytes(path)
    chosen = encoding or next((name for bom, name in _BOMS if data.startswith(bom)), "utf-8")
    try:
        text = data.decode(chosen)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"not {chosen.removesuffix('-sig').upper()}: byte 0x{data[error.start]:02x} in line "
            f"{line}",
            where=str(path),
            hint="say which encoding it has, such as cp1252 (Windows) or latin-1: option "
            "encoding, flag --encoding; or save it as UTF-8",
        ) from error
    except (LookupError, ValueError) as error:
        raise DataError(f"unknown encoding {encoding!r:.60}", where=str(path)) from error
    if "\0" in text:
        raise DataError(
            "it has NUL characters, so it is probably UTF-16 without a byte order mark",
            where=str(path),
            hint="try encoding utf-16-le or utf-16-be (option encoding, flag --encoding)",
        )
    return text.removeprefix("\ufeff")


def _csv(path: Path, text: str, delimiter: str) -> Table:
    text, told = without_sep(text)
    header_line = text.lstrip("\r\n").split("\n", 1)[0]
    chosen = delimiter or told or max(DELIMITERS, key=header_line.count)
    if len(chosen) != 1 or chosen in '"\r\n':
        raise DataError(f"a delimiter is one character, got {chosen!r:.60}", where=str(path))
    before = csv.field_size_limit(_LONGEST_CELL)
    records: list[tuple[int, list[str]]] = []
    number = 0
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=chosen, strict=True)
        for number, cells in enumerate(reader, 1):
            if cells or records:  # the header is the first line that holds anything
                records.append((number, cells))
    except csv.Error as error:
        raise DataError(
            f"broken quoting after row {number}: {error}",
            where=str(path),
            hint='a quotation mark inside a quoted cell is written twice: ""',
        ) from error
    finally:
        csv.field_size_limit(before)
    if not records:
        raise DataError("the file is empty", where=str(path))
    need_cells(path, header_line, [cells for _, cells in records])
    header = header_of(path, [said_text(name) for name in records[0][1]])
    rows, problems = [], []
    for number, cells in records[1:]:
        if not any(map(said_text, cells)):
            continue
        place = f"row {number}"
        if len(cells) != len(header):
            problems.append((place, f"{len(cells)} cells, but the header has {len(header)}"))
            continue
        rows.append(Row(place, dict(zip(header, cells, strict=True))))
    return Table(path, header, tuple(rows), problems=tuple(problems))


def _objects(path: Path, found: Iterable[tuple[str, Any]]) -> Table:
    rows, problems = [], []
    for place, value in found:
        if isinstance(value, dict):
            rows.append(Row(place, value))
        else:
            problems.append((place, f"must be a JSON object, got {value!r:.60}"))
    return Table(path, _columns(rows), tuple(rows), problems=tuple(problems))


def _json(path: Path, text: str) -> Table:
    try:
        content = parsed_json(text)
    except json.JSONDecodeError as error:
        raise DataError(
            f"not JSON: {error.msg} in line {error.lineno}",
            where=str(path),
            hint="a file with one object a line is JSONL: rename it to end in .jsonl",
        ) from error
    except ValueError as error:
        raise DataError(str(error), where=str(path)) from error
    if not isinstance(content, list):
        raise no_list(path, content)
    return _objects(path, ((f"entry {i}", value) for i, value in enumerate(content, 1)))


def _jsonl(path: Path, text: str) -> Table:
    found: list[tuple[str, Any]] = []
    problems = []
    for number, line in enumerate(text.split("\n"), 1):
        line = line.strip().strip("\ufeff")  # files put one after the other have several
        if not line.strip():
            continue
        try:
            found.append((f"line {number}", parsed_json(line)))
        except json.JSONDecodeError as error:
            problems.append((f"line {number}", f"not JSON: {error.msg}"))
        except ValueError as error:
            problems.append((f"line {number}", str(error)))
    table = _objects(path, found)
    return replace(table, problems=(*problems, *table.problems))


def _parquet(path: Path) -> Table:
    try:
        import pyarrow  # type: ignore[import-untyped]
        import pyarrow.parquet  # type: ignore[import-untyped]
    except ImportError as error:
        raise MissingExtraError("pyarrow", "tables") from error
    try:
        table = pyarrow.parquet.read_table(path)
        lines = table.to_pylist()
    except Exception as error:  # pyarrow raises what its readers and Python's dates raise
        raise DataError(f"not a Parquet file: {error!s:.300}", where=str(path)) from error
    rows = tuple(Row(f"row {i}", cells) for i, cells in enumerate(lines, 1))
    return Table(path, header_of(path, list(table.column_names)), rows)


def sqlite_table(path: Path) -> Table:
    """Read the table or view ``labels`` of an SQLite file; it may have no rows.

    Raises:
        DataError: There is none, or it does not come to an end.
    """
    import sqlite3

    from harness.records.sqlite_file import SQLITE_ERRORS

    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as file:
            file.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MOST_TEXT)
            end = time.monotonic() + _LONGEST_READ_S  # a view may never come to an end
            file.set_progress_handler(lambda: time.monotonic() > end, 100_000)
            cursor = file.execute("SELECT * FROM labels")
            columns = tuple(column[0] for column in cursor.description)
            rows, text = [], 0
            for number, cells in enumerate(cursor, 1):
                text += sum(len(cell) for cell in cells if isinstance(cell, str | bytes))
                if number > _MOST_ROWS or text > _MOST_TEXT:
                    raise DataError(
                        f"its labels have more than {_MOST_ROWS} rows, or {_MOST_TEXT} characters",
                        where=str(path),
                        hint="is 'labels' a table, or a view that never ends?",
                    )
                rows.append(Row(f"row {number}", dict(zip(columns, cells, strict=True))))
    except SQLITE_ERRORS as error:
        raise DataError(f"no readable table or view 'labels': {error}", where=str(path)) from error
    return Table(path, columns, tuple(rows))


def _excel(path: Path, sheet: str) -> Table:
    try:
        import openpyxl  # type: ignore[import-untyped]
    except ImportError as error:
        raise MissingExtraError("openpyxl", "tables") from error
    try:
        with zipfile.ZipFile(path) as packed:
            size = sum(part.file_size for part in packed.infolist())
        if size > _LARGEST_BOOK:
            raise DataError(f"it unpacks to {size >> 20} MiB", where=str(path), hint=_AS_CSV)
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        with closing(book):
            table = _sheet(path, book, sheet)
            name = sheet or book.sheetnames[0]
            formulas = openpyxl.load_workbook(path, read_only=True)
            with closing(formulas):
                _need_values(path, book[name], formulas[name])
            return table
    except DataError:
        raise
    except Exception as error:  # openpyxl raises what zipfile, xml and itself raise
        raise DataError(f"not an Excel file: {error!s:.300}", where=str(path)) from error


def _sheet(path: Path, book: Any, sheet: str) -> Table:
    names = book.sheetnames
    if sheet and sheet not in names:
        raise DataError(
            f"no sheet {sheet!r:.60}", where=str(path), hint=f"sheets: {', '.join(names)}"
        )
    if not sheet and len(names) > 1:
        raise DataError(
            f"it has {len(names)} sheets: {', '.join(names)}",
            where=str(path),
            hint=f"say which one: --set {shlex.quote(f'sheet={names[-1]}')} (harness agree and"
            f" aggregate), --sheet {shlex.quote(names[-1])} (harness import-labels,"
            " win-rate and pass-at-k), sheet in the options of human_csv; or save it as CSV",
        )
    rows: list[Row] = []
    problems: list[tuple[str, str]] = []
    header: tuple[str, ...] | None = None
    for number, line in enumerate(book[sheet or names[0]].iter_rows(values_only=True), 1):
        if header is None:
            width = max((i + 1 for i, name in enumerate(line) if name is not None), default=0)
            header = header_of(path, [said_text(name) for name in line[:width]])
        elif any(map(said_text, line[len(header) :])):
            problems.append((f"row {number}", "a cell stands right of the header's last column"))
        elif any(map(said_text, line)):
            rows.append(Row(f"row {number}", dict(zip(header, line, strict=False))))
    if header is None:
        raise DataError("the sheet is empty", where=str(path))
    return Table(path, header, tuple(rows), problems=tuple(problems))


def _need_values(path: Path, stored: Any, formulas: Any) -> None:
    """Refuse formulas of a sheet that no program has computed yet: their cells are not empty."""
    bare = [
        f"{said.column_letter}{said.row}"
        for values, row in zip(stored.iter_rows(), formulas.iter_rows(), strict=True)
        for value, said in zip(values, row, strict=True)
        # A formula that gives the empty text has the type of a text, and no value either.
        if value.value is None and said.data_type == "f" and value.data_type != "str"
    ]
    if bare:
        more = f" and {len(bare) - 8} more" if len(bare) > 8 else ""
        raise DataError(
            f"sheet {stored.title!r}: {len(bare)} formulas have no value:"
            f" {', '.join(bare[:8])}{more}",
            where=str(path),
            hint="open the file in a spreadsheet program and save it, which computes them",
        )

"""What stands beside the labels of a table: clusters, gold labels and numbers of each thing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.labels.columns import LabelColumns
from harness.labels.doubts import two_readings
from harness.labels.failures import NO_LABEL
from harness.labels.files import Table
from harness.labels.problems import Problems
from harness.labels.read_labels import Labelled
from harness.labels.values import cell_text, label_text, number_of, on_scale, pair_value, said_text

if TYPE_CHECKING:
    from harness.statistics.arrays import FloatArray


_UNKNOWN = NO_LABEL | {"", "none"}
"""Cells of a column of numbers that hold none, in lower case."""


@dataclass(frozen=True, slots=True)
class Beside:
    """Further columns of a table, one cell for each thing that its labels are about.

    Every method raises one DataError for everything that is wrong with a column, also where rows
    about one thing say different things.
    """

    table: Table
    labelled: Labelled

    def _cells(self, column: str, problems: Problems) -> Iterator[tuple[str, str]]:
        """Yield for each thing the cell that its rows share, and the place of it."""
        for thing, rows in self.labelled.rows.items():
            found, where = "", rows[0].place
            for row in rows:
                cell = row.text(column)
                if found and cell and cell != found:
                    name = self.labelled.name(thing)
                    message = f"{column} of item {name!r} is {cell!r}, but {found!r} before"
                    problems.add(row.place, message)
                elif cell and not found:
                    found, where = cell, row.place
            yield found, where

    def clusters(self, column: str) -> list[str] | None:
        """Return the group of each thing; without a column its item, where one has several."""
        if not column:
            items = [item for item, *_ in self.labelled.rows]
            return items if len(set(items)) < len(items) else None
        problems = Problems(self.table.path, "one item belongs to one cluster")
        found = [cell or f"#{i}" for i, (cell, _) in enumerate(self._cells(column, problems))]
        problems.raise_if_any(len(self.table.rows))
        return found

    def slices(self, column: str) -> list[str]:
        """Return the slice of each thing, "" without one."""
        problems = Problems(
            self.table.path, "one item belongs to one slice; name another column: --slice-column"
        )
        found = [cell for cell, _ in self._cells(column, problems)]
        problems.raise_if_any(len(self.table.rows))
        return found

    def gold(self, column: str, columns: LabelColumns) -> list[str | None]:
        """Return the gold label of each thing, None where there is none."""
        problems = Problems(self.table.path, "leave unknown gold labels empty")
        scale = columns.scale.build() if columns.scale else None
        found: list[str | None] = []
        cells = self._cells(column, problems)
        for responses, (cell, place) in zip(self.labelled.responses.values(), cells, strict=True):
            value: object = columns.values.get(said_text(cell), label_text(cell))
            if cell and len(responses) == 2:
                value = pair_value(cell, columns.values, responses)
                if message := two_readings(said_text(cell), columns.values, responses):
                    problems.add(place, message)
            elif cell and scale is not None:
                value = on_scale(value, scale)
            if cell and value is None:
                problems.add(place, f"{column} is {cell!r}")
            found.append(cell_text(value) if cell and value is not None else None)
        problems.raise_if_any(len(self.table.rows))
        return found

    def numbers(self, columns: Iterable[str], chances: Collection[str]) -> dict[str, FloatArray]:
        """Return the number of each thing by column, NaN where there is none.

        Those in ``chances`` are probabilities, between 0 and 1.
        """
        import numpy as np

        problems = Problems(self.table.path, "leave unknown cells empty")
        found = {}
        for column in columns:
            found[column] = np.full(len(self.labelled.rows), np.nan)
            for i, (cell, place) in enumerate(self._cells(column, problems)):
                number = number_of(cell)
                if cell.lower() in _UNKNOWN:
                    continue
                if number is None:
                    problems.add(place, f"{column} is {cell!r}, no number")
                elif number is not None and column in chances and not 0 <= number <= 1:
                    problems.add(place, f"{column} is {cell}, no probability between 0 and 1")
                elif number is not None:
                    found[column][i] = number
        problems.raise_if_any(len(self.table.rows))
        return found

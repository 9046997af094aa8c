"""``harness win-rate``: how often systems win, from a table of comparisons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli.options import one_object

if TYPE_CHECKING:
    from harness.report.tables import Table


@dataclass(frozen=True, kw_only=True)
class Options:
    """What ``harness win-rate`` is given.

    Args:
        table: One comparison a row.
        first_column: Column with the system whose answer stood first.
        second_column: Column with the other one.
        label_column: Column with the winner: a system's name, A, B, model_a, model_b or tie (also
            both_bad); a row with an empty cell, n/a or skip is left out and counted. Where systems
            are called A or tie: COLUMN:name or COLUMN:place.
        cluster_column: Column with the prompt: rows of one are not independent.
        length_column: Column with the length of the first minus the second answer.
        sheet: Sheet of an Excel file; by default its only one.
        json_file: Write everything to this JSON file.
    """

    table: Annotated[Path, typer.Argument()]
    first_column: str
    second_column: str
    label_column: str
    cluster_column: str = ""
    length_column: str = ""
    sheet: str = ""
    json_file: Annotated[Path | None, typer.Option("--json")] = None


@one_object
def command(options: Options) -> None:
    """Win rates of systems from a table of comparisons, ties half, also at equal length.

    harness win-rate ARENA.csv --first-column model_a --second-column model_b --label-column winner
    """
    from harness.cli.screen import console
    from harness.experiment.stages.win_rate import win_rate
    from harness.records.writes import write_json
    from harness.report.terminal import show

    columns = (
        options.first_column, options.second_column, options.label_column,
        options.cluster_column, options.length_column,
    )  # fmt: skip
    rows = win_rate((options.table, options.sheet), *columns)
    if options.json_file is not None:
        write_json(options.json_file, {"file": options.table.name, "wins": rows})
    show(console(), wins(rows))


def wins(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Return win rates of systems as a table, and at equal length where it is known."""
    from harness.report.aggregation import no_winner
    from harness.report.tables import Column, Table

    columns: list[Column | str] = [
        "system", "against", "W/T/L", *Column.each("rate", "win rate", "95% interval"),
        *Column.each("rate", "at equal length", "95% interval"),
    ]  # fmt: skip
    shown = []
    for row in rows:
        even = row["length_controlled"] or {}
        ends = even.get("low"), even.get("high")
        shown.append((row["a"], row["b"], *_won(row), even.get("value"), ends))
    left = sum(row["left_out"] for row in rows)
    notes = [*_unknown_rates(rows), *([no_winner(left)] if left else [])]
    return Table("", columns, shown, notes)


def _unknown_rates(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say why there is no rate at equal length, once for each two systems."""
    return list(
        dict.fromkeys(
            f"{row['a']} against {row['b']} at equal length: {even['reason']}"
            for row in rows
            if (even := row["length_controlled"])
            and None in (even["value"], even["low"])
            and even["reason"]
        )
    )


def against_base(result: Mapping[str, Any]) -> Table:
    """Return the win rates of every policy against the base, by each criterion."""
    from harness.report.tables import Column, Table

    base = result["base"]
    columns: list[Column | str] = [
        "by", "policy", f"W/T/L against {base}", *Column.each("rate", "win rate", "95% interval"),
        *Column.each("rate", "at equal length"),
    ]  # fmt: skip
    against = [row for row in result["wins"] if row["b"] == base]
    rows = [
        (row["criterion"], row["a"], *_won(row), row["length_controlled"]["value"])
        for row in against
    ]
    return Table("", columns, rows, _unknown_rates(against))


def _won(row: Mapping[str, Any]) -> tuple[str, float | None, tuple[float | None, float | None]]:
    counts = f"{row['wins']}/{row['ties']}/{row['losses']}"
    return counts, row["value"], (row["low"], row["high"])

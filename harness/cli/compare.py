"""``harness compare``: policies of two runs against each other."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import one_object
from harness.nouns.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Options:
    """What ``harness compare`` is given.

    Args:
        run_a: Folder of a finished run.
        run_b: Folder of another.
        arm: A:B compares arm A of the first with arm B of the second; repeatable. By default all
            policies of the same name, base among them.
        out: JSON file to write everything to.
    """

    run_a: Annotated[Path, typer.Argument()]
    run_b: Annotated[Path, typer.Argument()]
    arm: list[str] | None = None
    out: Path | None = None


@one_object
def command(options: Options) -> None:
    """Compare policies of two finished runs on the same held-out items: B less A, paired.

    Refuses runs whose held-out items or evaluators are not the same. Nobody is asked.
    """
    from harness.cli.screen import console
    from harness.experiment.compare import compare
    from harness.records.writes import write_json
    from harness.report.tables import Column, Table
    from harness.report.terminal import show

    found = compare(options.run_a, options.run_b, _arms(options.arm))
    if options.out is not None:
        write_json(options.out, found.as_row())
    rows = [
        (
            row["evaluator"],
            row["a"] if row["a"] == row["b"] else f"{row['a']} : {row['b']}",
            row["from"], row["to"],
            row["value"], (row["low"], row["high"]),
            row["p_holm"], row["verdict"],
        )
        for row in found.rows
    ]  # fmt: skip
    columns: list[Column | str] = [
        "evaluator", "policy", Column("A", "rate"), Column("B", "rate"),
        *Column.each("change", "B - A", "95% interval"), Column("p (Holm)", "p-value"), "",
    ]  # fmt: skip
    notes = [f"{found.items} held-out items in both.", *found.notes]
    show(console(), Table("", columns, rows, notes))


def _arms(given: list[str] | None) -> dict[str, str] | None:
    if not given:
        return None
    arms: dict[str, str] = {}
    for entry in given:
        a, separator, b = entry.partition(":")
        if not a or (separator and not b) or a in arms:
            raise ConfigError(f"--arm {entry!r} is not A:B, or names an arm of A twice")
        arms[a] = b or a
    return arms

"""``harness import-labels``: labels of people from any table or export, mapping shown first."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.options import one_object
from harness.nouns.counted import counted

if TYPE_CHECKING:
    from rich.console import Console

    from harness.labels.mapping import ColumnMapping


@dataclass(frozen=True)
class Options:
    """What ``harness import-labels`` is given.

    Args:
        file: CSV, TSV, JSON, JSONL, Parquet or Excel; or a tool's export.
        out: Write the labels as one long CSV table.
        raw_cells: Cells that begin like formulas stay as they are; not for spreadsheets.
        set_: Say what a column means, e.g. --set label=winner --set 'values={"1": A}'. Empty takes
            a guess back.
        accept: The mapping shown is right: use it.
        items: Items (JSONL): any other item is an error.
        responses: Responses (JSONL): any other response is an error.
        items_out: Write the prompts of the table as items.
        responses_out: Write the responses of the table.
        encoding: Of a text file; UTF-8 by default.
        delimiter: Of a CSV file; guessed by default.
        sheet: Of an Excel file.
    """

    file: Annotated[Path, typer.Argument()]
    out: Path | None = None
    raw_cells: bool = False
    set_: Annotated[list[str] | None, typer.Option("--set", metavar="OPTION=VALUE")] = None
    accept: bool = False
    items: Path | None = None
    responses: Path | None = None
    items_out: Path | None = None
    responses_out: Path | None = None
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""


@one_object
def command(options: Options) -> None:
    """Import labels of people: shows what each column is taken for, then writes one table.

    Nothing is written before --accept confirms the mapping, and nothing is written when any row
    is wrong: everything that is wrong comes in one report.
    """
    from harness.cli.options import split_pairs
    from harness.cli.screen import console
    from harness.labels.mapping import ColumnMapping, ImportFiles, imported, known_answers

    known = known_answers(options.items, options.responses)
    screen = console()
    mapping = ColumnMapping.of_file(
        options.file,
        split_pairs(options.set_, "--set"),
        encoding=options.encoding,
        delimiter=options.delimiter,
        sheet=options.sheet,
    )
    _show(screen, mapping)
    first = mapping.tidy(known).notes
    for note in first:
        screen.print(f"  {note}", markup=False)
    if not options.accept:
        screen.print(
            "\nNothing was written. If the mapping is right, add [bold]--accept[/bold]; "
            "to correct it, add [bold]--set OPTION=VALUE[/bold]."
        )
        return
    files = ImportFiles(options.out, options.items_out, options.responses_out, options.raw_cells)
    found = imported(mapping, files, known)
    labels = found.labels
    for note in found.tidy.notes[len(first) :]:
        screen.print(f"  {note}", markup=False)
    people, about = {label.annotator for label in labels}, {label.item_id for label in labels}
    reasons = Counter(label.reason for label in labels if label.reason)
    skips = reasons.pop("skip", 0)
    failed = "".join(f", {n} {reason}" for reason, n in sorted(reasons.items()))
    who = "1 person" if len(people) == 1 else f"{len(people):,} people"
    screen.print(
        f"\n{counted(len(labels), 'label')} ({counted(skips, 'skip')}{failed}) by {who}"
        f" on {counted(len(about), 'item')}, from {counted(len(mapping.table.rows), 'row')}."
    )
    for path in files.given:
        screen.print(f"wrote {path}", markup=False)
    screen.print("\nIn an experiment file:\n")
    screen.print(mapping.experiment_lines(labels, options.out), markup=False, end="")


def _show(screen: Console, mapping: ColumnMapping) -> None:
    from harness.labels.mapping import shortened
    from harness.report.tables import Table
    from harness.report.terminal import show

    table = mapping.table
    kind = f"{table.tool} export" if table.tool else "plain table"
    unused = ", ".join(map(str, mapping.unused))
    notes = [f"not used: {shortened(unused, 300)}"] if unused else []
    notes += [f"note: {note}" for note in table.notes]
    title = f"{table.path.name}: {kind}, {counted(len(table.rows), 'row')}"
    columns = ("option", "means", "example", "because")
    show(screen, Table(title, columns, list(mapping.meanings()), notes))

"""``harness report``: build the report of a run again from its report.json."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import one_object

FORMS = "csv", "latex", "cards", "every_eval_ever"


@dataclass(frozen=True)
class Options:
    """What ``harness report`` is given.

    Args:
        run_dir: Folder of a run, such as reports/demo; with --index, of several.
        index: Instead write index.html and index.md of the runs in this folder.
        out: Write the report here instead of into the run's folder.
        csv: Also write each table as CSV into this folder.
        latex: Also write each table as LaTeX into this folder.
        cards: Also write a model card for each arm and a dataset card into this folder.
        every_eval_ever: Also write the scores in the format of Every Eval Ever into this folder.
    """

    run_dir: Annotated[Path, typer.Argument()]
    index: bool = False
    out: Path | None = None
    csv: Path | None = None
    latex: Path | None = None
    cards: Path | None = None
    every_eval_ever: Path | None = None


@one_object
def command(options: Options) -> None:
    """Build report.html and report.md again from report.json; nothing is computed or judged."""
    from harness.cli.run import tell_report
    from harness.cli.screen import console
    from harness.experiment.stages.report import export, report
    from harness.nouns.counted import counted

    if options.index:
        _index(options)
        return
    tell_report(report(options.run_dir, options.out))
    for form in FORMS:
        if folder := getattr(options, form):
            made = export(options.run_dir, form, folder)
            console().print(f"{folder}: {counted(len(made), 'file')}", soft_wrap=True)


def _index(options: Options) -> None:
    from harness.cli.screen import console
    from harness.experiment.stages.report import index
    from harness.nouns.counted import counted
    from harness.nouns.errors import ConfigError

    if given := [name for name in ("out", *FORMS) if getattr(options, name)]:
        raise ConfigError(
            f"--index goes without --{given[0].replace('_', '-')}",
            hint="write the other forms of each run on its own",
        )
    path, runs, skipped = index(options.run_dir)
    screen = console()
    for line in skipped:
        screen.print(f"left out: {line}", soft_wrap=True, markup=False)
    told = f"{counted(runs, 'run')}, {counted(len(skipped), 'folder')} left out"
    screen.print(f"index: {path} ({told})", soft_wrap=True, markup=False)

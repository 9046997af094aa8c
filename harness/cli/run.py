"""``harness run``: an experiment file to its report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    experiment: Annotated[Path, typer.Argument(help="The experiment file (YAML).")],
    out: Annotated[
        Path | None, typer.Option(help="The run directory; reports/<name> by default.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
) -> None:
    """Run an experiment from items to report; the same command goes on after a stop."""
    from functools import partial

    from harness.cli.screen import advance, console, progress
    from harness.experiment.runner import run

    with progress(quiet) as bars:
        report = run(experiment, out, bar=partial(advance, bars))
    console().print(f"report: {report}", soft_wrap=True)

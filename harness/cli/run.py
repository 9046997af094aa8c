"""``harness run``: an experiment file to its report."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import one_object


@dataclass(frozen=True)
class Options:
    """What ``harness run`` is given."""

    experiment: Annotated[Path, typer.Argument(help="The experiment file (YAML).")]
    out: Annotated[
        Path | None, typer.Option(help="The run directory; reports/<name> by default.")
    ] = None
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False


@one_object
def command(options: Options) -> None:
    """Run an experiment from items to report; the same command goes on after a stop."""
    from functools import partial

    from harness.cli.screen import advance, console, progress
    from harness.experiment.run import run

    with progress(options.quiet) as bars:
        report = run(options.experiment, options.out, bar=partial(advance, bars))
    console().print(f"report: {report}", soft_wrap=True)

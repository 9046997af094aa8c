"""``harness run``: an experiment file to its report."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import Shown, one_object


@dataclass(frozen=True, kw_only=True)
class Options(Shown):
    """What ``harness run`` is given.

    Args:
        experiment: The experiment file (YAML).
        out: The run directory; reports/<name> by default.
    """

    experiment: Annotated[Path, typer.Argument()]
    out: Path | None = None


@one_object
def command(options: Options) -> None:
    """Run an experiment from items to report; the same command goes on after a stop."""
    from harness.cli.screen import bars, console
    from harness.experiment.run import run

    with bars(options.quiet) as bar:
        report = run(options.experiment, options.out, bar=bar)
    console().print(f"report: {report}", soft_wrap=True)

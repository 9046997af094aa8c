"""``harness report``: build the report of a run again from its report.json."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import one_object


@dataclass(frozen=True)
class Options:
    """What ``harness report`` is given.

    Args:
        run_dir: Folder of a run, such as reports/demo.
        out: Write the report here instead of into the run's folder.
    """

    run_dir: Annotated[Path, typer.Argument()]
    out: Path | None = None


@one_object
def command(options: Options) -> None:
    """Build report.html and report.md again from report.json; nothing is computed or judged."""
    from harness.cli.run import tell_report
    from harness.experiment.stages.report import report

    tell_report(report(options.run_dir, options.out))

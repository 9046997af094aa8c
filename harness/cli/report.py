"""``harness report``: build the report of a run again from its report.json."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    run_dir: Annotated[Path, typer.Argument(help="Folder of a run, such as reports/demo.")],
    out: Annotated[
        Path | None, typer.Option(help="Write the report here instead of into the run's folder.")
    ] = None,
) -> None:
    """Build report.html and report.md again from report.json; nothing is computed or judged."""
    from harness.cli.screen import console
    from harness.registry import registry
    from harness.report import build, load

    page = build(load(run_dir), out or run_dir, registry().sections)
    console().print(f"report: {page}", soft_wrap=True)

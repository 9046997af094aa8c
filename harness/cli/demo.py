"""``harness demo``: the packaged experiment on a toy policy, with no key and no GPU."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    out: Annotated[
        Path | None, typer.Option(help="The run directory; reports/arithmetic by default.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
) -> None:
    """Compare RLHF, RLAIF, RLVR and a hybrid on sums, with a small policy and a small judge."""
    from importlib.resources import files

    from harness.cli.run import command as run

    run(experiment=Path(str(files("harness.examples") / "arithmetic.yaml")), out=out, quiet=quiet)

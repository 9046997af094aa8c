"""``harness clean``: delete what earlier experiments left in a run directory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import one_object


@dataclass(frozen=True)
class Options:
    """What ``harness clean`` is given.

    Args:
        run_dir: Folder of a run, such as reports/demo.
        yes: Delete without asking.
    """

    run_dir: Annotated[Path, typer.Argument()]
    yes: bool = False


@one_object
def command(options: Options) -> None:
    """Delete the weights, responses and reports that a changed experiment set aside.

    They lie in RUN_DIR/earlier, and would come back if the experiment were changed back. The run's
    own results stay. Asks before it deletes anything.
    """
    from harness.cli.screen import console
    from harness.records.earlier import clean, kept_in
    from harness.report.tables import Column, Table
    from harness.report.terminal import show

    screen = console()
    found = kept_in(options.run_dir)
    if found:
        columns = "what", "made", Column("megabytes", "score")
        rows = [(k.was, f"{k.made:%Y-%m-%d %H:%M} UTC", k.size / 2**20) for k in found]
        show(screen, Table(f"set aside in {options.run_dir / 'earlier'}", columns, rows))
        if not options.yes:
            typer.confirm(f"Delete these {len(found)}?", abort=True)
    gone = clean(options.run_dir, found)
    size = sum(kept.size for kept in gone) / 2**20
    told = f"deleted {len(gone)}, {size:.2f} MB" if gone else "there is nothing to delete"
    screen.print(told, soft_wrap=True, markup=False)

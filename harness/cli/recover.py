"""``harness recover``: keep what can be read of a damaged file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import one_object


@dataclass(frozen=True)
class Options:
    """What ``harness recover`` is given.

    Args:
        file: A journal (.sqlite) or a table of the harness (.jsonl).
    """

    file: Annotated[Path, typer.Argument()]


@one_object
def command(options: Options) -> None:
    """Keep what can be read of a damaged journal or JSONL file, and say how much is lost.

    The damaged file stays beside it as FILE.damaged. What is lost is judged, and paid for, anew
    by the command that wrote the file.
    """
    from harness.cli.screen import console
    from harness.records.recovery import recover

    found = recover(options.file)
    screen = console()
    for name, kept in found.kept.items():
        more = " and perhaps more" if name in found.unknown else ""
        lost = f"{found.lost[name]} lost{more}"
        screen.print(f"{name}: {kept} kept, {lost}", soft_wrap=True, markup=False)
    screen.print(f"the damaged file is {found.damaged}", soft_wrap=True, markup=False)

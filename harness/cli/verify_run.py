"""``harness verify-run``: is a run as it was left, and do its tables follow from its rows?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli.options import one_object

if TYPE_CHECKING:
    from harness.records.verified import Changed, Verified

MOST = 5
"""Places of one file that are printed; --json has all of them."""
OTHERWISE = 3
"""Exit code where no row was changed, but this version computes otherwise."""
_LONG = 60


@dataclass(frozen=True, kw_only=True)
class Options:
    """What ``harness verify-run`` is given.

    Args:
        run_dir: Folder of a run, such as reports/demo.
        seal: The hash that was published when the run ended; another one is a change, too.
        json: Write everything to this JSON file.
    """

    run_dir: Annotated[Path, typer.Argument()]
    seal: str = ""
    json: Path | None = None


@one_object
def command(options: Options) -> None:
    """Check a finished run: every row against its seal, every table against the stored rows.

    Prints what was changed, with what it says and what it should say, and what could not be
    checked. Nobody is asked, nothing is sampled or written, no model is loaded. Exits with 0 where
    all is as the run left it; with 1 where anything was changed, or the run has no seal; with 2
    where it is no run; with 3 where no row was changed, but another version of the harness made the
    run and this one computes other numbers from them.
    """
    from harness.cli.screen import console
    from harness.experiment.verify_run import verify_run
    from harness.records.writes import write_json

    found = verify_run(options.run_dir, options.seal)
    if options.json is not None:
        write_json(options.json, found.as_row())
    screen = console()
    for line in told(found):
        screen.print(line, soft_wrap=True, markup=False)
    if not found.ok:
        raise typer.Exit(1 if found.changed else OTHERWISE)


def told(found: Verified) -> list[str]:
    """Return what was found, in lines."""
    lines = [found.other, ""] if found.other else []
    files = _by_file(found.changed)
    for file, changed in files.items():
        lines.append(file)
        for one in changed[:MOST]:
            lines += _told_of(one)
        if more := len(changed) - MOST:
            lines += [f"  and {more:,} more"] if more > 0 else []
    lines += [""] if files else []
    lines += [f"checked: {line}" for line in found.checked]
    lines += [f"not checked: {line}" for line in found.unchecked]
    lines += _otherwise(found)
    lines.append(f"seal: {found.seal}")
    if found.changed:
        lines.append(f"changed: {_places(found.changed)}")
    elif found.otherwise:
        lines.append("no row was changed; what was computed from them, only their version can tell")
    else:
        lines.append("everything that was checked is as the run left it")
    return lines


def _otherwise(found: Verified) -> list[str]:
    if not found.otherwise:
        return []
    among = ", ".join(f"{name} {len(of):,}" for name, of in _by_file(found.otherwise).items())
    return [f"this version computes otherwise: {_places(found.otherwise)} ({among})"]


def _places(changed: Sequence[Changed]) -> str:
    from harness.nouns.counted import counted

    return f"{counted(len(changed), 'place')} in {counted(len(_by_file(changed)), 'file')}"


def _by_file(changed: Sequence[Changed]) -> dict[str, list[Changed]]:
    files: dict[str, list[Changed]] = {}
    for one in changed:
        files.setdefault(one.file, []).append(one)
    return files


def _told_of(one: Changed) -> list[str]:
    from harness.records.differences import ABSENT

    where = ", ".join(part for part in (one.row, one.place) if part)
    if one.says == one.should == ABSENT or "the row was" in one.why:
        return [f"  {where}: {one.why}" if where else f"  {one.why}"]
    head = [f"  {where}"] if where else []
    return [
        *head,
        f"    says   {_shown(one.says)}",
        f"    should {_shown(one.should)}  ({one.why})",
    ]


def _shown(value: Any) -> str:
    import json

    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONG else f"{text[:_LONG]}… ({len(text):,} characters)"

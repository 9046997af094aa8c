"""What an earlier experiment made in a run directory: set aside, brought back, never overwritten.

It lies under ``earlier/NAME/``, at the path that it had in the run directory; NAME is the hash of
what it was made from. Only ``harness clean`` deletes it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from harness.nouns.errors import InputError
from harness.records.places import locked
from harness.records.writes import make_folder, writing

EARLIER = "earlier"
LOCK = ".lock"


@dataclass(frozen=True, slots=True)
class Kept:
    """One thing that was set aside.

    Attributes:
        path: Where it lies.
        was: Its path in the run directory before.
        size: Bytes.
        made: When the newest file in it was written.
    """

    path: Path
    was: str
    size: int
    made: datetime


def set_aside(run: Path, output: Path, name: str) -> Path | None:
    """Move an output of a run out of the way of a new one.

    Returns:
        Where it lies now; None where there is none.

    Raises:
        InputError: It cannot be moved.
    """
    if not output.exists():
        return None
    place = run / EARLIER / name
    for number in count(2):
        if not (kept := place / output.relative_to(run)).exists():
            break
        place = run / EARLIER / f"{name}-{number}"
    make_folder(kept.parent)
    with writing(kept):
        output.rename(kept)
    return kept


def bring_back(run: Path, output: Path, name: str) -> None:
    """Move an output back that was set aside under a name, unless a newer one stands there.

    Raises:
        InputError: It cannot be moved.
    """
    kept = run / EARLIER / name / output.relative_to(run)
    if kept.exists() and not output.exists():
        make_folder(output.parent)
        with writing(output):
            kept.rename(output)


def kept_in(run: Path) -> list[Kept]:
    """Return what was set aside in a run directory, the oldest first."""
    found = []
    for place in sorted((run / EARLIER).glob("*/*")):
        for path in sorted(place.iterdir()) if place.is_dir() else [place]:
            files = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
            states = [file.stat() for file in files]
            newest = max((state.st_mtime for state in states), default=path.stat().st_mtime)
            size = sum(state.st_size for state in states)
            was = path.relative_to(run / EARLIER / place.parent.name).as_posix()
            found.append(Kept(path, was, size, datetime.fromtimestamp(newest, UTC)))
    return sorted(found, key=lambda kept: (kept.made, kept.path))


def clean(run_dir: str | Path, only: Iterable[Kept] | None = None) -> list[Kept]:
    """Delete what earlier experiments made in a run directory; the run's own results stay.

    Args:
        run_dir: Folder of a run.
        only: Delete only these; by default all that was set aside.

    Returns:
        What was deleted.

    Raises:
        InputError: It is no folder of a run, or cannot be deleted.
        HarnessError: A run is at work in it.
    """
    run = Path(run_dir)
    if not (run / "manifest.json").is_file():
        raise InputError(
            "this is no folder of a run",
            where=str(run),
            hint="name the folder of a run, such as reports/<name>",
        )
    with locked(run / LOCK, run):
        gone = kept_in(run) if only is None else list(only)
        for kept in gone:
            with writing(kept.path):
                shutil.rmtree(kept.path) if kept.path.is_dir() else kept.path.unlink()
            folder = kept.path.parent
            while folder != run and not any(folder.iterdir()):
                folder.rmdir()
                folder = folder.parent
    return gone

"""What a changed experiment finds of an earlier one in its run directory, and says of it."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.nouns.errors import DataError
from harness.nouns.plain_text import visible
from harness.records.differences import differing
from harness.records.earlier import EARLIER
from harness.records.rows import read_json
from harness.records.run_directory import NAME, RunDirectory
from harness.records.writes import write_json
from harness.registry import registry

MADE_FROM = "made_from.json"
"""In the folder of a training: what it was made from."""

PAGES = ("report.html", "report.md", "report.json")


def tell_aside(run: RunDirectory, aside: Sequence[Path], why: Sequence[str] = ()) -> None:
    """Say on stderr what was moved out of the way, why, and where it is kept."""
    if not aside:
        return
    names = [_was(run, path) for path in aside]
    told = "; ".join(dict.fromkeys(why))
    lines = [
        f"the experiment changed{told and f' ({told})'}, so these were set aside:"
        f" {', '.join(names)}",
        f"  they are kept in {run.path / EARLIER}; harness clean {run.path} deletes them",
    ]
    sys.stderr.writelines(f"{visible(line)}\n" for line in lines)


def _was(run: RunDirectory, path: Path) -> str:
    return Path(*path.relative_to(run.path).parts[2:]).as_posix()


def note_made_from(folder: Path, inputs: Mapping[str, Any]) -> None:
    """Write what a training is made from into its folder, for whoever finds it later."""
    if not (folder / MADE_FROM).is_file():
        write_json(folder / MADE_FROM, dict(inputs))


def changes(aside: Sequence[Path], inputs: Mapping[str, Any]) -> list[str]:
    """Return the keys in which a training that was set aside differs from what is made now."""
    now = json.loads(json.dumps(inputs))  # tuples are lists in a file
    for folder in aside:
        try:
            before = read_json(folder / MADE_FROM)
            return [one.place for one in differing(before, now, into_lists=False)]
        except DataError:  # of an earlier version, or damaged; it only tells
            continue
    return []


def mark_old(run: RunDirectory, fingerprint: str) -> None:
    """Mark a report that another experiment left here as old, and keep a copy of it.

    Args:
        run: The run directory.
        fingerprint: Of the experiment that is run now.
    """
    from harness.report import build, load

    if not (run.path / "report.json").exists():
        return
    try:
        data = load(run.path)
        if data.get("manifest", {}).get("fingerprint") == fingerprint:
            return
        # One that an earlier version wrote does not say what it is of.
        before = str(data.get("manifest", {}).get("fingerprint") or "unknown")
        old = {**data, "old": True}
        for folder in (run.path, run.path / EARLIER / before[:NAME] / "report"):
            build(old, folder, registry().sections)
    except DataError:  # damaged, or of another format: it cannot be marked
        for name in PAGES:
            run.set_aside(run.path / name, "unknown")

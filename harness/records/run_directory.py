"""The run directory: paths, the manifest and the lock of one run."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.nouns.hashing import content_hash
from harness.records.earlier import LOCK, bring_back, set_aside
from harness.records.places import locked
from harness.records.rows import damaged, read_json
from harness.records.writes import write_json

MANIFEST = "manifest.json"
NAME = 12
"""Characters of the hash of inputs that name a folder."""


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and 0 <= value < math.inf  # type: ignore[operator]


def _maps(fits: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, dict) and all(map(fits, value.values()))


def _is_text(value: object) -> bool:
    return isinstance(value, str)


_SHAPES: dict[str, Callable[[object], bool]] = {
    "stages": _maps(_is_text),
    "seconds": _is_number,
    "source_seconds": _maps(_is_number),
    "created": _is_text,
}
"""What a later try reads again."""


@dataclass(frozen=True, slots=True)
class RunDirectory:
    """Paths and the manifest of one run."""

    path: Path

    def manifest(self) -> dict[str, Any]:
        """Return the manifest, empty for a new run.

        Raises:
            DataError: It is damaged.
        """
        path = self.path / MANIFEST
        if not os.path.lexists(path):
            return {}
        found = read_json(path)
        for key, fits in _SHAPES.items():
            if key in found and not fits(found[key]):
                raise damaged(path, f"{key} is {found[key]!r:.60}")
        return found

    def update_manifest(self, **entries: Any) -> None:
        """Set top-level entries of the manifest."""
        write_json(self.path / MANIFEST, {**self.manifest(), **entries})

    def holds(self, stage: str, inputs: object, output: Path) -> bool:
        """Tell whether the output of a stage is there, made from these inputs."""
        made_from = self.manifest().get("stages", {}).get(stage)
        return made_from == content_hash(inputs) and output.exists()

    def begin(self, stage: str, inputs: object, *outputs: Path) -> list[Path]:
        """Make the outputs of a stage those of its inputs; it is done when they are there.

        What other inputs made is set aside, and what these made before comes back. A kill in
        between leaves nothing that could be taken for what it is not.

        Returns:
            Where what other inputs made lies now.
        """
        stages = self.manifest().get("stages", {})
        before, now = stages.get(stage, "unknown"), content_hash(inputs)
        aside = []
        if before != now:
            moved = (set_aside(self.path, output, before[:NAME]) for output in outputs)
            aside = [path for path in moved if path is not None]
            self.update_manifest(stages={**stages, stage: now})
        for output in outputs:
            bring_back(self.path, output, now[:NAME])
        return aside

    def set_aside(self, output: Path, name: str) -> Path | None:
        """Move an output out of the way, for good; see ``harness.records.earlier``."""
        return set_aside(self.path, output, name)

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the directory for this process, so that two runs cannot mix.

        Raises:
            HarnessError: Another process holds it.
            InputError: It is a file.
        """
        with locked(self.path / LOCK, self.path):
            yield

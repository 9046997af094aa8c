"""The run directory: paths, the manifest and the lock of one run."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.nouns.errors import HarnessError
from harness.nouns.hashing import content_hash
from harness.records.rows import read_json
from harness.records.writes import make_folder, write_json

MANIFEST = "manifest.json"


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
        return read_json(path) if path.is_file() else {}

    def update_manifest(self, **entries: Any) -> None:
        """Set top-level entries of the manifest."""
        write_json(self.path / MANIFEST, {**self.manifest(), **entries})

    def is_done(self, stage: str, inputs: object) -> bool:
        """Tell whether a stage finished with exactly these inputs."""
        return bool(self.manifest().get("stages", {}).get(stage) == content_hash(inputs))

    def mark_done(self, stage: str, inputs: object) -> None:
        """Record that a stage finished with these inputs."""
        stages = {**self.manifest().get("stages", {}), stage: content_hash(inputs)}
        self.update_manifest(stages=stages)

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the directory for this process, so that two runs cannot mix.

        Raises:
            HarnessError: Another process holds it.
            InputError: It is a file.
        """
        import fcntl

        make_folder(self.path)
        with (self.path / ".lock").open("w", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise HarnessError(
                    f"another process is working in {self.path}\n  hint: wait for it, or stop it"
                ) from error
            yield

"""Seconds of work over all tries of a run, kept in the manifest as they pass."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from harness.experiment.context import Move, StartBar
from harness.records.journal import Journal
from harness.records.run_directory import RunDirectory

SAVE_S = 1.0
"""Seconds between two notes in the manifest; a kill loses no more."""

DIGITS = 4
"""Of the seconds of a source, in the manifest and in the report alike."""


class Clock:
    """Counts what every try worked; a try that finds everything done adds nothing.

    Args:
        run: Its manifest keeps ``seconds`` and ``source_seconds``.
        journal: Tells whether anything was judged.
    """

    def __init__(self, run: RunDirectory, journal: Journal) -> None:
        self._run = run
        self._journal = journal
        manifest = run.manifest()
        self._seconds = float(manifest.get("seconds", 0.0))
        self._of_source: dict[str, float] = dict(manifest.get("source_seconds", {}))
        self._complete = "finished" in manifest
        self._stages = manifest.get("stages")
        self._began = self._saved = time.monotonic()
        self._judging: tuple[str, float] | None = None

    def watch(self, bar: StartBar) -> StartBar:
        """Return a bar that also notes the time as it moves."""

        def start(title: str, total: int) -> Move:
            move_on = bar(title, total)

            def move(count: int, *, kept: bool = False) -> None:
                move_on(count, kept=kept)
                if time.monotonic() - self._saved > SAVE_S:
                    self.save()

            return move

        return start

    @contextmanager
    def source(self, name: str) -> Iterator[None]:
        """Count the body as the time of a source, if it changes the journal."""
        before = self._journal.changes()
        self._judging = (name, time.monotonic())
        try:
            yield
        finally:
            spent = time.monotonic() - self._judging[1]
            self._judging = None
            if self._journal.changes() > before or name not in self._of_source:
                self._of_source[name] = self._of_source.get(name, 0.0) + spent
            self.save()

    def seconds_of(self, name: str) -> float:
        """Return the seconds of a source over all tries, as the manifest has them."""
        return round(self._of_source.get(name, 0.0), DIGITS)

    def save(self) -> None:
        """Note the time in the manifest."""
        now = self._saved = time.monotonic()
        of_source = dict(self._of_source)
        if self._judging is not None:
            name, began = self._judging
            of_source[name] = of_source.get(name, 0.0) + now - began
        self._note(self._seconds + now - self._began, of_source)

    def finish(self) -> bool:
        """Note the time of the whole run; that of a complete run's idle repetition is left out.

        Returns:
            Whether it was one.
        """
        same = self._stages == self._run.manifest().get("stages")
        idle = self._complete and same and self._journal.changes() == 0
        elapsed = 0.0 if idle else time.monotonic() - self._began
        self._note(self._seconds + elapsed, self._of_source)
        return idle

    def _note(self, seconds: float, of_source: dict[str, float]) -> None:
        rounded = {name: round(value, DIGITS) for name, value in of_source.items()}
        self._run.update_manifest(seconds=round(seconds, 2), source_seconds=rounded)

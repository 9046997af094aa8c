"""What the owner sees while people label: who is how far, and how well they agree so far."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from harness.label_page.queue import Queue
from harness.labels.values import cell_text
from harness.nouns.rubric import Criterion
from harness.nouns.scale import PREFERENCE, Level
from harness.statistics.estimate import Estimate


@dataclass(frozen=True, slots=True)
class Ratings:
    """Labels of one criterion as a table: tasks in rows, people in columns.

    Args:
        labels: Person -> one label for each task; None where there is none, or a skip.
        clusters: The item of each task; tasks of one item are not independent.
        level: Level of measurement.
        categories: Labels in their order; None for numbers.
        tie: The label that means "no preference"; None for scores.
    """

    labels: dict[str, list[str | None]]
    clusters: list[str]
    level: Level
    categories: tuple[str, ...] | None
    tie: str | None


Measure = Callable[[Ratings], Sequence[Estimate]]
"""Computes agreement, each figure named in words."""


@dataclass(frozen=True, slots=True)
class PersonRow:
    """How far one person is, and what this person chose."""

    name: str
    done: int
    total: int
    skipped: int
    seconds: float | None
    shares: tuple[tuple[str, int], ...]


def person_rows(queue: Queue) -> list[PersonRow]:
    """Return one row for each person who was shown something."""
    rows = []
    for name in queue.people():
        mine = [entry for entry in queue.entries() if entry.person == name]
        seconds = [entry.seconds for entry in mine if entry.seconds is not None]
        progress = queue.progress(name)
        counts = Counter(cell_text(e.value) for e in mine if e.value is not None)
        rows.append(
            PersonRow(
                name,
                progress.done,
                progress.total,
                progress.skipped,
                median(seconds) if seconds else None,
                tuple(sorted(counts.items())),
            )
        )
    return rows


def ratings_by_criterion(queue: Queue) -> list[tuple[Criterion, Ratings]]:
    """Return the labels so far, one table for each criterion, of tasks that anyone labelled."""
    people = sorted({entry.person for entry in queue.entries()})
    found = []
    criteria = dict.fromkeys(request.criterion for request in queue.requests)
    for criterion in criteria:
        labels: dict[str, list[str | None]] = {person: [] for person in people}
        clusters = []
        pairs = False
        for request in queue.requests:
            if request.criterion != criterion:
                continue
            given = {person: queue.label_of(person, request.id) for person in people}
            if not any(given.values()):
                continue
            pairs = len(request.responses) == 2
            clusters.append(request.item.id)
            for person, entry in given.items():
                skipped = entry is None or entry.value is None
                labels[person].append(None if skipped else cell_text(entry.value))  # type: ignore[union-attr]
        scale = PREFERENCE if pairs else criterion.scale
        ratings = Ratings(
            labels, clusters, scale.level, scale.labels or None, "TIE" if pairs else None
        )
        found.append((criterion, ratings))
    return found

"""What the owner sees while people label: who is how far, and how well they agree so far."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from itertools import combinations
from statistics import median

from harness.agreement import cohen_kappa, krippendorff_alpha, pairs_of
from harness.agreement.kappa import percent_agreement
from harness.label_page.queue import Queue
from harness.label_page.store import Entry
from harness.labels.values import cell_text
from harness.nouns.rubric import Criterion
from harness.nouns.scale import PREFERENCE
from harness.nouns.schema import JudgmentRequest
from harness.ratings.table import RatingTable, from_labels
from harness.statistics.estimate import Estimate

MOST_PAIRS_OF_PEOPLE = 15


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


def ratings_by_criterion(queue: Queue) -> list[tuple[Criterion, RatingTable | None]]:
    """Return the labels so far, one table for each criterion, of tasks that anyone labelled.

    A criterion of which two people have not said anything yet has no table.
    """
    people = sorted({entry.person for entry in queue.entries()})
    asked: dict[Criterion, list[JudgmentRequest]] = {}
    for request in queue.requests:
        asked.setdefault(request.criterion, []).append(request)
    found: list[tuple[Criterion, RatingTable | None]] = []
    for criterion, requests in asked.items():
        answered = [r for r in requests if any(queue.label_of(p, r.id) for p in people)]
        labels = {p: [_said(queue.label_of(p, r.id)) for r in answered] for p in people}
        pairs = len(requests[0].responses) == 2
        scale = PREFERENCE if pairs else criterion.scale
        ratings = None
        if len(people) > 1 and any(map(any, labels.values())):
            ratings = from_labels(
                labels,
                humans=people,
                level=scale.level,
                categories=scale.labels or None,
                clusters=[request.item.id for request in answered],
                tie="TIE" if pairs else None,
            )
        found.append((criterion, ratings))
    return found


def _said(entry: Entry | None) -> str | None:
    """Return a label as text; None where there is none, or a skip."""
    return None if entry is None or entry.value is None else cell_text(entry.value)


def measure(table: RatingTable | None) -> list[Estimate]:
    """Compute the owner's agreement: alpha of all people, then each pair of people."""
    if table is None:
        return []
    alpha = krippendorff_alpha(
        table.label_counts(),
        table.level,
        "all people",
        values=table.values,
        clusters=table.clusters,
    )
    found = [replace(alpha, name=f"Krippendorff's alpha ({table.level})")]
    pairs = list(combinations(range(len(table.annotators)), 2))
    for a, b in pairs[:MOST_PAIRS_OF_PEOPLE]:
        names = f"{table.annotators[a]}, {table.annotators[b]}"
        both = pairs_of(table.codes[:, a], table.codes[:, b], table.clusters, table.n_categories)
        found.append(replace(cohen_kappa(both, names), name="Cohen's kappa"))
        found.append(replace(percent_agreement(both, names), name="Same label"))
    return found

"""What is in the table: labels, gaps, failures, ties, prevalence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.agreement.accuracy import majority
from harness.ratings.table import RatingTable


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many of the items that an annotator was asked got a label.

    Args:
        annotator: Name.
        kind: human, judge, verifier or reward_model.
        simulated: Whether a program made the annotator up.
        items: Items in the table.
        labels: Items with a label.
        failures: Reason -> items that were asked and got no label for that reason.
    """

    annotator: str
    kind: str
    simulated: bool
    items: int
    labels: int
    failures: Mapping[str, int]

    @property
    def failed(self) -> int:
        """Items that failed."""
        return sum(self.failures.values())

    @property
    def missing(self) -> int:
        """Items that were never asked."""
        return self.items - self.labels - self.failed

    @property
    def share(self) -> float | None:
        """Labels among the items that were asked; None if none was."""
        asked = self.labels + self.failed
        return self.labels / asked if asked else None


@dataclass(frozen=True, slots=True)
class Audit:
    """The data before any statistic.

    Args:
        n_items: Items.
        n_clusters: Independent groups of items.
        coverage: One entry for each annotator.
        humans_per_item: Number of people -> items with that many human labels.
        majority_ties: Items whose human majority is a tie, so that they have no majority label.
        prevalence: Category -> share of the human labels (of all labels without people).
    """

    n_items: int
    n_clusters: int
    coverage: tuple[Coverage, ...]
    humans_per_item: Mapping[int, int]
    majority_ties: int
    prevalence: Mapping[str, float]

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Audit:
        """Return the audit of the plain values that ``asdict`` made."""
        coverage = tuple(Coverage(**row) for row in stored["coverage"])
        people = {int(people): items for people, items in stored["humans_per_item"].items()}
        return cls(**{**stored, "coverage": coverage, "humans_per_item": people})


def audit(table: RatingTable) -> Audit:
    """Count what is there and what is not."""
    people = list(table.humans)
    counts = table.label_counts(people) if people else table.label_counts()
    raters = counts.sum(1)
    total = int(raters.sum())
    number, items = np.unique(raters, return_counts=True)
    return Audit(
        n_items=len(table.items),
        n_clusters=int(np.unique(table.clusters).size),
        coverage=tuple(_coverage(table, column) for column in range(len(table.annotators))),
        humans_per_item=dict(zip(number.tolist(), items.tolist(), strict=True)) if people else {},
        majority_ties=int(((majority(counts) < 0) & (raters > 0)).sum()) if people else 0,
        prevalence={
            label: float(share)
            for label, share in zip(table.categories, counts.sum(0) / max(1, total), strict=True)
        },
    )


def _coverage(table: RatingTable, column: int) -> Coverage:
    name = table.annotators[column]
    failed = np.bincount(table.failures[:, column], minlength=len(table.reasons) + 1)[1:]
    counted = zip(table.reasons, failed.tolist(), strict=True)
    return Coverage(
        annotator=name,
        kind=table.kinds[column],
        simulated=name in table.simulated,
        items=len(table.items),
        labels=int((table.codes[:, column] >= 0).sum()),
        failures={reason: count for reason, count in counted if count},
    )

"""How well the people of a label page agree so far."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

from harness.agreement import cohen_kappa, krippendorff_alpha, pairs_of
from harness.agreement.kappa import percent_agreement
from harness.label_page.owner import Ratings
from harness.ratings.table import from_labels
from harness.statistics.estimate import Estimate

MOST_PAIRS_OF_PEOPLE = 15


def measure(ratings: Ratings) -> list[Estimate]:
    """Compute the owner's agreement: alpha of all people, then each pair of people."""
    if not any(label for column in ratings.labels.values() for label in column):
        return []
    table = from_labels(
        ratings.labels,
        humans=list(ratings.labels),
        level=ratings.level,
        categories=ratings.categories,
        clusters=ratings.clusters,
    )
    counts = table.label_counts()
    alpha = krippendorff_alpha(
        counts, table.level, "all people", values=table.values, clusters=table.clusters
    )
    found = [replace(alpha, name=f"Krippendorff's alpha ({table.level})")]
    pairs = list(combinations(range(len(table.annotators)), 2))
    for a, b in pairs[:MOST_PAIRS_OF_PEOPLE]:
        names = f"{table.annotators[a]}, {table.annotators[b]}"
        both = pairs_of(table.codes[:, a], table.codes[:, b], table.clusters, table.n_categories)
        found.append(replace(cohen_kappa(both, names), name="Cohen's kappa"))
        found.append(replace(percent_agreement(both, names), name="Same label"))
    return found

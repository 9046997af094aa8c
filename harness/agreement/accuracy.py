"""Agreement with a majority or gold label, the human ceiling, and macro precision, recall, F1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from harness.agreement.kappa import Pairs, pairs_of, percent_agreement
from harness.ratings.table import MISSING, RatingTable, counts_of
from harness.statistics.arrays import FloatArray, IntArray
from harness.statistics.estimate import Estimate, undefined
from harness.statistics.intervals import cluster_share
from harness.statistics.resample import BOOTSTRAP, Bootstrap, distinct_rows, estimate, units_of

Average = Literal["precision", "recall", "f1"]


def majority(counts: IntArray) -> IntArray:
    """Return (n,) the category given most often, -1 for no label and for a tie.

    A tie stays a tie; it never becomes the first category.
    """
    if counts.shape[1] == 0:
        return np.full(counts.shape[0], MISSING, dtype=np.int64)
    top = counts.max(1)
    single = (counts == top[:, None]).sum(1) == 1
    return np.where((top > 0) & single, counts.argmax(1), MISSING)


def accuracy(
    predicted: IntArray,
    truth: IntArray,
    clusters: IntArray,
    annotators: str,
    *,
    name: str = "accuracy",
) -> Estimate:
    """Return the share of labels equal to the truth, with its CR1 t-interval.

    Args:
        predicted: (n,) codes, -1 where there is no label.
        truth: (n,) codes, -1 where there is no truth (such as a tied majority).
        clusters: (n,) cluster of each item.
        annotators: Whom it is about.
        name: Name of the row.
    """
    both = (predicted >= 0) & (truth >= 0)
    right = (predicted[both] == truth[both]).astype(np.float64)
    return cluster_share(
        name, annotators, right, clusters[both], why_undefined="no item has a label and a truth"
    )


def macro(
    average: Average,
    pairs: Pairs,
    annotators: str,
    *,
    bootstrap: Bootstrap = BOOTSTRAP,
) -> Estimate:
    """Return precision, recall or F1 averaged over the categories that occur.

    A category that the annotator never gave has precision 0, and one that is never true recall 0
    (Sokolova & Lapalme 2009, with the convention of scikit-learn's ``zero_division=0``).

    Args:
        average: precision, recall or f1.
        pairs: What was said, then the truth, of the items that have both.
        annotators: Whom it is about.
        bootstrap: Its replicates and seed.
    """
    name = f"macro_{average}"
    said, true = pairs.first, pairs.second
    if not said.size:
        return undefined(name, annotators, "no item has a label and a truth")
    used = np.union1d(said, true)
    c = used.size
    first, pattern = distinct_rows(np.column_stack([said, true]))
    eye = (np.arange(pairs.n_categories)[:, None] == used[None, :]).astype(np.float64)
    a, b = eye[said[first]], eye[true[first]]
    units = units_of(np.column_stack([a * b, a, b]), pattern, pairs.clusters)

    def value(sums: FloatArray) -> FloatArray:
        hit, gave, was = sums[..., :c], sums[..., c : 2 * c], sums[..., 2 * c :]
        if average == "precision":
            below = gave
        elif average == "recall":
            below = was
        else:
            below, hit = gave + was, 2.0 * hit
        share = np.divide(hit, below, out=np.zeros_like(hit), where=below > 0)
        return np.asarray(share.mean(-1))

    return estimate(
        name,
        annotators,
        units,
        value,
        n=said.size,
        why_undefined="no label",
        bounds=(0.0, 1.0),
        perfect=(1.0, float(c)),
        bootstrap=bootstrap,
    )


def leave_one_out(
    codes: IntArray,
    people: Sequence[int],
    clusters: IntArray,
    names: Sequence[str],
    n_categories: int,
) -> list[Estimate]:
    """Return, for each person, the agreement with the majority of the other people.

    Where the others tie between k labels, one of those counts as 1/k: the expected agreement when
    the tie is broken by chance. Dropping such items would make the ceiling too high.

    Args:
        codes: (n, a) codes.
        people: Columns of the people.
        clusters: (n,) cluster of each item.
        names: Names of the annotators.
        n_categories: Number of declared categories.
    """
    counts = counts_of(codes[:, list(people)], n_categories)
    rows = []
    for person in people:
        rest = counts - _one_hot(codes[:, person], n_categories)
        rows.append(
            _against_counts(
                "person_against_rest",
                codes[:, person],
                rest,
                clusters,
                f"{names[person]} against the other people",
            )
        )
    return rows


def against_the_rest(
    codes: IntArray,
    judge: int,
    people: Sequence[int],
    clusters: IntArray,
    name: str,
    n_categories: int,
) -> Estimate:
    """Return a judge's mean agreement with the same majorities that the people were held against.

    For each person left out, the judge is compared with the majority of the others, tied ones
    counting 1/k; so the number stands on the same ground as the human ceiling.

    Args:
        codes: (n, a) codes.
        judge: Column of the judge.
        people: Columns of the people.
        clusters: (n,) cluster of each item.
        name: Name of the judge.
        n_categories: Number of declared categories.
    """
    counts = counts_of(codes[:, list(people)], n_categories)
    scores = np.full((codes.shape[0], len(people)), np.nan)
    for k, person in enumerate(people):
        rest = counts - _one_hot(codes[:, person], n_categories)
        usable = (codes[:, judge] >= 0) & (codes[:, person] >= 0) & (rest.sum(1) > 0)
        scores[usable, k] = _credit(codes[usable, judge], rest[usable])
    usable = ~np.isnan(scores).all(1)
    return cluster_share(
        "judge_against_rest",
        f"{name} against all people but one",
        np.nanmean(scores[usable], axis=1),
        clusters[usable],
        why_undefined="no item has the judge's label and two people's",
    )


def human_ceiling(
    codes: IntArray, people: Sequence[int], clusters: IntArray, n_categories: int
) -> Estimate:
    """Return the mean over people of their agreement with the majority of the rest.

    Args:
        codes: (n, a) codes.
        people: Columns of the people.
        clusters: (n,) cluster of each item.
        n_categories: Number of declared categories.
    """
    counts = counts_of(codes[:, list(people)], n_categories)
    scores = np.full((codes.shape[0], len(people)), np.nan)
    for k, person in enumerate(people):
        rest = counts - _one_hot(codes[:, person], n_categories)
        usable = (codes[:, person] >= 0) & (rest.sum(1) > 0)
        scores[usable, k] = _credit(codes[usable, person], rest[usable])
    usable = ~np.isnan(scores).all(1)
    return cluster_share(
        "human_ceiling",
        "people, each against the majority of the rest",
        np.nanmean(scores[usable], axis=1),
        clusters[usable],
        why_undefined="no item has the labels of two people",
    )


def pairwise_agreement(table: RatingTable, columns: Sequence[int]) -> list[Estimate]:
    """Return the percent agreement of every pair of the given annotators."""
    rows = []
    for position, i in enumerate(columns):
        for j in columns[position + 1 :]:
            pairs = pairs_of(
                table.codes[:, i], table.codes[:, j], table.clusters, table.n_categories
            )
            rows.append(percent_agreement(pairs, f"{table.annotators[i]} - {table.annotators[j]}"))
    return rows


def vote_agreement(
    first: IntArray, second: IntArray, clusters: IntArray, annotators: str, name: str
) -> Estimate:
    """Return how often two randomly drawn votes on the same item agree (Zheng et al. 2023, §4.1).

    Args:
        first: (n, c) votes of one group.
        second: (n, c) votes of the other; the same array for agreement inside one group.
        clusters: (n,) cluster of each item.
        annotators: Whom it is about.
        name: Name of the row.
    """
    if second is first:
        r = first.sum(1)
        usable = r > 1
        same = (first * (first - 1)).sum(1)[usable] / (r * (r - 1))[usable]
    else:
        usable = (first.sum(1) > 0) & (second.sum(1) > 0)
        same = (first * second).sum(1)[usable] / (first.sum(1) * second.sum(1))[usable]
    return cluster_share(
        name,
        annotators,
        same,
        clusters[usable],
        why_undefined="no item has a vote of both",
    )


def _one_hot(codes: IntArray, n_categories: int) -> IntArray:
    hot: IntArray = (codes[:, None] == np.arange(n_categories)[None, :]).astype(np.int64)
    return hot


def _credit(codes: IntArray, counts: IntArray) -> FloatArray:
    top = counts == counts.max(1, keepdims=True)
    chosen = np.take_along_axis(top, codes[:, None], axis=1)[:, 0]
    return np.asarray(chosen / top.sum(1))


def _against_counts(
    name: str, codes: IntArray, counts: IntArray, clusters: IntArray, annotators: str
) -> Estimate:
    usable = (codes >= 0) & (counts.sum(1) > 0)
    scores = _credit(codes[usable], counts[usable])
    return cluster_share(
        name,
        annotators,
        scores,
        clusters[usable],
        why_undefined="no item has this label and another person's",
    )

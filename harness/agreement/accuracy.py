"""Agreement with a majority or gold label, the human ceiling, and macro precision, recall, F1."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Literal

import numpy as np

from harness.agreement.kappa import Pairs, pairs_of, percent_agreement
from harness.ratings.table import MISSING, RatingTable
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
    name: str = "accuracy",
) -> Estimate:
    """Return the share of labels equal to the truth, with its CR1 t-interval."""
    both = (predicted >= 0) & (truth >= 0)
    right = (predicted[both] == truth[both]).astype(np.float64)
    return cluster_share(
        name, annotators, right, clusters[both], why_undefined="no item has a label and a truth"
    )


def macro(
    average: Average, pairs: Pairs, annotators: str, *, bootstrap: Bootstrap = BOOTSTRAP
) -> Estimate:
    """Return precision, recall or F1 averaged over the categories that occur.

    A category that the annotator never gave has precision 0, and one that is never true recall 0
    (Sokolova & Lapalme 2009, with the convention of scikit-learn's ``zero_division=0``).

    ``pairs`` are what was said, then the truth, of the items that have both.
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
        below = {"precision": gave, "recall": was, "f1": (gave + was) / 2.0}[average]
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


def f1_of(
    category: int,
    pairs: Pairs,
    annotators: str,
    *,
    bootstrap: Bootstrap = BOOTSTRAP,
) -> Estimate:
    """Return the F1 of one category, 2 TP / (2 TP + FP + FN), with these counts as its reason.

    ``pairs`` are what was said, then the truth, of the items that have both.
    """
    said, true = pairs.first == category, pairs.second == category
    hit, false, missed = (int(x.sum()) for x in (said & true, said & ~true, ~said & true))
    counts = f"TP {hit}, FP {false}, FN {missed}, TN {said.size - hit - false - missed}"
    first, pattern = distinct_rows(np.column_stack([said, true]).astype(np.int64))
    features = np.column_stack([said & true, said, true]).astype(np.float64)[first]

    def value(sums: FloatArray) -> FloatArray:
        below = sums[..., 1] + sums[..., 2]
        return np.divide(2 * sums[..., 0], below, out=np.full_like(below, np.nan), where=below > 0)

    return estimate(
        "f1",
        annotators,
        units_of(features, pattern, pairs.clusters),
        value,
        n=said.size,
        why_undefined="the category was neither said nor true" if said.size else "no label",
        bounds=(0.0, 1.0),
        perfect=(1.0, 1.0),
        bootstrap=bootstrap,
    ).caution(counts)


def leave_one_out(table: RatingTable) -> list[Estimate]:
    """Return, for each person, the agreement with the majority of the other people.

    Where the others tie between k labels, one of those counts as 1/k: the expected agreement when
    the tie is broken by chance. Dropping such items would make the ceiling too high.
    """
    return [
        _mean_credit(
            "person_against_rest",
            f"{table.annotators[person]} against the other people",
            scores[:, None],
            table.clusters,
            "no item has this label and another person's",
        )
        for person, scores in zip(table.humans, _credits(table).T, strict=True)
    ]


def against_the_rest(table: RatingTable, judge: int) -> Estimate:
    """Return a judge's mean agreement with the same majorities that the people were held against.

    For each person left out, the judge (a column) is compared with the majority of the others, tied
    ones counting 1/k; so the number stands on the same ground as the human ceiling.
    """
    return _mean_credit(
        "judge_against_rest",
        f"{table.annotators[judge]} against all people but one",
        _credits(table, judge),
        table.clusters,
        "no item has the judge's label and two people's",
    )


def human_ceiling(table: RatingTable) -> Estimate:
    """Return the mean over people of their agreement with the majority of the rest."""
    return _mean_credit(
        "human_ceiling",
        "people, each against the majority of the rest",
        _credits(table),
        table.clusters,
        "no item has the labels of two people",
    )


def _credits(table: RatingTable, judge: int | None = None) -> FloatArray:
    """Return (n, people) how each person, or a judge in their place, fits the others; else NaN."""
    people, codes = table.humans, table.codes
    counts = table.label_counts(people)
    scores = np.full((len(table.items), len(people)), np.nan)
    for k, person in enumerate(people):
        said = codes[:, person if judge is None else judge]
        rest = counts - (codes[:, [person]] == np.arange(table.n_categories))
        usable = (said >= 0) & (codes[:, person] >= 0) & (rest.sum(1) > 0)
        top = rest[usable] == rest[usable].max(1, keepdims=True)
        chosen = np.take_along_axis(top, said[usable, None], axis=1)[:, 0]
        scores[usable, k] = chosen / top.sum(1)
    return scores


def _mean_credit(
    name: str, annotators: str, scores: FloatArray, clusters: IntArray, why: str
) -> Estimate:
    usable = ~np.isnan(scores).all(1)
    means = np.nanmean(scores[usable], axis=1)
    return cluster_share(name, annotators, means, clusters[usable], why_undefined=why)


def pairwise_agreement(table: RatingTable, columns: Sequence[int]) -> list[Estimate]:
    """Return the percent agreement of every pair of the given annotators."""
    return [
        percent_agreement(
            pairs_of(table.codes[:, i], table.codes[:, j], table.clusters, table.n_categories),
            f"{table.annotators[i]} - {table.annotators[j]}",
        )
        for i, j in combinations(columns, 2)
    ]


def vote_agreement(
    first: IntArray, second: IntArray, clusters: IntArray, annotators: str, name: str
) -> Estimate:
    """Return how often two randomly drawn votes on the same item agree (Zheng et al. 2023, §4.1).

    ``first`` and ``second`` are (n, c) votes of each group; the same array for agreement inside
    one.
    """
    if second is first:
        r = first.sum(1)
        usable = r > 1
        same = (first * (first - 1)).sum(1)[usable] / (r * (r - 1))[usable]
    else:
        usable = (first.sum(1) > 0) & (second.sum(1) > 0)
        same = (first * second).sum(1)[usable] / (first.sum(1) * second.sum(1))[usable]
    why = "no item has a vote of both"
    return cluster_share(name, annotators, same, clusters[usable], why_undefined=why)

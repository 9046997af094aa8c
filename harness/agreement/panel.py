"""Several judges together: do they err together, and do they spread like people do?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.ratings.table import RatingTable
from harness.statistics.arrays import FloatArray, IntArray
from harness.statistics.estimate import Estimate, not_applicable
from harness.statistics.intervals import cluster_share
from harness.statistics.resample import BOOTSTRAP, Bootstrap, estimate, units_of


def error_correlation(
    table: RatingTable,
    judges: Sequence[int],
    truth: IntArray,
    *,
    called: str = "judges",
    bootstrap: Bootstrap = BOOTSTRAP,
) -> list[Estimate]:
    """Return the mean correlation of judges' errors and the effective number of judges.

    k judges with mean error correlation r are worth k / (1 + (k - 1) r) independent ones (Kish's
    design effect); below k/2 their agreement says little, and Dawid-Skene becomes confident and
    wrong.

    ``judges`` are at least two columns of the table; ``called`` says what they are.
    """
    name = " + ".join(table.annotators[j] for j in judges) if len(judges) <= 4 else f"all {called}"
    k = len(judges)
    codes = table.codes[:, list(judges)]
    usable = (codes >= 0).all(1) & (truth >= 0)
    n = int(usable.sum())
    if k < 2 or n < 10:
        reason = f"{k} {called} and {n} items that all of them and people labelled"
        return [not_applicable("error_correlation", name, reason, n)]
    errors = (codes[usable] != truth[usable, None]).astype(np.float64)
    i, j = np.triu_indices(k, 1)
    features = np.column_stack([np.ones(n), errors, errors[:, i] * errors[:, j]])
    units = units_of(features, np.arange(n), table.clusters[usable])

    def correlation(sums: FloatArray) -> FloatArray:
        total = sums[..., :1]
        rate = sums[..., 1 : 1 + k] / total
        both = sums[..., 1 + k :] / total
        spread = rate * (1 - rate)
        below = np.sqrt(spread[..., i] * spread[..., j])
        fine = below > 1e-12
        each = np.where(fine, (both - rate[..., i] * rate[..., j]) / np.where(fine, below, 1), 0.0)
        number = fine.sum(-1)
        return np.where(number > 0, each.sum(-1) / np.maximum(number, 1), np.nan)

    def effective(sums: FloatArray) -> FloatArray:
        r = correlation(sums)
        return np.asarray(k / (1 + (k - 1) * np.maximum(r, -1 / (k - 1) + 1e-9)))

    why = "no judge ever errs, or one always does"
    rows = [
        estimate("error_correlation", name, units, correlation, n=n, why_undefined=why,
                 bootstrap=bootstrap),
        estimate("effective_judges", name, units, effective, n=n, why_undefined=why,
                 bounds=(1.0, np.inf), bootstrap=bootstrap),
    ]  # fmt: skip
    worth = rows[1].value
    if worth is not None and worth < k / 2:
        rows[1] = rows[1].caution(
            f"{k} {called} are worth {worth:.1f}: they err together, so do not trust their majority"
            " or Dawid-Skene; stack them on gold labels"
        )
    return rows


def soft_label_distance(
    people: IntArray, judges: IntArray, clusters: IntArray, annotators: str
) -> list[Estimate]:
    """Return how far judges' votes are from the spread of people's labels.

    The Jensen-Shannon distance is the root of the divergence with base-2 logarithms (Endres &
    Schindelin 2003), between 0 and 1; the cross-entropy, in nats, is of people's shares under the
    judges' shares with half a vote added to each category.

    ``people`` and ``judges`` are (n, c) labels of each item by category.
    """
    usable = (people.sum(1) > 1) & (judges.sum(1) > 0)
    why = "no item has two people's labels and a judge's"
    p = people[usable] / np.maximum(people[usable].sum(1, keepdims=True), 1)
    q = judges[usable] / np.maximum(judges[usable].sum(1, keepdims=True), 1)
    middle = (p + q) / 2
    distance = np.sqrt(np.maximum(0.0, (_relative(p, middle) + _relative(q, middle)) / 2))
    smoothed = judges[usable] + 0.5
    smoothed = smoothed / smoothed.sum(1, keepdims=True)
    crossed = -(p * np.log(smoothed)).sum(1)
    rows = [cluster_share("jensen_shannon_distance", annotators, distance, clusters[usable],
                          why_undefined=why)]  # fmt: skip
    return [*rows, _mean("cross_entropy", annotators, crossed, clusters[usable], why)]


def _relative(p: FloatArray, q: FloatArray) -> FloatArray:
    ratio = np.divide(p, q, out=np.ones_like(p), where=(p > 0) & (q > 0))
    return np.asarray((p * np.log2(ratio)).sum(1))


def _mean(name: str, annotators: str, values: FloatArray, clusters: IntArray, why: str) -> Estimate:
    features = np.column_stack([np.ones(values.size), values])
    units = units_of(features, np.arange(values.size), clusters)
    return estimate(
        name,
        annotators,
        units,
        lambda sums: sums[..., 1] / sums[..., 0],
        n=values.size,
        why_undefined=why,
        bounds=(0.0, np.inf),
    )

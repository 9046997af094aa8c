"""The alternative annotator test: may a judge stand in for a person? (Calderon et al. 2025)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.agreement.resample import cluster_share
from harness.agreement.statistic import Statistic, not_applicable
from harness.agreement.table import FloatArray, RatingTable

LEVEL = 0.05
FEWEST_PEOPLE = 3
FEWEST_ITEMS = 30
MOST_SHOWN = 10


def benjamini_yekutieli(p_values: Sequence[float], level: float = LEVEL) -> list[bool]:
    """Return which hypotheses are rejected with any dependence (Benjamini & Yekutieli 2001)."""
    return [adjusted <= level for adjusted in adjusted_by(p_values)]


def adjusted_by(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted by Benjamini & Yekutieli (2001, Annals of Statistics 29:1165)."""
    p = np.asarray(p_values, dtype=np.float64)
    m = p.size
    harmonic = float((1.0 / np.arange(1, m + 1)).sum())
    return _step_up(p, harmonic)


def adjusted_bh(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted by Benjamini & Hochberg (1995, JRSS B 57:289)."""
    return _step_up(np.asarray(p_values, dtype=np.float64), 1.0)


def _step_up(p: FloatArray, factor: float) -> list[float]:
    m = p.size
    order = np.argsort(p)
    raised = p[order] * m * factor / np.arange(1, m + 1)
    raised = np.minimum.accumulate(raised[::-1])[::-1]
    adjusted = np.empty(m)
    adjusted[order] = np.minimum(1.0, raised)
    return [float(value) for value in adjusted]


def alternative_annotator_test(
    table: RatingTable, judge: int, epsilon: float = 0.2
) -> list[Statistic]:
    """Compare a judge with each person in turn, both held against the other people.

    For each person, W_judge is 1 on an item where the judge agrees with the others at least as well
    as the person does, and W_person likewise; a one-sided t-test of mean(W_person - W_judge) <
    epsilon, clustered, then Benjamini-Yekutieli over the people. The judge may replace them when
    the share of people it beats, omega, is at least one half.

    Args:
        table: The ratings.
        judge: Column of the judge.
        epsilon: What the judge's lower cost is worth: .2 against experts, .15 against skilled
            people, .1 against a crowd (section 4 of the paper).

    Returns:
        omega; rho, the mean advantage probability; and the advantage over each person.
    """
    people = table.humans
    name = table.annotators[judge]
    rows: list[Statistic] = []
    p_values = []
    advantages = []
    skipped = 0
    for person in people:
        own = table.codes[:, person] >= 0
        if (own & (table.codes[:, judge] >= 0)).sum() < FEWEST_ITEMS:
            skipped += 1
            continue
        others = [other for other in people if other != person]
        mine, judges = (_alignment(table, column, others) for column in (person, judge))
        usable = ~np.isnan(mine) & ~np.isnan(judges)
        n = int(usable.sum())
        if n < FEWEST_ITEMS:
            skipped += 1
            continue
        better = (judges[usable] >= mine[usable]).astype(np.float64)
        worse = (mine[usable] >= judges[usable]).astype(np.float64)
        clusters = table.clusters[usable]
        p_values.append(_one_sided(worse - better, clusters, epsilon))
        advantages.append((better, usable))
        rows.append(
            cluster_share(
                "alt_test_advantage",
                f"{name} over {table.annotators[person]}",
                better,
                clusters,
                why_undefined="no item in common",
            )
        )
    if len(rows) < FEWEST_PEOPLE:
        reason = f"needs {FEWEST_PEOPLE} people with {FEWEST_ITEMS} items each, {len(rows)} have"
        return [not_applicable("alt_test_omega", name, reason)]
    adjusted = adjusted_by(p_values)
    rows = [
        row.caution(f"p = {p:.2g} (adjusted)" + (", won" if p <= LEVEL else ", not won"))
        for row, p in zip(rows, adjusted, strict=True)
    ]
    omega = float(np.mean([p <= LEVEL for p in adjusted]))
    stack = np.full((len(table.items), len(rows)), np.nan)
    for k, (better, usable) in enumerate(advantages):
        stack[usable, k] = better
    some = ~np.isnan(stack).all(1)
    rho = cluster_share(
        "alt_test_rho",
        name,
        np.nanmean(stack[some], axis=1),
        table.clusters[some],
        why_undefined="no item in common",
    )
    word = "may replace a person" if omega >= 0.5 else "may not replace a person"
    if skipped:
        word += f"; {skipped} people with fewer than {FEWEST_ITEMS} items left out"
    verdict = Statistic(
        "alt_test_omega",
        name,
        omega,
        n=len(table.items),
        clusters=rho.clusters,
        reason=f"{word} (omega >= .5, epsilon {epsilon:g}); decided by tests, so no interval",
    )
    return [verdict, rho, *(rows if len(rows) <= MOST_SHOWN else ())]


def _alignment(table: RatingTable, column: int, others: Sequence[int]) -> FloatArray:
    """Return (n,) how well a column fits the other people: share of equal labels, or -RMSE."""
    own = table.codes[:, column]
    codes = table.codes[:, list(others)]
    present = codes >= 0
    number = present.sum(1)
    if table.level in ("interval", "ratio", "ordinal"):
        gap = (table.values[own][:, None] - table.values[codes]) ** 2
        fit = -np.sqrt(np.where(present, gap, 0.0).sum(1) / np.maximum(number, 1))
    else:
        fit = ((codes == own[:, None]) & present).sum(1) / np.maximum(number, 1)
    return np.where((own >= 0) & (number > 0), fit, np.nan)


def _one_sided(difference: FloatArray, clusters: IntArrayLike, epsilon: float) -> float:
    """Return p of "mean >= epsilon" against "mean < epsilon", clustered."""
    from scipy.special import stdtr

    n = difference.size
    _, group = np.unique(clusters, return_inverse=True)
    groups = int(group.max()) + 1
    mean = float(difference.mean())
    sums = np.bincount(group, weights=difference - mean)
    variance = groups / (groups - 1) * float(sums @ sums) / n**2 if groups > 1 else 0.0
    if variance == 0:
        return 0.0 if mean < epsilon and groups > 1 else 1.0
    return float(stdtr(groups - 1, (mean - epsilon) / np.sqrt(variance)))


IntArrayLike = np.ndarray[tuple[int], np.dtype[np.int64]]

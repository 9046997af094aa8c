"""The alternative annotator test: may a judge stand in for a person? (Calderon et al. 2025)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from harness.ratings.table import RatingTable
from harness.statistics.arrays import FloatArray, IntArray, cluster_sums
from harness.statistics.estimate import Estimate, not_applicable, one_cluster
from harness.statistics.intervals import cluster_share, robust_share
from harness.statistics.one_sided import MOST_LABELS, Bounds, more_that

LEVEL = 0.05
FEWEST_PEOPLE = 3
FEWEST_ITEMS = 30
HALF = 0.5
"""Share of the people that it has to beat."""


def alternative_annotator_test(
    table: RatingTable, judge: int, epsilon: float = 0.2
) -> list[Estimate]:
    """Compare a judge with each person in turn, both held against the other people.

    For each person, W_judge is 1 on an item where the judge agrees with the others at least as well
    as the person does, and W_person likewise; a one-sided t-test of mean(W_person - W_judge) <
    epsilon, clustered, then Benjamini-Yekutieli over the people. The judge may replace them when
    the share of people it beats, omega, is at least one half.

    ``judge`` is a column; ``epsilon`` what its lower cost is worth: .2 against experts, .15 against
    skilled people, .1 against a crowd (section 4 of the paper).

    Returns:
        omega; rho, the mean over people of the advantage over each; and the advantage over every
        person with enough items.
    """
    from scipy.stats import false_discovery_control

    people = table.humans
    name = table.annotators[judge]
    rows: list[Estimate] = []
    p_values = []
    advantages = []
    for person in people:
        others = [other for other in people if other != person]
        mine, judges = (_distance(table, column, others) for column in (person, judge))
        usable = ~np.isnan(mine) & ~np.isnan(judges)
        if usable.sum() < FEWEST_ITEMS:
            continue
        behind = _behind(judges[usable], mine[usable])
        better = (behind <= 0).astype(np.float64)
        clusters = table.clusters[usable]
        p_values.append(_one_sided(behind, clusters, epsilon))
        advantages.append(np.full(len(table.items), np.nan))
        advantages[-1][usable] = better
        label = f"{name} over {table.annotators[person]}"
        rows.append(cluster_share("alt_test_advantage", label, better, clusters, why_undefined=""))
    if len(rows) < FEWEST_PEOPLE:
        reason = f"needs {FEWEST_PEOPLE} people with {FEWEST_ITEMS} items each, {len(rows)} have"
        return [not_applicable("alt_test_omega", name, reason)]
    adjusted = [float(p) for p in false_discovery_control(p_values, method="by")]
    won = [p <= LEVEL for p in adjusted]
    rows = [
        row.caution(f"p = {p:.2g} (adjusted)" + (", won" if beaten else ", not won"))
        for row, p, beaten in zip(rows, adjusted, won, strict=True)
    ]
    omega = float(np.mean(won))
    rho = _mean_over_people(np.column_stack(advantages), table.clusters, name)
    word = "may replace a person" if omega >= 0.5 else "may not replace a person"
    skipped = len(people) - len(rows)
    if skipped:
        word += f"; {skipped} people with fewer than {FEWEST_ITEMS} items left out"
    verdict = Estimate(
        omega,
        n=rho.n,
        clusters=rho.clusters,
        reason=f"{word} (omega >= .5, epsilon {epsilon:g}); decided by tests, so no interval",
        name="alt_test_omega",
        annotators=name,
    )
    return [verdict, rho, *rows]


def replaced_bounds(
    table: RatingTable,
    judge: int,
    people: Sequence[int],
    inside: npt.NDArray[np.bool_],
    epsilon: float,
) -> Bounds:
    """Return omega, the share of people whom the judge is shown to beat, with what could be.

    The upper bound is the share of those by whom it is not shown to be beaten, by the same test
    the other way round. Both are adjusted over the people (Benjamini-Yekutieli).

    Args:
        table: The ratings.
        judge: Column of the judge.
        people: Columns of the people.
        inside: (n,) which items count.
        epsilon: What the judge's lower cost is worth.
    """
    found, n, groups = [], 0, 0
    for person in people:
        others = [other for other in people if other != person]
        mine, judges = (_distance(table, column, others) for column in (person, judge))
        usable = ~np.isnan(mine) & ~np.isnan(judges) & inside
        if others and usable.sum() >= FEWEST_ITEMS:
            behind = _behind(judges[usable], mine[usable])
            found.append(_mean(behind, table.clusters[usable]))
            n, groups = max(n, int(usable.sum())), max(groups, found[-1][2])
    if len(found) < FEWEST_PEOPLE:
        reason = f"needs {FEWEST_PEOPLE} people with {FEWEST_ITEMS} items each, {len(found)} have"
        return Bounds(None, reason=reason)
    return _omega(found, epsilon, n, groups)


Mean = tuple[float, float, int]
"""A mean, its clustered variance, and the clusters."""


def _omega(found: Sequence[Mean], epsilon: float, n: int, groups: int, times: float = 1) -> Bounds:
    """Return omega with what could be, of so many times as many items that tell as much each."""
    from scipy.stats import false_discovery_control

    grown = [(mean, spread / times, round(of * times)) for mean, spread, of in found]
    won = [_below(*one, epsilon) for one in grown]
    lost = [_below(-mean, spread, of, -epsilon) for mean, spread, of in grown]
    beaten, beats = (
        float(np.mean(false_discovery_control(p, method="by") <= LEVEL)) for p in (won, lost)
    )
    n, groups = round(n * times), round(groups * times)
    plan = partial(_omega, tuple(grown), epsilon, n, groups)
    return Bounds(beaten, beaten, 1 - beats, n=n, clusters=groups, grown=plan)


def worse_than(table: RatingTable, judge: int, epsilon: float) -> Estimate:
    """Return the share of people who are shown to do better than a judge by more than epsilon.

    By the test the other way round: a judge that is not shown to do as well as people may be shown
    to do worse, or there may be too few labels for either.
    """
    every = np.ones(len(table.items), dtype=bool)
    bounds = replaced_bounds(table, judge, table.humans, every, epsilon)
    name = table.annotators[judge]
    if bounds.upper is None:
        return not_applicable("alt_test_worse", name, bounds.reason)
    reason = "by the test the other way round; decided by tests, so no interval"
    return Estimate(
        1 - bounds.upper, n=bounds.n, clusters=bounds.clusters, reason=reason,
        name="alt_test_worse", annotators=name,
    )  # fmt: skip


def labels_that_decide(table: RatingTable, judge: int, epsilon: float) -> list[Estimate]:
    """Return how many more items would show either, where neither is shown; else nothing.

    By the same tests with the same means, of more items that each tell as much.
    """
    every = np.ones(len(table.items), dtype=bool)
    bounds = replaced_bounds(table, judge, table.humans, every, epsilon)
    name = table.annotators[judge]
    if bounds.value is None or _decides(bounds):
        return []
    more = more_that(bounds, _decides, MOST_LABELS)
    if more is None:
        return [not_applicable("alt_test_labels", name, "no plan says how many would decide")]
    reason = "a design figure, no interval"
    return [
        Estimate(
            float(more), n=bounds.n, clusters=bounds.clusters, reason=reason,
            name="alt_test_labels", annotators=name,
        )
    ]  # fmt: skip


def _decides(bounds: Bounds) -> bool:
    assert bounds.value is not None and bounds.upper is not None
    return bounds.value >= HALF or bounds.upper < HALF


def _behind(judge: FloatArray, person: FloatArray) -> FloatArray:
    """Return 1 where the judge is farther from the others than the person, -1 where nearer.

    Scores such as .1, .2, .3 lie equally far apart but for rounding, and that is a tie.
    """
    tied = np.isclose(judge, person, rtol=1e-9, atol=0.0)
    return np.where(tied, 0.0, np.sign(judge - person))


def _mean_over_people(better: FloatArray, clusters: IntArray, name: str) -> Estimate:
    """Return rho, the mean over people of the judge's advantage over each of them.

    ``better`` is (n, k): 1 where the judge does at least as well as the person, NaN without both.
    Each person counts the same, however many items they have; the interval is ``cluster_share``'s.
    """
    some = ~np.isnan(better).all(1)
    present = ~np.isnan(better[some])
    won = np.where(present, better[some], 0.0)
    n, people = won.shape
    weights = present / (present.sum(0) * people)
    over_each = won.sum(0) / present.sum(0)
    value = float(over_each.mean())
    group = clusters[some]
    pull = cluster_sums((weights * (won - over_each)).sum(1), group)
    if pull.size < 2:
        return one_cluster("alt_test_rho", name, value, n)
    hit = np.unique(group[(won > 0).any(1)]).size
    miss = np.unique(group[(present & (won < 1)).any(1)]).size
    of_item = weights.sum(1)
    spread = float(of_item @ ((weights * won).sum(1) / of_item - value) ** 2)
    low, high = robust_share(value, pull, spread, n, few=min(hit, miss) < 5)
    row = Estimate(value, low, high, n, pull.size, name="alt_test_rho", annotators=name)
    return row.with_unit_count()


def _distance(table: RatingTable, column: int, others: Sequence[int]) -> FloatArray:
    """Return (n,) how far a column is from the other people: unequal labels, or squared gaps.

    Both columns are held against the same labels, so that these order them as the share of equal
    labels and the RMSE of the paper do.
    """
    own = table.codes[:, column]
    codes = table.codes[:, list(others)]
    present = codes >= 0
    if table.level == "nominal":
        far = ((codes != own[:, None]) & present).sum(1)
    else:
        far = ((table.values[own][:, None] - table.values[codes]) ** 2 * present).sum(1)
    return np.where((own >= 0) & present.any(1), far, np.nan)


def _one_sided(difference: FloatArray, clusters: IntArray, epsilon: float) -> float:
    """Return p of "mean >= epsilon" against "mean < epsilon", clustered."""
    return _below(*_mean(difference, clusters), epsilon)


def _mean(difference: FloatArray, clusters: IntArray) -> Mean:
    mean = float(difference.mean())
    pull = cluster_sums(difference - mean, clusters) / difference.size
    groups = pull.size
    return mean, groups / (groups - 1) * float(pull @ pull) if groups > 1 else 0.0, groups


def _below(mean: float, variance: float, groups: int, epsilon: float) -> float:
    from scipy.special import stdtr

    if variance == 0:
        return 0.0 if mean < epsilon and groups > 1 else 1.0
    return float(stdtr(groups - 1, (mean - epsilon) / math.sqrt(variance)))

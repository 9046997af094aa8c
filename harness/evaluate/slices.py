"""Slices: whether an effect differs between kinds of items, and only then what it is in each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from harness.evaluate.differences import difference_of, side_of
from harness.evaluate.scores import Scored, Scores, known
from harness.evaluate.verdicts import ALPHA, told
from harness.statistics.arrays import FloatArray, IntArray
from harness.statistics.intervals import holm
from harness.statistics.seeds import FEWEST_SEEDS, Grid, Seeded, alike, of_grids

DRAWS = 9_999
"""Random slices that a real one is held against."""

MANY = 100
"""Clusters in a slice and outside of it from which on a formula does without random slices."""

FEWEST = 2
"""Clusters below which nothing is known of a slice's spread."""


def slices(
    scores: Scores,
    margins: Mapping[str, float | None],
    trained: Mapping[str, bool],
    base: str,
    of: Mapping[str, str],
) -> dict[str, Any]:
    """Return each policy's difference to base by slice, after a test whether slices differ.

    The test comes first: an effect "here and not there" is a claim about a difference of effects,
    not about two p-values (Gelman & Stern 2006, The American Statistician 60:328). Each slice's
    effect is held against that on all other items. Its p is the larger of two: that of the one rule
    for differences (:func:`harness.statistics.seeds.seeded`), which knows seeds, and that of
    random slices of as many clusters (a permutation test of the difference over its standard error;
    Janssen 1997, Statistics & Probability Letters 36:9), which holds for slices of few prompts. The
    smallest p times the number of slices (Bonferroni; two slices are one test) is the p of the
    interaction, adjusted by Holm over all evaluators and policies. With fewer than three trainings
    nothing is shown of the method; ``trainings`` tells what holds for those that there are.

    Args:
        scores: What every evaluator said of every response.
        margins: The evaluators, and within what of zero a change by each counts as none.
        trained: The policies, and whether the seeds of each are trainings.
        base: The policy that the others are compared with.
        of: Item id -> its slice.

    Returns:
        ``slices``, their names, and ``rows``; docs/reports.md says what each key holds.
    """
    names = list(dict.fromkeys(of.values()))
    if len(names) < 2 or base not in trained:
        return {"slices": names, "rows": []}
    rows = [
        _row(scores, (evaluator, policy, base), margin, trained, names, of)
        for evaluator, margin in margins.items()
        for policy in trained
        if policy != base
    ]
    tests = [row["interaction"] for row in rows]
    for family in (tests, [test["trainings"] for test in tests]):
        for test, p in zip(family, holm([test["p"] for test in family]), strict=True):
            test["p_holm"] = p
            test["shown"] = p is not None and p < ALPHA
    for test in tests:
        test["shown"] &= test["seeds"] is None or test["seeds"] >= FEWEST_SEEDS
    return {"slices": names, "rows": rows}


def _row(
    scores: Scores,
    who: tuple[str, str, str],
    margin: float | None,
    trained: Mapping[str, bool],
    names: Sequence[str],
    of: Mapping[str, str],
) -> dict[str, Any]:
    evaluator, policy, base = who
    sides = [scores.get((evaluator, name), ()) for name in (policy, base)]
    scored = [[row for row, _ in known(side)] for side in sides]
    shared = {row.item_id for row in scored[0]} & {row.item_id for row in scored[1]}
    kept = [[row for row in side if row.item_id in shared] for side in scored]
    clusters = {name: {r.cluster for r in kept[0] if of[r.item_id] == name} for name in names}
    there = [name for name in names if clusters[name]]
    units = _units(kept, of)
    lucky = trained[policy], trained[base]
    found, compared, tests = [], [], list[_Test]()
    for name in names:
        mine, theirs = ([row for row in side if of[row.item_id] == name] for side in sides)
        outside = set().union(*(clusters[other] for other in there if other != name))
        against: dict[str, Any] | None = None
        if min(len(clusters[name]), len(outside)) >= FEWEST:
            over = _against_rest(kept, name, of, lucky)
            by_chance = 0.0 if units is None else _by_random_slices(*units, name)
            test = _Test.of(over, by_chance)
            tests.append(test)
            against = {**over.estimate.numbers("n", "clusters"), "p": test.p}
        difference, between = difference_of(mine, theirs, margin, lucky)
        compared.append(difference)
        found.append(
            {
                "slice": name,
                "items": between["items"],
                "clusters": len(clusters[name]),
                "difference": between,
                "against_rest": against,
            }
        )
    for row, numbers in zip(found, told(compared), strict=True):
        row["difference"] = {**numbers, **row["difference"]}
    reason = ""
    if len(there) < 2:
        reason = "both have scores for one slice only" if there else "no scores for the same items"
    elif not tests:
        reason = f"fewer than {FEWEST} independent prompts in each slice but one"
    number = 1 if len(there) == 2 else len(tests)
    return {
        "evaluator": evaluator,
        "policy": policy,
        "interaction": {
            "p": _smallest([test.p for test in tests], number),
            "tested": len(tests),
            "seeds": next((test.seeds for test in tests), None),
            "reason": reason,
            "trainings": {"p": _smallest([test.p_alone for test in tests], number)},
        },
        "slices": found,
    }


@dataclass(frozen=True, slots=True)
class _Test:
    """Whether a slice's effect differs from that elsewhere: p over seeds, p of these trainings."""

    p: float | None
    p_alone: float | None
    seeds: int | None

    @classmethod
    def of(cls, over: Seeded, by_chance: float) -> _Test:
        whole, alone = (
            None if p is None else max(p, by_chance)
            for p in (over.estimate.p, over.alone().estimate.p)
        )
        return cls(whole, alone, over.seeds)


def _smallest(p_values: Sequence[float | None], tests: int) -> float | None:
    known_p = [p for p in p_values if p is not None]
    return min(1.0, tests * min(known_p)) if known_p else None


def _against_rest(
    kept: Sequence[Sequence[Scored]], name: str, of: Mapping[str, str], trained: tuple[bool, bool]
) -> Seeded:
    """Return the difference in a slice less that outside of it, over prompts and seeds.

    Each side's scores are shifted and stretched so that their mean is mean(inside) - mean(outside),
    and what a prompt or a seed does to that mean is what it does to this difference. Items weigh
    alike, as in the difference itself.
    """
    items = {row.item_id: row.cluster for side in kept for row in side}
    inside = np.array([of[item] == name for item in items])
    sides = []
    for side in kept:
        whole = side_of(side, items)
        table = whole.table
        table = table.weighed(alike(table.counts), np.arange(inside.size))
        here, rest = (
            table.weighed(1.0 * part, np.arange(inside.size)) for part in (inside, ~inside)
        )
        gap = here.mean - rest.mean
        sums = table.counts * gap
        for sign, part in ((1.0, here), (-1.0, rest)):
            sums += sign * (part.sums - part.counts * part.mean) * (table.size / part.size)
        found = Grid(sums, table.counts, table.seeds)
        sides.append(whole.grouped(found))
    return of_grids(sides[0], sides[1], (-2.0, 2.0), trained=trained)


def _units(
    kept: Sequence[Sequence[Scored]], of: Mapping[str, str]
) -> tuple[FloatArray, FloatArray, tuple[str, ...]] | None:
    """Return (G,) sums of items' differences, their number, and the slice of each cluster.

    None where a cluster has items of several slices, so that no slice is a choice of clusters.
    """
    values: list[dict[str, list[float]]] = [{}, {}]
    place: dict[str, str] = {}
    for side, rows in zip(values, kept, strict=True):
        for row, value in known(rows):
            side.setdefault(row.item_id, []).append(value)
            place[row.item_id] = row.cluster
    groups: dict[str, list[float]] = {}
    names: dict[str, str] = {}
    for item, mine in values[0].items():
        theirs = values[1][item]
        gap = math.fsum(mine) / len(mine) - math.fsum(theirs) / len(theirs)
        groups.setdefault(place[item], []).append(gap)
        if names.setdefault(place[item], of[item]) != of[item]:
            return None
    sums = np.array([math.fsum(each) for each in groups.values()])
    counts = np.array([float(len(each)) for each in groups.values()])
    return sums, counts, tuple(names[group] for group in groups)


def _by_random_slices(
    sums: FloatArray, counts: FloatArray, names: tuple[str, ...], name: str
) -> float:
    """Return the share of random slices of as many clusters that differ from the rest as much."""
    inside = np.array([each == name for each in names])
    size = int(inside.sum())
    if min(size, len(names) - size) >= MANY:
        return 0.0
    flip = size > len(names) - size  # drawing the rest is drawing the slice
    mine = np.flatnonzero(~inside if flip else inside)[None]
    seen = float(_ratios(sums, counts, mine)[0])
    drawn = _ratios(sums, counts, _subsets(len(names), mine.shape[1]))
    return float((1 + (drawn >= seen - 1e-9).sum()) / (1 + drawn.size))


@lru_cache(maxsize=8)
def _subsets(n: int, size: int) -> IntArray:
    """Return (DRAWS, size) numbers below n, each row without repetition."""
    generator = np.random.default_rng(0)
    block = max(1, 4_000_000 // n)
    parts = []
    for start in range(0, DRAWS, block):
        dice = generator.random((min(block, DRAWS - start), n))
        parts.append(np.argpartition(dice, size - 1, axis=1)[:, :size])
    return np.concatenate(parts)


def _ratios(sums: FloatArray, counts: FloatArray, inside: IntArray) -> FloatArray:
    """Return (draws,) |difference| / standard error of slices against the rest.

    ``inside`` are (draws, size) clusters of the slice. Infinite without any spread.
    """
    rows = np.stack([sums, counts, sums * sums, sums * counts, counts * counts])
    within = rows[:, inside].sum(axis=2)
    size, total = inside.shape[1], sums.size
    means, variances = [], []
    for (s, c, ss, sc, cc), groups in (
        (within, size),
        (rows.sum(axis=1)[:, None] - within, total - size),
    ):
        mean = s / c
        means.append(mean)
        spread = np.maximum(0.0, ss - 2 * mean * sc + mean * mean * cc) / (c * c)
        variances.append(spread * (groups / (groups - 1) if groups > 1 else 1.0))
    gap, error = np.abs(means[0] - means[1]), np.sqrt(variances[0] + variances[1])
    with np.errstate(divide="ignore", invalid="ignore"):
        found: FloatArray = np.where(gap < 1e-12, 0.0, np.where(error < 1e-9, np.inf, gap / error))
    return found

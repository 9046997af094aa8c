"""Simulated coverage of every 95% interval of the agreement report.

    python benchmarks/coverage.py [--clusters 50] [--worlds 1000] [--processes 2]

A world is three people, three judges and 50 prompts with three items each, which are alike. The
true value of each statistic is that of one huge world of the same kind. For each statistic the
share of worlds is printed whose interval holds the true value; outside 93% to 97% it is marked.
With 1,000 worlds the share itself is known to +-1.4 points.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

import numpy as np

from harness.aggregate.ranking import rank_systems
from harness.agreement.accuracy import (
    accuracy,
    against_the_rest,
    human_ceiling,
    leave_one_out,
    macro,
    majority,
    vote_agreement,
)
from harness.agreement.alpha import krippendorff_alpha
from harness.agreement.alternative_annotator import alternative_annotator_test
from harness.agreement.bias import (
    accuracy_both_orders,
    first_pick_rate,
    length_and_self_bias,
    position_coefficient,
    positional_agreement,
    swap_flip_rate,
)
from harness.agreement.calibration import calibration
from harness.agreement.drift import drift
from harness.agreement.kappa import (
    bias_statistic,
    cohen_kappa,
    pairs_of,
    percent_agreement,
    prevalence_statistic,
)
from harness.agreement.multi_rater import chance_corrected
from harness.agreement.panel import error_correlation, soft_label_distance
from harness.agreement.prediction_powered import rogan_gladen, true_rate
from harness.agreement.scores import FORMS, STATISTICS, intraclass_correlation, score_agreement
from harness.ratings.evidence import Evidence, OrderVerdicts
from harness.ratings.table import RatingTable, from_labels
from harness.statistics.estimate import Estimate
from harness.statistics.paired_model import Comparisons
from harness.statistics.resample import Bootstrap

PER_CLUSTER = 3
PEOPLE, JUDGES = ("ann", "bob", "cy"), ("gpt", "panda", "other")
HUGE = 60_000
BOOTSTRAP = {"bootstrap": Bootstrap(1000)}


def ordinal_table(rng: np.random.Generator, clusters: int) -> tuple[RatingTable, np.ndarray]:
    """Return four ordered labels of people and judges, and scores on a line."""
    n = clusters * PER_CLUSTER
    group = np.repeat(np.arange(clusters), PER_CLUSTER)
    quality = 0.6 * rng.normal(size=clusters)[group] + 0.8 * rng.normal(size=n)
    shared = rng.normal(size=n)  # what makes judges err together
    noise = rng.normal(size=(n, 6))
    noise[:, 3:] = 0.6 * shared[:, None] + 0.8 * noise[:, 3:]
    scores = quality[:, None] + noise * np.array([0.6, 0.6, 0.6, 0.9, 0.9, 0.9])
    scores[:, 5] += 0.3
    codes = np.searchsorted([-0.9, 0.1, 1.0], scores)
    missing = rng.random(codes.shape) < 0.1
    names = (*PEOPLE, *JUDGES)
    labels = np.array(["1", "2", "3", "4"])
    table = from_labels(
        {
            name: [None if gap else str(labels[k]) for k, gap in
                   zip(codes[:, i], missing[:, i], strict=True)]
            for i, name in enumerate(names)
        },
        humans=PEOPLE, level="ordinal", categories=list(labels),
        clusters=[str(g) for g in group],
    )  # fmt: skip
    return table, scores


def ordinal(rng: np.random.Generator, clusters: int) -> Iterator[Estimate]:
    """Yield the statistics of ordered labels and of scores."""
    t, scores = ordinal_table(rng, clusters)
    c, people = t.n_categories, t.humans
    counts, truth = t.label_counts(people), majority(t.label_counts(people))
    groups = t.clusters
    judge = t.codes[:, 3]
    yield accuracy(judge, truth, groups, "")
    for average in ("precision", "recall", "f1"):
        yield macro(average, pairs_of(judge, truth, groups, c), "", **BOOTSTRAP)
    votes = t.label_counts([3])
    yield vote_agreement(votes, counts, groups, "", "vote_agreement")
    yield human_ceiling(t)
    yield leave_one_out(t)[0]
    yield against_the_rest(t, 3)
    pairs = pairs_of(t.codes[:, 0], judge, groups, c)
    yield percent_agreement(pairs, "")
    for weighting in ("identity", "linear", "quadratic"):
        yield cohen_kappa(pairs, "", weighting=weighting, **BOOTSTRAP)
    high = [np.where(t.codes[:, k] >= 0, t.codes[:, k] // 2, -1) for k in (0, 5)]
    halves = pairs_of(*high, groups, 2)
    yield prevalence_statistic(halves, "", **BOOTSTRAP)
    yield bias_statistic(halves, "", **BOOTSTRAP)
    for level in ("nominal", "ordinal", "interval", "ratio"):
        yield krippendorff_alpha(
            counts, level, "", values=t.values + 1, clusters=groups, **BOOTSTRAP
        )
    for chance, weighting in (
        ("fleiss", "identity"), ("gwet", "identity"), ("gwet", "linear"), ("gwet", "quadratic"),
        ("brennan_prediger", "identity"),
    ):  # fmt: skip
        yield chance_corrected(
            counts, chance, "", clusters=groups, weighting=weighting, **BOOTSTRAP
        )
    for form in FORMS:
        yield intraclass_correlation(scores[:, :3], form, "", clusters=groups, **BOOTSTRAP)
    mean = scores[:, :3].mean(1)
    for statistic in STATISTICS:
        yield score_agreement(statistic, mean, scores[:, 5], groups, "", **BOOTSTRAP)
    yield from alternative_annotator_test(t, 3)[1:3]
    yield from error_correlation(t, (3, 4, 5), truth, **BOOTSTRAP)
    yield from soft_label_distance(counts, t.label_counts(t.judges), groups, "")
    yield from drift(judge, t.codes[:, 4], truth, groups, "")


def pairwise(rng: np.random.Generator, clusters: int) -> Iterator[Estimate]:
    """Yield the statistics of preferences: orders, biases, calibration, rates."""
    n = clusters * PER_CLUSTER
    group = np.repeat(np.arange(clusters), PER_CLUSTER)
    gap = rng.normal(size=n) * 50
    quality = 0.5 * rng.normal(size=clusters)[group] + rng.normal(size=n) + 0.004 * gap
    own = rng.integers(-1, 2, n).astype(float)

    def verdict(shift: np.ndarray) -> np.ndarray:
        p = davidson(shift)
        return (rng.random(n)[:, None] > p.cumsum(1)).sum(1)

    human = verdict(1.5 * quality)
    pull = 1.2 * quality + 0.6 * np.tanh(gap / 50) + 0.4 * own
    first = verdict(pull + 0.5)
    second = verdict(pull - 0.5)
    orders = OrderVerdicts("", first, second, group, 0, 2, 1)
    yield swap_flip_rate(orders)
    yield positional_agreement(orders)
    yield first_pick_rate(orders)
    yield accuracy_both_orders(orders, human)
    yield position_coefficient(orders, human)
    yield from length_and_self_bias(
        first, human, group, "", (0, 2, 1), Evidence(length_gap=gap, own_family={"": own})
    )
    stated = 1 / (1 + np.exp(-(1.0 + rng.normal(size=n))))
    chance = 1 / (1 + np.exp(-(0.2 + 0.5 * np.log(stated / (1 - stated)))))
    right = (rng.random(n) < chance).astype(float)
    yield from calibration(stated, right, group, "", **BOOTSTRAP)[:5]
    labelled = rng.random(clusters)[group] < 0.5
    truth = np.where(labelled, human, -1)
    for row in true_rate(truth, first, 0, group, ""):
        if row.name == "ppi_rate":
            yield row
    alone = rng.random(n) < 0.5  # Rogan-Gladen takes items as independent
    y = (rng.random(n) < 0.4).astype(float)
    f = np.where(rng.random(n) < 0.85, y, 1 - y)
    yield rogan_gladen(y[alone], f[alone], f[~alone], "")
    a = rng.integers(0, 4, n)
    b = (a + rng.integers(1, 4, n)) % 4
    strength = np.array([0.6, 0.2, -0.2, -0.6])
    luck = 0.5 * rng.normal(size=clusters)[group]
    said = verdict(strength[a] - strength[b] + luck + 0.3)
    ranking = rank_systems(Comparisons(a, b, said, ["a", "b", "c", "d"], group))
    best = next(s for s in ranking.strengths if s.system == "a")
    yield Estimate(best.value, best.low, best.high, name="davidson_strength", annotators="")
    yield Estimate(*ranking.effects["position"], name="davidson_position")


def davidson(eta: np.ndarray) -> np.ndarray:
    """Return (n, 3) chances of first, tie, second."""
    weights = np.exp(np.stack([eta / 2, np.full_like(eta, -0.3), -eta / 2], axis=1))
    return np.asarray(weights / weights.sum(1, keepdims=True))


def statistics(seed: int, clusters: int) -> dict[str, Estimate]:
    """Return every statistic of one world by name."""
    rng = np.random.default_rng(seed)
    found: dict[str, Estimate] = {}
    for row in (*ordinal(rng, clusters), *pairwise(rng, clusters)):
        found.setdefault(row.name, row)
    return found


def batch(arguments: tuple[int, int, int]) -> dict[str, list[tuple[float, float, float]]]:
    """Return (value, low, high) of each statistic in some worlds."""
    start, stop, clusters = arguments
    found: dict[str, list[tuple[float, float, float]]] = {}
    for seed in range(start, stop):
        for name, row in statistics(seed, clusters).items():
            if row.value is not None and row.low is not None and row.high is not None:
                found.setdefault(name, []).append((row.value, row.low, row.high))
    return found


def main() -> None:
    """Simulate and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clusters", type=int, default=50)
    parser.add_argument("--worlds", type=int, default=1000)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    began = time.monotonic()
    truth = statistics(0, HUGE)
    step = max(1, options.worlds // (8 * options.processes))
    jobs = [
        (1 + k, 1 + min(k + step, options.worlds), options.clusters)
        for k in range(0, options.worlds, step)
    ]
    pooled: dict[str, list[tuple[float, float, float]]] = {}
    with ProcessPoolExecutor(options.processes) as pool:
        for found in pool.map(batch, jobs):
            for name, rows in found.items():
                pooled.setdefault(name, []).extend(rows)
    print(f"{options.worlds} worlds of {options.clusters} clusters with {PER_CLUSTER} items each")
    print(f"{'statistic':28}{'true':>9}{'mean':>9}{'coverage':>10}{'worlds':>8}")
    outside = 0
    for name, row in truth.items():
        if name not in pooled or row.value is None:
            continue
        values = np.array(pooled[name])
        covered = float(np.mean((values[:, 1] <= row.value) & (row.value <= values[:, 2])))
        bad = not 0.93 <= covered <= 0.97
        outside += bad
        print(
            f"{name:28}{row.value:9.4f}{values[:, 0].mean():9.4f}{covered:10.1%}"
            f"{len(values):8}{'  <-- outside 93% to 97%' if bad else ''}"
        )
    print(f"{outside} outside; {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()

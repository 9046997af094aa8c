"""Intervals over trainings and prompts: values by hand, what does not matter, how often wrong."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
import pytest
from scipy import stats

from harness.statistics.intervals import clustered_difference, clustered_mean
from harness.statistics.seeds import Cells, Grid, Luck, of_grids, of_pairs, seeded, with_seeds

Table = list[list[float]]


def cells(table: Table, names: str = "pqrstuvw") -> Cells:
    """One observation for each seed (row) and prompt."""
    return {
        seed: {name: [value] for name, value in zip(names, row, strict=False)}
        for seed, row in enumerate(table)
    }


# Three trainings, four prompts. Seed means .3, .5, .7; prompt means .4, .6, .6, .4; mean .5.
A: Table = [[0.1, 0.5, 0.4, 0.2], [0.4, 0.5, 0.7, 0.4], [0.7, 0.8, 0.7, 0.6]]
LEFT: Table = [[-0.1, 0.1, 0.0, 0.0], [0.0, -0.1, 0.1, 0.0], [0.1, 0.0, -0.1, 0.0]]
"""What seed and prompt means leave of A."""


def test_a_mean_by_hand() -> None:
    # CR1 over prompts: deviations .1 four times, Var = 4/3 * 4 * (.1 / 4)^2 = .04 / 12.
    prompts = 0.04 / 12
    # Seeds: deviations .2, 0, .2: s^2 = .04, Var = .04 / 3. What is left: squares sum to .06, with
    # (3-1)(4-1) = 6 degrees .01, and .01 / 12 of the mean.
    seeds, rest = 0.04 / 3, 0.01 / 12
    assert sum(x * x for row in LEFT for x in row) == pytest.approx(0.06)
    variance = prompts + seeds - rest
    degrees = variance**2 / (prompts**2 / 3 + (seeds - rest) ** 2 / 2)
    first = stats.t.ppf(0.975, degrees) * math.sqrt(variance)
    # The seed means do not show what they share, prompts - rest = .0025; the seeds' own part is
    # .0125 of the whole .0158.
    means = seeds + 0.0025 * 0.0125 / variance
    second = stats.t.ppf(0.975, 2) * math.sqrt(means)
    found = seeded(cells(A), bounds=None)
    assert found.parts == (
        pytest.approx((math.sqrt(variance), degrees)),
        pytest.approx((math.sqrt(means), 2.0)),
    )
    half = max(first, second)
    assert first < second
    estimate = found.estimate
    assert (estimate.value, estimate.low, estimate.high) == pytest.approx(
        (0.5, 0.5 - half, 0.5 + half)
    )
    assert (estimate.n, estimate.clusters, estimate.p) == (12, 4, None)
    alone = stats.t.ppf(0.975, 3) * math.sqrt(prompts)
    assert (found.trainings.low, found.trainings.high) == pytest.approx((0.5 - alone, 0.5 + alone))
    assert (found.seeds, found.over) == (3, "seeds and prompts")
    assert with_seeds(cells(A), None, None) == estimate
    # Cut at the bounds.
    assert with_seeds(cells(A)).high == pytest.approx(min(1.0, 0.5 + half))


def test_a_difference_to_a_base_that_was_not_trained_by_hand() -> None:
    # The base says .2, .3, .4, .3 three times: the gains by prompt are .2, .3, .2, .1.
    base = cells([[0.2, 0.3, 0.4, 0.3]] * 3)
    gains = [0.2, 0.3, 0.2, 0.1]
    prompts = float(np.var(gains, ddof=1)) / 4
    seeds, rest = 0.04 / 3, 0.01 / 12
    variance = prompts + seeds - rest
    degrees = variance**2 / (prompts**2 / 3 + (seeds - rest) ** 2 / 2)
    found = seeded(cells(A), base, (-1, 1), trained=(True, False))
    means = seeds + (prompts - rest) * (seeds - rest) / variance
    assert found.parts[0] == pytest.approx((math.sqrt(variance), degrees))
    assert found.parts[1] == pytest.approx((math.sqrt(means), 2.0))
    ps = (
        2 * stats.t.sf(0.2 / math.sqrt(variance), degrees),
        2 * stats.t.sf(0.2 / math.sqrt(means), 2),
    )
    assert found.estimate.value == pytest.approx(0.2)
    assert found.estimate.p == pytest.approx(max(ps)) and ps[1] > ps[0]
    assert found.trainings.p == pytest.approx(stats.ttest_1samp(gains, 0).pvalue)
    # How often the base was sampled does not matter where it says the same each time.
    once = seeded(cells(A), cells([[0.2, 0.3, 0.4, 0.3]]), (-1, 1), trained=(True, False))
    assert once.parts[0] == pytest.approx(found.parts[0])


def test_two_trained_sides_with_the_same_seeds_are_paired_by_seed() -> None:
    # B is A less a gain of .1, .2, .3 by seed: the difference moves with the seeds by that alone.
    b = [[x - gain for x in row] for row, gain in zip(A, (0.1, 0.2, 0.3), strict=True)]
    b = [[x + more for x, more in zip(row, (0.03, -0.03, 0, 0), strict=True)] for row in b]
    found = seeded(cells(A), cells(b), (-1, 1))
    assert found.estimate.value == pytest.approx(0.2)
    prompts = 2 * 0.03**2 / 4 / 3  # all of it shared: nothing is left of seed and prompt means
    shared = prompts * (0.01 / 3) / (prompts + 0.01 / 3)
    assert found.parts[-1] == pytest.approx((math.sqrt(0.01 / 3 + shared), 2.0))
    t = stats.ttest_1samp([0.1, 0.2, 0.3], 0)
    assert found.estimate.p is not None and found.estimate.p >= t.pvalue * (1 - 1e-12)
    # Under other names nothing says which belong together: the variances add up.
    other = {seed + 10: row for seed, row in cells(b).items()}
    apart = seeded(cells(A), other, (-1, 1))
    gains = float(np.var([0.2, 0.3, 0.4], ddof=1)) / 3
    assert apart.parts[-1] == pytest.approx((math.sqrt(0.04 / 3 + gains), 2.0))
    # In another order of the seeds they are still paired by name.
    turned = dict(reversed(cells(b).items()))
    assert with_seeds(cells(A), turned, (-1, 1)).p == pytest.approx(found.estimate.p)


def test_a_win_rate_moves_with_the_trainings_of_both_sides() -> None:
    # Each of a's three trainings meets each of b's: a's win .2, .5, .8; b's lose by .4, .5, .6.
    rng = np.random.default_rng(3)
    won = np.array([0.2, 0.5, 0.8])[:, None] + np.array([-0.1, 0.0, 0.1])[None, :]
    prompts = rng.normal(0, 0.02, 6)
    prompts -= prompts.mean()
    values, first, second, group = [], [], [], []
    for i in range(3):
        for j in range(3):
            for g in range(6):
                values.append(won[i, j] + prompts[g])
                first.append(i)
                second.append(10 + j)
                group.append(g)
    sides = [Grid.by(np.array(values), np.array(s), np.array(group)) for s in (first, second)]
    found = of_pairs(sides[0], sides[1])
    assert found.estimate.value == pytest.approx(0.5)
    of_prompts = float(prompts @ prompts) / 5 / 6

    def means(seeds: float) -> float:
        return math.sqrt(seeds + of_prompts * seeds / (of_prompts + seeds))

    assert found.parts[1] == pytest.approx((means(0.09 / 3 + 0.01 / 3), 2.0))
    one = of_pairs(sides[0], sides[1], trained=(True, False))
    assert one.parts[1] == pytest.approx((means(0.09 / 3), 2.0))


def drawn(seed: int, k: int = 4, prompts: int = 9) -> tuple[Cells, Cells]:
    """Two policies with holes, several responses to some prompts, and trainings that differ."""
    dice = random.Random(seed)

    def side(gain: float) -> dict[int, dict[str, list[float]]]:
        return {
            s: {
                f"p{n}": [min(1.0, max(0.0, dice.gauss(0.4 + luck, 0.2)))] * dice.randint(1, 3)
                for n in range(prompts)
                if dice.random() < 0.9
            }
            for s in range(k)
            for luck in [dice.gauss(gain, 0.1)]
        }

    return side(0.1), side(0.0)


@pytest.mark.parametrize("seed", range(8))
def test_sides_turn_and_order_does_not_matter(seed: int) -> None:
    a, b = drawn(seed)
    found, turned = with_seeds(a, b, (-1, 1)), with_seeds(b, a, (-1, 1))
    assert None not in (found.value, found.low, found.high, found.p)
    numbers: Any = found.value, found.low, found.high
    assert (turned.value, turned.high, turned.low) == pytest.approx([-x for x in numbers])
    assert turned.p == pytest.approx(found.p)
    shuffled = [
        {s: dict(sorted(row.items(), reverse=True)) for s, row in reversed(side.items())}
        for side in (a, b)
    ]
    again = with_seeds(shuffled[0], shuffled[1], (-1, 1))
    assert (again.low, again.high, again.p) == pytest.approx((found.low, found.high, found.p))
    named = [
        {s: {f"x{name}": v for name, v in row.items()} for s, row in side.items()}
        for side in (a, b)
    ]
    assert with_seeds(named[0], named[1], (-1, 1)).low == pytest.approx(found.low)
    # It is never narrower, and never surer, than over prompts alone.
    alone = seeded(a, b, (-1, 1)).trainings
    assert alone.low is not None and alone.high is not None and alone.p is not None
    assert found.low <= alone.low and found.high >= alone.high and found.p >= alone.p  # type: ignore[operator]


def test_one_training_is_prompts_only() -> None:
    a, b = cells(A[:1]), cells([[0.2, 0.3, 0.4, 0.3]])
    found = seeded(a, b, (-1, 1))
    assert (found.seeds, found.over) == (1, "prompts")
    assert found.estimate == clustered_difference(A[0], "pqrs", [0.2, 0.3, 0.4, 0.3], "pqrs")
    mean = seeded(a)
    assert mean.estimate == clustered_mean(A[0], "pqrs")
    # One side with one training says as little of the next, however many the other has.
    assert seeded(cells(A), b, (-1, 1)).over == "prompts"


def test_samples_of_a_base_are_no_trainings() -> None:
    found = seeded(cells(A), trained=(False, True))
    assert (found.seeds, found.over) == (None, "prompts")
    assert found.estimate == found.trainings


def test_two_trainings_are_very_unsure() -> None:
    # Means .3 and .7: t with one degree of freedom.
    found = seeded(cells([A[0], A[2]]), bounds=None)
    error, degrees = found.parts[-1]
    assert degrees == 1.0 and 0.2 <= error < 0.22
    assert found.estimate.high == pytest.approx(0.5 + 12.7062 * error, abs=1e-3)


def test_no_spread_is_not_certainty() -> None:
    right = cells([[1.0] * 8] * 3)
    over = with_seeds(right)
    assert (over.value, over.high) == (1.0, 1.0)
    assert over.low == pytest.approx(clustered_mean([1.0] * 8, "pqrstuvw").low)
    none = with_seeds(right, right, (-1, 1))
    assert (none.value, none.p) == (0.0, 1.0)
    assert none.low is not None and none.low < -0.1
    # Every prompt has the same mean, but the trainings differ: that is seen.
    split = with_seeds(cells([[0.0] * 8, [0.5] * 8, [1.0] * 8]))
    assert (split.low, split.high) == (0.0, 1.0)
    gain = with_seeds(right, cells([[0.5] * 8, [0.6] * 8, [0.7] * 8]), (-1, 1))
    assert gain.p == pytest.approx(stats.ttest_1samp([0.5, 0.4, 0.3], 0).pvalue)


def test_too_little_has_no_interval() -> None:
    assert with_seeds({}).value is None
    assert with_seeds(cells(A), {}, (-1, 1)).reason == "no observations"
    one = with_seeds({0: {"p": [0.5]}, 1: {"p": [0.7]}, 2: {"p": [0.9]}})
    assert (one.value, one.low, one.reason) == (
        pytest.approx(0.7),
        None,
        "one cluster only: no interval",
    )
    # A training that has no score takes no part.
    assert with_seeds({**cells(A), 3: {}, 4: {"p": []}}) == with_seeds(cells(A))


def test_the_smallest_difference_that_would_be_found() -> None:
    base = cells([[0.2, 0.3, 0.4, 0.3]] * 3)
    found = seeded(cells(A), base, (-1, 1), trained=(True, False))
    wanted = [
        (stats.t.ppf(1 - 0.01 / 2, df) + stats.t.ppf(0.8, df)) * error for error, df in found.parts
    ]
    assert found.mdd(0.01) == pytest.approx(max(wanted))
    # Miller 2024: with many prompts (z + .84) SE.
    rng = np.random.default_rng(0)
    big = Grid(rng.random((1, 100_000)), np.ones((1, 100_000)), (0,))
    small = of_grids(big, None, (0, 1))
    error = small.parts[0][0]
    assert small.mdd(0.05) == pytest.approx((1.959964 + 0.841621) * error, rel=1e-4)


def test_within_a_margin_by_two_one_sided_tests() -> None:
    base = cells([[0.2, 0.3, 0.4, 0.3]] * 3)
    found = seeded(cells(A), base, (-1, 1), trained=(True, False))
    # The gain is .2: below .5 by .3, above -.5 by .7; the nearer end decides.
    wanted = max(stats.t.sf(0.3 / error, df) for error, df in found.parts)
    assert found.p_beyond(0.5) == pytest.approx(wanted)
    assert found.p_beyond(0.2) == pytest.approx(1.0) or found.p_beyond(0.2) == 1.0
    assert found.p_beyond(0.1) == 1.0


@pytest.mark.parametrize(("k", "deviation"), [(3, 0.06), (5, 0.0), (5, 0.06)])
def test_of_experiments_without_a_difference_few_are_called_one(k: int, deviation: float) -> None:
    """250 times 120 graded prompts: 5% is right; over prompts only it is over a third."""
    rng = np.random.default_rng(k)
    wrong = alone = 0
    names = tuple(range(k))
    for _ in range(250):
        ease = rng.uniform(0.3, 0.7, 120)
        luck = rng.normal(0, deviation, (k, 1))
        sides = [ease + luck + rng.normal(0, 0.1, (k, 120)), ease + rng.normal(0, 0.1, (k, 120))]
        a, b = (Grid(side, np.ones((k, 120)), names) for side in sides)
        found = of_grids(a, b, (-1, 1), trained=(True, False))
        assert found.estimate.p is not None and found.trainings.p is not None
        wrong += found.estimate.p < 0.05
        alone += found.trainings.p < 0.05
    assert wrong <= 0.08 * 250
    assert deviation == 0 or alone > 0.33 * 250


def test_a_training_that_holds_most_is_taken_by_what_leaving_it_out_moves() -> None:
    """20 samples of one training and one of each other: the spread is the jackknife's."""
    draw = np.random.default_rng(3)
    cells = {
        seed: {
            n: draw.binomial(1, 0.4 + 0.1 * seed, each).astype(float).tolist() for n in range(30)
        }
        for seed, each in enumerate((20, 1, 1))
    }
    luck = luck_of(Grid.of(cells, range(30)))
    everything = [x for by in cells.values() for xs in by.values() for x in xs]
    whole, moved = np.mean(everything), []
    for left in cells:
        rest = [x for s, by in cells.items() if s != left for xs in by.values() for x in xs]
        moved.append(float(np.mean(rest) - whole) ** 2)
    assert luck.seeds() == pytest.approx(2 / 3 * sum(moved), rel=1e-9)
    # 22^2 / (20^2 + 1 + 1) = 1.2 equal trainings: one degree of freedom, the fewest there are.
    assert luck.degrees == 1.0
    found = seeded(cells, {0: {n: [0.4] for n in range(30)}}, (-1.0, 1.0), trained=(True, False))
    assert found.estimate.p is not None and found.estimate.p > 0.05


def test_trainings_alike_in_size_keep_every_bit() -> None:
    draw = np.random.default_rng(4)
    cells = {seed: {n: [float(draw.random())] for n in range(30)} for seed in range(3)}
    luck = luck_of(Grid.of(cells, range(30)))
    assert luck.degrees == 2 and luck.seeds() == 3 / 2 * float((luck.pull.sum(1) ** 2).sum())


def luck_of(grid: Grid) -> Luck:
    return Luck(grid.pull(), grid.share())

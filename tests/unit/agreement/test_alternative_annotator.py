"""The alternative annotator test, against the paper's definitions written as loops."""

import numpy as np
import pytest
from scipy.stats import t, ttest_1samp
from statsmodels.stats.multitest import multipletests

from harness.agreement.alternative_annotator import (
    alternative_annotator_test,
    worse_than,
)
from harness.ratings.table import from_labels
from harness.statistics.intervals import wilson

SCALES = {
    "nominal": [*"abcde"],
    "ordinal": ["awful", "bad", "fair", "good", "superb"],
    # Steps of a tenth: .3 - .2 and .2 - .1 differ by rounding, yet both are one step.
    "interval": ["0.1", "0.2", "0.3", "0.4", "0.5"],
    "ratio": ["0.1", "0.2", "0.3", "0.4", "0.5"],
}


def table_of(columns, level="nominal", clusters=None):
    """Make a table whose last column is the judge's; -1 is missing."""
    labels = SCALES[level]
    named = {
        name: [None if code < 0 else labels[code] for code in column]
        for name, column in columns.items()
    }
    people = list(columns)[:-1]
    declared = labels if level == "ordinal" else None
    table = from_labels(named, humans=people, level=level, categories=declared, clusters=clusters)
    return table, len(people)


def by_the_paper(columns, level, epsilon):
    """Return person -> (advantage, items, p), people in order, with plain loops."""
    *people, judge = columns
    found = {}
    for person in people:
        better, worse = [], []
        for i, own in enumerate(columns[person]):
            rest = [columns[p][i] for p in people if p != person and columns[p][i] >= 0]
            if own < 0 or columns[judge][i] < 0 or not rest:
                continue

            def cost(label, rest=rest):
                if level == "nominal":
                    return sum(label != other for other in rest)
                return sum((label - other) ** 2 for other in rest)

            better.append(cost(columns[judge][i]) <= cost(own))
            worse.append(cost(own) <= cost(columns[judge][i]))
        if len(better) >= 30:
            difference = np.array(worse, float) - np.array(better, float)
            p = ttest_1samp(difference, epsilon, alternative="less").pvalue
            found[person] = (np.mean(better), len(better), p)
    return found


def random_columns(seed, n=90, people=4, missing=0.3, judge_right=0.8):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 5, n)
    columns = {}
    for k in range(people + 1):
        name, right = (f"p{k}", 0.75 - 0.05 * k) if k < people else ("judge", judge_right)
        said = np.where(rng.random(n) < right, truth, rng.integers(0, 5, n))
        columns[name] = np.where(rng.random(n) < missing * (k % 2), -1, said)
    return columns


@pytest.mark.parametrize("level", list(SCALES))
def test_every_number_is_that_of_the_paper(level):
    outcomes = []
    for seed in range(8):
        columns = random_columns(seed, missing=0.4, judge_right=0.4 + 0.08 * seed)
        columns["judge"][:8] = -1
        table, judge = table_of(columns, level)
        expected = by_the_paper(columns, level, 0.15)
        assert len(expected) == 4
        omega, rho, *rows = alternative_annotator_test(table, judge, 0.15)
        adjusted = multipletests([p for *_, p in expected.values()], method="fdr_by")[1]
        for row, (person, found), p in zip(rows, expected.items(), adjusted, strict=True):
            assert row.name == "alt_test_advantage" and row.annotators == f"judge over {person}"
            assert (row.value, row.n, row.clusters) == (pytest.approx(found[0]), found[1], found[1])
            won = "won" if p <= 0.05 else "not won"
            assert row.reason == f"p = {p:.2g} (adjusted), {won}"
            outcomes.append(won)
        assert omega.value == np.mean(adjusted <= 0.05)
        may = "may" if omega.value >= 0.5 else "may not"
        assert omega.reason.startswith(f"{may} replace a person (omega >= .5, epsilon 0.15)")
        assert rho.value == pytest.approx(np.mean([found[0] for found in expected.values()]))
        assert rho.n == rho.clusters == omega.n == omega.clusters == 82
        assert (omega.name, rho.name) == ("alt_test_omega", "alt_test_rho")
        assert omega.annotators == rho.annotators == "judge"
    assert 3 < outcomes.count("won") < 29


@pytest.mark.parametrize(
    ("right", "shown"), [(0.75, (1.0, 0.0)), (0.5, (0.0, 0.0)), (0.1, (0.0, 1.0))]
)
def test_not_shown_to_do_as_well_is_not_shown_to_do_worse(right, shown):
    table, judge = table_of(random_columns(3, missing=0.0, judge_right=right))
    omega, *_ = alternative_annotator_test(table, judge, 0.2)
    worse = worse_than(table, judge, 0.2)
    assert (omega.value, worse.value) == shown
    assert (worse.n, worse.clusters) == (90, 90)


def test_rho_counts_each_person_once_however_many_items_they_have():
    # Advantages 30/60, 30/60 and 30/30; over items it would be (30 * 1 + 30 * 0) / 60 = .5.
    a, b = [0] * 30, [1] * 30
    table, judge = table_of({"x": a + a, "y": a + a, "z": b + [-1] * 30, "judge": a + b})
    omega, rho, *rows = alternative_annotator_test(table, judge)
    assert [row.value for row in rows] == [0.5, 0.5, 1.0]
    assert rho.value == pytest.approx(2 / 3)
    assert omega.value == pytest.approx(1 / 3)
    # An item adds +-1/2 / 60 / 3 for each of two people: Var = 60/59 * 60 * (1/180)^2.
    half = t.ppf(0.975, 59) * np.sqrt(60 / 59 * 60 / 180**2)
    assert (rho.low, rho.high) == pytest.approx((2 / 3 - half, 2 / 3 + half))


def influence_interval(columns, clusters):
    """Return the clustered t-interval of rho by the delta method, item by item."""
    *people, judge = columns
    n = len(columns[judge])
    pull = np.zeros(n)
    values = []
    for person in people:
        wins = {}
        for i in range(n):
            rest = [columns[p][i] for p in people if p != person and columns[p][i] >= 0]
            if columns[person][i] >= 0 and columns[judge][i] >= 0 and rest:
                fit = [sum(c == r for r in rest) for c in (columns[judge][i], columns[person][i])]
                wins[i] = float(fit[0] >= fit[1])
        share = sum(wins.values()) / len(wins)
        values.append(share)
        for i, win in wins.items():
            pull[i] += (win - share) / len(wins) / len(people)
    sums = {}
    for i, cluster in enumerate(clusters):
        sums[cluster] = sums.get(cluster, 0.0) + pull[i]
    g = len(sums)
    half = t.ppf(0.975, g - 1) * np.sqrt(g / (g - 1) * sum(s * s for s in sums.values()))
    return np.mean(values) - half, np.mean(values) + half


@pytest.mark.parametrize("prompts", [120, 30, 20, 5])
def test_the_interval_of_rho_is_clustered_by_prompt(prompts):
    columns = random_columns(3, n=120, judge_right=0.6)
    clusters = [f"q{i * prompts // 120}" for i in range(120)]
    table, judge = table_of(columns, clusters=clusters)
    _, rho, *_ = alternative_annotator_test(table, judge)
    assert (rho.low, rho.high) == pytest.approx(influence_interval(columns, clusters))
    assert rho.clusters == prompts
    assert rho.reason == ("" if prompts >= 30 else f"only {prompts} independent units")


def test_copies_of_items_in_one_cluster_add_no_certainty():
    columns = random_columns(5, n=60, judge_right=0.7)
    once = alternative_annotator_test(*table_of(columns), 0.1)
    doubled = {name: np.repeat(column, 2) for name, column in columns.items()}
    clusters = [str(i // 2) for i in range(120)]
    twice = alternative_annotator_test(*table_of(doubled, clusters=clusters), 0.1)
    assert len(once) == len(twice) == 6
    for one, two in zip(once, twice, strict=True):
        assert (two.value, two.low, two.high) == pytest.approx((one.value, one.low, one.high))
        assert two.reason == one.reason and two.clusters == one.clusters
    alone = alternative_annotator_test(*table_of(doubled), 0.1)
    assert alone[2].reason != once[2].reason  # smaller p: copies taken for items


@pytest.mark.parametrize(("misses", "exact"), [(0, True), (4, True), (5, False), (56, True)])
def test_few_misses_or_hits_give_rho_wilsons_interval(misses, exact):
    # All people say a; the judge says b on some items, where it is behind each person.
    people = [0] * 60
    judge = [1] * misses + [0] * (60 - misses)
    table, column = table_of({"x": people, "y": people, "z": people, "judge": judge})
    _, rho, *_ = alternative_annotator_test(table, column)
    share = 1 - misses / 60
    assert rho.value == pytest.approx(share)
    half = t.ppf(0.975, 59) * np.sqrt(share * (1 - share) / 59)
    # Var of the mean is s(1-s)/59, so 59 items are as good as these: wilson(59 s, 59).
    effective = 60 if misses == 0 else 59
    expected = wilson(share * effective, effective) if exact else (share - half, share + half)
    assert (rho.low, rho.high) == pytest.approx(expected)


def behind_on(items, clusters):
    """Return rho where people all say a and the judge says b on some items of 72."""
    people = [0] * 72
    judge = [int(i in items) for i in range(72)]
    table, column = table_of(
        {"x": people, "y": people, "z": people, "judge": judge}, clusters=[str(c) for c in clusters]
    )
    return alternative_annotator_test(table, column)[1]


def test_an_interval_of_rho_stays_between_0_and_1():
    # Twelve prompts of six: behind on all of the first and once in four others; and the reverse.
    misses = {*range(6), 6, 12, 18, 24}
    prompts = np.arange(72) // 6
    row, turned = behind_on(misses, prompts), behind_on(set(range(72)) - misses, prompts)
    sums = [-6 * 62 / 72, *[5 - 6 * 62 / 72] * 4, *[6 - 6 * 62 / 72] * 7]
    half = t.ppf(0.975, 11) * np.sqrt(12 / 11 * np.sum(np.square(sums))) / 72
    assert 62 / 72 + half > 1
    assert (row.low, row.high) == pytest.approx((62 / 72 - half, 1.0))
    assert (turned.low, turned.high) == pytest.approx((0.0, 10 / 72 + half))
    assert row.high == 1.0 and turned.low == 0.0


def test_prompts_that_all_balance_give_rho_wilsons_interval_over_prompts():
    row = behind_on(set(range(0, 72, 2)), np.arange(72) // 2)
    assert row.value == 0.5 and (row.low, row.high) == pytest.approx(wilson(18, 36))


def test_a_judge_that_equals_people_wins_unless_its_worth_is_nothing():
    same = {name: [0, 1] * 20 for name in ("x", "y", "z", "judge")}
    omega, rho, *rows = alternative_annotator_test(*table_of(same), 0.1)
    assert omega.value == 1.0 and rho.value == 1.0
    assert [row.reason for row in rows] == ["p = 0 (adjusted), won"] * 3
    assert (rho.low, rho.high) == pytest.approx(wilson(40, 40))
    omega, *_ = alternative_annotator_test(*table_of(same), 0.0)
    assert omega.value == 0.0
    halves = ["p"] * 20 + ["q"] * 20
    omega, *_ = alternative_annotator_test(*table_of(same, clusters=halves), 0.1)
    assert omega.value == 1.0


def test_two_prompts_have_an_interval():
    row = behind_on({0, 40}, [0] * 36 + [1] * 36)
    # Two hits' clusters are too few for t, and both prompts are alike: Wilson over the two.
    assert (row.clusters, row.status) == (2, "ok") and row.value == 70 / 72
    assert (row.low, row.high) == pytest.approx(wilson(2 * 70 / 72, 2))


def test_one_prompt_decides_nothing():
    table, judge = table_of(random_columns(2, judge_right=1.0), clusters=["q"] * 90)
    omega, rho, *rows = alternative_annotator_test(table, judge, 0.2)
    assert omega.value == 0.0 and omega.clusters == 1
    assert [row.reason.split("; ")[-1] for row in rows] == ["p = 1 (adjusted), not won"] * 4
    assert (rho.status, rho.low, rho.reason) == ("unreliable", None, "no interval from one cluster")
    assert rho.value == pytest.approx(np.mean([row.value for row in rows]))
    assert (rho.name, rho.annotators, rho.n, rho.clusters) == ("alt_test_rho", "judge", 90, 1)


def test_epsilon_is_what_decides_and_is_a_fifth_unless_given():
    # Behind on 4 of 40 items: mean difference .1, standard error sqrt(.09 / 39) = .048.
    people = [0] * 40
    table, judge = table_of({"x": people, "y": people, "z": people, "judge": [1] * 4 + [0] * 36})
    p = t.cdf((0.1 - 0.2) / np.sqrt(0.09 / 39), 39)
    omega, _, *rows = alternative_annotator_test(table, judge)
    # Three equal p: Benjamini-Yekutieli makes each p (1 + 1/2 + 1/3) = .0405.
    assert rows[0].reason == f"p = {p * 11 / 6:.2g} (adjusted), won"
    assert omega.value == 1.0 and "epsilon 0.2)" in omega.reason
    omega, *_ = alternative_annotator_test(table, judge, 0.15)
    assert omega.value == 0.0 and "epsilon 0.15)" in omega.reason


def test_half_of_the_people_beaten_is_enough():
    # w and x are alone with b and c; y and z say a, as the judge does on all but half of the items.
    a, b, c, d = range(4)
    columns = {"w": [b] * 40, "x": [c] * 40, "y": [a] * 40, "z": [a] * 40}
    table, judge = table_of(columns | {"judge": [d] * 20 + [a] * 20})
    omega, rho, *rows = alternative_annotator_test(table, judge)
    assert [row.reason.split(", ")[-1] for row in rows] == ["won", "won", "not won", "not won"]
    assert omega.value == 0.5 and omega.reason.startswith("may replace a person (")
    assert rho.value == pytest.approx((1 + 1 + 0.5 + 0.5) / 4)


@pytest.mark.parametrize(("common", "tested"), [(29, 2), (30, 3)])
@pytest.mark.parametrize("how", ["no label", "nobody else"])
def test_thirty_items_with_the_judge_and_another_person_are_needed(common, tested, how):
    n = 100
    full = np.zeros(n, int)
    columns = {"few": full.copy(), "y": full.copy(), "z": full.copy(), "judge": full.copy()}
    if how == "no label":
        columns["few"][common:] = -1
    else:
        # Enough items with the judge, but the others' labels are on too few of these.
        columns["few"][60:] = -1
        columns["y"][common:60] = columns["z"][common:60] = -1
    rows = alternative_annotator_test(*table_of(columns))
    if tested == 3:
        assert len(rows) == 5 and rows[0].value == 1.0 and "left out" not in rows[0].reason
    else:
        (row,) = rows
        assert (row.name, row.annotators, row.status) == (
            "alt_test_omega", "judge", "not_applicable",
        )  # fmt: skip
        assert row.reason == "needs 3 people with 30 items each, 2 have"


def test_people_with_few_items_are_left_out_and_counted():
    n = 80
    # Two people have 20 items; two have 60, but on 40 of these nobody else has a label.
    columns = {name: np.zeros(n, int) for name in ("few", "x", "lone", "y", "few2", "z", "lone2")}
    columns["few"][20:] = columns["few2"][20:] = -1
    columns["lone"][60:] = columns["lone2"][20:] = -1
    columns["lone2"][60:] = 0
    for name in ("x", "y", "z"):
        columns[name][20:60] = -1
    table, judge = table_of(columns | {"judge": np.zeros(n, int)})
    omega, _, *rows = alternative_annotator_test(table, judge)
    assert "; 3 people with fewer than 30 items left out (omega" in omega.reason
    assert [row.annotators.removeprefix("judge over ") for row in rows] == ["x", "y", "z", "lone2"]
    assert [row.n for row in rows] == [40] * 4


def test_whoever_is_left_out_stays_among_the_others():
    # On the first 20 items only few has a label beside x: there x is right and the judge is not.
    n = 80
    columns = {name: np.zeros(n, int) for name in ("few", "x", "y", "z", "w")}
    columns["few"][:20], columns["few"][20:] = 1, -1
    columns["x"][:20] = 1
    for name in ("y", "z", "w"):
        columns[name][:20] = -1
    table, judge = table_of(columns | {"judge": np.zeros(n, int)})
    _, rho, over_x, *rest = alternative_annotator_test(table, judge)
    assert (over_x.value, over_x.n) == (60 / 80, 80)
    assert [(row.value, row.n) for row in rest] == [(1.0, 60)] * 3
    assert rho.value == pytest.approx((0.75 + 3) / 4)


def test_two_hundred_tables_of_any_shape_are_as_the_paper_says():
    tried = 0
    for seed in range(200):
        rng = np.random.default_rng(1000 + seed)
        level = list(SCALES)[seed % 4]
        people, missing = int(rng.integers(3, 15)), float(rng.uniform(0, 0.5))
        columns = random_columns(seed, int(rng.integers(60, 120)), people, missing, rng.random())
        expected = by_the_paper(columns, level, 0.2)
        if len(expected) < 3:
            continue
        omega, rho, *rows = alternative_annotator_test(*table_of(columns, level))
        advantages = [share for share, *_ in expected.values()]
        adjusted = multipletests([p for *_, p in expected.values()], method="fdr_by")[1]
        assert [row.annotators for row in rows] == [f"judge over {name}" for name in expected]
        assert [row.value for row in rows] == pytest.approx(advantages)
        assert rho.value == pytest.approx(np.mean(advantages))
        assert omega.value == pytest.approx(np.mean(adjusted <= 0.05))
        tried += 1
    assert tried > 190


@pytest.mark.parametrize("people", [3, 10, 11, 54])
def test_everybody_of_a_crowd_has_a_row(people):
    columns = {f"p{k}": [0] * 40 for k in range(people)} | {"judge": [0] * 40}
    rows = alternative_annotator_test(*table_of(columns))[2:]
    assert [row.annotators for row in rows] == [f"judge over p{k}" for k in range(people)]

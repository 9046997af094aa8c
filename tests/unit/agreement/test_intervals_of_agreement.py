"""Intervals at the edges, clusters, and rows that have no number."""

import numpy as np
import pytest
from raters import pairs_from_contingency, table_of
from scipy import stats

from harness.agreement.accuracy import accuracy, against_the_rest, human_ceiling, leave_one_out
from harness.agreement.alpha import krippendorff_alpha
from harness.agreement.kappa import cohen_kappa, pairs_of
from harness.agreement.multi_rater import chance_corrected
from harness.ratings.table import counts_of
from harness.statistics.intervals import clopper_pearson_upper, cluster_share, wilson
from harness.statistics.resample import Bootstrap, Units, distinct_rows, estimate, replicate


def test_one_category_is_undefined_with_a_reason():
    pairs = pairs_from_contingency(np.array([[30, 0], [0, 0]]))
    counts = np.array([[3, 0]] * 30)
    for row in (
        cohen_kappa(pairs, "a - b"),
        chance_corrected(counts, "fleiss", "all"),
        krippendorff_alpha(counts, "nominal", "all"),
    ):
        assert row.status == "undefined"
        assert row.value is None and row.low is None
        assert "same" in row.reason or "one category" in row.reason


def test_gwets_ac1_of_one_used_category_is_one():
    # Two categories are declared, so chance agreement is 0 and full agreement is 1.
    assert chance_corrected(np.array([[3, 0]] * 30), "gwet", "all").value == 1.0


def test_perfect_agreement_has_an_interval_of_some_width():
    pairs = pairs_from_contingency(np.array([[15, 0], [0, 15]]))
    kappa = cohen_kappa(pairs, "")
    assert kappa.value == 1.0 and kappa.high == 1.0
    assert kappa.low == pytest.approx(1 - 2 * (1 - wilson(30, 30)[0]))
    right = accuracy(np.zeros(30, int), np.zeros(30, int), np.arange(30), "judge")
    assert right.value == 1.0
    assert right.low == pytest.approx(wilson(30, 30)[0])


def test_kappa_under_extreme_prevalence_is_unreliable():
    row = cohen_kappa(pairs_from_contingency(np.array([[195, 2], [2, 1]])), "")
    assert row.status == "unreliable"
    assert "98" in row.reason


def test_units_that_are_all_alike_give_no_interval_of_no_width():
    half = cluster_share("x", "", np.full(40, 0.5), np.arange(40), why_undefined="")
    assert half.high - half.low > 0.2
    never = cohen_kappa(pairs_from_contingency(np.array([[0, 40], [0, 0]])), "")
    assert never.value == 0.0 and never.low is None
    assert never.status == "unreliable" and "alike" in never.reason


def test_few_clusters_are_named():
    scores = np.tile([1.0, 0.0, 1.0, 1.0], 10)
    row = cluster_share("accuracy", "j", scores, np.arange(40) // 4, why_undefined="")
    assert row.clusters == 10
    assert "10 independent" in row.reason


def test_cr1_interval_by_hand():
    # e per cluster sums to +-1 around 1/2: Var = 12/11 * 12 * 1 / 48^2, t(11) = 2.20099.
    scores = np.array([1, 1, 0, 1] * 6 + [0, 0, 1, 0] * 6, dtype=float)
    row = cluster_share("x", "", scores, np.arange(48) // 4, why_undefined="")
    half = 2.200985160082949 * np.sqrt(12 / 11 * 12 / 48**2)
    assert row.value == 0.5
    assert row.high - row.value == pytest.approx(half)


def test_clusters_widen_the_interval():
    rng = np.random.default_rng(0)
    truth = np.repeat(rng.integers(0, 3, 60), 10)
    codes = np.stack([np.where(np.repeat(rng.random(60), 10) < 0.8, truth, 0), truth], axis=1)
    alone = cohen_kappa(pairs_of(codes[:, 0], codes[:, 1], np.arange(600), 3), "")
    grouped = cohen_kappa(pairs_of(codes[:, 0], codes[:, 1], np.arange(600) // 10, 3), "")
    assert alone.value == grouped.value
    assert grouped.clusters == 60
    assert grouped.high - grouped.low > 2 * (alone.high - alone.low)


def test_the_pattern_bootstrap_is_the_item_bootstrap():
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 3, (80, 2))
    eye = np.eye(3)
    rows = np.column_stack([eye[codes[:, 0]], eye[codes[:, 1]]])
    first, pattern = distinct_rows(codes)
    units = Units(rows[first], np.bincount(pattern))

    def share(sums):
        return sums[..., 0] / sums[..., :3].sum(-1)

    ours = replicate(units, share, 20_000, seed=3)
    picks = rng.integers(0, 80, (20_000, 80))
    naive = rows[picks, 0].mean(1)
    assert ours.mean() == pytest.approx(naive.mean(), abs=0.002)
    assert ours.std() == pytest.approx(naive.std(), rel=0.03)


def test_the_acceleration_of_bca_counts_every_unit_of_a_pattern():
    rows, counts = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 5.0]]), np.array([20, 8, 2])
    units = Units(rows, counts)

    def mean(sums):
        return sums[..., 1] / sums[..., 0]

    row = estimate(
        "x", "", units, mean, n=30, why_undefined="", bounds=(-9, 9), bootstrap=Bootstrap(seed=2)
    )
    drawn = replicate(units, mean, seed=2)
    values = np.repeat(rows[:, 1], counts)
    off = values.mean() - np.array([np.delete(values, k).mean() for k in range(30)])
    acceleration = (off**3).sum() / (6 * (off**2).sum() ** 1.5)
    below = np.mean(drawn < values.mean()) + np.mean(drawn == values.mean()) / 2
    bias = stats.norm.ppf(below)
    reach = np.sqrt(30 / 29) * stats.t.ppf(0.975, 29)
    z = bias + np.array([-reach, reach])
    ends = np.quantile(drawn, stats.norm.cdf(bias + z / (1 - acceleration * z)))
    assert (row.value, row.low, row.high) == pytest.approx((18 / 30, *ends))


def test_items_without_a_second_label_take_no_part_in_alpha_nor_do_their_prompts():
    counts = np.array(
        [[1, 0], [2, 0], [2, 0], [0, 2], [1, 1], [0, 2], [1, 0], [2, 0], [0, 2], [1, 1], [2, 0],
         [0, 2]]
    )  # fmt: skip
    prompts = np.array([0, 1, 1, 1, 2, 2, 2, 3, 3, 4, 4, 5])
    alpha = krippendorff_alpha(counts, "nominal", "", clusters=prompts)
    # By prompt 1 to 5: disagreeing ordered pairs 0, 2, 0, 2, 0 and labels 4:2, 1:3, 2:2, 3:1, 0:2.
    rows = np.array([[0, 4, 2], [2, 1, 3], [0, 2, 2], [2, 3, 1], [0, 0, 2]], float)

    def value(sums):
        observed, a, b = (sums[..., k] for k in range(3))
        n = a + b
        return 1 - observed * (n - 1) / np.where(a * b > 0, 2 * a * b, np.nan)

    units = Units(rows, np.ones(5, dtype=np.int64))
    by_hand = estimate("x", "", units, value, n=10, why_undefined="", bounds=(-np.inf, 1.0))
    assert alpha.value == pytest.approx(1 - 4 * 19 / (2 * 10 * 10))
    assert (alpha.low, alpha.high) == pytest.approx((by_hand.low, by_hand.high))
    assert (alpha.n, alpha.clusters) == (10, 5)


def test_the_same_seed_gives_the_same_interval():
    pairs = pairs_from_contingency(np.array([[20, 5], [6, 30]]))
    assert cohen_kappa(pairs, "", bootstrap=Bootstrap(seed=4)) == cohen_kappa(
        pairs, "", bootstrap=Bootstrap(seed=4)
    )
    assert cohen_kappa(pairs, "", bootstrap=Bootstrap(seed=4)) != cohen_kappa(
        pairs, "", bootstrap=Bootstrap(seed=5)
    )


@pytest.mark.parametrize("width", [2, 30, 70])
def test_distinct_rows_are_distinct(width):
    rng = np.random.default_rng(width)
    base = rng.integers(-5, 2_000, (40, width))
    rows = base[rng.integers(0, 40, 500)]
    first, inverse = distinct_rows(rows)
    assert np.array_equal(rows[first][inverse], rows)
    assert len(first) == len({tuple(row) for row in rows.tolist()})


def test_exact_bounds():
    assert wilson(81, 263) == pytest.approx((0.25529, 0.36621), abs=5e-6)
    assert clopper_pearson_upper(0, 30, 0.1) == pytest.approx(0.073881, abs=5e-7)


def test_a_tied_rest_counts_in_part_so_the_ceiling_is_not_too_high():
    # Items on which the three people all differ: the rest of two ties, each label counts 1/2.
    codes = np.array([[0, 1, 2]] * 20 + [[0, 0, 0]] * 20)
    clusters = np.arange(40)
    table = table_of(codes, [0, 1, 2], clusters, 3)
    rows = leave_one_out(table)
    assert [row.value for row in rows] == [0.5, 0.5, 0.5]
    assert human_ceiling(table).value == 0.5
    codes = np.column_stack([codes, codes[:, 0]])
    # The judge's label is one of the tied two in two of three left-out pairs.
    judged = against_the_rest(table_of(codes, [0, 1, 2], clusters, 3), 3)
    assert judged.value == pytest.approx((0.5 * 2 / 3 + 1.0) / 2)


def test_counts_do_not_depend_on_the_way_they_are_made():
    rng = np.random.default_rng(5)
    wide = rng.integers(-1, 4, (50, 100))
    narrow = sum(counts_of(wide[:, i : i + 10], 4) for i in range(0, 100, 10))
    assert np.array_equal(counts_of(wide, 4), narrow)

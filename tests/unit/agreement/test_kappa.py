"""Cohen's kappa and its neighbours: values by hand and by statsmodels, intervals, edges."""

import numpy as np
import pytest
from raters import pairs_from_contingency
from statsmodels.stats.inter_rater import cohens_kappa

from harness.agreement.kappa import (
    agreement_weights,
    bias_statistic,
    cohen_kappa,
    kappa_standard_error,
    pairs_of,
    percent_agreement,
    prevalence_statistic,
)
from harness.statistics.intervals import wilson
from harness.statistics.resample import Bootstrap, Units, estimate

HAND = np.array([[20, 9], [4, 7]])  # n = 40: p_o = .675, p_e = (29 * 24 + 11 * 16) / 1600 = .545
HAND_KAPPA = (0.675 - 0.545) / (1 - 0.545)


def clustered(seed=3, c=3, clusters=40, per=4):
    """Return pairs of a table in prompts, and the counts (prompt, cell) behind it."""
    rng = np.random.default_rng(seed)
    group = np.arange(clusters * per) // per
    truth = rng.integers(0, c, clusters)[group]
    first, second = (
        np.where(rng.random(group.size) < 0.6, truth, rng.integers(0, c, group.size))
        for _ in range(2)
    )
    first[:3], second[6:8] = -1, -1
    both = (first >= 0) & (second >= 0)
    cells = np.zeros((clusters, c * c))
    np.add.at(cells, (group[both], first[both] * c + second[both]), 1)
    return pairs_of(first, second, group, c), cells


def weighted_kappa(table, weights):
    """Return kappa by sums over the cells of (..., c, c) counts."""
    share = table / table.sum((-2, -1), keepdims=True)
    chance = share.sum(-1)[..., :, None] * share.sum(-2)[..., None, :]
    observed, expected = (weights * share).sum((-2, -1)), (weights * chance).sum((-2, -1))
    return (observed - expected) / (1 - expected)


def test_weights_follow_the_numbers_of_the_categories():
    # Distances of 1, 2 and 5 are 1, 3 and 4 of at most 4.
    values = np.array([1.0, 2.0, 5.0])
    linear = [[1, 0.75, 0], [0.75, 1, 0.25], [0, 0.25, 1]]
    squared = [[1, 15 / 16, 0], [15 / 16, 1, 7 / 16], [0, 7 / 16, 1]]
    assert agreement_weights(3, "linear", values).tolist() == linear
    assert agreement_weights(3, "quadratic", values).tolist() == squared
    assert agreement_weights(3, "linear").tolist() == [[1, 0.5, 0], [0.5, 1, 0.5], [0, 0.5, 1]]


def test_kappa_by_hand():
    row = cohen_kappa(pairs_from_contingency(HAND), "x - y")
    assert row.value == pytest.approx(HAND_KAPPA)
    assert (row.name, row.annotators, row.n, row.clusters) == ("cohen_kappa", "x - y", 40, 40)
    assert (row.status, row.reason) == ("ok", "")
    # Transposed it is the same: who is called first does not count.
    assert cohen_kappa(pairs_from_contingency(HAND.T), "").value == pytest.approx(HAND_KAPPA)


def test_items_that_one_left_out_take_no_part():
    first, second = np.array([0, 0, -1, 1, 1, -1, 2]), np.array([0, 1, 1, -1, 1, -1, 0])
    pairs = pairs_of(first, second, np.array([3, 4, 5, 6, 7, 8, 9]), 3)
    assert pairs.first.tolist() == [0, 0, 1, 2] and pairs.second.tolist() == [0, 1, 1, 0]
    assert pairs.clusters.tolist() == [3, 4, 7, 9]
    assert pairs.contingency.tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 0]]


def test_a_table_of_counts_is_made_of_its_items():
    pairs = pairs_from_contingency(np.array([[1, 2, 0], [0, 0, 1], [3, 0, 1]]))
    assert pairs.first.tolist() == [0, 0, 0, 1, 2, 2, 2, 2]
    assert pairs.second.tolist() == [0, 1, 1, 2, 0, 0, 0, 2]
    assert pairs.clusters.tolist() == list(range(8)) and pairs.n_categories == 3


@pytest.mark.parametrize(
    ("weighting", "values", "name"),
    [
        ("identity", None, "cohen_kappa"),
        ("linear", None, "cohen_kappa_linear"),
        ("quadratic", None, "cohen_kappa_quadratic"),
        ("quadratic", [0.0, 1.0, 5.0], "cohen_kappa_quadratic"),
    ],
)
def test_the_interval_is_the_bootstrap_of_kappa_over_prompts(weighting, values, name):
    pairs, cells = clustered()
    values = None if values is None else np.array(values)
    weights = agreement_weights(3, weighting, values)
    row = cohen_kappa(
        pairs, "x - y", weighting=weighting, values=values, bootstrap=Bootstrap(500, 7)
    )
    expected = estimate(
        name, "x - y", Units(cells, np.ones(40, dtype=np.int64)),
        lambda sums: weighted_kappa(sums.reshape(*sums.shape[:-1], 3, 3), weights),
        n=int(cells.sum()), why_undefined="", bootstrap=Bootstrap(500, 7),
    )  # fmt: skip
    assert (row.name, row.annotators, row.n, row.clusters) == (name, "x - y", 155, 40)
    assert (row.value, row.low, row.high) == pytest.approx(
        (expected.value, expected.low, expected.high)
    )
    assert row.low < row.value < row.high


def test_an_interval_without_seed_and_replicates_is_always_the_same():
    pairs, _ = clustered()
    assert cohen_kappa(pairs, "") == cohen_kappa(pairs, "", bootstrap=Bootstrap(2_000, 0))


def test_perfect_agreement_is_bounded_by_wilson_over_the_chance_left():
    # Shares 3/4 and 1/4: p_e = .625, so one part of imperfect items costs 1 / .375.
    row = cohen_kappa(pairs_from_contingency(np.diag([30, 10])), "")
    assert (row.value, row.high) == (1.0, 1.0)
    assert row.low == pytest.approx(1 - (1 - wilson(40, 40)[0]) / 0.375)
    # Quadratic on three ranks, all in the middle but four: p_e = 1 - 2 * (.8 * .2) * 1/4.
    row = cohen_kappa(pairs_from_contingency(np.diag([2, 16, 2])), "", weighting="quadratic")
    chance = 1 - (2 * 0.1 * 0.8 * 0.25 * 2 + 2 * 0.1 * 0.1 * 1.0)
    assert row.low == pytest.approx(max(-1.0, 1 - (1 - wilson(20, 20)[0]) / (1 - chance)))


@pytest.mark.parametrize(
    ("table", "status", "reason"),
    [
        ([[194, 2], [2, 2]], "unreliable", "one category holds 98.0% of the labels"),
        ([[2, 1], [1, 196]], "unreliable", "one category holds 98.5% of the labels"),
        ([[193, 3], [2, 2]], "ok", ""),  # 391 of 400 labels
        ([[192, 6], [0, 2]], "ok", ""),  # 390 of 400, though the first used it on 198 of 200
        ([[192, 0], [6, 2]], "ok", ""),
    ],
)
def test_kappa_of_a_category_that_holds_98_percent_is_unreliable(table, status, reason):
    row = cohen_kappa(pairs_from_contingency(np.array(table)), "")
    assert (row.status, row.reason) == (status, reason)
    assert row.value == pytest.approx(weighted_kappa(np.array(table), np.eye(2)))


def test_a_rare_category_does_not_hide_why_there_is_no_interval():
    row = cohen_kappa(pairs_from_contingency(np.array([[0, 40], [0, 0]])), "")
    assert (row.value, row.status) == (0.0, "unreliable")
    assert row.reason == "all units are alike, so their spread is unknown"


@pytest.mark.parametrize(
    "statistic", [cohen_kappa, percent_agreement, prevalence_statistic, bias_statistic]
)
@pytest.mark.parametrize("categories", [3, 2, 0])
def test_without_a_common_item_there_is_no_number(statistic, categories):
    first, second = (np.array([0, -1]), np.array([-1, 1])) if categories else np.full((2, 2), -1)
    empty = pairs_of(first, second, np.arange(2), categories)
    row = statistic(empty, "x - y")
    assert (row.value, row.status, row.annotators) == (None, "undefined", "x - y")
    assert row.reason == "no item was labelled by both"
    assert row.name == {
        cohen_kappa: "cohen_kappa", percent_agreement: "percent_agreement",
        prevalence_statistic: "prevalence_index", bias_statistic: "bias_index",
    }[statistic]  # fmt: skip


def test_one_used_category_has_no_kappa():
    row = cohen_kappa(pairs_from_contingency(np.diag([30, 0])), "x - y")
    assert (row.value, row.status, row.annotators, row.n) == (None, "undefined", "x - y", 30)
    assert row.reason == "both used one category only, so agreement by chance is certain"


def test_percent_agreement_by_hand():
    # 27 of 40 agree; CR1 with items as clusters: Var = 40/39 * .675 * .325 / 40, t(39) = 2.02269.
    row = percent_agreement(pairs_from_contingency(HAND), "x - y")
    half = 2.0226909 * np.sqrt(0.675 * 0.325 / 39)
    assert (row.name, row.annotators) == ("percent_agreement", "x - y")
    assert (row.value, row.low, row.high) == pytest.approx((0.675, 0.675 - half, 0.675 + half))
    pairs, cells = clustered()
    row = percent_agreement(pairs, "")
    assert row.value == pytest.approx(cells[:, [0, 4, 8]].sum() / cells.sum())
    assert (row.n, row.clusters) == (155, 40)


class TestStandardError:
    @pytest.mark.parametrize(
        ("weighting", "theirs"), [("identity", None), ("linear", "linear"), ("quadratic", "fc")]
    )
    @pytest.mark.parametrize("seed", range(5))
    def test_it_equals_that_of_statsmodels(self, weighting, theirs, seed):
        table = np.random.default_rng(seed).integers(1, 40, (4, 4)) + 30 * np.eye(4, dtype=int)
        expected = cohens_kappa(table, wt=theirs, return_results=True)
        weights = agreement_weights(4, weighting)
        error = kappa_standard_error(table, None if weighting == "identity" else weights)
        assert error == pytest.approx(expected.std_kappa)

    def test_by_hand(self):
        # p = [.5 .225; .1 .175], rows (.725 .275), columns (.6 .4), p_e = .545, k = .285714.
        k, n = HAND_KAPPA, 40
        # The row's term is the second's share of that category, the column's the first's.
        cells = [
            (0.5, 1 - (0.6 + 0.725) * (1 - k)), (0.225, -(0.6 + 0.275) * (1 - k)),
            (0.1, -(0.4 + 0.725) * (1 - k)), (0.175, 1 - (0.4 + 0.275) * (1 - k)),
        ]  # fmt: skip
        spread = sum(p * inner**2 for p, inner in cells) - (k - 0.545 * (1 - k)) ** 2
        assert kappa_standard_error(HAND) == pytest.approx(np.sqrt(spread / n) / (1 - 0.545))

    def test_perfect_agreement_has_none(self):
        assert kappa_standard_error(np.diag([7, 3, 1])) == 0.0


class TestIndices:
    """Byrt, Bishop & Carlin 1993: of [a b; c d] prevalence (a - d) / n and bias (b - c) / n."""

    def test_of_two_categories(self):
        prevalence = prevalence_statistic(pairs_from_contingency(HAND), "x - y")
        bias = bias_statistic(pairs_from_contingency(HAND), "x - y")
        assert prevalence.value == pytest.approx((20 - 7) / 40)
        assert bias.value == pytest.approx((9 - 4) / 40)
        for row, name in ((prevalence, "prevalence_index"), (bias, "bias_index")):
            assert (row.name, row.annotators, row.n, row.clusters) == (name, "x - y", 40, 40)
            assert row.low < row.value < row.high and row.reason == ""
        turned = pairs_from_contingency(HAND.T)
        assert prevalence_statistic(turned, "").value == pytest.approx(13 / 40)
        assert bias_statistic(turned, "").value == pytest.approx(-5 / 40)
        swapped = pairs_from_contingency(HAND[::-1, ::-1])
        assert prevalence_statistic(swapped, "").value == pytest.approx(-13 / 40)

    @pytest.mark.parametrize(
        ("statistic", "signs"),
        [(prevalence_statistic, [1, 0, 0, -1]), (bias_statistic, [0, 1, -1, 0])],
    )
    def test_the_interval_is_the_bootstrap_over_prompts(self, statistic, signs):
        pairs, cells = clustered(c=2)
        row = statistic(pairs, "x - y", bootstrap=Bootstrap(500, 7))
        expected = estimate(
            row.name, "x - y", Units(cells, np.ones(40, dtype=np.int64)),
            lambda sums: sums @ np.array(signs) / sums.sum(-1),
            n=155, why_undefined="", bootstrap=Bootstrap(500, 7),
        )  # fmt: skip
        assert (row.n, row.clusters) == (155, 40)
        assert (row.value, row.low, row.high) == pytest.approx(
            (expected.value, expected.low, expected.high)
        )
        assert statistic(pairs, "") == statistic(pairs, "", bootstrap=Bootstrap(2_000, 0))

    def test_of_more_categories_they_are_descriptions(self):
        # Diagonal 12, 6, 2 of 30; rows (15 9 6), columns (13 12 5).
        pairs = pairs_from_contingency(np.array([[12, 3, 0], [0, 6, 3], [1, 3, 2]]))
        pairs = pairs_of(pairs.first, pairs.second, pairs.clusters // 2, 3)
        prevalence, bias = prevalence_statistic(pairs, "x - y"), bias_statistic(pairs, "x - y")
        assert prevalence.value == pytest.approx((12 - 2) / 30)
        assert bias.value == pytest.approx((2 + 3 + 1) / 2 / 30)
        for row, name in ((prevalence, "prevalence_index"), (bias, "bias_index")):
            assert (row.name, row.annotators, row.n, row.clusters) == (name, "x - y", 30, 15)
            assert (row.low, row.high, row.status) == (None, None, "ok")
            assert row.reason == "more than two categories: a description, no interval"

    def test_of_a_single_item(self):
        one = pairs_from_contingency(np.array([[0, 1, 0], [0, 0, 0], [0, 0, 0]]))
        assert bias_statistic(one, "").value == 1.0
        agreed = pairs_from_contingency(np.diag([1, 0, 0]))
        assert prevalence_statistic(agreed, "").value == 1.0

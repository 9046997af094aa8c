"""Calibration worked by hand, by brute force and against scikit-learn and scipy."""

import math
import re

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import LogisticRegression

from harness.agreement.calibration import (
    calibration,
    cross_fitted_temperature,
    expected_error,
    murphy,
    reliability,
    temperature_of,
)
from harness.statistics.intervals import wilson
from harness.statistics.resample import Bootstrap

# 20 verdicts stated at .6, of which 9 are right, and 20 at .8, of which 18 are.
STATED = np.repeat([0.6, 0.8], 20)
RIGHT = np.repeat([1.0, 0.0, 1.0, 0.0], [9, 11, 18, 2])
ALONE = np.arange(40)


def rows_of(found):
    return {(row.name, row.annotators): row for row in found}


def test_every_part_by_hand():
    rows = rows_of(calibration(STATED, RIGHT, ALONE, "j"))
    assert [name for name, who in rows if who == "j"] == [
        "ece", "brier", "brier_reliability", "brier_resolution", "brier_uncertainty",
    ]  # fmt: skip
    value = {name: row.value for (name, who), row in rows.items() if who == "j"}
    # Half of the verdicts are off by .6 - .45, half by .9 - .8.
    assert value["ece"] == pytest.approx(0.125)
    # (9 * .16 + 11 * .36 + 18 * .04 + 2 * .64) / 40
    assert value["brier"] == pytest.approx(0.185)
    # Murphy: .01625 - .050625 + .219375; Ferro & Fricker take the noise of the bins,
    # (20/19 * .45 * .55 + 20/19 * .9 * .1) / 40 = .00888158, off both and add .675 * .325 / 39.
    assert value["brier_reliability"] == pytest.approx(0.01625 - 0.00888158, abs=1e-8)
    assert value["brier_resolution"] == pytest.approx(0.050625 - 0.00888158 + 0.005625, abs=1e-8)
    assert value["brier_uncertainty"] == pytest.approx(0.225)
    assert {(row.n, row.clusters) for row in rows.values()} == {(40, 40)}


def parts_by_loop(stated, right):
    """Ferro & Fricker 2012, equations for one bin per stated value."""
    n, base = len(right), np.mean(right)
    off = told = noise = 0.0
    for value in set(stated):
        inside = right[stated == value]
        k, rate = len(inside), np.mean(inside)
        off += k / n * (value - rate) ** 2
        told += k / n * (rate - base) ** 2
        noise += k / n * rate * (1 - rate) / (k - 1) if k > 1 else 0.0
    spread = base * (1 - base) / (n - 1)
    return off - noise, told - noise + spread, base * (1 - base) + spread


@pytest.mark.parametrize("seed", range(5))
def test_the_parts_and_their_jackknife_over_clusters_by_brute_force(seed):
    rng = np.random.default_rng(seed)
    # One stated value in cluster 0 only, so that leaving it out empties a bin; one occurs twice.
    stated = rng.choice([0.6, 0.75], 90)
    clusters = rng.integers(1, 12, 90)
    stated[:5], clusters[:5] = 0.95, 0
    stated[5:7], clusters[5:7] = 0.85, [1, 2]
    right = (rng.random(90) < stated).astype(float)
    check_the_parts(stated, right, clusters)


def test_two_clusters_have_a_jackknife_too():
    # Without the first, two verdicts are left.
    stated, right = np.append(STATED, [0.6, 0.8]), np.append(RIGHT, [1.0, 0.0])
    check_the_parts(stated, right, np.repeat([3, 8], [40, 2]))


def check_the_parts(stated, right, clusters):
    found = murphy(stated, right, clusters, "j", bins=90)
    expected = parts_by_loop(stated, right)
    groups = np.unique(clusters)
    left_out = [parts_by_loop(stated[clusters != g], right[clusters != g]) for g in groups]
    for which, name in enumerate(("reliability", "resolution")):
        values = np.array([parts[which] for parts in left_out])
        g = len(values)
        error = math.sqrt((g - 1) / g * ((values - values.mean()) ** 2).sum())
        half = stats.t.ppf(0.975, g - 1) * error
        row = found[which]
        assert (row.name, row.annotators) == (f"brier_{name}", "j")
        assert (row.value, row.low, row.high) == pytest.approx(
            (expected[which], expected[which] - half, expected[which] + half)
        )
        assert (row.n, row.clusters) == (len(right), g)
    assert found[2].value == pytest.approx(expected[2])
    # With one bin per stated value the parts make up the Brier score exactly.
    brier = np.mean((stated - right) ** 2)
    assert found[0].value - found[1].value + found[2].value == pytest.approx(brier)


@pytest.mark.parametrize(
    ("hits", "ends"),
    [
        # base .675 with half width t(39) * sqrt(.675 * .325 / 39) = .151702: .523298 to .826702
        (27, (0.826702 * 0.173298, 0.523298 * 0.476702)),
        # base .325, its mirror image
        (13, (0.826702 * 0.173298, 0.523298 * 0.476702)),
        # base .625 +- 2.022691 * sqrt(.625 * .375 / 39) = .156803 holds .5: the top is a quarter
        (25, (0.781803 * 0.218197, 0.25)),
        (15, (0.781803 * 0.218197, 0.25)),
        # base .55: the value, being free of bias, lies above a quarter, and so does the top
        (22, (0.711132 * 0.288868, 0.2475 * 40 / 39)),
    ],
)
def test_the_interval_of_uncertainty_is_the_image_of_that_of_the_base_rate(hits, ends):
    right = np.repeat([1.0, 0.0], [hits, 40 - hits])
    row = murphy(STATED, right, ALONE, "j")[2]
    value = hits * (40 - hits) / 1600 * 40 / 39
    assert row.value == pytest.approx(value)
    assert (row.low, row.high) == pytest.approx(ends, abs=2e-6)


def test_what_noise_gives_is_the_binomial_expectation():
    # A calibrated judge has Bin(20, .6) and Bin(20, .8) hits; ECE = (|X - 12| + |Y - 16|) / 40.
    k = np.arange(21)
    first, second = stats.binom.pmf(k, 20, 0.6), stats.binom.pmf(k, 20, 0.8)
    error = (np.abs(k - 12)[:, None] + np.abs(k - 16)[None, :]) / 40
    chance = first[:, None] * second[None, :]
    row = expected_error(STATED, RIGHT, ALONE, "j")
    mean, top = map(float, re.findall(r"(?:mean|below) (\d\.\d{3})", row.reason))
    assert mean == pytest.approx((error * chance).sum(), abs=0.004)
    # The 95% quantile is one of the multiples of 1/40 about which 5% lie.
    assert chance[error > top + 0.001].sum() <= 0.07 < chance[error >= top - 0.026].sum()
    assert row.low is None and row.high is None


@pytest.mark.parametrize(("hits", "word"), [((12, 16), "no more than"), ((5, 8), "more than")])
def test_noise_is_told_from_error(hits, word):
    right = np.repeat([1.0, 0.0, 1.0, 0.0], [hits[0], 20 - hits[0], hits[1], 20 - hits[1]])
    row = expected_error(STATED, right, ALONE, "j")
    assert row.reason.startswith(f"{word} noise")
    assert row.value == pytest.approx(abs(12 - hits[0]) / 40 + abs(16 - hits[1]) / 40, abs=1e-12)


def test_the_seed_decides_what_noise_gives():
    def reason(seed):
        rng = np.random.default_rng(1)
        stated = rng.uniform(0.5, 1, 200)
        return calibration(
            stated, np.ones(200), np.arange(200), "j", bootstrap=Bootstrap(seed=seed)
        )[0].reason

    assert reason(3) == reason(3)
    assert len({reason(seed) for seed in range(4)}) > 1


def test_the_diagram_by_hand():
    # 1.00, .99, ... .01: ten bins of ten, stated means .055 to .955; right above .5.
    stated = np.arange(100, 0, -1) / 100
    right = (stated > 0.5).astype(float)
    bars = reliability(stated, right)
    assert [bar.n for bar in bars] == [10] * 10
    assert [bar.stated for bar in bars] == pytest.approx([0.055 + 0.1 * k for k in range(10)])
    assert [bar.observed for bar in bars] == [0.0] * 5 + [1.0] * 5
    assert (bars[9].low, bars[9].high) == wilson(10, 10)
    assert [bar.n for bar in reliability(stated, right, bins=4)] == [25] * 4


def test_equal_probabilities_share_a_bar():
    right = np.array([1.0, 0.0] * 30)
    (bar,) = reliability(np.full(60, 0.7), right)
    assert (bar.stated, bar.observed, bar.n) == (pytest.approx(0.7), 0.5, 60)
    assert (bar.low, bar.high) == wilson(30, 60)
    # 50 certain ones and 10 others: bars of 10 and 50, however many are asked for.
    bars = reliability(np.repeat([0.6, 1.0], [10, 50]), right)
    assert [(bar.stated, bar.n) for bar in bars] == [(pytest.approx(0.6), 10), (1.0, 50)]


def test_bins_are_as_many_as_asked():
    stated = np.arange(1, 101) / 100
    right = np.tile([1.0, 0.0], 50)
    # One bin: |.505 - .5|; two: (|.255 - .5| + |.755 - .5|) / 2.
    one = calibration(stated, right, np.arange(100), "j", bins=1)[0]
    two = calibration(stated, right, np.arange(100), "j", bins=2)[0]
    assert one.value == pytest.approx(0.005)
    assert two.value == pytest.approx(0.25)


@pytest.mark.parametrize(("n", "status"), [(29, "not_applicable"), (30, "ok")])
def test_thirty_verdicts_are_enough(n, status):
    rows = calibration(STATED[:n], RIGHT[:n], ALONE[:n], "j")
    assert rows[0].status == status
    assert (rows[0].name, rows[0].annotators, rows[0].n) == ("ece", "j", n)
    if n < 30:
        assert len(rows) == 1 and rows[0].reason.startswith("29 verdicts")


def test_verdicts_without_a_probability_or_a_truth_take_no_part():
    nan = float("nan")
    stated, right = np.append(STATED, [nan, 0.1, nan]), np.append(RIGHT, [1.0, nan, nan])
    clusters = np.append(ALONE, [40, 41, 42])
    assert calibration(stated, right, clusters, "j") == calibration(STATED, RIGHT, ALONE, "j")


@pytest.mark.parametrize("truth", [0.5, 1.0, 2.0, 5.0])
def test_the_temperature_is_scikit_learns_inverse_slope(truth):
    rng = np.random.default_rng(7)
    logit = rng.normal(1.0, 2.0, 2000)
    right = (rng.random(2000) < 1 / (1 + np.exp(-logit / truth))).astype(float)
    fit = LogisticRegression(fit_intercept=False, C=1e12, tol=1e-10)
    fit.fit(logit[:, None], right)
    found = temperature_of(1 / (1 + np.exp(-logit)), right)
    assert found == pytest.approx(1 / fit.coef_[0, 0], rel=1e-4)
    assert found == pytest.approx(truth, rel=0.15)


@pytest.mark.parametrize(
    ("stated", "right", "expected"),
    [
        (0.9, 0.75, 2.0),  # logit .9 = 2 ln 3 and logit .75 = ln 3
        (0.9, 0.9, 1.0),
        (0.75, 0.9, 0.5),
        (0.1, 0.25, 2.0),
        # A probability of exactly 1 counts as 1 - 1e-6: ln 999999 / ln 3.
        (1.0, 0.75, math.log(999_999) / math.log(3)),
        (0.0, 0.25, math.log(999_999) / math.log(3)),
        (1.0, 0.9, math.log(999_999) / math.log(9)),
    ],
)
def test_one_stated_value_has_the_temperature_that_makes_it_the_share(stated, right, expected):
    labels = np.repeat([1.0, 0.0], [round(right * 100), 100 - round(right * 100)])
    assert temperature_of(np.full(100, stated), labels) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    ("stated", "right"),
    [
        ([0.9] * 10, [1, 0] * 5),  # worth nothing: infinite
        ([0.9] * 10, [1, 0, 0, 0, 0] * 2),  # worse than nothing
        ([0.5] * 10, [1, 1, 0, 1, 0] * 2),
        ([0.9, 0.2] * 5, [1, 0] * 5),  # always on the right side: 0
        ([0.9] * 10, [1] * 10),
        ([], []),
    ],
)
def test_no_finite_temperature_is_none(stated, right):
    assert temperature_of(np.array(stated), np.array(right, dtype=float)) is None


def test_verdicts_that_are_all_right_without_a_doubt_have_no_temperature():
    # A log-odds of .41 for each: the colder, the likelier, without end.
    assert temperature_of(np.full(40, 0.6), np.ones(40)) is None


def test_verdicts_that_are_all_right_have_a_temperature_if_some_were_doubted():
    # -ln s(2b) - ln s(-b) for logits 2 and -1: the slope is 0 at b = .4399, by bisection.
    def slope(b):
        return 2 / (1 + math.exp(2 * b)) - 1 / (1 + math.exp(-b))

    low, high = 0.0, 5.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) > 0 else (low, middle)
    stated = 1 / (1 + np.exp(-np.array([2.0, -1.0])))
    assert temperature_of(stated, np.ones(2)) == pytest.approx(1 / low, rel=1e-4)


def folds():
    """Five clusters are five folds, whatever the seed: each is scaled by the other four."""
    stated = np.full(100, 0.9)
    clusters = np.arange(100) // 20
    right = np.concatenate([np.repeat([1.0, 0.0], [k, 20 - k]) for k in (11, 13, 15, 16, 18)])
    shares = [(73 - k) / 80 for k in (11, 13, 15, 16, 18)]
    return stated, right, clusters, np.array(shares)


def test_each_fold_is_calibrated_by_the_others():
    stated, right, clusters, shares = folds()
    temperature, scaled = cross_fitted_temperature(stated, right, clusters, seed=3)
    # One stated value: scaled, it is the share that is right among the others.
    assert scaled == pytest.approx(np.repeat(shares, 20), abs=1e-5)
    expected = np.mean(math.log(9) / np.log(shares / (1 - shares)))
    assert temperature == pytest.approx(expected, rel=1e-4)
    rows = rows_of(calibration(stated, right, clusters, "j"))
    after = rows["ece", "j, recalibrated"]
    assert after.reason.endswith(f"; cross-fitted temperature {expected:.2f}")
    brier = np.mean((np.repeat(shares, 20) - right) ** 2)
    assert rows["brier", "j, recalibrated"].value == pytest.approx(brier, abs=1e-5)
    assert rows["brier", "j, recalibrated"].clusters == after.clusters == 5
    # Five scaled values are five bins: |stated - hits| summed over them.
    error = np.abs(20 * shares - np.array([11, 13, 15, 16, 18])).sum() / 100
    assert after.value == pytest.approx(error, abs=1e-5)


def test_no_verdict_helps_to_calibrate_itself():
    rng = np.random.default_rng(2)
    stated, clusters = rng.uniform(0.55, 0.98, 120), np.arange(120) // 10
    right = (rng.random(120) < 0.7).astype(float)
    before = cross_fitted_temperature(stated, right, clusters)[1]
    for cluster in range(12):
        inside = clusters == cluster
        other = np.where(inside, 1 - right, right)
        after = cross_fitted_temperature(stated, other, clusters)[1]
        assert np.array_equal(after[inside], before[inside])
        assert not np.array_equal(after, before)


def test_folds_are_five_of_about_equal_size():
    stated = np.full(240, 0.9)
    clusters = np.arange(240) // 20
    hits = [12, 13, 14, 15, 16, 17, 18, 19, 14, 15, 16, 11]
    right = np.concatenate([np.repeat([1.0, 0.0], [k, 20 - k]) for k in hits])
    sizes = set()
    for seed in range(6):
        scaled = cross_fitted_temperature(stated, right, clusters, seed=seed)[1]
        sizes.add(tuple(sorted(np.unique(scaled.round(12), return_counts=True)[1] // 20)))
    assert (2, 2, 2, 3, 3) in sizes
    three = cross_fitted_temperature(stated, right, np.arange(240) // 80)[1]
    assert np.unique(three.round(12)).size == 3


def test_without_a_temperature_there_is_no_recalibrated_row_and_it_says_so():
    right = np.tile([1.0, 0.0], 20)
    rows = calibration(np.full(40, 0.9), right, ALONE, "j")
    assert {row.annotators for row in rows} == {"j"}
    assert rows[0].reason.endswith("not recalibrated: no finite temperature could be fitted")
    temperature, unchanged = cross_fitted_temperature(np.full(40, 0.9), right, ALONE)
    assert temperature is None
    assert np.array_equal(unchanged, np.full(40, 0.9))


def test_one_cluster_has_numbers_but_no_interval():
    rows = calibration(STATED, RIGHT, np.zeros(40, dtype=int), "j")
    assert [row.name for row in rows[1:]] == [
        "brier", "brier_reliability", "brier_resolution", "brier_uncertainty",
    ]  # fmt: skip
    alone = calibration(STATED, RIGHT, ALONE, "j")
    for row, same in zip(rows[1:], alone[1:5], strict=True):
        assert row.value == pytest.approx(same.value)
        assert (row.low, row.high, row.status) == (None, None, "unreliable")
        assert (row.n, row.clusters) == (40, 1)
        assert row.reason == "no interval from one cluster"

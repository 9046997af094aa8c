"""The bootstrap against scipy and brute force, the jackknife and the edges by hand."""

import math
import re

import numpy as np
import pytest
from scipy import stats

from harness.statistics.intervals import cluster_share, wilson
from harness.statistics.resample import (
    Bootstrap,
    Units,
    distinct_rows,
    estimate,
    jackknife,
    jackknife_se,
    replicate,
    units_of,
)

WIDE = {"bounds": (-1e9, 1e9), "why_undefined": "no number"}


def mean(sums):
    return sums[..., 1] / sums[..., 0]


def variance(sums):
    return sums[..., 2] / sums[..., 0] - (sums[..., 1] / sums[..., 0]) ** 2


def units(values):
    """Each value a unit with the row (1, x, x squared)."""
    values = np.asarray(values, dtype=float)
    rows = np.stack([np.ones(values.size), values, values**2], axis=1)
    return Units(rows, np.ones(values.size, dtype=np.int64))


@pytest.mark.parametrize(("function", "seed"), [(mean, 0), (variance, 0), (variance, 1)])
def test_bca_is_scipys_at_the_level_widened_by_t(function, seed):
    data = np.random.default_rng(seed).exponential(size=40)
    ours = estimate("x", "", units(data), function, n=40, bootstrap=Bootstrap(20_000), **WIDE)
    # Hesterberg 2015: the normal quantile that stands for t(n - 1) and the factor sqrt(n/(n-1)).
    reach = math.sqrt(40 / 39) * stats.t.ppf(0.975, 39)
    theirs = stats.bootstrap(
        (data,),
        np.mean if function is mean else np.var,
        n_resamples=20_000,
        confidence_level=2 * stats.norm.cdf(reach) - 1,
        method="BCa",
        rng=np.random.default_rng(9),
    ).confidence_interval
    width = theirs.high - theirs.low
    assert ours.low == pytest.approx(theirs.low, abs=0.03 * width)
    assert ours.high == pytest.approx(theirs.high, abs=0.05 * width)
    # The skew is taken up: the upper side is clearly the longer one.
    assert ours.high - ours.value > 1.25 * (ours.value - ours.low)


@pytest.mark.parametrize(("hits", "n"), [(11, 22), (11, 30), (30, 45), (17, 34)])
def test_bca_of_a_share_from_the_binomial_distribution(hits, n):
    # Replicates are Bin(n, hits / n) / n, so bias, acceleration and ends are known exactly; of the
    # replicates that equal the value, half count as below it.
    share = hits / n
    drawn = stats.binom(n, share)
    bias = stats.norm.ppf(drawn.cdf(hits - 1) + drawn.pmf(hits) / 2)
    # Deviations 1 - p (hits times) and -p: their cubes over 6 * (sum of squares)^1.5.
    cubes = hits * (1 - share) ** 3 - (n - hits) * share**3
    acceleration = cubes / (6 * (n * share * (1 - share)) ** 1.5)
    reach = math.sqrt(n / (n - 1)) * stats.t.ppf(0.975, n - 1)
    z = bias + np.array([-reach, reach])
    levels = stats.norm.cdf(bias + z / (1 - acceleration * z))
    # No level lies so near a step that 20,000 replicates could fall on the other side of it.
    steps = drawn.cdf(np.arange(n))
    assert np.abs(levels[:, None] - steps).min() > 0.004
    part = Units(np.array([[1.0, 1.0], [1.0, 0.0]]), np.array([hits, n - hits]))
    row = estimate("x", "", part, mean, n=n, bootstrap=Bootstrap(20_000), **WIDE)
    assert (row.low, row.high) == pytest.approx(tuple(drawn.ppf(levels) / n), abs=1e-9)


def spiky(sums):
    """The mean, and 5 more for every sample but the one that was seen (squares sum to 6.25)."""
    return mean(sums) + 5.0 * (np.abs(sums[..., 2] - 6.25) > 1e-9)


@pytest.mark.parametrize("function", [mean, variance, spiky])
@pytest.mark.parametrize("replicates", [20, 2000])
def test_bca_ends_are_the_quantiles_that_efrons_formula_names(function, replicates):
    values = np.array([0.1, 0.2, 0.25, 0.3, 0.4, 0.55, 0.6, 0.7, 1.4])
    values = np.append(values, math.sqrt(6.25 - values @ values))
    row = estimate(
        "x", "", units(values), function, n=10, bootstrap=Bootstrap(replicates, 4), **WIDE
    )
    drawn = replicate(units(values), function, replicates, seed=4)
    value = float(function(units(values).total))
    # Every replicate of the last lies above the value: half of one counts as below it.
    below = max(np.mean(drawn < value) + np.mean(drawn == value) / 2, 0.5 / replicates)
    bias = stats.norm.ppf(below)
    left_out = np.array([function(units(np.delete(values, k)).total) for k in range(10)])
    off = left_out.mean() - left_out
    acceleration = (off**3).sum() / (6 * (off**2).sum() ** 1.5)
    reach = math.sqrt(10 / 9) * stats.t.ppf(0.975, 9)
    ends = []
    for z in (bias - reach, bias + reach):
        ends.append(np.quantile(drawn, stats.norm.cdf(bias + z / (1 - acceleration * z))))
    assert row.value == pytest.approx(value)
    assert (row.low, row.high) == pytest.approx((min(ends[0], value), max(ends[1], value)))


def test_repeated_rows_are_worth_what_their_copies_are():
    values = np.random.default_rng(2).exponential(size=25)
    counts = np.where(values > 1.5, 1, 4)
    counted, copied = Units(units(values).rows, counts), units(np.repeat(values, counts))
    assert counted.n == copied.n == counts.sum()
    assert counted.total == pytest.approx(copied.total)
    one, two = (
        estimate("x", "", part, variance, n=9, bootstrap=Bootstrap(20_000), **WIDE)
        for part in (counted, copied)
    )
    assert one.value == pytest.approx(two.value)
    assert (one.low, one.high) == pytest.approx(
        (two.low, two.high), abs=0.06 * (two.high - two.low)
    )
    assert one.high - one.value > 1.25 * (one.value - one.low)
    assert (one.n, one.clusters) == (9, counts.sum())


def test_replicates_are_multinomial_over_the_patterns():
    counts = np.array([5, 3, 2])
    part = Units(np.eye(3), counts)
    drawn = np.stack([replicate(part, lambda s, k=k: s[..., k], 20_000, seed=2) for k in range(3)])
    assert (drawn.sum(0) == 10).all()
    p = counts / 10
    assert drawn.mean(1) == pytest.approx(10 * p, abs=0.06)
    covariance = 10 * (np.diag(p) - np.outer(p, p))
    assert np.cov(drawn) == pytest.approx(covariance, abs=0.08)


def test_blocks_of_replicates_are_all_filled():
    # 3,000 distinct rows and 3,000 replicates do not fit one block of 4 million weights.
    part = units(np.arange(3000.0))
    drawn = replicate(part, mean, 3000, seed=1)
    error = math.sqrt((3000**2 - 1) / 12 / 3000)
    assert np.array_equal(replicate(part, mean, 50), replicate(part, mean, 50, seed=0))
    for third in (drawn[:1000], drawn[1000:2000], drawn[2000:]):
        assert third.mean() == pytest.approx(1499.5, abs=0.2 * error)
        assert third.std() == pytest.approx(error, rel=0.08)
    # 40 sums of each row make blocks of 2,500 for the jackknife.
    wide = Units(np.random.default_rng(0).random((6000, 40)), np.ones(6000, dtype=np.int64))
    left_out = jackknife(wide, lambda sums: sums.sum(-1))
    assert left_out == pytest.approx(wide.rows.sum() - wide.rows.sum(1))


@pytest.mark.parametrize("size", [1, 2, 6])
def test_units_are_the_sums_of_their_items(size):
    rng = np.random.default_rng(4)
    features = rng.random((5, 3))
    pattern = rng.integers(0, 4, 50)  # the fifth pattern never occurs
    clusters = rng.permutation(np.arange(50) // size * 10)
    found = units_of(features, pattern, clusters)
    if size > 1:
        expected = [features[pattern[clusters == g]].sum(0) for g in np.unique(clusters)]
        assert found.rows == pytest.approx(np.array(expected))
        assert found.counts.tolist() == [1] * len(expected)
    else:
        assert found.counts.tolist() == [int((pattern == k).sum()) for k in range(5)]
        assert units_of(features, pattern, None).counts.tolist() == found.counts.tolist()
    assert found.total == pytest.approx(features[pattern].sum(0))
    empty = np.zeros(0, dtype=int)
    assert units_of(features, empty, empty).n == units_of(features, empty, None).n == 0


def test_the_cluster_bootstrap_is_that_of_whole_clusters():
    rng = np.random.default_rng(8)
    clusters = rng.integers(0, 40, 300)
    values = rng.normal(size=40)[clusters] + rng.normal(size=300)
    part = units_of(units(values).rows, np.arange(300), clusters)
    row = estimate("x", "", part, mean, n=300, bootstrap=Bootstrap(8000), **WIDE)
    members = [values[clusters == g] for g in np.unique(clusters)]
    drawn = [
        np.concatenate([members[g] for g in rng.integers(0, len(members), len(members))]).mean()
        for _ in range(3000)
    ]
    ours = replicate(part, mean, 8000)
    assert ours.std() == pytest.approx(np.std(drawn), rel=0.05)
    assert (row.n, row.clusters) == (300, len(members))
    reach = math.sqrt(40 / 39) * stats.t.ppf(0.975, 39)
    assert row.high - row.low == pytest.approx(2 * reach * np.std(drawn), rel=0.06)


def test_jackknife_by_hand():
    # 1, 2, 2, 7: the mean without each is 11/3, 10/3, 10/3, 5/3; its error is s / sqrt(4).
    part = Units(units([1.0, 2.0, 7.0]).rows, np.array([1, 2, 1]))
    left_out = jackknife(part, mean)
    assert left_out == pytest.approx([11 / 3, 10 / 3, 5 / 3])
    assert jackknife_se(left_out, part.counts) == pytest.approx(np.std([1, 2, 2, 7], ddof=1) / 2)


def test_too_many_distinct_rows_take_the_jackknife():
    values = np.random.default_rng(3).exponential(size=12)
    # 12 rows x 3 million replicates is above 30 million draws.
    row = estimate("x", "j", units(values), mean, n=12, bootstrap=Bootstrap(3_000_000), **WIDE)
    half = stats.t.ppf(0.975, 11) * values.std(ddof=1) / math.sqrt(12)
    assert (row.low, row.high) == pytest.approx((values.mean() - half, values.mean() + half))
    assert (row.status, row.reason) == ("ok", "only 12 independent units")
    skewed = estimate("x", "j", units(values), mean, n=12, **WIDE)
    assert skewed.high - skewed.value > 1.2 * (skewed.value - skewed.low)


@pytest.mark.parametrize(("n", "few"), [(29, True), (30, False)])
def test_below_thirty_units_their_number_is_told(n, few):
    row = estimate("x", "", units(np.arange(n) / n), mean, n=n, **WIDE)
    assert row.reason == (f"only {n} independent units" if few else "")
    assert row.status == "ok"
    share = cluster_share("x", "", np.arange(n) % 2 * 1.0, np.arange(n), why_undefined="")
    assert share.reason == row.reason


def test_intervals_are_cut_at_the_bounds_and_hold_the_value():
    skewed = Units(np.array([[1.0, 1.0, 1.0], [1.0, 0.0, 0.0]]), np.array([38, 2]))
    row = estimate("x", "", skewed, mean, n=40, why_undefined="", bounds=(0.9, 0.97))
    assert (row.low, row.value, row.high) == (0.9, 0.95, 0.97)
    free = estimate("x", "", skewed, mean, n=40, why_undefined="")
    assert free.low < 0.9 < 0.95 < 0.97 < free.high <= 1.0
    low = estimate("x", "", units([-3.0, 1.0] * 20), mean, n=40, why_undefined="")
    assert (low.low, low.value) == (-1.0, -1.0) and -0.5 < low.high < 0.0
    high = estimate("x", "", units([3.0, -1.0] * 20), mean, n=40, why_undefined="")
    assert (high.value, high.high) == (1.0, 1.0) and 0.0 < high.low < 0.5


def test_perfect_agreement_is_bounded_by_wilson():
    alike = Units(np.array([[1.0, 1.0, 1.0]]), np.array([50]))
    worst = 1 - wilson(50, 50)[0]
    row = estimate("x", "j", alike, mean, n=70, why_undefined="", perfect=(1.0, 3.0))
    assert (row.value, row.high) == (1.0, 1.0)
    assert row.low == pytest.approx(1 - 3 * worst)
    assert (row.name, row.annotators, row.n, row.clusters, row.status) == ("x", "j", 70, 50, "ok")
    assert row.reason == "perfect agreement: lower bound from Wilson's interval"
    cut = estimate("x", "j", alike, mean, n=50, why_undefined="", perfect=(1.0, 90.0))
    assert cut.low == -1.0
    # One unit: perfect still, 1 of 1.
    single = Units(alike.rows, np.array([1]))
    one = estimate("x", "j", single, mean, n=1, why_undefined="", perfect=(1.0, 1.0))
    assert one.low == pytest.approx(wilson(1, 1)[0])
    assert one.reason.endswith("only 1 independent unit")


@pytest.mark.parametrize(
    ("part", "reason", "value", "clusters"),
    [
        (units([0.5]), "no interval from one cluster", 0.5, 1),
        (units([0.5] * 40), "all units are alike, so their spread is unknown", 0.5, 40),
        (units([0.5, 0.5]), "all units are alike, so their spread is unknown", 0.5, 2),
    ],
)
def test_no_spread_is_no_interval(part, reason, value, clusters):
    row = estimate("x", "j", part, mean, n=40, **WIDE)
    assert (row.value, row.low, row.high, row.status) == (value, None, None, "unreliable")
    assert (row.reason, row.n, row.clusters) == (reason, 40, clusters)
    assert (row.name, row.annotators) == ("x", "j")


def test_two_units_have_an_interval():
    row = estimate("x", "", units([0.2, 0.4]), mean, n=2, **WIDE)
    # Half of the resamples are one unit twice, and t(1) reaches their ends.
    assert (row.low, row.high) == pytest.approx((0.2, 0.4))


@pytest.mark.parametrize("part", [units([]), Units(np.zeros((3, 3)), np.array([1, 1, 1]))])
def test_what_is_no_number_is_undefined_with_its_reason(part):
    row = estimate("x", "j", part, mean, n=7, **WIDE)
    assert (row.status, row.value, row.low) == ("undefined", None, None)
    assert (row.name, row.annotators, row.reason) == ("x", "j", "no number")
    assert (row.n, row.clusters) == (7, part.n)


def test_no_unit_has_no_value_even_where_the_sums_of_none_would_give_one():
    row = estimate("x", "", units([]), lambda sums: sums[..., 0], n=0, **WIDE)
    assert (row.status, row.reason) == ("undefined", "no number")


def rare(hits, n):
    """1 / share of the first kind: undefined in the resamples that hold none of it."""
    part = Units(np.array([[1.0, 1.0, 1.0], [1.0, 0.0, 0.0]]), np.array([hits, n - hits]))

    def function(sums):
        return np.where(sums[..., 1] > 0, sums[..., 0] / sums[..., 1], np.nan)

    return estimate("x", "", part, function, n=n, bootstrap=Bootstrap(4000), **WIDE)


def test_lost_replicates_are_told():
    # Without a hit in n draws: (1 - h/n)^n; 2 of 40 is .1285, 3 of 40 .0442, 4 of 40 .0148.
    row = rare(2, 40)
    told = re.fullmatch(r"undefined in (\d+)% of the replicates", row.reason)
    assert 100 * 0.95**40 == pytest.approx(int(told[1]), abs=2.5)
    assert row.status == "unreliable" and row.low is not None
    assert (rare(3, 40).status, rare(3, 40).reason) == ("ok", "")
    # .975^40 = 36% are lost. Of the others .12 hold 3 hits or more and .41 hold 2 or more: the
    # lower level, .17, finds 40 / 2. Leaving out the only hit has no value and counts for nothing.
    single = rare(1, 40)
    assert re.fullmatch(r"undefined in 3[4-9]% of the replicates", single.reason)
    assert (single.low, single.high) == (20.0, 40.0)


def test_a_bootstrap_without_values_gives_no_interval():
    def function(sums):
        return np.where(sums[..., 0] * (sums[..., 1] == 60), 0.5, np.nan)

    # Only the sample itself has a value: few of its resamples do.
    row = estimate(
        "x", "", units(2.0 ** np.arange(4) * 4), function, n=4, bootstrap=Bootstrap(100), **WIDE
    )
    assert (row.value, row.low, row.status) == (0.5, None, "unreliable")
    assert row.reason == "the bootstrap gave no interval"


def test_the_seed_and_the_replicates_decide_the_interval():
    data = units(np.random.default_rng(1).exponential(size=50))

    def ends(**how):
        row = estimate("x", "", data, mean, n=50, bootstrap=Bootstrap(**how), **WIDE)
        return row.low, row.high

    assert ends(seed=1) == ends(seed=1, replicates=2000)
    assert len({ends(seed=1), ends(seed=2), ends(seed=1, replicates=1999)}) == 3


def rows_like(shape, low, high, seed=0):
    base = np.random.default_rng(seed).integers(low, high, (30, shape[1]))
    return base[np.random.default_rng(seed + 1).integers(0, 30, shape[0])]


@pytest.mark.parametrize(
    "rows",
    [
        rows_like((200, 2), -3, 3),  # counted in a table
        rows_like((200, 3), 0, 10_000),  # sorted by a mixed-radix code
        rows_like((200, 20), 0, 10_000),  # too wide for one code
        rows_like((200, 70), 0, 2),
        np.array([[a, b, c] for a in (0, 1) for b in (0, 2**32 - 1) for c in (0, 2**32 - 1)]),
        np.array([[2**61, 1], [-5, 1], [2**61, 0], [-5, 1], [2**61, 1]]),
        np.array([[3, 2**61, 1], [3, 0, 1], [4, 2**61, 1], [3, 0, 1], [4, 2**61, 2]]),
        np.array([[0, 1], [1, 0], [0, 1], [1, 1], [1, 0]]),
        np.array([[0, 3], [1, 0], [0, 3], [3, 0]]),  # spans that differ by column
        np.zeros((4, 2), dtype=int),
        np.zeros((0, 2), dtype=int),
    ],
)
def test_distinct_rows_equal_a_dictionary(rows):
    first, number = distinct_rows(rows)
    seen = {}
    for index, row in enumerate(map(tuple, rows.tolist())):
        seen.setdefault(row, index)
    assert np.array_equal(rows[first][number], rows)
    assert sorted(first.tolist()) == sorted(seen.values())
    assert [int(first[k]) for k in number] == [seen[tuple(row)] for row in rows.tolist()]

"""The true rate from few people's and many judge labels, against formulas written another way."""

import numpy as np
import pytest
from scipy.stats import norm, t

from harness.agreement.prediction_powered import label_budget, ppi_mean, rogan_gladen, true_rate
from harness.statistics.intervals import wilson

Z = norm.ppf(0.975)


def sample(seed, n=60, more=200, per=1):
    """Return Y, f, f_u and the clusters of both; people's and judge's items share prompts."""
    rng = np.random.default_rng(seed)
    prompts = (n + more) // per
    group = rng.permutation(np.repeat(np.arange(prompts), per))
    leaning = rng.random(prompts)[group]
    y = (leaning > 0.6).astype(float)
    y = np.where(rng.random(y.size) < 0.2, 1 - y, y)
    f = np.where(y == 1, rng.random(y.size) < 0.85, rng.random(y.size) < 0.3).astype(float)
    return y[:n], f[:n], f[n:], group[:n], group[n:]


def by_group(values, groups):
    sums = {}
    for value, group in zip(values, groups, strict=True):
        sums[group] = sums.get(group, 0.0) + value
    return sum(total * total for total in sums.values())


class TestPredictionPoweredMean:
    def test_the_interval_for_few_labels_has_unbiased_variances_and_students_t(self):
        y, f, more, *_ = sample(1, n=12)
        fit = ppi_mean(y, f, more)
        # l = Cov(Y, f) / (Var f (1 + n/N)) with f over both samples.
        spread = np.concatenate([f, more]).var(ddof=1)
        tuning = np.mean((y - y.mean()) * (f - f.mean())) / spread / (1 + 12 / 200)
        assert 0 < tuning < 1 and fit.tuning == pytest.approx(tuning)
        assert fit.value == pytest.approx(tuning * more.mean() + (y - tuning * f).mean())
        variance = ((y - tuning * f).var() / 12 + tuning**2 * more.var() / 200) * 12 / 11
        half = t.ppf(0.975, 11) * np.sqrt(variance)
        assert (fit.low, fit.high) == pytest.approx((fit.value - half, fit.value + half))
        assert fit.effective_n == pytest.approx(y.var(ddof=1) / variance)
        assert fit.fell_back is False
        normal = ppi_mean(y, f, more, small_sample=False)
        assert normal.effective_n == pytest.approx(y.var() / (variance * 11 / 12))

    @pytest.mark.parametrize("small_sample", [True, False])
    def test_prompts_with_and_without_peoples_labels_hang_together(self, small_sample):
        y, f, more, own, other = sample(2, per=4)
        assert set(own) & set(other)
        fit = ppi_mean(
            y, f, more, clusters=own, unlabelled_clusters=other, small_sample=small_sample
        )
        residual = y - fit.tuning * f
        pull = [
            *((residual - residual.mean()) / y.size),
            *(fit.tuning * (more - more.mean()) / more.size),
        ]
        g = len(set(own))
        factor, quantile = (g / (g - 1), t.ppf(0.975, g - 1)) if small_sample else (1.0, Z)
        variance = factor * by_group(pull, [*own, *other])
        assert fit.high - fit.value == pytest.approx(quantile * np.sqrt(variance))
        assert fit.value - fit.low == pytest.approx(quantile * np.sqrt(variance))
        alone = factor * by_group((y - y.mean()) / y.size, own)
        assert fit.effective_n == pytest.approx(y.size * alone / variance)

    def test_items_without_clusters_are_independent_of_each_other(self):
        y, f, more, *_ = sample(3)
        named = ppi_mean(
            y, f, more, clusters=np.arange(60), unlabelled_clusters=60 + np.arange(200)
        )
        plain = ppi_mean(y, f, more)
        assert (plain.low, plain.high) == pytest.approx((named.low, named.high))
        assert plain.effective_n == pytest.approx(named.effective_n)
        half_named = ppi_mean(y, f, more, clusters=np.arange(60))
        assert half_named.low == pytest.approx(plain.low)

    @pytest.mark.parametrize(
        ("judged", "expected"),
        [([0, 0, 1, 1], 0.0), ([1, 1, 0, 0], 0.5 / (4 / 7) * 2 / 4), ([1, 1, 1, 1], 0.0)],
        ids=["against people", "with people", "always the same"],
    )
    def test_the_trust_in_a_judge(self, judged, expected):
        # Y = 1100 has Cov(Y, f) = +-1/4; the eight f hold four ones: Var f = 8/7 * 1/4, n/N = 1.
        y = np.array([1.0, 1.0, 0.0, 0.0])
        f = np.array(judged, float)
        more = np.ones(4) if f.all() else np.array([1.0, 0.0, 1.0, 0.0])
        fit = ppi_mean(y, f, more)
        assert fit.tuning == pytest.approx(expected)
        if expected == 0.0:
            assert fit.value == 0.5

    def test_trust_goes_no_further_than_one(self):
        y = 10.0 * np.array([1.0, 0.0, 1.0, 0.0, 1.0])
        fit = ppi_mean(y, y / 10 + np.array([0, 0.1, 0, 0, 0]), np.array([0.5, 0.4, 0.1, 0.7]))
        assert fit.tuning == 1.0

    @pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
    def test_a_judge_that_never_errs_gets_wilsons_interval_around_its_own_rate(self, share):
        y = np.array([1.0, 0.0] * 10)
        more = np.repeat([1.0, 0.0], [round(40 * share), 40 - round(40 * share)])
        fit = ppi_mean(y, y, more, tuning=1.0)
        low, high = wilson(10, 20)
        assert fit.value == share
        assert (fit.low, fit.high) == pytest.approx((min(low, share), max(high, share)))
        assert (fit.tuning, fit.effective_n, fit.fell_back) == (1.0, 20.0, True)
        grouped = ppi_mean(y, y, more, tuning=1.0, clusters=np.arange(20) // 4)
        low, high = wilson(2.5, 5)
        assert (grouped.low, grouped.high) == pytest.approx((min(low, share), max(high, share)))

    def test_prompts_that_all_balance_give_no_interval_of_no_width(self):
        # One yes and one no in each prompt and a judge that always says yes: each sum is 0.
        y, ones = np.array([1.0, 0.0] * 10), np.ones(20)
        group = np.arange(20) // 2
        fit = ppi_mean(y, ones, np.ones(30), clusters=group, unlabelled_clusters=10 + np.arange(30))
        assert fit.fell_back and (fit.low, fit.high) == pytest.approx(wilson(5, 10))


def weighted_rogan_gladen(weights, y, f, everything):
    """Return the corrected rate where item i counts weights[i] times; people's items are first."""
    own = weights[: y.size]
    rate = weights @ everything / weights.sum()
    se = own @ (y * f) / (own @ y)
    sp = own @ ((1 - y) * (1 - f)) / (own @ (1 - y))
    return (rate + sp - 1) / (se + sp - 1)


def lang_reiczigel(ap, n_p, se, n_se, sp, n_sp):
    """Return equations 4, 6, 7, 16 and 17 of Lang & Reiczigel 2014 (as in R: asht::prevSeSp)."""
    se_, sp_ = (n_se * se + 1) / (n_se + 2), (n_sp * sp + 1) / (n_sp + 2)
    ap_ = (n_p * ap + Z**2 / 2) / (n_p + Z**2)
    youden = se_ + sp_ - 1
    theta = (ap_ + sp_ - 1) / youden
    of_se, of_sp = se_ * (1 - se_) / (n_se + 2), sp_ * (1 - sp_) / (n_sp + 2)
    middle = theta + 2 * Z**2 * (theta * of_se - (1 - theta) * of_sp)
    variance = ap_ * (1 - ap_) / (n_p + Z**2) + theta**2 * of_se + (1 - theta) ** 2 * of_sp
    half = Z * np.sqrt(variance) / youden
    return middle - half, middle + half


def verdicts(yes_yes, yes_no, no_yes, no_no):
    """Return Y and f from counts; the first word is people's."""
    counts = [yes_yes, yes_no, no_yes, no_no]
    return np.repeat([1.0, 1.0, 0.0, 0.0], counts), np.repeat([1.0, 0.0, 1.0, 0.0], counts)


class TestRoganGladen:
    def test_sensitivity_and_specificity_correct_the_rate(self):
        # Of 40 yes the judge finds 36, of 60 no it finds 48; it says yes on 48 + 132 of 500.
        y, f = verdicts(36, 4, 12, 48)
        row = rogan_gladen(y, f, np.repeat([1.0, 0.0], [132, 268]), "judge")
        assert row.value == pytest.approx((180 / 500 + 0.8 - 1) / (0.9 + 0.8 - 1))
        assert row.reason == "sensitivity 0.90, specificity 0.80"
        assert (row.name, row.annotators) == ("rogan_gladen_rate", "judge")
        assert (row.n, row.clusters, row.status) == (500, 100, "ok")

    @pytest.mark.parametrize("per", [1, 4, "two alike"])
    def test_the_interval_is_the_delta_method_over_prompts(self, per):
        if per == "two alike":  # else t(1) = 12.7 reaches beyond 0 and 1
            y, f = verdicts(37, 5, 13, 47)
            more = np.repeat([1.0, 0.0], [81, 159])
            own, other = np.arange(102) % 2, np.arange(240) % 2
        else:
            y, f, more, own, other = sample(4, n=80, more=240, per=per)
        clusters = {"clusters": own, "unlabelled_clusters": other} if per != 1 else {}
        row = rogan_gladen(y, f, more, "", **clusters)
        everything = np.concatenate([f, more])
        ones, step = np.ones(everything.size), 1e-5
        value = weighted_rogan_gladen(ones, y, f, everything)
        pull = []
        for i in range(ones.size):
            shift = step * (np.arange(ones.size) == i)
            up, down = (weighted_rogan_gladen(ones + s, y, f, everything) for s in (shift, -shift))
            pull.append((up - down) / (2 * step))
        g = len(set(own))
        half = t.ppf(0.975, g - 1) * np.sqrt(g / (g - 1) * by_group(pull, [*own, *other]))
        assert row.value == pytest.approx(value)
        assert 0 < value - half < value + half < 1
        assert (row.low, row.high) == pytest.approx((value - half, value + half), rel=1e-6)
        assert row.clusters == g

    @pytest.mark.parametrize(
        ("counts", "more"),
        [((20, 0, 6, 24), 90), ((16, 4, 0, 30), 60), ((20, 0, 0, 30), 70), ((9, 0, 5, 46), 70)],
        ids=["no false no", "no false yes", "no error", "rare"],
    )
    def test_a_judge_that_never_errs_one_way_gets_lang_and_reiczigels_interval(self, counts, more):
        y, f = verdicts(*counts)
        others = np.repeat([1.0, 0.0], [more, 200 - more])
        n_se, n_sp = counts[0] + counts[1], counts[2] + counts[3]
        rate, total = (f.sum() + more) / (y.size + 200), y.size + 200
        expected = lang_reiczigel(rate, total, counts[0] / n_se, n_se, counts[3] / n_sp, n_sp)
        row = rogan_gladen(y, f, others, "")
        assert 0 < expected[0] < row.value < expected[1] < 1
        assert (row.low, row.high) == pytest.approx(expected)
        grouped = rogan_gladen(y, f, others, "", np.arange(y.size) // 5)
        assert (row.clusters, grouped.clusters) == (y.size, y.size // 5)
        assert grouped.n == row.n == total

    @pytest.mark.parametrize(("false_yes", "true_no"), [(18, 2), (3, 1)])
    def test_too_few_labels_for_that_interval_leave_everything_open(self, false_yes, true_no):
        # Adjusted: 2/3 + 3/22 - 1 < 0 and 2/3 + 2/6 - 1 = 0, though se + sp - 1 is above 0.
        y, f = verdicts(1, 0, false_yes, true_no)
        row = rogan_gladen(y, f, np.ones(30), "")
        assert (row.low, row.high) == (0.0, 1.0)
        rate, sp = 1 - true_no / (y.size + 30), true_no / (false_yes + true_no)
        assert row.value == pytest.approx((rate + sp - 1) / sp)

    @pytest.mark.parametrize(("said", "end"), [(0.0, 0.0), (1.0, 1.0)])
    def test_a_rate_outside_0_and_1_is_cut_there(self, said, end):
        y, f = verdicts(30, 10, 10, 30)
        row = rogan_gladen(y, f, np.full(1000, said), "")
        assert row.value == end
        assert 0.0 <= row.low <= row.value <= row.high <= 1.0
        assert end in (row.low, row.high)

    @pytest.mark.parametrize(
        ("counts", "reason"),
        [
            ((20, 5, 0, 0), "people used one category only"),
            ((0, 0, 5, 20), "people used one category only"),
            ((10, 10, 10, 10), "the judge is no better than chance"),
            ((5, 15, 15, 5), "the judge is no better than chance"),
        ],
    )
    def test_where_there_is_nothing_to_correct_with(self, counts, reason):
        row = rogan_gladen(*verdicts(*counts), np.ones(30), "judge")
        assert (row.status, row.value, row.reason) == ("undefined", None, reason)
        assert (row.name, row.annotators, row.n) == ("rogan_gladen_rate", "judge", sum(counts))


class TestTrueRate:
    def test_the_three_rows(self):
        rng = np.random.default_rng(6)
        n = 400
        clusters = np.arange(n) // 4
        truth = rng.integers(0, 3, n)
        judged = np.where(rng.random(n) < 0.8, truth, rng.integers(0, 3, n))
        truth[120:] = -1
        judged[[3, 200, 201]] = -1  # no verdict: on neither side
        rate, gain, corrected = true_rate(truth, judged, 2, clusters, "c | judge")
        both = (truth >= 0) & (judged >= 0)
        only = (truth < 0) & (judged >= 0)
        y, f, more = ((x == 2).astype(float) for x in (truth[both], judged[both], judged[only]))
        named = {"clusters": clusters[both], "unlabelled_clusters": clusters[only]}
        fit = ppi_mean(y, f, more, **named)
        assert (rate.name, rate.annotators) == ("ppi_rate", "c | judge")
        assert (rate.value, rate.low, rate.high) == (fit.value, fit.low, fit.high)
        assert (rate.n, rate.clusters, rate.status) == (119 + 278, 30, "ok")
        assert rate.reason == (
            f"119 labels of people and 278 of the judge; lambda {fit.tuning:.2f}"
        )
        assert (gain.name, gain.annotators) == ("ppi_effective_labels", "c | judge")
        assert (gain.value, gain.low, gain.high) == (fit.effective_n, None, None)
        assert (gain.n, gain.clusters) == (119, 30)
        assert gain.reason.startswith(f"119 labels of people count like {fit.effective_n:.0f};")
        assert corrected == rogan_gladen(y, f, more, "c | judge", *named.values())

    def test_an_interval_stays_between_0_and_1(self):
        truth = np.array([0] * 9 + [1] + [-1] * 40)
        judged = np.array([0] * 8 + [1, 0] + [0] * 40)
        for category, end in ((0, 1.0), (1, 0.0)):
            rate, *_ = true_rate(truth, judged, category, np.arange(50), "")
            assert (rate.high if category == 0 else rate.low) == end

    def test_people_who_used_one_category_are_not_called_a_judge_without_error(self):
        truth = np.array([0] * 20 + [-1] * 20)
        judged = np.array([0, 1] * 20)
        rate, gain, corrected = true_rate(truth, judged, 0, np.arange(40), "")
        assert rate.reason.endswith(
            "lambda 0.00; people's labels less the judge's do not vary, so Wilson's interval"
        )
        assert (rate.value, rate.low, rate.high) == (1.0, pytest.approx(wilson(20, 20)[0]), 1.0)
        assert gain.value == 20.0
        assert corrected.reason == "people used one category only"

    @pytest.mark.parametrize(
        ("truth", "judged", "n", "reason"),
        [
            ([0, 1, 0], [0, 1, -1], 2, "every item has people's labels"),
            ([0, -1, 1], [0, 1, -1], 1, "fewer than two common items"),
            ([0, 1, -1], [-1, -1, 0], 0, "fewer than two common items"),
        ],
    )
    def test_what_it_needs(self, truth, judged, n, reason):
        (row,) = true_rate(np.array(truth), np.array(judged), 0, np.arange(3), "a | judge")
        assert (row.name, row.annotators, row.status) == ("ppi_rate", "a | judge", "not_applicable")
        assert (row.n, row.reason) == (n, reason)

    def test_two_labels_and_one_verdict_are_enough(self):
        rate, *_ = true_rate(np.array([0, 1, -1]), np.array([0, 1, 0]), 0, np.arange(3), "")
        assert rate.status == "ok" and rate.n == 3 and rate.clusters == 2

    def test_labels_of_one_prompt_give_no_rate(self):
        truth, judged = np.array([0, 1, 0, -1]), np.array([0, 1, 1, 0])
        (row,) = true_rate(truth, judged, 0, np.array([7, 7, 7, 8]), "a | judge")
        assert (row.name, row.annotators, row.status) == ("ppi_rate", "a | judge", "undefined")
        assert (row.n, row.reason) == (3, "one cluster has all labels of people")


def smallest(fits):
    return next(n for n in range(2, 200_000) if fits(n))


class TestLabelBudget:
    @pytest.mark.parametrize("rate", [0.5, 0.1])
    @pytest.mark.parametrize("correlation", [0.0, 0.5, -0.9])
    @pytest.mark.parametrize(("confidence", "effect"), [(0.95, 1.0), (0.9, 1.7)])
    def test_one_label_fewer_would_not_do(self, rate, correlation, confidence, effect):
        h, more = 0.04, 700
        plan = label_budget(
            h, rate=rate, correlation=correlation, design_effect=effect,
            judge_items=more, confidence=confidence,
        )  # fmt: skip
        z = norm.ppf(0.5 + confidence / 2)

        def half(n, share):
            return z * np.sqrt(rate * (1 - rate) * share * effect / n)

        r2 = correlation**2
        assert plan.humans_only == smallest(lambda n: half(n, 1) <= h)
        assert plan.with_judge == smallest(lambda n: half(n, 1 - r2) <= h)
        assert plan.with_judge_items == smallest(lambda n: half(n, 1 - r2 / (1 + n / more)) <= h)

    def test_a_whole_number_is_not_rounded_up_and_the_worst_rate_is_meant(self):
        # z^2 / 4 / (z / 20)^2 = 100.
        plan = label_budget(Z / 20, judge_items=50)
        assert (plan.humans_only, plan.with_judge, plan.with_judge_items) == (100, 100, 100)
        # A perfect judge with 50 items replaces 50 people's labels.
        plan = label_budget(Z / 20, correlation=1.0, judge_items=50)
        assert (plan.humans_only, plan.with_judge, plan.with_judge_items) == (100, 2, 50)

    def test_never_fewer_than_two_labels(self):
        plan = label_budget(0.9, judge_items=10)
        assert (plan.humans_only, plan.with_judge, plan.with_judge_items) == (2, 2, 2)
        assert label_budget(0.05).with_judge_items is None

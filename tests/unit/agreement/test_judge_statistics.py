"""Replacement test, powered rates, biases, calibration, panel, drift, cascade, label budget."""

import numpy as np
import pytest
from scipy import stats

from harness.agreement.alternative_annotator import alternative_annotator_test
from harness.agreement.bias import (
    first_pick_rate,
    length_and_self_bias,
    position_coefficient,
    swap_flip_rate,
)
from harness.agreement.calibration import calibration, expected_error, reliability
from harness.agreement.cascade import cascade, selective_threshold
from harness.agreement.drift import anchor_hash, drift, mcnemar
from harness.agreement.panel import error_correlation, soft_label_distance
from harness.agreement.prediction_powered import label_budget, ppi_mean, rogan_gladen, true_rate
from harness.ratings.evidence import Evidence, OrderVerdicts
from harness.ratings.table import from_labels

A, TIE, B = 0, 1, 2


def people_and_judge(judge_accuracy, n=300, person_accuracy=0.85, people=3, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, n)

    def labels(accuracy):
        said = np.where(rng.random(n) < accuracy, truth, (truth + rng.integers(1, 3, n)) % 3)
        return [str(label) for label in said]

    columns = {f"p{i}": labels(person_accuracy) for i in range(people)}
    columns["judge"] = labels(judge_accuracy)
    return from_labels(columns, humans=[f"p{i}" for i in range(people)])


class TestAlternativeAnnotator:
    def test_a_judge_as_good_as_people_may_replace_them(self):
        omega, rho, *advantages = alternative_annotator_test(people_and_judge(0.85), 3, 0.2)
        assert omega.value == 1.0 and omega.reason.startswith("may replace a person (")
        assert rho.low < rho.value < rho.high and rho.value > 0.8
        assert [row.reason.split(", ")[-1] for row in advantages] == ["won"] * 3

    def test_a_bad_judge_may_not(self):
        omega, rho, *advantages = alternative_annotator_test(people_and_judge(0.4), 3, 0.1)
        assert omega.value == 0.0 and omega.reason.startswith("may not replace a person (")
        assert rho.value < 0.6
        assert [row.reason.split(", ")[-1] for row in advantages] == ["not won"] * 3

    @pytest.mark.parametrize(("people", "n"), [(2, 300), (3, 20)])
    def test_conditions_are_checked(self, people, n):
        table = people_and_judge(0.85, n=n, people=people)
        (row,) = alternative_annotator_test(table, people, 0.2)
        assert row.status == "not_applicable" and "needs" in row.reason

    def test_people_with_few_items_are_left_out(self):
        table = people_and_judge(0.85, people=4)
        table.codes[20:, 0] = -1
        omega, *_ = alternative_annotator_test(table, 4, 0.2)
        assert "1 people with fewer than 30 items left out" in omega.reason


class TestTrueRate:
    def test_ppi_is_right_where_the_judge_is_biased(self):
        rng = np.random.default_rng(1)
        y = (rng.random(2000) < 0.3).astype(float)
        f = np.where(rng.random(2000) < 0.9, y, 1 - y)
        f = np.where(rng.random(2000) < 0.2, 1.0, f)  # the judge likes the category
        assert f.mean() > 0.45
        fit = ppi_mean(y[:200], f[:200], f[200:])
        assert fit.low < y.mean() < fit.high
        assert fit.effective_n > 240
        corrected = rogan_gladen(y[:200], f[:200], f[200:], "")
        assert corrected.low < y.mean() < corrected.high

    def test_no_residual_variance_falls_back_to_wilson(self):
        y = np.array([1.0, 0.0] * 10)
        fit = ppi_mean(y, y, np.array([1.0, 0.0, 1.0, 1.0] * 50), tuning=1.0)
        assert fit.fell_back and fit.high - fit.low > 0.2

    def test_every_item_labelled_is_not_applicable(self):
        codes = np.array([0, 1, 0, 1])
        (row,) = true_rate(codes, codes, 0, np.arange(4), "judge")
        assert row.status == "not_applicable" and "every item" in row.reason

    def test_a_judge_at_chance_cannot_be_corrected(self):
        y = np.array([1.0, 1.0, 0.0, 0.0])
        row = rogan_gladen(y, 1 - y, np.ones(10), "judge")
        assert row.status == "undefined" and "no better than chance" in row.reason


class TestPosition:
    def verdicts(self, bias, n=4000, seed=2):
        rng = np.random.default_rng(seed)
        quality = rng.normal(size=n)

        def judge(shift):
            logits = np.stack([(quality + shift) / 2, np.zeros(n), -(quality + shift) / 2], 1)
            p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
            return (rng.random(n)[:, None] > p.cumsum(1)).sum(1)

        return OrderVerdicts("j", judge(bias), judge(-bias), np.arange(n), A, B, TIE)

    def test_the_bias_is_found_and_its_absence_too(self):
        biased, fair = self.verdicts(0.8), self.verdicts(0.0)
        assert first_pick_rate(biased).low > 0.5
        assert position_coefficient(biased).low > 0.5
        assert first_pick_rate(fair).low < 0.5 < first_pick_rate(fair).high
        row = position_coefficient(fair)
        assert row.low < 0 < row.high
        assert row.clusters == 4000

    def test_a_pair_needs_both_orders_to_have_one_verdict(self):
        first = np.array([A, A, A, -1, -1, B])
        second = np.array([A, B, -1, B, -1, B])
        combined = OrderVerdicts("j", first, second, np.arange(6), A, B, TIE).combined(TIE)
        assert combined.tolist() == [A, TIE, -1, -1, -1, B]

    def test_always_first_has_no_coefficient_but_a_rate(self):
        n = 50
        always = OrderVerdicts("j", np.full(n, A), np.full(n, B), np.arange(n), A, B, TIE)
        assert first_pick_rate(always).value == 1.0
        assert swap_flip_rate(always).value == 1.0
        assert position_coefficient(always).status == "undefined"

    def test_length_and_family_are_told_apart_from_quality(self):
        rng = np.random.default_rng(3)
        n = 6000
        human = rng.integers(0, 3, n)
        sign = np.select([human == A, human == B], [1.0, -1.0], 0.0)
        gap, own = rng.normal(size=n) * 100 + 40 * sign, rng.integers(-1, 2, n).astype(float)
        eta = 1.5 * sign + 0.7 * np.tanh(gap / gap.std()) + 0.5 * own
        judged = np.where(rng.random(n) < 1 / (1 + np.exp(-eta)), A, B)
        rows = length_and_self_bias(
            judged,
            human,
            np.arange(n),
            "j",
            (A, B, TIE),
            Evidence(length_gap=gap, own_family={"j": own}),
        )
        found = {row.name: row for row in rows}
        assert found["length_bias"].low < 0.7 < found["length_bias"].high
        assert found["self_preference"].low < 0.5 < found["self_preference"].high


class TestCalibration:
    def data(self, truth, n=3000, seed=4):
        rng = np.random.default_rng(seed)
        stated = rng.uniform(0.5, 1.0, n)
        return stated, (rng.random(n) < truth(stated)).astype(float)

    def test_a_calibrated_judge_errs_no_more_than_noise(self):
        stated, right = self.data(lambda p: p)
        row = expected_error(stated, right, np.arange(stated.size), "j")
        assert "no more than noise" in row.reason and row.value < 0.03

    def test_an_overconfident_judge_is_named_and_repaired(self):
        stated, right = self.data(lambda p: 0.5 + (p - 0.5) / 3)
        rows = calibration(stated, right, np.arange(stated.size), "j")
        found = {(row.name, row.annotators): row for row in rows}
        before, after = found["ece", "j"], found["ece", "j, recalibrated"]
        assert before.reason.startswith("more than noise")
        assert after.value < before.value / 2
        assert found["brier_reliability", "j"].low > 0
        brier = found["brier", "j"].value
        parts = [found[f"brier_{p}", "j"].value for p in ("reliability", "resolution")]
        uncertainty = found["brier_uncertainty", "j"].value
        assert brier == pytest.approx(parts[0] - parts[1] + uncertainty, abs=0.003)

    def test_the_diagram_holds_all_verdicts(self):
        stated, right = self.data(lambda p: p)
        bins = reliability(stated, right)
        assert sum(b.n for b in bins) == stated.size
        assert all(b.low <= b.observed <= b.high for b in bins)

    def test_few_verdicts_are_not_applicable(self):
        (row,) = calibration(np.full(10, 0.7), np.ones(10), np.arange(10), "j")
        assert row.status == "not_applicable"


class TestPanel:
    def table(self, shared, n=800):
        rng = np.random.default_rng(5)
        truth = rng.integers(0, 2, n)
        common = rng.random(n) < 0.3
        columns = {"p": [str(t) for t in truth]}
        for name in ("j1", "j2", "j3"):
            own = rng.random(n) < 0.3
            wrong = np.where(rng.random(n) < shared, common, own)
            columns[name] = [str(x) for x in np.where(wrong, 1 - truth, truth)]
        return from_labels(columns, humans=["p"]), truth

    def test_independent_judges_are_worth_their_number(self):
        table, truth = self.table(0.0)
        r, effective = error_correlation(table, (1, 2, 3), truth)
        assert r.low < 0 < r.high and r.value == pytest.approx(0.0, abs=0.05)
        # Three judges with errors correlated by r are worth k / (1 + (k - 1) r) of them.
        assert effective.value == pytest.approx(3 / (1 + 2 * r.value), abs=1e-9)
        assert effective.value > 2.5 and effective.reason == ""

    def test_judges_that_err_together_are_worth_less_and_it_says_so(self):
        table, truth = self.table(0.95)
        r, effective = error_correlation(table, (1, 2, 3), truth)
        assert r.value > 0.8 and r.low < r.value < r.high
        assert effective.value < 1.5
        assert "err together" in effective.reason

    def test_soft_labels(self):
        people = np.array([[2, 2], [4, 0], [0, 4]] * 20)
        same, distance_of = people, soft_label_distance
        rows = {row.name: row for row in distance_of(people, same, np.arange(60), "j")}
        assert rows["jensen_shannon_distance"].value == pytest.approx(0.0, abs=1e-9)
        opposite = distance_of(people[1::3], people[1::3][:, ::-1], np.arange(20), "j")[0]
        assert opposite.value == pytest.approx(1.0)

    def test_cross_entropy_by_hand(self):
        # The judge's 1 : 0 with half a vote added to both is .75 : .25; people say 3 : 1 and 2 : 2.
        people = np.array([[3, 1], [2, 2]] * 6)
        _, crossed = soft_label_distance(people, np.array([[1, 0]] * 12), np.arange(12), "j")
        yes, no = np.log(0.75), np.log(0.25)
        expected = (-(0.75 * yes + 0.25 * no) - (0.5 * yes + 0.5 * no)) / 2
        assert (crossed.name, crossed.value) == ("cross_entropy", pytest.approx(expected))


class TestDrift:
    def test_the_change_and_its_sign(self):
        rng = np.random.default_rng(6)
        truth = rng.integers(0, 2, 1000)
        before = np.where(rng.random(1000) < 0.7, truth, 1 - truth)
        after = np.where(rng.random(1000) < 0.8, truth, 1 - truth)
        accuracy, changed = drift(before, after, truth, np.arange(1000), "v1 -> v2")
        assert accuracy.low < 0.1 < accuracy.high and accuracy.low > 0
        assert "mid-p" in accuracy.reason
        assert changed.value == np.mean(before != after)

    def test_no_change_has_an_interval_of_some_width(self):
        codes = np.array([0, 1] * 50)
        accuracy, changed = drift(codes, codes, codes, np.arange(100), "v1 -> v1")
        assert accuracy.value == changed.value == 0
        assert accuracy.high > 0.01 and changed.high > 0.01 and changed.low == 0

    def test_prompts_of_unequal_size_are_left_out_whole(self):
        before = np.array([0, 0, 1, 1, 0, 1, 0, 1, 1, 0, 0, 0])
        after = np.array([0, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1, 0])
        prompts = np.array([0, 0, 0, 1, 1, 2, 2, 2, 2, 3, 4, 4])
        # The truth is 0: gains of the five prompts are -1, 0, 2, 0, -1.
        won = (after == 0).astype(float) - (before == 0)
        accuracy, changed = drift(before, after, np.zeros(12, int), prompts, "x")
        for row, values in ((accuracy, won), (changed, (before != after).astype(float))):
            left_out = np.array([values[prompts != g].mean() for g in range(5)])
            error = np.sqrt(4 / 5 * ((left_out - left_out.mean()) ** 2).sum())
            half = stats.t.ppf(0.975, 4) * error
            assert row.value == pytest.approx(values.mean())
            assert row.high == pytest.approx(values.mean() + half)
            assert (row.n, row.clusters) == (12, 5)
        assert accuracy.low == pytest.approx(accuracy.value * 2 - accuracy.high)

    def test_mcnemar_without_discordant_pairs(self):
        assert mcnemar(0, 0)["mid_p"] == 1.0
        assert mcnemar(5, 5)["mid_p"] == 1.0

    def test_the_anchor_hash_moves_with_labels_not_with_order(self):
        assert anchor_hash(["a", "b"], ["1", "2"]) == anchor_hash(["b", "a"], ["2", "1"])
        assert anchor_hash(["a", "b"], ["1", "2"]) != anchor_hash(["a", "b"], ["1", "1"])


class TestCascade:
    def test_the_promise_is_kept_in_nine_of_ten_worlds(self):
        rng = np.random.default_rng(7)
        thresholds = []
        for _ in range(300):
            stated = rng.uniform(0.5, 1.0, 400)
            right = (rng.random(400) < stated).astype(float)
            thresholds.append(selective_threshold(stated, right, alpha=0.2, delta=0.1).confidence)
        chosen = [threshold for threshold in thresholds if threshold is not None]
        assert len(chosen) > 240
        # The true risk above a threshold t of a calibrated judge on [t, 1].
        broken = sum(1 - (threshold + 1) / 2 > 0.2 for threshold in chosen)
        assert broken / 300 <= 0.1 + 2 * np.sqrt(0.1 * 0.9 / 300)

    @pytest.mark.parametrize("right_first", [True, False])
    def test_verdicts_of_one_confidence_stand_or_fall_together(self, right_first):
        # 4 of 40 are wrong at .9 and 20 of 40 at .6, whichever come first in the table.
        right = np.array([1.0] * 36 + [0.0] * 4 + [1.0] * 20 + [0.0] * 20)
        right = right if right_first else np.concatenate([right[39::-1], right[:39:-1]])
        stated = np.repeat([0.9, 0.6], 40)
        risk = stats.binomtest(4, 40, alternative="less").proportion_ci(0.9, "exact").high
        assert 0.1 < risk < 0.2
        assert selective_threshold(stated, right, 0.1).confidence is None
        found = selective_threshold(stated, right, 0.2)
        assert (found.confidence, found.accepted, found.wrong, found.n) == (0.9, 40, 4, 80)
        assert found.risk == pytest.approx(risk)

    def test_the_interval_of_coverage_is_that_of_all_that_stand(self):
        right = np.array([1.0] * 36 + [0.0] * 4 + [1.0] * 20 + [0.0] * 20)
        share, risk = cascade(np.repeat([0.9, 0.6], 40), right, "j", alpha=0.2)
        ends = stats.binomtest(40, 80).proportion_ci(0.95, "wilson")
        assert (share.value, share.low, share.high) == pytest.approx((0.5, ends.low, ends.high))
        assert (risk.value, risk.n) == (4 / 40, 40)

    def test_it_abstains_where_nothing_is_safe(self):
        rng = np.random.default_rng(8)
        stated = rng.uniform(0.5, 1.0, 200)
        (row,) = cascade(stated, (rng.random(200) < 0.5).astype(float), "j", alpha=0.1)
        assert row.status == "not_applicable" and "every verdict needs a person" in row.reason


class TestLabelBudget:
    def test_the_formula(self):
        plan = label_budget(0.05)
        assert plan.humans_only == plan.with_judge == 385
        assert label_budget(0.05, correlation=0.8).with_judge == 139
        assert label_budget(0.05, design_effect=2.0).humans_only == 769

    def test_finite_judge_labels_lie_between(self):
        plan = label_budget(0.03, correlation=0.8, judge_items=2000)
        assert plan.with_judge < plan.with_judge_items < plan.humans_only
        n, more = plan.with_judge_items, 2000
        width = 1.959964**2 * 0.25 * (1 - 0.64 / (1 + n / more)) / n
        assert np.sqrt(width) <= 0.03 < np.sqrt(width) * 1.01


def test_without_verdicts_nothing_is_safe() -> None:
    found = selective_threshold(np.array([]), np.array([]), 0.1)
    assert (found.confidence, found.accepted, found.n) == (None, 0, 0)

"""What moves a judge: coefficients and intervals against likelihoods maximised elsewhere."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.optimize import minimize
from scipy.stats import t

from harness.agreement.bias import length_and_self_bias, position_coefficient
from harness.ratings.evidence import Evidence, OrderVerdicts

A, TIE, B, NONE = 2, 1, 0, -1  # codes of the table, unlike 0 first, 1 tie, 2 second inside


def davidson(outcomes, design, clusters):
    """Return coefficients and CR1 standard errors of Davidson's model, by numbers alone.

    Outcomes are first, tie and second; P is as exp(eta/2) : nu : exp(-eta/2).
    """
    design, d = np.asarray(design, float), len(design[0])
    place = np.array(["first tie second".split().index(o) for o in outcomes])

    def each(theta):
        eta = design @ theta[:d]
        weights = np.stack([np.exp(eta / 2), np.full(eta.size, np.exp(theta[d])), np.exp(-eta / 2)])
        return np.log(weights[place, np.arange(eta.size)] / weights.sum(0))

    best = minimize(lambda theta: -each(theta).sum(), np.zeros(d + 1), tol=1e-12).x
    steps = 1e-4 * np.eye(d + 1)
    scores = np.stack([(each(best + s) - each(best - s)) / 2e-4 for s in steps], axis=1)
    second = np.array(
        [
            [
                (each(best + s + r) - each(best + s - r) - each(best - s + r) + each(best - s - r))
                for r in steps
            ]
            for s in steps
        ]
    )
    inverse = np.linalg.inv(second.sum(2) / 4e-8)
    sums = np.stack([scores[np.asarray(clusters) == c].sum(0) for c in sorted(set(clusters))])
    g = len(sums)
    covariance = g / (g - 1) * inverse @ sums.T @ sums @ inverse
    return best[:d], np.sqrt(np.diag(covariance)[:d]), g


def close_to(value, error, groups):
    half = t.ppf(0.975, groups - 1) * error
    return pytest.approx((value, value - half, value + half), rel=2e-4, abs=2e-5)


def answers(rng, eta, clusters):
    """Draw verdicts A, TIE, B with log-odds eta and a pull that each cluster shares."""
    eta = eta + rng.normal(0, 0.7, clusters.max() + 1)[clusters]
    weights = np.stack([np.exp(eta / 2), np.full(eta.size, 0.6), np.exp(-eta / 2)], axis=1)
    chance = (weights / weights.sum(1, keepdims=True)).cumsum(1)
    return np.array([A, TIE, B])[(rng.random(eta.size)[:, None] > chance).sum(1)]


class TestPosition:
    def data(self):
        rng = np.random.default_rng(1)
        n = 240
        clusters = np.arange(n) // 4
        truth = rng.choice([A, TIE, B, NONE], n)
        sign = (truth == A) * 1.0 - (truth == B)
        first = answers(rng, 1.2 * sign + 0.7, clusters)
        second = answers(rng, 1.2 * sign - 0.7, clusters)
        first[:10], second[5:20] = NONE, NONE  # five pairs have no verdict at all
        return OrderVerdicts("judge", first, second, clusters, A, B, TIE), truth

    def rows(self, verdicts, truth):
        """Write each verdict as (outcome for what stood first, (1, people's sign), cluster)."""
        for i, cluster in enumerate(verdicts.clusters):
            people = {A: 1, B: -1}.get(int(truth[i]), 0)
            for code, standing, sign in (
                (verdicts.first_order[i], A, people),
                (verdicts.second_order[i], B, -people),
            ):
                if code != NONE:
                    outcome = "tie" if code == TIE else "first" if code == standing else "second"
                    yield outcome, (1, sign), cluster

    def test_the_coefficient_beside_peoples_preference(self):
        verdicts, truth = self.data()
        outcomes, design, clusters = zip(*self.rows(verdicts, truth), strict=True)
        values, errors, groups = davidson(outcomes, design, clusters)
        row = position_coefficient(verdicts, truth)
        assert values[0] > 0.4 and values[1] > 0.6
        assert (row.value, row.low, row.high) == close_to(values[0], errors[0], groups)
        assert (row.name, row.annotators, row.status) == ("position_coefficient", "judge", "ok")
        assert (row.n, row.clusters, row.reason) == (235, 60, "")

    def test_without_people_it_is_the_log_ratio_of_first_and_second_picks(self):
        verdicts, truth = self.data()
        outcomes = [outcome for outcome, *_ in self.rows(verdicts, truth)]
        row = position_coefficient(verdicts)
        expected = np.log(outcomes.count("first") / outcomes.count("second"))
        assert expected > 0.4 and row.value == pytest.approx(expected)
        turned = OrderVerdicts(
            "judge", verdicts.second_order, verdicts.first_order, verdicts.clusters, A, B, TIE
        )
        assert position_coefficient(turned).value == pytest.approx(-expected)

    def test_few_prompts_and_one_prompt_are_named(self):
        first = np.array([A] * 9 + [B] * 3)
        second = np.array([B] * 7 + [A] * 5)
        row = position_coefficient(OrderVerdicts("j", first, second, np.arange(12), A, B))
        assert row.value == pytest.approx(np.log(16 / 8))
        assert row.reason == "only 12 independent units" and row.low < row.value < row.high
        row = position_coefficient(OrderVerdicts("j", first, second, np.full(12, 3), A, B))
        assert row.value == pytest.approx(np.log(16 / 8))
        assert (row.status, row.low, row.high) == ("unreliable", None, None)
        assert (row.reason, row.n, row.clusters) == ("no interval from one cluster", 12, 1)

    def test_two_prompts_have_an_interval(self):
        first, prompts = np.array([A] * 9 + [B] * 3), np.arange(12) % 2
        row = position_coefficient(OrderVerdicts("j", first, np.full(12, A), prompts, A, B))
        # Nine of 24 picks are the first, five and four by prompt; t(1) takes 12.7 errors.
        share, hits = 9 / 24, (5, 4)
        error = np.sqrt(2 * sum((h - 12 * share) ** 2 for h in hits)) / (24 * share * (1 - share))
        assert row.value == pytest.approx(np.log(9 / 15))
        assert row.high - row.value == pytest.approx(t.ppf(0.975, 1) * error)
        assert row.reason == "only 2 independent units"

    @pytest.mark.parametrize(("prompts", "reason"), [(29, "only 29 independent units"), (30, "")])
    def test_thirty_prompts_are_enough(self, prompts, reason):
        first = np.array([A] * (prompts - 5) + [B] * 5)
        verdicts = OrderVerdicts("j", first, np.full(prompts, A), np.arange(prompts), A, B)
        assert position_coefficient(verdicts).reason == reason

    def test_always_first_has_no_number_but_a_reason(self):
        n = 50
        always = OrderVerdicts("j", np.full(n, A), np.full(n, B), np.arange(n) // 2, A, B, TIE)
        row = position_coefficient(always)
        assert (row.name, row.annotators) == ("position_coefficient", "j")
        assert (row.status, row.value, row.low) == ("undefined", None, None)
        assert (row.n, row.clusters) == (50, 25)
        assert row.reason == "every comparison came out the same way"
        silent = OrderVerdicts("j", np.full(n, NONE), np.full(n, NONE), np.arange(n), A, B, TIE)
        row = position_coefficient(silent)
        assert (row.status, row.n, row.clusters, row.reason) == ("undefined", 0, 0, "no comparison")


class TestLengthAndFamily:
    def data(self, ties):
        rng = np.random.default_rng(2)
        n = 300
        clusters = np.arange(n) // 3
        truth = rng.choice([A, TIE, B], n)
        sign = (truth == A) * 1.0 - (truth == B)
        gap = rng.normal(size=n) * 80 + 30 * sign
        own = rng.integers(-1, 2, n).astype(float)
        judged = answers(rng, 0.4 + sign + 1.1 * np.tanh(gap / gap.std()) - 0.8 * own, clusters)
        if not ties:
            judged = np.where(judged == TIE, rng.choice([A, B], n), judged)
        truth[:7], judged[5:12], gap[20:24] = NONE, NONE, np.nan
        used = (truth >= 0) & (judged >= 0) & ~np.isnan(gap)
        columns = [
            np.ones(n),
            (truth == A) * 1.0 - (truth == B),
            np.tanh(gap / np.nanstd(gap)),
            own,
        ]
        assert used.sum() == 284
        return truth, judged, gap, own, clusters, used, np.column_stack(columns)

    def fit(self, truth, judged, gap, own, clusters, tie):
        return length_and_self_bias(
            judged,
            truth,
            clusters,
            "judge",
            (A, B, tie),
            Evidence(length_gap=gap, own_family={"judge": own}),
        )

    def test_without_ties_it_is_a_logit_with_clustered_errors(self):
        truth, judged, gap, own, clusters, used, design = self.data(ties=False)
        model = sm.Logit((judged == A)[used].astype(float), design[used]).fit(
            disp=0, cov_type="cluster",
            cov_kwds={"groups": clusters[used], "use_correction": False},
        )  # fmt: skip
        g = np.unique(clusters[used]).size
        errors = model.bse * np.sqrt(g / (g - 1))
        for tie in (TIE, None):
            length, family = self.fit(truth, judged, gap, own, clusters, tie)
            for row, k in ((length, 2), (family, 3)):
                assert (row.value, row.low, row.high) == close_to(model.params[k], errors[k], g)
        assert (length.name, family.name) == ("length_bias", "self_preference")
        assert length.value > 0.5 and family.value < -0.3

    def test_a_tie_of_the_judge_is_an_outcome_of_its_own(self):
        truth, judged, gap, own, clusters, used, design = self.data(ties=True)
        outcomes = [{A: "first", TIE: "tie", B: "second"}[code] for code in judged[used]]
        values, errors, g = davidson(outcomes, design[used], clusters[used])
        rows = self.fit(truth, judged, gap, own, clusters, TIE)
        for row, k in zip(rows, (2, 3), strict=True):
            assert (row.value, row.low, row.high) == close_to(values[k], errors[k], g)
            assert (row.annotators, row.n, row.clusters) == ("judge", 284, g)
            assert (row.status, row.reason) == ("ok", "")
        # Where a tie is no verdict, these pairs take no part.
        without = self.fit(truth, judged, gap, own, clusters, None)
        assert without[0].n == 284 - outcomes.count("tie")

    def test_only_what_is_known_is_asked(self):
        truth, judged, gap, own, clusters, used, design = self.data(ties=False)
        about = (judged, truth, clusters, "judge", (A, B, None))
        (length,) = length_and_self_bias(*about, Evidence(length_gap=gap))
        (family,) = length_and_self_bias(*about, Evidence(own_family={"judge": own}))
        assert (length.name, family.name) == ("length_bias", "self_preference")
        assert (length.n, family.n) == (284, 288)  # only the gap was unknown for four
        model = sm.Logit((judged == A)[used].astype(float), design[used][:, :3]).fit(disp=0)
        assert length.value == pytest.approx(model.params[2], rel=1e-5)
        assert length_and_self_bias(*about, Evidence()) == []

    def test_answers_of_one_length_have_no_length_bias(self):
        truth, judged, _, own, clusters, *_ = self.data(ties=False)
        rows = self.fit(truth, judged, np.full(300, 5.0), own, clusters, None)
        for row, name in zip(rows, ("length_bias", "self_preference"), strict=True):
            assert (row.name, row.annotators, row.status) == (name, "judge", "undefined")
            assert row.reason == "a covariate is a combination of the others"
            assert (row.n, row.clusters) == (288, 96)

    def test_one_prompt_has_values_without_an_interval(self):
        truth, judged, gap, own, _, used, design = self.data(ties=False)
        rows = self.fit(truth, judged, gap, own, np.zeros(300, int), None)
        model = sm.Logit((judged == A)[used].astype(float), design[used]).fit(disp=0)
        for row, k in zip(rows, (2, 3), strict=True):
            assert row.value == pytest.approx(model.params[k], rel=1e-5)
            assert (row.annotators, row.n, row.clusters) == ("judge", 284, 1)
            assert (row.low, row.high, row.status) == (None, None, "unreliable")
            assert row.reason == "no interval from one cluster"

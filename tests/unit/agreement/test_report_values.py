"""The report on small tables worked out by hand: who is held against what, and with which sign."""

from math import ceil, log, sqrt, tanh

import numpy as np
import pytest

from harness.agreement import Settings, agreement_report, truth_of
from harness.ratings.evidence import Evidence
from harness.ratings.table import from_labels

FAST = Settings(replicates=50)
T9 = 2.2621571627  # 97.5% quantile of Student's t with 9 degrees of freedom (printed tables: 2.262)
Z2 = 1.959963984540054**2


def report_of(table, settings=FAST, **evidence):
    return agreement_report(table, settings=settings, evidence=Evidence(**evidence))


def values(report, name):
    """Return annotators -> value of all rows of that name, none of them named twice."""
    rows = [row for row in report.statistics if row.name == name]
    found = {row.annotators: row.value for row in rows}
    assert len(found) == len(rows)
    return pytest.approx(found)


def section(report, title):
    return next(part for part in report.sections if part.title == title).statistics


@pytest.fixture(scope="module")
def against_gold():
    # The judge gives a five times and gold four times; they differ on the third of eight items. The
    # people follow another pattern. The last item has no gold label, and the judge stands alone.
    return from_labels(
        {"ann": [*"aaaabbbb", None], "bob": [*"aaaabbba", None], "gpt": [*"aaabaabb", "a"]},
        humans=["ann", "bob"],
        gold=[*"aabbaabb", None],
    )


def test_gold_comes_before_the_majority_of_people(against_gold):
    codes, name = truth_of(against_gold)
    assert (name, codes.tolist()) == ("gold", [0, 0, 1, 1, 0, 0, 1, 1, -1])
    report = report_of(against_gold)
    # gpt - gold: p_o = 7/8, p_e = (5 * 4 + 3 * 4) / 64 = 1/2. ann - bob: p_o = 7/8, and
    # p_e = (4 * 5 + 4 * 3) / 64 = 1/2. No row stands against the majority.
    assert values(report, "cohen_kappa") == {"ann - bob": 0.75, "gpt - gold": 0.75}
    row = report.find("cohen_kappa", "gpt - gold")
    assert (row.n, row.clusters) == (8, 8)


def test_the_bias_index_counts_from_the_first_name_of_the_row(against_gold):
    # ann gives a four times and bob five times, gpt five times and gold four times.
    found = values(report_of(against_gold), "bias_index")
    assert found == {"ann - bob": -1 / 8, "gpt - gold": 1 / 8}


def test_people_are_held_against_gold_but_not_against_their_own_majority(against_gold):
    report = report_of(against_gold)
    gold = section(report, "Accuracy against the gold label")
    # ann misses gold on items 3 to 6 of 8, bob on these and on the last.
    found = {row.annotators: (row.value, row.n) for row in gold if row.name == "accuracy"}
    assert found == {"ann": (4 / 8, 8), "bob": (3 / 8, 8), "gpt": (7 / 8, 8)}
    people = section(report, "Accuracy against the majority of people")
    # Their majority is aaaabbb, with a tie on the eighth item: gpt misses items 4, 5 and 6 of 7.
    found = {row.annotators: (row.value, row.n) for row in people if row.name == "accuracy"}
    assert found == {"gpt": (4 / 7, 7)}


def test_failures_scored_as_a_label_count_as_that_label():
    table = from_labels(
        {"ann": list("aabb"), "gpt": ["a", None, "b", None]},
        humans=["ann"],
        failures={"gpt": ["", "unparsed", "", "unparsed"]},
    )
    report = report_of(table, Settings(replicates=50, failures_as="a"))
    scored = "gpt, failures scored as a"
    # Scored, gpt says aaba of aabb: precision 2/3 and 1, recall 1 and 1/2, F1 4/5 and 2/3.
    assert values(report, "accuracy") == {"gpt": 1.0, scored: 3 / 4}
    assert values(report, "macro_precision") == {"gpt": 1.0, scored: 5 / 6}
    assert values(report, "macro_recall") == {"gpt": 1.0, scored: 3 / 4}
    assert values(report, "macro_f1") == {"gpt": 1.0, scored: 11 / 15}
    assert [report.find("accuracy", name).n for name in ("gpt", scored)] == [2, 4]


def test_scores_are_held_against_the_mean_of_people_and_against_gold_where_there_is_some():
    table = from_labels(
        {
            "ann": ["0", "1", "3", "0", None],
            "bob": ["0", "1", None, "6", None],
            "cy": ["3", "4", "3", "6", None],
            "gpt": ["2", "3", "4", "5", "9"],
        },
        humans=["ann", "bob", "cy"],
        level="interval",
        gold=["3", "3", "6", None, None],
    )
    report = report_of(table)
    # Means of people 1 2 3 4 (medians 0 1 3 6), the judge one above: r = 1, concordance
    # 2 * 1.25 / (1.25 + 1.25 + 1). Gold 3 3 6 against 2 3 4: cov 1, variances 2 and 2/3, means
    # 4 and 3, so r = 1 / sqrt(4/3) and concordance 2 / (2 + 2/3 + 1).
    mean, gold = "gpt - mean of people", "gpt - gold"
    assert values(report, "pearson_r") == {mean: 1.0, gold: sqrt(3) / 2}
    assert values(report, "concordance") == {mean: 5 / 7, gold: 6 / 11}
    assert [report.find("concordance", name).n for name in (mean, gold)] == [4, 3]


def test_all_people_make_the_ceiling_however_many_they_are():
    # First item: five say a and six b. The rest of one who said a is 4:6 (he gets 0), of one who
    # said b 5:5 (he gets 1/2), so 3/11; the judge's b gets 1 and 1/2, so 8/11. Second item: all a.
    said = "aaaaabbbbbb"
    people = {f"p{k}": [label, "a"] for k, label in enumerate(said)}
    table = from_labels({**people, "gpt": ["b", "a"]}, humans=list(people))
    rows = section(report_of(table), "The human ceiling")
    # Everybody has a row, but with more than ten people no pair has.
    each = [row.value for row in rows if row.name == "person_against_rest"]
    assert each == pytest.approx([0.5] * 5 + [0.75] * 6)
    others = {row.name: row.value for row in rows if row.name != "person_against_rest"}
    assert others == pytest.approx({"human_ceiling": 7 / 11, "judge_against_rest": 19 / 22})
    assert len(rows) == 13


def test_the_true_rate_stands_only_where_the_judge_labelled_what_people_did_not():
    labelled, more = ["a", "a", "b", "b"], ["a", "a", "a", "b"]
    table = from_labels(
        {"ann": labelled + [None] * 4, "gpt": labelled + [None] * 4, "panda": labelled + more},
        humans=["ann"],
    )
    report = report_of(table)
    # a: lambda = (1/4) / (15/56 * 2) = 7/15, so .5 + 7/15 * (.75 - .5) = 37/60. Rogan and Gladen
    # with sensitivity and specificity 1: 5 of 8. gpt labelled nothing more, so it has no row.
    assert values(report, "ppi_rate") == {"a | panda": 37 / 60, "b | panda": 23 / 60}
    assert values(report, "rogan_gladen_rate") == {"a | panda": 5 / 8, "b | panda": 3 / 8}


@pytest.mark.parametrize(
    ("half_width", "with_judge", "without"), [(0.05, 577, 1093), (0.1, 145, 274)]
)
def test_the_label_budget_by_hand(half_width, with_judge, without):
    # People: "no" in all four items of eight prompts and "yes" in two, so p = .8 and, with sums of
    # residuals .8 and -3.2, a design effect 10/9 (8 * .64 + 2 * 10.24) / (40 * .16) = 40/9.
    # The judge errs twice each way: rho = (30 * 6 - 2 * 2) / sqrt(32 * 8 * 32 * 8) = 11/16.
    people = ["no"] * 32 + ["yes"] * 8
    judge = ["no"] * 30 + ["yes"] * 8 + ["no"] * 2
    table = from_labels(
        {"ann": [*people, None, None], "gpt": [*judge, "yes", "yes"]},
        humans=["ann"],
        clusters=[str(i // 4) for i in range(42)],
    )
    base = Z2 * 0.8 * 0.2 * (40 / 9) / half_width**2
    assert (ceil(base), ceil(base * (1 - (11 / 16) ** 2))) == (without, with_judge)
    row = report_of(table, Settings(50, half_width=half_width)).find("label_budget", "gpt")
    assert (row.value, row.n, row.clusters) == (with_judge, 40, 10)
    assert f"{without} without" in row.reason and "design effect 4.44" in row.reason
    assert "rho 0.69" in row.reason and f"+-{half_width} of the rate of 'no'" in row.reason


@pytest.mark.parametrize(
    ("name", "evidence", "value"),
    [
        ("length_bias", lambda side: {"length_gap": 100 * side}, log(2) / tanh(1)),
        ("self_preference", lambda side: {"own_family": {"gpt": side}}, log(2)),
    ],
)
def test_the_longer_answer_and_the_own_one_gain_the_log_odds_given_them(name, evidence, value):
    # Of 20 pairs in each cell the judge prefers A in 16 (people A; A longer or of its family), 10,
    # 10 and 4 (people B; B so): log-odds log 4, 0, 0, -log 4, which is log 2 for each of both
    # covariates. Gaps of +-100 have the spread 100, so their covariate is +-tanh(1).
    people, judge, side = [], [], []
    for preferred, favoured, hits in (("A", 1, 16), ("A", -1, 10), ("B", 1, 10), ("B", -1, 4)):
        people += [preferred] * 20
        judge += ["A"] * hits + ["B"] * (20 - hits)
        side += [float(favoured)] * 20
    table = from_labels({"ann": people, "gpt": judge}, humans=["ann"], categories=["A", "B"])
    row = report_of(table, **evidence(np.array(side))).find(name, "gpt")
    assert (row.value, row.n) == (pytest.approx(value, abs=1e-6), 80)
    assert 0 < row.low < row.value < row.high


def test_the_brier_score_has_an_interval_over_prompts():
    # All stated .8; five of ten prompts with four items each are all right (.04), five all wrong
    # (.64). Mean .34, sums of residuals +-1.2: variance 10/9 * 10 * 1.44 / 40^2 = .01.
    table = from_labels(
        {"ann": ["a"] * 40, "gpt": ["a"] * 20 + ["b"] * 20},
        humans=["ann"],
        clusters=[str(i // 4) for i in range(40)],
    )
    report = report_of(table, stated={"gpt": np.full(40, 0.8)})
    row = report.find("brier", "gpt")
    assert (row.value, row.low, row.high) == pytest.approx((0.34, 0.34 - T9 / 10, 0.34 + T9 / 10))
    names = ("ece", "brier", "brier_reliability", "brier_resolution", "brier_uncertainty")
    found = [report.find(name, "gpt") for name in names]
    assert [(row.n, row.clusters) for row in found] == [(40, 10)] * 5


def test_soft_labels_of_each_judge_and_of_all_their_votes():
    table = from_labels(
        {"ann": ["a"] * 6, "bob": ["a"] * 6, "gpt": ["a"] * 6, "panda": ["b"] * 6},
        humans=["ann", "bob"],
    )
    report = report_of(table)
    # (1, 0) against (1, 0), (0, 1) and (1/2, 1/2), whose middle is (3/4, 1/4): divergence
    # (log2(4/3) + (log2(2/3) + log2(2)) / 2) / 2. With half a vote more for each category the
    # judges' shares of a are 1.5/2, .5/2 and 1.5/3.
    both = sqrt((log(4 / 3) + (log(2 / 3) + log(2)) / 2) / 2 / log(2))
    every = "all judges' votes"
    assert values(report, "jensen_shannon_distance") == {"gpt": 0, "panda": 1, every: both}
    crossed = {"gpt": log(4 / 3), "panda": log(4), every: log(2)}
    assert values(report, "cross_entropy") == crossed


@pytest.mark.parametrize(("old", "new", "gained"), [("v1", "v2", 0.2), ("v2", "v1", -0.2)])
def test_drift_counts_from_the_old_version_to_the_new(old, new, gained):
    # v1 is wrong on items 0 to 3, v2 on 0 and 4: 6 and 8 of 10 right. v2 won three and lost one;
    # mid-p of 1 in 4: 2 * 5/16 - 4/16 = .375.
    table = from_labels(
        {"ann": ["a"] * 10, "v1": list("bbbbaaaaaa"), "v2": list("baaabaaaaa")}, humans=["ann"]
    )
    report = report_of(table, drifts=[(old, new)])
    assert values(report, "drift_accuracy") == {f"{old} -> {new}": gained}
    assert values(report, "drift_changed") == {f"{old} -> {new}": 0.4}
    lost, won = (1, 3) if new == "v2" else (3, 1)
    reason = report.find("drift_accuracy", f"{old} -> {new}").reason
    assert reason == f"{lost} lost, {won} won, McNemar mid-p 0.375"

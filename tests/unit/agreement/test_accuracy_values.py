"""Accuracy, the human ceiling and votes: worked by hand, and against loops over items."""

from collections import Counter
from itertools import combinations, product

import numpy as np
import pytest
from raters import table_of
from scipy import stats

from harness.agreement import Settings, agreement_report, majority
from harness.agreement.accuracy import (
    accuracy,
    against_the_rest,
    human_ceiling,
    leave_one_out,
    macro,
    vote_agreement,
)
from harness.agreement.kappa import pairs_of
from harness.ratings.table import from_labels
from harness.statistics.intervals import cluster_share, wilson
from harness.statistics.resample import Bootstrap

FAST = Settings(replicates=200)


def test_the_majority_by_hand():
    counts = np.array([[2, 1, 0], [1, 1, 0], [0, 0, 0], [0, 0, 1], [1, 1, 1], [0, 2, 2], [1, 1, 3]])
    assert majority(counts).tolist() == [0, -1, -1, 2, -1, -1, 2]
    assert majority(np.zeros((3, 0), dtype=int)).tolist() == [-1, -1, -1]


def test_accuracy_and_its_interval_by_hand():
    # 12 clusters of 2; 6 hold one miss of 2, the rest none: 18/24, residuals sum to +-.5.
    truth = np.tile([0, 1], 12)
    said = truth.copy()
    said[np.arange(0, 12, 2)] = 1
    # A missing label, a missing truth and a label outside count nowhere.
    said, truth = np.append(said, [-1, 0, -1]), np.append(truth, [0, -1, -1])
    clusters = np.append(np.arange(24) // 2, [90, 91, 92])
    row = accuracy(said, truth, clusters, "judge")
    # Var = 12/11 * 12 * .25 / 24^2
    half = stats.t.ppf(0.975, 11) * (12 / 11 * 12 * 0.25 / 24**2) ** 0.5
    assert (row.name, row.annotators, row.value) == ("accuracy", "judge", 0.75)
    assert (row.low, row.high) == pytest.approx((0.75 - half, 0.75 + half))
    assert (row.n, row.clusters) == (24, 12)
    assert accuracy(said, truth, clusters, "judge", name="right").name == "right"


def test_no_item_in_common_is_undefined():
    none, some, alone = np.full(4, -1), np.zeros(4, dtype=int), np.arange(4)
    for row in (
        accuracy(none, some, alone, "j"),
        macro("f1", pairs_of(none, some, alone, 2), "j"),
        macro("recall", pairs_of(some, none, alone, 2), "j"),
        human_ceiling(table_of(np.column_stack([some, none]), [0, 1], alone, 2)),
        against_the_rest(table_of(np.column_stack([some, none, some]), [0, 1], alone, 2), 2),
        *leave_one_out(table_of(np.column_stack([some, none]), [0, 1], alone, 2)),
        vote_agreement(np.ones((4, 1), int), np.zeros((4, 1), int), alone, "a - b", "v"),
    ):
        assert (row.status, row.value, row.low, row.n) == ("undefined", None, None, 0)
        assert row.reason.startswith("no item")
        assert row.name and row.annotators


# (predicted, true) by hand: precision 2/3, 1/2, 0 (never said); recall 2/2, 1/3, 0/1.
SAID = np.array([0, 0, 0, 1, 1, 0, -1, 2])
TRUE = np.array([0, 0, 1, 1, 2, 1, 1, -1])


@pytest.mark.parametrize(
    ("average", "expected"),
    [
        ("precision", (2 / 4 + 1 / 2 + 0) / 3),
        ("recall", (2 / 2 + 1 / 3 + 0) / 3),
        ("f1", (2 * 2 / 6 + 2 * 1 / 5 + 0) / 3),
    ],
)
def test_macro_scores_by_hand(average, expected):
    row = macro(average, pairs_of(SAID, TRUE, np.arange(8), 4), "j", bootstrap=Bootstrap(50))
    assert (row.name, row.annotators) == (f"macro_{average}", "j")
    assert row.value == pytest.approx(expected)
    assert (row.n, row.clusters) == (6, 6)  # the fourth category never occurs


@pytest.mark.parametrize("average", ["precision", "recall", "f1"])
def test_macro_intervals_are_those_of_a_plain_bootstrap(average):
    rng = np.random.default_rng(5)
    truth = rng.integers(0, 3, 400)
    said = np.where(rng.random(400) < 0.7, truth, rng.integers(0, 3, 400))
    row = macro(average, pairs_of(said, truth, np.arange(400), 3), "j", bootstrap=Bootstrap(4000))
    drawn = []
    for _ in range(1000):
        pick = rng.integers(0, 400, 400)
        table = np.bincount(3 * said[pick] + truth[pick], minlength=9).reshape(3, 3)
        gave, was = table.sum(1), table.sum(0)
        below = {"precision": gave, "recall": was, "f1": (gave + was) / 2}[average]
        drawn.append(np.mean(np.diag(table) / below))
    assert (row.high - row.low) / 2 == pytest.approx(1.97 * np.std(drawn), rel=0.12)
    assert (row.high + row.low) / 2 == pytest.approx(row.value, abs=0.01)


def test_macro_intervals_are_clustered_and_follow_the_seed():
    rng = np.random.default_rng(6)
    truth = np.repeat(rng.integers(0, 2, 40), 5)
    said = np.where(np.repeat(rng.random(40), 5) < 0.7, truth, 1 - truth)
    pairs = pairs_of(said, truth, np.arange(200) // 5, 2)
    alone = macro("f1", pairs_of(said, truth, np.arange(200), 2), "j")
    grouped = macro("f1", pairs, "j")
    assert (alone.clusters, grouped.clusters, grouped.n) == (200, 40, 200)
    assert grouped.value == alone.value
    # Five copies of each of 40: sqrt(5) times as wide.
    assert (grouped.high - grouped.low) / (alone.high - alone.low) == pytest.approx(5**0.5, rel=0.1)
    few = [macro("f1", pairs, "j", bootstrap=Bootstrap(60, s)) for s in (1, 1, 2)]
    assert few[0] == few[1] != few[2]
    assert few[0] != macro("f1", pairs, "j", bootstrap=Bootstrap(seed=1))


def test_perfect_macro_scores_are_bounded_by_wilson():
    truth = np.tile([0, 1], 30)
    row = macro("f1", pairs_of(truth, truth, np.arange(60), 5), "j")
    # c = 2 used categories times the share of items that may be wrong.
    assert (row.value, row.high) == (1.0, 1.0)
    assert row.low == pytest.approx(1 - 2 * (1 - wilson(60, 60)[0]))
    assert macro("f1", pairs_of(*[np.arange(2)] * 3, 2), "j").low == 0.0


# Items x (ann, bob, cy, judge); . is missing. Rests that tie count 1/2 for each tied label.
CODES = np.array([[0 if c == "a" else 1 if c == "b" else -1 for c in row] for row in (
    "aaab",  # all three with the rest; the judge with nobody
    "aaba",  # ann: rest a,b ties: 1/2; bob 1/2; cy against aa: 0; judge a: 1/2, 1/2, 1
    "ab.a",  # ann against b: 0; bob against a: 0; judge: against b 0, against a 1
    "b...",  # one person: no rest
    "bbb.",  # all three with the rest; no judge
    ".aab",  # bob and cy with the rest; judge 0, 0
)])  # fmt: skip
PEOPLE = ["ann", "bob", "cy"]


def test_the_human_ceiling_by_hand():
    clusters = np.array([0, 0, 1, 2, 3, 3])
    table = table_of(CODES, [0, 1, 2], clusters, 2, [*PEOPLE, "gpt"])
    rows = leave_one_out(table)
    assert [row.annotators for row in rows] == [f"{p} against the other people" for p in PEOPLE]
    assert {row.name for row in rows} == {"person_against_rest"}
    # ann: 1, 1/2, 0, 1; bob: 1, 1/2, 0, 1, 1; cy: 1, 0, 1, 1
    assert [row.value for row in rows] == pytest.approx([2.5 / 4, 3.5 / 5, 3 / 4])
    assert [(row.n, row.clusters) for row in rows] == [(4, 3), (5, 3), (4, 2)]
    ceiling = human_ceiling(table)
    # Items: 1, mean(1/2, 1/2, 0), mean(0, 0), none, 1, 1
    assert ceiling.value == pytest.approx((1 + 1 / 3 + 0 + 1 + 1) / 5)
    assert (ceiling.name, ceiling.n, ceiling.clusters) == ("human_ceiling", 5, 3)
    assert ceiling.annotators == "people, each against the majority of the rest"
    judged = against_the_rest(table, 3)
    # Items: 0, mean(1/2, 1/2, 1), mean(0, 1), none, none, 0
    assert judged.value == pytest.approx((0 + 2 / 3 + 1 / 2 + 0) / 4)
    assert (judged.name, judged.n, judged.clusters) == ("judge_against_rest", 4, 3)
    assert judged.annotators == "gpt against all people but one"


def credit(label, others):
    """1/k if the label is one of the k most frequent of the others."""
    counts = Counter(others)
    best = [other for other, count in counts.items() if count == max(counts.values())]
    return (label in best) / len(best)


@pytest.mark.parametrize("seed", range(6))
def test_ceilings_of_random_tables_equal_a_loop(seed):
    rng = np.random.default_rng(seed)
    n, c = 60, 4
    codes = rng.integers(0, c, (n, 6))
    codes[rng.random((n, 6)) < 0.3] = -1
    people, judge = [1, 2, 4, 5], 0
    clusters = rng.integers(0, 25, n)
    own = {person: {} for person in people}
    judged = {}
    for item, person in product(range(n), people):
        rest = [codes[item, p] for p in people if p != person and codes[item, p] >= 0]
        if codes[item, person] < 0 or not rest:
            continue
        own[person][item] = credit(codes[item, person], rest)
        if codes[item, judge] >= 0:
            judged.setdefault(item, []).append(credit(codes[item, judge], rest))
    items = sorted({item for scores in own.values() for item in scores})
    ceiling = [np.mean([s[item] for s in own.values() if item in s]) for item in items]

    def same(row, scores, at):
        expected = cluster_share("", "", np.array(scores), clusters[at], why_undefined="")
        for name in ("value", "low", "high", "n", "clusters"):
            assert getattr(row, name) == pytest.approx(getattr(expected, name))

    table = table_of(codes, people, clusters, c, [f"x{k}" for k in range(6)])
    same(human_ceiling(table), ceiling, items)
    row = against_the_rest(table, judge)
    same(row, [np.mean(judged[item]) for item in sorted(judged)], sorted(judged))
    for person, row in zip(people, leave_one_out(table), strict=True):
        assert row.annotators == f"x{person} against the other people"
        same(row, list(own[person].values()), list(own[person]))


@pytest.mark.parametrize("seed", range(4))
def test_vote_agreement_is_the_share_of_pairs_of_votes_that_agree(seed):
    rng = np.random.default_rng(seed)
    first, second = rng.integers(0, 3, (2, 40, 3))
    first[:3], second[3:6] = 0, 0
    clusters = np.arange(40) // 2

    def votes(counts):
        return [code for code, count in enumerate(counts) for _ in range(count)]

    inside, between = [], []
    for a, b in zip(first, second, strict=True):
        pairs = list(combinations(votes(a), 2))
        inside.append(np.mean([x == y for x, y in pairs]) if pairs else np.nan)
        across = list(product(votes(a), votes(b)))
        between.append(np.mean([x == y for x, y in across]) if across else np.nan)
    for other, scores in ((first, inside), (second, between)):
        row = vote_agreement(first, other, clusters, "a - b", "votes")
        kept = ~np.isnan(scores)
        expected = cluster_share(
            "votes", "a - b", np.array(scores)[kept], clusters[kept], why_undefined=""
        )
        assert row.value == pytest.approx(np.nanmean(scores))
        assert (row.low, row.high) == pytest.approx((expected.low, expected.high))
        assert (row.name, row.annotators, row.n) == ("votes", "a - b", kept.sum())
        assert row.clusters == np.unique(clusters[kept]).size


def test_two_votes_agree_by_hand():
    # aaab: 3 of 6 pairs agree; ab: 0 of 1; a alone has no pair.
    counts = np.array([[3, 1], [1, 1], [1, 0]])
    row = vote_agreement(counts, counts, np.arange(3), "people", "v")
    assert (row.value, row.n) == (0.25, 2)
    # Against a: 3/4, 1/2, 1.
    row = vote_agreement(counts, np.array([[1, 0]] * 3), np.arange(3), "people - j", "v")
    assert row.value == pytest.approx(0.75)


def test_the_report_holds_every_pair_of_people_and_every_person():
    columns = {
        name: [{-1: None, 0: "a", 1: "b"}[code] for code in CODES[:, k]]
        for k, name in enumerate([*PEOPLE, "gpt"])
    }
    report = agreement_report(from_labels(columns, humans=PEOPLE), settings=FAST)
    (section,) = [s for s in report.sections if s.title == "The human ceiling"]
    found = [(row.name, row.annotators, row.value, row.n) for row in section.statistics]
    assert found == [
        ("percent_agreement", "ann - bob", pytest.approx(3 / 4), 4),
        ("percent_agreement", "ann - cy", pytest.approx(2 / 3), 3),
        ("percent_agreement", "bob - cy", pytest.approx(3 / 4), 4),
        ("human_ceiling", "people, each against the majority of the rest",
         pytest.approx(10 / 15), 5),
        ("person_against_rest", "ann against the other people", pytest.approx(2.5 / 4), 4),
        ("person_against_rest", "bob against the other people", pytest.approx(3.5 / 5), 5),
        ("person_against_rest", "cy against the other people", pytest.approx(3 / 4), 4),
        ("judge_against_rest", "gpt against all people but one", pytest.approx(7 / 24), 4),
    ]  # fmt: skip

"""Means, votes and agreement weights worked out by hand."""

from functools import partial

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from harness.aggregate import METHODS, aggregate_judgments
from harness.nouns.outcomes import Status
from harness.nouns.rubric import Criterion
from harness.nouns.scale import BINARY, Scale
from harness.nouns.schema import Item, Judgment, JudgmentRequest, Response, Verdict

mean, majority, agreement_weighted = (
    partial(aggregate_judgments, METHODS[name])
    for name in ("mean", "majority", "agreement_weighted")
)

TEN = Scale("interval", low=0.0, high=10.0)
LABELS = Scale("ordinal", ("bad", "fair", "good"))
RIGHT = Criterion("right", "?", BINARY)
DEPTH = Criterion("depth", "?", TEN, 3.0)
STYLE = Criterion("style", "?", TEN, 1.0)
TONE = Criterion("tone", "?", LABELS, 0.5)


def asked(*names, criterion=DEPTH):
    """Ask about responses of one item, whose name is their first letter."""
    responses = tuple(Response(name, name[:-1], "base", "text") for name in names)
    label = f"{criterion.id}:{'-'.join(names)}"
    return JudgmentRequest(label, Item(names[0][:-1], "prompt"), responses, criterion)


def say(request, who, value, p=None, repeat=0):
    source, _, annotator = who.partition("/")
    verdict = Verdict(Status.OK, value, p)
    return Judgment(request.id, source, "1", annotator or source, verdict, "", repeat)


PAIR = asked("x1", "x2")
X1, X2 = ("x1", "x2")


def only(result):
    """Return winner, its probability and the number of verdicts, or the ties."""
    if not result.preferences:
        return result.ties or result.unused
    (one,) = result.preferences
    return one.chosen_id, pytest.approx(one.probability), one.n_judgments


TIED = (("x", "x1", "x2"),)


@pytest.mark.parametrize(
    ("verdicts", "weights", "expected"),
    [
        # Each source is one voice: j says (.9 + .5) / 2 = .7, people 0, other .6;
        # (.25 * .7 + .5 * 0 + 1 * .6) / 1.75 = .775 / 1.75 = .442857 for x1.
        (
            [("j/a", "A", 0.9), ("j/b", "A", 0.5), ("people/ann", "B"), ("other", "A", 0.6)],
            {"j": 0.25, "people": 0.5},
            (X2, 0.557142857142857, 4),
        ),
        ([("j", "A", 0.75), ("k", "A", 0.5)], {}, (X1, 0.625, 2)),
        ([("j", "B", 0.25), ("k", "TIE")], {}, (X2, 0.625, 2)),
        ([("j", "A"), ("k", "B")], {}, TIED),
        ([("j", "A", 0.7), ("k", "A", 0.3)], {}, TIED),
        # A sum with rounding is a tie all the same: .1 + .2 against .3.
        ([("j", "A"), ("k", "A"), ("l", "B")], {"j": 0.1, "k": 0.2, "l": 0.3}, TIED),
    ],
)
def test_mean_of_votes(verdicts, weights, expected):
    result = mean([PAIR], [say(PAIR, *verdict) for verdict in verdicts], weights)
    assert only(result) == expected


@pytest.mark.parametrize(
    ("verdicts", "weights", "expected"),
    [
        # A 3, TIE 1, B 1: (3 + 1/2) / 5.
        ([("j", "A"), ("people/a", "TIE"), ("people/b", "B")], {"j": 3.0}, (X1, 0.7, 3)),
        # B 2, TIE 1: P(A) = .5 / 3.
        ([("j/a", "B"), ("j/b", "B"), ("j/c", "TIE")], {}, (X2, 1 - 0.5 / 3, 3)),
        ([("j", "A"), ("people/a", "B"), ("people/b", "B")], {"j": 2.0}, TIED),
        ([("j/a", "A"), ("j/b", "TIE")], {}, TIED),
        ([("j/a", "B"), ("j/b", "TIE")], {}, TIED),
        ([("j/a", "TIE"), ("j/b", "TIE"), ("j/c", "A")], {}, TIED),
        ([("j", "A"), ("k", "A"), ("l", "B")], {"j": 0.1, "k": 0.2, "l": 0.3}, TIED),
        # Probabilities do not vote: three sure answers lose to four unsure ones.
        ([(f"j/{k}", *("AB"[k > 2], (1.0, 0.45)[k > 2])) for k in range(7)], {}, (X2, 4 / 7, 7)),
    ],
)
def test_majority_of_votes(verdicts, weights, expected):
    result = majority([PAIR], [say(PAIR, *verdict) for verdict in verdicts], weights)
    assert only(result) == expected


def test_repeated_samples_vote_among_themselves_first():
    samples = {"j/a": "ABA", "j/b": "AB", "j/c": "BBB", "j/d": ("TIE", "TIE", "B")}
    judged = [
        say(PAIR, who, value, None, k)
        for who, said in samples.items()
        for k, value in enumerate(said)
    ]
    # a: A; b: split, so TIE; c: B; d: TIE. Two of four are TIE.
    assert only(majority([PAIR], judged, {})) == TIED
    judged.append(say(PAIR, "j/b", "A", None, 2))  # b: A; two A, one TIE, one B
    assert only(majority([PAIR], judged, {})) == (X1, 0.625, 4)
    # The mean takes every sample: 4 A, 2 TIE and 6 B of 12 is (4 + 1) / 12.
    assert only(mean([PAIR], judged, {})) == (X2, 7 / 12, 12)


def points(*criteria):
    return {(c.id, name): asked(name, criterion=c) for c in criteria for name in (X1, X2)}


def test_chance_that_a_score_is_above_another():
    ask = points(DEPTH, STYLE, TONE)
    scores = {
        ("depth", X1): (2.0, 4.0),
        ("depth", X2): (4.0, 8.0),  # of four comparisons one is a tie: 1/8
        ("style", X1): (9.0,),
        ("style", X2): (3.0,),  # 1
        ("tone", X1): ("bad", "good"),  # x2 has no tone: it takes no part
    }
    judged = [
        say(ask[key], "j", value, None, k)
        for key, values in scores.items()
        for k, value in enumerate(values)
    ]
    # (3 * 1/8 + 1 * 1) / 4 = .34375 for x1.
    result = mean(list(ask.values()), judged, {})
    assert only(result) == (X2, 0.65625, 1)
    # Depth and style of x1: (3 * .2 + 3 * .4 + .9 + .5 * 0 + .5 * 1) / (3 + 3 + 1 + .5 + .5)
    assert [r.value for r in result.rewards] == pytest.approx([3.2 / 8, (3.6 + 0.3) / 7])
    assert only(majority(list(ask.values()), judged, {})) == (X2, 1.0, 1)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ((2, 3), (7, 9), (X2, 1.0, 2)),
        ((9,), (1,), (X1, 1.0, 1)),
        ((1, 5), (3, 3), TIED),
        ((5,), (5,), TIED),
    ],
)
def test_scores_become_one_vote_of_each_annotator(first, second, expected):
    ask = points(DEPTH)
    judged = [say(ask["depth", X1], f"j/{k}", float(v)) for k, v in enumerate(first)]
    judged += [say(ask["depth", X2], f"j/{k}", float(v)) for k, v in enumerate(second)]
    for method in (mean, majority):
        assert only(method(list(ask.values()), judged, {})) == expected


def test_scores_vote_beside_votes_unless_their_source_voted_itself():
    ask = points(RIGHT)
    requests = [PAIR, *ask.values()]
    scores = [
        say(ask["right", name], source, name == X1)
        for source in ("check", "other")
        for name in (X1, X2)
    ]
    votes = [say(PAIR, "people", "B"), say(PAIR, "judge", "B")]
    assert only(majority(requests, [*scores, votes[0]], {})) == (X1, 2 / 3, 3)
    assert only(majority(requests, [*scores, *votes], {})) == TIED
    assert only(mean(requests, [*scores, *votes], {"check": 3.0})) == (X1, 4 / 6, 4)
    # Check says B of the pair, whatever its scores amount to: 3 of 4 say B.
    own = say(PAIR, "check/deep", "B")
    assert only(majority(requests, [*scores, *votes, own], {})) == (X2, 3 / 4, 4)
    assert only(mean(requests, [*scores, *votes, own], {})) == (X2, 3 / 4, 4)


def test_a_source_that_scored_one_response_only_says_nothing_of_the_pair():
    ask = points(DEPTH, STYLE)
    judged = [
        say(ask["depth", X1], "apart", 9.0),  # another criterion for each response
        say(ask["style", X2], "apart", 1.0),
        say(ask["depth", X1], "half", 9.0),
    ]
    assert only(mean(list(ask.values()), judged, {})) == {"no verdict: missing": 1}
    judged += [say(ask["depth", X1], "whole", 2.0), say(ask["depth", X2], "whole", 3.0)]
    assert only(mean(list(ask.values()), judged, {})) == (X2, 1.0, 1)
    assert only(majority(list(ask.values()), judged, {})) == (X2, 1.0, 1)


def test_the_mean_does_not_depend_on_the_order_of_a_set():
    ask = points(DEPTH)
    names = [f"{letter}{n}" for n in range(3) for letter in "qwertyuiop"]
    weights = {name: 1 / (k + 3) for k, name in enumerate(names)}
    judged = [
        say(ask["depth", name], source, float(k % 3 == 0) if name == X1 else 0.5)
        for k, source in enumerate(names)
        for name in (X1, X2)
    ]
    total = above = 0.0
    for name in sorted(names):
        total += weights[name]
        above += weights[name] * (names.index(name) % 3 == 0)
    (preference,) = mean(list(ask.values()), judged, weights).preferences
    assert preference.probability == 1.0 - above / total  # to the last bit


@pytest.mark.parametrize(
    ("values", "weights", "median"),
    [
        ([("j", 3.0)], {}, 3.0),
        ([("j/a", 0.0), ("j/b", 10.0), ("j/c", 1.0)], {}, 1.0),
        ([("j/a", 10.0), ("j/b", 0.0), ("j/c", 4.0), ("j/d", 1.0)], {}, 2.5),
        ([("j/a", 2.0), ("j/b", 8.0)], {}, 5.0),
        ([("j", 2.0), ("k", 8.0)], {"k": 3.0}, 8.0),
        ([("j", 2.0), ("k", 8.0)], {"k": 0.5}, 2.0),
        # Below 4 and up to it lies half of the weight 4: the middle of 4 and 9.
        ([("k", 9.0), ("j/a", 4.0), ("j/b", 2.0)], {"k": 2.0}, 6.5),
        ([("j/a", 4.0), ("k", 2.0), ("l", 9.0)], {"k": 0.1, "j": 0.2, "l": 0.3}, 6.5),
        # Three samples of one annotator are one vote.
        ([("j/a", 0.0), ("j/a", 0.0), ("j/a", 0.0), ("j/b", 5.0), ("j/c", 9.0)], {}, 5.0),
        ([("j/a", 0.0), ("j/a", 4.0), ("j/b", 6.0)], {}, 5.0),
    ],
)
def test_majority_of_numbers_is_their_weighted_median(values, weights, median):
    ask = asked("x1", criterion=STYLE)
    judged = [say(ask, who, value, None, k) for k, (who, value) in enumerate(values)]
    (reward,) = majority([ask], judged, weights).rewards
    assert reward.value == pytest.approx(median / 10)
    assert reward.n_judgments == len(values)


@pytest.mark.parametrize(
    ("values", "weights", "decided"),
    [
        (["bad/a", "good/b", "good/c"], {}, 1.0),
        (["bad/a", "fair/b"], {}, 0.25),
        (["bad/a", "fair/b", "good/c", "good/d", "bad/e"], {}, 0.5),  # bad and good are tied
        (["good/a", "good/a", "good/a", "bad/b", "bad/c"], {}, 0.0),
        (["good/a", "bad/a", "good/b"], {}, 1.0),
        (["bad/j", "bad/k", "good/l"], {"j": 0.1, "k": 0.2, "l": 0.3}, 0.5),
        (["bad/j", "bad/k", "good/l"], {"l": 2.5}, 1.0),
    ],
)
def test_majority_of_labels(values, weights, decided):
    ask = asked("x1", criterion=TONE)
    judged = []
    for k, (label, _, who) in enumerate(value.partition("/") for value in values):
        judged.append(say(ask, who if weights else f"j/{who}", label, None, k))
    (reward,) = majority([ask], judged, weights).rewards
    assert reward.value == pytest.approx(decided)


def test_majority_weighs_criteria():
    ask = {c.id: asked("x1", criterion=c) for c in (DEPTH, STYLE, TONE)}
    judged = [say(ask["depth"], f"j/{who}", v) for who, v in (("a", 2.0), ("b", 4.0), ("c", 9.0))]
    judged += [say(ask["style"], "j/a", 9.0), say(ask["tone"], "j/a", "fair")]
    # (3 * .4 + 1 * .9 + .5 * .5) / 4.5
    (reward,) = majority(list(ask.values()), judged, {}).rewards
    assert reward.value == pytest.approx(2.35 / 4.5)


def weights_found(table, scores=False):
    """Return the weight that each source gets: table has source -> P(A) or score of each item."""
    judged, requests = [], []
    for k in range(len(next(iter(table.values())))):
        request = asked(f"{k}-1") if scores else asked(f"{k}-1", f"{k}-2")
        requests.append(request)
        for name, values in table.items():
            value = values[k]
            if value is not None:
                said = (value * 10.0,) if scores else ("A" if value > 0.5 else "B", value)
                judged.append(say(request, name, *said))
    result = agreement_weighted(requests, judged, {})
    return {report.source: report.weight for report in result.annotators}, result


@pytest.mark.parametrize("scores", [False, True])
def test_concordance_of_two_by_hand(scores):
    # a: mean .5, var .25; b: mean .475, var .066875; cov .35 - .2375 = .1125 (Lin 1989):
    # 2 * .1125 / (.25 + .066875 + .025^2) = .225 / .3175
    table = {"a": [1.0, 1.0, 0.0, 0.0], "b": [0.8, 0.6, 0.4, 0.1]}
    found, _ = weights_found(table, scores)
    assert found == pytest.approx({"a": 0.225 / 0.3175, "b": 0.225 / 0.3175})


def lin(x, y):
    x, y = np.array(x), np.array(y)
    covariance = np.cov(x, y, bias=True)
    return 2 * covariance[0, 1] / (np.trace(covariance) + (x.mean() - y.mean()) ** 2)


def test_concordance_is_with_the_mean_of_the_others_that_said_something():
    a = [0.9, 0.8, 0.3, None, 0.6, 0.1]
    b = [0.7, 0.9, 0.1, 0.2, None, 0.4]
    c = [0.6, None, 0.4, 0.3, None, 0.2]
    found, result = weights_found({"a": a, "b": b, "c": c})
    expected = {
        "a": lin([0.9, 0.8, 0.3, 0.1], [0.65, 0.9, 0.25, 0.3]),
        "b": lin([0.7, 0.9, 0.1, 0.2, 0.4], [0.75, 0.8, 0.35, 0.3, 0.15]),
        "c": lin([0.6, 0.4, 0.3, 0.2], [0.8, 0.2, 0.2, 0.25]),
    }
    assert found == pytest.approx(expected)
    first = result.preferences[0]
    weighted = sum(expected[name] * v for name, v in (("a", 0.9), ("b", 0.7), ("c", 0.6)))
    assert first.probability == pytest.approx(weighted / sum(expected.values()))


def test_concordance_of_two_verdicts_is_cohens_kappa():
    a, b = [1, 1, 1, 0, 0, 1, 0, 1, 1, 0], [1, 1, 0, 0, 1, 1, 0, 1, 1, 1]
    found, _ = weights_found({"a": [float(v) for v in a], "b": [float(v) for v in b]})
    assert found == pytest.approx(dict.fromkeys("ab", cohen_kappa_score(a, b)))


@pytest.mark.parametrize(
    ("a", "b", "weight"),
    [
        ([1.0, 0.0, 1.0], [0.0, 1.0, 0.0], 0.0),  # contrary: never below 0
        ([1.0, 1.0, 1.0], [1.0, 1.0, 1.0], 0.0),  # one verdict only shows no agreement
        ([1.0, 1.0, 1.0], [0.0, 0.0, 0.0], 0.0),
        ([1.0, 0.0, None, None], [None, None, 1.0, 0.0], 1.0),  # nothing in common
    ],
)
def test_concordance_at_its_ends(a, b, weight):
    found, result = weights_found({"a": a, "b": b})
    assert found == {"a": weight, "b": weight}
    if weight == 0:
        assert result.preferences == result.ties == ()
        assert result.unused == {"no verdict": 3}
        assert {reward.value for reward in result.rewards} == {None}


def test_measured_agreement_goes_before_the_estimated():
    requests = [asked(f"{k}-1", f"{k}-2") for k in range(4)]
    said = {"a": "AABB", "b": "AABB", "c": "BBAA"}
    judged = [
        say(request, name, values[k])
        for k, request in enumerate(requests)
        for name, values in said.items()
    ]
    result = agreement_weighted(requests, judged, {"c": 0.75})
    # a and b: the mean of the other two is a constant 1/2, so 0; only c is left.
    assert {r.source: r.weight for r in result.annotators} == {"a": 0.0, "b": 0.0, "c": 0.75}
    assert [p.chosen_id for p in result.preferences] == ["0-2", "1-2", "2-1", "3-1"]
    assert {p.probability for p in result.preferences} == {1.0}

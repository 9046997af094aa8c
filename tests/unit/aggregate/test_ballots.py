"""What is counted of judgments: votes, failures with their reasons, flips, pairs, responses."""

from functools import partial

import pytest

from harness.aggregate import METHODS, AnnotatorReport, aggregate_judgments
from harness.nouns.errors import DataError
from harness.nouns.outcomes import Status
from harness.nouns.rubric import Criterion
from harness.nouns.scale import BINARY, Scale
from harness.nouns.schema import Item, Judgment, JudgmentRequest, Response, Verdict

mean, majority = (partial(aggregate_judgments, METHODS[name]) for name in ("mean", "majority"))

GOOD = Criterion("good", "Which is better?", Scale("ordinal", ("bad", "fair", "good", "best")))
RIGHT = Criterion("right", "Is it right?", BINARY)
NUMBER = Criterion("number", "How good?", Scale("interval", low=-2.0, high=6.0))


def asked(*names, criterion=GOOD):
    """Ask about responses of one item, whose name is their first letter."""
    responses = tuple(Response(name, name[0], "base", "text") for name in names)
    label = f"{criterion.id}:{'-'.join(names)}"
    return JudgmentRequest(label, Item(names[0][0], "prompt"), responses, criterion)


def say(request, source, value, p=None, *, order="", who=""):
    verdict = Verdict(value) if isinstance(value, Status) else Verdict(Status.OK, value, p)
    return Judgment(request.id, source, "1", who or source, verdict, order)


def chosen(result):
    return {
        (p.chosen_id, p.rejected_id): (p.probability, p.n_judgments) for p in result.preferences
    }


def test_each_annotator_is_accounted_for():
    pairs = [asked(f"{item}1", f"{item}2") for item in "abcdef"]
    verdicts = [
        ("A", "B"),
        ("A", "A"),
        ("A", Status.TIMEOUT),
        (Status.REFUSED, Status.REFUSED),
        (Status.REFUSED, Status.TIMEOUT),
        ("B", "TIE"),
    ]
    judged = [
        say(pair, "judge", value, order=order)
        for pair, values in zip(pairs, verdicts, strict=True)
        for order, value in zip(("AB", "BA"), values, strict=True)
    ]
    judged += [
        say(pairs[0], "people", Status.MISSING, who="ann"),
        say(pairs[1], "people", "A", who="bob"),
        say(pairs[1], "people", Status.ABSTAINED, who="ann"),
    ]
    result = mean(pairs, judged, {"judge": 0.25})
    assert result.annotators == (
        # Votes on a, b and f, all in both orders; a and f changed with the order.
        AnnotatorReport(
            "judge", "judge", 0.25, 3, {"failed in one order": 1, "refused": 2}, 2, 3
        ),
        AnnotatorReport("people", "bob", 1.0, 1, {}),
        AnnotatorReport("people", "ann", 1.0, 0, {"missing": 1, "abstained": 1}),
    )  # fmt: skip
    assert chosen(result) == {("b1", "b2"): (1.0, 2)}
    assert result.ties == (("a", "a1", "a2"), ("f", "f1", "f2"))
    assert result.unused == {
        "tie": 2, "no verdict: failed in one order": 1, "no verdict: refused": 2,
    }  # fmt: skip


def test_a_pair_without_a_verdict_gives_its_most_common_reason():
    pair, silent = asked("x1", "x2"), asked("y1", "y2")
    reasons = {"ann": Status.TIMEOUT, "bob": Status.REFUSED, "cy": Status.REFUSED}
    judged = [say(pair, "people", reason, who=who) for who, reason in reasons.items()]
    assert mean([pair, silent], judged, {}).unused == {"no verdict: refused": 1, "no verdict": 1}
    # Of as many of two kinds, the one of the rankings, which are read first.
    ranked = asked("x1", "x2", "x3")
    judged = [say(pair, "j", Status.TIMEOUT), say(ranked, "j", Status.REFUSED)]
    assert mean([pair, ranked], judged, {}).unused == {"no verdict: refused": 3}


def test_failed_scores_are_counted_and_give_no_reward():
    points = [asked("x1", criterion=RIGHT), asked("x2", criterion=RIGHT)]
    judged = [
        say(points[0], "check", Status.TIMEOUT),
        say(points[1], "check", Status.TIMEOUT),
        say(points[1], "other", True),
    ]
    result = mean(points, judged, {})
    assert [(r.response_id, r.value, r.n_judgments) for r in result.rewards] == [
        ("x1", None, 0),
        ("x2", 1.0, 1),
    ]
    assert result.annotators == (
        # Other scored one response of the pair only, which leaves it without its vote.
        AnnotatorReport("other", "other", 1.0, 1, {"missing": 1}),
        AnnotatorReport("check", "check", 1.0, 0, {"timeout": 2}),
    )


def test_the_same_pair_asked_the_other_way_round_is_one_pair():
    there, back = asked("x1", "x2"), asked("x2", "x1")
    assert mean([there, back], [], {}).unused == {"no verdict": 1}
    for value, p, expected in (
        ("A", None, {("x2", "x1"): (1.0, 1)}),
        ("B", None, {("x1", "x2"): (1.0, 1)}),
        ("TIE", None, {}),
        ("A", 0.75, {("x2", "x1"): (0.75, 1)}),
        ("B", 0.125, {("x1", "x2"): (0.875, 1)}),
    ):
        for method in (mean, majority):
            found = chosen(method([there, back], [say(back, "j", value, p)], {}))
            if method is majority:  # votes only
                expected = {key: (1.0, 1) for key in expected}
            assert found == expected
    contrary = [say(there, "people", "A", who="ann"), say(back, "people", "A", who="bob")]
    assert mean([there, back], contrary, {}).ties == (("x", "x1", "x2"),)


def test_a_ranking_votes_on_each_of_its_pairs():
    ranked = asked("x1", "x2", "x3")
    result = mean([ranked], [say(ranked, "people", ("x3", "x1", "x2"), who="ann")], {})
    assert chosen(result) == {
        ("x3", "x1"): (1.0, 1),
        ("x3", "x2"): (1.0, 1),
        ("x1", "x2"): (1.0, 1),
    }
    assert [(r.response_id, r.value) for r in result.rewards] == [
        ("x1", 0.5),
        ("x2", 0.0),
        ("x3", 1.0),
    ]
    assert result.annotators == (AnnotatorReport("people", "ann", 1.0, 3, {}),)
    # Bob agrees on x3 over x2 only; cy ranked nothing, which is one failure on three pairs.
    judged = [
        say(ranked, "people", ("x3", "x1", "x2"), who="ann"),
        say(ranked, "people", ("x3", "x2", "x1"), who="bob"),
        say(ranked, "people", ("x2", "x3", "x1"), who="dee"),
        say(ranked, "people", Status.UNPARSEABLE, who="cy"),
    ]
    assert chosen(mean([ranked], judged, {})) == {
        ("x3", "x1"): (1.0, 3),
        ("x3", "x2"): (pytest.approx(2 / 3), 3),
        ("x2", "x1"): (pytest.approx(2 / 3), 3),
    }
    # As votes: x3 first for all but dee, x2 over x1 for all but ann.
    assert chosen(majority([ranked], judged, {})) == {
        ("x3", "x1"): (1.0, 3),
        ("x3", "x2"): (pytest.approx(2 / 3), 3),
        ("x2", "x1"): (pytest.approx(2 / 3), 3),
    }
    failed = mean([ranked], judged[3:], {})
    assert failed.unused == {"no verdict: unparseable": 3}
    assert failed.annotators == (AnnotatorReport("people", "cy", 1.0, 0, {"unparseable": 1}),)
    other = asked("y1", "y2", "y3")
    again = mean(
        [ranked, other], [judged[3], say(other, "people", Status.UNPARSEABLE, who="cy")], {}
    )
    assert again.annotators == (AnnotatorReport("people", "cy", 1.0, 0, {"unparseable": 2}),)


@pytest.mark.parametrize("value", [("x3", "x1"), ("x1", "x2", "x2"), ("x1", "x2", "y3"), "x1"])
def test_a_ranking_that_is_none_names_its_request(value):
    ranked = asked("x1", "x2", "x3")
    with pytest.raises(DataError, match="ranking of request good:x1-x2-x3 must name each"):
        mean([ranked], [say(ranked, "people", value)], {})


def test_rankings_and_pairs_meet_on_the_same_pair():
    ranked, pair = asked("x1", "x2", "x3"), asked("x2", "x1")
    judged = [say(ranked, "people", ("x1", "x2", "x3")), say(pair, "judge", "A")]
    result = mean([ranked, pair], judged, {})
    assert result.ties == (("x", "x1", "x2"),)
    assert chosen(result) == {("x1", "x3"): (1.0, 1), ("x2", "x3"): (1.0, 1)}


def test_scores_alone_make_pairs_of_the_responses_of_each_item_in_their_order():
    points = [asked(name, criterion=RIGHT) for name in ("y1", "x1", "x2", "y2", "x3", "z1")]
    judged = [say(points[1], "check", True), say(points[2], "check", False)]
    result = mean(points, judged, {})
    assert [(r.item_id, r.response_id) for r in result.rewards] == [
        ("y", "y1"), ("x", "x1"), ("x", "x2"), ("y", "y2"), ("x", "x3"), ("z", "z1"),
    ]  # fmt: skip
    assert chosen(result) == {("x1", "x2"): (1.0, 1)}
    # Of x1-x3 and x2-x3 check scored one response; of y1-y2 none; z has one response.
    assert result.unused == {"no verdict": 1, "no verdict: missing": 2}


def test_where_pairs_were_asked_scores_make_no_other_pairs():
    requests = [asked("x1", "x2"), *(asked(name, criterion=RIGHT) for name in ("x1", "x2", "x3"))]
    judged = [say(request, "check", n == 1) for n, request in enumerate(requests) if n]
    result = mean(requests, judged, {})
    assert chosen(result) == {("x1", "x2"): (1.0, 1)}
    assert result.unused == {}
    assert [(r.response_id, r.value) for r in result.rewards] == [
        ("x1", 1.0),
        ("x2", 0.0),
        ("x3", 0.0),
    ]


@pytest.mark.parametrize(
    ("criterion", "values", "rewards"),
    [
        (RIGHT, (True, False), (1.0, 0.0)),
        (GOOD, ("bad", "fair"), (0.0, 1 / 3)),
        (GOOD, ("good", "best"), (2 / 3, 1.0)),
        (NUMBER, (0, 5), (0.25, 0.875)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["mean", "majority"])
def test_values_become_rewards_on_the_unit_interval(method, criterion, values, rewards):
    points = [asked(name, criterion=criterion) for name in ("x1", "x2")]
    judged = [say(point, "j", value) for point, value in zip(points, values, strict=True)]
    result = aggregate_judgments(METHODS[method], points, judged, {})
    assert [reward.value for reward in result.rewards] == pytest.approx(rewards)


@pytest.mark.parametrize("weight", [-1.0, float("nan")])
def test_a_weight_that_is_none_names_its_source(weight):
    with pytest.raises(DataError, match=f"at least 0, got .'bad': {weight}"):
        mean([asked("x1", "x2")], [], {"good": 1.0, "none": 0.0, "bad": weight})


def test_an_unknown_request_is_named():
    known, stray = asked("x1", "x2"), asked("y1", "y2")
    with pytest.raises(DataError, match="unknown request 'good:y1-y2'"):
        mean([known], [say(stray, "j", "A")], {})
    assert mean([known], [say(stray, "j", "A")], {"j": 0.0}).unused == {"no verdict": 1}

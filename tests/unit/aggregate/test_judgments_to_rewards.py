"""From judgments to rewards and preferences: ties, failures, weights, repeats."""

from functools import partial

import pytest

from harness.aggregate import METHODS, aggregate_judgments
from harness.nouns.errors import DataError, ScaleError
from harness.nouns.outcomes import Status
from harness.nouns.rubric import Criterion
from harness.nouns.scale import BINARY, Scale
from harness.nouns.schema import Item, Judgment, JudgmentRequest, Response, Verdict

mean, majority, agreement_weighted, dawid_skene_judgments = (
    partial(aggregate_judgments, METHODS[name])
    for name in ("mean", "majority", "agreement_weighted", "dawid_skene")
)

GOOD = Criterion("good", "Which is better?", Scale("ordinal", ("bad", "fair", "good")), 1.0)
RIGHT = Criterion("right", "Is it right?", BINARY, 1.0)
UNIT = Criterion("unit", "How good?", Scale("interval", low=0.0, high=10.0), 1.0)


def response(name):
    return Response(name, name[0], "base", f"text of {name}")


def request(*names, criterion=GOOD):
    item = Item(names[0][0], "prompt")
    label = "-".join(names) + ":" + criterion.id
    return JudgmentRequest(label, item, tuple(response(n) for n in names), criterion)


def say(asked, source, value, *, order="", who="", p=None, repeat=0):
    if isinstance(value, Status):
        verdict = Verdict(value, rationale="because")
    else:
        verdict = Verdict(Status.OK, value, p)
    return Judgment(asked.id, source, "1", who or source, verdict, order, repeat)


PAIR = request("x1", "x2")


def one(method, judgments, weights=None, requests=(PAIR,)):
    return aggregate_judgments(METHODS[method], list(requests), judgments, weights or {})


@pytest.mark.parametrize("method", METHODS)
def test_all_failed_gives_no_preference_and_no_reward_but_is_counted(method):
    judged = [say(PAIR, "j", Status.ERROR, order=order) for order in ("AB", "BA")]
    result = one(method, judged)
    assert result.preferences == ()
    assert [reward.value for reward in result.rewards] == [None, None]
    assert result.unused == {"no verdict: error": 1}
    assert result.annotators[0].failures == {"error": 1}


WITHOUT_GOLD = [name for name in METHODS if name != "stacking"]


@pytest.mark.parametrize("method", WITHOUT_GOLD)
def test_a_clear_winner_wins(method):
    judged = [say(PAIR, "people", "B", who=who) for who in ("ann", "bob", "cy")]
    result = one(method, judged)
    (preference,) = result.preferences
    assert (preference.chosen_id, preference.rejected_id) == ("x2", "x1")
    assert preference.probability > 0.9
    assert preference.n_judgments == 3
    rewards = {reward.response_id: reward.value for reward in result.rewards}
    assert rewards["x2"] > 0.9 > 0.1 > rewards["x1"]


def test_a_tie_stays_a_tie_and_is_counted():
    judged = [say(PAIR, "people", "A", who="ann"), say(PAIR, "people", "B", who="bob")]
    for method in ("mean", "majority"):
        result = one(method, judged)
        assert result.preferences == ()
        assert result.ties == (("x", "x1", "x2"),)
        assert result.unused == {"tie": 1}


def test_majority_counts_an_annotator_once_and_by_the_weight_of_its_source():
    judged = [say(PAIR, "sampled", "A", repeat=k) for k in range(5)]
    judged += [say(PAIR, "people", "B", who=who) for who in ("ann", "bob")]
    assert one("majority", judged).preferences[0].chosen_id == "x2"
    heavy = one("majority", judged, {"sampled": 3.0})
    assert heavy.preferences[0].chosen_id == "x1"
    assert heavy.preferences[0].probability == pytest.approx(3 / 5)


def test_mean_counts_a_source_once_however_many_judgments_it_gave():
    judged = [say(PAIR, "sampled", "A", repeat=k) for k in range(5)]
    judged += [say(PAIR, "people", "B", who="ann")]
    assert one("mean", judged).unused == {"tie": 1}
    assert one("mean", judged, {"people": 2.0}).preferences[0].chosen_id == "x2"


def test_weight_zero_takes_no_part():
    judged = [say(PAIR, "bad", "A"), say(PAIR, "people", "B", who="ann")]
    for method in WITHOUT_GOLD:
        result = one(method, judged, {"bad": 0.0})
        assert result.preferences[0].chosen_id == "x2"
        assert [report.source for report in result.annotators] == ["people"]
    with pytest.raises(DataError, match="at least 0"):
        one("mean", judged, {"bad": -1.0})


def test_verifiers_and_judges_meet_on_the_same_pair():
    points = [request(name, criterion=RIGHT) for name in ("x1", "x2")]
    judged = [say(points[0], "verifier", False), say(points[1], "verifier", True)]
    judged += [say(PAIR, "judge", "A", order=order) for order in ("AB", "BA")]
    requests = [PAIR, *points]
    result = mean(requests, judged, {"verifier": 0.9, "judge": 0.1})
    (preference,) = result.preferences
    assert preference.chosen_id == "x2"
    assert preference.probability == pytest.approx(0.9)
    rewards = {reward.response_id: reward for reward in result.rewards}
    assert rewards["x2"].value == pytest.approx(0.9)
    assert rewards["x2"].components == {"verifier": 1.0, "judge": 0.0}


def test_scores_alone_give_preferences_between_all_responses():
    points = [request(name, criterion=UNIT) for name in ("x1", "x2", "x3")]
    scores = ((2.0, 4.0), (4.0, 8.0), (9.0, 9.0))
    judged = [
        say(point, "j", score, repeat=k)
        for point, both in zip(points, scores, strict=True)
        for k, score in enumerate(both)
    ]
    result = mean(points, judged, {})
    found = {(p.chosen_id, p.rejected_id): p.probability for p in result.preferences}
    assert found == {("x2", "x1"): 0.875, ("x3", "x1"): 1.0, ("x3", "x2"): 1.0}
    first = result.rewards[0]
    assert first.value == pytest.approx(0.3)
    assert first.stderr == pytest.approx(0.1)
    assert first.n_judgments == 2


def test_majority_of_numbers_is_the_median_and_tied_labels_meet_in_the_middle():
    number = request("x1", criterion=UNIT)
    judged = [say(number, "p", v, who=w) for v, w in ((0.0, "a"), (1.0, "b"), (10.0, "c"))]
    assert majority([number], judged, {}).rewards[0].value == pytest.approx(0.1)
    label = request("x1")
    judged = [say(label, "p", v, who=w) for v, w in (("bad", "a"), ("fair", "b"))]
    assert majority([label], judged, {}).rewards[0].value == pytest.approx(0.25)


def test_rankings_become_pairs():
    ranked = request("x1", "x2", "x3")
    result = mean([ranked], [say(ranked, "p", ("x3", "x1", "x2"), who="ann")], {})
    assert {(p.chosen_id, p.rejected_id) for p in result.preferences} == {
        ("x3", "x1"),
        ("x3", "x2"),
        ("x1", "x2"),
    }
    with pytest.raises(DataError, match="each response once"):
        mean([ranked], [say(ranked, "p", ("x3", "x1"), who="ann")], {})


def test_agreement_is_estimated_where_it_is_not_given():
    pairs = [request(f"{c}1", f"{c}2") for c in "abcdefghijkl"]
    judged = []
    for i, pair in enumerate(pairs):
        truth = "A" if i % 2 else "B"
        judged += [say(pair, name, truth) for name in ("good", "fine")]
        judged.append(say(pair, "noise", "A" if i % 4 < 2 else "B"))
    result = agreement_weighted(pairs, judged, {})
    assert len(result.preferences) == len(pairs)
    assert all(p.probability > 0.9 for p in result.preferences)
    given = agreement_weighted(pairs, judged, {"good": 0.1, "fine": 0.1, "noise": 1.0})
    assert {p.chosen_id[1] for p in given.preferences[:2]} == {"1"}


def test_dawid_skene_weighs_annotators_by_their_confusion():
    pairs = [request(f"i{k}-1", f"i{k}-2") for k in range(60)]
    pairs = [
        JudgmentRequest(f"p{k}", Item(f"i{k}", "q"), pairs[k].responses, GOOD) for k in range(60)
    ]
    judged = []
    for k, pair in enumerate(pairs):
        truth = "A" if k % 2 else "B"
        other = "B" if k % 2 else "A"
        judged += [say(pair, "people", truth, who=w) for w in ("ann", "bob")]
        judged.append(say(pair, "contrary", other))
        judged.append(say(pair, "always", "A"))
    result = dawid_skene_judgments(pairs, judged, {})
    assert len(result.preferences) == 60
    for k, preference in enumerate(result.preferences):
        assert preference.chosen_id.endswith("1" if k % 2 else "2")
        assert preference.probability > 0.99
    contrary = next(r for r in result.annotators if r.source == "contrary")
    assert contrary.classes == ("A", "TIE", "B")
    assert contrary.confusion[0][2] > 0.9


def test_dawid_skene_refuses_numbers():
    number = request("x1", criterion=UNIT)
    with pytest.raises(ScaleError, match="needs labels"):
        dawid_skene_judgments([number], [say(number, "j", 3.0)], {})


def test_dawid_skene_of_binary_scores_gives_expected_rewards():
    points = [request(f"{c}1", criterion=RIGHT) for c in "abcdefghij"]
    judged = [say(p, "v", bool(i % 2), who=w) for i, p in enumerate(points) for w in ("a", "b")]
    result = dawid_skene_judgments(points, judged, {})
    values = [reward.value for reward in result.rewards]
    assert all(v > 0.95 for v in values[1::2]) and all(v < 0.05 for v in values[::2])


def test_an_unknown_request_is_an_error():
    stray = say(request("y1", "y2"), "j", "A")
    with pytest.raises(DataError, match="unknown request"):
        one("mean", [stray])


def test_a_vote_and_scores_of_one_response_make_one_reward():
    scores = [request(name, criterion=UNIT) for name in ("x1", "x2")]
    requests = (PAIR, *scores)
    # The judge's vote is 1 and 0; the verifier's scores are .4 and .6: each source counts once.
    judged = [say(PAIR, "judge", "A"), say(scores[0], "v", 4), say(scores[1], "v", 6)]
    rewards = one("mean", judged, requests=requests).rewards
    assert [r.value for r in rewards] == pytest.approx([(1 + 0.4) / 2, (0 + 0.6) / 2])
    assert rewards[0].components == pytest.approx({"judge": 1.0, "v": 0.4})
    # One source says all three: the mean of its vote and its score, (1 + .2) / 2 and (0 + .8) / 2.
    judged = [say(PAIR, "s", "A"), say(scores[0], "s", 2), say(scores[1], "s", 8)]
    rewards = one("mean", judged, requests=requests).rewards
    assert [r.value for r in rewards] == pytest.approx([0.6, 0.4])
    assert [r.components["s"] for r in rewards] == pytest.approx([0.6, 0.4])
    # The error of the mean of 1 and .2 is .8/2.
    assert [r.stderr for r in rewards] == pytest.approx([0.4, 0.4])
    assert [r.n_judgments for r in rewards] == [2, 2]


def test_scores_vote_on_the_pairs_on_which_their_source_did_not():
    scores = [request(name, criterion=UNIT) for name in ("x1", "x2", "x3", "x4")]
    judged = [say(PAIR, "s", "A"), say(scores[2], "s", 9), say(scores[3], "s", 1)]
    judged += [say(scores[0], "s", 2), say(scores[1], "s", 5)]  # but it voted for x1 over x2
    found = one("majority", judged, requests=(PAIR, request("x3", "x4"), *scores))
    preferred = [(p.chosen_id, p.rejected_id, p.probability) for p in found.preferences]
    assert preferred == [("x1", "x2", 1.0), ("x3", "x4", 1.0)]
    assert [p.n_judgments for p in found.preferences] == [1, 1]
    assert (found.ties, found.unused) == ((), {})

"""From the journal to rating tables: orders are combined, failures keep their reasons."""

import pytest

from harness.agreement import agreement_report, judge_kappa
from harness.nouns.errors import DataError
from harness.nouns.outcomes import Status
from harness.nouns.rubric import Criterion
from harness.nouns.scale import BINARY, PREFERENCE
from harness.nouns.schema import Item, Judgment, JudgmentRequest, Response, SourceInfo, Verdict
from harness.ratings.judgments import tables_from_judgments

INFOS = {
    "people": SourceInfo("people", "1", "human", takes=("pairwise",), simulated=True),
    "judge": SourceInfo("judge", "1", "judge", takes=("pairwise",)),
    "verifier": SourceInfo("verifier", "1", "verifier"),
}
BETTER = Criterion("better", "Which is better?", PREFERENCE, 1.0)
RIGHT = Criterion("right", "Is it right?", BINARY, 1.0)


def pair(i, cluster=""):
    item = Item(f"i{i}", "q", metadata={"cluster": cluster} if cluster else {})
    both = tuple(Response(f"i{i}-{k}", item.id, "base", "t") for k in "ab")
    return JudgmentRequest(f"pair{i}", item, both, BETTER)


def point(i):
    item = Item(f"i{i}", "q")
    return JudgmentRequest(f"point{i}", item, (Response(f"r{i}", item.id, "b", "t"),), RIGHT)


def say(request, source, value, order="", who=""):
    failed = isinstance(value, Status)
    verdict = Verdict(value) if failed else Verdict(Status.OK, value)
    return Judgment(request.id, source, "1", who or source, verdict, order)


def test_both_orders_become_one_label_and_stay_known():
    requests = [pair(i, "c" if i < 2 else "") for i in range(4)]
    judged = []
    for request in requests:
        judged += [say(request, "people", "A", who=who) for who in ("ann", "bob")]
    for request, (ab, ba) in zip(
        requests, [("A", "A"), ("A", "B"), ("B", "B"), ("A", Status.TIMEOUT)], strict=True
    ):
        judged += [say(request, "judge", ab, "AB"), say(request, "judge", ba, "BA")]
    (found,) = tables_from_judgments(requests, judged, INFOS)
    table = found.table
    assert found.pairwise and found.criterion == "better"
    assert table.annotators == ("people/ann", "people/bob", "judge")
    assert table.simulated == {"people/ann", "people/bob"}
    labels = [table.categories[c] if c >= 0 else None for c in table.codes[:, 2]]
    assert labels == ["A", "TIE", "B", None]
    assert table.reasons[table.failures[3, 2] - 1] == "failed in one order"
    assert table.clusters[0] == table.clusters[1] != table.clusters[2]
    (orders,) = found.evidence.orders
    assert orders.annotator == "judge" and int(orders.both.sum()) == 3
    report = agreement_report(table, found.evidence)
    flips = report.find("swap_flip_rate", "judge")
    assert flips.value == pytest.approx(1 / 3)


def test_pointwise_labels_have_a_table_of_their_own():
    requests = [pair(0), *(point(i) for i in range(40))]
    judged = [say(pair(0), "people", "TIE", who="ann")]
    for i, request in enumerate(requests[1:]):
        judged += [say(request, "people", i % 2 == 0, who=who) for who in ("ann", "bob", "cy")]
        judged.append(say(request, "verifier", Status.ERROR if i == 5 else i % 3 != 0))
    pairs, points = tables_from_judgments(requests, judged, INFOS)
    assert pairs.pairwise and not points.pairwise
    assert points.table.categories == ("false", "true")
    kappa = judge_kappa(points.table, "verifier", "people")
    assert (kappa.n, kappa.annotators, kappa.name) == (39, "verifier", "cohen_kappa")


def test_repeats_and_stated_probabilities_are_evidence():
    requests = [pair(i) for i in range(40)]
    judged = [say(request, "people", "A", who="ann") for request in requests]
    for i, request in enumerate(requests):
        for repeat in (0, 1):
            value = "A" if (i + repeat * (i % 5 == 0)) % 2 == 0 else "B"
            verdict = Verdict(Status.OK, value, 0.8 if value == "A" else 0.3)
            judged.append(Judgment(request.id, "judge", "1", "judge", verdict, "", repeat))
    (found,) = tables_from_judgments(requests, judged, INFOS)
    assert set(found.evidence.stated) == {"judge"}
    assert found.evidence.stated["judge"][:2].tolist() == [0.8, 0.7]
    report = agreement_report(found.table, evidence=found.evidence)
    names = {row.name for row in report.statistics}
    assert {"test_retest_kappa", "ece"} <= names
    assert report.find("test_retest_kappa", "judge").n == 40


def test_a_tie_is_no_verdict_that_a_stated_probability_can_prove_right():
    said = [("A", 0.8), ("TIE", 0.55), ("B", 0.3), ("TIE", 0.5)]
    requests = [pair(i) for i in range(len(said))]
    judged = [
        Judgment(r.id, "judge", "1", "judge", Verdict(Status.OK, value, chance), "AB")
        for r, (value, chance) in zip(requests, said, strict=True)
    ]
    (found,) = tables_from_judgments(requests, judged, INFOS)
    labels = [found.table.categories[c] for c in found.table.codes[:, 0]]
    assert labels == ["A", "TIE", "B", "TIE"]
    assert found.evidence.stated["judge"] == pytest.approx(
        [0.8, float("nan"), 0.7, float("nan")], nan_ok=True
    )


@pytest.mark.parametrize("pairwise", [True, False])
def test_every_member_of_a_jury_has_its_labels_and_its_retest(pairwise):
    # A jury of two numbers its samples over both: the first of "b" is 1, its second 3.
    requests = [pair(i) if pairwise else point(i) for i in range(2)]
    yes, no = ("A", "B") if pairwise else (True, False)
    said = {("a", 0): (yes, yes), ("b", 1): (no, yes), ("a", 2): (no, yes), ("b", 3): (no, no)}
    judged = [
        Judgment(r.id, "jury", "1", who, Verdict(Status.OK, value), order, repeat)
        for (who, repeat), values in said.items()
        for r, value in zip(requests, values, strict=True)
        for order in (("AB", "BA") if pairwise else ("",))
    ]
    infos = {"jury": SourceInfo("jury", "1", "judge", BINARY, takes=("pairwise", "pointwise"))}
    (found,) = tables_from_judgments(requests, judged, infos)
    table = found.table
    assert table.annotators == ("jury/a", "jury/b")
    a, b = (
        table.categories.index("A" if pairwise else "true"),
        table.categories.index("B" if pairwise else "false"),
    )
    assert table.codes.T.tolist() == [[a, a], [b, a]]
    assert {k: v.tolist() for k, v in found.evidence.retests.items()} == {
        "jury/a": [b, a], "jury/b": [b, b],
    }  # fmt: skip
    seen = {
        o.annotator: (o.first_order.tolist(), o.second_order.tolist())
        for o in found.evidence.orders
    }
    assert seen == ({"jury/a": ([a, a],) * 2, "jury/b": ([b, a],) * 2} if pairwise else {})


def test_strays_are_errors():
    with pytest.raises(DataError, match="unknown request"):
        tables_from_judgments([], [say(pair(0), "judge", "A")], INFOS)
    with pytest.raises(DataError, match="unknown source"):
        tables_from_judgments([pair(0)], [say(pair(0), "other", "A")], INFOS)

"""human_csv as an experiment uses it: built through the registry, asked through annotate."""

import asyncio
from pathlib import Path

import pytest

from harness.agreement import cohen_kappa, pairs_of
from harness.feedback.annotate import annotate
from harness.feedback.contract import RunContext
from harness.feedback.requests import build_requests
from harness.nouns.errors import DataError, PluginError
from harness.nouns.outcomes import Status
from harness.nouns.rubric import Criterion
from harness.nouns.scale import Scale
from harness.nouns.schema import Item, Response
from harness.ratings.table import from_labels
from harness.registry import registry
from harness.statistics.resample import Bootstrap

ITEMS = [Item("q1", "one?"), Item("q2", "two?"), Item("q3", "three?")]
RESPONSES = [
    Response(f"{item.id}-{system}", item.id, system, f"{system} on {item.id}")
    for item in ITEMS
    for system in ("m1", "m2")
]


def build(tmp_path: Path, text: str, **options):
    path = tmp_path / "labels.csv"
    path.write_text(text, encoding="utf-8")
    factory = registry().source("human_csv")
    return factory.build({"file": str(path), **options}, "people")


def ask(source, way, criterion=None):
    kwargs = {} if criterion is None else {"criterion": criterion}
    requests = build_requests(ITEMS, RESPONSES, way, **kwargs)
    ctx = RunContext(chat=None, workers=None, sandbox=None)
    return requests, asyncio.run(annotate(source, requests, ctx))


PAIRS = {
    "item": "q",
    "response_a": "a",
    "response_b": "b",
    "annotator": "who",
    "label": "pick",
    "comment": "why",
    "shown": "shown",
}


def test_pairs_are_found_by_system_or_id_and_either_way_round(tmp_path):
    source = build(
        tmp_path,
        "q,a,b,who,pick,why,shown\n"
        "q1,m1,m2,ann,A,clearer,AB\n"
        "q1,m2,m1,bob,A,,AB\n"  # the other way round: m2 wins
        "q2,q2-m1,q2-m2,ann,skip,,\n",
        **PAIRS,
    )
    requests, judgments = ask(source, "pairwise")
    found = [
        (j.request_id, j.annotator, j.verdict.status, j.verdict.value, j.order) for j in judgments
    ]
    one, two, three = (request.id for request in requests)
    assert found == [
        (one, "ann", Status.OK, "A", "AB"),
        (one, "bob", Status.OK, "B", "BA"),
        (two, "ann", Status.ABSTAINED, None, ""),
        (three, "people", Status.MISSING, None, ""),
    ]
    assert judgments[0].verdict.rationale == "clearer"
    assert source.info.kind == "human" and source.info.takes == ("pairwise",)


def test_the_version_moves_with_the_labels(tmp_path):
    options = {k: v for k, v in PAIRS.items() if k not in ("comment", "shown")}
    one = build(tmp_path, "q,a,b,who,pick\nq1,m1,m2,ann,A\n", **options).info.version
    same = build(tmp_path, "q,a,b,who,pick\n\nq1,m1,m2,ann,a\n", **options).info.version
    other = build(tmp_path, "q,a,b,who,pick\nq1,m1,m2,ann,B\n", **options).info.version
    assert one.startswith("1+") and one == same and one != other


SCORES = {"item": "q", "response": "r", "annotator": "who", "label": "stars"}


def test_scores_take_the_form_of_their_scale(tmp_path):
    text = "q,r,who,stars\nq1,m1,ann,4\nq1,m1,bob,9\n"
    criterion = Criterion("overall", "How good?", Scale("interval", low=1, high=5))
    _, judgments = ask(build(tmp_path, text, **SCORES), "pointwise", criterion)
    assert judgments[0].verdict.value == 4.0
    assert judgments[1].verdict.status is Status.ERROR
    assert "label '9' is not on the scale interval 1..5" in judgments[1].verdict.rationale
    with pytest.raises(DataError, match="row 3: label '9' is not on the scale"):
        build(tmp_path, text, scale={"level": "interval", "low": 1, "high": 5}, **SCORES)


def test_binary_scores(tmp_path):
    source = build(tmp_path, "q,r,who,stars\nq1,m1,ann,yes\nq1,m2,ann,0\n", **SCORES)
    _, judgments = ask(source, "pointwise")
    assert [j.verdict.value for j in judgments[:2]] == [True, False]


def test_a_word_of_failure_keeps_its_status_and_its_word(tmp_path):
    text = "q,r,who,stars\nq1,m1,gpt,Timeout\nq1,m1,bob,garbage\nq1,m2,gpt,skip\nq2,m1,gpt,4\n"
    criterion = Criterion("overall", "How good?", Scale("interval", low=1, high=5))
    _, judgments = ask(build(tmp_path, text, **SCORES), "pointwise", criterion)
    found = [(j.annotator, j.verdict.status, j.verdict.rationale) for j in judgments[:4]]
    assert found == [
        ("gpt", Status.TIMEOUT, "timeout (row 2)"),
        ("bob", Status.UNPARSEABLE, "garbage (row 3)"),
        ("gpt", Status.ABSTAINED, "skipped (row 4)"),
        ("gpt", Status.OK, ""),
    ]


def test_labels_of_items_themselves_answer_no_request(tmp_path):
    with pytest.raises(DataError, match="is no label of a response") as caught:
        build(tmp_path, "q,ann\nq1,4\n", item="q", labels=["ann"], task="labels")
    assert "response_a and response_b, or systems" in caught.value.hint


def test_an_unknown_option_is_one_clear_error(tmp_path):
    with pytest.raises(PluginError) as caught:
        build(tmp_path, "q\n", lable="pick")
    assert "lable" in str(caught.value) and "label" in caught.value.hint


def test_two_samples_of_one_system_are_told_apart_by_id_only(tmp_path):
    responses = [Response("r1", "q1", "m", "x"), Response("r2", "q1", "m", "y")]
    options = {k: v for k, v in PAIRS.items() if k not in ("comment", "shown")}
    source = build(tmp_path, "q,a,b,who,pick\nq1,r2,r1,ann,A\n", **options)
    requests = build_requests(ITEMS[:1], responses, "pairwise")
    ctx = RunContext(chat=None, workers=None, sandbox=None)
    assert asyncio.run(annotate(source, requests, ctx))[0].verdict.value == "B"


def test_pandalm_is_imported_as_its_authors_publish_it(shared_data):
    """999 pairs, three people each; kappas of Wang et al. 2024 (PandaLM), table of agreement."""
    options = {
        "file": str(shared_data / "pandalm" / "testset-v1.json"),
        "item": "idx",
        "systems": ["response1", "response2"],
        "labels": ["annotator1", "annotator2", "annotator3"],
        "values": {1: "A", 2: "B", 0: "TIE"},
    }
    source = registry().source("human_csv").build(options)
    people: dict[str, list[str]] = {}
    for label in source.labels:
        people.setdefault(label.annotator, []).append(str(label.value))
    table = from_labels(people, humans=list(people), categories=["A", "B", "TIE"])
    kappas = []
    for a, b in ((0, 1), (0, 2), (1, 2)):
        both = pairs_of(table.codes[:, a], table.codes[:, b], table.clusters, 3)
        kappas.append(cohen_kappa(both, "people", bootstrap=Bootstrap(100)).value)
    assert len(source.labels) == 2997
    assert sorted(kappas) == pytest.approx([0.8520, 0.8617, 0.8789], abs=5e-5)

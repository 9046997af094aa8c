"""``harness label`` as a command: what it refuses before it starts, exports, judges' doubts."""

import asyncio
import json
import socket
import subprocess
import sys
from contextlib import closing

import pytest

from harness.feedback.annotate import annotate
from harness.feedback.contract import RunContext
from harness.label_page.queue import judge_uncertainty
from harness.label_page.store import Entry, LabelStore
from harness.label_page.tasks import Questions, judgments_on, read_tasks
from harness.nouns.errors import DataError
from harness.nouns.scale import Scale
from harness.registry import registry

pytest.importorskip("starlette")


@pytest.fixture
def folder(tmp_path):
    items = [{"id": "q1", "prompt": "?"}, {"id": "q2", "prompt": "?"}]
    responses = [
        {"id": f"{q}{s}", "item_id": q, "system": s, "text": f"{q}{s}"}
        for q in ("q1", "q2")
        for s in "xy"
    ]
    for name, rows in (("items", items), ("responses", responses)):
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (tmp_path / f"{name}.jsonl").write_text(text, encoding="utf-8")
    return tmp_path


def harness(folder, *args):
    return subprocess.run(
        [sys.executable, "-m", "harness", "label", *args],
        cwd=folder,
        capture_output=True,
        text=True,
    )


def asked(folder, questions=None):
    return read_tasks(folder / "items.jsonl", folder / "responses.jsonl", questions or Questions())


DATA = ("--items", "items.jsonl", "--responses", "responses.jsonl")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ((), "--items and --responses say what to label"),
        ((*DATA, "--way", "listwise"), "--way is 'listwise'"),
        ((*DATA, "--host", "0.0.0.0"), "--people is needed"),
        ((*DATA, "--tokens"), "--people is needed"),
        ((*DATA, "--origin", "https://labels.example.org"), "--people is needed"),
        ((*DATA, "--people", "(owner)"), "(owner) is no name of a person"),
        (
            (*DATA, "--people", "ann", "--origin", "labels.example.org"),
            "--origin is 'labels.example.org'",
        ),
        ((*DATA, "--rubric", "no-such-rubric"), "no-such-rubric"),
        ((*DATA, "--host", "203.0.113.1", "--people", "ann"), "cannot listen on 203.0.113.1"),
        (("--export", "x.csv"), "labels.sqlite: no such file"),
    ],
)
def test_what_cannot_work_is_one_clear_error(folder, args, message):
    done = harness(folder, *args)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr and "Traceback" not in done.stderr
    assert not (folder / "x.csv").exists()


def test_a_taken_port(folder):
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = harness(folder, *DATA, "--port", str(taken.getsockname()[1]))
    assert done.returncode == 2 and "cannot listen" in done.stderr and "--port" in done.stderr


@pytest.fixture
def labelled(folder):
    requests = asked(folder)
    store = LabelStore(folder / "labels.sqlite", "pairwise")
    store.add_tasks(requests)
    for person, value in (("ann", "A"), ("bob", "TIE")):
        store.show(person, requests[0].id, "AB")
        entry = Entry(person, requests[0].id, value, correction="better" if person == "bob" else "")
        store.record(entry, f"{person}-1")
    yield folder
    store.close()


def test_export_while_the_page_is_open(labelled):
    done = harness(labelled, "--export", "labels.csv", "--export-corrections", "better.jsonl")
    assert done.returncode == 0, done.stderr
    assert "2 labels in labels.csv" in done.stdout
    lines = (labelled / "labels.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("item,response_a,response_b,annotator,label,criterion")
    assert lines[1].startswith("q1,q1x,q1y,ann,A,overall")
    [better] = [json.loads(line) for line in (labelled / "better.jsonl").read_text().splitlines()]
    assert (better["item_id"], better["system"], better["text"]) == ("q1", "person:bob", "better")


def test_two_pages_on_one_store_are_refused(labelled):
    done = harness(labelled, *DATA, "--port", "0")
    assert done.returncode == 2
    assert "another label page uses this store" in done.stderr


def test_the_store_is_a_feedback_source(labelled):
    source = registry().source("label_page").build({"store": str(labelled / "labels.sqlite")})
    assert source.info.takes == ("pairwise",)
    assert [(x.annotator, x.value) for x in source.labels] == [("ann", "A"), ("bob", "TIE")]


def test_ratings_of_the_store_keep_their_scale(folder):
    requests = asked(folder, Questions("pointwise", scale="low,high"))
    store = LabelStore(folder / "scores.sqlite", "pointwise")
    store.add_tasks(requests)
    for request, value in zip(requests, ("low", "high", None), strict=False):
        store.show("ann", request.id, "")
        store.record(Entry("ann", request.id, value), request.id)
    source = registry().source("label_page").build({"store": str(store.path)})
    assert source.info.scale == Scale("ordinal", ("low", "high"))
    ctx = RunContext(chat=None, workers=None, sandbox=None)
    judgments = asyncio.run(annotate(source, requests, ctx))
    assert [j.verdict.value for j in judgments] == ["low", "high", None, None]
    assert [j.verdict.status for j in judgments[1:]] == ["ok", "abstained", "missing"]
    store.close()


def test_judges_doubts_belong_to_the_task_with_the_same_responses(folder):
    requests = asked(folder, Questions(question="Why?"))
    rows = [
        {
            "request_id": f"of-another-criterion-{i}",
            "source": "judge",
            "source_version": "1",
            "annotator": "judge",
            "verdict": {"status": "ok", "value": value, "probability": chance, "rationale": ""},
            "source_info": {
                "kind": "judge",
                "simulated": False,
                "identity": "",
                "models": [],
                "scale": None,
            },
            "item_id": "q1",
            "response_ids": ids,
        }
        for i, (value, chance, ids) in enumerate(
            [("A", 0.9, ["q1x", "q1y"]), ("B", 0.1, ["q1y", "q1x"])]  # the same, turned round
        )
    ]
    path = folder / "judgments.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    judgments = judgments_on(requests, [path])
    assert [(j.request_id, j.verdict.value) for j in judgments] == [(requests[0].id, "A")] * 2
    assert judge_uncertainty(judgments)[requests[0].id] == pytest.approx(0.469, abs=1e-3)
    path.write_text(json.dumps({**rows[0], "item_id": "q9"}) + "\n", encoding="utf-8")
    with pytest.raises(DataError, match="none of its judgments is about a task"):
        judgments_on(requests, [path])
    path.write_text('{"item_id": "q1"}\n', encoding="utf-8")
    with pytest.raises(DataError, match="not a judgment of harness judge"):
        judgments_on(requests, [path])

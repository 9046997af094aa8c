"""``harness aggregate`` and ``harness agree`` on judgments files: the plain-file way of a run."""

import json

import pytest
from in_process import harness

from harness.aggregate import METHODS
from harness.experiment.config import ArmConfig, SourceConfig
from harness.experiment.sources import NamedSource
from harness.experiment.stages.aggregate import arm_of
from harness.experiment.stages.agree import Agreement
from harness.experiment.stages.judge import Judged
from harness.feedback.judge import JudgeSource
from harness.feedback.requests import build_requests, criterion_for
from harness.hookspecs import AggregatorFactory
from harness.nouns.outcomes import Status
from harness.nouns.scale import BINARY
from harness.nouns.schema import Item, Judgment, Response, SourceInfo, Verdict
from harness.records.judgments import write_judgments
from harness.records.writes import write_jsonl
from harness.registry import Origin, registry

ITEMS = [Item(f"i{n}", f"q{n}") for n in range(20)]
RESPONSES = [Response(f"i{n}{k}", f"i{n}", "base", f"{n} {k}") for n in range(20) for k in "ab"]
PAIRS = build_requests(ITEMS, RESPONSES, "pairwise")
SAID = {"ann": "ABABABABABABABABABAB", "bob": "ABABABABBAABABABABAB", "cy": "ABABAAABABABABBBABAB"}


def source(name, scale=None):
    takes = ("pairwise",) if scale is None else ("pointwise",)
    kind = "human" if name == "people" else "judge"
    built = JudgeSource(SourceInfo(name, "1", kind, scale, takes=takes), call=None)
    return NamedSource(name, SourceConfig(use=name), built, Origin(name, "m", "d", "1"))


def say(request, name, value, who="", order=""):
    verdict = Verdict(value) if isinstance(value, Status) else Verdict(Status.OK, value)
    return Judgment(request.id, name, "1", who or name, verdict, order)


@pytest.fixture(scope="module")
def judged():
    """People and a judge on pairs, and a verifier of single responses that failed once."""
    people = [say(p, "people", SAID[who][n], who) for who in SAID for n, p in enumerate(PAIRS)]
    judge = [
        say(p, "judge", Status.TIMEOUT if n == 3 else "AB"[(n + (n % 7 == 0)) % 2], order=order)
        for n, p in enumerate(PAIRS)
        for order in ("AB", "BA")
    ]
    verifier = source("verifier", BINARY)
    points = build_requests(ITEMS, RESPONSES, "pointwise", criterion_for(verifier.info))
    checked = [
        say(r, "verifier", Status.ERROR if n == 5 else n % 4 in (0, 3))
        for n, r in enumerate(points)
    ]
    return {
        "people": Judged(source("people"), PAIRS, people),
        "judge": Judged(source("judge"), PAIRS, judge),
        "verifier": Judged(verifier, points, checked),
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory, judged):
    path = tmp_path_factory.mktemp("judged")
    write_jsonl(path / "items.jsonl", ITEMS)
    write_jsonl(path / "responses.jsonl", RESPONSES)
    for name, one in judged.items():
        one.write(path / f"{name}.jsonl")
    return path


def rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def half(table, weights):
    """Stand in for a plugin's method."""
    return METHODS["soft"](table, weights)


@pytest.mark.parametrize("method", [*METHODS, "theirs"])
def test_every_method_gives_from_files_the_tables_of_an_experiment(
    folder, judged, method, monkeypatch
):
    monkeypatch.setitem(registry().aggregators, "theirs", AggregatorFactory("theirs", half))
    used = ("judge", "verifier") if method == "stacking" else ("people", "judge", "verifier")
    weights = {name: 0.5 if name == "judge" else 1.0 for name in used}
    arm = ArmConfig(sources=used, aggregation=method, trainer="dpo", weights=weights)
    agreement = Agreement((), {name: 1.0 for name in used}, (), "people")
    expected = arm_of("arm", arm, judged, agreement, PAIRS)
    gold = ["--gold-source", "people"] if method == "stacking" else []
    options = [option for name, w in weights.items() for option in ("--weight", f"{name}={w}")]
    files = [f"{name}.jsonl" for name in (*used, *(["people"] if gold else []))]
    also = [option for name in files[1:] for option in ("--also", name)]
    done = harness(
        "aggregate", files[0], *also, "--method", method, *options, *gold,
        "--preferences", "p.jsonl", cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(expected.preferences) >= 15
    write_jsonl(folder / "expected.jsonl", expected.preferences)
    assert (folder / "p.jsonl").read_bytes() == (folder / "expected.jsonl").read_bytes()
    done = harness(
        "aggregate", "verifier.jsonl", "--method", "majority", "--rewards", "r.jsonl", cwd=folder
    )
    assert done.returncode == 0, done.stderr
    majority = arm.model_copy(update={"aggregation": "majority"})
    rewards = arm_of("arm", majority, judged, None, PAIRS).rewards
    assert [row["value"] for row in rows(folder / "r.jsonl")] == [r.value for r in rewards]


def test_stacking_follows_its_gold_and_not_the_number_of_judges(folder):
    # The contrary judges outvote nobody: the people are the truth that is learnt.
    contrary = [
        say(p, "wrong", "BA"[n % 2], f"w{k}") for n, p in enumerate(PAIRS) for k in range(3)
    ]
    write_judgments(folder / "wrong.jsonl", PAIRS, contrary, {"wrong": source("wrong").source.info})
    done = harness(
        "aggregate", "wrong.jsonl", "--also", "people.jsonl", "--method", "stacking",
        "--gold-source", "people", "--preferences", "p.jsonl", cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    # The gold has no vote of its own.
    assert {row["n_judgments"] for row in rows(folder / "p.jsonl")} == {3}
    chosen = [row["chosen_id"] for row in rows(folder / "p.jsonl")]
    assert chosen == [f"i{n}{'ab'[n % 2]}" for n in range(20)]


def test_with_texts_the_rows_have_the_columns_that_trainers_read(folder):
    done = harness(
        "aggregate", "people.jsonl", "--also", "verifier.jsonl", "--method", "majority",
        "--items", "items.jsonl", "--responses", "responses.jsonl",
        "--preferences", "p.jsonl", "--rewards", "r.jsonl", cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    first, reward = rows(folder / "p.jsonl")[0], rows(folder / "r.jsonl")[0]
    assert (first["prompt"], first["chosen"], first["rejected"]) == ("q0", "0 a", "0 b")
    assert (first["chosen_id"], first["probability"]) == ("i0a", 1.0)
    assert (reward["prompt"], reward["completion"], reward["value"]) == ("q0", "0 a", 1.0)
    assert "20 preferences" in done.stdout and "people" in done.stdout


def test_agreement_reads_the_same_files(folder):
    done = harness(
        "agree", "judge.jsonl", "--also", "people.jsonl", "--also", "verifier.jsonl",
        "--people", "people", "--json", "agreement.json", "--replicates", "100", cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = json.loads((folder / "agreement.json").read_text())
    found = {(row["name"], row["annotators"]): row for row in report["rows"]}
    assert found["cohen_kappa", "judge - majority of people"]["n"] == 19
    assert ("swap_flip_rate", "judge") in found
    coverage = {row["annotator"]: row for row in report["audit"]["coverage"]}
    assert coverage["judge"]["failures"] == {"timeout": 1}
    assert (coverage["verifier"]["labels"], coverage["verifier"]["failures"]) == (19, {"error": 1})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["people.jsonl", "--method", "weighted"], "did you mean agreement_weighted?"),
        (["people.jsonl", "--method", "stacking"], "stacking learns from gold labels"),
        (["people.jsonl", "--weight", "people=much"], "--weight"),
        (["people.jsonl", "--items", "items.jsonl"], "--items and --responses go together"),
        (["people.jsonl", "--out", "labels.csv"], "--out is for tables"),
        (["people.jsonl", "--also", "items.jsonl"], "must all be judgments"),
    ],
)
def test_wrong_input_gives_one_clear_error(folder, arguments, message):
    done = harness("aggregate", *arguments, cwd=folder)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr

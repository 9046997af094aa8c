"""``harness pass-at-k`` on verdicts of each sample."""

import csv
import itertools
import json

import numpy as np
import pytest
from in_process import harness

from harness.evaluate.pass_at_k import Sample, pass_at_k_of
from harness.experiment.stages.pass_at_k import Columns, read_samples
from harness.nouns.errors import DataError, InputError


def by_drawing(passed, k):
    """The share of all draws of k samples in which one passes."""
    return np.mean([any(draw) for draw in itertools.combinations(passed, k)])


ITEMS = {
    "a": [True, False, False, False, False], "b": [False] * 5, "c": [True] * 5,
    "d": [True, True, False], "e": [None, None, True], "f": [None],
}  # fmt: skip


def test_pass_at_k_is_the_share_of_draws_in_which_one_passes():
    samples = [
        Sample("", item, value, item, "" if value is not None else "timeout")
        for item, values in ITEMS.items()
        for value in values
    ]
    found = pass_at_k_of(samples, [1, 3, 5, 6])
    for (_, k, row), n in zip(found.rows, (5, 4, 3, 0), strict=True):
        known = [[v for v in values if v is not None] for values in ITEMS.values()]
        wanted = [by_drawing(v, k) for v in known if len(v) >= k]
        assert row.n == len(wanted) == n
        assert found.short["", k] == 6 - n
        assert row.value == (pytest.approx(np.mean(wanted)) if wanted else None)
    assert found.samples == {"": 19} and found.items == {"": 5}
    assert found.failures == {"": {"timeout": 3}}


@pytest.mark.parametrize("ks", [[], [0], [1, -2]])
def test_k_is_at_least_one(ks):
    with pytest.raises(InputError, match="at least 1"):
        pass_at_k_of([], ks)


def table(folder, *rows, head=("task", "model", "ok")):
    with (folder / "s.csv").open("w", newline="") as file:
        csv.writer(file).writerows([head, *rows])
    return ["pass-at-k", "s.csv", "--item-column", "task", "--label-column", "ok"]


@pytest.mark.parametrize(
    "words",
    [("true", "false"), ("1", "0"), ("Passed", "FAILED"), ("yes", "no"), ("correct", "wrong")],
)
def test_a_table_of_samples(tmp_path, words):
    yes, no = words
    rows = [(t, m, yes if (t + s + (m == "x")) % 3 == 0 else no)
            for t in range(6) for m in "xy" for s in range(4)]  # fmt: skip
    rows += [(0, "x", ""), (1, "x", "refused"), (2, "y", "garbage")]
    asked = table(tmp_path, *rows)
    done = harness(*asked, "--system-column", "model", "--k", "1,4,9", "--json", "o.json",
                   cwd=tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "o.json").read_text())
    assert found["samples"] == {"x": 24, "y": 24}
    assert found["failures"] == {"x": {"missing": 1, "refused": 1}, "y": {"unparseable": 1}}
    for row in found["rows"]:
        of = [[r[2] == yes for r in rows if r[:2] == (t, row["system"]) and r[2] in words]
              for t in range(6)]  # fmt: skip
        if row["k"] == 9:
            assert row["value"] is None and row["short"] == 6
        else:
            assert row["value"] == pytest.approx(np.mean([by_drawing(v, row["k"]) for v in of]))
            assert row["n"] == 6 and row["low"] <= row["value"] <= row["high"]
    said = " ".join(done.stdout.split())
    assert "x: 24 samples of 6 items have a verdict; 2 have none: 1 missing, 1 refused" in said
    assert "no item has 9 samples with a verdict" in said
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_outcomes_by_other_words(tmp_path):
    asked = table(tmp_path, *((t, "x", "PAEST"[(t + s) % 5]) for t in range(5) for s in range(5)))
    done = harness(*asked, cwd=tmp_path)
    assert done.returncode == 2
    assert "'P' is neither pass nor fail" in done.stderr and "--pass-values" in done.stderr
    done = harness(*asked, "--pass-values", "P", "--k", "2", "--json", "o.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (row,) = json.loads((tmp_path / "o.json").read_text())["rows"]
    assert row["value"] == pytest.approx(by_drawing([True] + [False] * 4, 2))


OUTCOMES = [
    *("timed out", "timeout", "Timeout", "time limit exceeded", "TLE", "MLE", "OLE", "error"),
    *("runtime error", "RE", "WA", "CE", "SE", "SyntaxError", "failed: AssertionError", "skip"),
    *("refused", "garbage", "killed", "segfault", "none", "-1", "false", "0", "not passed"),
]
"""What judges of programs write where a program did not pass."""


@pytest.mark.parametrize("word", OUTCOMES)
def test_with_pass_values_every_other_label_is_no_pass(tmp_path, word):
    table(tmp_path, (1, "x", "passed"), (1, "x", word), (1, "x", "n/a"), (1, "x", ""))
    columns = Columns("task", "ok", passed=("passed", "AC"))
    found = [(s.passed, s.failure) for s in read_samples([tmp_path / "s.csv"], columns)]
    assert found == [(True, ""), (False, ""), (None, "missing"), (None, "missing")]


@pytest.mark.parametrize("word", OUTCOMES)
def test_without_them_no_outcome_of_a_program_is_left_out(tmp_path, word):
    table(tmp_path, (1, "x", "passed"), (1, "x", word))
    columns = Columns("task", "ok")
    if word in ("false", "0"):
        assert read_samples([tmp_path / "s.csv"], columns)[1].passed is False
    elif word in ("skip", "refused", "garbage"):  # said of who judged
        assert read_samples([tmp_path / "s.csv"], columns)[1].failure
    else:
        with pytest.raises(DataError, match="samples are not understood") as caught:
            read_samples([tmp_path / "s.csv"], columns)
        assert "--pass-values" in caught.value.hint


@pytest.mark.parametrize(
    ("value", "word", "passes"),
    [("passed", "Passed", True), ("passed", " PASSED ", True), ("Passed", "passed", True),
     ("1", "1.0", True), ("true", "True", True), ("P", "P", True), ("P", "p", None),
     ("ac", "AC", True), ("ok", "okay", False)],
)  # fmt: skip
def test_a_pass_value_is_found_in_any_spelling(tmp_path, value, word, passes):
    table(tmp_path, (1, "x", word), (1, "x", "WA"))
    columns = Columns("task", "ok", passed=(value,))
    if passes is not None:
        assert read_samples([tmp_path / "s.csv"], columns)[0].passed is passes
        return
    with pytest.raises(DataError) as caught:
        read_samples([tmp_path / "s.csv"], columns)
    assert "'p' is a pass value in another case, or another label" in str(caught.value)


def test_a_row_that_sums_up_is_no_sample(tmp_path):
    table(tmp_path, (1, "x", "passed"), (1, "x", "WA"), (2, "x", "passed"), ("Total", "", "2"))
    with pytest.raises(DataError, match="row 5 sums up the rows above"):
        read_samples([tmp_path / "s.csv"], Columns("task", "ok", passed=("passed",)))


def test_the_published_outcomes_of_a_model(tmp_path, shared_data):
    lines = (shared_data / "codet" / "samples.jsonl").read_text().splitlines()
    samples = [json.loads(line) for line in lines]
    asked = table(tmp_path, *((s["task_id"], "m", s["outcome"]) for s in samples))
    done = harness(*asked, "--pass-values", "P", "--k", "1,10", "--json", "o.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    tasks = {s["task_id"]: [o["outcome"] == "P" for o in samples if o["task_id"] == s["task_id"]]
             for s in samples}  # fmt: skip
    one, ten = json.loads((tmp_path / "o.json").read_text())["rows"]
    assert one["value"] == pytest.approx(np.mean([np.mean(t) for t in tasks.values()]))
    rng = np.random.default_rng(0)
    drawn = [np.mean([any(rng.permutation(t)[:10]) for _ in range(400)]) for t in tasks.values()]
    assert ten["value"] == pytest.approx(np.mean(drawn), abs=0.01)


def test_the_published_shares_of_right_answers(shared_data):
    file = shared_data / "gsm8k" / "example_model_solutions.jsonl"
    samples = [
        Sample(system, str(number), cell["is_correct"], str(number), "")
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines())
        for system, cell in json.loads(line).items()
        if isinstance(cell, dict)
    ]
    found = pass_at_k_of(samples, [1])
    assert found.samples == dict.fromkeys(found.samples, 1319) and len(samples) == 5276
    shares = sorted(round(100 * row.value, 2) for *_, row in found.rows)
    assert shares == [21.68, 34.72, 39.04, 56.25]


def judgments(folder, verdicts):
    info = {"kind": "verifier", "simulated": False, "identity": "", "models": [], "scale": None}
    rows = [
        {
            "request_id": f"r{n}", "source": "tests", "source_version": "1", "annotator": "tests",
            "item_id": f"i{n // 4}", "response_ids": [f"i{n // 4}.{n % 4}"], "source_info": info,
            "verdict": {"status": status, "value": value, "probability": None, "rationale": "x"},
        }
        for n, (status, value) in enumerate(verdicts)
    ]  # fmt: skip
    (folder / "j.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    items = [{"id": f"i{n}", "prompt": "p"} for n in range(len(verdicts) // 4)]
    (folder / "i.jsonl").write_text("".join(json.dumps(row) + "\n" for row in items))
    said = [
        {"id": f"i{n // 4}.{n % 4}", "item_id": f"i{n // 4}", "system": "xy"[n % 2], "text": "t"}
        for n in range(len(verdicts))
    ]
    (folder / "r.jsonl").write_text("".join(json.dumps(row) + "\n" for row in said))
    return ["pass-at-k", "j.jsonl", "--json", "o.json"]


def test_judgments_of_a_verifier(tmp_path):
    verdicts = [("ok", True), ("ok", False), ("ok", 1.0), ("timeout", None)] * 5
    asked = judgments(tmp_path, verdicts)
    done = harness(*asked, "--k", "1,2", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "o.json").read_text())
    assert [row["value"] for row in found["rows"]] == pytest.approx([2 / 3, 1.0])
    assert found["failures"] == {"tests": {"timeout": 5}}
    done = harness(*asked, "--k", "1,2", "--items", "i.jsonl", "--responses", "r.jsonl",
                   cwd=tmp_path)  # fmt: skip
    rows = json.loads((tmp_path / "o.json").read_text())["rows"]
    values = {(row["system"], row["k"]): row["value"] for row in rows}
    assert values == {
        ("x by tests", 1): 1.0, ("x by tests", 2): 1.0, ("y by tests", 1): 0.0,
        ("y by tests", 2): None,
    }  # fmt: skip


WRONG = {
    "a score": ([("ok", 0.5)] * 4, [], "neither pass nor fail"),
    "a k that is no number": ([("ok", True)] * 4, ["--k", "1,x"], "whole numbers"),
    "k of nothing": ([("ok", True)] * 4, ["--k", "0"], "at least 1"),
    "responses alone": ([("ok", True)] * 4, ["--responses", "r.jsonl"], "needs --items"),
    "one response twice": (
        [("ok", True)] * 4, ["--also", "j.jsonl"], "judged response 'i0.0' twice",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_is_no_pass_or_fail_is_one_clear_error(tmp_path, case):
    verdicts, more, message = WRONG[case]
    done = harness(*judgments(tmp_path, verdicts), *more, cwd=tmp_path)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert message in " ".join(done.stderr.split())


def test_a_table_needs_its_columns(tmp_path):
    table(tmp_path, (1, "x", "1"))
    done = harness("pass-at-k", "s.csv", cwd=tmp_path)
    assert done.returncode == 2 and "--item-column and --label-column" in done.stderr

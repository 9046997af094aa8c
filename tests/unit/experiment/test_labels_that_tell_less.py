"""Labels that tell less than they seem to: copies, prompts that stand twice, slices of nobody."""

from __future__ import annotations

from pathlib import Path

import pytest
from judge_commands import invoke

from harness.agreement.settings import Settings
from harness.experiment.stages.agree import agree
from harness.experiment.stages.recorded import Answers
from harness.feedback.requests import build_requests
from harness.labels.ratings import Reading
from harness.labels.same_prompts import repeated
from harness.nouns.errors import InputError
from harness.nouns.gate import Gate
from harness.nouns.outcomes import Status
from harness.nouns.schema import Item, Judgment, Response, SourceInfo, Verdict
from harness.records.judgments import write_judgments
from harness.report.agreement_answer import NOBODY, answers
from harness.report.wording import Names

FAST = Settings(replicates=100)
READING = Reading(humans=("ann", "bob"), judges=("gpt",))


@pytest.fixture
def table(tmp_path: Path):
    def write(rows: list[str], head: str = "item,ann,bob,gpt") -> Path:
        path = tmp_path / "labels.csv"
        path.write_text("\n".join([head, *rows]) + "\n")
        return path

    return write


def notes(path: Path, reading: Reading = READING) -> list[str]:
    return [one for one in agree(path, reading, FAST).table.notes if one.startswith("warning")]


def test_a_person_whose_labels_are_the_judge_s_is_told(table) -> None:
    rows = [f"i{n},{'AB'[n % 2]},{'AB'[n % 3 > 0]},{'AB'[n % 2]}" for n in range(30)]
    (line,) = notes(table(rows))
    assert line.startswith("warning: the labels of ann are those of gpt on all 30 rows")
    assert notes(table([*rows, "i31,A,A,B"])) == []  # one other label
    assert notes(table(rows[:9])) == []  # by chance
    assert notes(table([f"i{n},A,{'AB'[n % 3 > 0]},A" for n in range(30)])) == []  # one label only
    (line,) = notes(table([*rows, "i31,A,A,", "i32,,A,B"]))  # rows that one left out tell nothing
    assert "on all 30 rows that both labelled" in line
    assert notes(table(rows), Reading(**{**READING.__dict__, "simulated": ("ann", "bob")})) == []


def test_prompts_that_stand_under_many_ids_are_told(table) -> None:
    head = "item,Prompt,ann,bob,gpt"
    rows = [f"i{n},What is {n % 5} + {n % 5}?,{'AB'[n % 2]},{'AB'[n % 3 > 0]},A" for n in range(30)]
    (line,) = notes(table(rows, head))
    assert "5 prompts stand under 30 ids" in line and "--cluster-column Prompt" in line
    own = Reading(**{**READING.__dict__, "cluster_column": "Prompt"})
    assert notes(table(rows, head), own) == []
    once = [row.replace(" + ", f" + {n}") for n, row in enumerate(rows)]
    assert notes(table(once, head)) == []


def test_prompts_of_judgments_that_stand_under_many_ids_are_told(tmp_path: Path) -> None:
    def told(clusters: bool) -> list[str]:
        items = [
            Item(f"i{n}", f"What is {n // 2}?", None, {"cluster": n // 2} if clusters else {})
            for n in range(24)
        ]
        said = [Response(f"i{n}.{k}", f"i{n}", "s", f"{k}") for n in range(24) for k in (0, 1)]
        requests = build_requests(items, said, "pairwise")
        judgments = [
            Judgment(one.id, name, "1", name, Verdict(Status.OK, "AB"[(n * k) % 2]))
            for n, one in enumerate(requests)
            for k, name in enumerate(("people", "judge"), start=1)
        ]
        for name, kind in (("people", "human"), ("judge", "judge")):
            info = SourceInfo(name, "1", kind, takes=("pairwise",))
            own = [one for one in judgments if one.source == name]
            write_judgments(tmp_path / f"{name}.jsonl", requests, own, {name: info})
        files = [tmp_path / "people.jsonl", tmp_path / "judge.jsonl"]
        report = agree(files, None, FAST, answers=Answers(items, said))
        return [one for one in report.table.notes if "prompt" in one]

    (line,) = told(clusters=False)
    assert "12 prompts stand under 24 ids" in line and "metadata.cluster" in line
    assert told(clusters=True) == []


def test_one_prompt_is_one() -> None:
    (line,) = repeated(["a  b", "a b", "", ""], [1, 2, 3, 4], "do so")
    assert line.startswith("warning: 1 prompt stands under 2 ids") and line.endswith("; do so")


def test_a_slice_that_nobody_has_is_refused_before_anything_is_measured(table) -> None:
    rows = [f"i{n},A,B,{'AB'[n % 2]},{('easy', 'hard')[n % 2]}" for n in range(20)]
    path = table(rows, "item,ann,bob,gpt,slice")
    with pytest.raises(InputError, match="no item is of slice hrad"):
        agree(path, READING, FAST, gates=[Gate("gpt", 0.4, "drop", slice="hrad")])
    asked = ["agree", str(path), "--people", "ann,bob", "--judges", "gpt", "--replicates", "100"]
    done = invoke(*asked, "--gate", "gpt=0.4:drop,slice=hrad")
    assert done.exit_code == 2 and done.output.startswith("error: no item is of slice hrad")


def test_where_the_gates_leave_no_judge_nobody_is_sent_to_aggregate(table, tmp_path) -> None:
    rows = [f"i{n},{'AB'[n % 2]},{'AB'[n % 2]},{'AB'[n % 7 > 3]}" for n in range(40)]
    out = tmp_path / "agreement.json"
    asked = ["agree", str(table(rows)), "--people", "ann,bob", "--judges", "gpt"]
    asked += ["--replicates", "100", "--out", str(out), "--gate"]
    for limit, told in (
        ("0.9:drop", "the gates leave no judge: harness align-judge"),
        ("0.05:drop", "the gates leave no judge: label about"),
        ("0.9:warn", "next: harness aggregate"),
    ):
        done = invoke(*asked, f"gpt={limit}")
        assert done.exit_code == 0 and told in " ".join(done.output.split()), done.output


def test_scores_and_judges_among_themselves_have_an_answer(table) -> None:
    rows = [f"i{n},{n % 5 + 1},{(n + n % 2) % 5 + 1},{(n + n % 3 % 2) % 5 + 1}" for n in range(60)]

    def said(reading: Reading) -> list[str]:
        report = agree(table(rows), reading, FAST)
        return answers(report.statistics, report.audit, Names.of_labels(report.audit))

    (line,) = said(Reading(humans=("ann", "bob"), judges=("gpt",), level="interval"))
    assert line.startswith("gpt: whether it may replace a person cannot be told (needs 3 people")
    assert "Its concordance with the mean of people is 0." in line
    assert said(Reading(judges=("ann", "gpt"))) == [NOBODY]
    assert said(Reading(humans=("ann", "bob"))) == []

"""A judge that favours one policy's style does not decide where people labelled some responses."""

from __future__ import annotations

import csv
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from harness.cli.main import app, register
from harness.evaluate import EvaluatorInfo, evaluate
from harness.nouns.outcomes import Status
from harness.nouns.rubric import Criterion
from harness.nouns.scale import UNIT
from harness.nouns.schema import Item, Judgment, JudgmentRequest, Response, Verdict
from harness.records.rows import to_dict
from harness.records.writes import write_jsonl
from harness.report.corrected import corrected_table

ITEMS = [Item(f"i{n}", f"Q{n}") for n in range(200)]
SCORE = Criterion("overall", "?", UNIT)
WHO = [EvaluatorInfo("judge", "judge", scale=UNIT), EvaluatorInfo("people", "human", scale=UNIT)]


def world(labelled: int, bias: float = 0.3, luck: tuple[float, ...] = (0.0,)) -> dict[str, Any]:
    """Policies that people find equal; the judge gives one of them more. The first are labelled.

    ``luck`` is what each training of the liked one is better by.
    """
    draw = np.random.default_rng(3)
    truth = {name: draw.uniform(0.2, 0.6, len(ITEMS)) for name in ("base", "liked")}
    answers = {(name, seed): [Response(f"{name}{seed}-{n}", f"i{n}", name, f"{name} {seed} {n}")
               for n in range(len(ITEMS))] for name in truth for seed in range(len(luck))
               }  # fmt: skip
    requests, said = [], []
    for (name, seed), found in answers.items():
        for n, response in enumerate(found):
            request = JudgmentRequest(response.id, ITEMS[n], (response,), SCORE)
            requests.append(request)
            true = truth[name][n] + luck[seed] * (name == "liked")
            judged = min(1.0, float(true + bias * (name == "liked")))
            said.append(Judgment(request.id, "judge", "1", "judge", Verdict(Status.OK, judged)))
            if n < labelled:
                told = float(np.clip(true + draw.normal(0, 0.02), 0, 1))
                said.append(Judgment(request.id, "people", "1", "ann", Verdict(Status.OK, told)))
    return evaluate(ITEMS, answers, requests, said, WHO)


def test_the_bias_is_taken_off() -> None:
    (row,) = world(60)["corrected"]
    assert (row["evaluator"], row["people"], row["policy"]) == ("judge", "people", "liked")
    assert (row["labels"], row["responses"], row["decides"]) == (120, 400, "corrected")
    assert row["judged"]["low"] > 0.25  # the judge is sure, and wrong
    assert row["corrected"]["low"] < 0.02 and row["corrected"]["high"] < 0.06
    assert row["labelled"]["low"] < 0 < row["labelled"]["high"]
    width, alone = (row[key]["high"] - row[key]["low"] for key in ("corrected", "labelled"))
    assert width < 0.75 * alone and row["effective_n"] > 1.5 * row["labels"]
    assert row["corrected"]["p_holm"] == row["corrected"]["p"]
    assert row["corrected"]["seeds"] == 1 and row["corrected"]["verdict"] == "unclear"


def test_trainings_that_differ_by_luck_are_no_gain_that_people_see() -> None:
    luck = (0.0, 0.12, 0.24)
    (row,) = world(100, luck=luck)["corrected"]
    found = row["corrected"]
    assert (found["interval_over"], found["seeds"]) == ("seeds and prompts", 3)
    assert 0.05 < found["value"] < 0.2 and found["trainings"]["low"] > 0.05
    assert found["trainings"]["verdict"] == "raised"
    # Of the next training it says little: t with two degrees of freedom.
    error = 0.12 / 3**0.5
    assert found["low"] <= found["value"] - 4.30 * error < 0 and found["verdict"] == "unclear"
    assert found["p"] > 0.1 > found["trainings"]["p"]
    for key in ("judged", "labelled"):
        assert row[key]["low"] < row[key]["trainings"]["low"]
    # Where they are alike it is said of the method, with the intervals of the prompts.
    (row,) = world(100, luck=(0.2, 0.2, 0.2))["corrected"]
    found = row["corrected"]
    assert found["verdict"] == "raised" == found["trainings"]["verdict"]
    assert found["low"] == pytest.approx(found["trainings"]["low"], abs=0.02)
    table = corrected_table({"base": "base", "corrected": [row]})
    assert table is not None and "over seeds and prompts" in table.title


@pytest.mark.parametrize(
    ("labelled", "decides"), [(9, "judge"), (10, "corrected"), (200, "people")]
)
def test_who_decides(labelled: int, decides: str) -> None:
    (row,) = world(labelled)["corrected"]
    assert row["decides"] == decides
    assert (row["corrected"]["value"] is None) == (decides == "judge")
    if decides == "people":
        assert row["corrected"]["value"] == pytest.approx(row["labelled"]["value"])
    if decides == "judge":
        assert "10 of each at least" in row["corrected"]["reason"]


def test_without_labels_nothing_changes() -> None:
    table = world(0)
    assert "corrected" not in table and corrected_table(table) is None


def test_the_table() -> None:
    table = corrected_table(world(60))
    assert table is not None
    (cells,) = table.body
    said = [cell.value for cell in cells]
    assert said[:4] == ["liked", "judge", "people", "120"] and said[-1] == "corrected"


def test_the_command_reads_labels_of_people_as_an_evaluator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not app.registered_commands:
        register()
    monkeypatch.setattr("harness.evaluate.corrected.JUDGES", ("verifier",))  # none to ask here
    items = ITEMS[:40]
    write_jsonl(tmp_path / "items.jsonl", map(to_dict, items))
    draw = random.Random(1)
    for name in ("base", "liked"):
        rows = [Response(f"{name}{n}", f"i{n}", name, draw.choice(["please", "no"]))
                for n in range(40)]  # fmt: skip
        write_jsonl(tmp_path / f"{name}.jsonl", map(to_dict, rows))
    with (tmp_path / "labels.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["item", "response", "annotator", "label"])
        for n in range(20):
            for name in ("base", "liked"):
                table.writerow([f"i{n}", f"{name}{n}", "ann", draw.randint(1, 5)])
    asked = ["evaluate", "--items", str(tmp_path / "items.jsonl")]
    for name in ("base", "liked"):
        asked += ["--responses", f"{name}={tmp_path / f'{name}.jsonl'}"]
    asked += ["--evaluator", "style=keywords", "--option", "style.any_of=[please]"]
    asked += ["--evaluator", "people=human_csv", "--option", f"people.file={tmp_path}/labels.csv"]
    for option in ("scale={level: interval, low: 1, high: 5}", "item=item", "response=response",
                   "annotator=annotator", "label=label"):  # fmt: skip
        asked += ["--option", f"people.{option}"]
    run = CliRunner().invoke(app, [*asked, "--quiet"])
    assert run.exit_code == 0, run.output
    assert "corrected with people's labels" in " ".join(run.output.split())

"""harness evaluate on plain files: ids stay as they are, judges are paid once, no idle warning."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from harness.cli.main import main
from harness.testing import StubServer

SCALE = "{level: interval, low: 0, high: 1}"
BASE = [("r0", "zero"), ("r1", "one"), ("r2", "two")]
TUNED = [("r0", "null"), ("r1", "uno"), ("r2", "duo")]


def invoke(*words: object) -> int:
    """Run the command line in this process; return its exit code."""
    with patch.object(sys, "argv", ["harness", *map(str, words)]):
        try:
            main()
        except SystemExit as stop:
            return int(stop.code or 0)
    return 0


def evaluate(folder: Path, *more: object, files: dict[str, list[tuple[str, str]]]) -> int:
    """Evaluate policies of (id, text) for each of the items i0, i1, ..."""
    items = [{"id": f"i{n}", "prompt": f"{n}?", "reference": str(n)} for n in range(3)]
    written(folder / "items.jsonl", items)
    words: list[object] = []
    for label, answers in files.items():
        rows = [
            {"id": name, "item_id": f"i{n}", "text": text} for n, (name, text) in enumerate(answers)
        ]
        words += ["--responses", f"{label}={written(folder / f'{label}.jsonl', rows)}"]
    out = folder / "evaluation.json"
    return invoke(
        "evaluate", "--items", folder / "items.jsonl", "--out", out, "--quiet", *words, *more
    )


def written(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def means(folder: Path) -> dict[str, tuple[float | None, int]]:
    found = json.loads((folder / "evaluation.json").read_text())
    return {row["policy"]: (row["value"], row["n"]) for row in found["scores"]}


def labels(folder: Path, rows: list[tuple[str, str, str]]) -> tuple[str, ...]:
    """Write (item, response, score) of ann; return the evaluator that reads it."""
    with (folder / "labels.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerows(
            [("item", "response", "who", "score"), *((i, r, "ann", s) for i, r, s in rows)]
        )
    options = {
        "file": folder / "labels.csv", "item": "item", "response": "response",
        "annotator": "who", "label": "score", "scale": SCALE,
    }  # fmt: skip
    words = ["--evaluator", "people=human_csv"]
    for key, value in options.items():
        words += ["--option", f"people.{key}={value}"]
    return tuple(words)


OTHER = [(f"t{n}", text) for n, (_, text) in enumerate(TUNED)]
ALIKE = [BASE[0], *TUNED[1:]]

PEOPLE = {
    # files, labels (item, response, score), mean and number of scored of each policy
    "ids of both files": (
        {"base": BASE, "tuned": OTHER},
        [("i0", "r0", "0"), ("i1", "r1", "1"), ("i0", "t0", "1"), ("i1", "t1", "1")],
        {"base": (0.5, 2), "tuned": (1.0, 2)},
    ),
    "the policies' names": (
        {"base": BASE, "tuned": TUNED},
        [("i0", "base", "0"), ("i1", "base", "1"), ("i0", "tuned", "1"), ("i1", "tuned", "1")],
        {"base": (0.5, 2), "tuned": (1.0, 2)},
    ),
    "one id of two texts is of nobody": (
        {"base": BASE, "tuned": [TUNED[0], *OTHER[1:]]},
        [("i0", "r0", "1"), ("i1", "r1", "1"), ("i1", "t1", "0")],
        {"base": (1.0, 1), "tuned": (0.0, 1)},
    ),
    "one id of one text is of both": (
        {"base": BASE, "tuned": ALIKE},
        [("i0", "r0", "1"), ("i1", "r1", "1")],
        {"base": (1.0, 1), "tuned": (1.0, 1)},
    ),
    "two seeds of a policy are two texts": (
        {"base": BASE, "tuned@1": OTHER, "tuned@2": [*TUNED[:2], ("r2", "due")]},
        [("i0", "tuned", "1"), ("i1", "base", "0")],
        {"base": (0.0, 1), "tuned": (1.0, 2)},
    ),
}


@pytest.mark.parametrize("case", PEOPLE)
def test_labels_of_people_find_the_responses(case: str, tmp_path: Path) -> None:
    files, rows, expected = PEOPLE[case]
    assert evaluate(tmp_path, *labels(tmp_path, rows), files=files) == 0
    assert means(tmp_path) == expected


def test_what_two_policies_call_alike_is_scored_apart(tmp_path: Path) -> None:
    files = {
        "base": [("r", "0"), ("s", "9"), ("t", "9")],
        "tuned": [("r", "0"), ("s", "1"), ("t", "9")],
    }
    assert evaluate(tmp_path, "--evaluator", "exact_match", files=files) == 0
    assert means(tmp_path) == {"base": (1 / 3, 3), "tuned": (2 / 3, 3)}


@pytest.mark.parametrize("trained_on", [False, True])
def test_two_plain_files_are_compared_without_a_warning_of_training(
    trained_on: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {"base": BASE, "tuned": OTHER}
    more = ["--trained-on", f"tuned={judged(tmp_path)}"] if trained_on else []
    capsys.readouterr()
    assert evaluate(tmp_path, "--evaluator", "exact_match", *more, files=files) == 0
    shown = capsys.readouterr().out
    assert ("unless --trained-on tells" in " ".join(shown.split())) is not trained_on
    found = json.loads((tmp_path / "evaluation.json").read_text())
    assert not [warning for warning in found["warnings"] if "train" in warning.split("seeds")[0]]


def judged(folder: Path) -> Path:
    """Judge one response with another verifier; return the judgments."""
    items = written(folder / "train.jsonl", [{"id": "x", "prompt": "?", "reference": "1"}])
    rows = written(folder / "trained.jsonl", [{"id": "y", "item_id": "x", "text": "1"}])
    out = folder / "judgments.jsonl"
    assert invoke("judge", "--source", "last_number", "--items", items, "--responses", rows,
                  "--out", out, "--quiet") == 0  # fmt: skip
    return out


def judge(url: str) -> list[str]:
    options = [
        "rubric=helpfulness", "model=openai/m", f"api_base={url}",
        "input_cost_per_token=0.001", "output_cost_per_token=0.001",
    ]  # fmt: skip
    return ["--evaluator", "llm=llm_judge", *(w for o in options for w in ("--option", f"llm.{o}"))]


def test_a_paid_judge_is_paid_once_within_the_budget(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files, out = {"base": BASE, "tuned": TUNED}, tmp_path / "evaluation.json"
    with StubServer("task: 4\naccuracy: 4\nclarity: 4") as server:
        asked = judge(server.base_url)
        assert evaluate(tmp_path, *asked, "--budget", 0.0, files=files) == 1
        assert not server.bodies and not out.exists()
        assert evaluate(tmp_path, *asked, "--budget", 1000, files=files) == 0
        first, paid = out.read_bytes(), len(server.bodies)
        assert paid == 6
        assert evaluate(tmp_path, *asked, files=files) == 0
        assert len(server.bodies) == paid and out.read_bytes() == first
        # One answer more is asked about, and nothing else.
        more = {**files, "third": [*BASE[:2], ("r2", "three")]}
        assert evaluate(tmp_path, *asked, files=more) == 0
        assert len(server.bodies) == paid + 1
        (tmp_path / "evaluation.json.journal.sqlite").unlink()
        capsys.readouterr()
        assert evaluate(tmp_path, *asked, files=files) == 2
        assert "paid for anew" in capsys.readouterr().err
        assert len(server.bodies) == paid + 1
        # Without a file there is no journal: said before anything is paid for.
        words = ["evaluate", "--items", tmp_path / "items.jsonl", "--responses",
                 f"base={tmp_path / 'base.jsonl'}", *asked]  # fmt: skip
        assert invoke(*words) == 2
        assert "--out" in capsys.readouterr().err and len(server.bodies) == paid + 1


def test_free_evaluators_leave_no_journal(tmp_path: Path) -> None:
    for _ in range(2):
        assert evaluate(tmp_path, "--evaluator", "exact_match", files={"base": BASE}) == 0
    assert not list(tmp_path.glob("*.sqlite*"))

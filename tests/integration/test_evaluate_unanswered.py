"""harness evaluate where a policy did not answer every item: counted, named, never hidden."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from harness.cli.main import main
from harness.experiment.stages.evaluate_files import evaluate as evaluate_files
from harness.nouns.errors import DataError
from harness.nouns.schema import Item, Response

ITEMS = 6
Answers = dict[str, str]
"""Policy or POLICY@SEED to a letter for each item: r right, w wrong, - no response."""


def evaluate(folder: Path, answers: Answers) -> int:
    items = [{"id": f"h{n}", "prompt": f"{n}?", "reference": str(n)} for n in range(ITEMS)]
    words = ["--items", written(folder / "items.jsonl", items)]
    for label, letters in answers.items():
        rows = [
            {"id": f"{label}{n}", "item_id": f"h{n}", "text": str(n) if letter == "r" else "no"}
            for n, letter in enumerate(letters)
            if letter != "-"
        ]
        words += ["--responses", f"{label}={written(folder / f'{label}.jsonl', rows)}"]
    words += ["--evaluator", "exact_match", "--out", str(folder / "out.json"), "--quiet"]
    with patch.object(sys, "argv", ["harness", "evaluate", *words]):
        try:
            main()
        except SystemExit as stop:
            return int(stop.code or 0)
    return 0


def written(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


CASES: dict[str, tuple[Answers, dict[str, tuple[str, float]], list[str], int]] = {
    # answers; of each policy what is shown as scored, and its mean; what is said; common items
    "one of six": (
        {"bot": "rrrrww", "chef": "r-----"},
        {"bot": ("6/6", 4 / 6), "chef": ("1/6", 1.0)},
        [
            "chef with seed 0 has no response to 5 of 6 items (h1, h2, h3, h4, h5)",
            "bot and chef are compared, in differences and win rates, over the 1 of 6 items",
        ],
        1,
    ),
    "the base": (
        {"bot": "----rw", "chef": "rrrrrr"},
        {"bot": ("2/6", 0.5), "chef": ("6/6", 1.0)},
        ["bot with seed 0 has no response to 4 of 6 items (h0, h1, h2, h3)"],
        2,
    ),
    "others each": (
        {"bot": "rrr---", "chef": "---rrr"},
        {"bot": ("3/6", 1.0), "chef": ("3/6", 1.0)},
        ["bot and chef are compared, in differences and win rates, over the 0 of 6 items"],
        0,
    ),
    "one seed of two": (
        {"bot": "rrrrrr", "chef@1": "rrrrrr", "chef@2": "wwww--"},
        {"bot": ("6/6", 1.0), "chef": ("10/12", 0.6)},
        ["chef with seed 2 has no response to 2 of 6 items (h4, h5)"],
        6,
    ),
    "an item nobody answers": (
        {"bot": "rrrrr-", "chef": "rrrrw-"},
        {"bot": ("5/6", 1.0), "chef": ("5/6", 0.8)},
        ["bot and chef are compared, in differences and win rates, over the 5 of 6 items"],
        5,
    ),
    "two policies besides the base": (
        {"bot": "rrrrrr", "chef": "rrr---", "cook": "--rrrr"},
        {"bot": ("6/6", 1.0), "chef": ("3/6", 1.0), "cook": ("4/6", 1.0)},
        ["chef and cook are compared, in differences and win rates, over the 1 of 6 items"],
        3,
    ),
    "all answered": (
        {"bot": "rrrrrr", "chef": "rrrwww"},
        {"bot": ("6/6", 1.0), "chef": ("6/6", 0.5)},
        [],
        6,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_an_item_without_a_response_is_counted_and_named(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    answers, shown, told, common = CASES[case]
    assert evaluate(tmp_path, answers) == 0
    found = json.loads((tmp_path / "out.json").read_text())
    said = capsys.readouterr().out
    for row in found["scores"]:
        scored, mean = shown[row["policy"]]
        n, asked = map(int, scored.split("/"))
        assert row["value"] == pytest.approx(mean)
        assert (row["n"], row["responses"], row["unanswered"]) == (n, n, asked - n)
        assert row["coverage"] == n / asked
        (line,) = [
            line for line in said.splitlines() if f" {row['policy']} " in line and "/" in line
        ][:1]
        assert f" {scored} " in line
    assert found["scores"][1]["difference"]["items"] == common
    for part in told:
        assert part in said
        assert any(part in warning for warning in found["warnings"])
    assert ("no response" in said) == bool(told)
    assert ("common items" in said) == any(
        row["difference"]["items"] < ITEMS for row in found["scores"] if row["difference"]
    )


@pytest.mark.parametrize("label", ["chef", "chef@3", "bot"])
def test_a_policy_without_any_response_is_an_error(
    label: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = {"bot": "rrrrrr", "chef@1": "rrrrrr"} | {label: "------"}
    assert evaluate(tmp_path, answers) == 2
    said = capsys.readouterr().err
    assert f"no response of {label.partition('@')[0]}" in said and f"{label}.jsonl" in said


def test_no_response_in_memory_is_an_error_too() -> None:
    answers = {"bot": [Response("r", "i", "bot", "0")], "chef": list[Response]()}
    with pytest.raises(DataError, match="no response of chef, seed 0"):
        evaluate_files([Item("i", "0?", "0")], answers, ["exact_match"])

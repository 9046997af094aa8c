"""Win rates, also at equal length and from a table; the alarm of one text everywhere."""

from __future__ import annotations

import csv
import json
import math
import random
import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from scipy.optimize import minimize

import harness
from harness.cli.main import main
from harness.evaluate import EvaluatorInfo, evaluate
from harness.nouns.errors import DataError
from harness.nouns.outcomes import Status
from harness.nouns.rubric import Criterion
from harness.nouns.scale import BINARY
from harness.nouns.schema import Item, Judgment, JudgmentRequest, Response, Verdict
from harness.statistics.win_rates import length_controlled, win_rate

WON = {0: 1.0, 1: 0.5, 2: 0.0}


def oracle(outcomes: list[int], gap: list[float]) -> float:
    """The published regression by another optimiser: half wins as they are."""
    y = np.array([WON[outcome] for outcome in outcomes])
    x = np.tanh(np.array(gap) / np.std(gap))

    def loss(theta: Any) -> float:
        eta = theta[0] + theta[1] * x
        return float(np.logaddexp(0, eta).sum() - (y * eta).sum())

    theta = minimize(loss, [0.0, 0.0], method="BFGS", options={"gtol": 1e-9}).x
    return 1 / (1 + math.exp(-theta[0]))


def drawn(seed: int, n: int = 60) -> tuple[list[int], list[float]]:
    """Comparisons in which the longer answer wins more often."""
    dice = random.Random(seed)
    gap = [dice.gauss(40, 100) for _ in range(n)]
    strength, effect = dice.uniform(-1, 1), dice.uniform(-1, 2)
    outcomes = []
    for one in gap:
        chance = 1 / (1 + math.exp(-strength - effect * math.tanh(one / 100)))
        outcomes.append(1 if dice.random() < 0.2 else 0 if dice.random() < chance else 2)
    return outcomes, gap


@pytest.mark.parametrize("seed", range(20))
def test_at_equal_length_as_another_optimiser_has_it(seed: int) -> None:
    outcomes, gap = drawn(seed)
    alone = np.arange(len(gap))
    found = length_controlled(np.array(outcomes), alone, np.array(gap))
    assert found.value == pytest.approx(oracle(outcomes, gap), abs=1e-5)
    assert found.low is not None and found.high is not None and found.value is not None
    assert found.low < found.value < found.high
    turned = length_controlled(2 - np.array(outcomes), alone, -np.array(gap))
    assert turned.value == pytest.approx(1 - found.value)


def test_length_that_has_no_effect_changes_nothing() -> None:
    # A quarter of wins, ties and losses of the same shape at each gap.
    outcomes = np.array([0, 0, 1, 2] * 10)
    gap = np.repeat([-30.0, 30.0] * 5, 4)
    raw, even = (
        win_rate(outcomes, np.arange(40)),
        length_controlled(outcomes, np.arange(40), gap),
    )
    assert raw.value == even.value == pytest.approx(0.625)


def test_a_win_by_length_alone_is_none_at_equal_length() -> None:
    # The longer answer wins 9 of 10 times, and the first one is the longer in 8 of 10.
    gap = np.array([50.0] * 80 + [-50.0] * 20)
    outcomes = np.array([0] * 72 + [2] * 8 + [2] * 18 + [0] * 2)
    raw = win_rate(outcomes, np.arange(100))
    even = length_controlled(outcomes, np.arange(100), gap)
    assert raw.value == pytest.approx(0.74)
    assert even.value == pytest.approx(0.5, abs=1e-6)


EDGES = {
    # outcomes, clusters, gaps, value, words of the reason
    "nothing": ([], [], [], None, "no comparison"),
    "no gap at all": ([0, 0, 2, 1], [0, 1, 2, 3], [0, 0, 0, 0], 0.625, ""),
    "one gap": ([0, 2, 0, 0], [0, 1, 2, 3], [5, 5, 5, 5], None, "every gap of length is the same"),
    "all won": ([0, 0, 0], [0, 1, 2], [1, 2, 3], None, "the same way"),
    "the longer always wins": ([0, 0, 2, 2], [0, 1, 2, 3], [4, 5, -4, -5], None, "separated"),
    "one cluster": ([0, 2, 0, 2], [0, 0, 0, 0], [4, 5, -4, -5], 0.5, "one cluster"),
    "all ties": ([1, 1, 1], [0, 1, 2], [-1, 2, 4], 0.5, "pulls alike"),
    "all ties at one length": ([1, 1, 1], [0, 1, 2], [0, 0, 0], 0.5, "pulls alike"),
    "the first always the longer": ([0, 2, 1, 0], [0, 1, 2, 3], [1, 2, 4, 9], None, "extrapolated"),
    "the second always": ([0, 2, 0, 1], [0, 1, 2, 3], [-1, -2, -4, -4], None, "extrapolated"),
    "four wins, two ties, one gap unlike the others": (
        [0, 0, 0, 0, 1, 1],
        [0, 1, 2, 3, 4, 5],
        [-1, -1, -5, -1, -1, -5],
        None,
        "extrapolated",
    ),
    "one of them once as long": ([0, 2, 1, 0, 2], [0, 1, 2, 3, 4], [0, 3, 3, 4, 6], ..., ""),
    "one of them once longer": ([0, 2, 1, 0, 2], [0, 1, 2, 3, 4], [-1, 3, 3, 4, 6], ..., ""),
}


@pytest.mark.parametrize("case", EDGES)
def test_where_it_cannot_be_told_the_reason_is(case: str) -> None:
    outcomes, clusters, gap, value, reason = EDGES[case]
    found = length_controlled(
        np.array(outcomes, dtype=int), np.array(clusters), np.array(gap, dtype=float)
    )
    if value is ...:
        assert found.value is not None
    else:
        assert found.value == (None if value is None else pytest.approx(value))
    assert reason in found.reason and bool(found.reason) is bool(reason)
    assert (found.low is None) is bool(reason)


def policies(texts: dict[str, list[str]]) -> dict[str, Any]:
    """Evaluate policies by a judge that likes what has an a."""
    n = len(next(iter(texts.values())))
    items = [Item(f"i{k}", f"prompt {k}") for k in range(n)]
    responses = {
        (name, 0): [Response(f"{name}{k}", f"i{k}", name, t) for k, t in enumerate(said)]
        for name, said in texts.items()
    }
    asked = [
        JudgmentRequest(one.id, items[k], (one,), Criterion("c", "t", BINARY))
        for said in responses.values()
        for k, one in enumerate(said)
    ]
    judged = [
        Judgment(one.id, "x", "1", "x", Verdict(Status.OK, "a" in one.responses[0].text))
        for one in asked
    ]
    return evaluate(items, responses, asked, judged, [EvaluatorInfo("x", "verifier")])


def test_policies_are_compared_at_equal_length_too() -> None:
    outcomes, gap = drawn(3)
    base, arm = [], []
    for outcome, one in zip(outcomes, gap, strict=True):
        size = 500 + round(one)
        arm.append(("a" if outcome == 0 else "b") + "." * (size - 1))
        base.append(("a" if outcome == 2 else "b") + "." * 499)
    result = policies({"base": base, "arm": arm})
    row = next(row for row in result["wins"] if (row["a"], row["b"]) == ("arm", "base"))
    mirrored = next(row for row in result["wins"] if (row["a"], row["b"]) == ("base", "arm"))
    expected = oracle(outcomes, [float(round(one)) for one in gap])
    assert row["length_controlled"]["value"] == pytest.approx(expected, abs=1e-5)
    assert mirrored["length_controlled"]["value"] == pytest.approx(1 - expected, abs=1e-5)


SAME = {
    # texts of a policy, and whether they raise the alarm
    "one text": (["a"] * 10, True),
    "nine of ten": (["a"] * 9 + ["b"], True),
    "eight of ten": (["a"] * 8 + ["b", "c"], False),
    "white space apart": (["a b", "a  b", " a b\n", "a\tb"], True),
    "empty": ([""] * 4, True),
    "all different": ([f"a{k}" for k in range(10)], False),
    "two items only": (["a", "a"], False),
    "three items": (["a", "a", "a"], True),
    "two of three": (["a", "a", "b"], False),
    "yes and no": (["yes", "no"] * 5, False),
}


@pytest.mark.parametrize("case", SAME)
def test_one_text_everywhere_is_an_alarm(case: str) -> None:
    said, alarm = SAME[case]
    base = [f"b{k}" for k in range(len(said))]
    warnings = policies({"base": base, "arm": said})["warnings"]
    found = [warning for warning in warnings if "of how it answers" in warning]
    assert [warning.startswith("arm with seed 0 gives ") for warning in found] == [True] * alarm


def table(path: Path, rows: list[tuple[Any, ...]]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("prompt", "model_a", "model_b", "winner", "gap"), *rows])
    return path


def test_a_table_of_preferences_has_win_rates(tmp_path: Path) -> None:
    rows = [
        ("p1", "gpt", "llama", "model_a", 30),
        ("p1", "llama", "gpt", "gpt", 10),
        ("p2", "gpt", "llama", "tie", 5),
        ("p3", "llama", "gpt", "A", -20),
        ("p3", "gpt", "base", "base", 1),
    ]
    columns = "model_a", "model_b", "winner", "prompt", "gap"
    first, second = harness.win_rate(table(tmp_path / "votes.csv", rows), *columns)
    assert (first["a"], first["b"]) == ("gpt", "llama")
    assert (first["wins"], first["ties"], first["losses"]) == (2, 1, 1)
    assert first["value"] == 0.625 and (first["n"], first["clusters"]) == (4, 3)
    even = first["length_controlled"]["value"]
    assert even == pytest.approx(oracle([0, 0, 1, 2], [30, -10, 5, 20]), abs=1e-5)
    assert (second["a"], second["b"], second["value"]) == ("gpt", "base", 0.0)
    assert second["length_controlled"]["value"] is None
    alone = harness.win_rate(tmp_path / "votes.csv", *columns[:3])[0]
    assert alone["clusters"] == 4 and alone["length_controlled"] is None


def test_the_turn_of_a_row_changes_nothing(tmp_path: Path) -> None:
    outcomes, gap = drawn(5, 40)
    names = {0: "gpt", 1: "tie", 2: "llama"}
    one = [
        (k, "gpt", "llama", names[o], g) for k, (o, g) in enumerate(zip(outcomes, gap, strict=True))
    ]
    half = [(k, b, a, o, -g) if k % 2 else (k, a, b, o, g) for k, a, b, o, g in one]
    columns = "model_a", "model_b", "winner", "prompt", "gap"
    found = [
        harness.win_rate(table(tmp_path / f"{name}.csv", rows), *columns)[0]
        for name, rows in (("one", one), ("half", half))
    ]
    assert found[0]["length_controlled"]["value"] == pytest.approx(
        found[1]["length_controlled"]["value"]
    )
    assert found[0]["value"] == found[1]["value"]


def test_a_winner_that_is_none_is_refused_with_its_row(tmp_path: Path) -> None:
    path = table(tmp_path / "votes.csv", [(1, "a", "b", "c", 0), (2, "a", "b", "a", "long")])
    with pytest.raises(DataError, match="not understood") as error:
        harness.win_rate(path, "model_a", "model_b", "winner", "", "gap")
    assert "winner 'c'" in str(error.value) and "no number" in str(error.value)


def test_the_command_shows_and_writes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    outcomes, gap = drawn(7, 30)
    names = {0: "gpt", 1: "tie", 2: "llama"}
    table(tmp_path / "votes.csv", [
        (k, "gpt", "llama", names[o], g) for k, (o, g) in enumerate(zip(outcomes, gap, strict=True))
    ])  # fmt: skip
    words = f"win-rate {tmp_path}/votes.csv --first-column model_a --second-column model_b"
    words += f" --label-column winner --length-column gap --json {tmp_path}/out.json"
    with patch.object(sys, "argv", ["harness", *words.split()]):
        with pytest.raises(SystemExit):
            main()
    shown = capsys.readouterr().out
    written = json.loads((tmp_path / "out.json").read_text())["wins"][0]
    assert "at equal" in shown and "gpt" in shown
    assert f"{written['value']:.3f}" in shown
    assert f"{written['length_controlled']['value']:.3f}" in shown
    assert max(map(len, shown.splitlines())) <= 80

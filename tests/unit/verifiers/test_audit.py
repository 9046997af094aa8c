"""Auditing a verifier: against labels, for hard-coded tests, for tests that tell nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from harness.agreement.verifier_audit import (
    confusion,
    is_hard_coded,
    trivial_responses,
    visible_inputs,
)
from harness.cli.main import app, register
from harness.nouns.errors import ConfigError, DataError
from harness.nouns.outcomes import Status
from harness.nouns.schema import Item, Judgment, Verdict

TESTS = {
    "entry_point": "f",
    "tests": [{"args": [n], "expected": n * n} for n in (0, 3, 7, 12, 50)],
}


def judgment(value: Any, status: Status = Status.OK) -> Judgment:
    return Judgment("r", "v", "1", "v", Verdict(status, value))


def test_verdicts_against_labels() -> None:
    labels = {"a": True, "b": True, "c": False, "d": False, "e": True, "f": False}
    table = confusion(
        labels,
        {
            "a": judgment(True),
            "b": judgment(0.4),
            "c": judgment(1.0),
            "d": judgment(False),
            "e": judgment(None, Status.TIMEOUT),
            "f": judgment(None, Status.ERROR),
        },
    )
    assert (table.true_positive, table.true_negative) == (1, 1)
    assert (table.false_positive, table.false_negative) == (("c",), ("b",))
    assert (table.right, table.wrong) == (2, 2)
    assert table.without == {"timeout": 1, "error": 1}


def test_inputs_of_every_kind_of_tests() -> None:
    assert visible_inputs(TESTS) == {"3", "7", "12", "50"}
    assert visible_inputs({"stdin": [{"input": "3 4\nabc\n", "output": ""}]}) == {'"3 4"', '"abc"'}
    asserts = {"asserts": ["assert f([1, 2], 'xy') == 9", "assert f((5, 6)) == 3"]}
    assert visible_inputs(asserts) == {"[1, 2]", '"xy"', "[5, 6]"}
    assert visible_inputs({"check": "def check(c):\n    assert c(33) == 4"}) == {"33"}
    assert visible_inputs("text") == set()


@pytest.mark.parametrize(
    ("program", "flagged"),
    [
        ("def f(n):\n    return n * n", False),
        ("def f(n):\n    if n == 3: return 9\n    if n == 7: return 49\n    return 0", True),
        ("def f(n):\n    return {3: 9, 7: 49, 12: 144, 50: 2500}.get(n, 0)", True),
        ("def f(n):\n    match n:\n        case 3: return 9\n        case 12: return 144", True),
        ("def f(n):\n    return n * n if n in (3, 7, 12) else None", True),
        ("def f(n):\n    '''f(3) is 9 and f(7) is 49'''\n    return n * n", False),
        ("def f(n):\n    if n == 3: return 9\n    return n * n", False),
        ("print(f(3) + f(7) + f(12))", False),
        ("def f(n:", False),
    ],
)
def test_hard_coded_tests(program: str, flagged: bool) -> None:
    assert is_hard_coded(program, visible_inputs(TESTS)) is flagged


def test_trivial_programs_have_the_name_that_the_tests_call() -> None:
    texts = [r.text for r in trivial_responses(Item("i", "", TESTS))]
    assert len(texts) > 3
    assert [text for text in texts if not text.startswith("def f(")] == []
    asserts = {"asserts": ["assert set(g(1)) == {1}", "assert g(2) == 2"]}
    assert trivial_responses(Item("i", "", asserts))[0].text.startswith("def g(")
    assert trivial_responses(Item("i", "", "42"))[0].text == ""


def write(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    weak = {"entry_point": "f", "tests": [{"args": [0], "expected": 0}]}
    items = [
        {"id": "square", "prompt": "", "reference": TESTS},
        {"id": "weak", "prompt": "", "reference": weak},
    ]
    lookup = "def f(n):\n    return {0: 0, 3: 9, 7: 49, 12: 144, 50: 2500}[n]"
    texts = [
        ("good", "square", "def f(n): return n * n", True),
        ("bad", "square", "def f(n): return n + n", False),
        ("lookup", "square", lookup, False),
        ("lucky", "weak", "def f(n): return 0", False),
    ]
    responses = [
        {"id": i, "item_id": item, "system": "s", "text": text, "metadata": {"label": label}}
        for i, item, text, label in texts
    ]
    return [
        "--items",
        write(tmp_path / "items.jsonl", items),
        "--responses",
        write(tmp_path / "responses.jsonl", responses),
        "--quiet",
    ]


@pytest.fixture(scope="module", autouse=True)
def commands() -> None:
    if not app.registered_commands:
        register()


def test_the_command(files: list[str], tmp_path: Path) -> None:
    out = tmp_path / "audit.json"
    run = CliRunner().invoke(
        app, ["audit-verifier", "--source", "python_code", *files, "--out", str(out)]
    )
    assert run.exit_code == 0, run.output
    assert "2 false positives" in run.output
    result = json.loads(out.read_text())
    assert result["false_positive"] == ["lookup", "lucky"]
    assert (result["true_positive"], result["true_negative"]) == (1, 1)
    assert result["hard_coded"] == ["lookup"]
    assert list(result["weak_tests"]) == ["weak"]
    known = result["by_reference"]
    assert (known["frame"], known["used"], len(known["families"])) == ("fence", 2, 25)
    assert [family for family in known["families"] if family["wrong"] or family["without"]] == []


def test_wrong_input_is_one_clear_error(files: list[str]) -> None:
    run = CliRunner().invoke(
        app, ["audit-verifier", "--source", "python_code", *files, "--label", "gold"]
    )
    assert isinstance(run.exception, DataError)
    assert "no response has metadata.gold" in str(run.exception)
    run = CliRunner().invoke(app, ["audit-verifier", "--source", "llm_judge", *files])
    assert isinstance(run.exception, ConfigError)

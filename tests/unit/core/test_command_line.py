"""The command starts fast, loads nothing heavy, and ends wrong input with one message, code 2."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("torch", "transformers", "trl", "litellm", "pandas", "scipy", "matplotlib", "numpy")


def harness(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "harness", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize(
    "code",
    [
        "import harness",
        "import harness.plugin",
        "from harness.cli.main import register; register()",
        "from harness.registry import registry; registry()",
    ],
)
def test_nothing_heavy_is_loaded(code: str) -> None:
    check = f"{code}; import sys; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_every_stage_has_a_command() -> None:
    shown = harness("--help").stdout
    stages = "run demo respond judge agree train evaluate report plugins"
    missing = [name for name in stages.split() if f" {name} " not in shown]
    assert missing == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "absent.yaml"], ["absent.yaml", "no such experiment file"]),
        (["plugins", "exakt_match"], ["exakt_match", "did you mean exact_match"]),
        (
            "judge --source nobody --items i --responses r --out o".split(),
            ["unknown source 'nobody'"],
        ),
        (
            "judge --source exact_match --items i.jsonl --responses r --out o".split(),
            ["i.jsonl", "no such file"],
        ),
        (
            "judge --source exact_match --option a --items i --responses r --out o".split(),
            ["'a' is not key=value"],
        ),
        (
            "judge --source exact_match --option a=1 --items i --responses r --out o".split(),
            ["takes no options"],
        ),
        (
            "judge --source keywords --option any_off=[x] --items i --responses r --out o".split(),
            ["any_of: Field required", "any_off"],
        ),
        (
            "train --trainer pp0 --model m --data d --out o".split(),
            ["'pp0'", "sft, reward_model, dpo, grpo, ppo"],
        ),
        ("evaluate --items i --responses x --evaluator e".split(), ["no such file"]),
    ],
)
def test_wrong_input_is_one_message_and_code_2(
    tmp_path: Path, arguments: list[str], words: list[str]
) -> None:
    done = harness(*arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


def test_judge_works_on_plain_files_and_goes_on(tmp_path: Path) -> None:
    items = [{"id": f"i{n}", "prompt": "?", "reference": str(n)} for n in range(5)]
    responses = [{"id": f"r{n}", "item_id": f"i{n}", "text": str(n % 3)} for n in range(5)]
    for name, rows in (("items", items), ("responses", responses)):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    arguments = (
        "judge --source last_number --items items.jsonl --responses responses.jsonl"
        " --out out/judgments.jsonl --quiet"
    ).split()
    done = harness(*arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = (tmp_path / "out" / "judgments.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    assert [row["verdict"]["value"] for row in rows] == [True, True, True, False, False]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["judgments.jsonl"]

"""The command starts fast, loads nothing heavy, and ends wrong input with one message, code 2."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from harness.cli.options import options_of_sources
from harness.cli.train import weights_of
from harness.experiment.context import Asking
from harness.experiment.rewards import open_rewards
from harness.nouns.errors import ConfigError
from harness.nouns.schema import Item

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


def test_every_command_refuses_a_seed_that_no_library_takes() -> None:
    from typer.main import get_command

    from harness.cli.main import app, register

    register()
    commands = get_command(app).commands  # type: ignore[attr-defined]
    seeds = {n: one for n, c in commands.items() for one in c.params if one.name == "seed"}
    assert len(seeds) >= 8
    for name, option in seeds.items():
        assert (option.min, option.max) == (0, 2**32 - 1), name
    assert len({option.help for option in seeds.values()}) >= 5  # each says what its seed decides


def test_every_option_says_what_it_is() -> None:
    from typer.main import get_command

    from harness.cli.main import app, register

    register()
    commands = get_command(app).commands  # type: ignore[attr-defined]
    silent = [f"{n} {one.name}" for n, c in commands.items() for one in c.params if not one.help]
    assert len(commands) >= 17
    assert silent == []


def test_what_a_command_does_fills_eighty_columns_and_its_examples_can_be_copied() -> None:
    from typer.main import get_command

    from harness.cli.main import app, register

    register()
    examples = []
    for name, one in get_command(app).commands.items():  # type: ignore[attr-defined]
        for part in str(one.help).split("\n\n"):
            if part.startswith(" "):
                assert max(len(line) for line in part.split("\n")) <= 78, name
                copied = part.replace("\\\n", " ").strip().split("\n")
                assert all(line.split()[0] == "harness" for line in copied), name
                examples += copied
            else:
                assert "\n" not in part, name
    assert len(examples) == 10
    assert any("--people ann,bob --judges gpt" in " ".join(one.split()) for one in examples)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "absent.yaml"], ["absent.yaml", "no such file"]),
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
            ["any_off: unknown option", "did you mean any_of?"],
        ),
        (
            "train --trainer pp0 --model m --data d --out o".split(),
            ["'pp0'", "sft, reward_model, dpo, kto, grpo, rloo, ppo"],
        ),
        ("evaluate --items i --responses x=x --evaluator exact_match".split(), ["no such file"]),
        ("evaluate --items i --responses x --evaluator a".split(), ["'x' is not POLICY=FILE"]),
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
    kept = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert kept == ["judgments.jsonl", "judgments.jsonl.journal.sqlite"]


def written(folder: Path) -> str:
    """Write items and two policies' responses; return the arguments that name them."""
    items = [{"id": f"i{n}", "prompt": "?", "reference": str(n)} for n in range(4)]
    (folder / "items.jsonl").write_text("".join(json.dumps(row) + "\n" for row in items))
    for policy, words in (("base", "say 0"), ("tuned", "please 1")):
        rows = [{"id": f"r{n}", "item_id": f"i{n}", "text": words} for n in range(4)]
        (folder / f"{policy}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return "--items items.jsonl --responses base=base.jsonl --responses tuned=tuned.jsonl --quiet"


def test_evaluate_scores_policies_by_sources_with_options(tmp_path: Path) -> None:
    arguments = (
        f"evaluate {written(tmp_path)} --evaluator last_number --evaluator keywords"
        " --option keywords.any_of=[please] --out scores.json"
    )
    done = harness(*arguments.split(), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = json.loads((tmp_path / "scores.json").read_text())["scores"]
    means = {(row["evaluator"], row["policy"]): row["value"] for row in rows}
    assert means[("last_number", "base")] == means[("last_number", "tuned")] == 0.25
    assert (means[("keywords", "base")], means[("keywords", "tuned")]) == (0.0, 1.0)
    lines = [line.split() for line in done.stdout.splitlines()]
    shown = next(line for line in lines if line[:2] == ["last_number", "tuned"])
    assert "4/4" in shown
    assert "0.250" in shown


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("exact_match.any_of=[x]", ["'exact_match.any_of'", "sources: keywords"]),
        ("any_of=[x]", ["'any_of'", "NAME.key=value"]),
        ("keywords.any_off=[x]", ["any_off: unknown option", "did you mean any_of?"]),
    ],
)
def test_a_wrong_option_of_an_evaluator_is_named(
    tmp_path: Path, option: str, words: list[str]
) -> None:
    arguments = f"evaluate {written(tmp_path)} --evaluator keywords --option {option}"
    done = harness(*arguments.split(), cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    for word in words:
        assert word in done.stderr


def test_train_passes_options_to_its_reward_sources() -> None:
    with open_rewards(
        {"keywords": 0.5}, {"keywords": {"any_of": ["please"]}}, Asking(None)
    ) as weighted:
        assert weighted is not None
        assert weighted.weights == {"keywords": 0.5}
        rewards = weighted.functions["keywords"](
            prompts=["?", "?"],
            completions=["no", "please"],
            completion_ids=[[1], [2]],
            item=[Item("a", "?"), Item("b", "?")],
        )
    assert rewards == [0.0, 1.0]
    with pytest.raises(ConfigError, match="for a source of this command"):
        options_of_sources(["last.x=1"], ["keywords"])
    assert weights_of(["keywords=0.5", "last_number"]) == {"keywords": 0.5, "last_number": 1.0}
    for wrong, words in (["a=1", "a"], "given twice"), (["a=x"], "not a number"):
        with pytest.raises(ConfigError, match=words):
            weights_of(wrong)

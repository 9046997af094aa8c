"""Any name of a model works wherever one is asked for; what is none is told at once."""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

import harness
from harness.chat import hub
from harness.chat.client import Client
from harness.chat.local_weights import EMBEDDED, beside, embedded_file, is_local, located
from harness.cli.main import main
from harness.experiment.experiment import Experiment
from harness.nouns.errors import ConfigError, InputError
from harness.nouns.schema import Item

constants = pytest.importorskip("huggingface_hub.constants")


@pytest.fixture(autouse=True)
def nothing_is_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Any]:
    """No network; a connection that is tried is noted. The working directory has checkpoints."""
    tried: list[Any] = []

    def refuse(place: Any, *_: Any, **__: Any) -> Any:
        tried.append(place)
        raise OSError("no network")

    hub._answers.cache_clear()
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "https://hub.invalid")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    for name in ("arithmetic_policy", "run/policies/dpo-seed0/final", "smol"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "config.json").write_text("{}")
    (tmp_path / "lora").mkdir()
    (tmp_path / "lora" / "adapter_config.json").write_text("{}")
    (tmp_path / "empty").mkdir()
    (tmp_path / "file.txt").write_text("no model")
    kept = tmp_path / "cache" / "models--org--kept"
    (kept / "refs").mkdir(parents=True)
    (kept / "snapshots" / "1").mkdir(parents=True)
    (kept / "snapshots" / "1" / "config.json").write_text("{}")
    (kept / "refs" / "main").write_text("1")
    return tried


RIGHT = {
    "arithmetic_policy": "arithmetic_policy",
    "./arithmetic_policy": "arithmetic_policy",
    "arithmetic_policy/": "arithmetic_policy",
    "run/policies/dpo-seed0/final": "run/policies/dpo-seed0/final",
    "local/arithmetic_policy": "arithmetic_policy",
    "local/./arithmetic_policy": "arithmetic_policy",
    "local/run/policies/dpo-seed0/final": "run/policies/dpo-seed0/final",
    "lora": "lora",
    "org/kept": "org/kept",
    "local/org/kept": "org/kept",
}

WRONG = {
    # what is asked for, and the words of the error
    "arithmetic_polcy": ["no such model folder", "did you mean arithmetic_policy?"],
    "./arithmetic_polcy": ["no such model folder", "did you mean arithmetic_policy?"],
    "run/policies/dpo-seed0/fnal": ["no such model folder", "run/policies/dpo-seed0/final?"],
    "run/polices": ["no such model folder", "did you mean run/policies?"],
    "run/policies/dpo-seed0": ["no transformers checkpoint", "run/policies/dpo-seed0/final?"],
    "empty": ["no transformers checkpoint"],
    "file.txt": ["no such model folder"],
    "/absent/model": ["no such model folder"],
    "~/absent/model": ["no such model folder"],
    "a/b/c": ["no such model folder"],
    "org/absent": ["no such model folder", "the hub of models cannot be reached"],
    "gpt3": ["the hub of models cannot be reached"],
    "local/org/absent": ["org/absent", "the hub of models cannot be reached"],
    "local/smollm2-135m-instrct": ["did you mean local/smollm2-135m-instruct?"],
    "smollm2-135m-instruct": ["did you mean local/smollm2-135m-instruct?"],
    "openai/gpt-4o-mini": ["no such model folder", "harness respond --chat"],
    "": ["no name of a model"],
    " ": ["no name of a model"],
    "a name with spaces": ["no such model folder"],
    "x" * 5000: ["no such model folder"],
    "x\0y": ["no such model folder"],
    "x\0/y": ["no such model folder"],
    "/" + "x" * 300 + "/y": ["no such model folder"],
    "local/": ["no name of a model"],
}


@pytest.mark.parametrize("name", RIGHT)
def test_every_name_of_a_model_is_found(name: str) -> None:
    assert Path(located(name)) == Path(RIGHT[name])


def test_the_folder_of_the_experiment_goes_first(tmp_path: Path) -> None:
    for name in ("policy", "here/policy"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "config.json").write_text("{}")
    assert located("policy", tmp_path / "here") == str(tmp_path / "here" / "policy")
    assert located("local/policy", tmp_path / "here") == str(tmp_path / "here" / "policy")
    with pytest.raises(ConfigError, match=r"did you mean policy\?"):
        located("./polcy", tmp_path / "here")


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_model_is_told_at_once(name: str, nothing_is_asked: list[Any]) -> None:
    with pytest.raises(ConfigError) as error:
        located(name)
    for words in WRONG[name]:
        assert words in str(error.value)
    assert len(nothing_is_asked) <= 1  # one knock at the hub, never its library's many


def test_a_hub_that_does_not_answer_is_knocked_at_once(nothing_is_asked: list[Any]) -> None:
    for name in ("org/absent", "org/other", "gpt3"):
        with pytest.raises(ConfigError):
            located(name)
    assert nothing_is_asked == [("hub.invalid", 443)]


def test_offline_is_believed_and_a_proxy_is_asked(
    monkeypatch: pytest.MonkeyPatch, nothing_is_asked: list[Any]
) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    assert not hub.answers() and nothing_is_asked == [("127.0.0.1", 9)]
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    hub._answers.cache_clear()
    assert not hub.answers() and len(nothing_is_asked) == 1


def ways(name: str, folder: Path) -> dict[str, Any]:
    """Everything that asks for a model of weights."""
    (folder / "items.jsonl").write_text('{"id": "a", "prompt": "2+2?"}\n')
    (folder / "held.jsonl").write_text('{"id": "b", "prompt": "3+2?"}\n')
    (folder / "rows.jsonl").write_text('{"prompt": "2+2?", "completion": "4"}\n')
    content = {
        "name": "x",
        "data": {"train": {"file": "items.jsonl"}, "evaluation": {"file": "held.jsonl"}},
        "policy": {"model": name},
        "sources": {"v": {"use": "last_number"}},
        "arms": {"a": {"sources": ["v"], "trainer": "grpo"}},
        "evaluation": {"evaluators": ["v"]},
    }
    (folder / "experiment.yaml").write_text(json.dumps(content))
    items = [Item("a", "2+2?")]
    settings = harness.RespondSettings(base=name)
    return {
        "run": lambda: Experiment.read(folder / "experiment.yaml"),
        "respond": lambda: harness.respond(name, items),
        "respond --base": lambda: harness.respond("arithmetic_policy", items, settings),
        "train": lambda: harness.train("sft", name, [{"prompt": "?", "completion": "4"}], "out"),
        "judge": lambda: Client(None).check(f"local/{name}"),
    }


@pytest.mark.parametrize("way", ["run", "respond", "respond --base", "train", "judge"])
@pytest.mark.parametrize("name", ["arithmetic_polcy", "org/absent", "run/policies/dpo-seed0"])
def test_every_way_tells_a_wrong_name_before_it_works(
    way: str, name: str, tmp_path: Path, nothing_is_asked: list[Any]
) -> None:
    with pytest.raises(InputError) as error:
        ways(name, tmp_path)[way]()
    assert "model folder" in str(error.value) or "checkpoint" in str(error.value)
    assert len(nothing_is_asked) <= 1 and not (tmp_path / "out").exists()


def test_the_command_says_it_in_a_few_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ways("arithmetic_polcy", tmp_path)
    for words in (
        "run experiment.yaml",
        "respond --model org/absent --items items.jsonl --out o",
        "train --trainer sft --model arithmetic_polcy --data rows.jsonl --out o",
    ):
        with patch.object(sys, "argv", ["harness", *words.split()]):
            with pytest.raises(SystemExit) as stop:
                main()
        shown = capsys.readouterr().err
        assert stop.value.code == 2 and len(shown.splitlines()) <= 3 and "hint" in shown


@pytest.mark.parametrize(
    ("name", "local"),
    [
        ("local/x", True), ("./smol", True), ("smol", True), ("/a/b", True), ("~/m", True),
        ("run/policies/dpo-seed0/final", True), ("lora", True),
        ("openai/gpt-4o", False), ("gpt-4o", False), ("empty", False), ("x" * 5000, False),
    ],
)  # fmt: skip
def test_a_folder_is_a_judge_s_model_too(name: str, local: bool) -> None:
    assert is_local(name) is local


def test_a_judge_s_folder_is_beside_the_experiment(tmp_path: Path) -> None:
    assert beside(tmp_path, "smol") == f"local/{tmp_path / 'smol'}"
    assert beside(tmp_path, "local/smol") == f"local/{tmp_path / 'smol'}"
    for other in ("openai/gpt-4o", f"local/{EMBEDDED}", "local/org/kept", ""):
        assert beside(tmp_path, other) == other


def test_a_name_without_provider_says_how_to_load_it_here() -> None:
    with pytest.raises(ConfigError) as error:
        Client(None).check("HuggingFaceTB/SmolLM2")
    assert "local/ before the hub id or folder" in str(error.value)


@pytest.mark.slow
def test_the_embedded_model_is_a_policy_too(monkeypatch: pytest.MonkeyPatch) -> None:
    if embedded_file() is None:
        pytest.skip("the embedded model is not installed")
    found = harness.respond(
        f"local/{EMBEDDED}", [Item("a", "Say yes.")], harness.RespondSettings(max_new_tokens=2)
    )
    assert len(found) == 1 and found[0].text

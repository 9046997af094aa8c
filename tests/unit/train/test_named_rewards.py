"""Reward functions by ``module:function``, given as functions, and made of sources."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness_plugins.last_number import last_number

import harness
from harness.cli.options import options_of_sources
from harness.experiment.context import Asking
from harness.experiment.rewards import open_rewards
from harness.nouns.errors import ConfigError, HarnessError, InputError, PluginError
from harness.nouns.yaml_file import parse_yaml
from harness.train.imported import imported, is_import
from harness.train.other_forms import notes_on

SOURCE = """
from harness.plugin import verifier

def length(completions, **columns):
    return [float(len(text)) for text in completions]

class Rule:
    def __call__(self, completions, **columns):
        return [1.0 for _ in completions]

rule = Rule()
number = 3

@verifier(name="short", version="1")
def short(item, response):
    return len(response.text) < 3
"""


@pytest.fixture(autouse=True)
def _modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "my_rewards.py").write_text(SOURCE)
    (tmp_path / "broken_rewards.py").write_text("import no_such_thing\n")
    (tmp_path / "worse_rewards.py").write_text("x = 1 / 0\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield
    for name in ("my_rewards", "broken_rewards", "worse_rewards"):
        sys.modules.pop(name, None)


CALLED = {"prompts": ["a", "b"], "completions": ["xy", "xyz"], "completion_ids": [[1], [2]]}

WRONG = {
    "my_rewards:lenght": (InputError, "has no 'lenght'.*did you mean length"),
    "my_rewards:number": (ConfigError, "of type int"),
    "my_rewards:Rule": (ConfigError, "is a class.*my_rewards:reward"),
    "my_rewards.py:length": (InputError, "my_rewards:length"),
    "no_rewards:length": (InputError, "no module no_rewards.*no_rewards.py"),
    "my_rewards.sub:length": (InputError, "my_rewards.sub"),
    "broken_rewards:f": (InputError, "No module named 'no_such_thing'.*broken_rewards.py:1"),
    "worse_rewards:f": (InputError, "ZeroDivisionError.*worse_rewards.py:1"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_imported_is_said(name: str) -> None:
    kind, words = WRONG[name]
    with pytest.raises(kind, match=f"(?s){words}"):
        imported(name)


def test_names_of_folders_and_sources_are_no_imports() -> None:
    assert is_import("a.b_c:d") and is_import("rewards.py:f")
    for name in ("last_number", "rm1/final", "C:/models/rm", "a:", ":b", "a:b:c", "a b:c", "a:b.c"):
        assert not is_import(name)


def test_functions_by_name_have_weights_and_their_own_names() -> None:
    weights = {"my_rewards:length": 0.5, "my_rewards:rule": 2.0, "my_rewards:short": 1.0}

    def length(completions: Any, **columns: Any) -> list[float]:
        return [100.0] * len(completions)

    with open_rewards(weights, {}, Asking(None), [length]) as rewards:
        assert rewards is not None
        assert list(rewards.functions) == ["length", "Rule", "my_rewards:short", "length_2"]
        assert rewards(**CALLED, item=[harness_item("a"), harness_item("b")]) == [104.0, 103.5]
    for wrong, words in (length(completions=[]), "completions"), (dict, "completions"):
        with (
            pytest.raises(ConfigError, match=words),
            open_rewards({}, {}, Asking(None), [wrong]),  # type: ignore[list-item]
        ):
            pass


def test_a_function_with_the_name_of_a_source_or_a_folder_gets_a_number(tmp_path: Path) -> None:
    (tmp_path / "my_rewards.py").write_text(
        "def last_number(completions, **columns):\n    return [0.0] * len(completions)\n"
    )
    for weights in (
        {"my_rewards:last_number": 1.0, "last_number": 2.0},
        {"last_number": 2.0, "my_rewards:last_number": 1.0},
    ):
        with open_rewards(weights, {}, Asking(None)) as rewards:
            assert rewards is not None
            assert rewards.weights == {"last_number": 2.0, "last_number_2": 1.0}


def harness_item(name: str) -> Any:
    from harness.plugin import Item

    return Item(name, "?")


def test_a_source_is_a_reward_function_of_trl() -> None:
    columns = {"reference": ["5", "6", None], "trainer_state": None, "level": [1, 2, 3]}
    texts = ["It is 5.", "It is 5.", "It is 5."]
    chats = [[{"role": "assistant", "content": text}] for text in texts]
    asked = [[{"role": "user", "content": "2+3?"}]] * 3
    assert harness.reward_function("last_number").__name__ == "last_number"
    with harness.reward_function(last_number) as reward:
        assert reward.__name__ == "last_number"
        for prompts, completions in (["2+3?"] * 3, texts), (asked, chats):
            found = reward(
                prompts=prompts, completions=completions, completion_ids=[[1]] * 3, **columns
            )
            assert found == [1.0, 0.0, None]


def test_a_source_that_cannot_be_a_reward_is_refused() -> None:
    with pytest.raises(PluginError, match="last_number"):
        harness.reward_function("last_numbr")
    with pytest.raises(PluginError, match="option"):
        harness.reward_function("last_number", {"no": 1})
    for limits in ({"concurrency": 0}, {"budget": math.nan}, {"timeout_s": -1}):
        with pytest.raises(ConfigError):
            harness.reward_function("last_number", **limits)  # type: ignore[arg-type]


def test_reward_functions_that_are_none_are_said(tmp_path: Path) -> None:
    for wrong in ("my_rewards:length", 3, {"a": 1}, [3], [dict]):
        with pytest.raises(ConfigError, match=r"reward.func"):
            harness.train("ppo", "m", [{"prompt": "a"}], tmp_path / "o", {"reward_funcs": wrong})


def test_columns_that_reward_functions_are_given_are_not_called_unused() -> None:
    rows = [{"prompt": "a", "level": 1}]
    assert notes_on(rows, ("prompt",)) == ["a column is not used: level"]
    assert notes_on(rows, ("prompt",), all_are_read=True) == []


@pytest.mark.slow
def test_functions_of_a_module_and_functions_train(tmp_path: Path, repo_root: Path) -> None:
    policy = str(repo_root / "examples" / "arithmetic_policy")
    rows = [{"prompt": f"What is {a}+3?"} for a in range(4)]
    values = {"steps": 1, "rollout_size": 4, "batch_size": 4, "max_new_tokens": 3}

    def two(completions: Any, **columns: Any) -> list[float]:
        return [2.0] * len(completions)

    for settings, name, mean in (
        ({"reward_funcs": two}, "two", 2.0),
        ({"rewards": {"my_rewards:rule": 0.5}}, "Rule", 1.0),
    ):
        out = tmp_path / name
        harness.train("ppo", policy, rows, out, {"values": values, **settings})
        row = (out / "log.jsonl").read_text()
        assert f'"reward/{name}": {mean}' in row
    with pytest.raises(HarnessError, match="takes no rewards"):
        harness.train(
            "sft", policy, [{"prompt": "a", "completion": "b"}], tmp_path / "s",
            {"reward_funcs": [two]},
        )  # fmt: skip


COMBINED: list[tuple[str, dict[str, Any], int, Any]] = [
    # option, its values, members of the reward model, how they are combined or what is wrong
    ("many", {}, 2, None),
    ("many", {"combine": "worst"}, 2, "worst"),
    ("many", {"combine": "lower_bound"}, 3, "lower_bound"),
    ("many", {"combine": "mean"}, 2, "mean"),
    ("many", {"combine": "worse"}, 2, "combine is 'worse'.*\n.*did you mean worst"),
    ("many", {"combine": None}, 2, "combine is None"),
    ("many", {"combine": ["worst"]}, 2, "combine is"),
    ("many", {"combin": "worst"}, 2, "options of .*many: combin\n.*has combine only"),
    ("many", {"combine": "worst"}, 1, "is for ensembles, and it is one model"),
    ("many", {"clip": 3}, 1, "has combine only"),
    ("other", {"combine": "worst"}, 2, "which is no source among the rewards"),
]


@pytest.mark.parametrize(("asked", "values", "members", "right"), COMBINED)
def test_an_ensemble_is_combined_as_its_option_says(
    asked: str,
    values: dict[str, Any],
    members: int,
    right: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def reward_model(path: str, *, combine: Any) -> Any:
        return lambda **_: [combine]

    monkeypatch.setattr("harness.train.reward_model.RewardModelReward", reward_model)
    folder = tmp_path / "v1.2" / "many"
    for number in range(members if members > 1 else 0):
        (folder / f"member-{number:02}").mkdir(parents=True)
    folder.mkdir(parents=True, exist_ok=True)
    options = options_of_sources(
        [f"{folder}.{key}={value}" for key, value in values.items()], [str(folder)]
    )
    assert options == {str(folder): {key: parse_yaml(str(v)) for key, v in values.items()}}
    options = {str(folder.with_name(asked)): values}
    opened = open_rewards({str(folder): 1.0}, options, Asking(None))
    if asked == "many" and (right is None or right in ("mean", "worst", "lower_bound")):
        with opened as rewards:
            assert rewards is not None
            assert rewards.functions["many"]() == [right]
        return
    with pytest.raises(ConfigError, match=right), opened:
        pass


def test_functions_have_weights_in_their_order() -> None:
    def second(completions: list[str], **columns: Any) -> list[float]:
        return [10.0 for _ in completions]

    given = [imported("my_rewards:length"), second]
    with open_rewards({"my_rewards:rule": 3}, {}, Asking(None), given, [0.5, 2]) as rewards:
        assert rewards is not None
        assert rewards.weights == {"Rule": 3, "length": 0.5, "second": 2}
        assert rewards(**CALLED) == [3 + 1 + 20, 3 + 1.5 + 20]
    for weights, wrong in {
        (1.0,): r"reward_weights has 1 numbers for 2 reward functions.*one number for each",
        (1.0, -0.5): r"the weight of reward second is -0\.5.*returned as a negative number",
        (0, 0): "no reward has a weight above 0",
    }.items():
        with (
            pytest.raises(ConfigError, match=f"(?s){wrong}"),
            open_rewards({}, {}, Asking(None), given, weights),
        ):
            pass

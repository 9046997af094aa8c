"""Wrong rows, rewards, folders and settings of a training: one clear error, before it begins."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.experiment.context import Asking
from harness.experiment.rewards import open_rewards
from harness.experiment.stages.train_files import train
from harness.nouns.errors import ConfigError, DataError, InputError
from harness.policy.weights import check_apart
from harness.train.log import read_log
from harness.train.reward_function import WeightedRewards
from harness.train.rows import plain_rows
from harness.train.trainers import train as library

PAIR = {"prompt": "a", "chosen": "b", "rejected": "c"}
PAIRS = ("prompt", "chosen", "rejected")


def problems(rows: Sequence[Any], columns: Sequence[str]) -> tuple[str, ...]:
    with pytest.raises(DataError) as wrong:
        plain_rows(rows, columns, "rows")
    return wrong.value.details


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, -math.inf, 1.5, -0.5, "high", "0,9", True, [1.0], 10**400]
)
def test_a_probability_is_a_number_from_0_to_1(value: Any) -> None:
    found = problems([PAIR | {"probability": 0.5}, PAIR | {"probability": value}], PAIRS)
    assert found == (f"row 2: probability must be a number from 0 to 1, got {value!r:.40}",)


def test_every_probability_that_is_one_is_taken() -> None:
    import numpy as np

    values = (0, 1, 0.0, 1.0, 0.3, np.float32(0.5), np.float64(0.5))
    plain_rows([PAIR, *(PAIR | {"probability": value} for value in values)], PAIRS, "rows")
    plain_rows([{"prompt": "a", "probability": "of rain"}], ["prompt"], "rows")  # another's column


@pytest.mark.parametrize("value", [4, 1.5, True, b"text", {"a": 1}])
def test_texts_are_texts(value: Any) -> None:
    for column in ("completion", "chosen", "rejected"):
        row = {"prompt": "a", column: value}
        assert problems([row], ["prompt", column]) == (
            f"row 1: column {column!r} must be a text or a chat, got {value!r}",
        )


@pytest.mark.parametrize(
    ("prompt", "reason"),
    [
        (4, "a prompt is text or a list of messages, got 4"),
        ({"role": "user"}, "a prompt is text or a list of messages, got {'role': 'user'}"),
        (["a"], "a message has a role and a content, both text, got 'a'"),
        ([{"role": "user"}], "a message has a role and a content, both text, got {'role': 'user'}"),
    ],
)
def test_a_prompt_is_a_text_or_messages(prompt: Any, reason: str) -> None:
    assert problems([{"prompt": prompt}], ["prompt"]) == (f"row 1: column 'prompt': {reason}",)


def test_messages_are_prompts() -> None:
    message = {"role": "user", "content": "a"}
    plain_rows([{"prompt": [message]}, {"prompt": (message,)}], ["prompt"], "rows")


def test_a_row_is_an_object() -> None:
    for row in ("prompt", 3, None, ["a"]):
        assert problems([row], ["prompt"]) == (f"row 1: is no object of columns, got {row!r}",)


@pytest.mark.parametrize("trainer", ["dpo", "reward_model"])
def test_the_error_names_file_and_line(trainer: str, tmp_path: Path) -> None:
    """Lines as an editor counts them, the empty ones too; the model is not even looked for."""
    path = tmp_path / "pairs.jsonl"
    lines = [json.dumps(PAIR), "", json.dumps(PAIR | {"probability": 1.5})]
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(DataError) as wrong:
        train(trainer, "absent/or/not", path, tmp_path / "out")
    assert wrong.value.where == str(path)
    assert wrong.value.details == ("line 3: probability must be a number from 0 to 1, got 1.5",)
    assert not (tmp_path / "out").exists()


def test_rows_may_come_from_anything_that_yields_them(policy_path: Path, tmp_path: Path) -> None:
    rows: list[Mapping[str, Any]] = [{"prompt": "1+1?", "completion": "2"}] * 2
    settings: Any = {"values": {"batch_size": 2}}
    found = train("sft", str(policy_path), (row for row in rows), tmp_path / "out", settings)
    assert found.steps == 1


def test_what_yields_no_rows_is_refused(tmp_path: Path) -> None:
    import pandas as pd

    for rows in (None, 3):
        with pytest.raises(DataError, match=f"rows are a table or a file of it, got {rows}"):
            train("sft", "absent/or/not", rows, tmp_path / "out")  # type: ignore[arg-type]
    table: Any = pd.DataFrame([{"prompt": "a", "completion": "b"}])
    with pytest.raises(DataError) as wrong:
        train("sft", "absent/or/not", table, tmp_path / "out")
    assert wrong.value.details[0] == "row 1: is no object of columns, got 'prompt'"
    assert "to_dict('records')" in wrong.value.hint


def test_arguments_of_another_kind_are_refused_by_name(tmp_path: Path) -> None:
    rows = [{"prompt": "a", "completion": "b"}]
    out = tmp_path / "out"
    settings: Any
    for settings, reason in (
        (3, "settings must be TrainSettings, or a dict of them, got 3"),
        ({"batch_size": 2}, "unknown settings: batch_size"),
        ({"values": None}, "must be a mapping of names to values, got None"),
        ({"values": {"batch_size": 0}}, "wrong training settings"),
    ):
        with pytest.raises(ConfigError) as wrong:
            train("sft", "absent/or/not", rows, out, settings)
        assert wrong.value.what == reason
    for trainer in (None, ["sft"], "sfd"):
        with pytest.raises(ConfigError, match="no trainer is named"):
            train(trainer, "absent/or/not", rows, out)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="model must be a text or a path, got None"):
        train("sft", None, rows, out)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="out must be a text or a path, got 3"):
        train("sft", "absent/or/not", rows, 3)  # type: ignore[arg-type]


def rewarded(out: Path, rewards: Any, options: Any = None, model: str = "absent/or/not") -> Any:
    given: Any = {"rewards": rewards, "options": options or {}}
    return train("best_of_n", model, [{"prompt": "1+1?", "reference": "2"}], out, given)


@pytest.mark.parametrize("weight", [math.nan, math.inf, -math.inf, -1.0, "1", True, None, [1]])
def test_a_weight_is_a_finite_number(weight: Any, tmp_path: Path) -> None:
    reason = f"the weight of reward last_number is {weight!r}, no finite number of at least 0"
    with pytest.raises(ConfigError) as wrong:
        rewarded(tmp_path / "out", {"last_number": weight, "exact_match": 1.0})
    assert wrong.value.what == reason
    with pytest.raises(ConfigError) as wrong:
        WeightedRewards({"last_number": len}, {"last_number": weight})
    assert wrong.value.what == reason


def test_a_weight_of_0_needs_another_above_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no reward has a weight above 0: a, b"):
        WeightedRewards({"a": len, "b": len}, {"a": 0, "b": 0.0})
    WeightedRewards({"a": len, "b": len}, {"a": 0})  # b has 1
    with pytest.raises(ConfigError, match="no reward has a weight above 0: last_number"):
        rewarded(tmp_path / "out", {"last_number": 0.0})


@pytest.mark.parametrize("rewards", [["last_number"], "last_number", None, {3: 1.0}])
def test_rewards_are_weights_by_name(rewards: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="rewards are weights by name, as") as wrong:
        rewarded(tmp_path / "out", rewards)
    assert wrong.value.what.endswith(f"got {rewards!r}")


def test_options_are_of_a_source_among_the_rewards(tmp_path: Path) -> None:
    options: Any
    for options, reason in (
        ({"last_numbr": {}}, "options of last_numbr, which is no source among the rewards"),
        (["x"], "options of rewards stand by name, got ['x']"),
        ({"last_number": 3}, "options of rewards stand by name, got {'last_number': 3}"),
    ):
        with pytest.raises(ConfigError) as wrong:
            rewarded(tmp_path / "out", {"last_number": 1.0}, options)
        assert wrong.value.what == reason
        assert "numbr" not in reason or wrong.value.hint == "did you mean last_number?"


@pytest.fixture(scope="module")
def reward_model(policy_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    settings: Any = {"values": {"held_out_share": 0.0, "batch_size": 2}}
    out = tmp_path_factory.mktemp("rm1")
    return train("reward_model", str(policy_path), [PAIR, PAIR], out, settings).checkpoint


def test_two_reward_models_are_both_in_the_log(
    reward_model: Path, policy_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every reward model lies in a folder that is called final; a folder may be called anything."""
    monkeypatch.chdir(tmp_path)
    for name in ("rm1/final", "rm2/final", "last_number"):
        shutil.copytree(reward_model, name)
    given = {"rm1/final": 1.0, "rm2/final": 2.0, "last_number": 1.0, "./last_number": 0.5}
    values = {"n": 2, "max_new_tokens": 4, "batch_size": 2}
    rows = [{"prompt": "1+1?", "reference": "2"}] * 4
    settings: Any = {"values": values, "rewards": given}
    found = train("best_of_n", str(policy_path), rows, tmp_path / "out", settings)
    first = read_log(found.log_path)[0]
    labels = ["rm1/final", "rm2/final", "last_number", f"{tmp_path.name}/last_number"]
    assert [key for key in first if key.startswith("coverage/")] == [
        f"coverage/{label}" for label in labels
    ]
    assert first["reward/rm1/final"] == first["reward/rm2/final"]
    with open_rewards({"rm1/final": 1.0}, {}, Asking(None)) as one:
        assert one is not None and list(one.functions) == ["final"]
    with (
        pytest.raises(ConfigError, match="given twice"),
        open_rewards({"rm1/final": 1.0, "./rm1/final/": 1.0}, {}, Asking(None)),
    ):
        pass
    with (
        pytest.raises(ConfigError, match="options of rm1/final: clip"),
        open_rewards({"rm1/final": 1.0}, {"rm1/final": {"clip": 1.0}}, Asking(None)),
    ):
        pass


@pytest.mark.parametrize(
    "content", [None, "", "{}", "[]", '{"score_mean": 0, "score_deviation": 0}']
)
def test_what_is_no_reward_model_is_one_error(
    content: str | None, reward_model: Path, policy_path: Path, tmp_path: Path
) -> None:
    """A policy, or a reward model whose figures are damaged; as a reward and as a critic."""
    broken = tmp_path / "broken"
    shutil.copytree(policy_path if content is None else reward_model, broken)
    if content is not None:
        (broken / "reward_model.json").write_text(content)
    rows = [{"prompt": "1+1?", "reference": "2"}]
    settings: Any = {"values": {"critic_from": str(broken)}, "rewards": {"last_number": 1.0}}
    for call in (
        lambda: rewarded(tmp_path / "out", {str(broken): 1.0}),
        lambda: train("ppo", str(policy_path), rows, tmp_path / "out", settings),
    ):
        with pytest.raises(InputError) as wrong:
            call()
        assert wrong.value.where == str(broken)
        assert wrong.value.what.startswith("this is no reward model: ")
        assert not (tmp_path / "out").exists()


def test_the_folder_above_a_reward_model_says_where_it_lies(
    reward_model: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError) as wrong:
        rewarded(tmp_path / "out", {str(reward_model.parent): 1.0})
    assert wrong.value.hint == f"it lies in {reward_model}"
    with pytest.raises(InputError, match="this is no reward model") as wrong:
        rewarded(tmp_path / "out", {str(tmp_path): 1.0})
    assert "harness train --trainer reward_model" in wrong.value.hint
    with pytest.raises(InputError, match="no such folder"):
        rewarded(tmp_path / "out", {"rm1/finl": 1.0})


def test_results_are_not_written_into_a_model(
    policy_path: Path, reward_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the same command again would find another base model, or the model would be gone."""
    monkeypatch.chdir(tmp_path)
    model, rewards = tmp_path / "model", tmp_path / "rewards"
    shutil.copytree(policy_path, model)
    shutil.copytree(reward_model, rewards)
    (tmp_path / "adapter").mkdir()
    adapter = {"base_model_name_or_path": str(model)}
    (tmp_path / "adapter" / "adapter_config.json").write_text(json.dumps(adapter))
    shutil.copytree(policy_path, tmp_path / "o" / "final")
    (tmp_path / "link").symlink_to(model)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    rows = [{"prompt": "1+1?", "completion": "2"}]
    for out, start in (
        ("model", "model"), ("model/a/b", "model"), ("link/a", str(model)), ("model/a", "link"),
        ("adapter/a", "adapter"), ("model/a", "adapter"),
    ):  # fmt: skip
        for refused in (
            lambda out=out, start=start: train("sft", start, rows, out),
            lambda out=out, start=start: library("sft", start, rows, {}, Path(out)),
        ):
            with pytest.raises(InputError, match="the output folder lies in the model's") as wrong:
                refused()
            assert wrong.value.where == out
    with pytest.raises(InputError, match="the training would overwrite the model o/final"):
        train("sft", "o/final", rows, "o")
    with pytest.raises(InputError, match="lies in the model's, rewards"):
        rewarded(tmp_path / "rewards" / "a", {"rewards": 1.0}, model=str(model))
    critic: Any = {"values": {"critic_from": "rewards"}, "rewards": {"last_number": 1.0}}
    with pytest.raises(InputError, match="lies in the model's, rewards"):
        train("ppo", "model", rows, "rewards/a", critic)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    check_apart(tmp_path / "beside", "model", "o/final", "absent", "rewards")
    check_apart(tmp_path / "o" / "beside", "o/final")
    check_apart(tmp_path / "model2", "model")

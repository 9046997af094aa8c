"""Wrong rows, rewards, folders and settings of a training: one clear error, before it begins."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.experiment.stages.train import train
from harness.nouns.errors import ConfigError, DataError, InputError
from harness.train.rows import check_rows

PAIR = {"prompt": "a", "chosen": "b", "rejected": "c"}
PAIRS = ("prompt", "chosen", "rejected")


def problems(rows: Sequence[Any], columns: Sequence[str]) -> tuple[str, ...]:
    with pytest.raises(DataError) as wrong:
        check_rows(rows, columns, "rows")
    return wrong.value.details


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, -math.inf, 1.5, -0.5, None, "high", "0.9", True, [1.0], 10**400]
)
def test_a_probability_is_a_number_from_0_to_1(value: Any) -> None:
    found = problems([PAIR | {"probability": 0.5}, PAIR | {"probability": value}], PAIRS)
    assert found == (f"row 2: probability must be a number from 0 to 1, got {value!r:.40}",)


def test_every_probability_that_is_one_is_taken() -> None:
    import numpy as np

    values = (0, 1, 0.0, 1.0, 0.3, np.float32(0.5), np.float64(0.5))
    check_rows([PAIR, *(PAIR | {"probability": value} for value in values)], PAIRS, "rows")
    check_rows([{"prompt": "a", "probability": "of rain"}], ["prompt"], "rows")  # another's column


@pytest.mark.parametrize("value", [4, 1.5, True, b"text", {"a": 1}, ["a"]])
def test_texts_are_texts(value: Any) -> None:
    for column in ("completion", "chosen", "rejected"):
        row = {"prompt": "a", column: value}
        assert problems([row], ["prompt", column]) == (
            f"row 1: column {column!r} must be a text, got {value!r}",
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
    check_rows([{"prompt": [message]}, {"prompt": (message,)}], ["prompt"], "rows")


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
        ({"values": None}, "settings of a trainer stand by name, got None"),
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

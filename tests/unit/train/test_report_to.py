"""Rows of the log go to trackers, too; a missing package is one error before training."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from small_ppo import SETTINGS
from trainings import changed, trained_by

from harness.nouns.errors import ConfigError
from harness.train.log import read_log
from harness.train.trainers import settings_of

ROWS = [{"prompt": f"{n}+3?"} for n in range(4)]


class Tracked:
    """What stands for all four packages, and keeps what they are told."""

    def __init__(self) -> None:
        self.begun: dict[str, Any] = {}
        self.logged: dict[str, dict[int, dict[str, float]]] = {}
        self.ended: list[str] = []

    def run(self, name: str) -> Any:
        rows = self.logged.setdefault(name, {})

        def scalar(key: str, value: float, global_step: int) -> None:
            rows.setdefault(global_step, {})[key] = value

        return SimpleNamespace(
            log=lambda values, step: rows.update({step: values}),
            add_scalar=scalar,
            add_hparams=lambda *_, **__: None,
            flush=lambda: None,
            finish=lambda: self.ended.append(name),
            close=lambda: self.ended.append(name),
        )


@pytest.fixture
def tracked(monkeypatch: pytest.MonkeyPatch) -> Tracked:
    found = Tracked()

    def module(name: str, **attributes: Any) -> None:
        made = ModuleType(name)
        made.__spec__ = ModuleSpec(name, None)
        for key, value in attributes.items():
            setattr(made, key, value)
        monkeypatch.setitem(sys.modules, name, made)

    def begin(name: str) -> Any:
        def init(project: str, **more: Any) -> Any:
            found.begun[name] = (project, more["name"])
            return found.run(name)

        return init

    config = SimpleNamespace(update=lambda *_, **__: None)
    for name in ("wandb", "trackio"):
        module(name, init=begin(name), config=config, finish=lambda n=name: found.ended.append(n))
    module("tensorboard")
    module("torch.utils.tensorboard", SummaryWriter=lambda folder: found.run("tensorboard"))
    of_mlflow = found.run("mlflow")
    limits = SimpleNamespace(MAX_PARAM_VAL_LENGTH=500, MAX_PARAMS_TAGS_PER_BATCH=100)
    module(
        "mlflow",
        search_experiments=lambda filter_string: [],
        create_experiment=lambda name, **_: found.begun.update(mlflow=name),
        start_run=lambda **_: None,
        log_params=lambda values: None,
        log_metrics=of_mlflow.log,
        end_run=of_mlflow.finish,
        utils=SimpleNamespace(validation=limits),
    )
    return found


def reward(prompts: Any, **_: Any) -> list[float]:
    return [1.0] * len(prompts)


def test_every_row_goes_to_each_tracker(
    tracked: Tracked, policy_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_PROJECT", "mine")
    names = ["tensorboard", "trackio", "wandb", "mlflow"]
    settings = changed(SETTINGS, steps=2, max_new_tokens=2, report_to=tuple(names))
    rows: list[dict[str, Any]] = []
    result = trained_by(
        "ppo", policy_path, ROWS, settings, tmp_path / "run", {"r": reward}, on_step=rows.append
    )
    log = read_log(result.log_path)
    assert [row["step"] for row in rows] == [1, 2]
    for name in names:
        assert list(tracked.logged[name]) == [1, 2], name
        for row in log:
            told = tracked.logged[name][row["step"]]
            assert told["reward/r"] == 1.0 and told["kl_token"] == row["kl_token"]
            assert all(isinstance(value, float) for value in told.values())
    assert sorted(tracked.ended) == sorted(names)
    assert tracked.begun["wandb"] == ("mine", "run")
    assert tracked.begun["trackio"] == ("feedback-harness", "run")
    tracked.logged.clear()
    plain = changed(settings, report_to=())  # whom it is told changes no training
    again = trained_by("ppo", policy_path, ROWS, plain, tmp_path / "run", {"r": reward})
    assert again == result and not tracked.logged


def test_what_is_missing_is_one_error_before_anything_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if "b" in name else object())
    with pytest.raises(ConfigError) as wrong:
        trained_by(
            "sft",
            "absent/model",
            [{"prompt": "a", "completion": "b"}],
            {"report_to": ["wandb", "tensorboard", "mlflow"]},
            tmp_path / "out",
        )
    assert wrong.value.what == "report_to: wandb, tensorboard are not installed"
    assert wrong.value.hint == "pip install wandb tensorboard"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("given", "names"),
    [("wandb", ("wandb",)), (["mlflow", "wandb"], ("mlflow", "wandb")), ("none", ()), ([], ())],
)
def test_one_name_or_several(given: Any, names: tuple[str, ...]) -> None:
    assert settings_of("ppo", {"report_to": given}, "").report_to == names

"""What an earlier try has done is no speed, and a verifier that hangs costs what it is given."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from hanging_verifier import hangs
from tiny_experiment import config
from typer.testing import CliRunner

from harness.cli import screen
from harness.cli.main import app, register
from harness.experiment.experiment import Experiment
from harness.experiment.run import Run
from harness.experiment.sources import Sources
from harness.experiment.stages.audit import audit_verifier, find_verifier
from harness.experiment.stages.evaluate_files import EvaluateSettings, evaluate
from harness.experiment.stages.judge import JudgeSettings, judge
from harness.experiment.stages.look import FEW, LOOK_S
from harness.nouns.errors import ConfigError
from harness.nouns.outcomes import Status
from harness.nouns.schema import Item, Response
from harness.records.journal import Journal
from harness.records.run_directory import RunDirectory
from harness.registry import registry

ITEMS = [Item(str(n), "?", "yes") for n in range(6)]
RESPONSES = [Response(f"r{n}", str(n), "s", "yes") for n in range(6)]


class Moves:
    """A bar that remembers."""

    def __init__(self) -> None:
        self.total = 0
        self.moves: list[tuple[int, bool]] = []

    def __call__(self, title: str, total: int) -> Any:
        self.total = total

        def move(count: int, *, kept: bool = False) -> None:
            self.moves.append((count, kept))

        return move


def test_what_was_kept_is_told_first_and_as_such(tmp_path: Path) -> None:
    settings = JudgeSettings(journal=tmp_path / "j.sqlite")
    bars = [Moves(), Moves(), Moves()]
    judge("exact_match", ITEMS[:4], RESPONSES[:4], settings, bars[0])
    judge("exact_match", ITEMS, RESPONSES, settings, bars[1])
    judge("exact_match", ITEMS, RESPONSES, settings, bars[2])
    assert [bar.total for bar in bars] == [4, 6, 6]
    new = (1, False)
    assert [bar.moves for bar in bars] == [[new] * 4, [(4, True), new, new], [(6, True)]]


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The bars that are shown, for a look at their tasks."""
    found: list[Any] = []
    make = screen.progress

    @contextmanager
    def progress(quiet: bool = False) -> Iterator[Any]:
        with make(quiet) as (bars, trainings):
            found.append(bars)
            yield bars, trainings

    monkeypatch.setattr(screen, "progress", progress)
    return found


def rate(bars: Any, name: str = "Rate") -> str:
    (task,) = bars.tasks
    (column,) = [c for c in bars.columns if type(c).__name__ == name]
    return str(column.render(task))


def keep_time(bars: Any, now: list[float]) -> None:
    """Let the bar's only task have begun at 0 by a clock of the test."""
    (task,) = bars.tasks
    task.start_time, task._get_time = 0.0, lambda: now[0]


def left(bars: Any) -> str:
    return rate(bars, "Left")


def test_the_rate_is_that_of_what_was_done_now(shown: list[Any]) -> None:
    now = [0.0]
    with screen.bars() as start:
        move = start("judging", 1000)
        keep_time(shown[0], now)
        for _ in range(900):
            move(1, kept=True)
        assert shown[0].tasks[0].completed == 900 and rate(shown[0]) == ""
        assert left(shown[0]) == "-:--:--"
        for _ in range(10):
            now[0] += 1.0
            move(1)
        assert shown[0].tasks[0].completed == 910 and rate(shown[0]) == "1.0/s"
        assert left(shown[0]) == "0:01:30"


def test_what_comes_all_at_once_took_its_time(shown: list[Any]) -> None:
    now = [0.0]
    with screen.bars() as start:
        move = start("judging", 64)
        keep_time(shown[0], now)
        now[0] = 4.0
        for _ in range(32):
            move(1)
        assert (rate(shown[0]), left(shown[0])) == ("8.0/s", "0:00:04")
        for _ in range(32):
            move(1)
        assert (rate(shown[0]), left(shown[0])) == ("16.0/s", "0:00:00")


def test_no_rate_is_shown_where_all_was_kept(shown: list[Any]) -> None:
    with screen.bars() as start:
        move = start("judging", 100)
        for _ in range(100):
            move(1, kept=True)
        assert shown[0].tasks[0].completed == 100 and rate(shown[0]) == ""


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> None:
    """Offer a verifier that hangs, and has no limit of its own."""
    found = registry()
    monkeypatch.setitem(cast(dict[str, Any], found.sources), "hangs", hangs)
    monkeypatch.setitem(cast(dict[str, Any], found.origins), "hangs", found.origins["command"])


@pytest.mark.usefixtures("hanging")
def test_a_verifier_that_hangs_costs_what_it_is_given() -> None:
    settings = JudgeSettings(timeout_s=0.2)
    (judged,) = judge("hangs", ITEMS[:1], RESPONSES[:1], settings).judgments
    assert judged.verdict.status is Status.TIMEOUT
    assert judged.verdict.rationale == "took longer than 0.2 s"
    labelled = [Response("r0", "0", "s", "yes", {"label": True})]
    audit = audit_verifier(find_verifier("hangs", {}), ITEMS[:1], labelled, timeout_s=0.2)
    assert audit.confusion.without == {"timeout": 1}
    told = EvaluateSettings(timeout_s=0.2)
    (row,) = evaluate(ITEMS[:1], {"base": RESPONSES[:1]}, ["hangs"], told)["scores"]
    assert row["failures"] == {"timeout": 1}


def test_an_experiment_has_the_limit_of_its_file(tmp_path: Path) -> None:
    cases: list[tuple[dict[str, int], float, float]] = [
        ({}, 60.0, LOOK_S), ({"timeout": 7}, 7.0, 7.0), ({"timeout": 60}, 60.0, 60.0),
    ]  # fmt: skip
    for given, right, at_first in cases:
        read = config(**given)
        experiment = Experiment(read, tmp_path, "", Sources(read, tmp_path), (), (), "")
        with Journal(tmp_path / "journal.sqlite") as journal:
            run = Run(experiment, RunDirectory(tmp_path), journal)
            assert (run._asking.timeout_s, run._looking.timeout_s) == (right, at_first)
    for wrong in (0, -1, float("inf"), float("nan"), "soon"):
        with pytest.raises(ValueError, match="timeout"):
            config(timeout=wrong)


def test_on_two_cores_a_verifier_that_hangs_is_known_in_the_first_minute() -> None:
    assert FEW / 2 * LOOK_S < 60


@pytest.mark.usefixtures("hanging")
def test_the_command_takes_the_limit(tmp_path: Path) -> None:
    files = [tmp_path / "items.jsonl", tmp_path / "responses.jsonl", tmp_path / "out.jsonl"]
    files[0].write_text(json.dumps({"id": "0", "prompt": "?", "reference": "yes"}))
    files[1].write_text(json.dumps({"id": "r", "item_id": "0", "system": "s", "text": "yes"}))
    named = [f"--{n}={f}" for n, f in zip(("items", "responses", "out"), files, strict=True)]
    register()
    words = ["judge", "--source=hangs", *named, "--timeout=0.2", "--quiet"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 1 and "took longer than 0.2 s" in str(done.exception), done.output
    for wrong in ("0", "-1", "nan", "inf"):
        assert CliRunner().invoke(app, [*words, f"--timeout={wrong}"]).exit_code != 0


@pytest.mark.parametrize("seconds", [0, -1, float("inf"), float("nan"), "3"])
def test_a_limit_that_is_none_is_refused(seconds: Any) -> None:
    with pytest.raises(ConfigError, match="timeout must be a number of seconds above 0"):
        judge("exact_match", ITEMS, RESPONSES, JudgeSettings(timeout_s=seconds))

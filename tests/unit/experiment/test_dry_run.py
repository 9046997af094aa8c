"""``harness run --dry-run`` says what a run is going to do, and does nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from typer.testing import CliRunner

from harness.cli.main import app, register
from harness.experiment.experiment import Experiment
from harness.experiment.stages.plan import PlannedSource, plan

if TYPE_CHECKING:
    from conftest import World


def test_what_is_planned_is_what_is_done(whole: World) -> None:
    found = plan(Experiment.read(whole.write()))
    assert {one[0] for one in whole.happened()} == {"check"} and not whole.out.exists()
    assert {(one.name, one.part): one.requests for one in found.sources} == {
        ("people", "training"): 6,  # one pair of six says the same, which nobody knows before
        ("jury", "training"): 6,
        ("critic", "training"): 3,
        ("verifier", "training"): 18,
        ("grader", "training"): 18,
        ("exam", "evaluation"): 112,
        ("grader", "evaluation"): 112,
        ("twin", "evaluation"): 112,
    }
    assert found.sampled == 18 + 112  # with a seventh policy, that of the arm that the gates drop
    assert (found.trainings, found.asking, found.parameters) == (12, ["rlvr"], None)
    report = whole.run()
    assert sum(p["responses"] for p in report["evaluation"]["policies"]) == 96


def test_calls_and_dollars_of_judges_are_told(
    whole: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    options = {
        "model": "openai/m", "rubric": "helpfulness", "input_cost_per_token": 0.001,
        "output_cost_per_token": 0.001,
    }  # fmt: skip
    sources = {**whole.experiment["sources"], "critic": {"use": "llm_judge", "options": options}}
    found = plan(Experiment.read(whole.write(sources=sources)))
    (critic,) = (one for one in found.sources if one.name == "critic")
    assert (critic.requests, critic.calls, critic.unknown) == (6, 12, False)
    assert 0 < critic.expected_usd <= critic.at_most_usd
    free = next(one for one in found.sources if one.name == "people")
    assert free == PlannedSource("people", "training", 6)


def test_the_command_prints_the_plan_and_makes_no_folder(repo_root: Path, tmp_path: Path) -> None:
    if not app.registered_commands:
        register()
    content = yaml.safe_load((repo_root / "examples" / "arithmetic.yaml").read_text())
    out = tmp_path / "run"
    file = str(repo_root / "examples" / "arithmetic.yaml")
    done = CliRunner().invoke(app, ["run", file, "--dry-run", "--out", str(out)])
    assert done.exit_code == 0, done.exception
    assert not out.exists()
    for words in (
        "What is asked, at most",
        "2,700 responses sampled, 8 trainings",
        "231,264 parameters: 4 MB for each training at once",
        "time: not known before a first try",
        "nothing was done",
        *content["sources"],
    ):
        assert words in done.output


def test_the_plan_of_the_small_size_is_small(repo_root: Path, tmp_path: Path) -> None:
    if not app.registered_commands:
        register()
    file = str(repo_root / "examples" / "arithmetic.yaml")
    done = CliRunner().invoke(app, ["run", file, "--small", "--dry-run", "--out", str(tmp_path)])
    assert done.exit_code == 0, done.exception
    assert "28 responses sampled, 4 trainings" in done.output

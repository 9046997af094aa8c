"""A changed experiment deletes nothing that cost time, and gets back what it made before."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from typer.testing import CliRunner

from harness.cli.main import app, register
from harness.experiment.run import run
from harness.nouns.errors import HarnessError

if TYPE_CHECKING:
    from conftest import World


def changed(world: World, *path: Any, to: Any) -> dict[str, Any]:
    """Return the experiment with one value changed."""
    content: dict[str, Any] = yaml.safe_load(yaml.safe_dump(world.experiment))
    place: Any = content
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = to
    return content


def files(world: World) -> dict[str, bytes]:
    """Return what cost time: checkpoints and responses, by content."""
    found = [p for p in world.out.rglob("*") if p.is_file()]
    costly = [p for p in found if {"policies", "responses"} & set(p.parts)]
    return {p.relative_to(world.out).as_posix(): p.read_bytes() for p in costly}


def lost(before: dict[str, bytes], after: dict[str, bytes]) -> list[str]:
    """Return the files whose content is nowhere any more."""
    kept = list(after.values())
    return [name for name, content in before.items() if content not in kept]


CHANGES: list[tuple[tuple[Any, ...], Any, list[str]]] = [
    # a change, and what is trained anew
    (("arms", "rlhf", "settings", "beta"), 0.3, ["rlhf"]),
    (("arms", "rlhf"), {"sources": ["people"], "trainer": "sft"}, ["rlhf"]),
    (("arms", "rlhf", "sources"), ["people"], ["rlhf"]),
    (("arms", "rlhf", "aggregation"), "counted", ["rlhf"]),
    (("arms", "hybrid", "weights"), {"people": 3}, ["hybrid"]),
    (("arms", "hybrid", "reward_model"), {"epochs": 3}, ["hybrid"]),
    (("arms", "rlhf", "title"), "Another title", []),
    (("policy", "temperature"), 0.8, ["rlhf", "hybrid"]),
    (("policy", "max_new_tokens"), 8, ["rlhf", "hybrid"]),
    (("policy", "responses_per_item"), 2, ["rlhf", "hybrid"]),
    (("data", "train", "limit"), 5, ["hybrid"]),  # the sixth item is in no preference of rlhf
    (("agreement", "gates", 0, "undecided"), "drop", ["hybrid"]),
    (("agreement", "gates", 1, "undecided"), "drop", ["rlhf"]),
    (("seeds",), [0, 1], ["rlhf", "hybrid"]),  # the second seed
    (("seeds",), [2, 0], ["rlhf", "hybrid"]),  # the first one samples
    (("name",), "another", []),
    (("description",), "Said otherwise.", []),
    # what only watches or evaluates
    (("evaluation", "monitor_every"), 2, []),
    (("evaluation", "monitor"), None, []),
    (("evaluation", "monitor"), "grader", []),
    (("evaluation", "evaluators"), ["exam"], []),
    (("evaluation", "responses_per_item"), 1, []),
    (("data", "evaluation", "limit"), 2, []),
]


@pytest.fixture
def small(whole: World) -> World:
    """Two arms, one of them with a reward model."""
    arms = whole.experiment["arms"]
    whole.experiment["arms"] = {name: arms[name] for name in ("rlhf", "hybrid")}
    whole.experiment["seeds"] = [0]
    return whole


@pytest.mark.parametrize(("path", "value", "trained"), CHANGES)
def test_no_change_deletes_what_cost_time(
    small: World, path: tuple[Any, ...], value: Any, trained: list[str]
) -> None:
    first = small.run()
    before, steps = files(small), len(small.happened("train"))
    small.run(**changed(small, *path, to=value))
    anew = [row[2] for row in small.happened("train")[steps:]]
    assert {name.partition("-")[0] for name in anew} == set(trained)
    assert lost(before, files(small)) == []
    # Changed back, nothing is trained or sampled again.
    worked = len(small.happened("train")), len(small.happened("sample"))
    again = small.run()
    assert (len(small.happened("train")), len(small.happened("sample"))) == worked
    assert small.tables(again) == small.tables(first)
    assert lost(before, files(small)) == []


def test_a_killed_training_is_kept_too_and_goes_on(small: World) -> None:
    small.run_killed("train rlhf-seed0", 2)
    half = small.out / "policies" / "rlhf-seed0"
    (half / "resume").mkdir(exist_ok=True)
    (half / "resume" / "state").write_text("half")
    small.run(**changed(small, "arms", "rlhf", "settings", "beta", to=0.3))
    (kept,) = small.out.glob("earlier/*/policies/rlhf-seed0/resume/state")
    assert kept.read_text() == "half"
    small.run()
    assert (half / "resume" / "state").read_text() == "half"


def test_what_is_set_aside_is_told_with_its_reason(
    small: World, capsys: pytest.CaptureFixture[str]
) -> None:
    small.run()
    assert "set aside" not in capsys.readouterr().err
    small.run(**changed(small, "arms", "rlhf", "settings", "beta", to=0.3))
    told = capsys.readouterr().err
    assert "the experiment changed (arm.settings.beta), so these were set aside:" in told
    assert "policies/rlhf-seed0" in told and "hybrid" not in told
    assert f"harness clean {small.out} deletes them" in told
    small.run(**changed(small, "policy", "temperature", to=0.1))
    told = capsys.readouterr().err
    assert "responses/train.jsonl" in told and "policies/hybrid-seed0-reward-model" in told
    assert "responses/evaluation-base-seed0.jsonl" in told


def test_a_training_that_had_no_verdicts_is_not_taken_for_done_and_not_deleted(
    whole: World,
) -> None:
    whole.coverage = 0.0
    arms = {"rlvr": whole.experiment["arms"]["rlvr"]}
    with pytest.raises(HarnessError, match="had no verdict"):
        whole.run(arms=arms, agreement=None, seeds=[0])
    assert not (whole.out / "policies" / "rlvr-seed0").exists()
    kept = whole.out / "earlier" / "no-verdicts" / "policies" / "rlvr-seed0"
    assert (kept / "final" / "weights").is_file()


def test_curves_that_were_watched_otherwise_are_said_to_be_so(small: World) -> None:
    report = small.run()
    assert len(report["warnings"]) == 1  # on responses without a partner
    report = small.run(**changed(small, "evaluation", "monitor_every", to=2))
    warning, _ = report["warnings"]
    assert warning.startswith("The training curves of hybrid (seed 0), rlhf (seed 0) were watched")
    assert warning in (small.out / "report.md").read_text()


OLD = "This report is old: the experiment was changed after it"


def test_the_old_report_says_that_it_is_old_until_the_new_one_is_there(small: World) -> None:
    small.run()
    page, data = small.out / "report.html", small.out / "report.json"
    fingerprint = json.loads(data.read_text())["manifest"]["fingerprint"]
    assert OLD not in page.read_text()
    another = changed(small, "arms", "rlhf", "settings", "beta", to=0.3)
    small.run_killed("judge people", 1)  # the same experiment again: not old
    assert OLD not in page.read_text()
    small.run_killed("train rlhf-seed0", 1, **another)
    kept = small.out / "earlier" / fingerprint[:12] / "report"
    for folder in (small.out, kept):
        assert OLD in (folder / "report.html").read_text()
        assert OLD in (folder / "report.md").read_text()
        assert json.loads((folder / "report.json").read_text())["old"] is True
    small.run(**another)
    assert OLD not in page.read_text()
    assert OLD in (kept / "report.html").read_text()


def test_a_report_is_old_too_when_only_items_labels_or_weights_changed(small: World) -> None:
    small.run()
    for file, text in {
        "policy/weights": "another base",
        "jury.json": (small.folder / "jury.json").read_text().replace("AB", "AB ") + "\n",
    }.items():
        before = json.loads((small.out / "report.json").read_text())["manifest"]["fingerprint"]
        (small.folder / file).write_text(text)
        report = small.run()
        assert report["manifest"]["fingerprint"] != before
        assert (small.out / "earlier" / before[:12] / "report" / "report.html").is_file()


@pytest.mark.parametrize("content", ["", "[1]", '{"format": 0}', '{"format": 1}'])
def test_a_damaged_report_is_set_aside_and_stops_nothing(small: World, content: str) -> None:
    small.run()
    (small.out / "report.json").write_text(content)
    small.run(**changed(small, "arms", "rlhf", "settings", "beta", to=0.3))
    kept = small.out / "earlier" / "unknown"
    assert (kept / "report.json").read_text() == content
    assert (kept / "report.html").is_file()
    assert OLD not in (small.out / "report.html").read_text()


def test_harness_clean_asks_and_deletes_only_what_was_set_aside(small: World) -> None:
    if not app.registered_commands:
        register()
    small.run()
    path = str(small.out)
    nothing = CliRunner().invoke(app, ["clean", path])
    assert (nothing.exit_code, nothing.output) == (0, "there is nothing to delete\n")
    small.run(**changed(small, "arms", "rlhf", "settings", "beta", to=0.3))
    before = files(small)
    no = CliRunner().invoke(app, ["clean", path], input="n\n")
    assert no.exit_code == 1 and "policies/rlhf-seed0" in no.output
    assert files(small) == before
    yes = CliRunner().invoke(app, ["clean", path], input="y\n")
    assert yes.exit_code == 0 and "deleted 4" in yes.output
    assert not (small.out / "earlier").exists()
    now = {name: content for name, content in before.items() if not name.startswith("earlier")}
    assert files(small) == now
    trained = len(small.happened("train"))
    run(small.file, small.out)
    assert len(small.happened("train")) == trained
    assert Path(small.out / "report.html").is_file()

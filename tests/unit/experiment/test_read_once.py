"""The experiment is read once: no edit of its files during a run changes anything."""

from __future__ import annotations

import importlib
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from harness.experiment.experiment import Experiment
from harness.experiment.run import Run, run
from harness.experiment.sources import Sources
from harness.nouns.errors import HarnessError, InputError
from harness.nouns.schema import Item
from harness.records.journal import Journal
from harness.records.run_directory import RunDirectory
from harness.records.writes import write_jsonl
from harness.scale_out.local import run_jobs

if TYPE_CHECKING:
    from conftest import World


def test_an_edit_during_a_run_changes_nothing(
    whole: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    unedited = whole.tables(whole.run())
    first = [{**t, "monitor": {**t["monitor"], "gold": 0}} for t in whole.trainings if t["monitor"]]
    whole.out.rename(whole.folder / "unedited")
    whole.trainings.clear()
    edits: list[str] = []

    def edit() -> None:
        """Between judging and training: another experiment, other items, other labels."""
        edits.append("edited")
        changed = yaml.safe_load(yaml.safe_dump(whole.experiment))
        for arm in changed["arms"].values():
            arm |= {"trainer": "dpo", "settings": {"beta": 9.0}, "title": "edited"}
        changed["policy"] |= {"max_new_tokens": 3, "temperature": 2.0}
        changed["evaluation"] |= {"monitor": None, "evaluators": ["twin"]}
        changed["data"]["train"]["limit"] = 2
        del changed["sources"]["jury"]
        whole.file.write_text(yaml.safe_dump(changed))
        for name in ("train", "evaluation"):
            write_jsonl(whole.folder / f"{name}.jsonl", [Item(f"{name}0", "edited")])
        (whole.folder / "people.json").write_text("{}")

    run = whole.run
    monkeypatch.setattr(whole, "before_training", edit)
    assert whole.tables(run()) == unedited
    assert edits == ["edited"]
    again = [{**t, "monitor": {**t["monitor"], "gold": 0}} for t in whole.trainings if t["monitor"]]
    assert again == first
    for path in sorted((whole.folder / "unedited").rglob("*.jsonl")):
        name = path.relative_to(whole.folder / "unedited")
        assert (whole.out / name).read_bytes() == path.read_bytes(), name


TOLD = """
def told(experiment, report):
    verifier = experiment.sources["verifier"]
    return experiment.config, experiment.train, experiment.evaluation, verifier.info, verifier.way
"""


def small(folder: Path, **sources: Any) -> Path:
    """Write a small experiment on real plugins."""
    content = {
        "name": "small",
        "data": {"train": {"file": "t.jsonl"}, "evaluation": {"file": "e.jsonl"}},
        "policy": {"model": "m"},
        "sources": {"verifier": {"use": "last_number"}, **sources},
        "arms": {"rlvr": {"sources": ["verifier"], "trainer": "grpo"}},
        "evaluation": {"evaluators": ["verifier"]},
    }
    write_jsonl(folder / "t.jsonl", [Item("a", "q", "1", {"slice": "s"})])
    write_jsonl(folder / "e.jsonl", [Item("b", ({"role": "user", "content": "p"},))])
    (folder / "m").mkdir()
    (folder / "m" / "config.json").write_text("{}")
    path = folder / "small.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


def test_a_fresh_process_has_the_experiment_without_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "told_of_experiment.py").write_text(TOLD)
    monkeypatch.syspath_prepend(tmp_path)
    told = importlib.import_module("told_of_experiment").told
    experiment = Experiment.read(small(tmp_path))
    for name in ("small.yaml", "t.jsonl", "e.jsonl"):
        (tmp_path / name).unlink()
    (found,) = run_jobs(told, [experiment], 1)
    assert found == told(experiment, None)


def test_only_sources_that_are_used_are_built_again(tmp_path: Path) -> None:
    people = {"use": "simulated_people"}
    experiment = Experiment.read(small(tmp_path, people=people))
    handed = pickle.loads(pickle.dumps(experiment)).sources
    assert list(handed) == ["verifier", "people"]
    assert handed["verifier"].info == experiment.sources["verifier"].info
    assert list(handed._built) == ["verifier"]
    assert handed["verifier"] is handed["verifier"]
    with pytest.raises(KeyError):
        handed["nobody"]


def test_a_source_whose_file_was_edited_during_the_run_is_refused(
    tmp_path: Path, repo_root: Path
) -> None:
    rubric = tmp_path / "mine.yaml"
    text = (repo_root / "rubrics" / "helpfulness.yaml").read_text()
    rubric.write_text(text)
    judge = {"use": "llm_judge", "options": {"model": "openai/m", "rubric": "./mine.yaml"}}
    experiment = Experiment.read(small(tmp_path, judge=judge))
    handed: Sources = pickle.loads(pickle.dumps(experiment.sources))
    assert handed["judge"].info == experiment.sources["judge"].info
    rubric.write_text(text.replace("the", "any"))
    again: Sources = pickle.loads(pickle.dumps(handed))
    with pytest.raises(HarnessError, match="source judge changed during the run"):
        again["judge"]


def test_a_table_of_a_run_is_computed_once(whole: World) -> None:
    experiment = Experiment.read(whole.write())
    with Journal(whole.folder / "j.sqlite") as journal:
        run = Run(experiment, RunDirectory(whole.out), journal)
        assert run.judgments("verifier") is run.judgments("verifier")
        assert {row[1] for row in whole.happened("ask")} == {"verifier"}
        assert len(whole.happened("sample")) == 1
        assert len(whole.happened("check")) == len(experiment.sources)
        assert run.arm("hybrid") is run.arm("hybrid")
        assert run.agreement() is run.agreement()
        assert len(whole.happened("ask", "verifier")) == 18
        assert sorted(path.name for path in (whole.out / "preferences").iterdir()) == [
            "hybrid.jsonl"
        ]
        policy = run.trained("hybrid", 1)
        assert policy is run.trained("hybrid", 1)
        assert (policy.arm, policy.seed, policy.result["steps"]) == ("hybrid", 1, 2)
        with pytest.raises(KeyError):
            run.trained("nothing", 0)
        assert run.evaluation() is run.evaluation()
        assert run.data() is run.data()
    assert len(whole.happened("aggregate")) == 1
    assert [row[1] for row in whole.happened("jobs")] == ["3"]


def test_a_run_is_not_written_into_its_policy(repo_root: Path) -> None:
    examples = repo_root / "examples"
    out = examples / "arithmetic_policy" / "reports"
    with pytest.raises(InputError, match="the output folder lies in the model's"):
        run(examples / "arithmetic.yaml", out)
    assert not out.exists()

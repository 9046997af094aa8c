"""kill -9 at every stage, the same call again, changed inputs: what is done again, what is not."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from harness.experiment.config import read_config
from harness.experiment.run import run
from harness.experiment.sources import build_sources
from harness.nouns.errors import ConfigError, DataError, HarnessError, InputError
from harness.records.run_directory import RunDirectory

if TYPE_CHECKING:
    from conftest import World


def test_a_second_run_does_nothing_again_and_says_the_same(whole: World) -> None:
    first = whole.run()
    asked = len(whole.happened("ask"))
    people = len(whole.happened("ask", "people"))
    online = len(whole.happened("ask", "verifier")) - 18
    trained = len(whole.happened("step"))
    sampled = len(whole.happened("sample"))
    second = whole.run()
    assert online > 0
    assert len(whole.happened("step")) == trained
    assert len(whole.happened("sample")) == sampled
    again = whole.happened("ask")[asked:]
    # People's tables are read again, since they may have grown; faults of the network are tried
    # again (one of the jury, two grades, one exam). Nothing else.
    assert Counter((row[1], row[3]) for row in again if row[1] != "people") == {
        ("jury", "t4a|t4b"): 1, ("grader", "t2a"): 1, ("grader", "t2c"): 1, ("exam", "rlvr1e3b"): 1,
    }  # fmt: skip
    assert sum(row[1] == "people" for row in again) == people
    assert whole.tables(second) == whole.tables(first)


KILLS = [
    ("sample base", 1), ("judge jury", 7), ("judge people", 4), ("judge grader", 9),
    ("aggregate", 1), ("train hybrid-seed0-reward-model", 2), ("train rlvr-seed1", 1),
    ("sample base", 2), ("sample hybrid", 1), ("judge exam", 5), ("judge twin", 40), ("report", 1),
]  # fmt: skip


@pytest.fixture
def unkilled(whole: World) -> dict[str, Any]:
    """What the experiment says when nobody kills it."""
    report = whole.run()
    (whole.out).rename(whole.folder / "unkilled")
    (whole.folder / "happened").unlink()
    whole.trainings.clear()
    return whole.tables(report)


def test_kill_9_at_every_stage_then_the_same_call_goes_on(
    whole: World, unkilled: dict[str, Any]
) -> None:
    for at, after in KILLS:
        whole.run_killed(at, after)
        assert not (whole.out / "report.html").exists()
    report = whole.run()
    assert whole.tables(report) == unkilled
    for path in sorted((whole.folder / "unkilled").rglob("*.jsonl")):
        name = path.relative_to(whole.folder / "unkilled")
        assert (whole.out / name).read_bytes() == path.read_bytes(), name
    done = Counter(tuple(row[1:]) for row in whole.happened("step"))
    # Two trainings were killed at a step, and begin again; all others took each step once.
    assert {key: count for key, count in done.items() if count != 1} == {
        ("rlvr-seed1", "1"): 2,
        ("hybrid-seed0-reward-model", "1"): 2,
        ("hybrid-seed0-reward-model", "2"): 2,
    }
    sampled = Counter((row[1], row[2]) for row in whole.happened("sample"))
    assert {key: count for key, count in sampled.items() if count != 1} == {
        ("base", "0"): 4,  # for training before and after a kill, a few held-out, and held-out
        ("base", "1"): 2,
        ("hybrid", "0"): 2,
    }
    # What was answered before a kill is not asked again; what was in flight may be.
    assert len(whole.happened("ask", "critic")) == 3
    jury = Counter(tuple(row[2:]) for row in whole.happened("ask", "jury") if row[3][:2] != "t4")
    assert len(jury) == 24
    assert sum(jury.values()) - len(jury) <= 7


def test_a_changed_arm_is_trained_again_and_the_others_stay(whole: World) -> None:
    whole.run()
    before = len(whole.happened("train"))
    arms = yaml.safe_load(yaml.safe_dump(whole.experiment["arms"]))
    arms["rlhf"]["settings"]["beta"] = 0.3
    arms["offline"]["title"] = "Another title"  # changes nothing that is learnt
    sampled = len(whole.happened("sample"))
    report = whole.run(arms=arms)
    assert [row[2] for row in whole.happened("train")[before:]] == ["rlhf-seed0", "rlhf-seed1"]
    assert {row["name"]: row["title"] for row in report["arms"]}["offline"] == "Another title"
    # The stand-in for training writes the same weights, so nothing is sampled again.
    assert len(whole.happened("sample")) == sampled
    (whole.folder / "policy" / "weights").write_text("another base")
    whole.run(arms=arms)
    assert len(whole.happened("train")) == before + 2 + 12
    # What a policy's KL is measured from moved, even if its own weights did not.
    # Evaluators that are known to work are not looked at again.
    assert len(whole.happened("sample")) == 2 * sampled - 1
    assert Path(whole.out / "responses" / "train.jsonl").is_file()


def test_a_hub_id_is_its_revision(whole: World, monkeypatch: pytest.MonkeyPatch) -> None:
    revision = ["one"]
    monkeypatch.setattr("harness.chat.hub.revision", lambda hub_id: hub_id + revision[0])
    policy = {**whole.experiment["policy"], "model": "org/model"}
    arms = {"plugin": whole.experiment["arms"]["plugin"]}

    def work() -> list[int]:
        whole.run(policy=policy, arms=arms, seeds=[0], agreement=None)
        return [len(whole.happened("sample")), len(whole.happened("train"))]

    assert work() == [3 + 1, 1]  # with the few of the first look
    assert work() == [3 + 1, 1]
    revision[0] = "two"
    assert work() == [6 + 1, 2]


def test_a_run_folder_may_be_copied_and_gone_on_with_from_elsewhere(
    whole: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its checkpoints are its own, whatever lies at the same path in the directory one is in."""
    file = whole.write(arms={"plugin": whole.experiment["arms"]["plugin"]})
    monkeypatch.chdir(whole.folder)
    run(file.name, "run")
    moved, elsewhere = whole.folder / "moved", whole.folder / "elsewhere"
    shutil.copytree("run", elsewhere / "moved")  # a decoy
    shutil.move("run", moved)
    (moved / "responses" / "evaluation-plugin-seed1.jsonl").unlink()
    for seed in (0, 1):
        (elsewhere / "moved" / "policies" / f"plugin-seed{seed}" / "final" / "weights").unlink()
    opened = []
    sample = whole.sample

    def noted(model: Any, *args: Any, **options: Any) -> Any:
        opened.append(Path(model).resolve())
        return sample(model, *args, **options)

    monkeypatch.setattr("harness.policy.respond.sample_policy", noted)
    monkeypatch.chdir(elsewhere)
    trained = len(whole.happened("train"))
    run(f"../{file.name}", "../moved")
    assert len(whole.happened("train")) == trained
    assert opened == [moved / "policies" / "plugin-seed1" / "final"]


def test_a_finished_training_is_reused_only_with_the_checkpoint_that_it_wrote(
    whole: World,
) -> None:
    arms = {"plugin": whole.experiment["arms"]["plugin"]}
    first = whole.run(arms=arms)
    final = whole.out / "policies" / "plugin-seed1" / "final"
    trained = len(whole.happened("train"))
    written = (final / "weights").read_text()
    (final / "weights").write_text("zeros")
    with pytest.raises(InputError, match="not the one that the finished training wrote") as wrong:
        whole.run(arms=arms)
    assert wrong.value.where == str(final)
    assert f"delete {final.parent} to train anew" in str(wrong.value)
    (final / "weights").write_text(written)
    whole.run(arms=arms)
    assert len(whole.happened("train")) == trained
    shutil.rmtree(final)
    assert whole.tables(whole.run(arms=arms)) == whole.tables(first)
    assert [row[2] for row in whole.happened("train")[trained:]] == ["plugin-seed1"]
    (final.parent / "arm.json").write_text(f'{{"checkpoint": "{final}"}}')  # no weights are told
    assert whole.tables(whole.run(arms=arms)) == whole.tables(first)
    assert [row[2] for row in whole.happened("train")[trained:]] == ["plugin-seed1"] * 2


@pytest.mark.parametrize("stage", ["respond", "train", "evaluate", "checkpoint"])
def test_a_model_that_is_edited_while_it_is_in_use_leaves_nothing_behind(
    whole: World, stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    arms = {"plugin": whole.experiment["arms"]["plugin"]}
    weights = whole.folder / "policy" / "weights"
    sample = whole.sample

    def edit() -> None:
        weights.write_text("edited")

    def edited(model: Any, items: Any, sampling: Any, *, system: str, **told: Any) -> Any:
        held_out = items[0].id.startswith("e")
        if stage == ("evaluate" if held_out else "respond"):
            edit()
        if stage == "checkpoint" and system != "base":
            (Path(model) / "weights").write_text("edited")
        return sample(model, items, sampling, system=system, **told)

    with monkeypatch.context() as during:
        during.setattr("harness.policy.respond.sample_policy", edited)
        if stage == "train":
            during.setattr(whole, "before_training", edit)
        with pytest.raises(InputError, match="edited while it was in use"):
            whole.run(arms=arms)
    if stage == "train":
        assert whole.happened("step") == []
    weights.write_text("base")
    if stage == "checkpoint":
        shutil.rmtree(whole.out / "policies" / "plugin-seed0")
    again = whole.tables(whole.run(arms=arms))
    shutil.rmtree(whole.out)
    assert again == whole.tables(whole.run(arms=arms))


@pytest.mark.parametrize("content", ["", "[1]", '{"stages": '])
@pytest.mark.parametrize("name", ["manifest.json", "policies/plugin-seed0/arm.json"])
def test_a_damaged_file_of_a_run_is_named(whole: World, name: str, content: str) -> None:
    arms = {"plugin": whole.experiment["arms"]["plugin"]}
    first = whole.run(arms=arms)
    path = whole.out / name
    path.write_text(content)
    with pytest.raises(DataError, match="the file is damaged") as wrong:
        whole.run(arms=arms)
    assert wrong.value.where == str(path)
    path.unlink()  # as the hint says
    again, before = whole.tables(whole.run(arms=arms)), whole.tables(first)
    if name == "manifest.json":  # with it went when the plan was written
        assert "written only after 2 trainings" in again["findings"].pop(0)
        again["plan"]["trainings"] = 0
        told = [one["answer"]["lines"].pop(2) for one in (again, before)]  # the heaviest harm
        assert "written only after" in told[0] and "No reward hacking" in told[1]
    assert again == before


def test_a_damaged_journal_is_named(whole: World) -> None:
    arms = {"plugin": whole.experiment["arms"]["plugin"]}
    whole.run(arms=arms)
    path = whole.out / "journal.sqlite"
    written = path.read_bytes()
    for damaged in (written[: len(written) // 2], written[:4096], written[:50], b"x" * 5000):
        for more in whole.out.glob("journal.sqlite-*"):
            more.unlink()
        path.write_bytes(damaged)
        with pytest.raises(DataError, match="the journal cannot be read") as wrong:
            whole.run(arms=arms)
        assert wrong.value.where == str(path)


def test_a_run_directory_that_is_a_file_is_refused(whole: World) -> None:
    for out in (whole.file, whole.file / "deeper"):
        with pytest.raises(InputError, match="cannot make this folder") as wrong:
            run(whole.write(), out)
        assert wrong.value.where == str(out)
    assert whole.happened() == []


def test_changed_inputs_of_an_arm_train_its_reward_model_again_too(whole: World) -> None:
    arms = {"hybrid": whole.experiment["arms"]["hybrid"]}
    whole.run(arms=arms, seeds=[0])
    model = whole.out / "policies" / "hybrid-seed0-reward-model"
    (model / "left over").write_text("of other inputs")
    created = whole.happened("train")
    changed = {"hybrid": {**arms["hybrid"], "reward_model": {"epochs": 3}}}
    first = json.loads((whole.out / "manifest.json").read_text())["created"]
    manifest = whole.out / "manifest.json"
    manifest.write_text(manifest.read_text().replace(first, "2001-02-03T04:05:06+00:00"))
    report = whole.run(arms=changed, seeds=[0])
    assert [row[2] for row in whole.happened("train")[len(created) :]] == [
        "hybrid-seed0-reward-model", "hybrid-seed0",
    ]  # fmt: skip
    assert not (model / "left over").exists()
    assert report["run"]["created"] == "2001-02-03T04:05:06+00:00"  # of the first try


def test_a_wrong_experiment_is_refused_before_anything_is_asked(whole: World) -> None:
    experiment = whole.experiment
    limited = yaml.safe_load(yaml.safe_dump(experiment["sources"]))
    limited["exam"]["limit"] = 3
    arm = {**experiment["arms"]["rlhf"], "settings": {"bta": 1}}
    wrong = [
        ({"data": {**experiment["data"], "evaluation": {"file": "train.jsonl"}}}, "6 items of"),
        ({"sources": limited}, "evaluator exam has a limit"),
        ({"arms": {"rlhf": arm}}, "bta"),
        ({"arms": {"rlhf": {**arm, "settings": {}, "aggregation": "mode"}}}, "'mode'"),
    ]
    for changes, message in wrong:
        with pytest.raises(InputError, match=message):
            whole.run(**changes)
        assert whole.happened() == []
        assert not whole.out.exists()


def test_two_runs_never_work_in_one_folder(whole: World) -> None:
    with (
        RunDirectory(whole.out).lock(),
        pytest.raises(HarnessError, match="another process is working in"),
    ):
        whole.run()
    assert whole.happened() == []


def test_a_source_that_cannot_work_stops_the_run_before_anything_is_asked(
    whole: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Any, ctx: Any) -> None:
        raise ConfigError(f"no key for {self.info.name}, {ctx.limits.concurrency}")

    kind = type(build_sources(read_config(whole.write())[0], whole.file)["people"].source)
    monkeypatch.setattr(kind, "check", refuse)
    with pytest.raises(ConfigError, match="no key for people"):
        whole.run()
    assert whole.happened() == []


def test_a_table_that_somebody_edited_is_not_taken_on_trust(whole: World) -> None:
    arms = {"plugin": whole.experiment["arms"]["plugin"]}
    whole.run(arms=arms)
    for name in ("train", "evaluation-plugin-seed1"):
        path = whole.out / "responses" / f"{name}.jsonl"
        before = path.read_text()
        path.write_text(before + '{"id": "x", "item_id": "who", "text": "?"}\n')
        with pytest.raises(DataError) as wrong:
            whole.run(arms=arms)
        assert wrong.value.where == str(path)
        assert wrong.value.details[0].endswith("unknown item 'who'")
        path.write_text(before)


def test_bars_of_a_resumed_run_begin_at_what_is_done(whole: World) -> None:
    """The first thing that a bar is told is what an earlier try did, and it counts as such."""
    arms = {name: whole.experiment["arms"][name] for name in ("rlhf", "rlvr")}
    whole.run_killed("sample rlvr", 2, arms=arms)  # with the second seed
    told: dict[str, list[tuple[int, bool]]] = {}

    def bar(title: str, total: int) -> Any:
        moves = told.setdefault(title, [])
        return lambda count, *, kept=False: moves.append((count, kept))

    run(whole.write(arms=arms), whole.out, bar=bar)
    assert told["training"][0] == (4, True)
    # base and rlhf with both seeds and rlvr with the first are there; the last one is sampled now
    assert told["sampling held-out items"] == [(40, True), (8, False)]
    assert told["critic judges"] == [(3, True)] and told["jury judges"][0] == (5, True)
    exam = told["exam evaluates"]  # of which a look before the long work asked a few
    assert [kept for _, kept in exam] == [True] + [False] * (len(exam) - 1)
    assert sum(count for count, _ in exam) == 48

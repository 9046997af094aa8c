"""What a training depends on, may spend and reports; what a run's clock counts."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.experiment import train_job
from harness.experiment.arms import check_arms
from harness.experiment.clock import Clock
from harness.experiment.config import RunConfig, SourceConfig
from harness.experiment.context import Asking, no_bar
from harness.experiment.experiment import Experiment
from harness.experiment.rewards import online_rewards
from harness.experiment.sources import NamedSource, Sources
from harness.experiment.stages import train as train_stage
from harness.experiment.stages.aggregate import Arm
from harness.experiment.stages.judge import Judged
from harness.experiment.stages.report import IN_MANIFEST, source_row
from harness.experiment.stages.train import TrainedPolicy, Training
from harness.experiment.train_job import TrainJob, train_arm
from harness.nouns.errors import BudgetExceededError, HarnessError, MissingExtraError
from harness.nouns.outcomes import Status
from harness.nouns.schema import Item, Judgment, Preference, Response, Verdict
from harness.policy.weights import weights_hash
from harness.records.journal import Journal
from harness.records.run_directory import RunDirectory
from harness.registry import registry
from harness.testing import StubServer

JUDGE = {
    "model": "openai/m", "rubric": "helpfulness", "input_cost_per_token": 0.001,
    "output_cost_per_token": 0.001,
}  # fmt: skip


def experiment(**changes: Any) -> RunConfig:
    return RunConfig.model_validate(
        {
            "name": "x",
            "seeds": [0, 1],
            "data": {"train": {"file": "t"}, "evaluation": {"file": "e"}},
            "policy": {"model": "m"},
            "sources": {
                "verifier": {"use": "last_number"},
                "judge": {"use": "llm_judge", "options": JUDGE, "way": "pointwise"},
                "gold": {"use": "exact_match"},
            },
            "arms": {
                "rlvr": {"sources": ["verifier"], "trainer": "grpo"},
                "rlaif": {"sources": ["judge"], "trainer": "grpo"},
            },
            "evaluation": {"evaluators": ["gold"], "monitor": "gold"},
            **changes,
        }
    )


def build(name: str, entry: SourceConfig) -> NamedSource:
    factory, origin = registry().source(entry.use), registry().origins[entry.use]
    return NamedSource(name, entry, factory.build(entry.options, name), origin)


ITEMS = [Item(f"i{n}", f"q{n}", reference="1") for n in range(4)]
HELD_OUT = [Item(f"h{n}", f"p{n}", reference="1") for n in range(4)]


def read(
    config: RunConfig, items: Sequence[Item] = ITEMS, held_out: Sequence[Item] = HELD_OUT
) -> Experiment:
    path = Path("x.yaml")
    return Experiment(config, path, "", Sources(config, path), tuple(items), tuple(held_out), "w")


def train(
    experiment: Experiment, folder: Path, journal: Journal, texts: str = "ab"
) -> dict[tuple[str, int], TrainedPolicy]:
    preferences = [Preference("i0", "r0", "r1", 1.0, 1)]
    responses = [Response(f"r{k}", "i0", "base", text) for k, text in enumerate(texts)]
    arms = [
        Arm(name, arm, {source: 1.0 for source in arm.sources}, preferences, None, {})
        for name, arm in experiment.config.arms.items()
    ]
    return Training(experiment, RunDirectory(folder), journal, responses, no_bar).train(arms)


def checkpoint(job: TrainJob) -> dict[str, Any]:
    final = job.folder / "final"
    final.mkdir(parents=True)
    return {"checkpoint": str(final.relative_to(job.run_path)), "weights": weights_hash(final)}


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Train with trainings that do nothing; return the jobs that were started."""

    def call(experiment: Experiment, texts: str = "ab") -> list[TrainJob]:
        started: list[TrainJob] = []

        def run_jobs(function: Any, jobs: Any, parallel: Any, on_report: Any, on_done: Any) -> None:
            for index, job in enumerate(jobs):
                started.append(job)
                on_report(index, {})
                on_done(index, checkpoint(job))

        monkeypatch.setattr(train_stage, "run_jobs", run_jobs)
        with Journal(tmp_path / "journal.sqlite") as journal:
            train(experiment, tmp_path, journal, texts)
        return started

    return call


def test_a_training_is_repeated_when_what_it_depends_on_changed(trained: Any) -> None:
    config = experiment()
    assert len(trained(read(config))) == 4
    assert trained(read(config)) == []
    assert len(trained(read(config, items=ITEMS[:3]))) == 4  # data.train.limit
    assert trained(read(config)) == []  # what was set aside came back
    assert len(trained(read(config), "ac")) == 4  # another text under the same id
    assert len(trained(replace(read(config), weights="of another revision"))) == 4
    changed = read(config)
    named = changed.sources["judge"]
    newer: Any = replace(named.source, info=replace(named.info, version="2"))  # type: ignore[type-var]
    everybody: Any = {**changed.sources, "judge": replace(named, source=newer)}
    trained(read(config))
    jobs = trained(replace(changed, sources=everybody))
    assert [job.arm for job in jobs] == ["rlaif", "rlaif"]


def test_a_training_on_preferences_is_not_repeated_for_items_that_it_does_not_see(
    trained: Any,
) -> None:
    arms = {name: {"sources": ["verifier"], "trainer": name} for name in ("dpo", "sft", "grpo")}
    config = experiment(arms=arms)
    assert len(trained(read(config))) == 6
    more = Item("i9", "a new question without a response")
    for items in ([*ITEMS, more], ITEMS[:3], [*ITEMS[:3], replace(ITEMS[3], reference="2")]):
        jobs = trained(read(config, items=items))
        assert [job.arm for job in jobs] == ["grpo", "grpo"]  # which sees every item
    assert len(trained(read(config, items=[*ITEMS, more]), "ac")) == 6


def test_a_training_is_not_repeated_when_only_what_watches_it_changed(trained: Any) -> None:
    config = experiment()
    assert len(trained(read(config))) == 4
    assert trained(read(config, held_out=HELD_OUT[1:])) == []
    for changes in (
        {"sources": {**config.model_dump()["sources"], "gold": {"use": "last_number"}}},
        {"evaluation": {"evaluators": ["gold"], "monitor": "gold", "monitor_every": 3}},
        {"evaluation": {"evaluators": ["gold"]}},
    ):
        assert trained(read(experiment(**changes))) == []


def test_trainings_share_what_is_left_of_the_budget(trained: Any, tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.sqlite") as journal:
        journal.put_reply("k", {"cost_usd": 2.0})
    jobs = trained(read(experiment(budget_usd=10.0)))
    assert {(job.arm, job.budget_usd) for job in jobs} == {("rlvr", 0.0), ("rlaif", 4.0)}


def test_without_a_budget_nothing_is_shared_out(trained: Any) -> None:
    assert {job.budget_usd for job in trained(read(experiment()))} == {None}


def ask(make: Any, source: NamedSource, answers: list[str]) -> list[float | None]:
    n = len(answers)
    found: list[float | None] = make(source.source)(
        prompts=["2+2?"] * n, completions=answers, completion_ids=[[1]] * n,
        item=[Item("a", "2+2?", "4")] * n,
    )  # fmt: skip
    return found


def test_a_judge_asked_online_is_kept_counted_and_limited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    with (
        StubServer("task: 4\naccuracy: 4\nclarity: 4") as server,
        Journal(tmp_path / "journal.sqlite") as journal,
    ):
        options = {**JUDGE, "api_base": server.base_url}
        source = build("judge", SourceConfig(use="llm_judge", options=options, way="pointwise"))
        with online_rewards(Asking(journal)) as (make, spent):
            rewards = ask(make, source, ["four", "4"])
            assert None not in rewards
            paid = spent()
        assert paid == pytest.approx(journal.spent_usd())
        assert paid > 0
        assert len(server.bodies) == 2
        with online_rewards(Asking(journal)) as (make, spent):
            assert ask(make, source, ["four", "4"]) == rewards
            assert spent() == 0
        assert len(server.bodies) == 2  # a second try is answered from the journal
        with (
            online_rewards(Asking(journal, budget_usd=0.01)) as (make, _),
            pytest.raises(BudgetExceededError),
        ):
            ask(make, source, ["another"])
        assert len(server.bodies) == 2


def test_a_failed_training_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(job: TrainJob, report: Any) -> dict[str, Any]:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(train_job, "_train_arm", fail)
    with pytest.raises(HarnessError, match="arm rlvr with seed 3 failed: RuntimeError: out of"):
        train_arm(TrainJob(read(experiment()), "run", "rlvr", 3, {}), lambda index, row: None)


def test_a_dead_training_process_says_which(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(function: Any, jobs: Any, parallel: Any, on_report: Any, on_done: Any) -> None:
        on_done(0, checkpoint(jobs[0]))
        raise BrokenProcessPool("terminated abruptly")

    monkeypatch.setattr(train_stage, "run_jobs", die)
    with (
        Journal(tmp_path / "journal.sqlite") as journal,
        pytest.raises(HarnessError, match="not done: rlaif with seed 0, rlvr with seed 1, rlaif"),
    ):
        train(read(experiment()), tmp_path, journal)


def test_missing_libraries_are_found_before_anything_is_paid_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *more: None if name == "trl" else find(name, *more),
    )
    with pytest.raises(MissingExtraError, match="trl is not installed"):
        check_arms(experiment())


def test_an_idle_repetition_adds_no_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("harness.experiment.clock.time.monotonic", lambda: now[0])
    run = RunDirectory(tmp_path)

    def attempt(work: bool, finish: bool = True) -> None:
        with Journal(tmp_path / "journal.sqlite") as journal:
            clock = Clock(run, journal)
            move = clock.watch(no_bar)("judging", 1)
            with clock.source("judge"):
                now[0] += 10
                move(1)  # notes the time; a kill from here on loses nothing of the ten seconds
                assert run.manifest()["source_seconds"]["judge"] >= 10
                if work:
                    journal.put_judgment(
                        Judgment(f"r{now[0]}", "judge", "1", "a", Verdict(Status.OK, 1.0))
                    )
            now[0] += 1
            if finish:
                clock.finish()
                run.update_manifest(finished="now")

    attempt(work=True, finish=False)
    assert run.manifest()["seconds"] == 10
    attempt(work=True)
    kept = {"seconds": 21, "source_seconds": {"judge": 20}}
    assert {key: run.manifest()[key] for key in kept} == kept
    attempt(work=False)
    assert {key: run.manifest()[key] for key in kept} == kept


def test_the_same_judgment_again_is_no_change(tmp_path: Path) -> None:
    row = Judgment("r", "people", "1", "a", Verdict(Status.OK, 1.0))
    with Journal(tmp_path / "journal.sqlite") as journal:
        journal.put_judgment(row)
        assert journal.changes() == 1
    with Journal(tmp_path / "journal.sqlite") as journal:
        journal.put_judgment(row)
        assert journal.changes() == 0
        journal.put_judgment(replace(row, verdict=Verdict(Status.OK, 0.0)))
        assert journal.changes() == 1
        assert journal.judgments()[0].verdict.value == 0.0


def test_the_manifest_says_who_judged_with_which_prompt() -> None:
    source = read(experiment()).sources["judge"]
    metadata = {"template_sha256": ["cd"], "rubric_sha256": "ab"}
    said = Judgment("r", "judge", "1", "a", Verdict(Status.OK, 1.0), metadata=metadata)
    row = source_row(source, experiment(), None, Judged(source, [], [said]))
    assert {key: row[key] for key in IN_MANIFEST} == {
        "use": "llm_judge", "kind": "judge", "way": "pointwise", "version": source.info.version,
        "distribution": f"{source.origin.distribution} {source.origin.version}",
        "models": ["openai/m"], "rubric": "helpfulness", "rubric_sha256": "ab",
        "template_sha256": ["cd"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "moves"),
    [
        ({"server_url": "http://other:1"}, False),
        ({"server_timeout": 5.0}, False),
        ({"weights_folder": "/dev/shm/w"}, False),
        ({"report_to": "tensorboard"}, False),
        ({"engine": "in_process", "server_url": ""}, True),
        ({"importance_sampling_clip_max": 2.0}, True),
    ],
)
def test_a_training_is_the_same_wherever_its_server_is(
    tmp_path: Path, settings: dict[str, Any], moves: bool
) -> None:
    def told(values: dict[str, Any]) -> tuple[str, Any]:
        server = {"engine": "server", "server_url": "http://here:1"} | values
        arm = {"sources": ["verifier"], "trainer": "ppo", "settings": server}
        found = read(experiment(arms={"rlvr": arm}))
        job = TrainJob(found, str(tmp_path), "rlvr", 0, {"verifier": 1.0})
        with Journal(tmp_path / "j.sqlite") as journal:
            stage = Training(found, RunDirectory(tmp_path), journal, (), no_bar)
            arm_of = Arm("rlvr", found.config.arms["rlvr"], {"verifier": 1.0}, (), None, {})
            return found.fingerprint, stage._inputs(job, arm_of)

    for before, after in zip(told({}), told(settings), strict=True):
        assert (before != after) is moves

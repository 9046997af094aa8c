"""Arms, trainers by name, jobs, rewards asked in training, and the clock."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tiny_experiment import config

from harness.aggregate import METHODS
from harness.experiment.arms import aggregator, check_arms
from harness.experiment.clock import SAVE_S, Clock
from harness.experiment.context import Asking, no_bar
from harness.experiment.experiment import Experiment
from harness.experiment.rewards import online_rewards
from harness.experiment.sources import Sources
from harness.experiment.stages import train as train_stage
from harness.experiment.stages.recorded import Answers
from harness.experiment.train_job import TrainJob
from harness.feedback.contract import RunContext
from harness.hookspecs import AggregatorFactory
from harness.nouns.errors import (
    BudgetExceededError,
    ConfigError,
    HarnessError,
    PluginError,
)
from harness.nouns.outcomes import Status
from harness.nouns.schema import Item, Judgment, Preference, Response, SourceInfo, Verdict
from harness.records.journal import Journal
from harness.records.run_directory import RunDirectory
from harness.registry import registry
from harness.train.reward_function import WeightedRewards
from harness.train.rows import item_of, item_rows, plain_rows
from harness.train.table import TRAINERS
from harness.train.trainers import settings_of, train, trainer_class
from harness.train.training import TrainOptions

if TYPE_CHECKING:
    from conftest import World


@dataclass
class Watching:
    """A source that keeps the context that it was asked in."""

    info: SourceInfo
    seen: list[RunContext]

    async def annotate(self, requests: Any, ctx: RunContext) -> AsyncIterator[Judgment]:
        self.seen.append(ctx)
        for request in requests:
            yield Judgment(request.id, "w", "1", "w", Verdict(Status.OK, True))

    def check(self, ctx: RunContext) -> None:
        """Nothing to check."""


def test_sources_asked_in_training_have_the_training_s_seed_and_limits(tmp_path: Path) -> None:
    seen: list[RunContext] = []
    source = Watching(SourceInfo("w", "1", "verifier"), seen)
    row = {
        "prompts": ["q"],
        "completions": ["a"],
        "completion_ids": [[1]],
        "item": [Item("i", "q")],
    }
    with Journal(tmp_path / "j.sqlite") as journal:
        journal.put_reply("k", {"cost_usd": 3.0})
        with online_rewards(Asking(journal, 7, 4, 0.5)) as (make, spent):
            assert make(source)(**row) == [1.0]
            assert spent() == 0.0
        (ctx,) = seen
        chat: Any = ctx.chat
        # What earlier tries paid does not count against this training's share.
        assert (ctx.seed, ctx.limits.concurrency, chat.budget.limit_usd) == (7, 4, 3.5)
        with online_rewards(Asking(journal, 8)) as (make, _):
            make(source)(**row)
        chat = seen[1].chat
        assert (seen[1].seed, chat.budget.limit_usd) == (8, None)
    with online_rewards(Asking(None, budget_usd=0.25)) as (make, _):
        make(source)(**row)
    chat = seen[2].chat
    assert chat.budget.limit_usd == 0.25


def test_trainers_by_name_refuse_rewards_that_do_not_fit(tmp_path: Path) -> None:
    assert list(TRAINERS) == [
        "sft", "reward_model", "dpo", "kto", "grpo", "rloo", "ppo", "online_dpo", "best_of_n",
    ]  # fmt: skip
    online = [name for name in TRAINERS if trainer_class(name).needs == "rewards"]
    assert online == ["grpo", "rloo", "ppo", "online_dpo", "best_of_n"]
    for trainer in TRAINERS:
        with pytest.raises(ConfigError) as wrong:
            settings_of(trainer, {"learning_rat": 1}, "arms.a.settings")
        assert wrong.value.where == "arms.a.settings"
        assert "learning_rat" in str(wrong.value)
        rewards = None if trainer in online else WeightedRewards({"r": len})
        with pytest.raises(ConfigError) as wrong:
            train(trainer, "m", [], {}, tmp_path, TrainOptions(rewards=rewards))
        assert wrong.value.what == (
            f"{trainer} needs rewards" if trainer in online else f"{trainer} takes no rewards"
        )
    with pytest.raises(ConfigError) as wrong:
        train("pp", "m", [], {}, tmp_path)
    assert (wrong.value.what, wrong.value.hint) == (
        "no trainer is named 'pp'",
        f"did you mean ppo? use one of {', '.join(TRAINERS)}",
    )  # fmt: skip


def test_every_trainer_is_called_with_what_it_was_given(tmp_path: Path, world: World) -> None:
    row = {"prompt": "q", "item_id": "i", "completion": "a", "chosen": "a", "rejected": "b"}
    for kind in TRAINERS:
        online = trainer_class(kind).needs == "rewards"
        heard: list[dict[str, Any]] = []
        rewards = WeightedRewards({"r": lambda prompts, **_: [1.0] * len(prompts)}, {"r": 2.0})
        monitor: Any = {"gold": {"exam": len}}
        options = TrainOptions(
            rewards=rewards if online else None, seed=9, monitor=monitor, on_step=heard.append
        )
        done = train(kind, "model/p", [row] * 3, {"learning_rate": 0.5}, tmp_path / kind, options)
        assert done.checkpoint == tmp_path / kind / "final"
        assert [row["step"] for row in heard] == [1, 2]
        call = world.trainings[-1]
        assert (call["trainer"], call["folder"], call["seed"]) == (kind, kind, 9)
        assert (len(call["rows"]), call["settings"].learning_rate) == (3, 0.5)
        assert call["weights"] == ({"r": 2.0} if online else None)
        watched = None if kind == "reward_model" else {"gold": {"exam": len}}
        assert call["monitor"] == watched


def test_rows_for_training_keep_the_whole_item() -> None:
    items = [Item("a", ({"role": "user", "content": "q"},), {"tests": 1}, {"cluster": "c"})]
    assert [item_of(row) for row in item_rows(items)] == items
    texts = [Response("r1", "a", "base", "good"), Response("r2", "a", "base", "bad")]
    kept = [Preference("a", "r1", "r2", 0.75, 2)]
    (row,) = Answers(items, texts).with_texts(kept)
    assert (row["prompt"], row["chosen"], row["rejected"]) == (items[0].prompt, "good", "bad")
    assert (row["chosen_id"], row["probability"]) == ("r1", 0.75)
    (imitated,) = plain_rows([row], ["prompt", "completion"], "completions")
    assert imitated == ("row 1", {"prompt": items[0].prompt, "completion": "good"})


def job_of(run: str, arm: str, seed: int) -> TrainJob:
    content = config()
    sources = Sources(content, Path("x.yaml"))
    return TrainJob(
        Experiment(content, Path("x.yaml"), "", sources, (), (), ""), run, arm, seed, {}
    )


def test_a_job_says_where_its_training_writes() -> None:
    job = job_of("run", "rlvr", 3)
    assert job.folder == Path("run/policies/rlvr-seed3")
    assert job.reward_model_folder == Path("run/policies/rlvr-seed3-reward-model")
    assert job.budget_usd is None


def test_a_source_without_any_verdict_in_training_stops_it_and_leaves_no_folder(
    whole: World,
) -> None:
    whole.coverage = 0.0
    arms = {"rlvr": whole.experiment["arms"]["rlvr"]}
    with pytest.raises(HarnessError) as silent:
        whole.run(arms=arms, agreement=None)
    for seed in (0, 1):
        told = f"training arm rlvr with seed {seed}: grader, verifier had no verdict"
        assert told in str(silent.value)
    assert not (whole.out / "policies" / "rlvr-seed0").exists()
    whole.coverage = 1.0  # one step with verdicts is enough, the last one may be without
    whole.last_coverage = 0.0
    whole.run(arms=arms, agreement=None)
    assert [row[2] for row in whole.happened("train")] == ["rlvr-seed0", "rlvr-seed1"] * 2


def test_an_aggregation_of_a_plugin_may_not_take_a_name_of_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plugin = AggregatorFactory("counted", METHODS["soft"])
    monkeypatch.setitem(registry().aggregators, "counted", plugin)  # type: ignore[arg-type]
    assert aggregator("counted") == plugin.checked
    monkeypatch.setitem(registry().aggregators, "majority", plugin)  # type: ignore[arg-type]
    with pytest.raises(PluginError) as clash:
        aggregator("majority")
    assert "'majority'" in clash.value.what
    assert clash.value.hint == "rename the plugin's"
    assert aggregator("mean") is METHODS["mean"]


def test_every_wrong_setting_is_refused_with_its_place(world: World) -> None:
    arm = {"sources": ["verifier"], "trainer": "grpo"}
    wrong = [
        ({"settings": {"beta": "much"}}, "arms.a.settings"),
        ({"reward_model": {"epochs": "many"}}, "arms.a.reward_model"),
        ({"aggregation": "agreement_weighted"}, "arms.a.aggregation"),
    ]
    for changes, where in wrong:
        with pytest.raises(ConfigError) as found:
            check_arms(config(arms={"a": {**arm, **changes}}))
        assert found.value.where == where
    weighted = {**arm, "aggregation": "agreement_weighted"}
    check_arms(config(arms={"a": weighted}, agreement={"reference": "people"}))


def test_the_clock_adds_up_over_tries_and_saves_as_it_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr("harness.experiment.clock.time.monotonic", lambda: now[0])
    run = RunDirectory(tmp_path)
    run.update_manifest(seconds=5.5, source_seconds={"judge": 2.25})
    moved: list[int] = []
    with Journal(tmp_path / "j.sqlite") as journal:
        clock = Clock(run, journal)
        assert (clock.seconds_of("judge"), clock.seconds_of("other")) == (2.25, 0.0)

        def bar(title: str, total: int) -> Any:
            return lambda count, *, kept=False: moved.append((title, total, count))

        move = clock.watch(bar)("judging", 9)
        now[0] += SAVE_S
        move(2)
        assert run.manifest()["seconds"] == 5.5  # a second has not passed
        now[0] += 0.024
        move(3)
        assert moved == [("judging", 9, 2), ("judging", 9, 3)]
        assert run.manifest()["seconds"] == 6.52
        with clock.source("judge"):
            now[0] += 2.0
            move(1)
            assert run.manifest()["source_seconds"] == {"judge": 4.25}
            now[0] += 1.0
            put = Judgment("r", "judge", "1", "a", Verdict(Status.OK, 1.0))
            journal.put_judgment(put)
        assert clock.seconds_of("judge") == 5.25
        with clock.source("judge"):
            now[0] += 7.0  # nothing new: not the judge's time, yet the run's
        with pytest.raises(BudgetExceededError), clock.source("new"):
            now[0] += 0.504
            clock.save()
            assert run.manifest()["source_seconds"]["new"] == 0.504
            raise BudgetExceededError("spent")
        assert run.manifest()["source_seconds"] == {"judge": 5.25, "new": 0.504}
        clock.finish()
    assert run.manifest()["seconds"] == 17.03  # 5.5 + 1.024 + 3 + 7 + 0.504


def test_a_complete_run_that_trains_again_counts_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr("harness.experiment.clock.time.monotonic", lambda: now[0])
    run = RunDirectory(tmp_path)
    run.update_manifest(seconds=10.0, finished="yesterday", stages={"respond": "a"})
    with Journal(tmp_path / "j.sqlite") as journal:
        clock = Clock(run, journal)
        now[0] += 4
        clock.finish()
        assert run.manifest()["seconds"] == 10.0  # idle
        run.update_manifest(stages={"respond": "b"})
        clock.finish()
        assert run.manifest()["seconds"] == 14.0


def test_trainings_at_once_are_as_many_as_the_experiment_says(
    whole: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []

    def run_jobs(function: Any, jobs: Any, parallel: Any, on_report: Any, on_done: Any) -> None:
        seen.append((parallel, [job.weights for job in jobs]))
        raise ConfigError("far enough")

    monkeypatch.setattr(train_stage, "run_jobs", run_jobs)
    whole.score_base(4)
    with pytest.raises(ConfigError, match="far enough"):
        arm = {**whole.experiment["arms"]["rlhf"], "weights": {"jury": 0.25}}
        whole.run(parallel=None, seeds=[4], arms={"rlhf": arm})
    assert seen == [(None, [{"people": 1.0, "jury": 0.25}])]
    assert no_bar("title", 3)(2) is None  # type: ignore[func-returns-value]


def test_a_source_without_weight_takes_no_part_in_a_training(whole: World) -> None:
    arms = {
        "rlvr": {**whole.experiment["arms"]["rlvr"], "weights": {"grader": 0}},
        "hybrid": {**whole.experiment["arms"]["hybrid"], "weights": {"people": 0}},
    }
    report = whole.run(arms=arms, agreement=None, seeds=[0])
    assert [training["folder"] for training in whole.trainings] == ["rlvr-seed0", "hybrid-seed0"]
    assert [training["weights"] for training in whole.trainings] == [{"verifier": 1.0}] * 2
    assert [row["dropped"] for row in report["arms"]] == [["grader"], ["people"]]
    # t0a and t1c once in each training, since the verifier is deterministic; the grader is asked
    # before training and as an evaluator only, on t2c again after the error at the first look.
    assert len(whole.happened("ask", "verifier")) == 17 + 1 + 2 * 2
    assert len(whole.happened("ask", "grader")) == 17 + 1 + 3 * 8


def test_wrong_settings_are_named_by_their_place(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as wrong:
        train("dpo", "m", [], {"beta": "much"}, tmp_path)
    assert wrong.value.where == "settings"


def test_an_experiment_has_no_lists(whole: World) -> None:
    sources = {**whole.experiment["sources"]}
    sources["critic"] = {**sources["critic"], "use": "llm_judge", "way": "listwise",
                         "options": {"model": "hosted_vllm/m"}}  # fmt: skip
    with pytest.raises(ConfigError, match="critic cannot judge lists in an experiment") as lists:
        whole.run(sources=sources)
    assert lists.value.where == "sources.critic.way" and "harness judge" in lists.value.hint

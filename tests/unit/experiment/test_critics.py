"""What the critic of an arm starts from, said in an experiment file."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tiny_experiment import config

from harness.experiment.critics import check_critics, critics_of
from harness.experiment.experiment import Experiment
from harness.experiment.sources import Sources
from harness.experiment.train_job import TrainJob, _critic_start
from harness.nouns.errors import ConfigError, InputError

if TYPE_CHECKING:
    from conftest import World


def reward_model(folder: Path, deviation: float = 1.0) -> None:
    folder.mkdir(parents=True)
    told = {"score_mean": 0.0, "score_deviation": deviation}
    (folder / "reward_model.json").write_text(json.dumps(told))


def arm(world: World, **settings: Any) -> dict[str, Any]:
    hybrid = world.experiment["arms"]["hybrid"]
    return {"hybrid": {**hybrid, "settings": {**hybrid["settings"], **settings}}}


def starts(world: World) -> list[str]:
    return [t["settings"].critic_from for t in world.trainings if t["trainer"] == "ppo"]


def test_a_critic_starts_from_the_arms_own_reward_model(whole: World) -> None:
    whole.run(arms=arm(whole, critic_from="reward_model"))
    policies = whole.out / "policies"
    assert starts(whole) == [
        str(policies / f"hybrid-seed{seed}-reward-model" / "final") for seed in (0, 1)
    ]


def test_a_critic_starts_from_a_folder_beside_the_experiment(whole: World) -> None:
    folder = whole.file.parent / "rm" / "final"
    reward_model(folder)
    whole.run(arms=arm(whole, critic_from="rm/final"))
    assert starts(whole) == [str(folder)] * 2
    whole.run(arms=arm(whole, critic_from="rm/final"))
    assert len(starts(whole)) == 2  # nothing changed
    (folder / "weights").write_text("others")
    whole.run(arms=arm(whole, critic_from="rm/final"))
    assert len(starts(whole)) == 4  # other weights, another critic


def test_a_critic_that_nothing_could_start_from_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"

    def check(start: str, sources: list[str]) -> None:
        ppo = {"sources": sources, "trainer": "ppo", "settings": {"critic_from": start}}
        content = config(arms={"a": ppo})
        check_critics(content, path, Sources(content, path))
        assert critics_of(content, path) == {}

    with pytest.raises(ConfigError, match="no pairwise source") as wrong:
        check("reward_model", ["verifier"])
    assert wrong.value.where == "arms.a.settings"
    check("reward_model", ["people"])
    with pytest.raises(InputError, match="this is no reward model") as absent:
        check("rm/final", ["verifier"])
    assert absent.value.where == str(tmp_path / "rm/final")
    reward_model(tmp_path / "reward_model")
    with pytest.raises(ConfigError, match="no pairwise source"):
        check("reward_model", ["verifier"])  # the word is the arm's own, ./reward_model the folder
    with pytest.raises(AssertionError):
        check("./reward_model", ["verifier"])  # it is one, and its weights count


def test_gates_that_leave_no_pairwise_source_leave_no_critic(whole: World) -> None:
    content = Experiment.read(whole.write(arms=arm(whole, critic_from="reward_model")))
    job = TrainJob(content, "run", "hybrid", 0, {"verifier": 1.0})
    with pytest.raises(ConfigError, match="the gates left no pairwise source"):
        _critic_start(job, learned=False)
    assert _critic_start(job, learned=True) == Path("run/policies/hybrid-seed0-reward-model/final")
    assert replace(job, seed=1).reward_model_folder.name == "hybrid-seed1-reward-model"

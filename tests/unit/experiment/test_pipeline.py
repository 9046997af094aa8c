"""Weights, pairs from scores, held-out evaluators, jobs that die with their parent."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tiny_experiment

from harness.experiment.arms import arm_weights, check_arms
from harness.experiment.config import ArmConfig, RunConfig, SourceConfig
from harness.experiment.experiment import check_held_out
from harness.experiment.sources import NamedSource
from harness.experiment.stages.evaluate import evaluators_of
from harness.nouns.errors import ChatError, ConfigError, MissingExtraError, PluginError
from harness.nouns.outcomes import Status
from harness.nouns.schema import Item, Response
from harness.registry import registry
from harness.scale_out import local
from harness.scale_out.local import run_jobs


def named(name: str, use: str, **options: Any) -> NamedSource:
    factory = registry().source(use)
    config = SourceConfig(use=use, options=options)
    return NamedSource(name, config, factory.build(options, name), registry().origins[use])


ITEMS = [Item(f"i{n}", f"q{n}", reference="1") for n in range(4)]
RESPONSES = [Response(f"i{n}.{k}", f"i{n}", "base", f"{n} {k}") for n in range(4) for k in range(2)]


def test_weights_are_shares_times_gates_times_kappas() -> None:
    left = {"v": 1.0, "j": 0.25, "p": 1.0, "d": 0.0}
    kappas = {"v": 0.5, "j": 0.25, "p": 0.8, "d": 0.1}
    arm = ArmConfig(sources=("v", "j", "p", "d"), trainer="ppo", weights={"v": 2.0})

    def shares(arm: ArmConfig) -> dict[str, float]:
        return arm_weights(arm.sources, arm.aggregation, arm.weights, left, kappas)

    assert shares(arm) == {"v": 2.0, "j": 0.25, "p": 1.0, "d": 0.0}
    weighted = arm.model_copy(update={"aggregation": "agreement_weighted"})
    # A down-weighting gate has set j to its kappa already; a dropped source stays dropped.
    assert shares(weighted) == {"v": 1.0, "j": 0.25, "p": 0.8, "d": 0.0}
    kappas = {"v": -0.2}
    # Below chance, or undefined: no evidence of agreement, so no weight.
    assert shares(weighted) == {"v": 0.0, "j": 0.0, "p": 0.0, "d": 0.0}


def config(**changes: Any) -> RunConfig:
    sources = {
        "verifier": {"use": "last_number"},
        "correctness": {"use": "last_number"},
        "style": {"use": "keywords", "options": {"any_of": ["please"]}},
        "other_style": {"use": "keywords", "options": {"any_of": ["thanks"]}},
    }
    arms = {
        "rlvr": {"sources": ["verifier"], "trainer": "grpo"},
        "polite": {"sources": ["other_style"], "trainer": "grpo"},
    }
    evaluation = {"evaluators": ["correctness", "style"]}
    given = {"sources": sources, "arms": arms, "evaluation": evaluation, **changes}
    return tiny_experiment.config(**given)


def test_an_evaluator_under_another_name_is_not_held_out() -> None:
    experiment = config()
    sources = {
        name: named(name, entry.use, **entry.options) for name, entry in experiment.sources.items()
    }
    held_out = {info.name: info.held_out_for for info in evaluators_of(experiment, sources)}
    assert held_out == {"correctness": {"polite"}, "style": {"rlvr", "polite"}}


def test_wrong_settings_and_aggregations_are_refused_early() -> None:
    arm = {"sources": ["verifier"], "trainer": "grpo"}
    with pytest.raises(ConfigError, match="wrong training settings"):
        check_arms(config(arms={"a": {**arm, "settings": {"beta": "much"}}}))
    with pytest.raises(PluginError, match="unknown aggregation 'mode'"):
        check_arms(config(arms={"a": {**arm, "aggregation": "mode"}}))
    with pytest.raises(ConfigError, match="needs an agreement section"):
        check_arms(config(arms={"a": {**arm, "aggregation": "agreement_weighted"}}))


def test_training_on_evaluation_prompts_is_refused() -> None:
    again = [replace(ITEMS[0], id="new name")]
    with pytest.raises(ConfigError, match=r"1 item of data\.evaluation is in"):
        check_held_out(ITEMS, again)
    check_held_out(ITEMS, [Item("z", "another question")])


JOBS = """
import os

def double(job, report):
    report(0, {"job": job})
    if job < 0:
        raise ValueError("negative")
    return 2 * job

def seen(job, report):
    import time

    time.sleep(0.3)
    return os.environ.get("CUDA_VISIBLE_DEVICES"), os.environ["OMP_NUM_THREADS"], os.getpid()

def refuse(job, report):
    from harness.nouns.errors import ChatError, MissingExtraError
    from harness.nouns.chat_messages import ChatReply
    from harness.nouns.outcomes import Status

    if job == "extra":
        raise MissingExtraError("torch", "train")
    raise ChatError(Status.REFUSED, "no", retryable=True, reply=ChatReply("I will not"))
"""


@pytest.fixture
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A module of job functions that fresh processes can import."""
    (tmp_path / "pipeline_jobs.py").write_text(JOBS)
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("pipeline_jobs")
    sys.modules.pop("pipeline_jobs")


def test_jobs_come_back_in_order_with_their_reports(jobs: Any) -> None:
    seen: list[tuple[int, Any]] = []
    done: list[int] = []
    results = run_jobs(
        jobs.double,
        [3, 1, 2],
        2,
        lambda i, r: seen.append((i, r["job"])),
        lambda i, r: done.append(i),
    )
    assert results == [6, 2, 4]
    assert sorted(seen) == [(0, 3), (1, 1), (2, 2)]
    assert sorted(done) == [0, 1, 2]
    with pytest.raises(ValueError, match="negative"):
        run_jobs(jobs.double, [1, -1], 2)


@pytest.mark.parametrize(
    ("told", "parallel", "cards", "processes"),
    [
        ("3,5", None, {"3", "5"}, 2),  # one each, whatever the cores
        ("7", None, {"7"}, 1),
        ("GPU-1a, GPU-2b", 3, {"GPU-1a", "GPU-2b"}, 3),  # more at once, if it is asked for
        ("3,-1,5", None, {"3"}, 1),  # as CUDA reads it
        ("", 2, {""}, 2),  # there are none
    ],
)
def test_each_process_has_a_gpu_of_its_own(
    told: str, parallel: int | None, cards: set[str], processes: int,
    jobs: Any, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", told)
    found = run_jobs(jobs.seen, [0, 1, 2, 3], parallel)
    assert {card for card, _, _ in found} == cards
    by_process = {(card, process) for card, _, process in found}
    assert len(by_process) == processes


def test_without_gpus_there_is_a_process_for_each_core(
    jobs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(os, "listdir", lambda path: ["null", "nvidiactl", "nvidia-uvm"])
    assert local.gpus() == []
    found = run_jobs(jobs.seen, [0, 1, 2, 3])
    assert len({process for _, _, process in found}) == min(4, local.cores())
    monkeypatch.setattr(os, "listdir", lambda path: ["nvidia10", "nvidia2", "nvidiactl"])
    assert local.gpus() == ["2", "10"]


def test_errors_of_the_harness_come_out_of_jobs_whole(jobs: Any) -> None:
    with pytest.raises(MissingExtraError, match=r"feedback-harness\[train\]") as missing:
        run_jobs(jobs.refuse, ["extra"])
    assert (missing.value.module, missing.value.extra) == ("torch", "train")
    with pytest.raises(ChatError, match="refused: no") as failed:
        run_jobs(jobs.refuse, ["chat"])
    assert (failed.value.status, failed.value.retryable) == (Status.REFUSED, True)
    assert failed.value.reply is not None
    assert failed.value.reply.text == "I will not"


PARENT = """
import sys
sys.path.insert(0, sys.argv[1])
import test_pipeline_sleeper as s
from harness.scale_out.local import run_jobs
if __name__ == "__main__":
    run_jobs(s.sleep, [sys.argv[2]], 1)
"""
SLEEPER = """
import os, time
def sleep(path, report):
    with open(path, "w") as file:
        file.write(str(os.getpid()))
    time.sleep(60)
"""


def test_jobs_die_with_a_killed_parent(tmp_path: Path) -> None:
    (tmp_path / "test_pipeline_sleeper.py").write_text(SLEEPER)
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    pid_file = tmp_path / "pid"
    parent = subprocess.Popen([sys.executable, script, tmp_path, pid_file])
    while not pid_file.exists() or not pid_file.read_text():
        assert parent.poll() is None
        time.sleep(0.02)
    child = int(pid_file.read_text())
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    for _ in range(500):
        try:
            state = Path(f"/proc/{child}/stat").read_text().split()[2]
        except FileNotFoundError:
            return
        if state == "Z":
            return
        time.sleep(0.02)
    pytest.fail("the job outlived its parent")

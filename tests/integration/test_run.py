"""``harness run``: from a file to a report on real sources and trainers; kill -9 loses nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import yaml
from in_process import harness

from harness.records.journal import Journal
from harness.testing import StubServer

PLUGIN = '''
"""Verifier that writes down every verdict that it makes."""
import os, time
from harness.plugin import Item, Response, hookimpl, verifier

@verifier(name="counting", version="1")
def counting(item: Item, response: Response) -> bool:
    time.sleep(0.01)
    line = f"{response.id}\\t{response.text}\\n".encode()
    with open(os.environ["COUNTING_FILE"], "ab", buffering=0) as file:
        file.write(line)
    return response.text.rstrip(". !").endswith(str(item.reference))

@hookimpl
def harness_feedback_sources():
    return [counting]
'''


@pytest.fixture
def experiment(tmp_path: Path, repo_root: Path) -> Path:
    """A small experiment with a plugin of its own, which counts its verdicts."""
    site = tmp_path / "site"
    info = site / "counting-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "counting_plugin.py").write_text(PLUGIN)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: counting\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[harness]\ncounting = counting_plugin\n")
    content = yaml.safe_load((repo_root / "examples" / "arithmetic.yaml").read_text())
    for part, limit in (("train", 48), ("evaluation", 12)):
        entry = content["data"][part]
        entry["file"] = str(repo_root / "examples" / entry["file"])
        entry["limit"] = limit
    content["policy"]["model"] = str(repo_root / "examples" / "arithmetic_policy")
    keep = ("people", "correctness", "near", "sentence")
    content["sources"] = {k: v for k, v in content["sources"].items() if k in keep}
    content["sources"]["verifier"] = {"use": "counting"}
    content["agreement"]["gates"] = [
        {"source": "verifier", "minimum_coverage": 0.99, "action": "down_weight"}
    ]
    small = {"learning_rate": 1e-3, "steps": 3, "batch_size": 16}
    content["arms"] = {
        "rlhf": {
            "sources": ["people"],
            "trainer": "ppo",
            "settings": {**small, "rollout_size": 32, "unproven_rewards": True},
            "reward_model": {"learning_rate": 5e-4},
        },
        "rlvr": {
            "sources": ["verifier"],
            "trainer": "grpo",
            "settings": {**small, "group_size": 4},
        },
        "dpo": {
            "sources": ["people", "verifier"],
            "aggregation": "agreement_weighted",
            "trainer": "dpo",
            "settings": {"learning_rate": 1e-4},
        },
    }
    content["seeds"] = [0]
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


def start(experiment: Path, *extra: str) -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        "PYTHONPATH": str(experiment.parent / "site"),
        "COUNTING_FILE": str(experiment.parent / "counted"),
    }
    return subprocess.Popen(
        [sys.executable, "-m", "harness", "run", str(experiment), "--quiet",
         "--out", str(experiment.parent / "run"), *extra],
        env=environment, cwd=experiment.parent, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def run_here(experiment: Path, content: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    """Run an experiment in this process, which has no plugin that counts."""
    for source in content["sources"].values():
        if source["use"] == "counting":
            source["use"] = "math_verify"
    experiment.write_text(yaml.safe_dump(content, sort_keys=False))
    return harness("run", experiment, "--quiet", "--out", "run", cwd=experiment.parent)


class Outside(HTMLParser):
    """Collects what a page would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            loads = name == "src" or (name == "href" and tag == "link")
            if loads and value and not value.startswith(("data:", "#")):
                self.found.append(value)


@pytest.mark.slow
def test_kill_9_then_the_same_command_goes_on(experiment: Path) -> None:
    counted = experiment.parent / "counted"
    first = start(experiment)
    while not counted.exists() or counted.read_bytes().count(b"\n") < 70:
        assert first.poll() is None, first.communicate()[1]
        time.sleep(0.01)
    os.kill(first.pid, signal.SIGKILL)
    first.communicate()

    second = start(experiment)
    policies = experiment.parent / "run" / "policies"
    while not list(policies.glob("*/log.jsonl")):
        assert second.poll() is None, second.communicate()[1]
        time.sleep(0.05)
    os.kill(second.pid, signal.SIGKILL)
    second.communicate()

    third = start(experiment)
    out, err = third.communicate(timeout=400)
    assert third.returncode == 0, err
    run = experiment.parent / "run"
    assert str(run / "report.html") in out.replace("\n", "")

    # The journal has one row per request; only verdicts in flight at the first kill were remade.
    written = (run / "responses" / "train.jsonl").read_text().splitlines()
    train = {row["id"] for row in map(json.loads, written)}
    lines = [line.split("\t")[0] for line in counted.read_text().splitlines()]
    per_response = Counter(line for line in lines if line in train)
    assert set(per_response) == train
    assert sum(count - 1 for count in per_response.values()) <= 64 + 2  # a batch, a commit group

    report = json.loads((run / "report.json").read_text())
    page = (run / "report.html").read_text()
    outside = Outside()
    outside.feed(page)
    assert outside.found == []
    assert {p["name"] for p in report["evaluation"]["policies"]} == {"base", "rlhf", "rlvr", "dpo"}
    for row in report["evaluation"]["scores"]:
        assert row["low"] <= row["value"] <= row["high"]
    gate = report["gates"][0]
    assert not gate["passed"]
    assert 0 < gate["lower"] < gate["value"] < gate["upper"]
    assert gate["weight"] == pytest.approx(gate["lower"] / 0.99, abs=1e-6)
    assert "simulated" in page
    people = next(row for row in report["sources"] if row["name"] == "people")
    assert people["simulated"]
    assert people["failures"].get("abstained", 0) > 0
    assert people["ok"] + sum(people["failures"].values()) == people["judgments"]
    arms = {arm["name"]: arm for arm in report["arms"]}
    learned = arms["rlhf"]["seeds"][0]["reward_model"]
    held_out = learned["n_held_out"]
    assert held_out > 0
    assert learned["accuracy"] * held_out == pytest.approx(round(learned["accuracy"] * held_out))
    assert len(report["curves"]["rlvr"]["0"]) >= 3
    assert report["manifest"]["packages"]["torch"].startswith("2.13.0")
    # Simulated people, so the run asks them again of what the trained policies write.
    assert [(r["arm"], r["source"]) for r in report["transport"]["rows"]] == [
        ("rlvr", "verifier"), ("dpo", "verifier"),
    ]  # fmt: skip
    assert report["transport"] == json.loads((run / "transport.json").read_text())
    assert any(line.startswith("rlvr, verifier: ") for line in report["findings"])

    manifest = json.loads((run / "manifest.json").read_text())
    assert manifest["seeds"] == [0]
    assert manifest["sources"]["verifier"]["version"] == "1"
    assert manifest["sources"]["verifier"]["distribution"] == "counting 1.0"
    assert manifest["source_seconds"]["verifier"] > 0

    fourth = start(experiment)
    before = counted.read_bytes().count(b"\n")
    assert fourth.wait(timeout=200) == 0, fourth.communicate()[1]
    fourth.communicate()
    assert counted.read_bytes().count(b"\n") == before
    after = json.loads((run / "manifest.json").read_text())
    for kept in ("seconds", "source_seconds"):  # nothing was left to do
        assert after[kept] == manifest[kept]


def test_a_wrong_experiment_fails_before_any_work(experiment: Path) -> None:
    content = yaml.safe_load(experiment.read_text())
    content["arms"]["rlvr"]["settings"]["learning_rat"] = 1
    done = run_here(experiment, content)
    assert done.returncode == 2
    assert "did you mean learning_rate" in done.stderr
    assert not (experiment.parent / "run").exists()


def test_items_in_both_splits_are_refused(experiment: Path) -> None:
    content = yaml.safe_load(experiment.read_text())
    content["data"]["evaluation"]["file"] = content["data"]["train"]["file"]
    done = run_here(experiment, content)
    assert done.returncode == 2
    assert "items of data.evaluation are in data.train" in " ".join(done.stderr.split())


@pytest.mark.slow
def test_a_gate_that_stops_says_why_and_trains_nothing(experiment: Path) -> None:
    content = yaml.safe_load(experiment.read_text())
    content["agreement"]["gates"][0]["action"] = "stop"
    done = run_here(experiment, content)
    err = done.stderr
    assert done.returncode == 1
    gate = json.loads((experiment.parent / "run" / "agreement.json").read_text())["gates"][0]
    assert (gate["source"], gate["passed"], gate["action"]) == ("verifier", False, "stop")
    assert f"verifier: {gate['reason']}" in " ".join(err.split())
    assert "share decided of what people decide" in gate["reason"]
    assert "agreement.json" in err
    assert not (experiment.parent / "run" / "policies").exists()


@pytest.mark.slow
def test_a_judge_asked_in_training_is_journaled_and_paid_from_the_budget(
    experiment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    content = yaml.safe_load(experiment.read_text())
    small = {"learning_rate": 1e-3, "steps": 2, "batch_size": 16, "group_size": 4}
    content["arms"] = {"rlaif": {"sources": ["judge"], "trainer": "grpo", "settings": small}}
    content["agreement"] = None
    content["data"]["train"]["limit"] = 16
    content["budget_usd"] = 1000.0
    run = experiment.parent / "run"
    with StubServer("task: 4\naccuracy: 4\nclarity: 4") as server:
        options = {
            "model": "openai/m", "rubric": "helpfulness", "api_base": server.base_url,
            "input_cost_per_token": 0.001, "output_cost_per_token": 0.001,
        }  # fmt: skip
        judge = {"use": "llm_judge", "way": "pointwise", "options": options}
        content["sources"]["judge"] = judge
        done = run_here(experiment, content)
        assert done.returncode == 0, done.stderr
        asked = len(server.bodies)
    with Journal(run / "journal.sqlite") as journal:
        spent = journal.spent_usd()
    assert spent == pytest.approx(asked * 0.11)  # 100 + 10 tokens: no call is missing
    report = json.loads((run / "report.json").read_text())
    assert report["run"]["cost_usd"] == pytest.approx(spent)
    (judged,) = (row for row in report["sources"] if row["name"] == "judge")
    (seed,) = report["arms"][0]["seeds"]
    assert seed["cost_usd"] > 0
    assert judged["cost_usd"] + seed["cost_usd"] == pytest.approx(spent)
    assert report["manifest"]["sources"]["judge"]["template_sha256"]

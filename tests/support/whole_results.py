"""What the whole run of test_whole_run.py finds of its policies, worked out by hand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from harness.report.samples import kind_of, reasons

if TYPE_CHECKING:
    from conftest import World

ARMS = ("rlhf", "rlvr", "hybrid", "offline", "plugin")
POLICIES = ("base", *ARMS)
near = pytest.approx


def check_evaluation(world: World, report: dict[str, Any], said: dict[str, str]) -> None:
    """Means, coverage and differences of each policy under each evaluator; who is held out."""
    evaluation = report["evaluation"]
    assert evaluation == json.loads((world.out / "evaluation.json").read_text())
    everybody = {*ARMS, "nothing"}
    infos = {
        e["name"]: (e["kind"], set(e["held_out_for"]), e["simulated"])
        for e in evaluation["evaluators"]
    }
    # The twin asks the grader's model under another name, so it is not held out where that judged.
    assert infos == {
        "exam": ("verifier", everybody, False),
        "grader": ("judge", everybody - {"rlvr"}, False),
        "twin": ("judge", everybody - {"rlvr"}, False),
    }
    scores = {(row["evaluator"], row["policy"]): row for row in evaluation["scores"]}
    assert set(scores) == {(e, p) for e in infos for p in POLICIES}
    exam = {"base": 3 / 16, "rlhf": 6 / 16, "rlvr": 14 / 15, "hybrid": 7 / 16, "offline": 1 / 16,
            "plugin": 4 / 16}  # fmt: skip
    by_seed = {"base": (2 / 8, 1 / 8), "rlhf": (3 / 8, 3 / 8), "rlvr": (7 / 8, 7 / 7),
               "hybrid": (4 / 8, 3 / 8), "offline": (0, 1 / 8),
               "plugin": (2 / 8, 2 / 8)}  # fmt: skip
    grades = {"base": 0.5, "rlhf": 0.75, "rlvr": 1, "hybrid": 0.75, "offline": 0, "plugin": 0.5}
    for policy in POLICIES:
        mine = scores["exam", policy]
        assert mine["value"] == near(exam[policy])
        assert [seed["value"] for seed in mine["seeds"]] == near(list(by_seed[policy]))
        assert (mine["responses"], mine["n"], mine["clusters"]) == (
            16,
            15 if policy == "rlvr" else 16,
            3,
        )
        assert scores["grader", policy]["value"] == near(grades[policy])
        assert scores["twin", policy]["value"] == 0.25
        if policy != "base":
            # Of rlvr an answer has no verdict: items weigh alike, whatever they have of them.
            over_items = {**exam, "rlvr": 11 / 12}[policy]
            assert mine["difference"]["value"] == near(over_items - exam["base"])
    assert scores["exam", "rlvr"]["failures"] == {"timeout": 1}
    assert scores["grader", "rlhf"]["failures"] == {"refused": 1}
    assert [key for key, row in scores.items() if not row["held_out"]] == [
        ("grader", "rlvr"), ("twin", "rlvr"),
    ]  # fmt: skip
    wins = {(row["criterion"], row["a"], row["b"]): row for row in evaluation["wins"]}
    row = wins["exam", "rlhf", "base"]
    assert (row["wins"], row["losses"], row["n"]) == duels(said, "rlhf", "base")
    policies = {row["name"]: row for row in evaluation["policies"]}
    assert [(p["seeds"], p["responses"]) for p in policies.values()] == [([0, 1], 16)] * 6
    # log-ratios of the script: .5 with seed 0 and .25 with seed 1; base has none to itself
    assert [p["kl"]["value"] for p in policies.values()] == [0.0] + [0.375] * 5
    sampled = [row[1:] for row in world.happened("sample")]
    assert sampled[0] == ["base", "0", "policy", "0.7", "9"]
    assert sampled[1] == ["base", "0", "policy", "0.7", "9"]  # a few, for the first look
    assert sampled[2:] == [
        [policy, str(seed), "policy" if policy == "base" else "final", "0.7", "9"]
        for policy in POLICIES
        for seed in (0, 1)
    ]
    assert [row[1:] for row in world.happened("ratios")] == [
        [f"{arm}-seed{seed}", "policy", "0.7"] for arm in ARMS for seed in (0, 1)
    ]
    kept = world.rows("responses/evaluation-hybrid-seed1.jsonl")
    assert [row["text"] for row in kept] == [f"hybrid1e{n}{k}" for n in range(4) for k in "ab"]
    assert {row["metadata"]["log_ratio"] for row in kept} == {0.25}


def duels(said: dict[str, str], one: str, other: str) -> tuple[int, int, int]:
    """Count wins, losses and meetings of all responses of two policies, item by item."""
    outcomes = []
    for item in range(4):
        mine, theirs = (
            [int(said[f"{policy}{seed}"][2 * item + k]) for seed in (0, 1) for k in (0, 1)]
            for policy in (one, other)
        )
        outcomes += [np.sign(a - b) for a in mine for b in theirs]
    return outcomes.count(1), outcomes.count(-1), len(outcomes)


def check_samples(report: dict[str, Any]) -> None:
    """The first response of every policy with the first seed, with all scores."""
    rows = {row["item_id"]: row for row in report["samples"]}
    assert sorted(rows) == ["e0", "e1", "e2", "e3"]
    assert kind_of(reasons(report["samples"][0], report["evaluation"])) != "other"
    row = rows["e1"]
    assert (row["prompt"], row["reference"]) == ("Q e1", "R1")
    found = [(r["policy"], r["seed"], r["text"], r["scores"]) for r in row["responses"]]
    exam = {"base": True, "rlhf": True, "rlvr": True, "hybrid": False, "offline": False,
            "plugin": True}  # fmt: skip
    grades = {"base": "3", "rlhf": "4", "rlvr": "5", "hybrid": "4", "offline": "1", "plugin": "3"}
    assert found == [
        (p, 0, f"{p}0e1a", {"exam": exam[p], "grader": grades[p], "twin": 0.25}) for p in POLICIES
    ]

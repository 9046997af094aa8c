"""The whole way on a scripted experiment (whole.yaml): every table, worked out by hand."""

from __future__ import annotations

import hashlib
import json
import platform
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from whole_results import ARMS, POLICIES, check_evaluation, check_samples

from harness.agreement import agreement_report
from harness.nouns.hashing import content_hash
from harness.policy.weights import weights_hash
from harness.ratings.table import from_labels
from harness.records.journal import JOURNAL, Journal

if TYPE_CHECKING:
    from conftest import World

REWARD_MODEL = {"accuracy": 0.75, "score_mean": 0.0, "score_deviation": 1.0}
near = pytest.approx
RANKED = {
    "gold": "exam", "same": ["grader", "twin"], "value": near(6 / 7), "low": near(0.408, abs=0.001),
    "high": near(0.981, abs=0.001), "n": 7, "clusters": 2,
}  # fmt: skip
"""Of e0 all four pairs of right and wrong end in a and b; of e1 one of three in a and a."""

JURY = 0.636364
"""Its kappa 7 / 11, to six digits."""


def test_every_table_of_a_whole_run(whole: World, exam: dict[str, str]) -> None:
    report = whole.run()
    check_judgments(whole)
    check_agreement(whole, report)
    check_preferences_and_rewards(whole)
    check_trainings(whole)
    check_arms(report)
    check_sources(report)
    check_evaluation(whole, report, exam)
    check_samples(report)
    check_transport(whole, report)
    check_run_and_manifest(whole, report)
    check_progress(whole)


def check_judgments(world: World) -> None:
    """Who was asked what: 5 pairs, 18 responses, 96 held-out responses."""
    assert [row[1] for row in world.happened("check")] == [
        "people", "jury", "critic", "verifier", "grader", "exam", "twin",
    ]  # fmt: skip
    train = [row["text"] for row in world.rows("responses/train.jsonl")]
    assert train == [f"t{n}{k}" for n in range(5) for k in "abc"] + ["t5a", "t5a", "t5c"]
    with Journal(world.out / JOURNAL) as journal:
        found = {
            name: journal.judgments(f"{part}/{scope}", name)
            for part in ("train", "evaluation")
            for scope in scopes(world, part)
            for name in [scope.partition("/")[0]]
        }
        assert {k: len(v) for k, v in found.items()} == {
            "people": 10, "jury": 30, "critic": 3, "verifier": 18,
            "grader": 96, "exam": 96, "twin": 96,
        }  # fmt: skip
        (scope,) = (s for s in scopes(world, "train") if s.startswith("grader/"))
        graded = Counter(j.verdict.status.value for j in journal.judgments(f"train/{scope}"))
    assert graded == {
        "ok": 13, "refused": 1, "unparseable": 1, "timeout": 1, "error": 1, "missing": 1,
    }  # fmt: skip


def scopes(world: World, part: str) -> list[str]:
    """Return the parts of the journal under "train/" or "evaluation/", as name/hash."""
    import sqlite3

    with sqlite3.connect(world.out / JOURNAL) as connection:
        rows = connection.execute("SELECT DISTINCT scope FROM judgments ORDER BY scope").fetchall()
    return [scope.partition("/")[2] for (scope,) in rows if scope.startswith(f"{part}/")]


def check_agreement(world: World, report: dict[str, Any]) -> None:
    """Kappas by hand, gates by them, and the report on the table that a person would write."""
    content = json.loads((world.out / "agreement.json").read_text())
    assert report["agreement"] == content
    # People: 3 of 4 alike, by chance .75 * .5 + .25 * .5 = .5. The majority is A A B, none, TIE.
    # Jury: by majority, as rlhf uses it, A TIE B TIE TIE, which agrees on 3 of 4, by chance .3125;
    # by its mean, as offline does, on all 4: the lower counts. Verifier: A TIE B TIE on pairs.
    assert content["kappas"] == near(
        {"people": 0.5, "jury": 7 / 11, "critic": 0.0, "verifier": 0.5, "grader": 1.0}
    )
    assert content["gates"] == report["gates"]
    found = [
        (g["source"], g["limit"], g["action"], g["outcome"], g["weight"], g["statistic"])
        for g in report["gates"]
    ]
    assert found == [
        ("verifier", 0.3, "drop", "undecided", 1.0, "cohen_kappa"),  # trains, as it says
        ("jury", 0.9, "down_weight", "undecided", 1.0, "cohen_kappa"),
        ("critic", 0.2, "drop", "undecided", 0.0, "cohen_kappa"),
    ]
    assert [g["value"] for g in report["gates"]] == near([0.5, 7 / 11, 0.0])
    (table,) = content["tables"]
    # What a gate quotes is a row of the report, to the last digit.
    read = {
        row["annotators"]: row
        for row in table["rows"]
        if row["section"] == "Each source with the people"
    }
    # j1 (A TIE B . B) agrees on 2 of 4, by chance .3125; j2 on all 3 that it judged; j3 (A B B . A)
    # on 2 of 4, by chance .375.
    voices = {"jury/j1": 0.1875 / 0.6875, "jury/j2": 1.0, "jury/j3": 0.2}
    assert {name: row["value"] for name, row in read.items()} == near(content["kappas"] | voices)
    assert (
        "one verdict of 3: jury/j1 0.27, jury/j2 1.00, jury/j3 0.20" in report["gates"][1]["reason"]
    )
    for gate in report["gates"]:
        row = read[gate["source"]]
        assert {key: row[key] for key in ("value", "low", "high")} == {
            key: gate[key] for key in ("value", "low", "high")
        }
        assert row["name"] == gate["statistic"]
    assert table["title"] == "pairs"
    labels = {
        "people/ann": ["A", "A", "B", "A", "TIE"], "people/ben": ["A", "A", "B", "B", None],
        "jury/j1": ["A", "TIE", "B", "A", "B"], "jury/j2": ["A", "A", "B", "TIE", None],
        "jury/j3": ["A", "B", "B", None, "A"], "critic": ["B", "B", "B", None, None],
        "verifier": ["A", "TIE", "B", "TIE", None], "grader": ["A", None, None, "B", "TIE"],
    }  # fmt: skip
    kinds = ["human"] * 2 + ["judge"] * 4 + ["verifier", "judge"]
    by_hand = from_labels(
        labels, level="nominal", categories=("A", "TIE", "B"), tie="TIE",
        clusters=["t", "t", "t2", "t3", "t4"],
    )  # fmt: skip
    items = tuple(f"t{n}" for n in range(5))
    by_hand = replace(by_hand, kinds=tuple(kinds), items=items)
    expected = {
        (row["section"], row["name"], row["annotators"]): [row["value"], row["low"], row["high"]]
        for row in agreement_report(by_hand).rows()
    }
    rows = {
        (row["section"], row["name"], row["annotators"]): [row["value"], row["low"], row["high"]]
        for row in table["rows"]
    }
    assert len(expected) > 100
    for key, values in expected.items():
        assert rows[key] == [v if v is None else near(v, rel=1e-9) for v in values], key
    audit = {row["annotator"]: row for row in table["audit"]["coverage"]}
    assert (table["audit"]["n_items"], table["audit"]["n_clusters"]) == (5, 4)
    assert {name: row["labels"] for name, row in audit.items()} == {
        name: sum(label is not None for label in column) for name, column in labels.items()
    }
    assert {name: row["failures"] for name, row in audit.items() if row["failures"]} == {
        "people/ben": {"abstained": 1}, "jury/j2": {"failed in one order": 1},
        "jury/j3": {"refused": 1}, "verifier": {"abstained": 1},
        "grader": {"refused": 1, "timeout": 1},
    }  # fmt: skip
    assert [name for name, row in audit.items() if row["simulated"]] == ["people/ann", "people/ben"]
    assert table["notes"]["Accuracy against the majority of people"] == [
        "1 item without a majority (a tie) takes no part."
    ]


def check_transport(world: World, report: dict[str, Any]) -> None:
    """People are asked again, and say nothing: no source is asked, and nothing is decided."""
    content = json.loads((world.out / "transport.json").read_text())
    assert report["transport"] == content and content["simulated"] == ["people"]
    assert [(row["arm"], row["source"]) for row in content["rows"]] == [
        ("rlhf", "jury"), ("rlvr", "verifier"), ("rlvr", "grader"), ("hybrid", "verifier"),
        ("offline", "verifier"), ("offline", "jury"), ("offline", "critic"),
    ]  # fmt: skip
    assert {tuple(row["labelled"]) for row in content["rows"]} == {(3, 0)}
    assert {row["outcome"] for row in content["rows"]} == {"undecided"}


def check_preferences_and_rewards(world: World) -> None:
    """Chosen, rejected, probability and number of judgments of every pair; every reward."""
    a, b = ("a", "b"), ("b", "a")
    expected = {
        # Of t1: ann and ben A, j2 A; j1 is of two minds, j3 says B by its mean (.2 + .4) / 2.
        "rlhf": [("t0", *a, 1, 5), ("t1", *a, 3.5 / 5, 5),
                 ("t2", *b, 1, 5), ("t3", *a, 2.5 / 4, 4)],
        "rlvr": [],
        "hybrid": [("t0", *a, 1, 2), ("t1", *a, 1, 2), ("t2", *b, 1, 2)],
        # The verifier has .5; the jury's kappa is shared by those who voted; j3's mean of t0 is .8.
        "offline": [("t0", *a, (0.5 + JURY * 2.8 / 3) / (0.5 + JURY), 4),
                    ("t1", *a, (0.25 + JURY * (0.5 + 1 + 0.3) / 3) / (0.5 + JURY), 4),
                    ("t2", *b, 1, 4), ("t3", *a, (0.25 + JURY * 1.5 / 2) / (0.5 + JURY), 3)],
        "plugin": [("t0", *a, 1, 2), ("t1", *a, 1, 2), ("t2", *b, 1, 2)],
        "nothing": [],
    }  # fmt: skip
    letter = {"a": 0, "b": 1, "c": 2}
    for arm, rows in expected.items():
        assert world.rows(f"preferences/{arm}.jsonl") == [
            {
                "item_id": item,
                "chosen_id": f"base.0.{item}.{letter[chosen]}",
                "rejected_id": f"base.0.{item}.{letter[rejected]}",
                "probability": near(p),
                "n_judgments": n,
                "prompt": f"Q {item}",
                "chosen": item + chosen,
                "rejected": item + rejected,
            }
            for item, chosen, rejected, p, n in rows
        ]
    # pairs, labels (of 10 verdicts one abstained) and weights that the plugin's method was given
    assert world.happened("aggregate") == [["aggregate", "5", "9", "['people']"]]

    verified = [1, 0, 1, 1, 1, 0, 0, 1, 1, 0, 0, 0, 1, None, 1, 1, 1, 0]
    grades = [5, 1, 3, 4, None, None, None, 2, None, 1, 2, 3, 5, 5, None, 4, 4, 2]
    for arm in ("hybrid", "offline"):
        rewards = world.rows(f"rewards/{arm}.jsonl")
        assert [row["value"] for row in rewards] == verified
        assert [row["n_judgments"] for row in rewards] == [int(v is not None) for v in verified]
    rewards = world.rows("rewards/rlvr.jsonl")
    assert [row["response_id"] for row in rewards] == [
        f"base.0.t{n}.{k}" for n in range(6) for k in range(3)
    ]
    for row, right, grade in zip(rewards, verified, grades, strict=True):
        known = {} if right is None else {"verifier": right}
        if grade is not None:
            known["grader"] = (grade - 1) / 4
        weights = {"verifier": 1.0, "grader": 0.5}
        total = sum(weights[name] for name in known)
        assert row["components"] == near(known)
        assert row["n_judgments"] == len(known)
        assert row["value"] == near(sum(weights[n] * v for n, v in known.items()) / total)
    present = sorted(path.name for path in (world.out / "rewards").iterdir())
    assert present == ["hybrid.jsonl", "offline.jsonl", "rlvr.jsonl"]


def check_trainings(world: World) -> None:
    """Every trainer's rows, settings, weights, seed and monitor."""
    assert world.happened("jobs") == [
        ["jobs", "3", *(f"{arm}-{seed}" for seed in (0, 1) for arm in ARMS)]
    ]
    done = {training["folder"]: training for training in world.trainings}
    kinds = {"rlhf": "dpo", "rlvr": "grpo", "hybrid": "ppo", "offline": "sft", "plugin": "dpo"}
    assert {name: training["trainer"] for name, training in done.items()} == {
        **{f"{arm}-seed{seed}": kinds[arm] for arm in ARMS for seed in (0, 1)},
        "hybrid-seed0-reward-model": "reward_model",
        "hybrid-seed1-reward-model": "reward_model",
    }
    assert {t["model"] for t in world.trainings} == {"policy"}
    assert [done[f"{arm}-seed1"]["seed"] for arm in ARMS] == [1] * 5
    assert done["hybrid-seed1-reward-model"]["seed"] == 1

    # check_preferences_and_rewards has worked them out.
    assert done["rlhf-seed0"]["rows"] == world.rows("preferences/rlhf.jsonl")
    assert done["hybrid-seed0-reward-model"]["rows"] == world.rows("preferences/hybrid.jsonl")
    assert done["offline-seed0"]["rows"] == [
        {"prompt": f"Q {text[:2]}", "completion": text} for text in ("t0a", "t1a", "t2b", "t3a")
    ]
    items = [
        {
            "id": f"t{n}",
            "prompt": f"Q t{n}",
            "reference": f"R{n}",
            "metadata": {"cluster": "t"} if n < 2 else {},
        }
        for n in range(6)
    ]
    assert done["rlvr-seed0"]["rows"] == items
    assert done["hybrid-seed0"]["rows"] == items
    rlvr, hybrid = done["rlvr-seed0"]["settings"], done["hybrid-seed0"]["settings"]
    assert (rlvr.max_new_tokens, rlvr.temperature, rlvr.group_size, rlvr.steps) == (9, 0.7, 4, 2)
    assert (hybrid.max_new_tokens, hybrid.temperature) == (9, 0.9)  # the arm's own comes first
    assert done["hybrid-seed0-reward-model"]["settings"].epochs == 2
    assert done["rlhf-seed0"]["settings"].beta == 0.2
    assert done["rlvr-seed0"]["weights"] == {"verifier": 1.0, "grader": 0.5}
    assert done["hybrid-seed0"]["weights"] == {"verifier": 1.0, "reward_model": 2.0}
    for arm in ARMS:
        monitor = done[f"{arm}-seed0"]["monitor"]
        assert [row["id"] for row in monitor["rows"]] == ["e0", "e1", "e2", "e3"]
        assert list(monitor["gold"]) == ["exam"]
        assert (monitor["every"], monitor["max_new_tokens"], monitor["temperature"]) == (5, 9, 0.7)
    log = world.rows("policies/rlvr-seed0/log.jsonl")
    # Of t0a and t1c the verifier says 1 and 0, the grader 5 and nothing.
    for name, reward, coverage in (("verifier", 0.5, 1.0), ("grader", 1.0, 0.5)):
        assert [row[f"reward/{name}"] for row in log] == [reward] * 2
        assert [row[f"coverage/{name}"] for row in log] == [coverage] * 2
    log = world.rows("policies/hybrid-seed0/log.jsonl")
    assert [row["reward/reward_model"] for row in log] == [1.0] * 2
    assert set(log[0]) == {
        "step", "loss", "reward/verifier", "coverage/verifier", "reward/reward_model",
        "coverage/reward_model", "held_out/gold/exam",
    }  # fmt: skip
    arm = json.loads((world.out / "policies" / "hybrid-seed1" / "arm.json").read_text())
    watched = arm.pop("watched")
    assert arm.pop("device")
    assert (watched["every"], watched["gold"][2]) == (5, "pointwise")
    assert arm == {
        "reward_model": REWARD_MODEL,
        "reward_model_seconds": 1.5,
        "reward_weights": {"verifier": 1.0, "reward_model": 2.0},
        "checkpoint": "policies/hybrid-seed1/final",
        "weights": weights_hash(world.out / "policies/hybrid-seed1/final"),
        "log": "policies/hybrid-seed1/log.jsonl",
        "steps": 2, "seconds": 3.0, "peak_memory_mb": 64.0, "cost_usd": 0,
        "learnt": {"what": "prompts", "rows": 0, "used": 0, "left_out": {}},
    }  # fmt: skip


WHAT = {"rlhf": "preferences", "rlvr": "prompts", "hybrid": "prompts", "offline": "completions",
        "plugin": "preferences"}  # fmt: skip


def check_arms(report: dict[str, Any]) -> None:
    """The row of each arm: its share of every source, what it learnt from, time and cost."""
    rows = {row["name"]: row for row in report["arms"]}
    assert list(rows) == [*ARMS, "nothing"]
    assert {name: row["weights"] for name, row in rows.items()} == {
        "rlhf": {"people": 1.0, "jury": 1.0},
        "rlvr": {"verifier": 1.0, "grader": 0.5},
        "hybrid": {"people": 2.0, "verifier": 1.0},
        "offline": {"verifier": 0.5, "jury": JURY, "critic": 0.0},  # kappas; what a gate dropped: 0
        "plugin": {"people": 1.0},
        "nothing": {"critic": 0.0},
    }
    keys = ("title", "trainer", "aggregation", "dropped", "n_preferences", "n_rewards")
    assert {name: tuple(row[key] for key in keys) for name, row in rows.items()} == {
        "rlhf": ("From people", "dpo", "majority", [], 4, 0),
        "rlvr": ("rlvr", "grpo", "mean", [], 0, 18),
        "hybrid": ("hybrid", "ppo", "majority", [], 3, 17),
        "offline": ("offline", "sft", "agreement_weighted", ["critic"], 4, 17),
        "plugin": ("plugin", "dpo", "counted", [], 3, 0),
        "nothing": ("nothing", "dpo", "majority", ["critic"], 0, 0),
    }
    assert [row["sources"] for row in rows.values()] == [list(r["weights"]) for r in rows.values()]
    assert {name: row["unused_pairs"] for name, row in rows.items()} == {
        "rlhf": {"tie": 1}, "rlvr": {}, "hybrid": {"tie": 2}, "offline": {"tie": 1},
        "plugin": {"tie": 2}, "nothing": {},
    }  # fmt: skip
    # 30 verdicts of the jury at .01, 17 of the grader at .003 (one gave none), 3 of the critic
    # at .02; what the grader cost as an evaluator is no feedback.
    assert {name: row["feedback_cost_usd"] for name, row in rows.items()} == near(
        {"rlhf": 0.3, "rlvr": 0.051, "hybrid": 0, "offline": 0.36, "plugin": 0, "nothing": 0.06}
    )
    assert all(0 <= row["feedback_seconds"] < 60 for row in rows.values())
    # Five pairs before two people, one of whom abstained once; what is missing was no call.
    assert {name: (row["labels"], row["calls"]) for name, row in rows.items()} == {
        "rlhf": ({"people": 10}, 30), "rlvr": ({}, 17), "hybrid": ({"people": 10}, 0),
        "offline": ({}, 33), "plugin": ({"people": 10}, 0), "nothing": ({}, 3),
    }  # fmt: skip
    both = rows["rlhf"]["feedback_seconds"], rows["plugin"]["feedback_seconds"]
    assert both[0] > both[1] > 0  # people and jury; people
    for name in ARMS:
        learned = name == "hybrid"
        assert len({seed.pop("device") for seed in rows[name]["seeds"]}) == 1
        assert rows[name]["seeds"] == [
            {
                "seed": seed, "status": "done", "seconds": 3.0 if learned else 1.5, "steps": 2,
                "peak_memory_mb": 64.0, "cost_usd": 0,
                "reward_model": {**REWARD_MODEL, "same_style": RANKED} if learned else None,
                "learnt": {"what": WHAT[name], "rows": 0, "used": 0, "left_out": {}},
            }
            for seed in (0, 1)
        ]  # fmt: skip
    assert rows["nothing"]["seeds"] == []
    curves = report["curves"]
    assert {name: list(seeds) for name, seeds in curves.items()} == {
        name: ["0", "1"] for name in ARMS
    }
    assert curves["plugin"]["1"] == [
        {"step": 1, "loss": 1.0, "held_out/gold/exam": 0.25, "gold": 0.25},
        {"step": 2, "loss": 0.5, "held_out/gold/exam": 0.5, "gold": 0.5},
    ]


def check_sources(report: dict[str, Any]) -> None:
    """The row of each source: who it is, what it did, how often it failed, what it cost."""
    rows = {row["name"]: row for row in report["sources"]}
    keys = ("kind", "way", "simulated", "roles", "models", "rubric", "requests", "judgments", "ok",
            "failures", "reasons")  # fmt: skip
    failed = {"refused": 2, "unparseable": 1, "timeout": 1, "error": 1, "missing": 1}
    why = {"no": 2, "what": 1, "slow": 1, "broke": 1, "the source gave no judgment": 1}
    reward, evaluator = ["reward"], ["evaluator"]
    assert {name: tuple(row[key] for key in keys) for name, row in rows.items()} == {
        "people": ("human", "pairwise", True, ["reward", "agreement reference"], [], None, 5, 10, 9,
                   {"abstained": 1}, {"cannot say": 1}),
        "jury": ("judge", "pairwise", False, reward, ["m/jury"], "manners", 5, 30, 27,
                 {"refused": 2, "timeout": 1}, {"no": 2, "slow": 1}),
        "critic": ("judge", "pairwise", False, reward, ["m/critic"], None, 3, 3, 3, {}, {}),
        "verifier": ("verifier", "pointwise", False, reward, [], None, 18, 18, 17,
                     {"abstained": 1}, {"no reference": 1}),
        "grader": ("judge", "pointwise", False, ["reward", "evaluator"], ["m/one"], None,
                   114, 114, 108, failed, why),
        "exam": ("verifier", "pointwise", False, evaluator, [], None, 96, 96, 95,
                 {"timeout": 1}, {"slow": 1}),
        "twin": ("judge", "pointwise", False, evaluator, ["m/one"], None, 96, 96, 96, {}, {}),
    }  # fmt: skip
    assert {row["use"] for row in rows.values()} == {"scripted"}
    assert {row["version"].partition("+")[0] for row in rows.values()} == {"1"}
    assert {row["distribution"] for row in rows.values()} == {"play 3.1"}
    assert rows["critic"]["options"]["cost"] == 0.02
    assert {name: row["cost_usd"] for name, row in rows.items()} == near(
        {"people": 0, "jury": 0.3, "critic": 0.06, "verifier": 0, "grader": 0.003 * 113,
         "exam": 0, "twin": 0}
    )  # fmt: skip
    # 5 + 2 tokens for each judgment that the source made
    assert {name: row["tokens"] for name, row in rows.items()} == {
        name: 7 * (row["judgments"] - row["failures"].get("missing", 0))
        for name, row in rows.items()
    }


def check_run_and_manifest(world: World, report: dict[str, Any]) -> None:
    """Who ran what, and what it was made of."""
    run, manifest = report["run"], report["manifest"]
    stored = json.loads((world.out / "manifest.json").read_text())
    assert manifest == stored
    assert (run["name"], run["description"], run["seeds"]) == ("whole", "Everything once.", [0, 1])
    assert run["items"] == {"train": 6, "eval": 4}
    assert (run["created"], run["duration_s"]) == (stored["created"], stored["seconds"])
    assert run["cost_usd"] == stored["cost_usd"] == 0.0  # nothing went through the chat client
    assert (run["python"], run["platform"]) == (platform.python_version(), platform.platform())
    content = world.file.read_bytes()
    assert stored["experiment_sha256"] == hashlib.sha256(content).hexdigest()
    assert run["packages"]["torch"].startswith("2.13.0")
    assert run["harness_version"] == run["packages"]["feedback-harness"]
    assert stored["experiment"]["arms"]["hybrid"]["weights"] == {"people": 2.0}
    assert set(stored["stages"]) == {
        "respond",
        *(f"train/{arm}-seed{seed}" for arm in ARMS for seed in (0, 1)),
        *(f"evaluate/{policy}-seed{seed}" for policy in POLICIES for seed in (0, 1)),
        *(f"reward_models/hybrid-seed{seed}" for seed in (0, 1)),
    }
    # What a stage depends on, as a number: if it moves, everybody's finished trainings and samples
    # are made again after an upgrade. Change it knowingly. Last: what only watches a
    # training does not count, nor do the items of an arm that learns from preferences alone.
    costly = {k: v for k, v in stored["stages"].items() if not k.startswith("reward_models/")}
    assert content_hash(costly)[:16] == "438c3724c489aee8"
    assert set(stored["source_seconds"]) == {"people", "jury", "critic", "verifier", "grader"}
    assert stored["sources"]["jury"] == {
        "use": "scripted", "kind": "judge", "way": "pairwise", "version": "1+a3fc7a49b556",
        "distribution": "play 3.1", "models": ["m/jury"], "rubric": "manners",
        "rubric_sha256": None, "template_sha256": "t" * 64,
    }  # fmt: skip
    assert stored["sources"]["people"]["template_sha256"] is None
    assert world.happened("finished") == [["finished", str(world.out)]]
    assert "6 arms of whole" in (world.out / "report.md").read_text()  # a plugin's section


def check_progress(world: World) -> None:
    """Every bar comes to its end, and every step of every training is shown."""
    trained = [f"{arm} {seed}" for seed in (0, 1) for arm in ARMS]
    assert sorted(world.shown) == sorted((name, step) for name in trained for step in (1, 2))
    assert world.bars == [
        ["asking every source a little first", 7, 7],
        ["sampling the base policy", 18, 18],
        ["people judges", 5, 5],
        ["jury judges", 5, 5],
        ["critic judges", 3, 3],
        ["verifier judges", 18, 18],
        ["grader judges", 18, 18],
        ["training", 10, 10],
        ["sampling held-out items", 96, 96],
        ["exam evaluates", 96, 96],
        ["grader evaluates", 96, 96],
        ["twin evaluates", 96, 96],
        ["people is held against the training", 48, 48],
        ["exam is held against the training", 18, 18],
        ["verifier is held against the training", 96, 96],
        ["people judges again", 32, 32],
    ]

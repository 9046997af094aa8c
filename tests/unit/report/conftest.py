"""A made-up run: the numbers are drawn from seeded dice and mean nothing, the shape is a run's."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from harness.evaluate import EvaluatorInfo, evaluate
from harness.nouns.outcomes import Status
from harness.nouns.rubric import Criterion
from harness.nouns.scale import BINARY
from harness.nouns.schema import Item, Judgment, JudgmentRequest, Response, Verdict

HOSTILE = '<script>alert("x")</script> | `rm` **bold** <img src=x onerror=y> ![i](http://evil/)'
ARMS = {
    "rlhf": ("ppo", ["people"]),
    "rlaif": ("dpo", ["small_judge"]),
    "rlvr": ("grpo", ["math_check"]),
    "hybrid": ("grpo", ["math_check", "people", "small_judge"]),
}
RATES = {
    "base": (0.50, 0.40),
    "rlhf": (0.62, 0.78),
    "rlaif": (0.49, 0.88),
    "rlvr": (0.93, 0.41),
    "hybrid": (0.88, 0.74),
}


def row(
    name: str, who: str, value: float | None, half: float = 0.06, **more: Any
) -> dict[str, Any]:
    found = {
        "section": "made up",
        "name": name,
        "annotators": who,
        "value": value,
        "low": None if value is None else value - half,
        "high": None if value is None else min(1.0, value + half),
        "n": 200,
        "clusters": 100,
        "status": "ok" if value is not None else "undefined",
        "reason": "",
    }
    return found | more


def made_up_evaluation(seeds: int, prompts: int) -> tuple[dict[str, Any], dict[Any, Any]]:
    dice = random.Random(7)
    items = [Item(f"sum-{n}", f"What is {n}+{n + 3}?", str(2 * n + 3)) for n in range(prompts)]
    styles = {True: "Certainly: {}, my friend.", False: "Ugh, {}. Obviously."}
    responses: dict[tuple[str, int], list[Response]] = {}
    requests, judgments = [], []
    criterion = Criterion("correct", "Is it correct?", BINARY)
    for policy, rates in RATES.items():
        for seed in range(seeds):
            answers = responses[policy, seed] = []
            for n, item in enumerate(items):
                right, polite = (dice.random() < rate for rate in rates)
                text = styles[polite].format(2 * n + 3 + (0 if right else dice.choice([-2, 1, 10])))
                if policy == "rlaif" and n == 0:
                    text = HOSTILE
                response = Response(f"{policy}-{seed}-{item.id}", item.id, policy, text)
                answers.append(response)
                for name, good in (("correctness", right), ("style", polite)):
                    request = JudgmentRequest(f"{name}-{response.id}", item, (response,), criterion)
                    requests.append(request)
                    failed = name == "style" and policy == "rlvr" and n % 20 == 7
                    verdict = Verdict(Status.TIMEOUT) if failed else Verdict(Status.OK, good)
                    judgments.append(Judgment(request.id, name, "1", name, verdict))
    arms = frozenset(ARMS)
    noted = {
        (policy, seed): [
            replace(r, metadata={"log_ratio": (policy != "base") * 2.1 + dice.gauss(0, 0.4)})
            for r in answers
        ]
        for (policy, seed), answers in responses.items()
    }
    result = evaluate(
        items,
        noted,
        requests,
        judgments,
        [
            EvaluatorInfo("correctness", "verifier", held_out_for=arms - {"rlvr"}),
            EvaluatorInfo("style", "human", simulated=True, held_out_for=arms),
        ],
    )
    return result, responses


def made_up_curves(seeds: int) -> dict[str, Any]:
    dice = random.Random(3)
    curves: dict[str, Any] = {}
    for arm, (trainer, _) in ARMS.items():
        base, top = RATES["base"][0], RATES[arm][0]
        curves[arm] = {}
        for seed in range(seeds):
            rows = []
            for step in range(0, 61):
                grown = 1 - math.exp(-step / 18)
                noise = dice.gauss(0, 0.02)
                rows.append(
                    {
                        "step": step,
                        "reward": None if trainer == "dpo" else 3 * grown + noise * 5,
                        "gold": base + (top - base) * grown + noise if step % 10 == 0 else None,
                        "reward_margin": 2 * grown + noise if trainer == "dpo" else None,
                        "held_out/kl_sequence": (1 + len(arm) / 3) * grown + abs(noise)
                        if step % 10 == 0
                        else None,
                        "held_out/entropy": 1.2 - 0.6 * grown + noise if step % 10 == 0 else None,
                    }
                )
            curves[arm][seed] = rows
    return curves


def made_up_run(seeds: int = 2, prompts: int = 100) -> dict[str, Any]:
    evaluation, responses = made_up_evaluation(seeds, prompts)
    people = "people"

    def source(name: str, kind: str, **more: Any) -> dict[str, Any]:
        return {
            "name": name, "use": f"use_{name}", "kind": kind, "version": "1", "simulated": False,
            "distribution": "feedback-harness 0.1.0", "options": {}, "models": [], "rubric": None,
            "rubric_sha256": None, "roles": ["reward"], "requests": 600, "judgments": 600,
            "ok": 600, "failures": {}, "reasons": {}, "cost_usd": 0.0, "seconds": 14.2,
            "tokens": 0, "isolation": None,
        } | more  # fmt: skip

    first = [answers[0] for (_, seed), answers in responses.items() if seed == 0]
    return {
        "run": {
            "name": "made-up", "description": "A made-up run for the tests of the report.",
            "created": "2026-01-02T03:04:05Z", "duration_s": 431.7, "seeds": list(range(seeds)),
            "harness_version": "0.1.0", "python": "3.11.9", "platform": "Linux x86_64",
            "packages": {"numpy": "2.4.6", "torch": "2.13.0"},
            "items": {"train": 341, "eval": prompts},
        },
        "warnings": ["The words are a list."],
        "sources": [
            source(people, "human", simulated=True, roles=["reward", "agreement reference"],
                   requests=600, judgments=1800, ok=1800),
            source("small_judge", "judge", models=["local/smollm2"], rubric="politeness",
                   rubric_sha256="ab12cd34ef56aa", ok=540, tokens=61234, cost_usd=0.0132,
                   failures={"unparseable": 48, "timeout": 12},
                   reasons={"no verdict in the reply": 48, "no reply in 60 s": 12}, seconds=88.0),
            source("math_check", "verifier", isolation="own process, 5 s"),
            source("correctness", "verifier", roles=["evaluator"]),
            source("style", "human", roles=["evaluator"], simulated=True, ok=594,
                   failures={"timeout": 6}),
        ],
        "agreement": {
            "tables": [{
                    "title": "pairs",
                    "notes": {"made up": ["4 items without a majority (a tie) take no part."]},
                    "rows": [
                        row("accuracy", "small_judge", 0.52),
                        row("swap_flip_rate", "small_judge", 0.91, 0.03),
                        row("first_pick_rate", "small_judge", 0.95, 0.03),
                        row("human_ceiling", "people, each against the majority of the rest", 0.81,
                            0.03),
                        *(row("person_against_rest", f"simulated-{n} against the other people",
                              0.79 + 0.02 * n, 0.04) for n in range(3)),
                        row("judge_against_rest", "small_judge against all people but one", 0.51),
                        row("judge_against_rest", "math_check against all people but one", 0.66),
                        row("cohen_kappa", "simulated-0 - simulated-1", 0.58),
                        row("cohen_kappa", "small_judge - majority of people", 0.03, 0.08),
                        row("cohen_kappa", "math_check - majority of people", 0.34, 0.08),
                        row("krippendorff_alpha_nominal", "people", 0.57),
                        row("gwet_ac1", "judges", None, reason="single category"),
                    ],
                    "audit": {
                        "n_items": 200, "n_clusters": 100, "humans_per_item": {"3": 200},
                        "majority_ties": 4, "prevalence": {"A": 0.48, "TIE": 0.05, "B": 0.47},
                        "coverage": [
                            {"annotator": "simulated-0", "kind": "human", "simulated": True,
                             "items": 200, "labels": 200, "failures": {}},
                            {"annotator": "small_judge", "kind": "judge", "simulated": False,
                             "items": 200, "labels": 190, "failures": {"unparseable": 10}},
                        ],
                    },
        }]},
        "gates": [
            {"source": "small_judge", "statistic": "cohen_kappa", "value": 0.03, "low": -0.05,
             "high": 0.11, "minimum": 0.1, "action": "down_weight", "passed": False,
             "weight": 0.03, "reason": ""},
            {"source": "math_check", "statistic": "cohen_kappa", "value": 0.34, "low": 0.26,
             "high": 0.42, "minimum": 0.2, "action": "drop", "passed": True, "weight": 1.0,
             "reason": ""},
        ],
        "arms": [
            {
                "name": name, "title": f"{name.upper()}, made up", "trainer": trainer,
                "sources": used, "aggregation": "majority",
                "weights": {s: 0.03 if s == "small_judge" else 1.0 for s in used},
                "n_preferences": 0 if trainer == "grpo" and len(used) == 1 else 298,
                "unused_pairs": {"tie": 12},
                "n_rewards": 600 if "math_check" in used else 0, "dropped": [],
                "seeds": [
                    {"seed": seed, "seconds": 40.0 + 13 * seed + 7 * index, "steps": 60,
                     "cost_usd": 0.0, "status": "done", "peak_memory_mb": 812.0,
                     "reward_model": {"accuracy": 0.71} if name == "rlhf" else None}
                    for seed in range(seeds)
                ],
                "feedback_cost_usd": 0.0132 if "small_judge" in used else 0.0,
                "feedback_seconds": 14.2 * len(used),
            }
            for index, (name, (trainer, used)) in enumerate(ARMS.items())
        ],
        "evaluation": evaluation,
        "curves": made_up_curves(seeds),
        "samples": [
            {
                "item_id": "sum-0", "prompt": "What is 0+3?", "reference": "3",
                "responses": [
                    {"policy": r.system, "seed": 0, "text": r.text,
                     "scores": {"correctness": True, "style": None}}
                    for r in first
                ],
            }
        ],
        "manifest": {"config": {"name": "made-up"}, "prompt_sha256": "0" * 64},
    }  # fmt: skip


@pytest.fixture(scope="session")
def made_up() -> dict[str, Any]:
    return made_up_run()


@pytest.fixture(scope="session")
def make_run() -> Callable[..., dict[str, Any]]:
    return made_up_run

"""What is said of gates, curves, diversity, failures and costs, and in which order, by hand."""

from __future__ import annotations

import re
from typing import Any

import pytest

from harness.report.diversity import diversity_findings
from harness.report.finding import Weight
from harness.report.findings import findings
from harness.report.gates import gate_sentence
from harness.report.wording import Names
from harness.train.alarms import alarms_of
from tests.support.told import told_difference

Data = dict[str, Any]


# As an earlier version wrote it, which went by the estimate: reports of its runs are built anew.
GATE = {
    "source": "judge", "statistic": "cohen_kappa", "value": 0.3, "low": 0.2, "high": 0.4,
    "minimum": 0.5, "action": "drop", "passed": False, "weight": 0.0, "reason": "",
}  # fmt: skip
POINT = "judge agrees with people at Cohen's kappa 0.30"
IT = "it agrees with people at Cohen's kappa"
NEITHER = f"judge neither passes nor fails its gate: {IT} 0.22 to 0.38, where 0.30 is asked for"
AGREES = f"{POINT} (0.20 to 0.40)"
DROPPED = f"{AGREES}, below the minimum of 0.50: it was dropped."
OTHER_WAY = (
    "; the interval holds the minimum, so with other labels it could have gone the other way."
)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, DROPPED),
        (
            {"action": "down_weight", "weight": 0.3},
            f"{AGREES}, below the minimum of 0.50: its weight was set to 0.30.",
        ),
        ({"action": "stop"}, f"{AGREES}, below the minimum of 0.50: the run was stopped."),
        (
            {"passed": True, "minimum": 0.2, "weight": 1.0},
            f"{AGREES}, at or above the minimum of 0.20: it is used with full weight.",
        ),
        ({"minimum": 0.4}, f"{AGREES}, below the minimum of 0.40: it was dropped" + OTHER_WAY),
        ({"minimum": 0.41}, f"{AGREES}, below the minimum of 0.41: it was dropped."),
        (
            {"passed": True, "minimum": 0.25},
            f"{AGREES}, at or above the minimum of 0.25: it is used with full weight" + OTHER_WAY,
        ),
        ({"low": None, "minimum": 0.35}, f"{POINT}, below the minimum of 0.35: it was dropped."),
        ({"high": None, "minimum": 0.35}, f"{POINT}, below the minimum of 0.35: it was dropped."),
        (  # or it would be 0.30, below 0.30
            {"value": 0.2996, "low": None, "minimum": 0.3},
            f"{POINT}, below the minimum of 0.30: it was dropped.".replace("0.30,", "0.2996,"),
        ),
        (
            {"value": 0.304, "low": None, "minimum": 0.3, "passed": True},
            f"{POINT}4, at or above the minimum of 0.30: it is used with full weight.",
        ),
        (
            {"value": 0.3, "low": None, "minimum": 0.3, "passed": True},
            f"{POINT}, at or above the minimum of 0.30: it is used with full weight.",
        ),
        ({"value": None, "reason": "one label only."}, "judge: one label only."),
        ({"value": None, "reason": ""}, "judge: nothing could be measured."),
    ],
)  # fmt: skip
def test_sentence_of_a_gate(more: Data, said: str) -> None:
    gate = GATE | more
    assert gate_sentence(gate, Names.of_run({})) == said
    # An arm that does not learn from it, or learns from it.
    idle, learns = {"sources": ["people"]}, {"sources": ["people", "judge"]}
    assert gate_sentence(gate, Names.of_run({}), [idle, learns]) == said
    alone = gate_sentence(gate, Names.of_run({}), [idle])
    if gate["action"] == "stop" or gate["value"] is None:
        assert alone == said
    else:
        assert "no arm learns from it, so nothing was weighted by it" in alone
        assert not any(word in alone for word in ("dropped", "its weight", "full weight"))
        assert alone.startswith(said.split(": ")[0])
    # Among the findings stand the gates that a source did not pass.
    assert findings({"gates": [gate]}) == ([] if gate["passed"] else [said])


TODAY = GATE | {
    "limit": 0.5, "outcome": "fail", "lower": 0.22, "upper": 0.38, "n": 120, "clusters": 60,
    "coverage": None, "against": "", "slice": "", "undecided": "drop", "more_labels": None,
}  # fmt: skip
FLIPS = {"statistic": "swap_flip_rate", "value": 0.9, "lower": 0.85, "upper": 0.94, "limit": 0.2}
UNSURE = {"outcome": "undecided", "limit": 0.3, "more_labels": 1210}
ARMS = [
    {"name": "rlaif", "sources": ["judge"], "gate_effects": {"judge": "none: it is alone"}},
    {"name": "hybrid", "sources": ["judge", "v"], "gate_effects": {"judge": "its votes count"}},
    {"name": "rlvr", "sources": ["v"]},
]  # fmt: skip


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, f"judge fails its gate: {IT} 0.30 (at most 0.38), where 0.50 is asked for; it was"
             " dropped."),
        (
            {"passed": True, "outcome": "pass", "limit": 0.2},
            f"judge passes its gate: {IT} 0.30 (at least 0.22), where 0.20 is asked for.",
        ),
        (
            UNSURE,
            f"{NEITHER}; it was dropped."
            " About 1,210 more labels would decide, if it stays there.",
        ),
        (
            {**UNSURE, "undecided": "train", "more_labels": None},
            f"{NEITHER}; it is used all the same."
            " No plan says how many more labels would decide.",
        ),
        (
            {**UNSURE, "undecided": "stop"},
            f"{NEITHER}; the run was stopped."
            " About 1,210 more labels would decide, if it stays there.",
        ),
        (
            {**FLIPS, "action": "warn"},
            "judge fails its gate: it turns with the order in 90.0% (at least 85.0%) of the pairs,"
            " where at most 20% is allowed; it is used all the same.",
        ),
        (
            {"statistic": "share_right", "value": 0.986, "lower": 0.95, "upper": 1, "limit": 0.9,
             "outcome": "pass", "passed": True, "coverage": 0.44, "against": "experts"},
            "judge passes its gate: it is right in 98.6% (at least 95.0%) of the pairs that it and"
            " experts decide, where 90% is asked for.",
        ),
        (
            {"action": "down_weight", "weight": 0.44, "slice": "hard"},
            f"judge fails its gate: {IT} 0.30 (at most 0.38) on slice hard, where 0.50 is asked"
            " for. Its weight was set to 0.44, which changes nothing in rlaif.",
        ),
    ],
)  # fmt: skip
def test_sentence_of_a_gate_that_goes_by_its_bounds(more: Data, said: str) -> None:
    gate = TODAY | more
    assert gate_sentence(gate, Names.of_run({}), ARMS) == said
    numbers = [re.findall(r"\d[\d.,]*", one) for one in said.split(". ")]
    assert max(map(len, numbers)) <= 3
    told = [gate_sentence(gate, Names.of_run({}))]
    assert findings({"gates": [gate]}) == ([] if gate["passed"] and not gate["against"] else told)


@pytest.mark.parametrize(
    ("voices", "told"),
    [({"judge/a": 0.9, "judge/b": 0.3}, False), ({"judge/a": 0.9, "judge/c": -0.6}, True),
     ({"judge/a": 0.9, "judge/c": None}, True)],
)  # fmt: skip
def test_a_jury_that_passes_names_its_members_and_the_one_that_would_not(
    voices: Data, told: bool
) -> None:
    gate = GATE | {"passed": True, "minimum": 0.25, "voices": voices}
    said = gate_sentence(gate, Names.of_run({}))
    last = {0.3: "judge/b 0.30", -0.6: "judge/c \u22120.60", None: "judge/c undefined"}
    low = list(voices.values())[1]
    assert said.endswith(f". It is one verdict of 2, alone at judge/a 0.90, {last[low]}.")
    assert findings({"gates": [gate]}) == ([said] if told else [])


def fall(arm: str, seed: int, value: float, verdict: str = "fell", rose: bool = True) -> Data:
    """What became of gold in one training."""
    proxy = {"before": 0.1, "after": 0.9} if rose else None
    return {
        "arm": arm, "seed": seed, "gold": "exam", "verdict": verdict, "peak": 10, "last": 40,
        "before": 0.8, "after": 0.8 + value, "value": value, "low": value - 0.1,
        "high": value + 0.1, "proxy": proxy,
    }  # fmt: skip


def test_gold_that_fell_is_found_once_for_each_arm() -> None:
    """Only where looks and evaluation agree; the training that fell the most has the numbers."""
    rows = [
        fall("one", 0, -0.3), fall("both", 0, -0.2), fall("both", 1, -0.4),
        fall("some", 0, 0.01, "no fall"), fall("some", 1, -0.2, rose=False),
        fall("luck", 0, -0.2, "unconfirmed"), fall("none", 0, 0.0, "unknown"),
    ]  # fmt: skip
    assert findings({"gold_falls": rows}) == [
        "In one, the held-out gold reward exam fell from its peak by 0.30 (95% interval 0.20 to"
        " 0.40) while the reward that was optimised rose, and the evaluation shows it, too: reward"
        " hacking; try a larger beta, or fewer steps.",
        "In both trainings of both, the held-out gold reward exam fell from its peak by up to 0.40"
        " (95% interval 0.30 to 0.50) while the reward that was optimised rose, and the evaluation"
        " shows it, too: reward hacking; try a larger beta, or fewer steps.",
        "In some, seed 1, the held-out gold reward exam fell from its peak by 0.20 (95% interval"
        " 0.10 to 0.30), and the evaluation shows it, too: it was trained too far; try a larger"
        " beta, or fewer steps.",
    ]


@pytest.mark.parametrize(
    ("fell", "trained", "said"),
    [
        ([1, 0, 3, 4, 2], 5, "all five trainings of one"),
        ([2, 0], 5, "one, seed 0 and 2"),
        ([2, 0, 4], 5, "three of five trainings of one"),
        (list(range(11)), 12, "11 of 12 trainings of one"),
    ],
)
def test_trainings_are_counted_and_few_seeds_named(
    fell: list[int], trained: int, said: str
) -> None:
    rest = [fall("one", seed, 0.0, "no fall") for seed in range(trained) if seed not in fell]
    (line,) = findings({"gold_falls": [*(fall("one", seed, -0.2) for seed in fell), *rest]})
    assert line.startswith(f"In {said}, the held-out gold reward exam fell from its peak by up to")


def test_alarms_that_are_hints_are_no_findings() -> None:
    """A log that raises every alarm: only what a rule of the report finds, too, is told."""
    rows = [
        {
            "step": step, "reward": float(step), "explained_variance": 0.0, "kl_token": 2.0,
            "kl_sequence": 40.0, "unique": 1.0 if step < 8 else 0.01,
            "held_out/gold_by_prompt/exam": {str(n): 1.0 - step / 20 for n in range(30)},
        }
        for step in range(21)
    ]  # fmt: skip
    kl = {"value": 40.0, "low": 30.0, "high": 50.0}
    policies = [{"name": "far", "seeds": [0], "kl": kl}]
    curves = {"far": {"0": rows}, "none": {}, "two": {"0": [], "1": rows, "2": rows}}
    critic = (
        "the critic explains nothing of the returns: explained variance 0.00, the median of 10"
        " steps; try another critic_learning_rate, or start it from a reward model (critic_from)"
    )
    evaluation = {"base": "far", "policies": policies, "evaluators": []}
    assert len(alarms_of(rows)) == 4
    assert findings({"curves": curves, "evaluation": evaluation}) == [
        "far ran away from base: its KL is 40.0 nats per response (95% interval 30.00 to 50.00);"
        " try a lower learning rate or a larger beta.",
        f"In far, {critic}.",
        f"In two, seed 1, {critic}; the same with seed 2.",
    ]
    kl["low"] = 9.0
    assert len(findings({"curves": curves, "evaluation": evaluation})) == 2


def test_lost_diversity() -> None:
    diversity = {"base": 0.5, "one": 0.2499, "two": 0.25, "three": None, "four": 0.0}
    policies = [{"name": name, "distinct_2": value} for name, value in diversity.items()]
    data = {"evaluation": {"base": "base", "policies": policies, "evaluators": []}}
    assert findings(data) == [
        "one lost diversity (mode collapse): distinct-2 is 0.250, base's 0.500.",
        "four lost diversity (mode collapse): distinct-2 is 0.000, base's 0.500.",
    ]
    for nothing in (None, 0.0):
        policies[0]["distinct_2"] = nothing
        assert findings(data) == []


def likeness(templates: float, identical: float, low: float, p: float = 0.001) -> dict[str, Any]:
    """How alike answers are; ``low`` is the end of both intervals that is nearer to base."""
    more = {"value": 0.2, "low": low, "high": 0.4, "p": p, "p_holm": p}
    shares = {"identical": identical, "template": 1 / templates, "within": 0.5, "across": 0.5}
    measured = {name: {"value": share, "difference": more} for name, share in shares.items()}
    return {**measured, "templates": templates, "vendi": 9.0}


def test_answers_that_became_alike_are_found() -> None:
    """Half of base's templates or fewer, or clearly more identical pairs; not by luck."""
    given = {
        "base": likeness(14.0, 0.02, 0.0, 1.0), "both": likeness(3.6, 0.16, 0.1),
        "templates": likeness(6.9, 0.02, 0.1), "half": likeness(7.1, 0.02, 0.1),
        "luck": likeness(3.6, 0.16, 0.1, p=0.06), "wide": likeness(3.6, 0.16, -0.01),
    }  # fmt: skip
    given["templates"]["identical"]["difference"] = None
    given["half"]["identical"]["difference"] = given["half"]["identical"]["difference"] | {
        "value": 0.05
    }
    policies = [
        {"name": name, "diversity": one, "seeds": [0, 1] if name == "templates" else [0, 1, 2]}
        for name, one in given.items()
    ]
    found = findings({"evaluation": {"base": "base", "policies": policies, "evaluators": []}})
    lost = "lost diversity (mode collapse): "
    assert found == [
        f"both {lost}its answers follow 3.6 templates, base's 14.0.",
        f"both {lost}16% of the pairs of its answers to one prompt are identical, 2% of base's.",
        f"templates {lost}its answers follow 6.9 templates, base's 14.0, in these two trainings.",
    ]


SHOWN = {"value": 0.4, "low": 0.3, "high": 0.5, "seeds": 3, "verdict": "raised"}
WORSE = {"value": -0.4, "low": -0.5, "high": -0.3, "seeds": 3, "verdict": "lowered"}


@pytest.mark.parametrize(
    ("exam", "other", "held_out", "collapse"),
    [
        (SHOWN, None, True, False),
        (SHOWN, SHOWN | {"verdict": "unclear"}, True, False),
        (SHOWN, WORSE, True, True),
        (SHOWN | {"verdict": "unclear"}, None, True, True),
        (SHOWN, None, None, True),
        (SHOWN, None, False, True),
    ],
)
def test_becoming_right_is_no_mode_collapse(
    exam: Data, other: Data | None, held_out: bool | None, collapse: bool
) -> None:
    """Who learns the one right answer says the same; harm is what brought no gain held out."""
    rows = [
        {"evaluator": name, "policy": "rlvr", "held_out": held_out, "difference": difference}
        for name, difference in (("exam", exam), ("other", other))
    ]
    given = {"base": likeness(14.0, 0.46, 0.0, 1.0), "rlvr": likeness(14.0, 0.92, 0.1)}
    policies = [{"name": n, "diversity": one, "seeds": [0, 1, 2]} for n, one in given.items()]
    held = None if held_out is None else ["rlvr"] * held_out
    evaluators = [{"name": name, "held_out_for": held} for name in ("exam", "other")]
    evaluation = {
        "base": "base", "policies": policies, "evaluators": evaluators, "scores": rows,
    }  # fmt: skip
    (found,) = diversity_findings(evaluation, Names())
    how = "(mode collapse)" if collapse else "while it got better at exam"
    assert found.text == (
        f"rlvr lost diversity {how}: 92% of the pairs of its answers to one prompt are identical,"
        " 46% of base's."
    )
    assert found.weight == (Weight.HARM if collapse else Weight.TRUST)


@pytest.mark.parametrize(
    ("asked", "ok", "failures", "said"),
    [
        (0, 0, {}, []),
        (100, 100, {}, []),
        (100, 95, {"timeout": 5}, []),
        (100, 94, {"timeout": 4, "refused": 2}, ["94% of 100 judgments (4 timeout and 2 refused)"]),
        (2000, 1000, {"error": 1000}, ["50% of 2,000 judgments (1000 error)"]),
        (1, 0, {"missing": 1}, ["0% of 1 judgment (1 missing)"]),
    ],
)
def test_failures(asked: int, ok: int, failures: dict[str, int], said: list[str]) -> None:
    fine = {"name": "fine", "judgments": 10, "ok": 10, "failures": {}}
    source = {"name": "judge", "judgments": asked, "ok": ok, "failures": failures}
    assert findings({"sources": [fine, source]}) == [
        f"judge gave a verdict in {told}; failures are left out, never counted as 0."
        for told in said
    ]


@pytest.mark.parametrize(
    ("run", "costs", "said"),
    [
        ({"duration_s": 90}, [], "1 min 30 s; no call cost money."),
        ({"duration_s": 90}, [None, 0.0], "1 min 30 s; no call cost money."),
        ({"duration_s": 90}, [None, 1.25, 0.5], "1 min 30 s; calls to models cost $1.75."),
        ({"duration_s": 5.0, "cost_usd": 3.5}, [1.25], "5.0 s; calls to models cost $3.50."),
        ({"duration_s": 5.0, "cost_usd": 0.0}, [1.25], "5.0 s; no call cost money."),
        ({"duration_s": 0.0}, [], "0.0 s; no call cost money."),
    ],
)
def test_what_the_run_took(run: Data, costs: list[float | None], said: str) -> None:
    sources = [
        {"name": f"s{k}", "judgments": 0, "ok": 0, "failures": {}, "cost_usd": cost}
        for k, cost in enumerate(costs)
    ]
    sources.append({"name": "free", "judgments": 0, "ok": 0, "failures": {}})
    assert findings({"run": run, "sources": sources}) == [f"The whole run took {said}"]
    assert findings({"run": {"duration_s": None}, "sources": sources}) == []


def test_everything_in_its_order() -> None:
    change = told_difference(0.2, 0.1, 0.3, 0.001)
    score = {"evaluator": "right", "value": 0.7, "held_out": True}
    win = {"criterion": "combined", "a": "one", "b": "base", "value": 0.7, "low": 0.6, "high": 0.8}
    win |= {"evaluators": ["right", "kind"], "seeds": 5}
    data = {
        "run": {"duration_s": 5.0},
        "sources": [{"name": "judge", "judgments": 4, "ok": 1, "failures": {"error": 3}}],
        "gold_falls": [fall("one", 0, -0.6)],
        "gates": [GATE],
        "arms": [{"name": "two"}],
        "evaluation": {
            "base": "base",
            "wins": [win],
            "evaluators": [{"name": "right", "held_out_for": ["one", "two"]}],
            "policies": [
                {"name": "base", "distinct_2": 0.5},
                {"name": "one", "distinct_2": 0.1},
            ],
            "scores": [
                score | {"policy": "base", "difference": None},
                score | {"policy": "one", "difference": change},
            ],
        },
    }
    assert [" ".join(line.split()[:4]) for line in findings(data)] == [
        "In one, the held-out",
        "one raised right from",
        "one has the highest",
        "judge agrees with people",
        "one lost diversity while",
        "two was not trained.",
        "judge gave a verdict",
        "The whole run took",
    ]

"""Which method: each rule with a run in which it holds, and one in which it does not."""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from harness.report.build import build
from harness.report.costs import costs
from harness.report.finding import Weight
from harness.report.method import RULES, method
from harness.report.method_page import method_findings, which_method
from harness.report.wording import Names

Data = dict[str, Any]
UP = {"value": 0.2, "low": 0.1, "high": 0.3, "p_holm": 0.001, "verdict": "raised"}
MORE = {"value": 0.1, "low": 0.05, "high": 0.15, "p_holm": 0.001, "verdict": "raised"}
FLAT = {"value": 0.02, "low": -0.2, "high": 0.24, "p_holm": 1.0, "verdict": "unclear"}
DOWN = {"value": -0.2, "low": -0.3, "high": -0.1, "p_holm": 0.001, "verdict": "lowered"}
KINDS = {"check": "verifier", "people": "human", "judge": "judge", "actors": "human"}
ARMS = {"v": ["check"], "p": ["people"], "j": ["judge"], "h": ["check", "people"]}


def source(name: str) -> Data:
    found = {"name": name, "kind": KINDS[name], "simulated": name == "actors", "roles": ["reward"]}
    if name == "check":
        found["decided"] = {"items": 200, "decided": 200, "slices": {}}
    return found | {"judgments": 0, "ok": 0, "cost_usd": 0, "failures": {}}


def run(moves: dict[str, tuple[Data | None, ...]], seeds: int = 5) -> Data:
    """Return a run without a fault, whose arms moved so on the evaluators right and kind."""
    titles = ("right", "kind")[: max(map(len, moves.values()), default=1)]
    passed = {"statistic": "cohen_kappa", "value": 0.8, "limit": 0.4, "passed": True,
              "outcome": "pass", "action": "drop", "against": ""}  # fmt: skip
    rows = [{"name": "base", "seeds": [0], "kl": None}]
    rows += [
        {"name": arm, "seeds": list(range(seeds)), "kl": {"value": 1.0, "low": 0.9, "high": 1.1}}
        for arm in moves
    ]
    data: Data = {
        "run": {}, "sources": [source(name) for name in KINDS],
        "gates": [{"source": name, **passed} for name in ("check", "judge")],
        "arms": [
            {"name": arm, "sources": ARMS[arm], "weights": {}, "feedback_cost_usd": 1.0,
             "labels": {"people": 100}, "seeds": [{"seed": 0, "seconds": 60.0}]}
            for arm in moves
        ],
        "evaluation": {
            "base": "base", "items": 100, "wins": [], "policies": rows, "contrasts": [],
            "evaluators": [{"name": t, "held_out_for": list(moves)} for t in titles],
            "scores": [
                {"evaluator": title, "policy": arm, "value": 0.5, "low": 0.4, "high": 0.6,
                 "held_out": True, "same_rule": [], "difference": change}
                for arm, changes in moves.items()
                for title, change in zip(titles, changes, strict=True)
            ],
        },
        "prices": {"label_usd": 0.1},
    }  # fmt: skip
    return data


def found(data: Data) -> Data:
    return method({**data, "costs": costs(data)})


def rules_of(data: Data) -> set[str]:
    made = found(data)
    return {row["rule"] for key in ("choices", "against", "notes") for row in made[key]}


Change = Callable[[Data], Any]


def score(data: Data, arm: str, title: str = "right") -> Data:
    rows = data["evaluation"]["scores"]
    return next(row for row in rows if (row["evaluator"], row["policy"]) == (title, arm))


def policy(data: Data, arm: str) -> Data:
    return next(row for row in data["evaluation"]["policies"] if row["name"] == arm)


def against(data: Data, a: str, b: str, change: Data) -> None:
    data["evaluation"]["contrasts"].append(
        {"evaluator": "right", "a": a, "b": b, "held_out": True, **change}
    )


def gate(data: Data, name: str, **change: Any) -> None:
    next(row for row in data["gates"] if row["source"] == name).update(change)


def set_source(data: Data, name: str, **change: Any) -> None:
    next(row for row in data["sources"] if row["name"] == name).update(change)


def simulated(data: Data) -> None:
    data["arms"][0]["sources"] = ["actors"]


def slices(data: Data, *changes: Data, shown: bool = True) -> None:
    data["evaluation"]["slices"] = {
        "slices": ["short", "long"],
        "rows": [
            {"evaluator": "right", "policy": "v", "interaction": {"shown": shown},
             "slices": [{"slice": name, "difference": change}
                        for name, change in zip(("short", "long"), changes, strict=True)]}
        ],
    }  # fmt: skip


def less_varied(data: Data) -> None:
    for row in data["evaluation"]["policies"]:
        row.update(distinct_2=0.4 if row["name"] == "base" else 0.1)


WORN_OUT = {"arm": "v", "source": "check", "outcome": "fallen"}
STILL = {"value": 0.0, "low": -0.01, "high": 0.01}
ALONE = {"v": (UP,)}
BOTH = {"v": (UP,), "p": (UP,)}
AGAINST_THE_ARM: list[tuple[str, dict[str, tuple[Data | None, ...]], Change]] = [
    ("not-trained", ALONE, lambda d: d["evaluation"]["policies"].pop()),
    ("not-held-out", ALONE, lambda d: score(d, "v").update(held_out=False)),
    ("not-held-out", ALONE, lambda d: score(d, "v").update(held_out=None)),
    ("not-held-out", ALONE, lambda d: score(d, "v").update(same_rule=["check"])),
    ("reward-hacked", ALONE, lambda d: d.update(gold_falls=[{"arm": "v", "verdict": "fell"}])),
    ("lost-diversity", {"v": (FLAT,)}, lambda d: less_varied(d)),
    ("lost-diversity", {"v": (DOWN,)}, lambda d: less_varied(d)),
    ("reward-worn-out", ALONE, lambda d: d.update(transport={"rows": [WORN_OUT]})),
    ("sources-not-known", ALONE, lambda d: d.update(sources=[])),
    ("sources-not-known", ALONE, lambda d: set_source(d, "check", kind="oracle")),
    ("gate-failed", ALONE, lambda d: gate(d, "check", passed=False, outcome="fail")),
    ("gate-undecided", ALONE, lambda d: gate(d, "check", passed=False, outcome="undecided")),
    ("agreement-not-measured", ALONE, lambda d: d.update(gates=[])),
    ("agreement-not-measured", {"j": (UP,)}, lambda d: d.update(gates=[])),
    ("simulated-people", {"p": (UP,)}, simulated),
    ("did-not-move", ALONE, lambda d: policy(d, "v").update(kl=STILL)),
    ("not-decidable", {"v": ({**FLAT, "verdict": "undecidable"},)}, lambda d: None),
    ("worse-than-base", {"v": (DOWN,)}, lambda d: None),
    ("gain-not-shown", {"v": (FLAT,)}, lambda d: None),
    ("gain-not-shown", {"v": (None,)}, lambda d: None),
    ("trade-off", {"v": (UP, DOWN)}, lambda d: None),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "moves", "change"), AGAINST_THE_ARM)
def test_a_rule_that_speaks_against_an_arm(
    rule: str, moves: dict[str, tuple[Data | None, ...]], change: Change
) -> None:
    fine = {arm: (UP,) * len(changes) for arm, changes in moves.items()}
    assert rule not in rules_of(run(fine)) and found(run(fine))["answer"]
    data = run(moves)
    change(data)
    made = found(data)
    assert rule in [row["rule"] for row in made["against"]]
    right = next(row for row in made["choices"] if row["criterion"] == "right")
    assert (right["arm"], right["rule"]) == (None, "none-yet")


CHOSEN: list[tuple[str, dict[str, tuple[Data, ...]], Change, str | None]] = [
    ("none-yet", {"v": (FLAT,), "p": (FLAT,)}, lambda d: None, None),
    ("only-one", {"v": (UP,), "p": (FLAT,)}, lambda d: None, "v"),
    ("better-than-the-others", BOTH, lambda d: against(d, "v", "p", DOWN), "p"),
    ("better-than-the-others", BOTH, lambda d: against(d, "v", "p", UP), "v"),
    ("cheaper", BOTH, lambda d: against(d, "v", "p", FLAT), "v"),  # $1, and $11 with the labels
    ("cheaper", BOTH, lambda d: d.update(prices={}), "v"),  # labels cost something in any case
    (
        "cheaper", {"v": (UP,), "p": (UP,), "h": (UP,)},
        lambda d: against(d, "p", "v", UP), "p",  # h is as cheap as p with fewer labels
    ),
    ("not-told-apart", {"v": (UP,), "j": (UP,)}, lambda d: None, None),  # $1 each
    (
        "not-told-apart", BOTH,
        lambda d: (d.update(prices={}), d["arms"][0].update(feedback_cost_usd=3.0)), None,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "moves", "change", "arm"), CHOSEN)
def test_a_rule_that_chooses(
    rule: str, moves: dict[str, tuple[Data, ...]], change: Change, arm: str | None
) -> None:
    data = run(moves)
    change(data)
    if "h" in moves:
        data["arms"][2]["labels"] = {"people": 300}
    (choice,) = found(data)["choices"]
    assert (choice["rule"], choice["arm"]) == (rule, arm)
    assert choice["text"].startswith("For right, ")
    others = {one for one, *_ in CHOSEN} - {rule}
    assert not others & rules_of(data)


SCOPES: list[tuple[str, dict[str, tuple[Data, ...]], Change]] = [
    ("all-verifiable", ALONE, lambda d: None),
    (
        "part-verifiable", ALONE,
        lambda d: set_source(d, "check", decided={"items": 200, "decided": 120, "slices": {}}),
    ),
    (
        "rest-by-others", {"h": (UP,)},
        lambda d: set_source(d, "check", decided={"items": 200, "decided": 120, "slices": {}}),
    ),
    ("less-varied", ALONE, less_varied),
    ("these-trainings", ALONE, lambda d: policy(d, "v").update(seeds=[0, 1])),
    (
        "agreement-with-simulated", ALONE,
        lambda d: gate(d, "check", against="actors"),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "moves", "change"), SCOPES)
def test_a_rule_that_says_how_far_a_choice_reaches(
    rule: str, moves: dict[str, tuple[Data, ...]], change: Change
) -> None:
    other = {"p": (UP,)} if rule == "all-verifiable" else moves
    assert rule not in rules_of(run(other))
    data = run(moves)
    change(data)
    assert rule in rules_of(data)


def test_every_rule_is_tried_here() -> None:
    tried = {one for one, *_ in (*AGAINST_THE_ARM, *CHOSEN, *SCOPES)}
    assert tried == {rule.name for rule in RULES}
    assert len(tried) == len(RULES)


def test_every_rule_is_in_the_docs(repo_root: Path) -> None:
    text = (repo_root / "docs" / "reports.md").read_text(encoding="utf-8")
    table = text.partition("### `method`")[2].partition("\n## ")[0]
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| (.+) \|$", table, re.MULTILINE))
    keys = {"answer", "choices", "against", "notes", "methods"}
    told = {name: said for name, said in rows.items() if name not in keys}
    assert told == {rule.name: rule.when for rule in RULES}


def test_the_answer() -> None:
    moves = {"v": (UP, FLAT), "p": (FLAT, UP)}
    assert found(run(moves))["answer"] == "Use RLVR (v) for right and RLHF (p) for kind."
    few = run({"v": (UP, FLAT)}, seeds=2)
    told = "Use RLVR (v) for right; none yet for kind, in these two trainings."
    assert found(few)["answer"] == told
    assert found(run({"v": (FLAT,)}))["answer"] is None
    primary = {**run(moves), "plan": {"primary": "kind"}}
    assert found(primary)["answer"] == "Use RLHF (p) for kind and RLVR (v) for right."


def test_who_became_right_and_less_varied_is_recommended_for_what_is_right() -> None:
    """An arm that lost diversity is out for what it did not get better at, and for that only."""
    data = run({"v": (UP, FLAT)})
    less_varied(data)
    made = found(data)
    assert made["answer"] == "Use RLVR (v) for right; none yet for kind."
    (out,) = made["against"]
    assert (out["rule"], out["criterion"]) == ("lost-diversity", "kind")
    assert out["text"] == (
        "v (RLVR) is not recommended: it lost diversity, and no gain at kind is shown."
    )
    assert {"rule": "less-varied", "text": (
        "v (RLVR) lost diversity, so it is not for where answers are to vary: distinct-2 is 0.100,"
        " base's 0.400."
    )} in made["notes"]  # fmt: skip


def test_methods_go_by_who_gave_feedback_with_any_weight() -> None:
    data = run({arm: (UP,) for arm in ARMS})
    assert found(data)["methods"] == {"v": "RLVR", "p": "RLHF", "j": "RLAIF", "h": "hybrid"}
    data["arms"][3]["weights"] = {"people": 0}
    assert found(data)["methods"]["h"] == "RLVR"
    data["arms"][3]["weights"] = {}
    data["arms"][3]["dropped"] = ["check"]
    assert found(data)["methods"]["h"] == "RLHF"


def test_each_slice_where_effects_are_shown_to_differ() -> None:
    data = run(ALONE)
    set_source(
        data, "check",
        decided={"items": 200, "decided": 195, "slices": {"short": {"items": 50, "decided": 20}}},
    )  # fmt: skip
    slices(data, UP, FLAT)
    made = found(data)
    told = {row["slice"]: (row["arm"], row["rule"]) for row in made["choices"]}
    expected = {None: ("v", "only-one"), "short": ("v", "only-one"), "long": (None, "none-yet")}
    assert told == expected
    assert any("40% of 50 items of short" in note["text"] for note in made["notes"])
    slices(data, UP, FLAT, shown=False)
    assert [row["slice"] for row in found(data)["choices"]] == [None]


def test_a_gain_of_two_trainings_has_their_interval() -> None:
    few = {**UP, "low": 0.01, "high": 1.0, "seeds": 2, "trainings": UP}
    (choice,) = found(run({"v": (few,)}, seeds=2))["choices"]
    assert "+20 points (+10 to +30)" in choice["text"]


def test_lower_is_better_where_the_evaluator_says_so() -> None:
    data = run({"v": (DOWN,), "p": (UP,)})
    data["evaluation"]["evaluators"][0]["direction"] = "lower"
    (choice,) = found(data)["choices"]
    assert choice["arm"] == "v"
    assert [row["rule"] for row in found(data)["against"]] == ["worse-than-base"]


@pytest.mark.parametrize(
    "data",
    [
        {}, {"arms": []}, run({}), {"arms": run(ALONE)["arms"]}, run({"v": ()}),
        {**run(ALONE), "evaluation": None}, {**run(ALONE), "sources": []},
        {**run(ALONE), "gates": []}, {**run(ALONE), "costs": None},
    ],
)  # fmt: skip
def test_little_is_no_error_and_no_recommendation(data: Data) -> None:
    made = method(data)
    if data.get("costs", "") != "" or not data.get("evaluation"):
        which_method({**data, "method": made})
    if not (data.get("sources") and data.get("gates") and data.get("evaluation")):
        assert made["answer"] is None


def test_on_the_page_and_among_the_findings(made_up: Data, tmp_path: Path) -> None:
    build(deepcopy(made_up), tmp_path)
    page = (tmp_path / "report.md").read_text()
    assert "## Which method" in page
    data = run({"v": (UP, FLAT)})
    said = method_findings({**data, "method": found(data)}, Names())
    assert [(one.weight, one.text.split(":")[0]) for one in said] == [
        (Weight.CHOICE, "For right, v (RLVR)"), (Weight.NONE, "For kind, none yet"),
    ]  # fmt: skip
    for one in said:
        assert len(re.findall(r"\d+", one.text)) <= 3


def test_each_sentence_has_its_rule() -> None:
    data = run({"v": (UP,), "j": (UP,), "p": (FLAT,)})
    blocks = which_method({**data, "method": found(data)})
    names = "|".join(rule.name for rule in RULES)
    lines = [line for block in blocks if hasattr(block, "items") for line in block.items]
    assert lines and all(re.search(rf"\(({names})\)$", line) for line in lines)

"""Money and hours of each arm and of each point: what nobody knows is not $0."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from harness.report.build import build
from harness.report.costs import LOST, MAY_BE_NONE, costs
from harness.report.costs_findings import costs_findings
from harness.report.costs_page import costs_tables
from harness.report.finding import Weight
from harness.report.tables import Table
from harness.report.wording import Names
from harness.statistics.fieller import HOLDS_ZERO

Data = dict[str, Any]
PEOPLE: Data = {"name": "people", "kind": "human", "simulated": False}
ACTORS: Data = {"name": "actors", "kind": "human", "simulated": True}
JUDGE: Data = {"name": "judge", "kind": "judge", "simulated": False}
CHECK: Data = {"name": "check", "kind": "verifier", "simulated": False}
UP = {"value": 0.2, "low": 0.1, "high": 0.4}
FLAT = {"value": 0.02, "low": -0.2, "high": 0.24}
DOWN = {"value": -0.2, "low": -0.3, "high": -0.1}


def arm(name: str, *sources: str, hours: tuple[float, ...] = (1.0, 3.0), **more: Any) -> Data:
    seeds = [{"seed": n, "seconds": 3600 * one, "cost_usd": 0} for n, one in enumerate(hours)]
    return {
        "name": name,
        "sources": list(sources),
        "seeds": seeds,
        "feedback_cost_usd": 0.0,
        **more,
    }


def run(*arms: Data, gains: tuple[Data | None, ...] = (), **more: Any) -> Data:
    """Return a report's data; the first arm has these gains at right, kind, ..."""
    names = ("right", "kind", "rude")[: len(gains)]
    evaluators = [
        {"name": n, "held_out_for": [one["name"] for one in arms], "same_rule_as": [],
         "direction": "lower" if n == "rude" else "higher"}
        for n in names
    ]  # fmt: skip
    scores = [
        {"evaluator": n, "policy": arms[0]["name"], "value": 0.5, "held_out": True,
         "difference": gain}
        for n, gain in zip(names, gains, strict=True)
    ]  # fmt: skip
    evaluation = {"base": "base", "evaluators": evaluators, "scores": scores}
    sources = [PEOPLE, ACTORS, JUDGE, CHECK]
    return {"arms": list(arms), "sources": sources, "evaluation": evaluation, **more}


def row(*arms: Data, **more: Any) -> Data:
    return costs(run(*arms, **more))["rows"][0]


def test_a_bill_by_hand() -> None:
    found = row(
        arm("rlhf", "people", "judge", labels={"people": 500}, calls=640, feedback_cost_usd=3.0),
        prices={"label_usd": 0.2, "hour_usd": 1.5},
        gains=(UP,),
    )
    # 500 labels at $.20, $3 for calls, 2 hours at $1.50: $106, over 20 points (10 to 40)
    assert (found["labels_usd"], found["machine_usd"], found["usd"]) == (100.0, 3.0, 106.0)
    assert (found["seconds"]["value"], found["seconds_in_all"]) == (7200, 14400)
    (each,) = found["per_point"]
    assert each["gain"]["value"] == pytest.approx(20)
    assert each["usd"] == pytest.approx({"value": 5.3, "low": 2.65, "high": 10.6, "reason": ""})
    assert each["seconds"] == {"value": 360, "low": 180, "high": 720, "reason": ""}


def test_the_machine_is_paid_for_the_time_of_feedback_too() -> None:
    """An arm of a slow local judge: an hour of feedback and two of training at $2."""
    found = row(arm("rlaif", "judge", feedback_seconds=3600.0), prices={"hour_usd": 2.0})
    assert (found["machine_usd"], found["usd"]) == (6.0, 6.0)


def test_with_three_trainings_their_hours_are_uncertain_too() -> None:
    found = row(arm("rlvr", "check", hours=(1.0, 2.0, 3.0)), gains=(UP,))
    half = 4.302653 / 3**0.5
    ends = {"low": 0.0, "high": 3600 * (2 + half)}
    assert found["seconds"] == pytest.approx({"value": 7200, **ends})
    (each,) = found["per_point"]
    assert each["seconds"]["low"] == 0 and each["seconds"]["high"] > 720


@pytest.mark.parametrize(
    ("arms", "prices", "usd", "why"),
    [
        (arm("x", "people", labels={"people": 10}), {}, None, "not known"),
        (arm("x", "people", labels={"people": 10}), {"label_usd": None}, None, "not known"),
        (arm("x", "people"), {"label_usd": 1}, None, "not known"),  # of an earlier version
        (arm("x", "people", labels={"people": 0}), {}, 0, ""),
        (arm("x", "people", labels={"people": 10}), {"label_usd": 0}, 0, ""),  # volunteers
        (arm("x", "actors", labels={"actors": 10}), {"label_usd": 1}, None, "simulated"),
        (arm("x", "actors", "people", labels={"actors": 10, "people": 10}), {"label_usd": 1}, None,
         "simulated"),
        (arm("x", "check"), {}, 0, ""),
        (arm("x", "judge", feedback_cost_usd=2.5), {}, 2.5, ""),
        (arm("x", "judge", feedback_cost_usd=None), {}, 0, ""),
        (arm("x", "nobody"), {}, 0, ""),
    ],
)  # fmt: skip
def test_what_is_not_known_is_not_nothing(
    arms: Data, prices: Data, usd: float | None, why: str
) -> None:
    found = row(arms, prices=prices, gains=(UP,))
    assert (found["usd"], found["why"]) == (usd, why)
    (each,) = found["per_point"]
    assert each["usd"]["reason"] == why and (each["usd"]["value"] is None) == (usd is None)


def test_simulated_labels_are_shown_with_what_people_would_cost() -> None:
    found = row(arm("x", "actors", labels={"actors": 10}), prices={"label_usd": 0.5})
    assert (found["labels"], found["simulated_labels"]) == (0, 10)
    assert (found["labels_usd"], found["simulated_labels_usd"]) == (0, 5.0)


@pytest.mark.parametrize(
    ("gain", "reason"),
    [
        (FLAT, MAY_BE_NONE),
        (DOWN, LOST),
        ({"value": 0.2, "low": None, "high": None}, "undefined: no interval of the gain"),
        ({"value": None, "low": None, "high": None, "reason": "no observations"},
         "no observations"),
    ],
)  # fmt: skip
def test_a_point_that_was_not_gained_has_no_price(gain: Data, reason: str) -> None:
    (each,) = row(arm("x", "judge", feedback_cost_usd=2.0), gains=(gain,))["per_point"]
    for key in ("usd", "seconds"):
        assert (each[key]["value"], each[key]["reason"]) == (None, reason)


@pytest.mark.parametrize(("seeds", "value"), [(2, 0.1), (5, None), (None, None)])
def test_of_two_trainings_what_holds_of_these_is_told(
    seeds: int | None, value: float | None
) -> None:
    gain = {"value": 0.2, "low": -0.9, "high": 1.0, "seeds": seeds, "trainings": UP}
    (each,) = row(arm("x", "judge", feedback_cost_usd=2.0), gains=(gain,))["per_point"]
    assert each["usd"]["value"] == (None if value is None else pytest.approx(value))


def test_lower_is_better_where_the_evaluator_says_so() -> None:
    found = row(arm("x", "judge", feedback_cost_usd=2.0), gains=(UP, FLAT, DOWN))["per_point"]
    prices = {one["evaluator"]: one["usd"]["value"] for one in found}
    assert prices == {"right": pytest.approx(0.1), "kind": None, "rude": pytest.approx(0.1)}


def test_only_held_out_points_count() -> None:
    data = run(arm("x", "check"), gains=(UP, UP))
    data["evaluation"]["scores"][0]["held_out"] = False
    data["evaluation"]["evaluators"][1]["same_rule_as"] = [{"source": "check"}]
    assert costs(data)["rows"][0]["per_point"] == []


@pytest.mark.parametrize(
    "data",
    [
        {}, {"arms": []}, run(arm("x", "check", hours=())), run(arm("x", "check"), prices=None),
        {"arms": [arm("x", "check")]}, {"arms": [{"name": "x", "sources": [], "seeds": []}]},
        run(arm("x", "check"), gains=(None,)), run(arm("x", "people")),
        run(arm("x", "check", hours=(0.0,)), gains=(UP,)),
    ],
)  # fmt: skip
def test_little_is_no_error(data: Data) -> None:
    made = {**data, "costs": costs(data)}
    costs_tables(made, Names())
    costs_findings(made, Names())


def test_the_sentences() -> None:
    data = run(
        arm("rlaif", "judge", feedback_cost_usd=4.0, calls=10), arm("rlhf", "actors"),
        arm("ann", "people", labels={"people": 1200}), gains=(UP,),
    )  # fmt: skip
    found = costs_findings({**data, "costs": costs(data)}, Names())
    assert {one.weight for one in found} == {Weight.TOOK}
    assert [one.text for one in found if one.text] == [
        "A point at right cost in rlaif: $0.20 ($0.10 to $0.40).",
        "A point at right took in rlaif: 6 min 00 s of training (3 min 00 s to 12 min 00 s).",
        "What rlhf cost is not known: simulated people have no price.",
        "What ann cost is not known: nobody named the price of its 1,200 labels.",
    ]


def test_the_tables_say_what_is_not_known() -> None:
    data = run(arm("x", "actors", labels={"actors": 10}), arm("y", "people"), gains=(FLAT,))
    blocks = costs_tables({**data, "costs": costs(data)}, Names())
    table, each = (block for block in blocks if isinstance(block, Table))
    texts = [[cell.text for cell in one] for one in table.body]
    assert [texts[0][3], texts[1][3]] == ["simulated", "not known"]
    assert not any("$0" in text for line in texts for text in line)
    money, time = each.body[0][3:]
    assert (money.text, f"{time.text}: {time.note}") == ("simulated", MAY_BE_NONE)
    assert "not guessed" in " ".join(table.notes)
    assert HOLDS_ZERO != MAY_BE_NONE


def test_on_the_page(made_up: Data, tmp_path: Path) -> None:
    data = deepcopy(made_up)
    build(data, tmp_path)
    page = (tmp_path / "report.md").read_text()
    assert "What one policy of each arm cost" in page and "What each point gained" in page
    assert page.count("| **rlhf** |") >= 3

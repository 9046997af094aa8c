"""All sentences about small worlds, worked out by hand: nothing is said that did not happen."""

from __future__ import annotations

from typing import Any

import pytest

from harness.evaluate.verdicts import verdict_of
from harness.report.findings import findings, limitations
from tests.support.told import told_difference

Data = dict[str, Any]
MINUS = "\N{MINUS SIGN}"


BETTER = told_difference(0.20, 0.12, 0.28, 0.001)
WORSE = told_difference(-0.20, -0.28, -0.12, 0.001)
SAME = told_difference(0.01, -0.02, 0.04, 0.6)
OPEN = told_difference(0.04, -0.06, 0.14, 0.4, mdd=0.12)
NONE = told_difference(None, None, None, None)


def score(
    evaluator: str, policy: str, value: float | None, change: Data | None, **more: Any
) -> Data:
    return {
        "evaluator": evaluator, "policy": policy, "value": value, "difference": change,
        "held_out": True, **more,
    }  # fmt: skip


def win(a: str, b: str, value: float | None, low: float | None, high: float | None) -> Data:
    return {
        "criterion": "combined", "a": a, "b": b, "value": value, "low": low, "high": high,
        "seeds": 5, "interval_over": "seeds and prompts", "evaluators": ["right", "kind"],
    }  # fmt: skip


def world(
    trained: list[str],
    scores: list[Data],
    wins: list[Data] = [],  # noqa: B006
    evaluators: tuple[str, ...] = ("right", "kind"),
    **more: Any,
) -> Data:
    base = [score(name, "base", 0.5, None) for name in evaluators]
    evaluation = {
        "base": "base",
        "policies": [{"name": name, "seeds": [0]} for name in ["base", *trained]],
        "evaluators": [{"name": name} for name in evaluators],
        "scores": [*base, *scores],
        "wins": wins,
    }
    return {"evaluation": evaluation, **more}


RAISED = "one raised right from 0.50 to 0.70 (+0.20)."
LOWERED = f"one lowered kind from 0.50 to 0.30 ({MINUS}0.20), which is worse."
LEFT = "one left kind about where it was (+0.01)."
UNCLEAR = "one showed no clear change of kind (+0.04, 0.12 would have been seen)."
RIGHT_UP = score("right", "one", 0.7, BETTER)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (RIGHT_UP, RAISED),
        (score("kind", "one", 0.3, WORSE), LOWERED),
        (score("kind", "one", 0.51, SAME), LEFT),
        (score("kind", "one", 0.54, OPEN), UNCLEAR),
        (
            score("kind", "one", 0.7, told_difference(0.2, 0.12, 0.28, 0.09)),
            "one showed no clear change of kind (+0.20).",
        ),
        (score("kind", "one", None, NONE), "one has no comparable score for kind."),
        (score("kind", "one", 0.7, None), "one has no comparable score for kind."),
        (score("kind", "two", 0.7, BETTER), "one has no comparable score for kind."),
        (
            score("right", "one", 0.7, BETTER, held_out=False),
            "one raised right from 0.50 to 0.70 (+0.20; trained on it).",
        ),
        (
            score("kind", "one", 0.51, SAME, held_out=False),
            "one left kind about where it was (+0.01, trained on it).",
        ),
        # One training, or two, say nothing of the next.
        (
            score("right", "one", 0.7, told_difference(0.20, 0.12, 0.28, 0.001, seeds=2)),
            "In these two trainings, " + RAISED,
        ),
        (
            score("kind", "one", 0.3, told_difference(-0.20, -0.28, -0.12, 0.001, seeds=1)),
            "In this training, " + LOWERED,
        ),
        (
            score("kind", "one", 0.54, told_difference(0.04, -0.06, 0.14, 0.4, seeds=2, mdd=0.12)),
            "In these two trainings, " + UNCLEAR,
        ),
        # Rounded alone, 0.50 to 0.52 would be a change of +0.01.
        (
            score("right", "one", 0.516, told_difference(0.012, 0.01, 0.02, 0.01, start=0.504)),
            "one raised right from 0.504 to 0.516 (+0.012).",
        ),
        (
            score(
                "right", "one", 0.6,
                OPEN | {"verdict": "undecidable", "failures": {
                    "policy": 40, "base": 2, "rates": {"policy": 0.08, "base": 0.004}}},
            ),
            "what one did to right is not decidable: 42 failures (8.0% of its responses have no"
            " score, and 0.4% of base's).",
        ),
    ],
)  # fmt: skip
def test_one_arm_and_one_evaluator(row: Data, said: str) -> None:
    assert findings(world(["one"], [row], evaluators=(row["evaluator"],))) == [said]


def test_what_is_clear_comes_first_and_the_rest_in_the_order_of_evaluators() -> None:
    rows = [score("kind", "one", 0.54, OPEN), RIGHT_UP, score("kind", "two", 0.3, WORSE)]
    rows.append(score("right", "two", 0.7, BETTER))
    assert findings(world(["one", "two"], rows, evaluators=("kind", "right"))) == [
        RAISED,
        LOWERED.replace("one", "two", 1),
        RAISED.replace("one", "two", 1),
        UNCLEAR,
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (BETTER, "one raised kind from 0.50 to 0.70 (+0.20; lower is better), which is worse."),
        (WORSE, f"one lowered kind from 0.50 to 0.30 ({MINUS}0.20; lower is better)."),
    ],
)
def test_what_rises_and_should_fall_is_worse(change: Data, said: str) -> None:
    data = world(["one"], [score("kind", "one", 0.7, change)], evaluators=("kind",))
    data["evaluation"]["evaluators"] = [{"name": "kind", "direction": "lower"}]
    assert findings(data) == [said]


def test_evaluators_are_called_by_their_title_and_the_simulated_so() -> None:
    data = world(["one"], [RIGHT_UP, score("kind", "one", 0.3, WORSE)])
    data["evaluation"]["evaluators"] = [
        {"name": "right", "title": "correctness"},
        {"name": "kind", "simulated": True},
    ]
    lowered = LOWERED.replace("kind", "kind (simulated)")
    assert findings(data) == [RAISED.replace("right", "correctness"), lowered]


@pytest.mark.parametrize("data", [{}, {"evaluation": None}, {"evaluation": {}}, world([], [])])
def test_of_nothing_nothing_is_said(data: Data) -> None:
    assert findings(data) == []
    assert limitations(data) == []


def test_no_evaluators_no_sentence_about_arms() -> None:
    assert findings(world(["one"], [], evaluators=())) == []


@pytest.mark.parametrize(
    ("low", "high", "p", "said"),
    [
        (0.01, 0.30, 0.049, "raised"),
        (0.01, 0.30, 0.05, "unclear"),  # not below .05
        (0.01, 0.30, None, "unclear"),
        (0.00, 0.30, 0.001, "unclear"),  # zero is in the interval
        (-0.30, -0.01, 0.049, "lowered"),
        (-0.30, -0.01, 0.05, "unclear"),
        (-0.30, 0.00, 0.001, "unclear"),
        (0.01, 0.03, 0.001, "raised"),  # small and sure
        (0.01, 0.03, 0.2, "unchanged"),
        (-0.049, 0.049, 0.9, "unchanged"),
        (-0.05, 0.02, 0.9, "unclear"),
        (-0.02, 0.05, 0.9, "unclear"),
        (-0.30, 0.02, 0.9, "unclear"),
        (-0.02, 0.30, 0.9, "unclear"),
        (None, None, 0.001, "unknown"),
    ],
)
def test_verdict_at_its_edges(
    low: float | None, high: float | None, p: float | None, said: str
) -> None:
    found = {"value": 0.1, "low": low, "high": high}
    assert verdict_of(found, p, 0.05) == said
    assert verdict_of(found | {"value": None}, p, 0.05) == "unknown"
    # Nobody declared a margin, so nothing is shown to be the same.
    assert verdict_of(found, p) == said.replace("unchanged", "unclear")


NOBODY = "By all held-out evaluators together, no arm beats base clearly."
WINS = " has the highest win rate against base"
ONE_WINS = f"one{WINS} by right and kind together: 70% (60% to 80%, ties half)"
ONE = win("one", "base", 0.7, 0.6, 0.8)
TWO = win("two", "base", 0.6, 0.55, 0.65)
THREE = win("three", "base", 0.4, 0.3, 0.5)


@pytest.mark.parametrize(
    ("wins", "said"),
    [
        ([ONE], [ONE_WINS + "."]),
        ([win("one", "base", 0.7, 0.5, 0.9)], [NOBODY]),
        ([ONE | {"low": 0.501}], [ONE_WINS.replace("(60%", "(50%") + "."]),
        ([win("one", "base", 0.3, 0.2, 0.4)], [NOBODY]),
        ([win("one", "base", 0.7, None, None)], [NOBODY]),
        ([win("one", "base", 0.5, 0.5, 0.5), win("two", "base", 0.5, 0.5, 0.5)], [NOBODY]),
        ([win("one", "base", None, None, None)], []),
        ([win("two", "base", None, None, None), ONE], [ONE_WINS + "."]),
        ([win("one", "two", 0.9, 0.8, 1.0)], []),
        ([ONE | {"criterion": "right"}], []),
        ([THREE, TWO, ONE, win("base", "one", 0.3, 0.2, 0.4)], [ONE_WINS + "."]),
        # The highest rate is not sure, a lower one is.
        (
            [win("one", "base", 0.8, 0.5, 1.0), TWO, THREE, win("two", "one", 0.4, 0.2, 0.6)],
            [
                f"two{WINS} of the arms that clearly beat it by right and kind together:"
                " 60% (55% to 65%, ties half); against one it is not clearly ahead."
            ],
        ),
        (
            [TWO, ONE, win("one", "two", 0.6, 0.51, 0.7), win("two", "one", 0.4, 0.3, 0.49)],
            [ONE_WINS + "; it also beats every other arm."],
        ),
        (
            [TWO, ONE, win("one", "two", 0.6, 0.5, 0.7)],
            [ONE_WINS + "; against two it is not clearly ahead."],
        ),
        (
            [TWO, ONE, win("one", "two", 0.6, None, None)],
            [ONE_WINS + "; against two it is not clearly ahead."],
        ),
        (
            [ONE, TWO, THREE, win("one", "two", 0.4, 0.3, 0.5), win("one", "three", 0.7, 0.6, 0.8)],
            [ONE_WINS + "; against two it is not clearly ahead."],
        ),
        (
            [ONE, TWO, THREE, win("one", "two", 0.4, 0.3, 0.5), win("one", "three", 0.5, 0.4, 0.6)],
            [ONE_WINS + "; against two and three it is not clearly ahead."],
        ),
        (
            # One evaluator alone does not count here, nor do pairs without the best arm.
            [
                ONE, TWO, win("one", "two", 0.6, 0.51, 0.7), win("two", "three", 0.5, 0.4, 0.6),
                win("one", "two", 0.4, 0.3, 0.5) | {"criterion": "right"},
            ],
            [ONE_WINS + "; it also beats every other arm."],
        ),
    ],
)  # fmt: skip
def test_who_beats_base_and_the_other_arms(wins: list[Data], said: list[str]) -> None:
    assert findings(world([], [], wins)) == said


def test_a_trade_off_is_no_victory() -> None:
    traded = ONE | {"trade_off": {"up": ["right"], "down": ["kind"]}}
    told = "one is a trade-off, not a victory: better by right, worse by kind."
    assert findings(world([], [], [traded])) == [told, NOBODY]
    two = f"two{WINS} of the arms that clearly beat it by right and kind together: 60%"
    found = findings(world([], [], [traded, TWO]))
    assert found[0] == told and found[1].startswith(two)


def test_a_win_rate_of_two_trainings_is_of_them() -> None:
    few = ONE | {"low": 0.1, "high": 1.0, "seeds": 2, "trainings": {"low": 0.6, "high": 0.8}}
    assert findings(world([], [], [few])) == [f"In these two trainings, {ONE_WINS}."]


def test_untrained_arms() -> None:
    arms = [
        {"name": "one", "dropped": []},
        {"name": "two", "dropped": ["judge", "people"]},
        {"name": "three", "dropped": []},
        {"name": "four"},
    ]
    data = world(["one"], [RIGHT_UP], evaluators=("right",), arms=arms)
    data["sources"] = [
        {"name": "people", "simulated": True, "judgments": 0, "ok": 0, "failures": {}}
    ]
    assert findings(data) == [
        RAISED,
        "two was not trained: the gates dropped judge and people (simulated).",
        "three was not trained.",
        "four was not trained.",
    ]


SHARED = (
    "The seeds of an arm share its preference data and the labels in it; the spread between them"
    " shows the luck of training and sampling, not of labelling."
)
MADE_UP = (
    ": a program made these labels up. They say nothing about real people, and agreement with them"
    " is agreement with that program."
)
MISSED = (
    "A training that fails one time in ten is missed by {} of cases; verdicts and intervals are of"
    " trainings like those that were seen."
)
ONE_EVALUATOR = "There is one evaluator only: what it does not measure may have changed."


def adjusted(count: int) -> str:
    return (
        f"The p-values are adjusted by Holm's method over the {count} differences to base, and"
        " cover trainings and prompts. Win rates and agreement are not adjusted."
    )


def test_limitations_of_one_evaluator_and_one_seed() -> None:
    assert limitations(world(["one"], [RIGHT_UP], evaluators=("right",))) == [ONE_EVALUATOR]
    assert limitations(world(["one"], [RIGHT_UP], evaluators=("right", "kind"))) == []
    assert limitations(world(["one"], [], evaluators=())) == []


def test_limitations_in_their_order() -> None:
    data = world(
        ["one", "two"],
        [],
        evaluators=("right",),
        sources=[
            {"name": "people", "kind": "human", "simulated": True},
            {"name": "judge", "kind": "judge"},
            {"name": "crowd", "kind": "human", "simulated": True},
        ],
    )
    evaluation = data["evaluation"]
    evaluation["warnings"] = ["Only 11 prompts.", "Few people said anything."]
    evaluation["comparisons"] = 6
    evaluation["policies"][2]["seeds"] = [0, 1]
    assert limitations(data) == [
        "Only 11 prompts.",
        "Few people (simulated) said anything.",
        SHARED,
        "people (simulated) and crowd (simulated)" + MADE_UP,
        MISSED.format("1 training in 90%"),
        adjusted(6),
        ONE_EVALUATOR,
    ]
    for policy in evaluation["policies"][1:]:
        policy["seeds"] = [0, 1, 2, 3, 4]
    assert MISSED.format("5 trainings in 59%") in limitations(data)
    evaluation["comparisons"] = 0
    for policy in evaluation["policies"]:
        policy["seeds"] = [0]
    evaluation["warnings"] = []
    del data["sources"]
    assert limitations(data) == [ONE_EVALUATOR]

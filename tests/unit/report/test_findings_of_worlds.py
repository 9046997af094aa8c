"""All sentences about small worlds, worked out by hand: nothing is said that did not happen."""

from __future__ import annotations

from typing import Any

import pytest

from harness.report.findings import findings, limitations, verdict

Data = dict[str, Any]
MINUS = "\N{MINUS SIGN}"


def difference(value: float | None, low: float | None, high: float | None, p: float | None) -> Data:
    return {"value": value, "low": low, "high": high, "p_holm": p}


BETTER = difference(0.20, 0.12, 0.28, 0.001)
WORSE = difference(-0.20, -0.28, -0.12, 0.001)
SAME = difference(0.01, -0.02, 0.04, 0.6)
OPEN = difference(0.04, -0.06, 0.14, 0.4)
NONE = difference(None, None, None, None)


def score(
    evaluator: str, policy: str, value: float | None, change: Data | None, **more: Any
) -> Data:
    return {
        "evaluator": evaluator, "policy": policy, "value": value, "difference": change,
        "held_out": True, **more,
    }  # fmt: skip


def win(a: str, b: str, value: float | None, low: float | None, high: float | None) -> Data:
    return {"criterion": "combined", "a": a, "b": b, "value": value, "low": low, "high": high}


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


RAISED = "raised right from 0.50 to 0.70 (+0.20, 95% interval +0.12 to +0.28)"
LOWERED = f"lowered kind from 0.50 to 0.30 ({MINUS}0.20, 95% interval {MINUS}0.28 to {MINUS}0.12)"
LEFT = f"left kind about where it was (0.50 to 0.51; +0.01, 95% interval {MINUS}0.02 to +0.04)"
UNCLEAR = f"showed no clear change of kind (0.50 to 0.54; +0.04, 95% interval {MINUS}0.06 to +0.14)"
RIGHT_UP = score("right", "one", 0.7, BETTER)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (RIGHT_UP, f"one {RAISED}."),
        (score("kind", "one", 0.3, WORSE), f"one {LOWERED}."),
        (score("kind", "one", 0.51, SAME), f"one {LEFT}."),
        (score("kind", "one", 0.54, OPEN), f"one {UNCLEAR}."),
        (
            score("kind", "one", 0.7, BETTER | {"p_holm": 0.09}),
            "one showed no clear change of kind (0.50 to 0.70; +0.20, 95% interval +0.12 to +0.28;"
            " p 0.09 once all comparisons are allowed for).",
        ),
        (score("kind", "one", None, NONE), "one has no comparable score for kind."),
        (score("kind", "one", 0.7, None), "one has no comparable score for kind."),
        (score("kind", "two", 0.7, BETTER), "one has no comparable score for kind."),
        (
            score("right", "one", 0.7, BETTER, held_out=False),
            f"one {RAISED[:-1]}; trained on it).",
        ),
        # The other directions are told of the evaluator alone.
        (score("kind", "one", 0.51, SAME, held_out=False), f"one {LEFT}."),
    ],
)
def test_one_arm_and_one_evaluator(row: Data, said: str) -> None:
    assert findings(world(["one"], [row], evaluators=(row["evaluator"],))) == [said]


def test_what_is_clear_comes_first_and_the_rest_in_the_order_of_evaluators() -> None:
    rows = [score("kind", "one", 0.54, OPEN), RIGHT_UP, score("kind", "two", 0.3, WORSE)]
    rows.append(score("right", "two", 0.7, BETTER))
    assert findings(world(["one", "two"], rows, evaluators=("kind", "right"))) == [
        f"one {RAISED} and {UNCLEAR}.",
        f"two {LOWERED} and {RAISED}.",
    ]


def test_evaluators_are_called_by_their_title_and_the_simulated_so() -> None:
    data = world(["one"], [RIGHT_UP, score("kind", "one", 0.3, WORSE)])
    data["evaluation"]["evaluators"] = [
        {"name": "right", "title": "correctness"},
        {"name": "kind", "simulated": True},
    ]
    lowered = LOWERED.replace("kind", "kind (simulated)")
    assert findings(data) == [f"one {RAISED.replace('right', 'correctness')} and {lowered}."]


def test_without_a_score_of_base_nothing_is_compared() -> None:
    data = world(["one"], [RIGHT_UP], evaluators=("right",))
    del data["evaluation"]["scores"][0]
    assert findings(data) == ["one has no comparable score for right."]


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
    assert verdict(difference(0.1, low, high, p)) == said
    assert verdict(difference(None, low, high, p)) == "unknown"
    if p is None:
        assert verdict({"value": 0.1, "low": low, "high": high}) == said


ALL = "By all evaluators together, "
NOBODY = ALL + "no arm beats base clearly."
ONE_WINS = ALL + "one has the highest win rate against base: 70% (60% to 80%, ties half)"
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
                ALL + "two has the highest win rate against base of the arms that clearly beat it:"
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
        f"one {RAISED}.",
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
ONE_EVALUATOR = "There is one evaluator only: what it does not measure may have changed."


def adjusted(count: int) -> str:
    return (
        f"The p-values are adjusted by Holm's method over the {count} differences to base; they are"
        " by prompt, for the seeds that were trained. Win rates and agreement are not adjusted."
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
        adjusted(6),
        ONE_EVALUATOR,
    ]
    evaluation["comparisons"] = 0
    evaluation["policies"][2]["seeds"] = [0]
    evaluation["warnings"] = []
    del data["sources"]
    assert limitations(data) == [ONE_EVALUATOR]

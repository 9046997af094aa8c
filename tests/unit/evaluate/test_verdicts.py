"""The verdict on a difference: seeds, margins, failures, directions and trade-offs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from harness.evaluate import EvaluatorInfo, evaluate
from harness.evaluate.missing import Side, missing
from harness.evaluate.verdicts import Difference, told
from harness.nouns.outcomes import Status
from harness.nouns.rubric import Criterion
from harness.nouns.scale import UNIT
from harness.nouns.schema import Item, Judgment, JudgmentRequest, Response, Verdict
from harness.statistics.intervals import holm
from harness.statistics.one_more import least_with_one_more
from harness.statistics.seeds import Grid, of_grids

PROMPTS = 60


def side(
    gain: float,
    seeds: int,
    lost: float = 0.0,
    spread: float = 0.01,
    seed: int = 0,
    prompts: int = PROMPTS,
) -> Side:
    """Half of the prompts are easy; of the bad answers a share has no score."""
    rng = np.random.default_rng([seed, int(1000 * gain) % 997])
    ease = np.where(np.arange(prompts) % 2, 0.7, 0.3)
    scores = ease + gain + rng.normal(0, spread, (seeds, 1)) + rng.normal(0, 0.02, (seeds, prompts))
    gone = (np.arange(prompts) % 2 == 0) & (np.arange(prompts) < 2 * lost * prompts)
    kept = np.where(gone, 0.0, 1.0) * np.ones((seeds, 1))
    return Side(Grid(scores * kept, kept, tuple(range(seeds))), 1 - kept)


def difference(a: Side, b: Side, margin: float | None = None) -> Difference:
    over = of_grids(a.scored, b.scored, (-1.0, 1.0), trained=(True, False))
    return Difference(over, margin, missing(a, b, (True, False)))


@pytest.mark.parametrize(("seeds", "verdict"), [(1, "unclear"), (2, "unclear"), (3, "raised")])
def test_fewer_than_three_trainings_say_nothing_of_the_method(seeds: int, verdict: str) -> None:
    (row,) = told([difference(side(0.2, seeds), side(0.0, seeds))])
    assert (row["verdict"], row["seeds"]) == (verdict, seeds)
    assert row["trainings"]["verdict"] == "raised"
    assert (row["mdd"] is None) == (seeds < 3) and row["trainings"]["mdd"] > 0
    (row,) = told([difference(side(-0.2, seeds), side(0.0, seeds), 0.3)])
    assert row["verdict"] == verdict.replace("raised", "lowered")


def test_two_trainings_that_agree_by_luck_are_no_method_either() -> None:
    (row,) = told([difference(side(0.2, 2, spread=0.0), side(0.0, 2, spread=0.0), 0.3)])
    assert row["low"] is not None and row["verdict"] == "unclear"


def test_without_a_margin_nothing_is_shown_to_be_the_same() -> None:
    pair = side(0.0, 5, seed=1), side(0.0, 5, seed=2)
    (open_,) = told([difference(*pair)])
    assert open_["verdict"] == "unclear" and 0 < open_["mdd"] < 0.1
    (within,) = told([difference(*pair, 0.05)])
    assert within["verdict"] == "unchanged"
    (narrow,) = told([difference(*pair, 0.002)])
    assert narrow["verdict"] == "unclear"


def test_a_family_makes_each_verdict_harder() -> None:
    """p-values and the least difference that is seen allow for all of the family."""
    one = difference(side(0.2, 3, spread=0.012), side(0.0, 3))
    (alone,) = told([one])
    rows = told([one] * 8)
    assert [row["p_holm"] for row in rows] == holm([row["p"] for row in rows])
    assert rows[0]["p_holm"] == pytest.approx(8 * alone["p"]) and alone["p"] < 0.1
    assert rows[0]["mdd"] > 1.2 * alone["mdd"]
    least = one.seeded.mdd(0.05 / 8), least_with_one_more(one.seeded, 0.05 / 8)
    assert None not in least and max(least) == rows[0]["mdd"]  # type: ignore[type-var]


def test_failures_that_are_far_apart_are_put_at_both_ends() -> None:
    # 60 of 120 bad answers of each training have no score: a quarter of all, and none of base.
    a, b = side(0.0, 5, lost=0.25, prompts=240), side(0.0, 5, prompts=240)
    assert (a.rate, b.rate, a.failures) == (0.25, 0.0, 300)
    found = difference(a, b)
    assert found.seeded.estimate.low is not None and found.seeded.estimate.low > 0.03
    (row,) = told([found])
    assert row["verdict"] == row["trainings"]["verdict"] == "undecidable"
    lost = row["failures"]
    assert (lost["policy"], lost["base"], lost["far"]) == (300, 0, True)
    mean = 0.75 * a.scored.mean
    assert lost["bounds"]["values"] == pytest.approx(
        [mean - b.scored.mean, mean + 0.25 - b.scored.mean]
    )
    assert lost["bounds"]["low"] < lost["bounds"]["values"][0]
    assert lost["tipping"] == pytest.approx((b.scored.mean - mean) / 0.25)
    assert told([Difference(found.seeded)])[0]["verdict"] == "raised"  # what was said without them


def test_a_change_that_no_failure_can_undo_is_one() -> None:
    (row,) = told([difference(side(0.25, 5, lost=0.05), side(0.0, 5))])
    assert row["failures"]["far"] and row["verdict"] == "raised"
    assert row["failures"]["bounds"]["low"] > 0 and row["failures"]["tipping"] is None


def test_of_rates_that_are_near_the_surplus_is_put_at_the_worst() -> None:
    # One bad answer more of 60, in each training: 1.7 points, and .004 of a gain that is none.
    a, b = side(0.0, 5, lost=1 / 60, spread=0.0), side(0.0, 5, spread=0.0)
    assert 0 < a.rate - b.rate < 0.02
    found = difference(a, b)
    assert found.missing is not None and found.missing.worst is not None
    assert not found.missing.worst.far
    lowest = found.missing.worst.lowest.estimate
    assert lowest.value == pytest.approx(a.scored.mean * (1 - 1 / 60) - b.scored.mean)
    # What both lose at one rate is lost in one way, for all that is known.
    same = missing(side(0.0, 5, lost=0.2), side(0.0, 5, lost=0.2))
    assert same is not None and same.worst is None and same.row()["bounds"] is None
    both = missing(side(0.0, 5, lost=0.2 + 1 / 60), side(0.0, 5, lost=0.2))
    assert both is not None and both.worst is not None
    filled = both.policy.filled(0.0, 1 / 13)  # 1 of the 13 that it lost
    assert both.worst.lowest.estimate.value == pytest.approx(filled.mean - both.base.scored.mean)
    assert missing(side(0.0, 2), side(0.0, 2)) is None


Rule = Callable[[str, int, int], float | Status]


def world(
    rules: dict[str, Rule], evaluators: Sequence[EvaluatorInfo], seeds: int = 3
) -> dict[str, Any]:
    """Evaluate base and arm on forty items by rules of (policy, seed, item)."""
    items = [Item(f"i{n}", f"prompt {n}") for n in range(40)]
    responses = {
        (policy, seed): [
            Response(f"{policy}{seed}-{n}", f"i{n}", policy, f"x {seed}") for n in range(40)
        ]
        for policy in ("base", "arm")
        for seed in range(seeds)
    }
    requests, judgments = [], []
    for name, rule in rules.items():
        for (policy, seed), answers in responses.items():
            for n, response in enumerate(answers):
                request = JudgmentRequest(
                    f"{name}:{response.id}", items[n], (response,), Criterion("c", "text", UNIT)
                )
                requests.append(request)
                value = rule(policy, seed, n)
                said = Verdict(value) if isinstance(value, Status) else Verdict(Status.OK, value)
                judgments.append(Judgment(request.id, name, "1", name, said))
    return evaluate(items, responses, requests, judgments, evaluators)


def moved(by: float) -> Rule:
    def rule(policy: str, seed: int, n: int) -> float:
        return 0.5 + 0.001 * (n % 7) + 0.002 * seed * (policy == "arm") + by * (policy == "arm")

    return rule


HELD = frozenset({"arm"})


def test_lower_is_better_where_the_evaluator_says_so() -> None:
    found = world(
        {"harm": moved(0.2)}, [EvaluatorInfo("harm", "judge", held_out_for=HELD, direction="lower")]
    )
    assert found["evaluators"][0]["direction"] == "lower"
    (row,) = (row["difference"] for row in found["scores"] if row["difference"])
    assert row["verdict"] == "raised"  # the score rose, which is worse
    wins = {(row["a"], row["b"]): row["value"] for row in found["wins"]}
    assert wins == {("base", "arm"): 1.0, ("arm", "base"): 0.0}


def test_by_all_together_are_those_that_are_held_out_for_both() -> None:
    rules = {name: moved(0.2) for name in ("x", "y", "z")}
    infos = [EvaluatorInfo(name, "judge", held_out_for=HELD) for name in "xy"]
    found = world(rules, [*infos, EvaluatorInfo("z", "judge", held_out_for=frozenset())])
    (row,) = (w for w in found["wins"] if w["criterion"] == "combined" and w["a"] == "arm")
    assert (row["evaluators"], row["value"], row["trade_off"]) == (["x", "y"], 1.0, None)
    assert (row["seeds"], row["interval_over"]) == (3, "seeds and prompts")
    # One that is held out is no matrix of all.
    alone = [EvaluatorInfo(name, "judge", held_out_for=frozenset()) for name in "xy"]
    found = world(rules, [*alone, EvaluatorInfo("z", "judge", held_out_for=HELD)])
    assert {row["criterion"] for row in found["wins"]} == {"x", "y", "z"}


@pytest.mark.parametrize("seeds", [2, 3])
def test_better_by_one_and_worse_by_another_is_a_trade_off(seeds: int) -> None:
    infos = [
        EvaluatorInfo("right", "judge", held_out_for=HELD),
        EvaluatorInfo("harm", "judge", held_out_for=HELD, direction="lower"),
    ]
    found = world({"right": moved(0.2), "harm": moved(0.2)}, infos, seeds)
    (row,) = (w for w in found["wins"] if w["criterion"] == "combined" and w["a"] == "arm")
    assert row["trade_off"] == {"up": ["right"], "down": ["harm"]} and row["value"] == 0.5
    found = world({"right": moved(0.2), "harm": moved(-0.2)}, infos, seeds)
    (row,) = (w for w in found["wins"] if w["criterion"] == "combined" and w["a"] == "arm")
    assert row["trade_off"] is None and row["value"] == 1.0


def test_from_and_to_are_over_the_items_of_the_change() -> None:
    def rule(policy: str, seed: int, n: int) -> float | Status:
        return Status.ERROR if policy == "arm" and n < 20 else n / 40

    found = world({"check": rule}, [EvaluatorInfo("check", "judge", held_out_for=HELD)])
    base, arm = found["scores"]
    change = arm["difference"]
    assert change["items"] == 20 and change["value"] == 0.0
    assert change["from"] == change["to"] == pytest.approx(sum(range(20, 40)) / 20 / 40)
    assert base["value"] < change["from"]
    assert change["verdict"] == "undecidable"

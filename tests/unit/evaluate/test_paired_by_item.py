"""A difference is a mean over items, however often each side was sampled."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from harness.evaluate import EvaluatorInfo, evaluate
from harness.evaluate.contrasts import contrasts
from harness.evaluate.differences import difference_of
from harness.evaluate.scores import Scored
from harness.evaluate.slices import slices
from harness.nouns.outcomes import Status
from harness.nouns.rubric import Criterion
from harness.nouns.scale import UNIT
from harness.nouns.schema import Item, Judgment, JudgmentRequest, Response, Verdict

Values = Sequence[float | None]


def rows(policy: str, seed: int, values: Mapping[str, Values]) -> list[Scored]:
    """The scores of each item; None where one was lost."""
    return [
        Scored(item, item, policy, seed, x, Status.ERROR if x is None else Status.OK)
        for item, own in values.items()
        for x in own
    ]


def same_policy(easy: int, hard: int, prompts: int = 60) -> dict[str, Values]:
    """Right in 9 of 10 easy prompts (odd ones) and 2 of 10 hard ones, whatever the sample."""
    rights = {1: [1.0] * 9 + [0.0], 0: [1.0] * 2 + [0.0] * 8}
    return {
        f"i{n}": [rights[n % 2][n // 2 % 10]] * (easy if n % 2 else hard) for n in range(prompts)
    }


def test_the_same_policy_sampled_unlike_often_is_not_raised() -> None:
    """Pooled, it is better by .21 with p .001: it was asked the easy prompts more often."""
    items = [Item(f"i{n}", f"prompt {n}") for n in range(60)]
    tables = {"base": same_policy(2, 2), "arm": same_policy(4, 1)}
    responses, requests, judgments = {}, [], []
    for policy, table in tables.items():
        for seed in range(3):
            answers = responses[policy, seed] = list[Response]()
            for item in items:
                for n, value in enumerate(table[item.id]):
                    answers.append(
                        Response(f"{item.id}-{n}", item.id, policy, f"{policy}{seed}{n}")
                    )
                    name = f"{policy}-{seed}-{item.id}-{n}"
                    asked = (answers[-1],)
                    requests.append(JudgmentRequest(name, item, asked, Criterion("c", "t", UNIT)))
                    said = Verdict(Status.OK, value)
                    judgments.append(Judgment(name, "check", "1", "check", said))
    info = EvaluatorInfo("check", "verifier", held_out_for=frozenset({"arm"}))
    found = evaluate(items, responses, requests, judgments, [info])
    (change,) = (row["difference"] for row in found["scores"] if row["difference"])
    assert abs(change["value"]) < 1e-12 and change["verdict"] == "unclear"
    assert change["from"] == pytest.approx(0.55) and change["to"] == pytest.approx(0.55)
    assert change["n"] == 3 * 60 * 2 + 3 * 30 * 5
    # Each pair of responses is of one item, so a win rate has no such fault.
    (won,) = (row for row in found["wins"] if (row["a"], row["b"]) == ("arm", "base"))
    assert won["value"] == 0.5


def test_contrasts_are_paired_by_item_too() -> None:
    scores = {
        name: [row for s in range(3) for row in rows(name, s, same_policy(*often))]
        for name, often in (("a", (4, 1)), ("b", (1, 3)))
    }
    (row,) = contrasts(scores, {"a": True, "b": True})
    assert abs(row["value"]) < 1e-12 and row["verdict"] == "unclear"
    assert row["from"] == pytest.approx(row["to"])


def test_a_slice_against_the_rest_is_paired_by_item_too() -> None:
    """By pooled scores the effect would be +.2 in one slice and -.2 in the other."""

    def table(first: tuple[int, int], second: tuple[int, int]) -> dict[str, Values]:
        halves = same_policy(*first), same_policy(*second)
        return {f"{name}{k}": own for k, half in enumerate(halves) for name, own in half.items()}

    sides = {"arm": table((4, 1), (1, 4)), "base": table((2, 2), (2, 2))}
    scores = {
        ("check", name): [row for s in range(3) for row in rows(name, s, own)]
        for name, own in sides.items()
    }
    of = {name: name[-1] for name in sides["base"]}
    found = slices(scores, {"check": None}, {"arm": True, "base": False}, "base", of)
    for row in found["rows"][0]["slices"]:
        assert abs(row["difference"]["value"]) < 1e-12
        assert abs(row["against_rest"]["value"]) < 1e-12


def test_by_hand() -> None:
    # Items: .5 to 1, and .25 to .5: mean of .5 and .25. Pooled it would be 3/4 - 1.5/5.
    mine = rows("arm", 0, {"x": [1.0], "y": [0.0, 1.0]})
    theirs = rows("base", 0, {"x": [0.0, 1.0], "y": [0.0, 0.5, 0.25]})
    difference, between = difference_of(mine, theirs, trained=(True, False))
    found = difference.seeded.estimate
    assert found.value == pytest.approx(0.375) and found.n == 8
    assert (between["from"], between["to"]) == pytest.approx((0.375, 0.75))
    # The interval is that of the two items' differences.
    assert difference.seeded.prompts[0] == pytest.approx((math.sqrt(0.125**2), 1.0))


def test_equal_numbers_give_the_same_bits_as_pooled() -> None:
    values = {f"i{n}": [0.1 * (n % 7), 0.3, 1 / (n + 3)] for n in range(20)}
    less = {name: [x * 0.9 for x in own] for name, own in values.items()}
    sides = [[r for s in range(3) for r in rows("p", s, own)] for own in (values, less)]
    _, between = difference_of(sides[0], sides[1])
    for side, end in zip(sides, ("to", "from"), strict=True):
        sums: Any = [0.0] * 20  # as the rows stand, then by item
        by_seed = []
        for s in range(3):
            sums = [0.0] * 20
            for row in side:
                if row.seed == s:
                    sums[int(row.item_id[1:])] += row.value
            by_seed.append(sums)
        import numpy as np

        assert between[end] == float(np.array(by_seed).sum()) / 180


def test_failures_weigh_by_item_at_the_worst_too() -> None:
    """One of two is lost of each hard item: all of it at the worst, and items weigh alike."""
    mine = {f"i{n}": [0.5] * 6 if n % 2 else [0.3, None] for n in range(40)}
    theirs = {f"i{n}": [0.5] if n % 2 else [0.3] * 4 for n in range(40)}
    sides = [[r for s in range(3) for r in rows("p", s, own)] for own in (mine, theirs)]
    difference, _ = difference_of(sides[0], sides[1], trained=(True, False))
    assert abs(difference.seeded.estimate.value or 0.0) < 1e-12
    lost = difference.missing
    assert lost is not None and lost.worst is not None and lost.worst.far
    assert (lost.policy.failures, lost.policy.rate) == (60, 0.25)
    # Of the hard items: .3 becomes .15 or .65.
    row = lost.row()
    assert row["bounds"]["values"] == pytest.approx([-0.075, 0.175])
    assert row["tipping"] == pytest.approx(0.3)

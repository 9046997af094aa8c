"""What the evaluation says of policies against each other, also from the worst of data."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from harness.evaluate import EvaluatorInfo, evaluate
from harness.nouns.outcomes import Status
from harness.nouns.rubric import Criterion
from harness.nouns.scale import BINARY, UNIT, Scale
from harness.nouns.schema import Item, Judgment, JudgmentRequest, Response, Verdict
from harness.report.blocks import Block
from harness.report.rivals import rivals
from harness.report.rivals_findings import rivals_findings
from harness.report.wording import Names

HOSTILE = '<b>"arm"</b> | `x`'
Rule = Callable[[str, int, int], Any]


def world(
    rules: dict[str, tuple[Scale, Rule]],
    policies: dict[str, int],
    prompts: int = 40,
    slice_of: Callable[[int], Any] = lambda n: None,
    **infos: dict[str, Any],
) -> dict[str, Any]:
    """Return an evaluation; a rule gives the value, a status, or nothing at all."""
    items = [
        Item(f"i{n}", f"prompt {n}", metadata={} if slice_of(n) is None else {"slice": slice_of(n)})
        for n in range(prompts)
    ]
    responses = {
        (policy, seed): [
            Response(f"{policy}-{seed}-{n}", f"i{n}", policy, f"{policy} {seed} says {n}")
            for n in range(prompts)
        ]
        for policy, seeds in policies.items()
        for seed in range(seeds)
    }
    requests, judgments = [], []
    for name, (scale, rule) in rules.items():
        for (policy, seed), answers in responses.items():
            for n, response in enumerate(answers):
                value = rule(policy, seed, n)
                request = JudgmentRequest(
                    f"{name}:{response.id}", items[n], (response,), Criterion("c", "?", scale)
                )
                requests.append(request)
                if value is not None:
                    verdict = (
                        Verdict(value) if isinstance(value, Status) else Verdict(Status.OK, value)
                    )
                    judgments.append(Judgment(request.id, name, "1", name, verdict))
    arms = frozenset(policies)
    return evaluate(
        items,
        responses,
        requests,
        judgments,
        [
            EvaluatorInfo(name, "verifier", **{"held_out_for": arms} | infos.get(name, {}))
            for name in rules
        ],
    )


def tossed(rates: dict[str, float], seed: int = 1) -> Rule:
    dice = random.Random(seed)
    return lambda policy, _, n: dice.random() < rates.get(policy, 0.5)


def shown(evaluation: dict[str, Any]) -> list[Block]:
    data = {"evaluation": evaluation}
    rivals_findings(data, Names.of_run(data))
    return rivals(data, Names.of_run(data))


def test_arms_are_compared_by_each_evaluator_in_a_family_of_its_own() -> None:
    rates = {"base": 0.3, "a": 0.3, "b": 0.9, "c": 0.3}
    rules = {name: (BINARY, tossed(rates, seed)) for seed, name in enumerate(("x", "y"))}
    found = world(rules, dict.fromkeys(rates, 3), 60)
    assert [(row["a"], row["b"]) for row in found["contrasts"]] == [
        ("a", "b"), ("a", "c"), ("b", "c"),
    ] * 2  # fmt: skip
    words = {(row["evaluator"], row["a"], row["b"]): row["verdict"] for row in found["contrasts"]}
    assert words["x", "a", "b"] == "lowered" and words["y", "b", "c"] == "raised"
    assert words["x", "a", "c"] == "unclear"
    data = {"evaluation": found}
    said = [one.text for one in rivals_findings(data, Names.of_run(data))]
    assert any(line.startswith("b is better than every other arm by x, by 0.") for line in said)


def test_the_joint_rate_is_that_of_responses_and_not_a_product() -> None:
    """Right and kind go together or exclude each other: a half of both, then nothing of both."""
    same = {"x": (BINARY, lambda p, s, n: n % 2 == 0), "y": (BINARY, lambda p, s, n: n % 2 == 0)}
    found = world(same, {"base": 1, "arm": 3})["joint"]
    assert [row["value"] for row in found["policies"]] == [0.5, 0.5]
    apart = same | {"y": (BINARY, lambda p, s, n: n % 2 == 1)}
    found = world(apart, {"base": 1, "arm": 3})["joint"]
    assert [row["value"] for row in found["policies"]] == [0.0, 0.0]
    assert [(row["a"], row["b"]) for row in found["contrasts"]] == [("arm", "base")]


def test_a_gain_of_the_joint_rate_is_the_arms_and_not_bases() -> None:
    rule = tossed({"base": 0.2, "arm": 0.95})
    found = world({"x": (BINARY, rule), "y": (BINARY, rule)}, {"base": 3, "arm": 3})["joint"]
    (row,) = found["contrasts"]
    assert row["value"] > 0.5 and row["verdict"] == "raised"
    assert row["to"] - row["from"] == pytest.approx(row["value"])


def test_what_trained_an_arm_takes_no_part_in_the_joint_rate() -> None:
    rules = {name: (BINARY, tossed({})) for name in ("x", "y", "z")}
    found = world(rules, {"base": 1, "arm": 1}, z={"held_out_for": frozenset()})
    assert found["joint"]["criteria"] == ["x", "y"]
    unit = {"x": (BINARY, tossed({})), "y": (UNIT, lambda p, s, n: 0.25)}
    assert world(unit, {"base": 1, "arm": 1})["joint"]["reason"].endswith("response: y")


def test_slices_come_from_the_items_and_the_effect_is_shown_where_it_is() -> None:
    def rule(policy: str, seed: int, n: int) -> bool:
        return dice.random() < (0.95 if policy == "arm" and n % 2 else 0.3)

    dice = random.Random(3)
    found = world(
        {"x": (BINARY, rule)}, {"base": 3, "arm": 3}, 80, lambda n: "odd" if n % 2 else "even"
    )
    (row,) = found["slices"]["rows"]
    assert found["slices"]["slices"] == ["even", "odd"] and row["interaction"]["shown"]
    assert [one["difference"]["verdict"] for one in row["slices"]] == ["unclear", "raised"]
    data = {"evaluation": found}
    said = [one.text for one in rivals_findings(data, Names.of_run(data))]
    assert any("differs between slices: most in odd" in line for line in said)


NOTHING: dict[str, tuple[Scale, Rule]] = {"x": (BINARY, lambda p, s, n: None)}
CONSTANT: dict[str, tuple[Scale, Rule]] = {
    "x": (BINARY, lambda p, s, n: True),
    "y": (BINARY, lambda p, s, n: True),
}


@pytest.mark.parametrize(
    ("rules", "policies", "prompts"),
    [
        (CONSTANT, {"base": 1}, 5),
        (CONSTANT, {"base": 1, "a": 1, "b": 3}, 5),
        (CONSTANT, {"a": 2, "b": 2}, 5),  # no base
        (CONSTANT, {"base": 1, "a": 1, "b": 1}, 1),
        (CONSTANT, {"base": 1, "a": 1, "b": 1}, 0),
        (NOTHING, {"base": 1, "a": 2, "b": 1}, 5),
        (NOTHING | {"y": (UNIT, lambda p, s, n: n / 10)}, {"base": 1, "a": 2, "b": 1}, 5),
        (
            {
                "x": (BINARY, lambda p, s, n: n == 0 if p == "a" else Status.TIMEOUT),
                "<i>y": (UNIT, lambda p, s, n: None if (n + len(p)) % 3 else 0.5),
            },
            {"base": 2, "a": 1, HOSTILE: 3},
            7,
        ),
    ],
)
def test_the_worst_of_data_gives_plain_json_and_a_page(
    rules: dict[str, tuple[Scale, Rule]], policies: dict[str, int], prompts: int
) -> None:
    found = world(rules, policies, prompts, lambda n: "<one>" if n == 0 else n % 3)
    json.dumps(found, allow_nan=False)
    shown(found)
    assert all(
        row["verdict"] not in ("raised", "lowered")
        for row in (*found.get("contrasts", ()), *found.get("joint", {}).get("contrasts", ()))
    )
    assert not any(row["interaction"]["shown"] for row in found.get("slices", {}).get("rows", ()))


def test_without_a_difference_no_arm_is_better_and_no_slice_is_special() -> None:
    wrong, repeats = 0, 8
    for repeat in range(repeats):
        dice = random.Random(repeat)
        luck = {(p, s): dice.gauss(0.5, 0.03) for p in ("a", "b", "c") for s in range(3)}

        def rule(policy: str, seed: int, n: int, luck: Any = luck, dice: Any = dice) -> bool:
            return bool(dice.random() < luck.get((policy, seed), 0.5) + 0.2 * (n % 2))

        found = world(
            {"x": (BINARY, rule)}, {"base": 3, "a": 3, "b": 3, "c": 3}, 40, lambda n: n % 3
        )
        wrong += any(row["verdict"] in ("raised", "lowered") for row in found["contrasts"]) or any(
            row["interaction"]["shown"] for row in found["slices"]["rows"]
        )
    assert wrong <= 1


def test_ranks_of_many_policies_sum_each_meeting_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What moves a strength is summed once, and not again for each of its pairs."""
    sums, policies = list[str](), {f"p{n}": 2 for n in range(10)}
    einsum = np.einsum
    monkeypatch.setattr(
        "harness.evaluate.ranks.np.einsum", lambda *a, **k: (sums.append(a[0]), einsum(*a, **k))[1]
    )
    table = world({"exam": (BINARY, tossed({}))}, policies | {"base": 2}, prompts=10)
    (row,) = table["ranks"]
    assert len(row["policies"]) == 11 and row["reason"] == ""
    assert len(sums) <= 2 * 55 + 1

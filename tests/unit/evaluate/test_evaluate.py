"""Policies against each other, from made-up judgments whose answer is known."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from harness.evaluate import EvaluatorInfo, evaluate
from harness.evaluate.diversity import distinct, ngrams
from harness.evaluate.wins import COMBINED
from harness.nouns.errors import DataError
from harness.nouns.outcomes import Status
from harness.nouns.rubric import Criterion
from harness.nouns.scale import BINARY, UNIT, Scale
from harness.nouns.schema import Item, Judgment, JudgmentRequest, Response, Verdict
from harness.statistics.seeds import seeded, with_seeds

LIKERT = Scale("interval", low=1, high=5)
Rule = Callable[[str, int, int], Any]
"""(policy, seed, prompt number) to a value, or to the Status of a failure."""


def world(
    rules: Mapping[str, tuple[Scale, Rule]],
    policies: Mapping[str, int],
    prompts: int = 40,
    clusters: int | None = None,
) -> dict[str, Any]:
    """Items, responses, requests and judgments; one response per prompt, policy and seed."""
    items = [
        Item(f"i{n}", f"prompt {n}", metadata={"cluster": n % clusters} if clusters else {})
        for n in range(prompts)
    ]
    responses = {
        (policy, seed): [
            Response(f"{policy}-{seed}-{n}", f"i{n}", policy, f"{policy} {seed} answers {n}")
            for n in range(prompts)
        ]
        for policy, seeds in policies.items()
        for seed in range(seeds)
    }
    requests, judgments = [], []
    for name, (scale, rule) in rules.items():
        criterion = Criterion("c", "text", scale)
        for (policy, seed), answers in responses.items():
            for n, response in enumerate(answers):
                request = JudgmentRequest(f"{name}:{response.id}", items[n], (response,), criterion)
                requests.append(request)
                value = rule(policy, seed, n)
                if isinstance(value, Status):
                    judgments.append(Judgment(request.id, name, "1", name, Verdict(value)))
                elif value is not None:
                    verdict = Verdict(Status.OK, value)
                    judgments.append(Judgment(request.id, name, "1", name, verdict))
    return {
        "items": items,
        "responses": responses,
        "requests": requests,
        "judgments": judgments,
    }


def info(name: str, **more: Any) -> EvaluatorInfo:
    return EvaluatorInfo(name, "verifier", held_out_for=frozenset({"arm"}), **more)


def row(result: dict[str, Any], evaluator: str, policy: str) -> dict[str, Any]:
    (found,) = [
        r for r in result["scores"] if r["evaluator"] == evaluator and r["policy"] == policy
    ]
    return found


def win(result: dict[str, Any], criterion: str, a: str, b: str) -> dict[str, Any]:
    (found,) = [r for r in result["wins"] if (r["criterion"], r["a"], r["b"]) == (criterion, a, b)]
    return found


def test_values_come_to_the_unit_scale() -> None:
    data = world({"stars": (LIKERT, lambda p, s, n: 4)}, {"base": 1})
    result = evaluate(**data, evaluators=[info("stars")])
    assert row(result, "stars", "base")["value"] == 0.75


def test_the_evaluators_own_scale_goes_before_the_criterions() -> None:
    data = world({"stars": (LIKERT, lambda p, s, n: 4)}, {"base": 1})
    result = evaluate(**data, evaluators=[info("stars", scale=Scale("interval", low=0, high=8))])
    assert row(result, "stars", "base")["value"] == 0.5


def test_failures_are_left_out_counted_and_warned_of() -> None:
    def rule(policy: str, seed: int, n: int) -> Any:
        if n < 5:
            return Status.TIMEOUT
        return None if n < 8 else True

    data = world({"check": (BINARY, rule)}, {"base": 1})
    result = evaluate(**data, evaluators=[info("check")])
    found = row(result, "check", "base")
    assert found["value"] == 1.0
    assert (found["n"], found["responses"], found["coverage"]) == (32, 40, 0.8)
    assert found["failures"] == {"timeout": 5, "missing": 3}
    assert any("32 of 40" in warning for warning in result["warnings"])


def test_a_policy_without_any_score_has_no_number() -> None:
    data = world({"check": (BINARY, lambda p, s, n: Status.ERROR)}, {"base": 1, "arm": 1})
    result = evaluate(**data, evaluators=[info("check")])
    found = row(result, "check", "arm")
    assert found["value"] is None and found["low"] is None
    assert found["difference"]["p_holm"] is None
    assert win(result, "check", "arm", "base")["value"] is None


def test_repeated_judgments_of_a_response_are_averaged() -> None:
    data = world({"check": (BINARY, lambda p, s, n: True)}, {"base": 1}, prompts=4)
    more = [
        Judgment(j.request_id, "check", "1", "check", Verdict(Status.OK, False), repeat=1)
        for j in data["judgments"]
    ]
    failed = [
        Judgment(j.request_id, "check", "1", "check", Verdict(Status.ERROR), repeat=2)
        for j in data["judgments"]
    ]
    data["judgments"] = [*data["judgments"], *more, *failed]
    result = evaluate(**data, evaluators=[info("check")])
    assert row(result, "check", "base")["value"] == 0.5
    assert row(result, "check", "base")["coverage"] == 1.0


def test_difference_is_paired_by_prompt() -> None:
    """Prompts differ much, the arm gains a little on each: unpaired that would be lost in noise."""
    scale = Scale("interval", low=0, high=1)

    def rule(policy: str, seed: int, n: int) -> float:
        return n / 50 + (0.05 + 0.001 * (n % 3) if policy == "arm" else 0.0)

    data = world({"score": (scale, rule)}, {"base": 1, "arm": 1})
    result = evaluate(**data, evaluators=[info("score")])
    difference = row(result, "score", "arm")["difference"]
    assert difference["value"] == pytest.approx(0.051, abs=1e-4)
    assert 0.05 < difference["low"] < difference["high"] < 0.052
    assert row(result, "score", "arm")["high"] - row(result, "score", "arm")["low"] > 0.1
    assert row(result, "score", "base")["difference"] is None


def test_difference_uses_only_items_that_both_have() -> None:
    def rule(policy: str, seed: int, n: int) -> Any:
        if policy == "arm" and n < 20:
            return Status.ERROR  # the arm fails on exactly the prompts that base gets wrong
        return n >= 20

    data = world({"check": (BINARY, rule)}, {"base": 1, "arm": 1})
    difference = row(evaluate(**data, evaluators=[info("check")]), "check", "arm")["difference"]
    assert difference["items"] == 20
    assert difference["value"] == 0.0


def test_clusters_come_from_the_items() -> None:
    rule = (BINARY, lambda p, s, n: n % 10 < 5)
    many = evaluate(**world({"c": rule}, {"base": 1}), evaluators=[info("c")])
    ten = evaluate(**world({"c": rule}, {"base": 1}, clusters=10), evaluators=[info("c")])
    assert row(many, "c", "base")["clusters"] == 40
    assert row(ten, "c", "base")["clusters"] == 10
    assert row(ten, "c", "base")["low"] < row(many, "c", "base")["low"]
    assert any("Only 10 independent prompts" in warning for warning in ten["warnings"])


def test_the_interval_over_seeds_draws_whole_clusters() -> None:
    # Ten clusters of four prompts; the seeds are far apart, so their interval is the wider one.
    def rule(policy: str, seed: int, n: int) -> float:
        return (1 + (policy == "arm") * (3 * seed + (n % 10 < 5))) / 8

    data = world({"c": (UNIT, rule)}, {"base": 1, "arm": 3}, clusters=10)
    found = row(evaluate(**data, evaluators=[info("c")]), "c", "arm")
    base, arm = (
        {s: {str(c): [rule(p, s, c)] * 4 for c in range(10)} for s in range(seeds)}
        for p, seeds in (("base", 1), ("arm", 3))
    )
    over = with_seeds(arm)
    assert (found["low"], found["high"]) == pytest.approx((over.low, over.high))
    difference = found["difference"]
    over = seeded(arm, base, (-1, 1), trained=(True, False)).estimate
    assert (difference["low"], difference["high"]) == pytest.approx((over.low, over.high))
    assert found["interval_over"] == difference["interval_over"] == "seeds and prompts"


def test_a_policy_without_scores_does_not_silence_the_warning_of_few_prompts() -> None:
    failing = (BINARY, lambda p, s, n: Status.ERROR if p == "arm" else n % 2 == 0)
    data = world({"c": failing}, {"base": 1, "arm": 1}, clusters=10)
    warnings = evaluate(**data, evaluators=[info("c")])["warnings"]
    assert [w.split(":")[0] for w in warnings if w.startswith("Only")] == [
        "Only 10 independent prompts"
    ]


def test_seeds_are_pooled_and_shown() -> None:
    data = world({"c": (BINARY, lambda p, s, n: n < 20 + 10 * s)}, {"base": 1, "arm": 2})
    result = evaluate(**data, evaluators=[info("c")])
    found = row(result, "c", "arm")
    assert [seed["value"] for seed in found["seeds"]] == [0.5, 0.75]
    assert found["value"] == 0.625
    assert found["seed_sd"] == pytest.approx(0.25 / 2**0.5)
    assert found["interval_over"] == "seeds and prompts"
    assert any("Fewer than 3 seeds (arm)" in warning for warning in result["warnings"])


def test_three_seeds_widen_the_interval() -> None:
    def rule(policy: str, seed: int, n: int) -> bool:
        return n < 10 + 10 * seed

    data = world({"c": (BINARY, rule)}, {"base": 3, "arm": 3})
    result = evaluate(**data, evaluators=[info("c")])
    found = row(result, "c", "arm")
    assert found["interval_over"] == "seeds and prompts"
    assert found["low"] < 0.35 and found["high"] > 0.65
    assert not any("Fewer than" in warning for warning in result["warnings"])


def test_win_matrix_counts_every_pair_of_seeds() -> None:
    def rule(policy: str, seed: int, n: int) -> bool:
        return policy == "arm" or n < 10

    data = world({"c": (BINARY, rule)}, {"base": 2, "arm": 3})
    result = evaluate(**data, evaluators=[info("c")])
    found = win(result, "c", "arm", "base")
    assert (found["wins"], found["ties"], found["losses"]) == (30 * 6, 10 * 6, 0)
    assert found["value"] == pytest.approx((180 + 30) / 240)
    assert found["clusters"] == 40
    mirror = win(result, "c", "base", "arm")
    assert (mirror["wins"], mirror["losses"]) == (0, 180)
    assert mirror["low"] == pytest.approx(1 - found["high"])


def test_combined_criterion_is_better_on_one_and_worse_on_none() -> None:
    def first(policy: str, seed: int, n: int) -> bool:
        return policy == "arm" if n < 30 else True

    def second(policy: str, seed: int, n: int) -> bool:
        return policy != "arm" if n < 10 else True

    data = world({"x": (BINARY, first), "y": (BINARY, second)}, {"base": 1, "arm": 1})
    result = evaluate(**data, evaluators=[info("x"), info("y")])
    found = win(result, COMBINED, "arm", "base")
    # 10 prompts: better on x, worse on y, so a tie; 20: better on x only; 10: equal on both
    assert (found["wins"], found["ties"], found["losses"]) == (20, 20, 0)


def test_combined_criterion_needs_every_score() -> None:
    data = world(
        {
            "x": (BINARY, lambda p, s, n: p == "arm"),
            "y": (BINARY, lambda p, s, n: Status.ERROR if n < 15 else True),
        },
        {"base": 1, "arm": 1},
    )
    result = evaluate(**data, evaluators=[info("x"), info("y")])
    assert win(result, COMBINED, "arm", "base")["n"] == 25


def test_no_combined_criterion_for_one_evaluator() -> None:
    data = world({"x": (BINARY, lambda p, s, n: True)}, {"base": 1, "arm": 1})
    result = evaluate(**data, evaluators=[info("x")])
    assert {r["criterion"] for r in result["wins"]} == {"x"}


def test_held_out_is_shown_and_its_lack_warned_of() -> None:
    data = world({"x": (BINARY, lambda p, s, n: True)}, {"base": 1, "arm": 1, "other": 1})
    result = evaluate(**data, evaluators=[info("x")])
    assert row(result, "x", "arm")["held_out"] and row(result, "x", "base")["held_out"]
    assert not row(result, "x", "other")["held_out"]
    assert (
        "x took part in training other, so its scores of it are not held-out."
        in (result["warnings"])
    )


def test_where_nobody_knows_what_was_trained_on_nobody_is_said_to_have_taken_part() -> None:
    data = world({"x": (BINARY, lambda p, s, n: True)}, {"base": 1, "arm": 1})
    result = evaluate(**data, evaluators=[EvaluatorInfo("x", "verifier", held_out_for=None)])
    assert [row(result, "x", policy)["held_out"] for policy in ("base", "arm")] == [None, None]
    assert result["evaluators"][0]["held_out_for"] is None
    # What is not known is no warning: it would stand under every table of plain files.
    assert not [w for w in result["warnings"] if "took part" in w or "trained on" in w]


def test_holm_covers_all_differences() -> None:
    def rule(policy: str, seed: int, n: int) -> bool:
        return n % 4 == 0 or (policy == "arm" and n % 8 == 1)

    data = world({"x": (BINARY, rule), "y": (BINARY, rule)}, {"base": 1, "arm": 1, "b": 1})
    result = evaluate(**data, evaluators=[info("x"), info("y")])
    assert result["comparisons"] == 4
    difference = row(result, "x", "arm")["difference"]
    assert difference["p_holm"] == pytest.approx(min(1.0, 4 * difference["p"]))


def test_kl_is_the_mean_log_ratio() -> None:
    data = world({"x": (BINARY, lambda p, s, n: True)}, {"base": 1, "arm": 1})
    data["responses"]["arm", 0] = [
        replace(response, metadata={"log_ratio": 2.0 + 0.1 * (n % 2)})
        for n, response in enumerate(data["responses"]["arm", 0])
    ]
    result = evaluate(**data, evaluators=[info("x")])
    kl = {policy["name"]: policy["kl"] for policy in result["policies"]}
    assert kl["base"] is None
    assert kl["arm"]["value"] == pytest.approx(2.05)
    assert kl["arm"]["low"] < 2.05 < kl["arm"]["high"]


def test_the_result_is_plain_json() -> None:
    data = world({"x": (BINARY, lambda p, s, n: n % 2 == 0)}, {"base": 3, "arm": 3})
    result = evaluate(**data, evaluators=[info("x")])
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    again = evaluate(**data, evaluators=[info("x")])
    assert again == result


def test_wrong_input_is_refused() -> None:
    data = world({"x": (BINARY, lambda p, s, n: True)}, {"base": 1}, prompts=3)
    twice = {**data, "responses": {("base", 0): 2 * data["responses"]["base", 0]}}
    with pytest.raises(DataError, match="occurs twice"):
        evaluate(**twice, evaluators=[info("x")])
    with pytest.raises(DataError, match="unknown item"):
        evaluate(**{**data, "items": data["items"][:2]}, evaluators=[info("x")])
    pair = data["responses"]["base", 0]
    request = JudgmentRequest(
        "r", data["items"][0], (pair[0], pair[1]), Criterion("c", "t", BINARY)
    )
    with pytest.raises(DataError, match="2 responses"):
        evaluate(**{**data, "requests": [request]}, evaluators=[info("x")])
    with pytest.raises(DataError, match="combined"):
        evaluate(**data, evaluators=[info(COMBINED)])


def test_distinct_n_by_rarefaction() -> None:
    counts = ngrams(["a b c d"], 1)
    assert distinct(counts, 4) == 1.0
    # drawing 1 of anything is always distinct, whatever the repetition
    assert distinct(ngrams(["a a a a b"], 1), 1) == pytest.approx(1.0)
    # 2 of {a, a, a, b}: distinct 2 with b (3 of 6 draws), else 1: 1.5 / 2
    assert distinct(ngrams(["a a a b"], 1), 2) == pytest.approx(0.75)
    assert distinct(counts, 5) is None
    assert distinct(counts, 0) is None
    assert ngrams(["a b", "c"], 2).total() == 1  # never across texts


def test_diversity_is_compared_at_equal_amount() -> None:
    data = world({"x": (BINARY, lambda p, s, n: True)}, {"base": 1, "arm": 1}, prompts=10)
    texts = {"base": "one two three four", "arm": "one two three four five six seven eight"}
    data["responses"] = {
        key: [Response(r.id, r.item_id, r.system, texts[key[0]]) for r in answers]
        for key, answers in data["responses"].items()
    }
    result = evaluate(**data, evaluators=[info("x")])
    base, arm = result["policies"]
    assert base["distinct_1_sample"] == arm["distinct_1_sample"] == 40
    assert base["distinct_1"] == pytest.approx(4 / 40)
    assert 4 / 40 < arm["distinct_1"] <= 8 / 40
    assert base["characters"]["value"] == 18.0

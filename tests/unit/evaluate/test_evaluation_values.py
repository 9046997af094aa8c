"""The whole result of small evaluations, worked by hand."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from scipy import stats

from harness.evaluate import EvaluatorInfo, evaluate
from harness.nouns.outcomes import Status
from harness.nouns.rubric import Criterion
from harness.nouns.scale import Scale
from harness.nouns.schema import Item, Judgment, JudgmentRequest, Response, Verdict
from harness.statistics.seeds import Grid, of_grids, seeded, with_seeds

UNIT = Scale("interval", low=0, high=1)
NO = Status.ERROR
TEXTS = ("four", "FOUR", "Four", "fouR", "FouR")
"""What each seed gives to every item: trainings, and no copies of each other."""

Given = Mapping[tuple[str, int], Sequence[Any]]
"""(policy, seed) to one value for each item: a score, a Status, or None for no judgment."""


def responses_of(
    items: Sequence[Item], given: Given, notes: Mapping[str, Any]
) -> dict[tuple[str, int], list[Response]]:
    return {
        (policy, seed): [
            Response(
                name := f"{policy}-{seed}-{item.id}",
                item.id,
                policy,
                TEXTS[seed % 5],
                notes.get(name, {}),
            )
            for item, _ in zip(items, values, strict=True)
        ]
        for (policy, seed), values in given.items()
    }


def run(
    clusters: Sequence[str],
    scored: Mapping[str, Given],
    evaluators: Sequence[EvaluatorInfo] = (),
    scale: Scale = UNIT,
    notes: Mapping[str, Any] | None = None,
    base: str = "base",
) -> dict[str, Any]:
    """Evaluate items i0, i1, ... of the given clusters."""
    items = [Item(f"i{n}", f"prompt {n}", metadata={"cluster": c}) for n, c in enumerate(clusters)]
    requests, judgments = [], []
    for name, given in scored.items():
        criterion = Criterion("c", "text", scale)
        responses = responses_of(items, given, notes or {})
        for key, values in given.items():
            for item, response, value in zip(items, responses[key], values, strict=True):
                request = JudgmentRequest(f"{name}:{response.id}", item, (response,), criterion)
                requests.append(request)
                if value is not None:
                    failed = isinstance(value, Status)
                    verdict = Verdict(value) if failed else Verdict(Status.OK, value)
                    judgments.append(Judgment(request.id, name, "1", name, verdict))
    known = evaluators or [EvaluatorInfo(name, "verifier") for name in scored]
    return evaluate(items, responses, requests, judgments, known, base=base)


def mean(values: Sequence[float], clusters: Sequence[str]) -> tuple[float, float, float]:
    """Mean and t-interval cut at 0 and 1, by leaving clusters out; Kish's number of them."""
    value = sum(values) / len(values)
    names = sorted(set(clusters))
    without = [
        np.mean([v for v, c in zip(values, clusters, strict=True) if c != name]) for name in names
    ]
    g = len(names)
    alike = len(values) ** 2 / sum(clusters.count(name) ** 2 for name in names)
    half = stats.t.ppf(0.975, max(1.0, alike - 1))
    half *= math.sqrt((g - 1) / g * sum(float(mean - value) ** 2 for mean in without))
    return value, max(0.0, value - half), min(1.0, value + half)


def ends(found: tuple[float, float, float]) -> dict[str, float]:
    return dict(zip(("value", "low", "high"), found, strict=True))


def close(expected: Any) -> Any:
    """The same value, with numbers to be equal to twelve digits."""
    if isinstance(expected, dict):
        return {key: close(value) for key, value in expected.items()}
    if isinstance(expected, list):
        return [close(value) for value in expected]
    return pytest.approx(expected, rel=1e-12) if isinstance(expected, float) else expected


def test_the_whole_result_by_hand() -> None:
    clusters = ["p", "q", "r", "r"]
    given: Given = {
        ("base", 0): [0.1, 0.5, 0.3, 0.7],
        ("arm", 4): [0.3, 0.6, Status.TIMEOUT, 0.9],
        ("arm", 7): [0.5, 0.9, NO, NO],
    }
    evaluator = EvaluatorInfo("check", "human", True, frozenset({"other", "arm"}), None, "Check")
    ratios = {"arm-4-i0": 1.0, "arm-4-i1": 2.0, "arm-7-i3": 6.0, "base-9-i0": 50.0}
    notes = {name: {"log_ratio": ratio} for name, ratio in ratios.items()}
    alike = {"value": 4.0, "low": None, "high": None, "clusters": 3, "interval_over": None}
    texts: dict[str, Any] = {"characters": alike, "empty": 0}
    texts |= {"distinct_1": 0.25, "distinct_1_sample": 4}
    texts |= {"distinct_2": None, "distinct_2_sample": 0}
    result = run(clusters, {"check": given}, [evaluator], notes=notes)
    wins = result.pop("wins")
    assert [(w["a"], w["b"], w["wins"], w["losses"]) for w in wins] == [
        ("base", "arm", 0, 5),
        ("arm", "base", 5, 0),
    ]
    base = mean([0.1, 0.5, 0.3, 0.7], clusters)
    arm = mean([0.3, 0.6, 0.9, 0.5, 0.9], ["p", "q", "r", "p", "q"])
    first = mean([0.3, 0.6, 0.9], ["p", "q", "r"])
    second = mean([0.5, 0.9], ["p", "q"])
    cells = {4: {"p": [0.3], "q": [0.6], "r": [0.9]}, 7: {"p": [0.5], "q": [0.9]}}
    over = with_seeds(cells)
    assert over.low is not None and over.high is not None and over.low <= arm[1]
    # Items with a score of both: i0, i1, i3. arm (.3 + .5)/2, (.6 + .9)/2, .9 and base .1, .5, .7:
    # gains of .3, .25 and .2, that weigh alike.
    end, start, gain = (0.4 + 0.75 + 0.9) / 3, 1.3 / 3, 0.25
    error = 0.05 / math.sqrt(3)
    half = stats.t.ppf(0.975, 2) * error
    # log ratios 1, 2 and 6 of two trainings in three clusters: s = sqrt(7)
    kl = seeded({4: {"p": [1.0], "q": [2.0]}, 7: {"r": [6.0]}}, bounds=None)
    wide = stats.t.ppf(0.975, 2) * math.sqrt(7 / 3)
    difference = result["scores"][1]["difference"]
    other = {0: {"p": [0.1], "q": [0.5], "r": [0.7]}}
    sides = [Grid.of(side, "pqr") for side in (cells, other)]
    sides[0] = sides[0].weighed(np.array([5 / 6, 5 / 6, 5 / 3]), np.arange(3))
    whole = of_grids(sides[0], sides[1], (-1, 1), trained=(True, False)).estimate
    lost = difference.pop("failures")
    assert difference.pop("trainings") == close(
        {
            "low": gain - half,
            "high": gain + half,
            "p": 1.0,  # three of eight have no score: at the worst there is no gain
            "p_holm": 1.0,
            "mdd": None,  # with three prompts, one more could undo any change
            "one_more": None,
            "verdict": "undecidable",
        }
    )
    assert (lost["policy"], lost["base"], lost["far"]) == (3, 0, True)
    assert lost["rates"] == {"policy": 3 / 8, "base": 0.0}
    assert lost["bounds"]["values"] == pytest.approx([3.2 / 8 - 0.4, 6.2 / 8 - 0.4])
    # The three would have to average 0 for the arm to be no better than base's .4.
    assert lost["tipping"] == pytest.approx((0.4 - 5 / 8 * 0.64) / (3 / 8), abs=1e-12)
    for policy in result["policies"]:  # held to counting in test_alike
        assert policy.pop("diversity")["vendi"] >= 1
    assert result == close(
        {
            "confidence": 0.95,
            "base": "base",
            "items": 4,
            "comparisons": 1,
            "evaluators": [
                {
                    "name": "check",
                    "title": "Check",
                    "kind": "human",
                    "simulated": True,
                    "held_out_for": ["arm", "other"],
                    "direction": "higher",
                    "margin": None,
                    "same_rule_as": [],
                    "compared_with": [],
                }
            ],
            "policies": [
                {"name": "base", "seeds": [0], "responses": 4, "kl": None, **texts},
                {
                    "name": "arm",
                    "seeds": [4, 7],
                    "responses": 8,
                    "kl": {
                        **kl.estimate.numbers("n", "clusters"),
                        "interval_over": "seeds and prompts",
                        "seeds": 2,
                        "trainings": {"low": 3 - wide, "high": 3 + wide},
                    },
                    **texts,
                },
            ],
            "scores": [
                {
                    "evaluator": "check",
                    "policy": "base",
                    "held_out": True,
                    "same_rule": [],
                    **ends(base),
                    "trainings": {"low": base[1], "high": base[2]},
                    "interval_over": "prompts",
                    "reason": "",
                    "responses": 4,
                    "unanswered": 0,
                    "n": 4,
                    "coverage": 1.0,
                    "failures": {},
                    "clusters": 3,
                    "seeds": [
                        {
                            "seed": 0,
                            **ends(base),
                            "responses": 4,
                            "unanswered": 0,
                            "n": 4,
                            "coverage": 1.0,
                            "failures": {},
                        }
                    ],
                    "seed_sd": None,
                    "difference": None,
                },
                {
                    "evaluator": "check",
                    "policy": "arm",
                    "held_out": True,
                    "same_rule": [],
                    **ends((arm[0], over.low, over.high)),
                    "trainings": {"low": arm[1], "high": arm[2]},
                    "interval_over": "seeds and prompts",
                    "reason": "",
                    "responses": 8,
                    "unanswered": 0,
                    "n": 5,
                    "coverage": 5 / 8,
                    "failures": {"error": 2, "timeout": 1},
                    "clusters": 3,
                    "seeds": [
                        {
                            "seed": 4,
                            **ends(first),
                            "responses": 4,
                            "unanswered": 0,
                            "n": 3,
                            "coverage": 0.75,
                            "failures": {"timeout": 1},
                        },
                        {
                            "seed": 7,
                            **ends(second),
                            "responses": 4,
                            "unanswered": 0,
                            "n": 2,
                            "coverage": 0.5,
                            "failures": {"error": 2},
                        },
                    ],
                    "seed_sd": 0.1 / math.sqrt(2),
                    "difference": {
                        "value": gain,
                        "low": whole.low,
                        "high": whole.high,
                        "interval_over": "seeds and prompts",
                        "reason": "",
                        "from": start,
                        "to": end,
                        "n": 8,
                        "items": 3,
                        "clusters": 3,
                        "seeds": 2,
                        "p": 1.0,
                        "p_holm": 1.0,
                        "mdd": None,
                        "one_more": None,
                        "verdict": "undecidable",
                    },
                },
            ],
            "warnings": [
                "Fewer than 3 seeds (arm): what these trainings show need not hold for the next"
                " one, and no verdict is of the method.",
                "Only 3 independent prompts: below 30, intervals clustered by prompt are too"
                " narrow.",
                *(
                    f"{name} gives the same text, {text!r}, to 4 of 4 items: its scores tell"
                    " nothing of how it answers them."
                    for name, text in (
                        ("base with seed 0", "four"),
                        ("arm with seed 4", "FouR"),
                        ("arm with seed 7", "Four"),
                    )
                ),
                "check scored 5 of 8 responses of arm (2 error, 1 timeout); the others are left"
                " out, not counted as 0.",
            ],
        }
    )


SEEDED: dict[str, tuple[list[float], list[float], list[float]]] = {
    # Seeds far apart, prompts alike: the seeds decide both ends.
    "seeds": ([0.1, 0.2, 0.1, 0.2], [0.5, 0.4, 0.5, 0.4], [0.9, 0.8, 0.9, 0.8]),
    # Seeds alike, prompts far apart: the t-interval over prompts is the wider one.
    "prompts": ([0.2, 0.4, 0.6, 0.7], [0.2, 0.4, 0.6, 0.7], [0.2, 0.4, 0.6, 0.7]),
}


@pytest.mark.parametrize("case", SEEDED)
@pytest.mark.parametrize("base_seeds", [1, 3])
def test_three_seeds_widen_both_ends(case: str, base_seeds: int) -> None:
    names = ["p", "q", "r", "s"]
    other = [0.3, 0.2, 0.3, 0.25]
    given: Given = {("arm", s): values for s, values in enumerate(SEEDED[case])} | {
        ("base", s): other for s in range(base_seeds)
    }
    result = run(names, {"check": given})
    found = {row["policy"]: row for row in result["scores"]}
    cells = {
        s: {name: [v] for name, v in zip(names, values, strict=True)}
        for s, values in enumerate(SEEDED[case])
    }
    base = {s: {n: [v] for n, v in zip(names, other, strict=True)} for s in range(base_seeds)}
    pooled = [v for values in SEEDED[case] for v in values]
    value, low, high = mean(pooled, names * 3)
    over = with_seeds(cells)
    assert over.low is not None and over.high is not None
    assert (over.low < low and over.high > high) == (case == "seeds")
    row = found["arm"]
    assert (row["value"], row["low"], row["high"]) == pytest.approx((value, over.low, over.high))
    assert row["interval_over"] == "seeds and prompts"
    gains = [sum(v[n] for v in SEEDED[case]) / 3 - other[n] for n in range(4)]
    interval = stats.ttest_1samp(gains, 0).confidence_interval()
    whole = seeded(cells, base, (-1, 1), trained=(True, False)).estimate
    assert whole.low is not None and whole.high is not None
    assert (whole.low < interval.low and whole.high > interval.high) == (case == "seeds")
    difference = row["difference"]
    assert (difference["low"], difference["high"]) == pytest.approx((whole.low, whole.high))
    assert difference["interval_over"] == "seeds and prompts"
    alone = difference["trainings"]
    assert (alone["low"], alone["high"]) == pytest.approx((interval.low, interval.high))
    # A base is sampled anew with each seed, and was trained with none.
    assert found["base"]["interval_over"] == "prompts"


def test_without_an_interval_nothing_is_said_to_be_covered() -> None:
    result = run(["p"], {"check": {("base", 0): [0.5], ("arm", 0): [1.0]}})
    base, arm = result["scores"]
    assert (base["value"], base["low"], base["interval_over"]) == (0.5, None, None)
    assert base["reason"] == "one cluster only: no interval"
    difference = arm["difference"]
    assert (difference["value"], difference["low"], difference["p"]) == (0.5, None, None)
    assert (difference["interval_over"], difference["p_holm"]) == (None, None)
    assert result["comparisons"] == 0
    assert any("Only 1 independent prompts" in warning for warning in result["warnings"])


def test_a_side_without_any_score_has_no_difference() -> None:
    # Seeds and items are there, scores are not; and it is no reason to warn of 0 prompts.
    given: Given = {("base", 0): [None, NO], ("arm", 0): [0.5, 0.7]}
    result = run(["p", "q"], {"check": given})
    base, arm = result["scores"]
    assert (base["value"], base["n"], base["coverage"], base["clusters"]) == (None, 0, 0.0, 0)
    assert (base["failures"], base["reason"]) == ({"error": 1, "missing": 1}, "no observations")
    assert base["seeds"][0]["value"] is None and base["seed_sd"] is None
    difference = arm["difference"]
    assert (difference["value"], difference["items"], difference["n"]) == (None, 0, 0)
    assert result["comparisons"] == 0
    assert not any("Only 0" in warning for warning in result["warnings"])


def test_thirty_prompts_are_enough_for_no_warning() -> None:
    for prompts, warned in ((29, True), (30, False)):
        names = [f"p{n}" for n in range(prompts)]
        given: Given = {("base", 0): [n % 2 for n in range(prompts)]}
        warnings = run(names, {"check": given})["warnings"]
        assert sum(f"Only {prompts} independent" in w for w in warnings) == warned


def test_holm_counts_the_comparisons_of_every_evaluator_and_policy() -> None:
    names = [f"p{n}" for n in range(60)]
    wave = [0.02 * (n % 5) for n in range(60)]

    def given(*gains: float) -> Given:
        return {("base", 0): [0.3] * 60} | {
            (f"arm{k}", 0): [0.3 + gain + w for w in wave] for k, gain in enumerate(gains)
        }

    # A difference that cannot be tested does not count.
    lost: Given = given(0.0, -0.15) | {("arm0", 0): [NO] * 60}
    result = run(names, {"x": given(-0.13, -0.2), "y": lost})
    rows = [row["difference"] for row in result["scores"] if row["difference"]]
    # One prompt more, at which all is lost that a score can lose, is put against each of them.
    raw = [
        stats.ttest_1samp([*(w + gain for w in wave), 1.0], 0).pvalue
        for gain in (-0.13, -0.2, -0.15)
    ]
    found = [row for row in rows if row["p"] is not None]
    assert [row["p"] for row in found] == pytest.approx(raw)
    order = sorted(raw)
    adjusted, worst = {}, 0.0
    for rank, p in enumerate(order):
        worst = max(worst, min(1.0, (3 - rank) * p))
        adjusted[p] = worst
    assert [row["p_holm"] for row in found] == pytest.approx([adjusted[p] for p in raw])
    assert (result["comparisons"], len(rows)) == (3, 4)


def test_the_base_may_have_another_name_or_be_absent() -> None:
    given: Given = {("sft", 0): [0.5, 0.6], ("arm", 0): [0.7, 0.9]}
    result = run(["p", "q"], {"check": given}, base="sft")
    assert result["base"] == "sft"
    sft, arm = result["scores"]
    assert sft["difference"] is None and sft["held_out"]
    assert arm["difference"]["value"] == pytest.approx(0.25)
    assert not arm["held_out"]
    assert not any("no policy" in warning for warning in result["warnings"])
    lost = run(["p", "q"], {"check": given}, base="none")
    assert lost["warnings"][0] == "There is no policy 'none', so no difference to it is shown."
    assert "Fewer than 3 seeds (sft, arm)" in lost["warnings"][1]
    assert [row["difference"]["value"] for row in lost["scores"]] == [None, None]


def test_who_took_part_in_training_is_told_of_each_evaluator() -> None:
    given: Given = {(policy, 0): [0.5, 0.6] for policy in ("base", "a", "b", "c")}
    evaluators = [
        EvaluatorInfo("x", "judge", held_out_for=frozenset({"a"})),
        EvaluatorInfo("y", "judge", held_out_for=frozenset({"a", "b"})),
        EvaluatorInfo("z", "judge", held_out_for=frozenset({"a", "b", "c"})),
    ]
    result = run(["p", "q"], {name: given for name in "xyz"}, evaluators)
    assert result["warnings"][-2:] == [
        "x took part in training b, c, so its scores of them are not held-out.",
        "y took part in training c, so its scores of it are not held-out.",
    ]
    held_out = {(row["evaluator"], row["policy"]): row["held_out"] for row in result["scores"]}
    assert [policy for (name, policy), held in held_out.items() if name == "x" and held] == [
        "base", "a"
    ]  # fmt: skip
    assert result["evaluators"][0] == {
        "name": "x",
        "title": "x",
        "kind": "judge",
        "simulated": False,
        "held_out_for": ["a"],
        "direction": "higher",
        "margin": None,
        "same_rule_as": [],
        "compared_with": [],
    }


def test_no_responses_are_no_result() -> None:
    result = run([], {"check": {}})
    assert (result["policies"], result["scores"], result["wins"]) == ([], [], [])
    empty = run([], {"check": {("base", 0): []}})
    (row,) = empty["scores"]
    assert (row["value"], row["responses"], row["coverage"], row["seeds"]) == (None, 0, None, [])
    assert empty["warnings"] == []

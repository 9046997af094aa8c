"""Win rates in equal style: what counts as style, and what is left of a win that style made."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize

from harness.evaluate import EvaluatorInfo, evaluate
from harness.evaluate.style import FEATURES, style_of
from harness.nouns.outcomes import Status
from harness.nouns.rubric import Criterion
from harness.nouns.scale import UNIT
from harness.nouns.schema import Item, Judgment, JudgmentRequest, Response, Verdict
from harness.statistics.win_rates import at_equal_length, at_equal_style


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("", (0, 0, 0)),
        ("plain, and 2 * 3 * 4 - 5 + 6 #1", (0, 0, 0)),
        ("# One\n\ntext\n### Two\n#none\n####### seven", (2, 0, 0)),
        ("**bold** and __so__, snake__case__name, ** not **, **open", (0, 2, 0)),
        ("- a\n  * b\n+ c\n1. d\n2) e\n-none\n---\n- ", (0, 0, 5)),
        ("7. Thank you", (0, 0, 0)),  # an answer, no list
        ("3.5 is\n-4 is less", (0, 0, 0)),
        ("```md\n# x\n- y\n**z**\n```\n## seen", (1, 0, 0)),
        ("~~~\n- y\n~~~\n- seen\n```\n- never closed", (0, 0, 1)),
    ],
)
def test_style_is_headings_bold_and_lists_outside_of_code(
    text: str, counts: tuple[int, int, int]
) -> None:
    assert style_of(text) == (len(text), *counts)


def pairs(*groups: tuple[float, float, int, int]) -> tuple[Any, Any, Any]:
    """Return outcomes, and bold words of both: groups of (mine, theirs, wins, losses)."""
    outcomes = [o for *_, w, lost in groups for o in [0] * w + [2] * lost]
    mine, theirs = (
        np.array([[100, 0, g[place], 0] for g in groups for _ in range(g[2] + g[3])], dtype=float)
        for place in (0, 1)
    )
    return np.array(outcomes, dtype=np.int64), mine, theirs


def test_the_rate_in_equal_style_by_hand() -> None:
    """With bold 4 wins to 1, alike 2 to 1, without 1 to 1: strength and effect are ln 2 each."""
    outcomes, mine, theirs = pairs((3, 0, 40, 10), (2, 2, 20, 10), (0, 1, 5, 5))
    alone = np.arange(outcomes.size)
    found = at_equal_style(outcomes, alone, mine, theirs, FEATURES)
    assert found.estimate.value == pytest.approx(2 / 3, abs=1e-9)
    assert (found.estimate.n, found.estimate.clusters) == (90, 90)
    low, high = found.estimate.low, found.estimate.high
    assert low is not None and high is not None and low < 2 / 3 < high
    assert (outcomes == 0).mean() == pytest.approx(65 / 90)
    # length is the same everywhere: taking out that alone leaves the raw rate
    even = at_equal_length(outcomes, alone, mine[:, 0] - theirs[:, 0])
    assert even.estimate.value == pytest.approx(65 / 90)
    turned = at_equal_style(2 - outcomes, alone, theirs, mine, FEATURES)
    assert turned.estimate.value == pytest.approx(1 / 3, abs=1e-9)


def test_the_rate_in_equal_style_as_another_optimiser_has_it() -> None:
    """All four features at once, ties half, three trainings."""
    rng = np.random.default_rng(5)
    n = 300
    mine, theirs = (rng.poisson((80 + 20 * k, 1, 2, 3), (n, 4)).astype(float) for k in (1, 0))
    total = np.where(mine + theirs > 0, mine + theirs, 1)
    gaps = (mine - theirs) / total
    chance = 1 / (1 + np.exp(-(0.3 + gaps @ [2.0, 0.5, 1.0, -0.5])))
    outcomes = np.where(rng.random(n) < 0.1, 1, np.where(rng.random(n) < chance, 0, 2))
    won = np.array([1.0, 0.5, 0.0])[outcomes]
    design = np.column_stack([np.ones(n), gaps])

    def loss(theta: Any) -> float:
        odds = design @ theta
        return float((np.logaddexp(0, odds) - won * odds).sum())

    wanted = minimize(loss, np.zeros(5), method="BFGS", options={"gtol": 1e-8}).x[0]
    seeds = np.arange(n) % 3
    found = at_equal_style(outcomes, np.arange(n), mine, theirs, FEATURES, [seeds, None])
    assert found.estimate.value == pytest.approx(1 / (1 + math.exp(-wanted)), abs=1e-6)
    assert found.seeds == 3 and found.over == "seeds and prompts"


def test_where_one_side_always_has_more_there_is_no_rate() -> None:
    outcomes, mine, theirs = pairs((3, 0, 40, 10), (2, 1, 20, 10))
    found = at_equal_style(outcomes, np.arange(outcomes.size), mine, theirs, FEATURES).estimate
    assert found.value is None and "always has more bold" in found.reason


def table(texts: dict[str, Sequence[str]], values: dict[str, Sequence[float]]) -> Any:
    items = [Item(f"i{n}", f"{n}?") for n in range(len(texts["base"]))]
    responses = {
        (name, 0): [Response(f"{name}{n}", f"i{n}", name, text) for n, text in enumerate(found)]
        for name, found in texts.items()
    }
    requests, judgments = [], []
    for (name, _), found in responses.items():
        for n, one in enumerate(found):
            criterion = Criterion("c", "?", UNIT)
            requests.append(JudgmentRequest(one.id, items[n], (one,), criterion))
            verdict = Verdict(Status.OK, values[name][n])
            judgments.append(Judgment(one.id, "taste", "1", "taste", verdict))
    return evaluate(items, responses, requests, judgments, [EvaluatorInfo("taste", "judge")])


def test_policies_are_compared_in_equal_style_where_there_is_any() -> None:
    """Bold wins whoever has it; the arm has it more often."""
    bold = ["**yes** it is", "it is, yes it is"]
    mine = [bold[n % 4 == 0] + "." * (n % 7) for n in range(48)]
    theirs = [bold[n % 3 != 0] + "." * (n % 9) for n in range(48)]
    values = [
        [float(text.startswith("*") == (n % 5 != 0)) for n, text in enumerate(side)]
        for side in (mine, theirs)
    ]
    found = table({"base": theirs, "rlhf": mine}, {"base": values[1], "rlhf": values[0]})
    first, second = (
        next(r for r in found["wins"] if (r["a"], r["b"]) == pair)
        for pair in (("rlhf", "base"), ("base", "rlhf"))
    )
    rate = first["style_controlled"]
    assert first["value"] > 0.6 and abs(rate["value"] - 0.5) < 0.05 and rate["n"] == 48
    assert second["style_controlled"]["value"] == pytest.approx(1 - rate["value"])
    plain = table({"base": ["a"] * 9, "rlhf": ["b"] * 9}, {"base": [0.5] * 9, "rlhf": [1.0] * 9})
    assert all("style_controlled" not in row for row in plain["wins"])


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_fence_closes_whatever_ends_its_lines(end: str) -> None:
    text = end.join(["```", "# no heading", "- no item", "```", "- an item", "# A heading"])
    assert style_of(text) == (len(text.replace("\r\n", "\n")), 1, 0, 1)

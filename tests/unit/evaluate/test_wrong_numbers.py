"""Margins and log-ratios that are none are refused or counted, and never taken silently."""

from __future__ import annotations

import math
import warnings
from typing import Any

import pytest

from harness.evaluate import EvaluatorInfo, evaluate
from harness.nouns.errors import InputError
from harness.nouns.schema import Item, Response

ITEMS = [Item(f"i{n}", f"prompt {n}") for n in range(40)]


@pytest.mark.parametrize(
    "margin", [-0.05, 0, 0.0, 1, 2, 1e300, 10**400, math.nan, math.inf, True, False, "x", "0.05"]
)
def test_a_margin_is_a_number_between_0_and_1(margin: Any) -> None:
    with pytest.raises(InputError, match="the margin of exam is") as error:
        EvaluatorInfo("exam", "verifier", margin=margin)
    assert "no number above 0 and below 1" in error.value.what and error.value.hint
    assert EvaluatorInfo("exam", "verifier", margin=0.05).margin == 0.05
    assert EvaluatorInfo("exam", "verifier").margin is None


def answers(policy: str, ratios: list[Any]) -> list[Response]:
    return [
        Response(f"{policy}-{n}", f"i{n}", policy, f"{policy} {n}", {"log_ratio": ratio})
        for n, ratio in enumerate(ratios)
    ]


@pytest.mark.parametrize(
    "wrong", [1e308, -1e308, 2e6, 10**400, math.inf, -math.inf, math.nan, True, "3", [1.0], {}]
)
def test_a_log_ratio_that_is_none_is_counted_and_told(wrong: Any) -> None:
    ratios: list[Any] = [0.5 + n % 3 for n in range(40)]
    right = evaluate(ITEMS[2:], {("arm", 0): answers("arm", ratios)[2:]}, [], [], [])
    ratios[:2] = [wrong, wrong]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = evaluate(ITEMS, {("arm", 0): answers("arm", ratios)}, [], [], [])
    (arm,) = result["policies"]
    assert arm["kl"] == right["policies"][0]["kl"] and arm["kl"]["n"] == 38
    (line,) = [one for one in result["warnings"] if "log_ratio" in one]
    assert line.startswith("2 of 40 log_ratios of arm are no number of nats, such as ")
    assert repr(wrong)[:40] in line and "of response 'arm-0', seed 0" in line
    assert line.endswith("its KL is over the others only.")


def test_no_log_ratio_is_no_wrong_one() -> None:
    rows = [Response(f"r{n}", f"i{n}", "arm", f"text {n}") for n in range(40)]
    result = evaluate(ITEMS, {("arm", 0): rows}, [], [], [])
    assert result["policies"][0]["kl"] is None
    assert not any("log_ratio" in one for one in result["warnings"])

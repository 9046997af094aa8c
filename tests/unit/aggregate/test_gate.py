"""The agreement gate says what it did and why: the whole decision, with its sentence."""

import pytest

from harness.agreement.gate import GateDecision, gate
from harness.statistics.estimate import Estimate


def kappa(value, low=None, high=None, reason=""):
    status = "ok" if value is not None else "undefined"
    return Estimate(
        value,
        low,
        high,
        100,
        100,
        status=status,
        reason=reason,
        name="cohen_kappa",
        annotators="j - people",
    )


@pytest.mark.parametrize(
    ("value", "action", "passed", "weight", "stops", "reason"),
    [
        (0.61, "drop", True, 1.0, False, "passed: kappa with people 0.61 >= 0.6"),
        (0.61, "down_weight", True, 1.0, False, "passed: kappa with people 0.61 >= 0.6"),
        (0.60, "stop", True, 1.0, False, "passed: kappa with people 0.60 >= 0.6"),
        (0.35, "drop", False, 0.0, False, "dropped: kappa with people 0.35 < 0.6"),
        (0.35, "down_weight", False, 0.35, False, "weight 0.35: kappa with people 0.35 < 0.6"),
        (0.0, "down_weight", False, 0.0, False, "weight 0.00: kappa with people 0.00 < 0.6"),
        (-0.1, "down_weight", False, 0.0, False, "weight 0.00: kappa with people -0.10 < 0.6"),
        (0.35, "stop", False, 0.0, True, "the run stops: kappa with people 0.35 < 0.6"),
    ],
)
def test_actions(value, action, passed, weight, stops, reason):
    decision = gate("judge", kappa(value), 0.6, action)
    assert decision == GateDecision(
        "judge", value, None, None, 0.6, action, passed, weight, reason
    )  # fmt: skip
    assert decision.stops is stops


@pytest.mark.parametrize(
    ("action", "outcome", "stops"),
    [
        ("drop", "dropped", False),
        ("down_weight", "weight 0.00", False),
        ("stop", "the run stops", True),
    ],
)
def test_an_undefined_kappa_does_not_pass(action, outcome, stops):
    decision = gate("judge", kappa(None, reason="one category only"), 0.6, action)
    reason = f"{outcome}: kappa with people is undefined (one category only)"
    assert decision == GateDecision(
        "judge", None, None, None, 0.6, action, False, 0.0, reason
    )  # fmt: skip
    assert decision.stops is stops


OPEN = "; the interval holds the minimum, so other items could decide otherwise"


@pytest.mark.parametrize(
    ("value", "low", "high", "reason"),
    [
        (0.55, 0.45, 0.65, "dropped: kappa with people 0.55 [0.45, 0.65] < 0.6" + OPEN),
        (0.65, 0.55, 0.75, "passed: kappa with people 0.65 [0.55, 0.75] >= 0.6" + OPEN),
        (0.55, 0.45, 0.60, "dropped: kappa with people 0.55 [0.45, 0.60] < 0.6" + OPEN),
        (0.50, 0.45, 0.59, "dropped: kappa with people 0.50 [0.45, 0.59] < 0.6"),
        (0.65, 0.60, 0.75, "passed: kappa with people 0.65 [0.60, 0.75] >= 0.6"),
        (0.55, None, 0.65, "dropped: kappa with people 0.55 < 0.6"),
        (0.55, 0.45, None, "dropped: kappa with people 0.55 < 0.6"),
    ],
)
def test_the_sentence_says_where_the_interval_reaches_over_the_minimum(value, low, high, reason):
    decision = gate("judge", kappa(value, low, high), 0.6, "drop")
    passed = value >= 0.6
    assert decision == GateDecision(
        "judge", value, low, high, 0.6, "drop", passed, float(passed), reason
    )  # fmt: skip


def test_the_estimate_is_the_weight_not_an_end_of_its_interval():
    decision = gate("judge", kappa(0.35, 0.2, 0.5), 0.6, "down_weight")
    assert decision.weight == 0.35
    assert decision.reason == "weight 0.35: kappa with people 0.35 [0.20, 0.50] < 0.6"

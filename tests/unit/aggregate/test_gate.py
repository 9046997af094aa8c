"""The agreement gate says what it did and why."""

import pytest

from harness.aggregate import gate
from harness.agreement import Statistic


def kappa(value, low=None, high=None, reason=""):
    status = "ok" if value is not None else "undefined"
    return Statistic("cohen_kappa", "j - people", value, low, high, 100, 100, status, reason)


@pytest.mark.parametrize(
    ("value", "action", "passed", "weight", "stops"),
    [
        (0.61, "drop", True, 1.0, False),
        (0.60, "stop", True, 1.0, False),
        (0.35, "drop", False, 0.0, False),
        (0.35, "down_weight", False, 0.35, False),
        (-0.1, "down_weight", False, 0.0, False),
        (0.35, "stop", False, 0.0, True),
        (None, "drop", False, 0.0, False),
        (None, "down_weight", False, 0.0, False),
        (None, "stop", False, 0.0, True),
    ],
)
def test_actions(value, action, passed, weight, stops):
    decision = gate("judge", kappa(value, reason="one category only"), 0.6, action)
    assert (decision.passed, decision.weight, decision.stops) == (passed, weight, stops)
    assert "one category only" in decision.reason or value is not None


def test_the_sentence_says_that_the_interval_reaches_over_the_minimum():
    near = gate("judge", kappa(0.55, 0.45, 0.65), 0.6, "drop")
    assert "0.55 [0.45, 0.65] < 0.6" in near.reason
    assert "other items could decide otherwise" in near.reason
    far = gate("judge", kappa(0.1, 0.0, 0.2), 0.6, "drop")
    assert "otherwise" not in far.reason

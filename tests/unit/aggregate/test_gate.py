"""The agreement gate decides by one-sided bounds and says so: outcome, weight and sentence."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest

from harness.agreement.gate import Measured, decide, more_labels
from harness.nouns.gate import Gate
from harness.statistics.one_sided import Bounds


def bounds(value, lower=None, upper=None, error=0.05, n=100, reason=""):
    return Bounds(value, lower, upper, error, n, n, reason)


KAPPA = "kappa with people"
WARN = "used all the same"


@pytest.mark.parametrize(
    ("value", "lower", "upper", "action", "outcome", "weight", "said"),
    [
        (0.7, 0.61, 0.8, "drop", "pass", 1, f"passed: {KAPPA} 0.70, at least 0.61"),
        (0.7, 0.60, 0.8, "stop", "pass", 1, f"passed: {KAPPA} 0.70, at least 0.60"),
        (0.7, 0.60, 0.8, "down_weight", "pass", 1, f"passed: {KAPPA} 0.70"),
        (0.7, 0.599, 0.8, "drop", "undecided", 0, "undecided, dropped: "),
        (0.7, 0.54, 0.8, "down_weight", "undecided", 0.9, "undecided, weight 0.90: "),
        (0.5, 0.30, 0.60, "drop", "undecided", 0, "undecided, dropped: "),
        (0.5, 0.30, 0.599, "drop", "fail", 0, f"dropped: {KAPPA} 0.50, at most 0.60"),
        (0.5, 0.30, 0.59, "down_weight", "fail", 0.5, f"weight 0.50: {KAPPA} 0.50"),
        (0.1, -0.1, 0.3, "down_weight", "fail", 0, "weight 0.00: "),
        (0.5, 0.30, 0.59, "warn", "fail", 1, f"{WARN}: {KAPPA} 0.50, at most 0.59"),
        (0.6, 0.50, 0.69, "warn", "undecided", 1, f"undecided, {WARN}: "),
        (0.5, 0.30, 0.59, "stop", "fail", 0, "the run stops: "),
        (0.6, 0.50, 0.69, "stop", "undecided", 0, "undecided, the run stops: "),
    ],
)
def test_a_minimum(value, lower, upper, action, outcome, weight, said):
    found = decide(Gate("judge", 0.6, action), Measured(bounds(value, lower, upper)))
    assert (found.outcome, found.weight) == (outcome, weight)
    assert found.reason.startswith(said) and "(at least 0.6 is asked for), on 100 pairs" in (
        found.reason
    )
    assert found.passed == (outcome == "pass")
    assert found.stops == (action == "stop" and outcome != "pass")


@pytest.mark.parametrize(
    ("lower", "upper", "action", "outcome", "weight"),
    [
        (0.05, 0.2, "drop", "pass", 1),
        (0.05, 0.201, "drop", "undecided", 0),
        (0.2, 0.4, "down_weight", "undecided", 0.75),
        (0.201, 0.4, "down_weight", "fail", 0.75),
        (0.9, 1.0, "down_weight", "fail", 0),
    ],
)
def test_a_maximum(lower, upper, action, outcome, weight):
    gate = Gate("judge", 0.2, action, "swap_flip_rate")
    found = decide(gate, Measured(bounds((lower + upper) / 2, lower, upper)))
    assert (found.outcome, found.weight) == (outcome, weight)
    assert "share of pairs that turn with the order" in found.reason
    assert "(at most 0.2 is asked for)" in found.reason


@pytest.mark.parametrize(
    ("undecided", "action", "weight", "stops"),
    [
        ("train", "drop", 1.0, False),
        ("train", "stop", 1.0, False),
        ("drop", "warn", 0.0, False),
        ("drop", "down_weight", 0.0, False),
        ("stop", "drop", 0.0, True),
        (None, "drop", 0.0, False),
        (None, "stop", 0.0, True),
        (None, "warn", 1.0, False),
    ],
)
def test_the_undecided_train_only_where_it_is_said(undecided, action, weight, stops):
    gate = Gate("judge", 0.6, action, undecided=undecided)
    found = decide(gate, Measured(bounds(0.65, 0.55, 0.75)))
    assert (found.outcome, found.weight, found.stops) == ("undecided", weight, stops)
    # It is for the undecided only.
    assert decide(gate, Measured(bounds(0.7, 0.6, 0.8))).weight == 1
    low = decide(gate, Measured(bounds(0.4, 0.3, 0.5)))
    assert low.weight == {"warn": 1.0, "down_weight": 0.5}.get(action, 0.0)
    assert low.stops == (action == "stop")


@pytest.mark.parametrize(("action", "stops"), [("drop", False), ("stop", True)])
def test_what_could_not_be_measured_gives_no_reward(action, stops):
    gate = Gate("judge", 0.6, action, undecided="train")
    found = decide(gate, Measured(bounds(None, reason="one category only")))
    assert (found.outcome, found.weight, found.stops) == ("undecided", 0, stops)
    assert found.reason.endswith("kappa with people is undefined (one category only)")
    assert found.more_labels is None


def test_the_weight_grows_without_a_jump_up_to_where_it_passes():
    weights = [
        decide(Gate("j", 0.4, "down_weight"), Measured(bounds(0.5, end / 1000, 0.7))).weight
        for end in range(-100, 500)
    ]
    assert weights[0] == 0 and weights[-1] == 1
    assert max(b - a for a, b in pairwise(weights)) < 0.003


def test_more_labels_stand_in_the_sentence():
    """By the gate's own bounds (tests/unit/agreement/test_plans_of_labels.py)."""

    def growing(times):
        reach = 0.1 / math.sqrt(times)
        return replace(
            bounds(0.65, 0.65 - reach, 0.65 + reach), grown=lambda more: growing(more * times)
        )

    gate = Gate("judge", 0.6, "drop")
    found = decide(gate, Measured(growing(1)))
    assert found.more_labels == more_labels(gate, growing(1)) == 300
    assert "; about 300 more labels would decide if it stays there" in found.reason
    assert "; about 1 more label would" in decide(gate, Measured(growing(3.9999))).reason
    assert more_labels(gate, bounds(0.65, -1, 1, math.inf)) is None
    assert decide(gate, Measured(growing(9))).more_labels is None


def test_people_of_a_criterion_a_slice_and_coverage_stand_in_the_sentence():
    gate = Gate("v", 0.9, "drop", "false_pass_rate", against="experts", slice="proofs")
    found = decide(gate, Measured(bounds(0.95, 0.91, 0.97, n=1), coverage=0.4))
    assert found.reason == (
        "dropped: share passed of what experts call wrong on slice proofs 0.95, at least 0.91"
        " (at most 0.9 is asked for), on 1 wrong response, 40% of those that people decide"
    )
    assert (found.against, found.slice, found.coverage) == ("experts", "proofs", 0.4)


def test_voices_are_named_and_decide_nothing():
    found = decide(Gate("j", 0.4, "drop"), Measured(bounds(0.6, 0.5, 0.7), voices={"j/a": None}))
    assert found.passed and found.reason.endswith("; one verdict of 1: j/a undefined")

"""As many more labels as a gate says decide, and half of them do not: by the gate's own bounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pytest

from harness.agreement.alternative_annotator import labels_that_decide
from harness.agreement.calibration import error_bounds
from harness.agreement.gate import Measured, decide, more_labels
from harness.agreement.gate_evidence import measured
from harness.agreement.probes import Askings, probe, strength
from harness.experiment.probe_evidence import _turned
from harness.experiment.stages.probe_judge import _row
from harness.nouns.gate import Gate
from harness.ratings.table import RatingTable
from harness.statistics.one_sided import (
    Bounds,
    kappa_bounds,
    lowest,
    mean_kappa_bounds,
    of_interval,
    share_bounds,
)

N = 40
"""Items that there are; the same again and again are more, of prompts of their own."""

Tile = Callable[[int], Bounds]


def again(values: object, times: int) -> np.ndarray:
    return np.tile(np.asarray(values), times)


def prompts(times: int, each: int = 1) -> np.ndarray:
    return np.arange(N * times) // each


def labels(share: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    truth = draw.integers(0, 2, N)
    return truth, np.where(draw.random(N) < share, truth, 1 - truth)


def kappa(share: float, each: int = 1) -> Tile:
    first, second = labels(share)
    return lambda k: kappa_bounds(again(first, k), again(second, k), prompts(k, each))


def share_of(hits: int, each: int = 1) -> Tile:
    ones = np.random.default_rng(0).permutation([1.0] * hits + [0.0] * (N - hits))
    return lambda k: share_bounds(again(ones, k), prompts(k, each), "")


def mean_kappa(k: int) -> Bounds:
    truth, one = labels(0.9)
    columns = [again(one, k), again(labels(0.85, 0)[1], k), again(truth, k)]
    return mean_kappa_bounds(columns, prompts(k))


def jury(k: int) -> Bounds:
    return lowest([kappa(0.8)(k), kappa(0.85, 2)(k)])


def askings(k: int, towards: int, away: int, silent: int = 0) -> Askings:
    probed = np.zeros(N)
    probed[:towards], first = 1.0, np.zeros(N)
    first[N - away :] = 1.0
    if silent:
        probed[towards : towards + silent] = np.nan
    return Askings(again(first, k), again(first, k), again(probed, k), prompts(k))


def bias(name: str, towards: int, away: int, silent: int = 0) -> Tile:
    def found(k: int) -> Bounds:
        return strength(name, probe(name, askings(k, towards, away, silent)).excess)

    return found


def calibration(k: int) -> Bounds:
    draw = np.random.default_rng(3)
    right = (draw.random(N) < 0.7).astype(float)
    return error_bounds(again(np.full(N, 0.95), k), again(right, k), prompts(k))


CASES: Mapping[str, tuple[Tile, str, float]] = {
    "kappa": (kappa(0.8), "cohen_kappa", 0.45),
    "kappa of one that is much better": (kappa(0.9), "cohen_kappa", 0.7),
    "kappa below": (kappa(0.8), "cohen_kappa", 0.72),
    "kappa of prompts of two": (kappa(0.8, 2), "cohen_kappa", 0.5),
    "mean kappa": (mean_kappa, "cohen_kappa", 0.65),
    "a jury": (jury, "cohen_kappa", 0.5),
    "a share": (share_of(34), "share_right", 0.8),
    "a share of all": (share_of(40), "share_right", 0.98),
    "a share below": (share_of(30), "share_right", 0.8),
    "a share of prompts of two": (share_of(30, 2), "share_right", 0.68),
    "a rate that is to be small": (share_of(4), "swap_flip_rate", 0.15),
    "a bias": (bias("length", 8, 2), "bias", 0.25),
    "a bias of nobody": (bias("length", 0, 0), "bias", 0.05),
    "a bias away": (bias("format", 1, 8), "bias", 0.28),
    "position": (bias("position", 6, 6), "bias", 0.35),
    "calibration": (calibration, "ece", 0.12),
}


@pytest.mark.parametrize("name", CASES)
def test_as_many_more_labels_decide_and_half_of_them_do_not(name: str) -> None:
    bounds, statistic, limit = CASES[name]
    gate = Gate("judge", limit, "drop", statistic, bias="length" if statistic == "bias" else "")
    found = decide(gate, Measured(bounds(1)))
    assert found.outcome == "undecided" and found.more_labels is not None, bounds(1)
    more, grown = found.more_labels, bounds(1).grown
    assert grown is not None
    # By the plan's own bounds exactly; by the same items again and again up to whole multiples.
    for labels_more, open_still in ((more, False), (more - 1, True), (more / 2, True)):
        again_found = decide(gate, Measured(grown(1 + labels_more / N)))
        assert (again_found.outcome == "undecided") == open_still
    enough = -(-(N + 1.15 * more) // N)
    assert decide(gate, Measured(bounds(int(enough)))).outcome != "undecided"
    if (half := int((N + more / 2) // N)) > 1:
        assert decide(gate, Measured(bounds(half))).outcome == "undecided"


def test_a_kappa_near_its_minimum_needs_the_labels_of_its_own_scale() -> None:
    """On kappa's own scale one more label seemed enough."""
    first, second = labels(0.94, 2)
    found = kappa_bounds(first, second, np.arange(N))
    assert found.value is not None and found.lower is not None
    gate = Gate("judge", round(found.lower + 0.02, 3), "drop")
    more = more_labels(gate, found)
    assert more is not None and more > 3
    grown = found.grown
    assert grown is not None
    assert (grown(1 + more / N).lower or 0) >= gate.limit > (grown(1 + more / 2 / N).lower or 0)


def test_no_plan_where_the_estimate_is_the_limit_or_nothing_is_known_of_the_bounds() -> None:
    half = share_of(20)(1)
    assert more_labels(Gate("j", 0.5, "drop", "share_right"), half) is None
    assert more_labels(Gate("j", 0.5001, "drop", "share_right"), half) is None  # millions
    assert more_labels(Gate("j", 0.4, "drop"), Bounds(0.5, 0.3, 0.6, 0.05, 100, 100)) is None
    assert more_labels(Gate("j", 0.4, "drop"), Bounds(None)) is None


def test_verdicts_that_are_missing_hide_a_bias_from_any_number_of_others() -> None:
    found = bias("length", 2, 2, silent=10)(1)
    gate = Gate("j", 0.05, "drop", "bias", bias="length")
    assert decide(gate, Measured(found)).outcome == "undecided"
    assert more_labels(gate, found) is None
    assert more_labels(gate, bias("length", 2, 2)(1)) is not None


def test_a_file_of_probes_has_the_plan_of_the_probes() -> None:
    for silent in (0, 1):
        one = probe("length", askings(1, 8, 2, silent))
        read = _turned(_row(one)).bounds
        gate = Gate("j", 0.25, "drop", "bias", bias="length")
        assert more_labels(gate, strength("length", read)) == more_labels(
            gate, strength("length", one.excess)
        )


def crowd(times: int, share: float = 0.72) -> RatingTable:
    draw = np.random.default_rng(5)
    truth = draw.integers(0, 2, N)
    columns = [np.where(draw.random(N) < p, truth, 1 - truth) for p in (0.8, 0.8, 0.8, share)]
    codes = np.tile(np.column_stack(columns), (times, 1)).astype(np.int64)
    n = codes.shape[0]
    return RatingTable(
        tuple(map(str, range(n))), ("a", "b", "c", "gpt"), codes, ("A", "B"), np.arange(2.0),
        "nominal", ("human",) * 3 + ("judge",), np.arange(n), np.zeros_like(codes),
    )  # fmt: skip


def test_people_to_be_replaced_have_a_plan_and_the_answer_has_the_gate_s() -> None:
    gate = Gate("gpt", 0.5, "drop", "alt_test_omega", against="people")
    people = replace(crowd(1), sources=("people",) * 3 + ("gpt",))
    found = decide(gate, measured(gate, people))
    assert found.outcome == "undecided"
    (row,) = labels_that_decide(crowd(1), 3, 0.2)
    assert row.value == found.more_labels and row.value is not None
    more = int(row.value)
    assert labels_that_decide(crowd(-(-(N + more) // N)), 3, 0.2) == []
    assert labels_that_decide(crowd(max(1, int((N + more / 2) // N))), 3, 0.2) != []


def test_ends_of_an_interval_shrink_on_fisher_s_scale() -> None:
    found = of_interval(0.5, 0.2, 0.7, 100)
    assert found.grown is not None and found.grown(1) == found
    ends = found.grown(4.0)
    assert ends.lower is not None and ends.upper is not None
    for end, before in ((ends.lower, 0.2), (ends.upper, 0.7)):
        gaps = (np.arctanh(end) - np.arctanh(0.5), np.arctanh(before) - np.arctanh(0.5))
        assert gaps[0] == pytest.approx(gaps[1] / 2)
    assert of_interval(1.0, 0.8, 1.0, 50).grown is None
    one = of_interval(0.9, 0.8, 1.0, 50).grown
    assert one is not None and 0.9 < (one(4.0).upper or 0) < 0.95

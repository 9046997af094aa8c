"""Biases beyond a placebo: turns by hand, planted judges, and what may not be taken for a bias."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from harness.agreement.probes import Askings, probe, smallest_found, strength, together, worst
from harness.report.probes import answer

W, L, T, NO = 1.0, 0.0, 0.5, float("nan")


def of(bias: str, *rows: tuple[float, float, float], times: int = 1, per_prompt: int = 1):
    """Return what a probe makes of (first, again, probed) verdicts, each as often as is said."""
    first, again, probed = np.repeat(np.array(rows).T, times, axis=1)
    return probe(bias, Askings(first, again, probed, np.arange(first.size) // per_prompt))


@pytest.fixture(scope="module")
def benchmark(repo_root: Path) -> ModuleType:
    path = repo_root / "benchmarks" / "probes.py"
    spec = importlib.util.spec_from_file_location("benchmark_probes", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_turns_are_held_against_both_plain_askings() -> None:
    # One turns to the answer, one from it, one stands, one only the placebo turns.
    found = of("length", (L, L, W), (W, W, L), (W, W, W), (L, W, W))
    assert (found.towards, found.away, found.placebo) == (0.375, 0.25, 0.25)
    assert found.excess.value == pytest.approx(0.125)
    swapped = of("position", (L, L, W), (W, W, L), (W, W, W), (L, W, W))
    assert (swapped.towards, swapped.away, swapped.placebo) == (0.625, None, 0.25)
    assert swapped.excess.value == pytest.approx(0.375)
    # The second turn follows the first asking: the other one is its placebo only.
    sure = of("pushback", (L, L, W), (W, W, L), (W, W, W), (L, W, W))
    assert (sure.towards, sure.placebo) == (0.75, 0.25)
    assert sure.excess.value == pytest.approx(0.5)


def test_a_tie_is_a_verdict_of_its_own_and_a_score_turns_by_a_tenth() -> None:
    assert of("length", (L, L, T)).towards == 1.0
    assert of("length", (T, T, L)).away == 1.0
    assert of("length", (0.5, 0.5, 0.6)).towards == 1.0
    assert of("length", (0.5, 0.5, 0.59)).towards == 0.0


def test_a_failure_in_any_asking_is_no_turn() -> None:
    whole = of("length", (L, L, W), (W, W, W))
    found = of("length", (L, L, W), (W, W, W), (NO, L, W), (L, NO, W), (L, L, NO))
    assert (found.asked, found.silent) == (5, 1)
    assert (found.excess.value, found.excess.n) == (whole.excess.value, whole.excess.n)
    none = of("length", (NO, L, W), (L, L, NO))
    assert (none.asked, none.excess.value, none.p, none.found) == (2, None, None, False)
    assert none.excess.reason == "no unit has a verdict in all three askings"


def test_a_judge_that_falls_silent_where_it_would_turn_is_not_cleared() -> None:
    """34 of 80 have no verdict with the change, and all others stand."""
    found = together([of("length", *[(L, L, NO)] * 34, *[(W, W, W)] * 46)])[0]
    assert (found.excess.value, found.silent, found.found) == (0.0, 34, False)
    assert found.excess.upper > 34 / 80 and found.excess.lower < -34 / 80
    assert "length may be hidden by 34 pairs without a verdict" in answer([found], "pair")
    turning = of("position", *[(L, L, NO)] * 34, *[(W, W, W)] * 46)
    assert turning.excess.upper > 34 / 80 and turning.excess.lower > -0.1


def test_a_bias_to_the_other_side_is_one() -> None:
    """A judge that takes the shorter answer each time was said to have no bias."""
    found = together([of("length", *[(W, W, L)] * 40, *[(L, L, L)] * 40)])[0]
    assert found.found and found.excess.value == -0.5 and worst([found]) == found
    assert "50 of 100 verdicts turn away from that answer" in answer([found], "pair")
    turned = strength("length", found.excess)
    assert turned.value == 0.5 and turned.lower == -found.excess.upper > 0.3
    assert turned.upper == -found.excess.lower
    for bias in ("position", "pushback"):
        assert strength(bias, found.excess) == found.excess
    fair = together([of("length", *[(W, W, L)] * 20, *[(L, L, W)] * 20, *[(W, W, W)] * 40)])[0]
    assert not fair.found and strength("length", fair.excess).lower == 0.0


def test_prompts_are_counted_and_not_their_pairs() -> None:
    rows = [(L, L, W)] * 12 + [(W, W, W)] * 48
    alone, grouped = (of("length", *rows, per_prompt=size) for size in (1, 6))
    assert (alone.excess.value, alone.excess.clusters, grouped.excess.clusters) == (0.2, 60, 10)
    assert together([alone])[0].found and not together([grouped])[0].found
    assert grouped.excess.lower < alone.excess.lower


def test_nothing_that_moves_has_an_exact_bound() -> None:
    still = of("length", (W, W, W), times=150)
    most = 1 - 0.05 ** (1 / 150)
    assert still.excess.value == 0 and still.p == 1.0
    assert still.excess.upper == pytest.approx(most) and still.excess.lower == pytest.approx(-most)
    # One of 150 turned: Clopper and Pearson, as of any share that so few prompts hold.
    one = of("length", (L, L, W), *[(W, W, W)] * 149)
    assert one.excess.upper == pytest.approx(0.03121, abs=1e-4)
    assert not together([one])[0].found


def test_few_turns_are_no_bias_however_alike_they_are() -> None:
    rows = [(L, L, W)] * 4 + [(W, W, W)] * 196
    # Of four signs, at four fifths of the level; the t-test says .02.
    assert of("length", *rows).p == pytest.approx(1 / 16 / 0.8)
    everywhere = of("length", (L, L, W), times=40)  # no spread at all
    assert everywhere.p == pytest.approx(0.5**40) and everywhere.excess.value == 1.0


def test_the_number_of_probes_is_paid_for_and_the_worst_is_the_largest() -> None:
    rows = [(L, L, W)] * 9 + [(W, W, L)] * 2 + [(W, W, W)] * 139
    small, still = of("length", *rows), of("format", (W, W, W), times=150)
    large = of("authority", *[(L, L, W)] * 60, *[(W, W, W)] * 90)
    assert together([small])[0].found and small.p is not None
    crowd = together([small, large, *[still] * 5])
    assert crowd[0].adjusted == pytest.approx(6 * small.p) and not crowd[0].found
    best = worst(crowd)
    assert best is not None and best.bias == "authority"
    assert worst(together([still, still])) is None


def test_one_prompt_has_no_interval_and_nothing_is_found() -> None:
    alone = together([of("length", *[(L, L, W)] * 8, per_prompt=8)])[0]
    assert (alone.excess.value, alone.low, alone.p, alone.found) == (1.0, None, None, False)
    assert (alone.excess.lower, alone.excess.upper) == (-1.0, 1.0)


def test_what_so_many_items_could_have_seen() -> None:
    assert smallest_found("length", 150, 0.05, 7) == 0.12
    assert smallest_found("pushback", 150, 0.05, 7) == 0.15
    assert smallest_found("length", 600, 0.05, 7) < 0.12 < smallest_found("length", 40, 0.05, 7)
    assert smallest_found("length", 1, 0.05, 7) is None
    assert smallest_found("length", 4, 0.5, 7) is None


@pytest.mark.parametrize("bias", ["position", "length", "pushback"])  # one of each kind
def test_a_planted_bias_is_found_and_no_other(bias: str, benchmark: ModuleType) -> None:
    """150 pairs, a true excess of 15 points: power .9, with a placebo of 5%."""
    got = benchmark.shares(benchmark.Planted(bias, 0.15), 40, seed=3)
    assert got["found"] >= 0.9 and got["others"] <= 0.1 and got["coverage"] >= 0.85


@pytest.mark.parametrize("judge", ["none", "touchy"])
@pytest.mark.parametrize("placebo", [0.0, 0.2])
def test_a_judge_without_bias_has_none(judge: str, placebo: float, benchmark: ModuleType) -> None:
    """At most 5% of judges, over all seven probes: of 60, 8 are three deviations off."""
    planted = benchmark.Planted(judge, placebo=placebo, items=100, per_prompt=2)
    assert benchmark.shares(planted, 60, seed=5)["others"] <= 0.12

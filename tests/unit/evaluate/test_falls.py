"""Gold that fell from its peak: found where it did, and not where the peak was luck."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from harness.statistics.falls import Fall, Look, fall_from_peak
from harness.statistics.intervals import clustered_difference

PROMPTS = 64


def drawn(dice: np.random.Generator, chances: np.ndarray, samples: int) -> dict[str, float]:
    means = dice.binomial(samples, chances) / samples
    return {str(n): float(mean) for n, mean in enumerate(means)}


def looks(
    dice: np.random.Generator, means: Sequence[float], samples: int = 4, prompts: int = PROMPTS
) -> tuple[list[Look], dict[str, float], dict[str, float]]:
    """Looks at policies of these mean chances, and the evaluation of the last and the first."""
    hard = dice.uniform(-0.25, 0.25, prompts)
    found = [
        Look(10 * n, drawn(dice, np.clip(mean + hard, 0, 1), samples), samples)
        for n, mean in enumerate(means)
    ]
    after, before = (drawn(dice, np.clip(mean + hard, 0, 1), 2) for mean in (means[-1], means[0]))
    return found, after, before


def experiment(dice: np.random.Generator, means: Sequence[Sequence[float]]) -> list[Fall]:
    """Trainings that are looked at together."""
    found = []
    for each in means:
        seen, after, before = looks(dice, each)
        found.append(fall_from_peak(seen, trainings=len(means), final=after, base=before))
    return found


def test_a_fall_by_hand() -> None:
    """The interval is the paired one at 1 - .05 / (earlier looks x trainings); peak at step 5."""
    rng = np.random.default_rng(5)
    before = {str(n): float(rng.integers(2, 5)) / 4 for n in range(40)}
    after = {str(n): float(rng.integers(0, 3)) / 4 for n in range(40)}
    low = {prompt: 0.0 for prompt in before}
    seen = [Look(0, low, 4), Look(5, before, 4), Look(9, low, 4), Look(10, after, 4)]
    fall = fall_from_peak(seen, trainings=8, final=after)
    groups = [*before]
    by_hand = clustered_difference(
        [*after.values()], groups, [*before.values()], groups, None, 1 - 0.05 / 24
    )
    assert (fall.verdict, fall.peak, fall.last, fall.looks) == ("fell", 5, 10, 4)
    assert (fall.change.low, fall.change.high) == pytest.approx((by_hand.low, by_hand.high))
    assert fall.before is not None and fall.after is not None
    assert fall.after - fall.before == pytest.approx(fall.change.value)
    row = fall.as_row()
    assert row["value"] == fall.change.value and row["evaluated"]["n"] == 80
    assert not {type(value) for value in row.values()} - {str, int, float, dict}


def test_at_most_one_run_in_twenty_has_a_false_fall() -> None:
    """80 runs of four arms with gold that stays, rises to a plateau, or was best early by luck.

    5% allow 4 of 80 on average; 9 have a chance of 1 in 40 at that rate, and none is expected.
    """
    dice = np.random.default_rng(11)
    still, risen = [0.5] * 10, [0.3, 0.4, *[0.6] * 8]
    runs = [experiment(dice, [still, still, risen, risen]) for _ in range(80)]
    assert sum(any(f.verdict in ("fell", "unconfirmed") for f in run) for run in runs) <= 8
    assert sum(any(f.verdict == "fell" for f in run) for run in runs) <= 1


def test_a_fall_of_a_quarter_is_found_in_every_training() -> None:
    dice = np.random.default_rng(3)
    falls = experiment(dice, [[0.5, 0.6, 0.7, 0.6, 0.45]] * 8)
    assert {fall.verdict for fall in falls} == {"fell"}
    assert {fall.peak for fall in falls} == {20}
    assert all(fall.change.high is not None and fall.change.high < 0 for fall in falls)


@pytest.mark.parametrize("peak", ["first", "later"])
def test_what_the_evaluation_does_not_show_is_not_confirmed(peak: str) -> None:
    """Where the peak is the first look, base's own evaluation stands for it."""
    dice = np.random.default_rng(4)
    means = [0.7, 0.6, 0.5, 0.4] if peak == "first" else [0.4, 0.7, 0.5, 0.4]
    seen, after, before = looks(dice, means)
    assert fall_from_peak(seen, final=after, base=before).verdict == "fell"
    assert fall_from_peak(seen).verdict == "unconfirmed"
    high = {prompt: 1.0 for prompt in after}
    contradicted = fall_from_peak(seen, final=high, base=before)
    assert contradicted.verdict == "unconfirmed"
    assert contradicted.reason == "the evaluation does not show it"
    if peak == "first":  # base was as low as the trained policy is: the first look was luck
        assert fall_from_peak(seen, final=after, base=after).verdict == "unconfirmed"
    else:
        assert fall_from_peak(seen, final=after, base=after).verdict == "fell"


def test_prompts_that_belong_together_are_one() -> None:
    """Eleven clusters that all fall, and the same with the prompts of each counted alone."""
    dice = np.random.default_rng(6)
    shift = dice.normal(0, 0.2, 11)
    shift -= shift.mean() + 0.1
    seen = [
        Look(0, {str(n): 0.5 for n in range(66)}, 4),
        Look(1, {str(n): 0.5 + float(shift[n % 11]) for n in range(66)}, 4),
    ]
    clusters = {str(n): f"c{n % 11}" for n in range(66)}
    alone, together = fall_from_peak(seen), fall_from_peak(seen, clusters)
    assert (alone.verdict, together.verdict) == ("unconfirmed", "no fall")
    assert (alone.change.clusters, together.change.clusters) == (66, 11)


def look(values: Mapping[str, float], samples: int = 4, coverage: float = 1.0) -> Look:
    return Look(0, values, samples, coverage)


HIGH, LOW = ({str(n): value for n in range(30)} for value in (1.0, 0.0))


def test_what_cannot_be_decided_is_not() -> None:
    assert fall_from_peak([look(HIGH), look(LOW)], final=LOW).verdict == "fell"  # without spread
    for seen, reason in (
        ([], "looked at less than twice"),
        ([look(HIGH)], "looked at less than twice"),
        ([look(HIGH, 3), look(LOW)], "3 of the 4 samples"),
        ([look({"1": 1.0}), look(LOW)], "1 of the 10 independent prompts"),
        ([look(HIGH), look({"other": 0.0})], "0 of the 10 independent prompts"),
        ([look({}), look({})], "0 of the 10 independent prompts"),
        ([look(HIGH), look(LOW, coverage=0.9)], "more samples have no score"),
    ):
        fall = fall_from_peak(seen, final=LOW)
        assert fall.verdict == "unknown" and reason in fall.reason
        assert not any(isinstance(v, float) and math.isnan(v) for v in fall.as_row().values())
    assert fall_from_peak([look(LOW), look(HIGH)], final=HIGH).verdict == "no fall"
    assert fall_from_peak([look(LOW), look(LOW)], final=LOW).verdict == "no fall"
    with pytest.raises(ValueError, match="trainings"):
        fall_from_peak([look(HIGH), replace(look(LOW), step=1)], trainings=0)

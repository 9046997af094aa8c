"""Win rates by a few labelled pairs and an evaluator's word on all: by hand, and their coverage."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from harness.agreement.corrected_win_rate import CorrectedWinRate, Prompts, corrected_win_rate
from harness.statistics.intervals import t_quantile, wilson

NAN = float("nan")


def rates(people: Any, judged: Any, **more: Any) -> CorrectedWinRate:
    """Rates of prompts with one pair each; nobody was asked where people is NaN."""
    people, judged = np.array(people, float), np.array(judged, float)
    n, asked = people.size, int((~np.isnan(people)).sum())
    given = {
        "drawn": judged, "judged": judged, "same": np.zeros(n),
        "weights": np.full(n, n / max(1, asked)), "clusters": np.arange(n),
    }  # fmt: skip
    return corrected_win_rate(Prompts(people, **{**given, **more}))


# Of 16 labelled prompts 10 are won, and the evaluator is wrong on 6; it favours the policy.
PEOPLE = [1] * 10 + [0] * 6
JUDGE = [1] * 8 + [0] * 2 + [1] * 4 + [0] * 2
OTHERS = [1] * 20 + [0] * 4


def test_what_the_evaluator_gets_wrong_is_taken_off() -> None:
    found = rates([*PEOPLE, *[NAN] * 24], [*JUDGE, *OTHERS])
    # People 10 of 16; the evaluator 12 of those 16 and 32 of all 40.
    assert found.labelled.value == 10 / 16 and found.judged == 32 / 40
    y, f = np.array(PEOPLE), np.array(JUDGE)
    people = np.concatenate([(y - 10 / 16) / 16, np.zeros(24)])
    help_ = np.concatenate([-(f - 12 / 16) / 16, np.zeros(24)])
    help_ += (np.array([*JUDGE, *OTHERS]) - 32 / 40) / 40
    # Covariance (8 - 10 * 12 / 16) / 16 = 1/32, times 1/16 - 1/40, over the sum of squares .00634.
    tuning = 75 / 406
    assert found.tuning == pytest.approx(tuning)
    assert found.corrected.value == pytest.approx(10 / 16 + tuning * (32 / 40 - 12 / 16))
    pull = people + tuning * help_
    error = np.sqrt(16 / 14 * pull @ pull)
    low = 10 / 16 + tuning * (32 / 40 - 12 / 16) - t_quantile(14) * error
    assert found.corrected.low == pytest.approx(low)
    alone = np.sqrt(16 / 15 * people @ people)
    assert found.labelled.high == pytest.approx(10 / 16 + t_quantile(15) * alone)
    assert found.effective_n == pytest.approx(16 * (alone / error) ** 2)
    assert (found.corrected.n, found.corrected.clusters) == (16, 16)
    assert found.corrected.p is not None and 0.2 < found.corrected.p < 0.6


def test_an_evaluator_that_knows_makes_labels_count_more() -> None:
    people = [1] * 12 + [0.5] * 2 + [0] * 10
    off = [0] * 3 + [1] * 9 + [0.5] * 2 + [1] * 2 + [0] * 8
    found = rates([*people, *[NAN] * 200], [*off, *([1, 0] * 100)])
    assert 0.5 < found.tuning < 0.7 and 29 < found.effective_n < 34
    assert found.corrected.low > found.labelled.low  # type: ignore[operator]
    turned = rates([*people, *[NAN] * 200], 1 - np.array([*off, *([1, 0] * 100)]))
    assert turned.tuning == 0 and turned.corrected.value == found.labelled.value
    assert "tells nothing of people's" in turned.corrected.reason
    constant = rates([*people, *[NAN] * 200], np.ones(224))
    assert constant.tuning == 0 and constant.corrected.numbers() == found.labelled.numbers()


def test_where_all_agree_wilson_stands_in() -> None:
    found = rates([*[1] * 20, *[NAN] * 80], [*[1] * 90, *[0] * 10])
    assert (found.labelled.low, found.labelled.high) == pytest.approx(wilson(20, 20))
    assert found.corrected.value == 1 and found.corrected.low == found.labelled.low
    ties = rates([*[0.5] * 20, *[NAN] * 80], [*[1] * 90, *[0] * 10]).labelled
    most = wilson(0, 20)[1]  # of clusters that say all the same, so many may say something else
    assert (ties.low, ties.high, ties.p) == (0.5 - most / 2, 0.5 + most / 2, 1)
    rare = rates([*[1] * 18, *[0] * 2], np.ones(20))
    # CR1 divides by 19 where Wilson has 20: 19 labels are as sure.
    assert rare.labelled.low == pytest.approx(wilson(0.9 * 19, 19)[0])


def test_ties_of_one_text_twice_count_and_slices_weigh() -> None:
    found = rates([1] * 12, [1] * 12, alike=36)
    assert found.labelled.value == pytest.approx(0.25 * 1 + 0.75 * 0.5)
    low = wilson(12, 12)[0]
    assert found.labelled.low == pytest.approx(0.625 - np.hypot(
        0.25 * (1 - low), 0.5 * t_quantile(47) * np.sqrt(0.25 * 0.75 / 48)
    ))  # fmt: skip
    half = rates([1] * 6 + [0] * 6, [0.5] * 12, same=np.array([0.5] * 6 + [0.0] * 6))
    assert half.labelled.value == pytest.approx((6 * 0.75 + 6 * 0) / 12)
    weighted = rates([1] * 6 + [0] * 6, [0.5] * 12, weights=np.array([3.0] * 6 + [1.0] * 6))
    assert weighted.labelled.value == pytest.approx(0.75)
    several = rates([1] * 6 + [0] * 6, [0.5] * 12, clusters=np.repeat(np.arange(6), 2))
    assert several.labelled.clusters == 6
    assert several.corrected.value is None and several.more == 4


def test_too_few_labels_decide_nothing_and_say_how_many_would() -> None:
    few = rates([*[1] * 9, *[NAN] * 30], np.ones(39))
    assert few.corrected.value is None and few.more == 1
    assert few.corrected.reason == "9 labelled prompts; 10 at least"
    none = rates([NAN] * 39, np.ones(39))
    assert none.labelled.value is None and none.more == 10
    # Of labels alone that tell nothing new: so many more of the same kind decide, one less do not.
    people = [*[1] * 12, *[0] * 8]
    found = rates([*people, *[NAN] * 480], np.full(500, 0.5))
    assert found.more is not None and 60 < found.more < 110
    wins = round(0.6 * (20 + found.more))
    enough = rates([*[1] * wins, *[0] * (20 + found.more - wins)], np.full(20 + found.more, 0.5))
    assert enough.labelled.p is not None and enough.labelled.p < 0.06
    assert rates([*[1] * 18, *[0] * 2], np.ones(20)).more is None


@pytest.mark.parametrize(("wrong", "right"), [(0.1, 0.0), (0.3, 0.05)])
def test_a_judge_that_favours_the_policy_is_not_believed_after_twenty_labels(
    wrong: float, right: float
) -> None:
    """Where 20 labels happen to show no mistake of it, its mistakes are still possible."""
    draw, held, repeats = np.random.default_rng(3), 0, 150
    for _ in range(repeats):
        truth = draw.random(600) < 0.5
        says = np.where(truth, draw.random(600) >= right, draw.random(600) < wrong)
        people = np.full(600, NAN)
        people[draw.permutation(600)[:20]] = 0
        people[~np.isnan(people)] = truth[~np.isnan(people)]
        found = rates(people, says).corrected
        assert found.low is not None and found.high is not None
        held += found.low <= 0.5 <= found.high
    assert held / repeats >= 0.92

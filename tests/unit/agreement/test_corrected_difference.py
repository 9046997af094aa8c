"""A judge that favours one policy does not decide, where people labelled some of the responses."""

from __future__ import annotations

import numpy as np
import pytest

from harness.agreement.corrected_difference import FEWEST, Scored, corrected_difference

NONE = np.nan


def scored(judged: list[float], truth: list[float], clusters: list[int] | None = None) -> Scored:
    places = range(len(judged)) if clusters is None else clusters
    return Scored(np.array(judged), np.array(truth), np.array(places))


def drawn(
    seed: int, prompts: int = 400, labels: int = 100, favour: float = 0.5
) -> tuple[Scored, Scored]:
    """Two policies as good as one another, of which the judge likes the second's style."""
    draw = np.random.default_rng(seed)
    asked = draw.permutation(prompts) < labels
    made = []
    for liked in (0.0, favour):
        right = draw.random(prompts) < 0.5
        judged = right | (draw.random(prompts) < liked)
        truth = np.where(asked, right.astype(float), NONE)
        made.append(Scored(judged.astype(float), truth, np.arange(prompts)))
    return made[0], made[1]


def test_by_hand_with_a_judge_that_is_right_but_for_a_shift() -> None:
    """The judge adds .3 to all of the second policy: the correction takes just that off."""
    draw = np.random.default_rng(0)
    truths = draw.random((2, 40))
    asked = np.arange(40) % 2 == 0
    a, b = (
        Scored(truth + shift, np.where(asked, truth, NONE), np.arange(40))
        for truth, shift in zip(truths, (0.0, 0.3), strict=True)
    )
    found = corrected_difference(a, b)
    true = float(truths[0].mean() - truths[1].mean())
    assert found.judged.value == pytest.approx(true - 0.3)
    assert found.corrected.value == pytest.approx(true, abs=0.03)

    def squares(tuning: float) -> float:
        """The sum of squared influences, in other words: of each prompt alone."""
        total = 0.0
        for i in range(40):
            pull = 0.0
            for sign, one, raw in ((1, a, truths[0]), (-1, b, truths[1])):
                pull += sign * tuning * (one.judged[i] - one.judged.mean()) / 40
                if asked[i]:
                    left = raw - tuning * one.judged
                    pull += sign * (left[i] - left[asked].mean()) / 20
            total += pull**2
        return total

    assert squares(found.tuning) < min(squares(found.tuning + step) for step in (-0.01, 0.01))
    assert found.corrected.low is not None and found.corrected.high is not None
    half = (found.corrected.high - found.corrected.low) / 2
    error = float(np.sqrt(20 / 18 * squares(found.tuning)))
    assert half == pytest.approx(2.10092 * error, rel=1e-4)  # t of 18 degrees of freedom


def test_a_judge_that_says_nothing_changes_nothing() -> None:
    """Lambda near 0, and the interval that of the labels with one degree of freedom less."""
    draw = np.random.default_rng(1)
    right = (draw.random((2, 300)) < 0.5).astype(float)
    asked = draw.permutation(300) < 150
    a, b = (Scored(draw.random(300), np.where(asked, one, NONE), np.arange(300)) for one in right)
    found = corrected_difference(a, b)
    assert abs(found.tuning) < 0.3
    assert found.effective_n == pytest.approx(300, rel=0.05)
    assert found.corrected.value == pytest.approx(found.labelled.value, abs=0.03)


def test_a_judge_that_favours_a_style_is_corrected_in_nearly_all_worlds() -> None:
    """Without a difference: claimed by the judge alone each time, by the corrected one rarely."""
    pairs = [corrected_difference(*drawn(seed)) for seed in range(300)]
    fooled = sum(one.judged.high < 0 for one in pairs if one.judged.high is not None)
    claimed = sum(abs(one.corrected.p or 1) < 0.05 for one in pairs)
    assert fooled == 300
    assert claimed <= 27  # 15 are expected, and 27 are three standard deviations more
    narrower = [one.effective_n for one in pairs]
    assert float(np.median(narrower)) > 240  # 200 labels


def test_prompts_are_the_units_and_labels_of_one_policy_only_do_not_pair() -> None:
    a, b = drawn(3)
    twice = [
        Scored(np.tile(s.judged, 2), np.tile(s.truth, 2), np.tile(s.clusters, 2)) for s in (a, b)
    ]
    one, two = corrected_difference(a, b), corrected_difference(*twice)
    assert two.corrected.value == pytest.approx(one.corrected.value)
    assert two.corrected.low == pytest.approx(one.corrected.low)
    assert (two.corrected.n, two.corrected.clusters) == (400, 100)
    unpaired = Scored(b.judged, np.full(400, NONE), b.clusters)
    found = corrected_difference(a, unpaired).corrected
    assert (found.status, found.value) == ("undefined", None)
    assert "0 prompts of a policy" in found.reason


@pytest.mark.parametrize(("labels", "status"), [(FEWEST - 1, "undefined"), (FEWEST, "ok")])
def test_a_handful_of_labels_corrects_nothing(labels: int, status: str) -> None:
    found = corrected_difference(*drawn(4, labels=labels))
    assert found.corrected.status == status
    assert found.labelled.value is not None and found.judged.value is not None


def test_labels_that_never_vary_stand_alone() -> None:
    """All labels right and the judge alike: no spread is no certainty."""
    a, b = (scored([1.0] * 40, [1.0] * 20 + [NONE] * 20) for _ in "ab")
    found = corrected_difference(a, b)
    assert found.corrected.value == 0
    assert found.corrected.low is not None and found.corrected.low < -0.1
    assert "labels alone" in found.corrected.reason


def test_no_interval_leaves_what_can_be() -> None:
    draw = np.random.default_rng(5)
    high = draw.random(12) < 0.9
    a = Scored(high.astype(float), high.astype(float), np.arange(12))
    low = Scored(1 - a.judged, 1 - a.truth, a.clusters)
    found = corrected_difference(a, low).corrected
    assert found.high == 1.0
    wide = corrected_difference(a, low, None).corrected
    assert wide.high is not None and wide.high > 1.0


@pytest.mark.parametrize(("first", "second"), [(200, 10), (30, 10), (60, 20)])
def test_many_labels_of_one_policy_do_not_stand_in_for_few_of_the_other(
    first: int, second: int
) -> None:
    """95% intervals hold the truth, which is no difference; 90% of them with all labels counted."""
    held = []
    for seed in range(400):
        draw = np.random.default_rng(seed)
        quality = 0.3 * draw.normal(size=200)
        made = []
        for favour, labels in ((0.3, first), (0.0, second)):
            truth = quality + 0.5 * draw.normal(size=200)
            judged = 0.8 * truth + favour + 0.3 * draw.normal(size=200)
            asked = draw.permutation(200) < labels
            made.append(Scored(judged, np.where(asked, truth, NONE), np.arange(200)))
        found = corrected_difference(made[0], made[1], None).corrected
        assert found.low is not None and found.high is not None
        held.append(found.low <= 0 <= found.high)
    assert 0.935 <= np.mean(held) <= 0.985


@pytest.mark.parametrize(("first", "second"), [(200, 9), (200, 2), (9, 1)])
def test_few_labels_of_one_policy_correct_nothing(first: int, second: int) -> None:
    truth = np.arange(200) % 3 / 2
    a, b = (
        Scored(truth, np.where(np.arange(200) < labels, truth, NONE), np.arange(200))
        for labels in (first, second)
    )
    found = corrected_difference(a, b).corrected
    assert found.value is None and f"{second} prompts of a policy" in found.reason

"""Agreement before a training and after it: found where it fell, and said to hold where it does."""

from __future__ import annotations

import numpy as np
import pytest

from harness.agreement.transport import Agreed, transport


def agreed(right: int, wrong: int, start: int = 0) -> Agreed:
    return Agreed([True] * right + [False] * wrong, range(start, start + right + wrong))


def test_a_fall_by_hand() -> None:
    """85 of 100 and 60 of 100 other prompts; the interval is that of 86 and 61 of 102."""
    found = transport(agreed(85, 15), agreed(60, 40, start=100))
    assert found.outcome == "fallen"
    assert found.sentence == "this reward was no longer valid at the end"
    a, b = 86 / 102, 61 / 102
    error = (204 / 203 * (a * (1 - a) + b * (1 - b)) / 102) ** 0.5
    assert found.fall.value == pytest.approx(0.25)
    assert found.fall.low == pytest.approx(a - b - 1.6601 * error, abs=1e-4)
    assert (found.before.value, found.after.value) == (0.85, 0.6)
    assert found.p is not None and found.p < 1e-4
    assert found.more is None


@pytest.mark.parametrize(
    ("before", "after", "outcome"),
    [
        ((850, 150), (840, 160), "valid"),  # 1 point, upper bound 3.7
        ((850, 150), (800, 200), "valid"),  # it did fall, by less than 10 points
        ((850, 150), (700, 300), "fallen"),
        ((85, 15), (80, 20), "undecided"),
        ((85, 15), (95, 5), "valid"),  # it rose
        ((10, 0), (10, 0), "undecided"),  # ten labels show nothing
        ((218, 12), (9, 0), "undecided"),  # nor do nine, which have no spread
    ],
)
def test_outcomes(before: tuple[int, int], after: tuple[int, int], outcome: str) -> None:
    assert transport(agreed(*before), agreed(*after, start=10_000)).outcome == outcome


def test_prompts_in_common_are_paired() -> None:
    """Whatever is hard stays hard: the same prompts tell a fall that others do not."""
    draw = np.random.default_rng(0)
    before = draw.random(200) < 0.8
    after = before & (draw.random(200) > 0.06)
    same = transport(Agreed(before.tolist(), range(200)), Agreed(after.tolist(), range(200)))
    other = transport(Agreed(before.tolist(), range(200)), Agreed(after.tolist(), range(200, 400)))
    assert same.fall.value == other.fall.value
    assert (same.fall.low or 0) > 0 > (other.fall.low or 0)


def test_as_many_more_labels_as_it_says_decide() -> None:
    """With the same shares in the next whole multiple the outcome is no longer open."""
    for right in (38, 39, 40, 41):
        found = transport(agreed(255, 45), agreed(right, 50 - right, start=1_000))
        assert found.outcome == "undecided"
        assert found.more is not None
        times = -(-(50 + found.more) // 50)
        for few, decided in ((times, True), (times - 1, False)):
            again = transport(agreed(255, 45), agreed(few * right, few * (50 - right), start=1_000))
            assert (again.outcome != "undecided") == decided, (right, found.more, few)


def test_too_few_labels_before_are_said() -> None:
    found = transport(agreed(17, 3), agreed(80, 20, start=100))
    assert (found.outcome, found.more) == ("undecided", None)
    assert found.sentence == "not decidable: too few labels of responses before training"


def test_nothing_to_compare_is_undecided() -> None:
    found = transport(Agreed([], []), agreed(50, 10))
    assert (found.outcome, found.fall.value, found.p, found.more) == ("undecided", None, None, None)


def test_without_labels_after_training_it_says_how_many_are_needed() -> None:
    before = agreed(250, 50)
    found = transport(before, Agreed([], []))
    assert (found.outcome, found.fall.value, found.p) == ("undecided", None, None)
    assert found.more is not None
    times = found.more // 6  # five of six are right
    for few, outcome in ((times - 1, "undecided"), (times + 1, "valid")):
        assert transport(before, agreed(5 * few, few, start=1_000)).outcome == outcome


def test_false_alarms_and_falls_of_ten_points() -> None:
    """300 labels before and 150 after, at .85: 5% alarms, power .8 (benchmarks/transport.py)."""
    draw = np.random.default_rng(7)
    said = {0.0: 0, 0.1: 0}
    for fall in said:
        for _ in range(400):
            before = Agreed((draw.random(300) < 0.85).tolist(), range(300))
            after = Agreed((draw.random(150) < 0.85 - fall).tolist(), range(300, 450))
            said[fall] += transport(before, after).outcome == "fallen"
    assert said[0.0] <= 33  # 20 are expected
    assert said[0.1] >= 280  # of 400, where 300 are expected without prompts in common


@pytest.mark.parametrize("prompts", [1, 2, 4])
def test_answers_to_a_handful_of_prompts_decide_nothing(prompts: int) -> None:
    """However many there are: what prompts differ by is not known of so few."""
    many = Agreed([True, True, True, False] * 50, range(200))
    few = Agreed([True, False] * 60, [-1 - i % prompts for i in range(120)])
    assert transport(many, few).outcome == "undecided"
    assert transport(few, many).outcome == "undecided"
    more = transport(many, few).more
    assert more is not None and more >= 5 - prompts
    assert transport(many, Agreed(few.right, [-1 - i // 2 for i in range(120)])).outcome == "fallen"

"""Two sources have the same rule where what one says follows from what the other says."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from harness.agreement.same_rule import SAME_RULE, kappa_of_choices, kappa_of_scores
from harness.statistics.arrays import FloatArray

N = 240
CLUSTERS = np.arange(N) // 2
SCORES = np.random.default_rng(5).uniform(size=N).round(6)
PASSED = (SCORES > 0.4).astype(float)
FIVE = np.floor(SCORES * 5) / 5

Change = Callable[[FloatArray], FloatArray]


def flipped(values: FloatArray, n: int) -> FloatArray:
    """Return verdicts of which n are turned, spread over all."""
    changed = values.copy()
    changed[:: len(values) // n][:n] = 1 - changed[:: len(values) // n][:n]
    return changed


SAME: list[tuple[str, FloatArray, FloatArray]] = [
    ("itself", PASSED, PASSED),
    ("the contrary", PASSED, 1 - PASSED),
    ("other numbers", PASSED, 0.2 + 0.3 * PASSED),
    ("3 of 240 otherwise", PASSED, flipped(PASSED, 3)),
    ("scores that are stretched", SCORES, SCORES**3),
    ("scores that are turned round", SCORES, 1 - np.sqrt(SCORES)),
    ("scores in five steps", SCORES, FIVE),
    ("scores in three steps", SCORES, np.floor(SCORES * 3)),
    ("scores with a pass mark", SCORES, PASSED),
    ("five steps with a pass mark", FIVE, (FIVE > 0.5).astype(float)),
    ("scores with a little noise", SCORES, SCORES + np.random.default_rng(1).normal(0, 0.04, N)),
]
OTHER: list[tuple[str, FloatArray, FloatArray]] = [
    ("12 of 240 otherwise", PASSED, flipped(PASSED, 12)),
    ("a coin", PASSED, np.random.default_rng(2).integers(0, 2, N).astype(float)),
    ("other scores", SCORES, np.random.default_rng(3).uniform(size=N)),
    ("a coin for scores", SCORES, np.random.default_rng(2).integers(0, 2, N).astype(float)),
    ("scores with much noise", SCORES, SCORES + np.random.default_rng(1).normal(0, 0.2, N)),
    ("the middle is best", SCORES, -np.abs(SCORES - 0.5)),
]


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(("name", "a", "b"), [*SAME, *OTHER])
def test_which_scores_have_the_same_rule(
    name: str, a: FloatArray, b: FloatArray, turned: bool
) -> None:
    a, b = (b, a) if turned else (a, b)
    found = kappa_of_scores(a, b, CLUSTERS)
    assert found.value is not None and found.low is not None and found.high is not None
    assert (found.value >= SAME_RULE) == (name in [one[0] for one in SAME]), found
    assert found.low <= found.value <= found.high and found.n == N and found.clusters == N // 2


def test_two_binary_sources_have_plain_kappa() -> None:
    # 40 and 45 right, 9 and 6 apart: the golden value of Cohen's kappa of [40 9; 6 45].
    a = np.repeat([1.0, 1.0, 0.0, 0.0], [40, 9, 6, 45])
    b = np.repeat([1.0, 0.0, 1.0, 0.0], [40, 9, 6, 45])
    assert kappa_of_scores(a, b, np.arange(100)).value == pytest.approx(0.69952, abs=5e-6)


@pytest.mark.parametrize(
    ("a", "b", "reason"),
    [
        ([1.0] * 50, [1.0] * 50, "says the same of all 50 responses"),
        ([1.0] * 50, [1.0, 0.0] * 25, "says the same of all 50 responses"),
        ([1.0] * 47 + [0.0] * 3, [1.0] * 47 + [0.0] * 3, "the same of all but 3 of 50 responses"),
        ([1.0, 0.0] * 14, [1.0, 0.0] * 14, "28 responses with a verdict of both, fewer than 30"),
        ([1.0], [1.0], "1 response with a verdict of both, fewer than 30"),
        ([], [], "0 responses with a verdict of both"),
    ],
)
def test_what_tells_nothing_is_not_the_same(a: list[float], b: list[float], reason: str) -> None:
    found = kappa_of_scores(np.array(a), np.array(b), np.arange(len(a)))
    assert found.value is None and reason in found.reason
    choices = kappa_of_choices(np.array(a), np.array(b).astype(np.int64), np.arange(len(a)))
    assert choices.value is None and reason.replace("response", "pair") in choices.reason


GAPS = np.random.default_rng(7).normal(size=N).round(3)
CHOICES = np.sign(GAPS).astype(np.int64)
NEAR = np.where(np.abs(GAPS) < 0.5, 0, CHOICES)


@pytest.mark.parametrize(
    ("gaps", "choices", "same"),
    [
        (GAPS, CHOICES, True),
        (-GAPS, CHOICES, True),
        (np.sign(GAPS), CHOICES, True),
        (GAPS, NEAR, True),  # small differences are ties to the source
        (np.sign(NEAR), NEAR, True),
        (np.sign(NEAR), CHOICES, False),  # it has no opinion on many that the source decides
        (np.roll(GAPS, 1), CHOICES, False),
        (GAPS + np.random.default_rng(2).normal(size=N), CHOICES, False),
    ],
)
def test_which_scores_have_the_rule_of_choices(
    gaps: FloatArray, choices: np.ndarray, same: bool
) -> None:
    found = kappa_of_choices(gaps, choices, CLUSTERS)
    assert found.value is not None and (found.value >= SAME_RULE) == same, found


def test_noise_alone_is_never_the_same_rule() -> None:
    draw = np.random.default_rng(11)
    for _ in range(20):
        a, b = draw.normal(size=(2, 30))
        for one, other in ((a, b), (a > 0, b), (a > 0, b > 0)):
            found = kappa_of_scores(one * 1.0, other * 1.0, np.arange(30))
            assert found.value is None or found.value < SAME_RULE

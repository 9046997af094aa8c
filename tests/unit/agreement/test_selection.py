"""Being the best of several judges on the same labels: what luck is worth."""

from __future__ import annotations

import numpy as np
import pytest

from harness.agreement.selection import best_of
from harness.statistics.resample import Bootstrap

DRAWS = Bootstrap(4000, 1)


def judges(rng: np.random.Generator, k: int, prompts: int, alike: float) -> np.ndarray:
    """Draw (k, n) verdicts that are right (1) in 80%, two pairs of a prompt with one luck.

    A share ``alike`` of the prompts has the same luck for all judges.
    """
    own, shared = rng.random((k, prompts)), rng.random(prompts)
    same = rng.random(prompts) < alike
    return np.repeat((np.where(same, shared, own) < 0.8).astype(np.int64), 2, axis=1)


@pytest.mark.parametrize(("k", "alike"), [(2, 0.0), (7, 0.0), (7, 0.7), (7, 1.0)])
def test_the_luck_is_what_the_best_of_equally_good_judges_looks_too_good_by(
    k: int, alike: float
) -> None:
    """The mean over worlds of how far the best of k lies above the truth, .8."""
    rng = np.random.default_rng(5)
    clusters = np.repeat(np.arange(100), 2)
    truth = np.ones(200, dtype=np.int64)
    over, told = [], []
    for _ in range(250):
        said = dict(zip("abcdefg", judges(rng, k, 100, alike), strict=False))
        best = best_of(said, truth, clusters, Bootstrap(400, 1))
        assert best is not None
        over.append(best.share - 0.8)
        told.append(best.luck)
    assert np.mean(told) == pytest.approx(np.mean(over), abs=0.007)
    assert (np.mean(told) < 0.004) == (alike == 1.0)


def test_the_best_is_named_and_what_failed_says_nothing_right() -> None:
    truth = np.array([0, 1, 0, 1, -1])
    said = {"a": np.array([0, 0, 0, 1, 0]), "b": np.array([0, 1, -1, -1, 1])}
    best = best_of(said, truth, np.arange(5), DRAWS)
    assert best is not None
    assert (best.name, best.share, best.n, best.of) == ("a", 0.75, 4, 2)
    assert best.luck > 0
    assert best == best_of(said, truth, np.arange(5), DRAWS)


def test_of_one_judge_one_prompt_or_no_truth_there_is_no_luck() -> None:
    said = np.array([0, 1, 1, 0])
    truth = np.array([0, 1, 0, 0])
    alone = best_of({"a": said}, truth, np.arange(4), DRAWS)
    assert alone is not None and alone.luck == pytest.approx(0, abs=0.01)
    one = best_of({"a": said, "b": truth}, truth, np.zeros(4, dtype=np.int64), DRAWS)
    assert one is not None and (one.name, one.luck) == ("b", 0.0)
    assert best_of({"a": said}, np.full(4, -1), np.arange(4), DRAWS) is None

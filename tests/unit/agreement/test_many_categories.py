"""Labels of hundreds of categories: the same numbers, without tables of all pairs of categories."""

import io
import sys

import numpy as np
import pytest

from harness.agreement.alpha import krippendorff_alpha
from harness.agreement.kappa import cohen_kappa, pairs_of
from harness.agreement.multi_rater import chance_corrected
from harness.cli.screen import busy
from harness.statistics.resample import Bootstrap, Units, jackknife, replicate

FEW = Bootstrap(200, 0)


def codes_of(seed, n, a, c, missing=0.3):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, c, n)
    codes = np.where(rng.random((n, a)) < 0.6, truth[:, None], rng.integers(0, c, (n, a)))
    return np.where(rng.random((n, a)) < missing, -1, codes)


def counts_of(codes, c):
    return np.array([[np.sum(row == k) for k in range(c)] for row in codes])


def alpha_by_pairs(codes):
    """Krippendorff's nominal alpha from every pair of labels."""
    units = [row[row >= 0] for row in codes if (row >= 0).sum() > 1]
    values = np.concatenate(units)
    n = values.size
    observed = sum((u[:, None] != u[None, :]).sum() / (u.size - 1) for u in units) / n
    expected = (values[:, None] != values[None, :]).sum() / (n * (n - 1))
    return 1 - observed / expected


def fleiss_by_pairs(codes):
    units = [row[row >= 0] for row in codes if (row >= 0).any()]
    agree = [
        ((u[:, None] == u[None, :]).sum() - u.size) / (u.size * (u.size - 1))
        for u in units
        if u.size > 1
    ]
    shares = {}
    for u in units:
        for value in u:
            shares[value] = shares.get(value, 0.0) + 1 / u.size / len(units)
    chance = sum(p * p for p in shares.values())
    return (np.mean(agree) - chance) / (1 - chance)


def kappa_by_hand(first, second):
    both = (first >= 0) & (second >= 0)
    a, b = first[both], second[both]
    chance = sum(np.mean(a == k) * np.mean(b == k) for k in np.union1d(a, b))
    return (np.mean(a == b) - chance) / (1 - chance)


@pytest.mark.parametrize("c", [2, 3, 60, 400])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_numbers_are_those_of_all_pairs_of_labels(c, seed):
    codes = codes_of(seed, 60, 5, c)
    counts = counts_of(codes, c)
    alpha = krippendorff_alpha(counts, "nominal", "", bootstrap=FEW)
    assert alpha.value == pytest.approx(alpha_by_pairs(codes))
    assert alpha.low < alpha.value < alpha.high
    fleiss = chance_corrected(counts, "fleiss", "", bootstrap=FEW)
    assert fleiss.value == pytest.approx(fleiss_by_pairs(codes))
    pairs = pairs_of(codes[:, 0], codes[:, 1], np.arange(60), c)
    kappa = cohen_kappa(pairs, "", bootstrap=FEW)
    assert kappa.value == pytest.approx(kappa_by_hand(codes[:, 0], codes[:, 1]))


@pytest.mark.parametrize("weighting", ["linear", "quadratic"])
def test_categories_that_neither_gave_still_stretch_the_weights(weighting):
    # Of five categories 1 and 3 occur; |1 - 3| / 4 is half, whatever occurs.
    pairs = pairs_of(np.array([1, 1, 3, 3]), np.array([1, 3, 1, 3]), np.arange(4), 5)
    far = 0.5 if weighting == "linear" else 0.75
    observed, chance = (1 + far + far + 1) / 4, (1 + far) / 2
    kappa = cohen_kappa(pairs, "", weighting=weighting, bootstrap=FEW)
    assert kappa.value == pytest.approx((observed - chance) / (1 - chance))


def test_rows_of_many_sums_are_taken_by_the_thousand_not_one_by_one():
    rng = np.random.default_rng(0)
    units = Units(rng.random((90, 900)), np.ones(90, dtype=np.int64))
    sizes = []

    def value(sums):
        sizes.append(sums.shape[0])
        return sums.sum(-1)

    replicate(units, value, 500)
    jackknife(units, value)
    assert sizes == [500, 90]


@pytest.mark.parametrize("terminal", [True, False])
def test_what_takes_long_is_told_on_a_terminal(terminal, monkeypatch):
    screen = io.StringIO()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("FORCE_COLOR", "1") if terminal else monkeypatch.delenv(
        "FORCE_COLOR", raising=False
    )
    with busy("measuring the agreement of labels.csv"):
        pass
    assert ("measuring the agreement of labels.csv" in screen.getvalue()) is terminal

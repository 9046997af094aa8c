"""Random tables: our statistics against evalica and ppi-python; 200 of each, to 1e-9."""

import warnings

import numpy as np
import pandas as pd
import pytest

from harness.aggregate import rank_systems
from harness.agreement.alpha import krippendorff_alpha
from harness.agreement.prediction_powered import ppi_mean
from harness.ratings.table import counts_of
from harness.statistics.paired_model import Comparisons
from harness.statistics.resample import Bootstrap

TABLES = 200
CLOSE = {"rel": 1e-9, "abs": 1e-9}


@pytest.fixture(scope="module")
def evalica():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("evalica", reason="evalica is not installed")


@pytest.fixture(scope="module")
def ppi_py():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("ppi_py", reason="ppi-python is not installed")


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval", "ratio"])
def test_alpha_equals_evalica(evalica, level):
    rng = np.random.default_rng(7)
    compared = 0
    for _ in range(TABLES):
        n, a, c = rng.integers(6, 40), rng.integers(2, 6), rng.integers(2, 6)
        codes = rng.integers(0, c, (n, a)).astype(np.int64)
        codes[rng.random((n, a)) < 0.25] = -1
        counts = counts_of(codes, int(c))
        ours = krippendorff_alpha(
            counts, level, "", values=np.arange(c) + 1.0, bootstrap=Bootstrap(100)
        )
        frame = pd.DataFrame(np.where(codes >= 0, codes + 1.0, np.nan).T)
        theirs = evalica.alpha(frame, distance=level, solver="naive").alpha
        assert ours.value == pytest.approx(theirs, **CLOSE)
        compared += 1
    assert compared == TABLES


def test_bradley_terry_equals_evalica(evalica):
    rng = np.random.default_rng(8)
    compared = 0
    for _ in range(TABLES):
        s = int(rng.integers(3, 7))
        n = int(rng.integers(40, 200))
        first = rng.integers(0, s, n)
        second = (first + rng.integers(1, s, n)) % s
        outcomes = rng.integers(0, 3, n)
        names = [f"m{k}" for k in range(s)]
        ours = rank_systems(
            Comparisons(first, second, outcomes, names, np.arange(n)),
            position=False,
            ties_half=True,
        )
        winner = {0: evalica.Winner.X, 1: evalica.Winner.Draw, 2: evalica.Winner.Y}
        theirs = evalica.bradley_terry(
            [names[k] for k in first], [names[k] for k in second], [winner[o] for o in outcomes],
            solver="naive", tolerance=1e-14, limit=100_000,
        )  # fmt: skip
        logs = np.log(theirs.scores)
        logs -= logs.mean()
        for strength in ours.strengths:
            assert strength.value == pytest.approx(logs[strength.system], rel=1e-7, abs=1e-9)
        assert len(ours.strengths) == s
        compared += 1
    assert compared == TABLES


def test_prediction_powered_mean_equals_ppi_python(ppi_py):
    rng = np.random.default_rng(9)
    compared = 0
    for _ in range(TABLES):
        n, more = int(rng.integers(10, 200)), int(rng.integers(20, 2000))
        y = (rng.random(n) < 0.5).astype(float)
        f = np.where(rng.random(n) < 0.8, y, 1 - y)
        unlabelled = (rng.random(more) < 0.5).astype(float)
        for tuning in (1.0, None):
            ours = ppi_mean(y, f, unlabelled, tuning=tuning, small_sample=False)
            value = ppi_py.ppi_mean_pointestimate(y, f, unlabelled, lam=tuning)
            low, high = ppi_py.ppi_mean_ci(y, f, unlabelled, alpha=0.05, lam=tuning)
            if ours.fell_back:
                continue  # one judge of ten items never errs
            assert ours.value == pytest.approx(float(value[0]), **CLOSE)
            assert ours.low == pytest.approx(float(low[0]), **CLOSE)
            assert ours.high == pytest.approx(float(high[0]), **CLOSE)
            compared += 1
    assert compared == 2 * TABLES - 1

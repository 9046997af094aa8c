"""Random tables with gaps: our statistics against krippendorff, scikit-learn and statsmodels."""

import krippendorff
import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score, precision_recall_fscore_support
from statsmodels.stats.inter_rater import cohens_kappa, fleiss_kappa

from harness.agreement.accuracy import macro
from harness.agreement.alpha import krippendorff_alpha
from harness.agreement.kappa import cohen_kappa, kappa_standard_error, pairs_of
from harness.agreement.multi_rater import chance_corrected
from harness.agreement.scores import score_agreement
from harness.ratings.table import counts_of
from harness.statistics.resample import Bootstrap

TABLES = 200
CLOSE = {"rel": 1e-9, "abs": 1e-9}


def tables(seed, gaps=True):
    rng = np.random.default_rng(seed)
    for _ in range(TABLES):
        n, a, c = rng.integers(5, 60), rng.integers(2, 7), rng.integers(2, 6)
        truth = rng.integers(0, c, n)
        codes = np.where(rng.random((n, a)) < 0.6, truth[:, None], rng.integers(0, c, (n, a)))
        if gaps:
            codes[rng.random((n, a)) < rng.choice([0.0, 0.1, 0.4])] = -1
        yield codes.astype(np.int64), int(c)


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval", "ratio"])
def test_alpha_equals_the_oracle(level):
    compared = 0
    for codes, c in tables(1):
        counts = counts_of(codes, c)
        numbers = np.arange(c, dtype=float)
        ours = krippendorff_alpha(counts, level, "", values=numbers, bootstrap=Bootstrap(100))
        theirs = krippendorff.alpha(
            value_counts=counts, value_domain=numbers, level_of_measurement=level
        )
        assert ours.value == pytest.approx(theirs, **CLOSE)
        compared += 1
    assert compared == TABLES


@pytest.mark.parametrize("c", [40, 41, 60])
def test_ordinal_alpha_of_many_categories_equals_the_oracle(c):
    rng = np.random.default_rng(c)
    first = (c * rng.random(80) ** 3).astype(int)  # the low ranks are the crowded ones
    second = np.clip(first + rng.integers(-6, 7, 80), 0, c - 1)
    codes = np.concatenate([np.stack([first, second], 1), np.tile(np.arange(c), (2, 1)).T])
    counts = counts_of(codes, c)
    assert (counts.sum(0) > 0).all()
    ours = krippendorff_alpha(counts, "ordinal", "", bootstrap=Bootstrap(100))
    theirs = krippendorff.alpha(
        value_counts=counts, value_domain=np.arange(c), level_of_measurement="ordinal"
    )
    assert ours.value == pytest.approx(theirs, **CLOSE)


def test_concordance_by_hand():
    # Lin: y = x + 2 has 2 * 5.25 / (5.25 + 5.25 + 2^2); y = 2x has 2 * 10.5 / (5.25 + 21 + 4.5^2).
    x = np.arange(1.0, 9.0)
    for y, expected in ((x + 2, 10.5 / 14.5), (2 * x, 21 / 46.5), (9 - x, -1.0)):
        assert score_agreement("concordance", x, y, np.arange(8), "").value == pytest.approx(
            expected
        )


@pytest.mark.parametrize("weighting", ["identity", "linear", "quadratic"])
def test_kappa_equals_the_oracles(weighting):
    names = {"identity": None, "linear": "linear", "quadratic": "quadratic"}
    compared = errors = 0
    for codes, c in tables(2):
        pairs = pairs_of(codes[:, 0], codes[:, 1], np.arange(codes.shape[0]), c)
        if pairs.first.size < 3 or np.unique([*pairs.first, *pairs.second]).size < 2:
            continue  # three tables of five items with many gaps
        ours = cohen_kappa(pairs, "", weighting=weighting, bootstrap=Bootstrap(100))
        theirs = cohen_kappa_score(
            pairs.first, pairs.second, labels=range(c), weights=names[weighting]
        )
        assert ours.value == pytest.approx(theirs, **CLOSE)
        if weighting == "identity":
            with np.errstate(invalid="ignore"):  # theirs takes the root of -1e-16 for kappa 0
                theirs = cohens_kappa(pairs.contingency, return_results=True)
            assert ours.value == pytest.approx(theirs.kappa, **CLOSE)
            if theirs.std_kappa > 1e-6:
                error = kappa_standard_error(pairs.contingency)
                assert error == pytest.approx(theirs.std_kappa, **CLOSE)
                errors += 1
        compared += 1
    assert compared == TABLES - 3
    assert errors == (194 if weighting == "identity" else 0)


def test_fleiss_equals_the_oracle():
    compared = 0
    for codes, c in tables(3, gaps=False):
        counts = counts_of(codes, c)
        ours = chance_corrected(counts, "fleiss", "", bootstrap=Bootstrap(100))
        assert ours.value == pytest.approx(fleiss_kappa(counts), **CLOSE)
        compared += 1
    assert compared == TABLES


def test_macro_scores_equal_the_oracle():
    compared = 0
    for codes, c in tables(4):
        predicted, truth = codes[:, 0], codes[:, 1]
        both = (predicted >= 0) & (truth >= 0)
        theirs = precision_recall_fscore_support(
            truth[both], predicted[both], average="macro", zero_division=0
        )
        for position, average in enumerate(("precision", "recall", "f1")):
            ours = macro(
                average,
                pairs_of(predicted, truth, np.arange(truth.size), c),
                "",
                bootstrap=Bootstrap(100),
            )
            assert ours.value == pytest.approx(theirs[position], **CLOSE)
            compared += 1
    assert compared == 3 * TABLES

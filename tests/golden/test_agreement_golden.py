"""Published values of the statistics of agreement; sources stand beside each."""

import math

import numpy as np
import pytest
from raters import pairs_from_contingency
from scipy.stats import false_discovery_control

from harness.agreement.alpha import krippendorff_alpha
from harness.agreement.drift import mcnemar
from harness.agreement.kappa import cohen_kappa, kappa_standard_error
from harness.agreement.multi_rater import chance_corrected
from harness.agreement.prediction_powered import ppi_mean
from harness.agreement.scores import intraclass_correlation
from harness.ratings.table import from_labels
from harness.statistics.intervals import holm
from harness.statistics.paired_model import fit_paired

_ = None
# Krippendorff 2011, example D; Gwet's raw ratings of 4 raters (4th edition of his handbook).
KRIPPENDORFF = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, _, _, _],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _, 3],
    [_, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _],
]
GWET = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, _, _, _],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _, _],
    [_, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 3],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _],
]
# Fleiss 1971, psychiatric diagnoses: counts of five categories by six raters.
FLEISS_1971 = [
    "444444", "222555", "233335", "555555", "222444", "113333", "333355", "113334",
    "114444", "555555", "144444", "124444", "222333", "144444", "224445", "333335",
    "111455", "111112", "224444", "133555", "555555", "244444", "224555", "114444",
    "144445", "222224", "111155", "224444", "133333", "555555",
]  # fmt: skip
FLEISS_10X14 = [
    [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
]  # fmt: skip


def table(rows):
    return from_labels(
        {f"r{i}": [None if v is None else str(v) for v in row] for i, row in enumerate(rows)}
    )


def value(statistic, digits):
    assert statistic.status == "ok"
    return round(statistic.value, digits)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (["0100000010", "1110010000"], 0.095238),
        (["aabbdcccedda", "babbbccceddd"], 0.691964),
    ],
)
def test_alpha_of_two_observers(rows, expected):
    counts = from_labels({f"r{i}": list(row) for i, row in enumerate(rows)}).label_counts()
    assert value(krippendorff_alpha(counts, "nominal", ""), 6) == expected


@pytest.mark.parametrize(
    ("level", "expected"),
    [("nominal", 0.743421), ("ordinal", 0.815388), ("interval", 0.849107), ("ratio", 0.797403)],
)
def test_alpha_with_missing_data(level, expected):
    ratings = table(KRIPPENDORFF)
    numbers = np.arange(1.0, 6.0)
    result = krippendorff_alpha(ratings.label_counts(), level, "", values=numbers)
    assert value(result, 6) == expected
    assert result.n == 11  # the singleton takes no part


@pytest.mark.parametrize(
    ("chance", "weighting", "expected"),
    [
        ("gwet", "identity", 0.77544),
        ("fleiss", "identity", 0.76117),
        ("brennan_prediger", "identity", 0.77273),
        ("gwet", "quadratic", 0.91400),
        ("gwet", "linear", 0.85874),
    ],
)
def test_gwet(chance, weighting, expected):
    counts = table(GWET).label_counts()
    assert value(chance_corrected(counts, chance, "", weighting=weighting), 5) == expected


# Three observers of 15 units, the example of Wikipedia's page on Krippendorff's alpha.
THREE_OBSERVERS = [
    [_, _, _, _, _, 3, 4, 1, 2, 1, 1, 3, 3, _, 3],
    [1, _, 2, 1, 3, 3, 4, 3, _, _, _, _, _, _, _],
    [_, _, 2, 1, 3, 4, 4, _, 2, 1, 1, 3, 3, _, 4],
]


@pytest.mark.parametrize(("level", "expected"), [("nominal", 0.691), ("interval", 0.811)])
def test_alpha_of_three_observers(level, expected):
    counts = table(THREE_OBSERVERS).label_counts()
    found = krippendorff_alpha(counts, level, "", values=np.arange(1.0, 5.0))
    assert value(found, 3) == expected


def test_two_abstractors():
    # Gwet, cont3x3abstractors of irrCAC.
    pairs = pairs_from_contingency(np.array([[13, 0, 0], [0, 20, 7], [0, 4, 56]]))
    assert value(cohen_kappa(pairs, ""), 3) == 0.796
    assert value(cohen_kappa(pairs, "", weighting="linear"), 3) == 0.843
    eye = np.eye(3, dtype=int)
    counts = eye[pairs.first] + eye[pairs.second]
    assert value(chance_corrected(counts, "brennan_prediger", ""), 3) == 0.835


def test_shares_of_agreement():
    # Of q categories Brennan and Prediger take 1/q for chance: the share follows from theirs.
    counts = table(GWET).label_counts()
    share = chance_corrected(counts, "brennan_prediger", "").value * 0.8 + 0.2
    assert round(share, 3) == 0.818
    eye = np.eye(2, dtype=int)
    for rows in ([[40, 9], [6, 45]], [[80, 10], [5, 5]]):
        pairs = pairs_from_contingency(np.array(rows))
        counts = eye[pairs.first] + eye[pairs.second]
        share = chance_corrected(counts, "brennan_prediger", "").value * 0.5 + 0.5
        assert round(share, 2) == 0.85


def test_gwets_ordinal_weights_are_not_krippendorffs_ordinal_metric():
    counts = table(KRIPPENDORFF).label_counts()
    assert value(krippendorff_alpha(counts, "ordinal", ""), 6) == 0.815388
    assert value(chance_corrected(counts, "gwet", "", weighting="linear"), 5) == 0.85874


def test_fleiss():
    raters = list(zip(*(list(row) for row in FLEISS_1971), strict=True))
    counts = from_labels({f"r{i}": list(row) for i, row in enumerate(raters)}).label_counts()
    assert value(chance_corrected(counts, "fleiss", ""), 6) == 0.430245
    assert value(chance_corrected(np.array(FLEISS_10X14), "fleiss", ""), 6) == 0.209931


@pytest.mark.parametrize(
    ("rows", "weighting", "expected"),
    [
        ([[25, 13, 12], [12, 2, 16], [3, 15, 2]], "identity", -0.09231),
        ([[88, 14, 18], [10, 40, 10], [2, 6, 12]], "identity", 0.49153),
        ([[88, 14, 18], [10, 40, 10], [2, 6, 12]], "linear", 0.47368),
        ([[88, 14, 18], [10, 40, 10], [2, 6, 12]], "quadratic", 0.45455),
        ([[0, 4, 1], [0, 8, 0], [0, 1, 5]], "identity", 0.48416),
        ([[0, 4, 1], [0, 8, 0], [0, 1, 5]], "linear", 0.47012),
        ([[40, 9], [6, 45]], "identity", 0.69952),
        ([[80, 10], [5, 5]], "identity", 0.31818),
    ],
)
def test_cohen(rows, weighting, expected):
    pairs = pairs_from_contingency(np.array(rows))
    assert value(cohen_kappa(pairs, "", weighting=weighting), 5) == expected


def test_the_kappa_paradox_and_gwets_answer():
    # Feinstein & Cicchetti 1990: 85% agreement, yet kappa .32; and 94% agreement, kappa below 0.
    skewed = np.array([[80, 10], [5, 5]])
    extreme = pairs_from_contingency(np.array([[118, 5], [2, 0]]))
    assert value(cohen_kappa(extreme, ""), 5) == -0.02339
    eye = np.eye(2, dtype=int)
    pairs = pairs_from_contingency(skewed)
    assert value(chance_corrected(eye[pairs.first] + eye[pairs.second], "gwet", ""), 5) == 0.808
    counts = eye[extreme.first] + eye[extreme.second]
    assert value(chance_corrected(counts, "gwet", ""), 5) == 0.94078


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([[88, 14, 18], [10, 40, 10], [2, 6, 12]], 0.05100),
        ([[0, 4, 1], [0, 8, 0], [0, 1, 5]], 0.13801),
    ],
)
def test_asymptotic_standard_error_of_kappa(rows, expected):
    error = kappa_standard_error(np.array(rows))
    assert math.isclose(error, expected, abs_tol=5e-6)


def test_asymptotic_interval_of_sas():
    contingency = np.array([[0, 4, 1], [0, 8, 0], [0, 1, 5]])
    kappa = cohen_kappa(pairs_from_contingency(contingency), "").value
    half = 1.959963984540054 * kappa_standard_error(contingency)
    assert (round(kappa - half, 4), round(kappa + half, 4)) == (0.2137, 0.7547)


# Shrout & Fleiss 1979, table 2: six targets, four judges.
SHROUT = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]],
    dtype=float,
)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("icc1", 0.1657),
        ("icc2", 0.2898),
        ("icc3", 0.7148),
        ("icc1k", 0.4428),
        ("icc2k", 0.6201),
        ("icc3k", 0.9093),
    ],
)
def test_shrout_and_fleiss(form, expected):
    assert value(intraclass_correlation(SHROUT, form, ""), 4) == expected


def test_mcnemar():
    found = mcnemar(121, 59)
    assert round(found["chi2"], 4) == 21.3556
    assert round(found["chi2_corrected"], 4) == 20.6722
    assert math.isclose(found["exact"], 4.43445e-6, rel_tol=2e-6)
    assert math.isclose(found["mid_p"], 3.26665e-6, rel_tol=2e-6)


def test_adjusted_p_values():
    p = [0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205, 0.212, 0.216]
    assert [round(x, 5) for x in false_discovery_control(p, method="bh")[:2]] == [0.01, 0.04]
    assert [round(x, 5) for x in false_discovery_control(p, method="by")[:2]] == [0.02929, 0.11716]


def test_holm():
    p = [0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205, 0.212, 0.216]
    assert [round(x, 3) for x in holm(p)[:2]] == [0.01, 0.072]


def test_bradley_terry_of_citations_between_journals():
    # Stigler 1994: wins of the row over the column (Biometrika, Comm. Statist., JASA, JRSS-B).
    wins = [[0, 730, 498, 221], [33, 0, 68, 17], [320, 813, 0, 142], [284, 276, 325, 0]]
    rows, counts = [], []
    for i in range(4):
        for j in range(4):
            if i != j:
                row = np.zeros(4)
                row[i], row[j] = 1.0, -1.0
                rows.append(row[1:])
                counts.append(wins[i][j])
    # Each row is a win of the first; written half of the time from the loser's side.
    design = np.concatenate([np.array(rows), -np.array(rows)])
    outcomes = np.array([0] * 12 + [2] * 12)
    weights = np.tile(np.array(counts) / 2, 2)
    fit = fit_paired(outcomes, design, np.arange(24), weights)
    assert fit.tie is None
    assert fit.coefficients.round(5).tolist() == [-2.94907, -0.47957, 0.26895]


def test_prediction_powered_inference():
    y, f = (np.array([int(c) for c in word], float) for word in ("10110110", "10100111"))
    unlabelled = np.repeat([1.0, 0.0], [55, 45])
    plain = ppi_mean(y, f, unlabelled, tuning=1.0, small_sample=False)
    assert round(plain.value, 6) == 0.55
    assert (round(plain.low, 6), round(plain.high, 6)) == (0.190065, 0.909935)
    tuned = ppi_mean(y, f, unlabelled, small_sample=False)
    assert round(tuned.value, 6) == 0.594523
    assert (round(tuned.low, 6), round(tuned.high, 6)) == (0.294502, 0.894544)

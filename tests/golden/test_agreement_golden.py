"""Published values of the statistics of agreement; sources stand beside each."""

import math

import numpy as np
import pytest

from harness.agreement.alpha import krippendorff_alpha
from harness.agreement.kappa import cohen_kappa, kappa_standard_error, pairs_from_contingency
from harness.agreement.multi_rater import chance_corrected
from harness.agreement.table import from_labels

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


def test_gwets_ordinal_weights_are_not_krippendorffs_ordinal_metric():
    counts = table(KRIPPENDORFF).label_counts()
    alpha = krippendorff_alpha(counts, "ordinal", "").value
    assert abs(alpha - chance_corrected(counts, "gwet", "", weighting="linear").value) > 0.01


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

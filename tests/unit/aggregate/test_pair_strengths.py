"""Bradley-Terry and Davidson as methods of aggregation: strengths of responses, by hand."""

import numpy as np
import pytest
from scipy.optimize import minimize

from harness.aggregate import METHODS
from harness.aggregate.ranking import HALF
from harness.nouns.errors import DataError
from harness.ratings.table import JUDGE, RatingTable, from_labels

VALUES = np.array([1.0, 0.5, 0.0])


def pairs(contestants, codes, sources=()):
    codes = np.array(codes, dtype=np.int64)
    n, a = codes.shape
    return RatingTable(
        items=tuple(map(str, range(n))),
        annotators=tuple(f"a{k}" for k in range(a)),
        codes=codes,
        categories=("A", "TIE", "B"),
        values=VALUES,
        level="nominal",
        kinds=(JUDGE,) * a,
        clusters=np.arange(n),
        failures=np.zeros_like(codes),
        tie=1,
        sources=sources,
        contestants=np.array(contestants, dtype=np.int64),
    )


def test_one_pair_is_its_share_of_wins():
    table = pairs([(0, 1)], [[0, 0, 0, 2]])
    found = METHODS["bradley_terry"](table, {})
    # Three of four, and a twentieth of a win for each before.
    assert found.probabilities[0] == pytest.approx([(3 + HALF) / 4.1, 0, (1 + HALF) / 4.1])
    weighted = pairs([(0, 1)], [[0, 2]], ("x", "y"))
    found = METHODS["bradley_terry"](weighted, {"x": 3.0, "y": 1.0})
    assert found.probabilities[0, 0] == pytest.approx((3 + HALF) / 4.1)


def test_a_strong_opponent_makes_a_win_worth_more():
    # 0 beats 1 and 1 beats 2, by 3 to 1 each; of 0 and 2 nothing is known but that.
    table = pairs([(0, 1), (1, 2), (0, 2)], [[0, 0, 0, 2], [0, 0, 0, 2], [-1, -1, -1, -1]])
    chances = METHODS["bradley_terry"](table, {}).probabilities
    assert chances[2, 0] > chances[0, 0] > 0.7


CYCLE = [(0, 1), (1, 2), (2, 3), (0, 3), (0, 2), (1, 3)]
CODES = [[0, 1, 0], [0, 2, 1], [1, 1, 0], [0, 0, 2], [2, 0, 1], [0, 1, 1]]


@pytest.mark.parametrize("name", ["bradley_terry", "davidson"])
def test_strengths_are_the_maximum_of_the_likelihood(name):
    contestants, codes = np.array(CYCLE), np.array(CODES)
    ties = name == "davidson"

    def chances(flat):
        theta, nu = flat[:4], np.exp(flat[4]) if ties else 0.0
        a, b = np.exp(theta[contestants[:, 0]]), np.exp(theta[contestants[:, 1]])
        mass = a + b + nu * np.sqrt(a * b)
        return np.stack([a / mass, nu * np.sqrt(a * b) / mass, b / mass], axis=1)

    def negative(flat):
        p = chances(flat)
        counts = np.stack([(codes == k).sum(1) for k in range(3)], axis=1).astype(float)
        if not ties:
            counts = np.stack(
                [
                    counts[:, 0] + counts[:, 1] / 2,
                    0 * counts[:, 1],
                    counts[:, 2] + counts[:, 1] / 2,
                ],
                axis=1,
            )
        counts[:, [0, 2]] += HALF
        return -(counts * np.log(np.maximum(p, 1e-300))).sum() + 1e-9 * (flat**2).sum()

    best = minimize(negative, np.zeros(5), tol=1e-12).x
    found = METHODS[name](pairs(CYCLE, CODES), {})
    assert found.converged
    assert found.probabilities == pytest.approx(chances(best), abs=1e-4)
    assert found.probabilities.sum(1) == pytest.approx(np.ones(6))


@pytest.mark.parametrize("name", ["bradley_terry", "davidson"])
def test_labels_of_single_items_have_no_strengths(name):
    table = from_labels({"a": ["x", "y"], "b": ["x", "x"]})
    with pytest.raises(DataError, match=f"{name} compares responses in pairs"):
        METHODS[name](table, {})

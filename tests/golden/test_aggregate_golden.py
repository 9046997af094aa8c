"""Dawid & Skene (1979), Applied Statistics 28:20: 45 patients, 5 anaesthetists, one three times."""

import numpy as np
import pytest

from harness.aggregate import Votes, dawid_skene

# One word for each patient: three labels of observer 1, then one of each other observer.
PATIENTS = """
1111111 3334334 1122122 2223121 2223222 2223322 1222111 3333433 2222223
2322223 4444444 2223343 1111111 2223212 1211111 1112111 1111111 1111111
2222221 2221322 2222222 2222221 2223222 2212222 1111111 1111111 2322222
1111111 1111111 1121121 1111111 3333233 1111111 2222222 2223232 4334343
2212232 2323233 3333432 1111111 1111111 1212111 2322222 1211111 2222222
""".split()


def votes():
    observers = [0, 0, 0, 1, 2, 3, 4]
    items = np.repeat(np.arange(45), 7)
    labels = np.array([int(label) - 1 for patient in PATIENTS for label in patient])
    return Votes(items, np.tile(observers, 45), labels, 45, 5, 4)


def test_dawid_and_skene_1979():
    fit = dawid_skene(votes(), tolerance=1e-10)
    assert fit.converged
    assert fit.prior.round(4).tolist() == [0.3996, 0.4220, 0.1118, 0.0667]
    assert round(fit.log_likelihood, 4) == -192.8909
    diagonal = np.diagonal(fit.confusion[0])
    assert diagonal == pytest.approx([0.8895, 0.8764, 0.6612, 0.4444], abs=5e-5)
    assert fit.probabilities.sum(1) == pytest.approx(np.ones(45))

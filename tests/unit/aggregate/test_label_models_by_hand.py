"""Models of annotators: weights and chances worked out by hand, or by an independent fit."""

from itertools import combinations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from harness.aggregate import (
    agreement_weighted_votes,
    excess_agreement,
    glad,
    stacking,
    votes_from_codes,
)
from harness.ratings.posterior import Posterior


def test_expected_agreement_is_that_of_the_items_both_labelled():
    # 12 items of both, 9 of them alike; 12 more of the first annotator alone.
    first = np.zeros(24, dtype=np.int64)
    second = np.repeat([0, 1, -1], [9, 3, 12])
    posterior = np.repeat([[0.75, 0.25], [0.0, 1.0]], 12, axis=0)
    confusion = np.array([[[0.9, 0.1], [0.5, 0.5]], [[0.8, 0.2], [0.5, 0.5]]])
    fit = Posterior(posterior, posterior.mean(0), confusion, 0.0, 1, True)
    excess = excess_agreement(votes_from_codes(np.column_stack([first, second]), 2), fit)
    # Alike: .9 * .8 + .1 * .2 = .74 where the truth is 0, .5 where it is 1;
    # .75 * .74 + .25 * .5 = .68, and 9/12 were seen.
    assert excess[0, 1] == excess[1, 0] == pytest.approx(0.75 - 0.68)


# Each is once alone against two who agree, and hears a tie where another is alone.
ALIKE = np.array([[0, 0, 1], [0, 1, 0], [1, 0, 0], [0, 0, 0], [0, 0, 0], [1, 1, 1], [1, 1, 1]])


def test_a_label_that_fits_one_of_two_tied_votes_counts_half():
    _, weights = agreement_weighted_votes(votes_from_codes(ALIKE, 2))
    # 4 unanimous items, 2 ties and a miss: (4 + 2/2) / 7. Of all labels 12/21 are 0, and each says
    # 0 four times of 7: by chance (4 * 4/7 + 3 * 3/7) / 7 = 25/49. (35 - 25) / (49 - 25) = 5/12.
    assert weights == pytest.approx(np.full(3, 5 / 12))


def test_an_annotator_whom_nobody_can_confirm_keeps_its_weight():
    codes = np.column_stack([ALIKE, np.full(7, -1)])
    codes = np.vstack([codes, [-1, -1, -1, 1]])
    fit, weights = agreement_weighted_votes(votes_from_codes(codes, 2))
    # Chance is (4 * 12/22 + 3 * 10/22) / 7 = 39/77: (55 - 39) / (77 - 39) = 8/19.
    assert weights == pytest.approx([8 / 19] * 3 + [1.0])
    assert fit.probabilities[7].tolist() == [0.0, 1.0]


def test_glad_without_labels_stays_at_the_middle_of_its_priors():
    codes = np.array([[0, 0, -1], [1, 1, -1], [1, 0, -1], [-1, -1, -1]])
    fit = glad(votes_from_codes(codes, 2))
    assert (fit.ability[2], fit.easiness[3]) == (pytest.approx(1.0), pytest.approx(np.e))


def noisy(seed, n, annotators, classes, shares):
    rng = np.random.default_rng(seed)
    truth = rng.choice(classes, n, p=shares)
    right = rng.random((n, annotators)) < 0.65
    other = (truth[:, None] + rng.integers(1, classes, right.shape)) % classes
    return np.where(right, truth[:, None], other), truth


def test_stacking_is_multinomial_regression_that_leaves_out_each_gold_item():
    codes, truth = noisy(1, 26, 3, 3, [0.6, 0.25, 0.15])
    gold = np.where(np.arange(26) < 18, truth, -1)
    assert np.bincount(truth[:18]).min() >= 2
    x = np.eye(3)[codes].reshape(26, 9)

    def predicted(rest, at):
        model = LogisticRegression(C=1 / 0.5, tol=1e-10, max_iter=10_000)
        return model.fit(x[rest], truth[rest]).predict_proba(x[at])

    known = np.arange(18)
    expected = [predicted(known[known != k], [k])[0] for k in known]
    expected += list(predicted(known, np.arange(18, 26)))
    # As many folds as gold items: each is a fold of its own, whatever the seed.
    fit = stacking(votes_from_codes(codes, 3), gold, ridge=0.5, folds=18, seed=3)
    assert fit.probabilities == pytest.approx(np.array(expected), abs=1e-3)


def test_seed_of_stacking_draws_the_folds():
    codes, truth = noisy(1, 6, 5, 2, [0.5, 0.5])
    votes = votes_from_codes(codes, 2)
    splits = {}
    for others in combinations(range(1, 6), 2):
        half = np.isin(np.arange(6), (0, *others))
        if np.unique(truth[half]).size == 2 == np.unique(truth[~half]).size:
            learnt = [stacking(votes, np.where(of, truth, -1), folds=3) for of in (~half, half)]
            splits[others] = np.where(
                half[:, None], learnt[0].probabilities, learnt[1].probabilities
            )
    drawn = []
    for seed in range(6):
        found = stacking(votes, truth, folds=2, seed=seed).probabilities
        drawn.append([name for name, out in splits.items() if np.allclose(found, out, atol=1e-6)])
    # Each seed gives one split into two halves, and not all give the same.
    assert [len(split) for split in drawn] == [1] * 6
    assert len({split[0] for split in drawn}) >= 3

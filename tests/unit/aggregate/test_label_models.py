"""Models of annotators on simulated labels: what each is good at, and where all go wrong."""

import numpy as np
import pytest

from harness.aggregate import (
    agreement_weighted_votes,
    dawid_skene,
    excess_agreement,
    glad,
    mace,
    one_coin,
    shares,
    stacking,
    votes_from_codes,
)


def simulate(seed, n=600, accuracies=(0.9, 0.8, 0.7, 0.6, 0.6), classes=3, gaps=0.3):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, n)
    right = rng.random((n, len(accuracies))) < np.array(accuracies)
    other = (truth[:, None] + rng.integers(1, classes, right.shape)) % classes
    codes = np.where(right, truth[:, None], other)
    codes[rng.random(codes.shape) < gaps] = -1
    return codes.astype(np.int64), truth


def score(posterior, truth):
    return float((posterior.argmax(1) == truth).mean())


@pytest.mark.parametrize("model", [dawid_skene, one_coin, mace, lambda v: glad(v).fit])
def test_models_beat_the_vote_where_annotators_differ(model):
    codes, truth = simulate(1, accuracies=(0.95, 0.5, 0.5, 0.45, 0.45), gaps=0.0)
    votes = votes_from_codes(codes, 3)
    fit = model(votes)
    assert fit.converged
    assert score(fit.probabilities, truth) > score(shares(votes).probabilities, truth) + 0.05
    assert fit.probabilities.sum(1) == pytest.approx(np.ones(len(truth)))
    assert fit.confusion.sum(2) == pytest.approx(np.ones((5, 3)))


def test_agreement_weights_follow_accuracy():
    codes, truth = simulate(2)
    fit, weights = agreement_weighted_votes(votes_from_codes(codes, 3))
    assert weights[0] > weights[2] > weights[4]
    assert score(fit.probabilities, truth) > 0.8


def test_dawid_skene_finds_the_confusion_matrices():
    codes, _ = simulate(3, n=4000, gaps=0.2)
    fit = dawid_skene(votes_from_codes(codes, 3))
    diagonal = np.diagonal(fit.confusion, axis1=1, axis2=2).mean(1)
    assert diagonal == pytest.approx([0.9, 0.8, 0.7, 0.6, 0.6], abs=0.04)


def test_mace_finds_the_spammer():
    codes, _ = simulate(5, accuracies=(0.9, 0.9, 0.8), gaps=0.0)
    codes = np.column_stack([codes, np.zeros(len(codes), dtype=np.int64)])
    fit = mace(votes_from_codes(codes, 3))
    assert fit.confusion[3][:, 0] == pytest.approx(np.ones(3), abs=0.02)


def test_glad_tells_hard_items_and_adversaries():
    rng = np.random.default_rng(6)
    truth = rng.integers(0, 2, 300)
    hard = np.arange(300) < 100
    chance = np.where(hard, 0.6, 0.97)[:, None]
    codes = np.where(rng.random((300, 9)) < chance, truth[:, None], 1 - truth[:, None])
    codes = np.column_stack([codes, 1 - truth])
    fit = glad(votes_from_codes(codes.astype(np.int64), 2))
    assert fit.easiness[~hard].mean() > fit.easiness[hard].mean() + 0.2
    assert fit.ability[9] < 0 < fit.ability[:9].min()


def correlated(seed, n=1500):
    """Five judges of one family that copy the same wrong verdict, and two independent ones."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, n)
    family = np.where(rng.random(n) < 0.65, truth, 1 - truth)
    same = np.where(rng.random((n, 5)) < 0.95, family[:, None], 1 - family[:, None])
    alone = np.where(rng.random((n, 2)) < 0.85, truth[:, None], 1 - truth[:, None])
    return np.column_stack([same, alone]).astype(np.int64), truth


def test_correlated_judges_make_dawid_skene_sure_and_wrong_and_stacking_does_not():
    codes, truth = correlated(7)
    votes = votes_from_codes(codes, 2)
    fit = dawid_skene(votes)
    assert fit.probabilities.max(1).mean() > 0.95
    assert score(fit.probabilities, truth) < 0.75
    gold = np.where(np.arange(truth.size) < 200, truth, -1)
    stacked = stacking(votes, gold)
    assert score(stacked.probabilities[200:], truth[200:]) > 0.8


def test_excess_agreement_shows_that_annotators_depend_on_each_other():
    independent, _ = simulate(8, n=2000, accuracies=(0.8, 0.8, 0.8, 0.7, 0.7), gaps=0.0)
    votes = votes_from_codes(independent, 3)
    assert np.nanmax(excess_agreement(votes, dawid_skene(votes))) < 0.05
    # A pair that copies captures the model: it is the others who then agree beyond it.
    codes, _ = simulate(8, n=2000, accuracies=(0.8, 0.8, 0.8, 0.7), gaps=0.0)
    rng = np.random.default_rng(9)
    copy = np.where(rng.random(2000) < 0.9, codes[:, 3], rng.integers(0, 3, 2000))
    codes = np.column_stack([codes, copy])
    votes = votes_from_codes(codes, 3)
    excess = excess_agreement(votes, dawid_skene(votes))
    assert np.nanmax(excess) > 0.1


def test_items_without_labels_get_the_prior():
    codes = np.array([[0, 0], [1, 1], [0, -1], [-1, -1]])
    fit = dawid_skene(votes_from_codes(codes, 2))
    assert fit.probabilities[3] == pytest.approx(fit.prior)


def test_stacking_needs_gold_of_two_classes():
    votes = votes_from_codes(np.zeros((10, 2), dtype=np.int64), 2)
    with pytest.raises(ValueError, match="two classes"):
        stacking(votes, np.zeros(10, dtype=np.int64))

"""Other models of annotators: one-coin, MACE, GLAD, weighted votes, stacking on gold labels."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from harness.aggregate.dawid_skene import Em, Prior, Votes, fit_by_em, held_prior, row_shares
from harness.ratings.posterior import Posterior
from harness.statistics.arrays import FloatArray, IntArray

_TINY = 1e-9


def shares(votes: Votes, weights: FloatArray | None = None) -> Posterior:
    """Return soft labels: the share of votes of each class; of the prior where nobody voted.

    ``weights`` is (n_annotators,) the weight of each, 1 by default.
    """
    counts = votes.counts(weights)
    total = counts.sum(1, keepdims=True)
    prior = counts.sum(0) / max(_TINY, float(counts.sum()))
    posterior = np.where(total > 0, counts / np.maximum(total, _TINY), prior)
    return described(votes, posterior)


def agreement_weighted_votes(votes: Votes, rounds: int = 20) -> tuple[Posterior, FloatArray]:
    """Weight each annotator by its chance-corrected agreement with the votes of the others.

    The weight is (p - q) / (1 - q), at least 0, of the share p of its labels that fit the weighted
    votes of the others, and the share q expected by chance; repeated until it settles.

    Returns:
        The fit, and the (n_annotators,) weights.
    """
    a, c = votes.n_annotators, votes.n_classes
    weights = np.ones(a)
    number = np.bincount(votes.annotators, minlength=a)
    prior = votes.counts().sum(0) / max(1, votes.items.size)
    chance = np.bincount(votes.annotators, prior[votes.labels], a) / np.maximum(number, 1)
    for _ in range(rounds):
        counts = votes.counts(weights)
        rest = counts[votes.items]
        rest[np.arange(votes.items.size), votes.labels] -= weights[votes.annotators]
        heard = rest.sum(1) > _TINY
        best = rest[heard] >= rest[heard].max(1, keepdims=True) - _TINY
        fits = best[np.arange(best.shape[0]), votes.labels[heard]] / best.sum(1)
        size = np.bincount(votes.annotators[heard], minlength=a)
        share = np.bincount(votes.annotators[heard], fits, a) / np.maximum(size, 1)
        fresh = np.clip((share - chance) / np.maximum(1 - chance, _TINY), 0.0, 1.0)
        fresh = np.where(size > 0, fresh, 1.0)
        if not fresh.any():
            fresh = np.ones_like(fresh)
        done = np.abs(fresh - weights).max() < 1e-6
        weights = fresh
        if done:
            break
    fit = shares(votes, weights)
    uniform = np.full(c, 1.0 / c)
    empty = votes.counts(weights).sum(1) <= _TINY
    posterior = np.where(empty[:, None], prior if prior.sum() else uniform, fit.probabilities)
    return described(votes, posterior), weights


def one_coin(
    votes: Votes,
    *,
    prior: Prior = "uniform",
    start: FloatArray | None = None,
    max_steps: int = 500,
    tolerance: float = 1e-7,
) -> Posterior:
    """One accuracy for each annotator, errors spread evenly (Zhang et al. 2014, one-coin model).

    Fewer parameters than Dawid-Skene: for annotators with few labels each. The prior is held: with
    as little else to fit, an estimated one takes all items into one class. Arguments as there.
    """
    number = np.bincount(votes.annotators, minlength=votes.n_annotators)
    diagonal = np.eye(votes.n_classes, dtype=bool)

    def confusion(seen: FloatArray) -> FloatArray:
        accuracy = (np.trace(seen, axis1=1, axis2=2) + 1e-3) / (number + 2e-3)  # never certain
        wrong = (1 - accuracy) / max(1, votes.n_classes - 1)
        return np.asarray(np.where(diagonal, accuracy[:, None, None], wrong[:, None, None]))

    return fit_by_em(votes, confusion, Em(prior, start, max_steps, tolerance))


def mace(
    votes: Votes,
    *,
    smoothing: float = 0.1,
    prior: Prior = "estimated",
    start: FloatArray | None = None,
    max_steps: int = 500,
    tolerance: float = 1e-7,
) -> Posterior:
    """Annotators either know or spam (MACE; Hovy et al. 2013, NAACL).

    With probability s an annotator does not look and labels by a habit xi of its own:
    P(l | t) = (1 - s) [l = t] + s xi_l. ``smoothing`` is the pseudo-count of spamming and not
    spamming, and of each habit; other arguments as of Dawid-Skene.
    """
    c, a = votes.n_classes, votes.n_annotators
    given = np.bincount(votes.annotators * c + votes.labels, minlength=a * c).reshape(a, c)
    spam, habit = np.full((a, 1), 0.5), np.full((a, c), 1.0 / c)

    def confusion(seen: FloatArray) -> FloatArray:
        nonlocal spam, habit
        right = np.diagonal(seen, axis1=1, axis2=2)  # (annotator, label = class)
        knows = (1 - spam) / np.maximum(1 - spam + spam * habit, _TINY)
        spammed = given - right * knows
        total = spammed.sum(1, keepdims=True)
        spam = (total + smoothing) / (given.sum(1, keepdims=True) + 2 * smoothing)
        habit = row_shares(spammed + smoothing)
        return np.asarray((1 - spam)[:, None] * np.eye(c) + (spam * habit)[:, None])

    return fit_by_em(votes, confusion, Em(prior, start, max_steps, tolerance))


@dataclass(frozen=True)
class GladFit:
    """GLAD's view.

    Args:
        fit: Posterior and mean confusion matrices.
        ability: (n_annotators,) alpha; below 0 is adversarial.
        easiness: (n_items,) beta; near 0 is hard.
    """

    fit: Posterior
    ability: FloatArray
    easiness: FloatArray


def glad(
    votes: Votes,
    *,
    prior: Prior = "uniform",
    start: FloatArray | None = None,
    max_steps: int = 100,
    tolerance: float = 1e-6,
) -> GladFit:
    """Abilities of annotators and easiness of items (GLAD; Whitehill et al. 2009, NeurIPS).

    P(right) = sigmoid(alpha_w beta_i), errors spread evenly; alpha and log beta have normal priors
    of mean and variance 1, as published. The M-step climbs by diagonal Newton steps. The prior of
    the classes is held: an estimated one takes all items into one class.

    Arguments as of Dawid-Skene.
    """
    c, who, what = votes.n_classes, votes.annotators, votes.items
    ability, ease = np.ones(votes.n_annotators), np.ones(votes.n_items)
    held = held_prior(prior, votes)
    posterior = shares(votes).probabilities if start is None else start
    share = np.full(c, 1.0 / c)
    before, level, steps, converged = -np.inf, -np.inf, 0, False
    while not converged and steps < max_steps:
        steps += 1
        right = posterior[what, votes.labels]
        share = posterior.mean(0) if held is None else held
        for _ in range(5):
            beta = np.exp(ease)[what]
            ability = ability + _newton(who, ability[who] * beta, beta, right, ability - 1)
            z = ability[who] * beta
            ease = ease + _newton(what, z, z, right, ease - 1)
        p = np.clip(1 / (1 + np.exp(-ability[who] * np.exp(ease)[what])), 1e-12, 1 - 1e-12)
        joint = np.tile(np.log(np.maximum(share, 1e-300)), (votes.n_items, 1))
        wrong = np.log((1 - p) / max(1, c - 1))
        joint += np.bincount(what, wrong, votes.n_items)[:, None]
        flat = np.bincount(what * c + votes.labels, np.log(p) - wrong, votes.n_items * c)
        joint += flat.reshape(votes.n_items, c)
        top = joint.max(1, keepdims=True)
        scaled = np.exp(joint - top)
        mass = scaled.sum(1, keepdims=True)
        posterior = scaled / mass
        level = float((np.log(mass[:, 0]) + top[:, 0]).sum())
        converged = abs(level - before) < tolerance * max(1, what.size)
        before = level
    confusion = described(votes, posterior).confusion
    fit = Posterior(posterior, share, confusion, level, steps, converged)
    return GladFit(fit, ability, np.exp(ease))


def _newton(
    of: IntArray, z: FloatArray, slope: FloatArray, right: FloatArray, pulled: FloatArray
) -> FloatArray:
    """Return one Newton step of each parameter, whose z changes by ``slope``, under its prior."""
    p = 1 / (1 + np.exp(-z))
    up = np.bincount(of, (right - p) * slope, pulled.size) - pulled
    bend = np.bincount(of, p * (1 - p) * slope**2, pulled.size) + 1
    return np.asarray(np.clip(up / bend, -1, 1))


def stacking(
    votes: Votes, gold: IntArray, *, ridge: float = 1.0, folds: int = 5, seed: int = 0
) -> Posterior:
    """Learn from gold labels how to read the annotators (multinomial logistic regression).

    The features are one-hot labels of each annotator, so what correlated judges say is not counted
    twice. Gold items get their prediction from folds they are not in.

    Args:
        votes: The labels.
        gold: (n_items,) true class, -1 where unknown.
        ridge: Penalty of squared coefficients.
        folds: Number of folds of the gold items.
        seed: Seed of the folds.

    Raises:
        ValueError: Fewer than two classes or ``folds`` items have a gold label.
    """
    known = np.flatnonzero(gold >= 0)
    if np.unique(gold[known]).size < 2 or known.size < folds:
        raise ValueError("stacking needs gold labels of at least two classes")
    x = np.zeros((votes.n_items, votes.n_annotators * votes.n_classes))
    np.add.at(x, (votes.items, votes.annotators * votes.n_classes + votes.labels), 1.0)
    model = _softmax_regression(x[known], gold[known], votes.n_classes, ridge)
    posterior = _softmax(x, model)
    fold = np.random.default_rng(seed).permutation(known.size) % folds
    for number in range(folds):
        out = known[fold == number]
        rest = known[fold != number]
        held = _softmax_regression(x[rest], gold[rest], votes.n_classes, ridge)
        posterior[out] = _softmax(x[out], held)
    return described(votes, posterior)


def _softmax(x: FloatArray, model: FloatArray) -> FloatArray:
    logits = x @ model[:-1] + model[-1]
    logits -= logits.max(1, keepdims=True)
    chances = np.exp(logits)
    return np.asarray(chances / chances.sum(1, keepdims=True))


def _softmax_regression(x: FloatArray, y: IntArray, c: int, ridge: float) -> FloatArray:
    from scipy.optimize import minimize

    n, d = x.shape
    hot = np.eye(c)[y]

    def loss(flat: FloatArray) -> tuple[float, FloatArray]:
        model = flat.reshape(d + 1, c)
        p = _softmax(x, model)
        value = -float(np.log(np.maximum(p[np.arange(n), y], 1e-300)).sum())
        value += 0.5 * ridge * float((model[:-1] ** 2).sum()) + 1e-6 * float((model[-1] ** 2).sum())
        gap = p - hot
        slope = np.vstack([x.T @ gap + ridge * model[:-1], gap.sum(0) + 2e-6 * model[-1]])
        return value, slope.reshape(-1)

    found = minimize(loss, np.zeros((d + 1) * c), jac=True, method="L-BFGS-B")
    return np.asarray(found.x.reshape(d + 1, c))


def described(votes: Votes, posterior: FloatArray) -> Posterior:
    """Return a posterior whose confusion matrices are counted against its chances."""
    a, c = votes.n_annotators, votes.n_classes
    flat = votes.annotators * c + votes.labels
    held = posterior[votes.items]
    said = [np.bincount(flat, held[:, k], a * c).astype(np.float64) for k in range(c)]
    seen = np.stack(said, axis=-1).reshape(a, c, c).transpose(0, 2, 1)
    return Posterior(posterior, posterior.mean(0), row_shares(seen), float("nan"), 0, True)


def excess_agreement(votes: Votes, fit: Posterior) -> FloatArray:
    """Return (a, a) how much more often two annotators agree than the model expects.

    The models take errors as independent given the truth. Where annotators copy each other or are
    of one family, some pair agrees beyond that, and the model is too sure. It need not be the
    copying pair: a model that follows the copies leaves the agreement of the others unexplained.
    NaN without 10 common items.

    Of repeated labels the last counts.
    """
    a = votes.n_annotators
    codes = np.full((votes.n_items, a), -1, dtype=np.int64)
    codes[votes.items, votes.annotators] = votes.labels
    found = np.full((a, a), np.nan)
    for i, j in combinations(range(a), 2):
        both = (codes[:, i] >= 0) & (codes[:, j] >= 0)
        if both.sum() >= 10:
            alike = (fit.confusion[i] * fit.confusion[j]).sum(-1)
            observed = float((codes[both, i] == codes[both, j]).mean())
            expected = float((fit.probabilities[both] @ alike).mean())
            found[i, j] = found[j, i] = observed - expected
    return found

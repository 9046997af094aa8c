"""Dawid-Skene: the true label of each item and the confusion matrix of each annotator, by EM."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from harness.ratings.posterior import Posterior
from harness.statistics.arrays import FloatArray, IntArray

_FLOOR = 1e-300
_DUST = 1e-150  # less than this is what the floor left, not a count
_SAMPLE = 4_000


@dataclass(frozen=True)
class Votes:
    """Labels in long form; an annotator may label an item more than once.

    Args:
        items: (m,) item of each label, 0..n_items-1.
        annotators: (m,) annotator of each label.
        labels: (m,) label, 0..n_classes-1.
        n_items: Number of items.
        n_annotators: Number of annotators.
        n_classes: Number of classes.
    """

    items: IntArray
    annotators: IntArray
    labels: IntArray
    n_items: int
    n_annotators: int
    n_classes: int

    def counts(self, weights: FloatArray | None = None) -> FloatArray:
        """Return (n_items, n_classes) votes, each weighted by its annotator's weight."""
        flat = self.items * self.n_classes + self.labels
        size = self.n_items * self.n_classes
        votes = None if weights is None else weights[self.annotators]
        counted = np.bincount(flat, weights=votes, minlength=size)
        return counted.reshape(self.n_items, self.n_classes).astype(np.float64)


def votes_from_codes(codes: IntArray, n_classes: int) -> Votes:
    """Return the votes of (n, a) codes, -1 where there is no label."""
    items, annotators = np.nonzero(codes >= 0)
    return Votes(
        items, annotators, codes[items, annotators], codes.shape[0], codes.shape[1], n_classes
    )


Prior = Literal["estimated", "uniform"] | FloatArray
"""Share of each class before any label: fitted to the labels, all alike, or (c,) given."""


def dawid_skene(
    votes: Votes,
    *,
    smoothing: float = 0.0,
    prior: Prior = "estimated",
    start: FloatArray | None = None,
    max_steps: int = 500,
    tolerance: float = 1e-6,
) -> Posterior:
    """Fit the model of Dawid & Skene (1979, Applied Statistics 28:20) by EM.

    Starts from the share of votes for each class, so a class keeps its meaning. Items with the same
    labels of the same annotators are one row with a count, which a panel of few judges makes fast.

    Args:
        votes: The labels.
        smoothing: Pseudo-count of every cell of a confusion matrix; 0 is maximum likelihood.
        prior: Share of each class.
        start: (n_items, n_classes) chances to start from; the shares of votes by default.
        max_steps: Largest number of EM steps.
        tolerance: Stop when the log-likelihood of a label rises by less in one step.
    """
    how = Em(prior, start, max_steps, tolerance)
    return fit_by_em(votes, lambda seen: row_shares(seen + smoothing), how)


@dataclass(frozen=True)
class Em:
    """How EM goes.

    Args:
        prior: Share of each class.
        start: (n_items, n_classes) chances to start from; the shares of votes where it is None.
        max_steps: Largest number of EM steps.
        tolerance: Stop when the log-likelihood of a label rises by less in one step.
    """

    prior: Prior = "estimated"
    start: FloatArray | None = None
    max_steps: int = 500
    tolerance: float = 1e-6


def held_prior(prior: Prior, votes: Votes) -> FloatArray | None:
    """Return the prior that a fit holds; None where it is estimated.

    A uniform one is that over the classes that anybody gave.
    """
    if not isinstance(prior, str):
        return prior
    if prior == "estimated":
        return None
    given = np.bincount(votes.labels, minlength=votes.n_classes) > 0
    given |= not given.any()
    return np.asarray(given / given.sum())


def fit_by_em(votes: Votes, confusion_of: Callable[[FloatArray], FloatArray], how: Em) -> Posterior:
    """Fit a model of annotators by EM.

    Args:
        votes: The labels.
        confusion_of: M-step: (annotators, classes, labels) expected counts -> P(label | class).
        how: Prior, start and end.
    """
    design, posterior, weight, row_of = patterns(votes)
    if how.start is not None:
        posterior = np.empty_like(posterior)
        posterior[row_of] = how.start
    c, a = votes.n_classes, votes.n_annotators
    single = bool((weight == 1).all())
    transposed = design.T
    before, level, steps, converged = -np.inf, -np.inf, 0, False
    held = held_prior(how.prior, votes)
    prior, confusion = np.full(c, 1.0 / c), np.full((a, c, c), 1.0 / c)
    while not converged and steps < how.max_steps:
        steps += 1
        weighted = posterior if single else posterior * weight[:, None]
        prior = weight @ posterior / weight.sum() if held is None else held
        # (a * labels, classes) -> (a, classes, labels)
        confusion = confusion_of((transposed @ weighted).reshape(a, c, c).transpose(0, 2, 1))
        posterior, level = expect(design, weight, prior, confusion)
        converged = level - before < how.tolerance * max(1, votes.items.size)
        before = level
    return Posterior(posterior[row_of], prior, confusion, level, steps, converged)


def expect(
    design: Any, weight: FloatArray, prior: FloatArray, confusion: FloatArray
) -> tuple[FloatArray, float]:
    """Return the posterior of each row and the log-likelihood (E-step)."""
    c = prior.size
    table = np.log(np.maximum(confusion, _FLOOR)).transpose(0, 2, 1).reshape(-1, c)
    joint: FloatArray = np.asarray(design @ table)
    joint += np.log(np.maximum(prior, _FLOOR))
    # Column by column and by products: numpy's reductions over a short last axis are slow.
    top = joint[:, 0].copy()
    for k in range(1, c):
        np.maximum(top, joint[:, k], out=top)
    joint -= top[:, None]
    np.exp(joint, out=joint)
    mass = joint @ np.ones(c)
    joint /= mass[:, None]
    return joint, float(weight @ (np.log(mass) + top))


def row_shares(counts: FloatArray) -> FloatArray:
    """Return (..., c, c) counts as shares of their row; a row without counts is uniform."""
    total = counts.sum(-1, keepdims=True)
    flat = np.full_like(counts, 1.0 / counts.shape[-1])
    return np.asarray(np.divide(counts, total, out=flat, where=total > _DUST))


def patterns(votes: Votes) -> tuple[Any, FloatArray, FloatArray, IntArray]:
    """Collapse items with the same labels.

    Returns:
        The sparse (p, annotators * classes) counts of labels, the (p, classes) shares of votes, the
        (p,) number of items of each row, and the (n_items,) row of each item.
    """
    from scipy.sparse import csr_array

    c = votes.n_classes
    n = votes.items.size
    columns = votes.annotators * c + votes.labels
    design = csr_array(
        (np.ones(n), (votes.items, columns)), shape=(votes.n_items, votes.n_annotators * c)
    )
    share = votes.counts()
    total = share.sum(1, keepdims=True)
    share = np.divide(share, total, out=np.full_like(share, 1.0 / c), where=total > 0)
    # Two independent 64-bit sums tell rows apart; a collision of both has odds of about 1e-26.
    rng = np.random.default_rng(1979)
    names = rng.integers(-(2**62), 2**62, (2, votes.n_annotators * c), dtype=np.int64)
    alone = (design, share, np.ones(votes.n_items), np.arange(votes.n_items))
    step = votes.n_items // _SAMPLE + 1
    if step > 1:
        # Where hardly two of some thousand items are alike, collapsing is not worth its sort.
        some = votes.items % step == 0
        key = np.zeros(votes.n_items // step + 1, dtype=np.int64)
        np.add.at(key, votes.items[some] // step, names[0, columns[some]])
        if np.unique(key).size > 0.9 * key.size:
            return alone
    keys = np.zeros((2, votes.n_items), dtype=np.int64)
    for key, name in zip(keys, names, strict=True):
        np.add.at(key, votes.items, name[columns])
    order = np.argsort(keys[0], kind="stable")
    ordered = [key[order] for key in keys]
    fresh = np.ones(votes.n_items, dtype=bool)
    fresh[1:] = (ordered[0][1:] != ordered[0][:-1]) | (ordered[1][1:] != ordered[1][:-1])
    row_of = np.empty(votes.n_items, dtype=np.int64)
    row_of[order] = np.cumsum(fresh) - 1
    first = order[fresh]
    weight = np.bincount(row_of, minlength=first.size).astype(np.float64)
    if first.size > 0.7 * votes.n_items:
        return alone
    return design[first], share[first], weight, row_of

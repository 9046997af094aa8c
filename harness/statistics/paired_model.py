"""Davidson's model of paired comparisons with covariates; pure, below all stages.

P(first), P(tie), P(second) are proportional to exp(eta/2), exp(tau), exp(-eta/2), where eta is a
linear function of covariates (Davidson 1970, JASA 65:317). Without ties it is the model of Bradley
& Terry (1952). A tie is an outcome of its own, not half a win: counting it as half shrinks effects.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from harness.statistics.arrays import FloatArray, IntArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Design: TypeAlias = "FloatArray | csr_array"

FIRST, TIE, SECOND = 0, 1, 2
_SIDE = np.array([0.5, 0.0, -0.5])
NO_SPREAD = 1e-12  # squared log-odds; a million prompts of a fair coin have 4e-6
_FAR = 30.0  # log-odds beyond which outcomes are separated and no estimate exists


@dataclass(frozen=True)
class Comparisons:
    """Comparisons of systems.

    Args:
        first: (n,) system whose answer stood first.
        second: (n,) system whose answer stood second.
        outcomes: (n,) 0 first won, 1 tie, 2 second won.
        systems: Names.
        clusters: (n,) comparisons with the same number are not independent.
        length_gap: (n,) length of the first answer minus the second's; None without.
        left_out: Names of both systems of each comparison that has no winner and is not counted.
    """

    first: IntArray
    second: IntArray
    outcomes: IntArray
    systems: tuple[str, ...]
    clusters: IntArray
    length_gap: FloatArray | None = None
    left_out: tuple[tuple[str, str], ...] = ()

    @property
    def strongly_connected(self) -> bool:
        """Whether each system can be reached from each other along "did not lose to".

        Otherwise the strength of some group of systems is infinite (Ford 1957, AMM 64:28).
        """
        from scipy.sparse import csr_array
        from scipy.sparse.csgraph import connected_components

        first, second, n = self.first, self.second, len(self.systems)
        held, lost = self.outcomes != SECOND, self.outcomes != FIRST
        beat = np.concatenate([first[held], second[lost]])
        beaten = np.concatenate([second[held], first[lost]])
        graph = csr_array((np.ones(beat.size), (beat, beaten)), shape=(n, n))
        return bool(connected_components(graph, directed=True, connection="strong")[0] == 1)


@dataclass(frozen=True)
class PairedFit:
    """A fitted model.

    Args:
        coefficients: (d,) effects on the log-odds of the first over the second.
        tie: Log of Davidson's nu; None when no outcome is a tie.
        covariance: (d, d) cluster-robust (CR1) covariance of the coefficients.
        clusters: Independent groups of comparisons.
        problem: Why there is no estimate; empty when there is one.
    """

    coefficients: FloatArray
    tie: float | None
    covariance: FloatArray
    clusters: int
    problem: str = ""

    @property
    def errors(self) -> FloatArray:
        """Return the (d,) standard errors, NaN where the clusters tell nothing of the spread.

        That is one cluster, or as many as pull alike: the variance is then 0 but for rounding, and
        an interval without width would be a promise that nobody can keep.
        """
        variance = np.diagonal(self.covariance)
        return np.asarray(np.sqrt(np.where(variance > NO_SPREAD, variance, np.nan)))


def fit_paired(
    outcomes: IntArray, design: Design, clusters: IntArray, weights: FloatArray | None = None
) -> PairedFit:
    """Fit by Newton's method; the likelihood is concave, so the maximum is the only one.

    Args:
        outcomes: (n,) 0 first, 1 tie, 2 second.
        design: (n, d) covariates, in the direction of the first; sparse where each comparison has
            few of many, as those of systems.
        clusters: (n,) comparisons with the same number are not independent.
        weights: (n,) weight of each comparison; 1 by default.
    """
    n, d = design.shape
    w = np.ones(n) if weights is None else weights
    ties = bool((outcomes == TIE).any())
    _, group = np.unique(clusters, return_inverse=True)
    groups = int(group.max(initial=-1)) + 1
    nothing = PairedFit(np.full(d, np.nan), None, np.full((d, d), np.nan), groups)
    if n == 0:
        return replace(nothing, problem="no comparison")
    if np.unique(outcomes).size < 2:
        return replace(nothing, problem="every comparison came out the same way")
    if _rank(design) < d:
        return replace(nothing, problem=COMBINED)
    separated = replace(nothing, problem="the outcomes are separated by a covariate")
    model = _Model(outcomes, design, w, ties)
    theta = np.zeros(d + ties)
    for _ in range(100):
        level = model.level(theta)
        try:
            step = np.linalg.solve(model.information(theta), model.score(theta))
        except np.linalg.LinAlgError:
            return separated
        scale = 1.0
        while scale > 1e-6:
            if model.level(theta + scale * step) >= level - 1e-12:
                break
            scale /= 2
        theta = theta + scale * step
        if np.abs(design @ theta[:d]).max() > _FAR:
            return separated
        if np.abs(scale * step).max() < 1e-10:
            break
    inverse = np.linalg.pinv(model.information(theta))
    factor = groups / (groups - 1) if groups > 1 else np.nan
    covariance = factor * inverse @ model.spread_of_scores(theta, group) @ inverse
    return PairedFit(theta[:d], float(theta[d]) if ties else None, covariance[:d, :d], groups)


def influences(
    fit: PairedFit, outcomes: IntArray, design: Design, weights: FloatArray | None = None
) -> FloatArray:
    """Return (n, d) how far one more comparison like each would move each coefficient.

    To the first order: the inverse of the information times the score of the comparison. What
    clusters, or seeds of a policy, do to a coefficient is the sum over their comparisons.

    Args:
        fit: Of the same comparisons, without a problem.
        outcomes: (n,) 0 first, 1 tie, 2 second.
        design: (n, d) covariates.
        weights: (n,) weight of each comparison; 1 by default.
    """
    n, d = design.shape
    theta = fit.coefficients if fit.tie is None else np.append(fit.coefficients, fit.tie)
    every = _Model(
        outcomes, design, np.ones(n) if weights is None else weights, fit.tie is not None
    )
    one = replace(every, w=np.ones(n))
    pull, tie = one.pulls(theta)
    scores = _dense(_scaled(design, pull))
    scores = scores if fit.tie is None else np.column_stack([scores, tie])
    moved: FloatArray = (scores @ np.linalg.pinv(every.information(theta)))[:, :d]
    return moved


ALIKE = "every independent prompt pulls alike, which tells nothing of the spread: no interval"
COMBINED = "a covariate is a combination of the others"


def _rank(design: Design) -> int:
    """Return the rank; of a sparse design that of its (d, d) table of products."""
    whole = design if isinstance(design, np.ndarray) else (design.T @ design).toarray()
    return int(np.linalg.matrix_rank(whole))


@dataclass(frozen=True)
class _Model:
    """The likelihood: ``theta`` are the (d,) coefficients and, with ties, the log of nu."""

    outcomes: IntArray
    design: Design
    w: FloatArray
    ties: bool

    def chances(self, theta: FloatArray) -> FloatArray:
        """Return (n, 3) chances of first, tie and second."""
        d = self.design.shape[1]
        return _probabilities(
            np.asarray(self.design @ theta[:d]), float(theta[d]) if self.ties else None
        )

    def level(self, theta: FloatArray) -> float:
        """Return the log-likelihood."""
        p = self.chances(theta)[np.arange(self.outcomes.size), self.outcomes]
        return float(self.w @ np.log(np.maximum(p, 1e-300)))

    def pulls(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return (n,) the derivatives of each log-likelihood by eta and by log nu."""
        p = self.chances(theta)
        tie = (self.outcomes == TIE) - p[:, TIE]
        return self.w * (_SIDE[self.outcomes] - p @ _SIDE), self.w * tie

    def score(self, theta: FloatArray) -> FloatArray:
        """Return the (size,) derivative of the log-likelihood."""
        pull, tie = self.pulls(theta)
        found = np.asarray(self.design.T @ pull)
        return np.append(found, tie.sum()) if self.ties else found

    def information(self, theta: FloatArray) -> FloatArray:
        """Return the (size, size) information."""
        p, d = self.chances(theta), self.design.shape[1]
        mean, tied = p @ _SIDE, p[:, TIE]
        spread = p @ _SIDE**2 - mean**2
        found = np.zeros((theta.size, theta.size))
        found[:d, :d] = _dense(self.design.T @ _scaled(self.design, self.w * spread))
        if self.ties:
            cross = -np.asarray(self.design.T @ (self.w * mean * tied))
            found[:d, d] = found[d, :d] = cross
            found[d, d] = float(self.w @ (tied * (1 - tied)))
        return found

    def spread_of_scores(self, theta: FloatArray, group: IntArray) -> FloatArray:
        """Return the (size, size) sum over groups of the products of their scores."""
        from scipy.sparse import csr_array, hstack

        pull, tie = self.pulls(theta)
        if isinstance(self.design, np.ndarray):  # of few columns, mostly, and thousands of times
            columns = [*(self.design * pull[:, None]).T, *([tie] if self.ties else [])]
            table = np.stack([np.bincount(group, column) for column in columns], axis=1)
            return np.asarray(table.T @ table)
        n = self.design.shape[0]
        rows = csr_array(_scaled(self.design, pull))
        if self.ties:
            rows = csr_array(hstack([rows, csr_array(tie[:, None])]))
        sums = csr_array((np.ones(n), (group, np.arange(n)))) @ rows
        return _dense(sums.T @ sums)


def _scaled(design: Design, by: FloatArray) -> Any:
    """Return the design with each row times a number."""
    if isinstance(design, np.ndarray):
        return design * by[:, None]
    return design.multiply(by[:, None]).tocsr()


def _dense(table: Any) -> FloatArray:
    return np.asarray(table if isinstance(table, np.ndarray) else table.toarray())


def halves(
    outcomes: IntArray, design: Design, clusters: IntArray
) -> tuple[IntArray, Design, IntArray, FloatArray]:
    """Return what ``fit_paired`` takes, each tie as half a win of each side."""
    n, tied = outcomes.size, outcomes == TIE
    twice = np.concatenate([np.arange(n), np.flatnonzero(tied)])
    weights = np.where(tied, 0.5, 1.0)[twice]
    decided = np.where(tied, FIRST, outcomes)[twice]
    decided[n:] = SECOND
    return decided, design[twice], clusters[twice], weights


def _probabilities(eta: FloatArray, tie: float | None) -> FloatArray:
    middle = np.full_like(eta, -np.inf if tie is None else tie)
    logits = np.stack([eta / 2, middle, -eta / 2], axis=-1)
    logits -= logits.max(-1, keepdims=True)
    chances = np.exp(logits)
    return np.asarray(chances / chances.sum(-1, keepdims=True))

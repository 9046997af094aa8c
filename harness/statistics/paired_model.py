"""Davidson's model of paired comparisons with covariates; pure, below all stages.

P(first), P(tie), P(second) are proportional to exp(eta/2), exp(tau), exp(-eta/2), where eta is a
linear function of covariates (Davidson 1970, JASA 65:317). Without ties it is the model of Bradley
& Terry (1952). A tie is an outcome of its own, not half a win: counting it as half shrinks effects.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from harness.statistics.arrays import FloatArray, IntArray

FIRST, TIE, SECOND = 0, 1, 2
_SIDE = np.array([0.5, 0.0, -0.5])
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
    """

    first: IntArray
    second: IntArray
    outcomes: IntArray
    systems: tuple[str, ...]
    clusters: IntArray
    length_gap: FloatArray | None = None

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


def fit_paired(
    outcomes: IntArray, design: FloatArray, clusters: IntArray, weights: FloatArray | None = None
) -> PairedFit:
    """Fit by Newton's method; the likelihood is concave, so the maximum is the only one.

    Args:
        outcomes: (n,) 0 first, 1 tie, 2 second.
        design: (n, d) covariates, in the direction of the first.
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
    if np.linalg.matrix_rank(design) < d:
        return replace(nothing, problem="a covariate is a combination of the others")
    separated = replace(nothing, problem="the outcomes are separated by a covariate")
    x = np.column_stack([design, np.zeros(n)]) if ties else design
    theta = np.zeros(d + ties)
    for _ in range(100):
        level, score, hessian = _newton_parts(outcomes, x, w, theta, d)
        try:
            step = np.linalg.solve(hessian, score.sum(0))
        except np.linalg.LinAlgError:
            return separated
        scale = 1.0
        while scale > 1e-6:
            if _newton_parts(outcomes, x, w, theta + scale * step, d)[0] >= level - 1e-12:
                break
            scale /= 2
        theta = theta + scale * step
        if np.abs(design @ theta[:d]).max() > _FAR:
            return separated
        if np.abs(scale * step).max() < 1e-10:
            break
    _, score, hessian = _newton_parts(outcomes, x, w, theta, d)
    inverse = np.linalg.pinv(hessian)
    sums = np.zeros((groups, theta.size))
    np.add.at(sums, group, score)
    factor = groups / (groups - 1) if groups > 1 else np.nan
    covariance = factor * inverse @ (sums.T @ sums) @ inverse
    return PairedFit(theta[:d], float(theta[d]) if ties else None, covariance[:d, :d], groups)


def _probabilities(eta: FloatArray, tie: float | None) -> FloatArray:
    middle = np.full_like(eta, -np.inf if tie is None else tie)
    logits = np.stack([eta / 2, middle, -eta / 2], axis=-1)
    logits -= logits.max(-1, keepdims=True)
    chances = np.exp(logits)
    return np.asarray(chances / chances.sum(-1, keepdims=True))


def _newton_parts(
    outcomes: IntArray, x: FloatArray, w: FloatArray, theta: FloatArray, d: int
) -> tuple[float, FloatArray, FloatArray]:
    """Return the log-likelihood, the (n, size) scores and the (size, size) information."""
    ties = theta.size > d
    p = _probabilities(x[:, :d] @ theta[:d], float(theta[d]) if ties else None)
    n = outcomes.size
    level = float(w @ np.log(np.maximum(p[np.arange(n), outcomes], 1e-300)))
    mean = p @ _SIDE
    pull = _SIDE[outcomes] - mean
    score = x * (w * pull)[:, None]
    spread = p @ _SIDE**2 - mean**2
    information = (x * (w * spread)[:, None]).T @ x
    if ties:
        tied = p[:, TIE]
        score[:, d] = w * ((outcomes == TIE) - tied)
        cross = -(x[:, :d] * (w * mean * tied)[:, None]).sum(0)
        information[:d, d] = information[d, :d] = cross
        information[d, d] = float(w @ (tied * (1 - tied)))
    return level, score, information

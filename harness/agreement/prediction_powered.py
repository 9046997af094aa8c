"""The true rate from few human labels and many judge labels; how many labels are needed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.statistics.arrays import FloatArray, IntArray, cluster_sums
from harness.statistics.estimate import Estimate, not_applicable, undefined
from harness.statistics.intervals import t_quantile, wilson

Z95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class PoweredMean:
    """A prediction-powered mean.

    Args:
        value: The estimate.
        low: Lower end of the interval.
        high: Upper end.
        tuning: lambda, how much the judge is trusted.
        effective_n: Human labels that would give the same interval without the judge.
        fell_back: Whether the residuals did not vary, between items or between clusters, so that
            Wilson's interval stands in.
    """

    value: float
    low: float
    high: float
    tuning: float
    effective_n: float
    fell_back: bool = False


def ppi_mean(
    truth: FloatArray,
    judged: FloatArray,
    unlabelled: FloatArray,
    *,
    tuning: float | None = None,
    small_sample: bool = True,
    clusters: IntArray | None = None,
    unlabelled_clusters: IntArray | None = None,
) -> PoweredMean:
    """Return a mean by prediction-powered inference (Angelopoulos et al. 2023; PPI++ 2023b).

    theta = l mean(f_u) + mean(Y - l f), l = Cov(Y, f) / (Var f (1 + n/N)), kept in [0, 1].

    Args:
        truth: (n,) what people say, Y.
        judged: (n,) what the judge says of the same items, f.
        unlabelled: (N,) what the judge says of the items without people.
        tuning: lambda; None chooses the best.
        small_sample: Unbiased variances and Student's t with the labelled units' degrees of
            freedom; False gives the normal interval of the papers.
        clusters: (n,) cluster of each labelled item.
        unlabelled_clusters: (N,) cluster of each unlabelled item; same names as ``clusters``.
    """
    n, more = truth.size, unlabelled.size
    together = np.concatenate([judged, unlabelled])
    if tuning is None:
        spread = float(together.var(ddof=1))
        covariance = float(np.mean((truth - truth.mean()) * (judged - judged.mean())))
        tuning = covariance / (spread * (1 + n / more)) if spread > 0 else 0.0
        tuning = min(1.0, max(0.0, tuning))
    residual = truth - tuning * judged
    value = tuning * float(unlabelled.mean()) + float(residual.mean())
    own = np.arange(n) if clusters is None else clusters
    other = n + np.arange(more) if unlabelled_clusters is None else unlabelled_clusters
    # One value for each cluster, so that prompts with and without people's labels hang together.
    pull = np.concatenate(
        [(residual - residual.mean()) / n, tuning * (unlabelled - unlabelled.mean()) / more]
    )
    sums = cluster_sums(pull, np.concatenate([own, other]))
    alone = cluster_sums((truth - truth.mean()) / n, own)
    units = alone.size
    scale, quantile = 1.0, Z95
    if small_sample:
        scale, quantile = units / (units - 1), t_quantile(units - 1)
    variance = scale * float(sums @ sums)
    if residual.std() < 1e-12 or variance < 1e-24:
        low, high = wilson(float(truth.mean()) * units, float(units))
        return PoweredMean(value, min(low, value), max(high, value), tuning, float(n), True)
    half = quantile * float(np.sqrt(variance))
    # Against the interval that people's labels alone would have with the same clusters.
    gain = scale * float(alone @ alone) / variance
    return PoweredMean(value, value - half, value + half, tuning, n * gain)


def true_rate(
    truth: IntArray, judged: IntArray, category: int, clusters: IntArray, annotators: str
) -> list[Estimate]:
    """Return the rate of a category: PPI++, its gain in labels, people alone, Rogan-Gladen.

    ``truth`` and ``judged`` are (n,) codes; ``category`` is the one whose rate is estimated.
    """
    with_both = (truth >= 0) & (judged >= 0)
    judge_only = (truth < 0) & (judged >= 0)
    n, more = int(with_both.sum()), int(judge_only.sum())
    if n < 2 or more < 1:
        reason = "every item has people's labels" if more < 1 else "fewer than two common items"
        return [not_applicable("ppi_rate", annotators, reason, n)]
    y = (truth[with_both] == category).astype(np.float64)
    f = (judged[with_both] == category).astype(np.float64)
    f_u = (judged[judge_only] == category).astype(np.float64)
    groups = np.unique(clusters[with_both]).size
    if groups < 2:
        return [undefined("ppi_rate", annotators, "one cluster has all labels of people", n)]
    own, other = clusters[with_both], clusters[judge_only]
    fit = ppi_mean(y, f, f_u, clusters=own, unlabelled_clusters=other)
    reason = f"{n} labels of people and {more} of the judge; lambda {fit.tuning:.2f}"
    if fit.fell_back:
        reason += "; people's labels less the judge's do not vary, so Wilson's interval"
    rate = Estimate(
        fit.value,
        max(0.0, fit.low),
        min(1.0, fit.high),
        n + more,
        groups,
        reason=reason,
        name="ppi_rate",
        annotators=annotators,
    )
    gain = Estimate(
        fit.effective_n,
        n=n,
        clusters=groups,
        reason=f"{n} labels of people count like {fit.effective_n:.0f}; a design figure,"
        " no interval",
        name="ppi_effective_labels",
        annotators=annotators,
    )
    return [rate, gain, rogan_gladen(y, f, f_u, annotators, own, other)]


def rogan_gladen(
    truth: FloatArray,
    judged: FloatArray,
    unlabelled: FloatArray,
    annotators: str,
    clusters: IntArray | None = None,
    unlabelled_clusters: IntArray | None = None,
) -> Estimate:
    """Return the rate corrected for the judge's sensitivity and specificity.

    (p + sp - 1) / (se + sp - 1) (Rogan & Gladen 1978, AJE 107:71), clipped to [0, 1]. The interval
    is the delta method over clusters, since the labelled items are part of both p and se, sp; where
    the judge never errs one way, that has no width there and the wider interval of Lang & Reiczigel
    (2014, Prev. Vet. Med. 113:13) stands in.

    ``truth`` and ``judged`` are (n,) 1 where people, and the judge, say the category;
    ``unlabelled`` (N,) the judge's on the other items, whose clusters have the same names.
    """
    name = "rogan_gladen_rate"
    n, total = truth.size, truth.size + unlabelled.size
    positives, negatives = int(truth.sum()), int((1 - truth).sum())
    if positives == 0 or negatives == 0:
        return undefined(name, annotators, "people used one category only", n)
    se, sp = float(judged[truth == 1].mean()), float(1 - judged[truth == 0].mean())
    youden = se + sp - 1
    if youden <= 0:
        return undefined(name, annotators, "the judge is no better than chance", n)
    everything = np.concatenate([judged, unlabelled])
    p = float(everything.mean())
    value = (p + sp - 1) / youden
    own = np.arange(n) if clusters is None else clusters
    other = n + np.arange(unlabelled.size) if unlabelled_clusters is None else unlabelled_clusters
    units = int(np.unique(own).size)
    if max(se, sp) == 1.0:
        low, high = _lang_reiczigel(p, total, se, positives, sp, negatives)
    else:
        pull = (everything - p) / (total * youden)
        pull[:n] -= value / youden * truth * (judged - se) / positives
        pull[:n] += (1 - value) / youden * (1 - truth) * (1 - judged - sp) / negatives
        sums = cluster_sums(pull, np.concatenate([own, other]))
        half = t_quantile(units - 1) * float(np.sqrt(units / max(1, units - 1) * (sums @ sums)))
        low, high = value - half, value + half
    value = min(1.0, max(0.0, value))
    return Estimate(
        value,
        min(value, max(0.0, low)),
        max(value, min(1.0, high)),
        total,
        units,
        reason=f"sensitivity {se:.2f}, specificity {sp:.2f}",
        name=name,
        annotators=annotators,
    )


def _lang_reiczigel(
    p: float, total: int, se: float, positives: int, sp: float, negatives: int
) -> tuple[float, float]:
    z = Z95
    n_, p_ = total + z * z, (total * p + z * z / 2) / (total + z * z)
    se_, sp_ = (positives * se + 1) / (positives + 2), (negatives * sp + 1) / (negatives + 2)
    youden = se_ + sp_ - 1
    if youden <= 0:
        return 0.0, 1.0
    middle = (p_ + sp_ - 1) / youden
    s, t = se_ * (1 - se_) / (positives + 2), sp_ * (1 - sp_) / (negatives + 2)
    shift = 2 * z * z * (middle * s - (1 - middle) * t)
    error = np.sqrt(p_ * (1 - p_) / n_ + middle**2 * s + (1 - middle) ** 2 * t) / youden
    return float(middle + shift - z * error), float(middle + shift + z * error)


@dataclass(frozen=True, slots=True)
class Budget:
    """How many labels an interval needs.

    Args:
        humans_only: Labels of people without a judge.
        with_judge: Labels of people beside unlimited labels of the judge.
        with_judge_items: Labels of people when the judge labels ``judge_items``; None when it
            labels without limit.
    """

    humans_only: int
    with_judge: int
    with_judge_items: int | None = None


def label_budget(
    half_width: float,
    *,
    rate: float = 0.5,
    correlation: float = 0.0,
    design_effect: float = 1.0,
    judge_items: int | None = None,
    confidence: float = 0.95,
) -> Budget:
    """Return the labels needed: n = z^2 p (1 - p) (1 - rho^2) deff / h^2.

    With N further judge labels the variance per label is p (1-p) (1 - rho^2 / (1 + n/N)) (PPI++),
    which is solved for n.

    Args:
        half_width: Half the width h of the wished interval.
        rate: The rate p that is to be measured; 1/2 is the worst case.
        correlation: Correlation rho of judge and people.
        design_effect: 1 + (items per prompt - 1) * intraclass correlation.
        judge_items: Items N with judge labels only; None for many.
        confidence: Level of the interval.
    """
    from scipy.special import ndtri

    z = float(ndtri(0.5 + confidence / 2))
    base = z * z * rate * (1 - rate) * design_effect / half_width**2

    def whole(labels: float) -> int:
        return max(2, int(np.ceil(labels - 1e-9)))

    limited = None
    if judge_items is not None:
        # n = base (1 - r2 N / (N + n)); the positive root of n^2 + n (N - base) - base N (1 - r2).
        more, r2 = float(judge_items), correlation**2
        b = more - base
        limited = whole((-b + np.sqrt(b * b + 4 * base * more * (1 - r2))) / 2)
    return Budget(whole(base), whole(base * (1 - correlation**2)), limited)

"""Has a judge moved? Two versions of it on the same frozen anchor items."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from harness.statistics.arrays import FloatArray, IntArray, cluster_sums
from harness.statistics.estimate import Estimate, one_cluster, undefined
from harness.statistics.intervals import t_quantile
from harness.statistics.resample import jackknife_se


def mcnemar(b: int, c: int) -> dict[str, float]:
    """Return McNemar's tests of two counts of discordant pairs (McNemar 1947).

    Args:
        b: Pairs right before and wrong after.
        c: Pairs wrong before and right after.

    Returns:
        chi2, chi2_corrected, exact and mid_p (Fagerland, Lydersen & Laake 2013), the latter two as
        two-sided p-values.
    """
    from scipy.stats import binom

    n = b + c
    if n == 0:
        return {"chi2": 0.0, "chi2_corrected": 0.0, "exact": 1.0, "mid_p": 1.0}
    tail, point = (float(of(min(b, c), n, 0.5)) for of in (binom.cdf, binom.pmf))
    return {
        "chi2": (b - c) ** 2 / n,
        "chi2_corrected": max(0, abs(b - c) - 1) ** 2 / n,
        "exact": min(1.0, 2 * tail),
        "mid_p": 1.0 if b == c else 2 * tail - point,
    }


def anchor_hash(items: Sequence[str], truth: Sequence[str]) -> str:
    """Return the hash that pins an anchor set: the names of its items and their true labels."""
    lines = sorted(f"{item}\t{label}" for item, label in zip(items, truth, strict=True))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def drift(
    before: IntArray, after: IntArray, truth: IntArray, clusters: IntArray, annotators: str
) -> list[Estimate]:
    """Return how the accuracy changed and how many verdicts changed.

    Verdicts that only one version gave are counted in the reason of the rows, or of their absence.
    The difference has a t-interval from leaving out one cluster at a time; p is McNemar's mid-p,
    which takes the items as independent.

    ``before`` and ``after`` are (n,) codes of the two versions, ``truth`` those of the anchor
    labels.
    """
    usable = (before >= 0) & (after >= 0)
    n = int(usable.sum())
    lost, gained = (
        int(((before >= 0) & (after < 0)).sum()),
        int(((before < 0) & (after >= 0)).sum()),
    )
    only = f"{lost} verdicts lost, {gained} gained" if lost or gained else ""
    if n < 2:
        why = "fewer than two common items"
        reason = f"{why}: {only}" if only else why
        return [undefined("drift_accuracy", annotators, reason, n)]
    changed = (before != after)[usable].astype(np.float64)
    row = _paired("drift_changed", annotators, changed, clusters[usable])
    rows = [row.caution(only) if only else row]
    known = usable & (truth >= 0)
    if known.sum() < 2:
        return rows
    old, new = (before == truth)[known], (after == truth)[known]
    row = _paired(
        "drift_accuracy", annotators, new.astype(float) - old.astype(float), clusters[known]
    )
    b, c = int((old & ~new).sum()), int((~old & new).sum())
    p = mcnemar(b, c)["mid_p"]
    return [row.caution(f"{b} lost, {c} won, McNemar mid-p {p:.3g}"), *rows]


def _paired(name: str, annotators: str, values: FloatArray, clusters: IntArray) -> Estimate:
    n, value = values.size, float(values.mean())
    size = cluster_sums(np.ones(n), clusters)
    groups = size.size
    if groups < 2:
        return one_cluster(name, annotators, value, n)
    left_out = (values.sum() - cluster_sums(values, clusters)) / (n - size)
    error = jackknife_se(left_out, np.ones(groups, dtype=np.int64))
    half = t_quantile(groups - 1) * error
    if error == 0:
        # Nothing changed: at most 3/n could have (the rule of three, exact form).
        half = 1 - 0.025 ** (1 / groups)
    low = max(-1.0 if name == "drift_accuracy" else 0.0, value - half)
    return Estimate(value, low, min(1.0, value + half), n, groups, name=name, annotators=annotators)

"""Scores: concordance and correlation of two columns, intraclass correlations of several."""

from __future__ import annotations

from typing import Literal

import numpy as np

from harness.statistics.arrays import FloatArray, IntArray, ratio
from harness.statistics.estimate import Estimate, not_applicable, undefined
from harness.statistics.resample import BOOTSTRAP, Bootstrap, SumsToValue, estimate, units_of

Statistic = Literal["concordance", "pearson_r"]
STATISTICS: tuple[Statistic, ...] = ("concordance", "pearson_r")
NO_SPREAD = "the scores do not vary"
Form = Literal["icc1", "icc2", "icc3", "icc1k", "icc2k", "icc3k"]
FORMS: tuple[Form, ...] = ("icc1", "icc2", "icc3", "icc1k", "icc2k", "icc3k")


def intraclass_correlation(
    scores: FloatArray,
    form: Form,
    annotators: str,
    *,
    clusters: IntArray | None = None,
    bootstrap: Bootstrap = BOOTSTRAP,
) -> Estimate:
    """Return an intraclass correlation over the items that everybody scored.

    ``scores`` are (n, k), NaN where missing; ``form`` is icc1 (each item has its own raters), icc2
    (the raters are a sample, their differences in level count) or icc3 (these raters, levels do not
    count); with "k" of their mean.
    """
    whole = ~np.isnan(scores).any(1)
    x = scores[whole]
    n, k = x.shape
    if n < 2 or k < 2:
        return not_applicable(form, annotators, "fewer than two items that everybody scored", n)
    x = x - x.mean()
    row = x.sum(1)
    features = np.column_stack([np.ones(n), (x**2).sum(1), row**2, x])
    groups = None if clusters is None else clusters[whole]
    units = units_of(features, np.arange(n), groups)
    return estimate(
        form,
        annotators,
        units,
        _value(form, k),
        n=n,
        why_undefined=NO_SPREAD,
        bounds=(-np.inf, 1.0),
        perfect=(1.0, 1.0),
        bootstrap=bootstrap,
    )


def _value(form: Form, k: int) -> SumsToValue:
    def value(sums: FloatArray) -> FloatArray:
        n, squares, rows = sums[..., 0], sums[..., 1], sums[..., 2]
        columns = sums[..., 3:]
        middle = columns.sum(-1) ** 2 / (n * k)
        between_rows = rows / k - middle
        between_columns = (columns**2).sum(-1) / n - middle
        rest = squares - middle - between_rows - between_columns
        items = between_rows / (n - 1)
        raters = between_columns / (k - 1)
        error = rest / ((n - 1) * (k - 1))
        within = (between_columns + rest) / (n * (k - 1))
        above = items - (within if form.startswith("icc1") else error)
        below = {
            "icc1": items + (k - 1) * within,
            "icc2": items + (k - 1) * error + k * (raters - error) / n,
            "icc3": items + (k - 1) * error,
            "icc1k": items,
            "icc2k": items + (raters - error) / n,
            "icc3k": items,
        }[form]
        return ratio(np.sign(below) * above, np.abs(below))

    return value


def score_agreement(
    statistic: Statistic,
    first: FloatArray,
    second: FloatArray,
    clusters: IntArray,
    annotators: str,
    *,
    bootstrap: Bootstrap = BOOTSTRAP,
) -> Estimate:
    """Return how two columns of scores agree.

    ``first`` and ``second`` are (n,) scores, NaN where missing. ``concordance`` is Lin's 2 cov /
    (var + var + (mean - mean)^2) (Lin 1989, Biometrics 45:255), ``pearson_r`` Pearson's
    correlation.
    """
    usable = ~(np.isnan(first) | np.isnan(second))
    n = int(usable.sum())
    if n < 3:
        return undefined(statistic, annotators, "fewer than three common items", n)
    x, y = first[usable], second[usable]
    # A common shift and scale leave both statistics alone and keep the sums small.
    middle, scale = x.mean(), max(float(x.std()), float(y.std()), 1e-12)
    x, y = (x - middle) / scale, (y - middle) / scale

    def value(sums: FloatArray) -> FloatArray:
        n, x, y, xx, yy, xy = np.moveaxis(sums, -1, 0)
        covariance = xy / n - x * y / n**2
        if statistic == "concordance":
            return ratio(2 * covariance, xx / n + yy / n - 2 * x * y / n**2)
        spread = (xx / n - (x / n) ** 2) * (yy / n - (y / n) ** 2)
        return ratio(covariance, np.sqrt(np.maximum(spread, 0.0)))

    features = np.column_stack([np.ones(n), x, y, x * x, y * y, x * y])
    return estimate(
        statistic,
        annotators,
        units_of(features, np.arange(n), clusters[usable]),
        value,
        n=n,
        why_undefined=NO_SPREAD,
        perfect=(1.0, 1.0),
        bootstrap=bootstrap,
    )

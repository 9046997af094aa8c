"""Intraclass correlations of scores (Shrout & Fleiss 1979; McGraw & Wong 1996)."""

from __future__ import annotations

from typing import Literal

import numpy as np

from harness.statistics.arrays import FloatArray, IntArray
from harness.statistics.estimate import Estimate, not_applicable
from harness.statistics.resample import BOOTSTRAP, Bootstrap, SumsToValue, Units, estimate, units_of

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

    Args:
        scores: (n, k) scores, NaN where missing.
        form: icc1 (each item has its own raters), icc2 (the raters are a sample, their differences
            in level count), icc3 (these raters, levels do not count); with "k" of their mean.
        annotators: Whom it is about.
        clusters: (n,) cluster of each item; None when items are independent.
        bootstrap: Its replicates and seed.
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
    units: Units = units_of(features, np.arange(n), groups)
    return estimate(
        form,
        annotators,
        units,
        _value(form, k),
        n=n,
        why_undefined="the scores do not vary",
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
        fine = np.abs(below) > 1e-12
        return np.where(fine, above / np.where(fine, below, 1.0), np.nan)

    return value

"""Weights of partial agreement and metrics of difference between categories."""

from __future__ import annotations

from typing import Literal

import numpy as np

from harness.nouns.errors import ScaleError
from harness.nouns.scale import Level
from harness.statistics.arrays import FloatArray

Weighting = Literal["identity", "linear", "quadratic"]


def agreement_weights(
    n_categories: int, weighting: Weighting, values: FloatArray | None = None
) -> FloatArray:
    """Return (c, c) weights of agreement, 1 on the diagonal.

    Args:
        n_categories: Number of categories c.
        weighting: identity (Cohen 1960), linear (Cicchetti & Allison 1971) or quadratic (Fleiss &
            Cohen 1973).
        values: (c,) number of each category; equally spaced ranks by default.
    """
    if weighting == "identity" or n_categories < 2:
        return np.eye(n_categories)
    v = np.arange(n_categories, dtype=np.float64) if values is None else values
    distance = np.abs(v[:, None] - v[None, :]) / (v.max() - v.min())
    return np.asarray(1.0 - (distance if weighting == "linear" else distance**2))


def difference(level: Level, values: FloatArray) -> FloatArray:
    """Return (c, c) squared differences of a level whose metric does not depend on the data.

    Args:
        level: nominal, interval or ratio (Krippendorff 2011, section on metrics).
        values: (c,) number of each category.

    Raises:
        ScaleError: The ordinal metric, which depends on the marginals, or negative ratio values.
    """
    if level == "nominal":
        return np.asarray(1.0 - np.eye(values.size))
    gap = values[:, None] - values[None, :]
    if level == "interval":
        return np.asarray(gap**2)
    if level == "ratio":
        if values.size and values.min() < 0:
            raise ScaleError(f"the ratio metric has no negative values, got {values.min():g}")
        total = values[:, None] + values[None, :]
        return np.asarray(np.divide(gap, total, out=np.zeros_like(gap), where=total > 0) ** 2)
    raise ScaleError("the ordinal metric depends on the marginals")

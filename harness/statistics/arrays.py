"""The types of arrays, and two things that every statistic does with them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


def ratio(above: FloatArray, below: FloatArray, least: float = 1e-12) -> FloatArray:
    """Return above / below, NaN where below is not more than ``least``."""
    fine = below > least
    return np.where(fine, above / np.where(fine, below, 1.0), np.nan)


def cluster_sums(values: FloatArray, clusters: IntArray) -> FloatArray:
    """Return (G,) sums of (n,) values over the items of each cluster."""
    _, group = np.unique(clusters, return_inverse=True)
    return np.bincount(group, weights=values).astype(np.float64)

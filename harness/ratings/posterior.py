"""What aggregation makes of a rating table, and the contract of its methods."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from harness.ratings.table import RatingTable
from harness.statistics.arrays import FloatArray, IntArray


def _none() -> FloatArray:
    return np.zeros(0)


@dataclass(frozen=True)
class Posterior:
    """What a method of aggregation makes of a rating table; only the first field is needed.

    Args:
        probabilities: (n, c) probability of each category of each row, the prior where nobody
            voted; (n, 0) for a table of numbers, whose result is ``estimates``.
        prior: (c,) share of each category; empty where the method has none.
        confusion: (voices, c, c) P(label | true category) of each annotator, rows sum to 1; empty
            where the method has none, and counted against ``probabilities`` then.
        log_likelihood: Of the labels under the fit, natural logarithm; NaN without one.
        iterations: Steps of the fit.
        converged: Whether it stopped before the last allowed step.
        estimates: (n,) one number for each row, on the scale of the table's ``values``; the mean of
            the posterior where it is None.
        weights: Weight that each source had, where the method is a weighted mean of the sources; a
            reward is then that mean of its components.
        counted: (n,) how many voices took part in each row; all labels where it is None.
        notes: One line each for whoever reads the result.
    """

    probabilities: FloatArray
    prior: FloatArray = field(default_factory=_none)
    confusion: FloatArray = field(default_factory=_none)
    log_likelihood: float = float("nan")
    iterations: int = 0
    converged: bool = True
    estimates: FloatArray | None = None
    weights: Mapping[str, float] | None = None
    counted: IntArray | None = None
    notes: tuple[str, ...] = ()

    def means(self, table: RatingTable) -> FloatArray:
        """Return (n,) the number of each row: P(A) of a pair, the score of a response."""
        if self.estimates is not None:
            return self.estimates
        return np.asarray(self.probabilities @ table.values)

    def decided(self) -> IntArray:
        """Return (n,) the likeliest category of each row, -1 where it is not alone: a tie."""
        best = self.probabilities >= self.probabilities.max(1, keepdims=True) - 1e-9
        alone = best.sum(1) == 1
        return np.where(alone, self.probabilities.argmax(1), -1).astype(np.int64)


Aggregate = Callable[[RatingTable, Mapping[str, float]], Posterior]
"""A method of aggregation: called with a table and the weight of each source, 1 by default.

Rows of the table are pairs (categories A, TIE and B, ``values`` P(A), perhaps ``chances``), or
responses with the scores of one criterion, or the items of a plain table of labels. A method that
cannot take a table raises ScaleError or DataError.
"""

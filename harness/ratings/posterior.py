"""What aggregation makes of a rating table, and the contract of its methods."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from harness.ratings.table import RatingTable
from harness.statistics.arrays import FloatArray, IntArray

_TINY = 1e-6
"""By how much probabilities of a plugin may miss 0, 1 and the sum of 1."""


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

    def checked(self, table: RatingTable) -> Posterior:
        """Return what a plugin made of a table, as arrays of floats.

        Raises:
            ValueError: A shape is not the table's, a number is not finite, a probability is not
                between 0 and 1, or the probabilities of a row do not sum to 1.
        """
        n, c = len(table.items), table.n_categories
        chances = np.asarray(self.probabilities, dtype=np.float64)
        if chances.shape not in ((n, c), (n, 0)):
            raise ValueError(f"probabilities have the shape {chances.shape}, not {(n, c)}")
        estimates = self.estimates
        if estimates is None and chances.shape != (n, c):
            raise ValueError("there are neither probabilities nor estimates")
        ranges = [("probabilities", chances, (0.0, 1.0))]
        if estimates is not None:
            estimates = np.asarray(estimates, dtype=np.float64)
            if estimates.shape != (n,):
                raise ValueError(f"estimates have the shape {estimates.shape}, not {(n,)}")
            heard = estimates[(table.codes >= 0).any(1)]
            limits = (0.0, 1.0) if table.contestants is not None else (-np.inf, np.inf)
            ranges.append(("estimates", heard, limits))
        for what, numbers, (low, high) in ranges:
            if not np.isfinite(numbers).all():
                raise ValueError(f"{what} are not all finite")
            if numbers.size and not low - _TINY <= numbers.min() <= numbers.max() <= high + _TINY:
                raise ValueError(
                    f"{what} lie between {numbers.min():g} and {numbers.max():g}, not 0 and 1"
                )
        wrong = np.flatnonzero(np.abs(chances.sum(1) - 1.0) > _TINY)
        if chances.shape[1] and wrong.size:
            row = int(wrong[0])
            raise ValueError(
                f"the probabilities of {table.items[row]!r} sum to {chances[row].sum():g}, not 1"
            )
        for name, weight in (self.weights or {}).items():
            if not (np.isfinite(weight) and weight >= 0):
                raise ValueError(f"the weight of {name!r} is {weight}")
        if self.counted is not None and np.shape(self.counted) != (n,):
            raise ValueError(f"counted has the shape {np.shape(self.counted)}, not {(n,)}")
        return replace(self, probabilities=chances, estimates=estimates)

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

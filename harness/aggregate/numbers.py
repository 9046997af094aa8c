"""One number for each row of a plain table of numbers: their mean, or their median."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.agreement.scores import STATISTICS, score_agreement
from harness.nouns.errors import ScaleError
from harness.ratings.posterior import Aggregate
from harness.ratings.table import RatingTable
from harness.statistics.arrays import FloatArray, IntArray
from harness.statistics.estimate import Estimate


@dataclass(frozen=True)
class NumberResult:
    """What a method made of a table of numbers.

    Args:
        method: Its name.
        table: The numbers.
        value: (n,) one number for each row, NaN where nobody gave one.
        scores: Agreement of the method and of each annotator with gold numbers, if there are any.
        notes: What the method says.
    """

    method: str
    table: RatingTable
    value: FloatArray
    scores: tuple[Estimate, ...]
    notes: tuple[str, ...]

    @property
    def columns(self) -> list[str]:
        """Columns of ``rows``."""
        return ["item", "value", "n"]

    @property
    def counts(self) -> IntArray:
        """(n,) how many numbers each row has."""
        return np.asarray((self.table.codes >= 0).sum(1))

    def rows(self) -> list[dict[str, str]]:
        """Return item, value (empty where nobody gave a number) and how many numbers there are."""
        return [
            {"item": item, "value": "" if np.isnan(x) else f"{x:.12g}", "n": str(n)}
            for item, x, n in zip(self.table.items, self.value, self.counts.tolist(), strict=True)
        ]

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values for JSON."""
        return {
            "method": self.method,
            "notes": list(self.notes),
            "scores": [row.as_row() for row in self.scores],
            "items": [
                {"item": item, "value": None if np.isnan(x) else float(x), "n": n}
                for item, x, n in zip(
                    self.table.items, self.value, self.counts.tolist(), strict=True
                )
            ],
        }


def aggregate_numbers(
    name: str, method: Aggregate, table: RatingTable, weights: Mapping[str, float]
) -> NumberResult:
    """Make one number of many, for each row of a table.

    ``name`` is what the method is called; ``weights`` of annotators are 1 by default.

    Raises:
        ScaleError: The method cannot take numbers.
    """
    fit = method(table, weights)
    if fit.estimates is None:
        raise ScaleError(f"{name} gives no number", hint="use mean or median")
    value = np.where((table.codes >= 0).any(1), fit.estimates, np.nan)
    scores: list[Estimate] = []
    if table.gold is not None:
        gold = np.where(table.gold >= 0, table.values[table.gold], np.nan)
        scores = [
            score_agreement(statistic, own, gold, table.clusters, who)
            for who, own in ((name, value), *zip(table.annotators, table.numbers.T, strict=True))
            for statistic in STATISTICS
        ]
    return NumberResult(name, table, value, tuple(scores), fit.notes)

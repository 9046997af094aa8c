"""An aggregation and a statistic: only what nobody contradicts counts."""
from collections.abc import Mapping

import numpy as np

from harness.plugin import (
    AggregatorFactory,
    AgreementStatistic,
    Estimate,
    Posterior,
    RatingTable,
    hookimpl,
)


def unanimous(table: RatingTable, weights: Mapping[str, float]) -> Posterior:
    """Be sure where all labels of a row are the same, and undecided elsewhere."""
    takes_part = [weights.get(name, 1.0) > 0 for name in table.source_names]
    counts = table.label_counts(np.flatnonzero(takes_part).tolist())
    chances = np.full(counts.shape, 1 / table.n_categories)
    alone = (counts > 0).sum(axis=1) == 1
    chances[alone] = counts[alone] > 0
    return Posterior(chances)


def share(table: RatingTable) -> list[Estimate]:
    """Count the rows with two labels or more on which all are the same."""
    counts = table.label_counts()
    several = counts[counts.sum(axis=1) > 1]
    if not len(several):
        reason = "no row has two labels"
        return [Estimate(None, status="undefined", reason=reason, name="unanimity")]
    same = ((several > 0).sum(axis=1) == 1).mean()
    return [Estimate(float(same), n=len(several), name="unanimity", annotators="all")]


@hookimpl
def harness_aggregators() -> list[AggregatorFactory]:
    return [AggregatorFactory("unanimous", unanimous, "Certain only where nobody contradicts")]


@hookimpl
def harness_agreement_statistics() -> list[AgreementStatistic]:
    summary = "Share of rows on which all labels are the same"
    return [AgreementStatistic("Unanimity", share, summary)]

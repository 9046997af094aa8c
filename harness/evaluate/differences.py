"""From scored responses to means and differences over trainings and prompts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from harness.evaluate.missing import Side, missing
from harness.evaluate.scores import Scored, known
from harness.evaluate.verdicts import Difference
from harness.statistics.seeds import Cells, Grid, Seeded, of_grids, seeded


def cells_of(rows: Iterable[tuple[int, str, float]]) -> Cells:
    """Return (seed, cluster, value) by seed and cluster."""
    cells: dict[int, dict[str, list[float]]] = {}
    for seed, cluster, value in rows:
        cells.setdefault(seed, {}).setdefault(cluster, []).append(value)
    return cells


def mean_over(
    rows: Iterable[tuple[int, str, float]],
    bounds: tuple[float, float] | None = (0.0, 1.0),
    *,
    trained: bool,
) -> Seeded:
    """Return the mean of (seed, cluster, value) over seeds and prompts.

    Args:
        rows: The observations.
        bounds: Smallest and largest possible value.
        trained: Whether the seeds are trainings, not only samples of one policy.
    """
    return seeded(cells_of(rows), None, bounds, trained=(trained, True))


def numbers(found: Seeded, *more: str) -> dict[str, Any]:
    """Return value, interval and what it covers."""
    return {**found.estimate.numbers(*more), "interval_over": found.over}


def difference_of(
    rows: Sequence[Scored],
    others: Sequence[Scored],
    margin: float | None = None,
    trained: tuple[bool, bool] = (True, True),
) -> tuple[Difference, dict[str, Any]]:
    """Return a policy's gain over another on the items that both have a score for.

    Args:
        rows: The policy's responses by one evaluator.
        others: The other's.
        margin: A change within this of zero counts as none.
        trained: Whether the seeds of each are trainings.

    Returns:
        The difference, and ``from`` and ``to``, the means that it lies between, and ``items``.
    """
    shared = {row.item_id for row, _ in known(rows)} & {row.item_id for row, _ in known(others)}
    clusters = {name: n for n, name in enumerate({row.cluster: 0 for row in (*others, *rows)})}
    mine, theirs = (
        side_of([row for row in side if row.item_id in shared], clusters).scored
        for side in (rows, others)
    )
    lost = missing(side_of(rows, clusters), side_of(others, clusters), trained)
    over = of_grids(mine, theirs, (-1.0, 1.0), trained=trained)
    start, end = (grid.mean if grid.size else None for grid in (theirs, mine))
    return Difference(over, margin, lost), {"from": start, "to": end, "items": len(shared)}


def side_of(rows: Sequence[Scored], clusters: dict[str, int]) -> Side:
    """Return a policy's responses by seed and cluster, with those that have no score."""
    seeds = {seed: n for n, seed in enumerate(dict.fromkeys(row.seed for row in rows))}
    sums, counts, lost = np.zeros((3, len(seeds), len(clusters)))
    for row in rows:
        place = seeds[row.seed], clusters[row.cluster]
        if row.value is None:
            lost[place] += 1
        else:
            sums[place] += row.value
            counts[place] += 1
    return Side(Grid(sums, counts, tuple(seeds)), lost)

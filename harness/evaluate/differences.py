"""From scored responses to means and differences over trainings and prompts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from harness.evaluate.missing import Side, missing
from harness.evaluate.scores import Scored
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
    bounds: tuple[float, float] = (-1.0, 1.0),
) -> tuple[Difference, dict[str, Any]]:
    """Return a policy's gain over another: the mean over the items that both have a score for.

    Each item's gain is the mean of the policy's scores less that of the other's, and each item
    weighs alike, however often either side was sampled there.

    Args:
        rows: The policy's responses by one evaluator.
        others: The other's.
        margin: A change within this of zero counts as none.
        trained: Whether the seeds of each are trainings.
        bounds: Smallest and largest possible gain.

    Returns:
        The difference, and ``from`` and ``to``, the means that it lies between, and ``items``.
    """
    both = {row.item_id for row in rows} & {row.item_id for row in others}
    items = {row.item_id: row.cluster for row in (*others, *rows) if row.item_id in both}
    mine, theirs = (side_of(side, items) for side in (rows, others))
    shared = np.flatnonzero((mine.table.counts.sum(0) > 0) & (theirs.table.counts.sum(0) > 0))
    lost = missing(mine, theirs, trained, bounds)
    grids = mine.paired(shared), theirs.paired(shared)
    over = of_grids(*grids, bounds, trained=trained)
    end, start = (grid.mean if grid.size else None for grid in grids)
    found = Difference(over, margin, lost, bounds[1])
    return found, {"from": start, "to": end, "items": shared.size}


def side_of(rows: Sequence[Scored], items: Mapping[str, str]) -> Side:
    """Return a policy's responses by seed and item, with those that have no score.

    Args:
        rows: Its responses; those to other items are ignored.
        items: Item -> its cluster.
    """
    place = {item: n for n, item in enumerate(items)}
    clusters = {name: n for n, name in enumerate(dict.fromkeys(items.values()))}
    seeds = {seed: n for n, seed in enumerate(dict.fromkeys(row.seed for row in rows))}
    sums, counts, lost = np.zeros((3, len(seeds), len(items)))
    for row in rows:
        if row.item_id not in place:
            continue
        cell = seeds[row.seed], place[row.item_id]
        if row.value is None:
            lost[cell] += 1
        else:
            sums[cell] += row.value
            counts[cell] += 1
    groups = np.array([clusters[name] for name in items.values()], dtype=np.int64)
    return Side(Grid(sums, counts, tuple(seeds)), lost, groups)

"""Pareto fronts: which policies nobody beats on two criteria at once, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

from harness.evaluate.scores import Scored, Scores, known

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from harness.statistics.arrays import FloatArray

DRAWS = 2_000
"""Draws of prompts and seeds of which the share on the front is told."""

ALIKE = 1e-9
"""Means that differ by less are equal: they are sums of the same numbers in another order."""


def fronts(
    scores: Scores,
    evaluators: Sequence[str],
    policies: Sequence[str],
    lower: Collection[str] = (),
    *,
    draws: int = DRAWS,
    random_seed: int = 0,
) -> list[dict[str, Any]]:
    """Return one row for each pair of criteria: who is on the front, and in how many draws.

    A policy is on the front of two criteria where no other is at least as good on both and better
    on one. In each draw prompts are drawn anew, the same for all policies, and the seeds of each
    policy, the same for both criteria; of k units k - 1 are drawn (Rao & Wu 1988), as in
    :func:`harness.statistics.resample.seed_interval`. Only items count that every policy of the row
    has a score for by both criteria.

    Args:
        scores: What every evaluator said of every response.
        evaluators: The criteria.
        policies: Their names.
        lower: Criteria of which less is better.
        draws: How many draws.
        random_seed: Of the draws.

    Returns:
        JSON values only; docs/reports.md says what each key holds.
    """
    return [
        _front(scores, pair, policies, frozenset(lower), draws, random_seed)
        for pair in combinations(evaluators, 2)
    ]


def _front(
    scores: Scores,
    pair: tuple[str, str],
    policies: Sequence[str],
    lower: frozenset[str],
    draws: int,
    random_seed: int,
) -> dict[str, Any]:
    import numpy as np

    rows = {
        (name, policy): [row for row, _ in known(scores.get((name, policy), ()))]
        for name in pair
        for policy in policies
    }
    there = [policy for policy in policies if all(rows[name, policy] for name in pair)]
    found: dict[str, Any] = {
        "criteria": list(pair),
        "left_out": [policy for policy in policies if policy not in there],
        "items": 0,
        "clusters": 0,
        "draws": draws,
        "draws_over": None,
        "policies": [],
        "reason": "",
    }
    if len(there) < 2:
        return found | {"reason": "fewer than two policies have scores by both"}
    items = set.intersection(
        *({row.item_id for row in rows[name, policy]} for name in pair for policy in there)
    )
    if not items:
        return found | {"reason": "there is no item that all policies have scores for by both"}
    kept = {
        key: [row for row in rows[key] if row.item_id in items]
        for key in ((name, policy) for name in pair for policy in there)
    }
    clusters = sorted({row.cluster for each in kept.values() for row in each})
    generator = np.random.default_rng(random_seed)
    weights = _redrawn(generator, len(clusters), draws)
    place = {cluster: index for index, cluster in enumerate(clusters)}
    values = np.empty((len(there), 2))
    drawn = np.empty((draws, len(there), 2))
    resampled = 0
    for at, policy in enumerate(there):
        seeds = sorted({row.seed for name in pair for row in kept[name, policy]})
        resampled = max(resampled, len(seeds))
        by_seed = _redrawn(generator, len(seeds), draws)
        for side, name in enumerate(pair):
            way = -1.0 if name in lower else 1.0
            sums, counts = _tables(kept[name, policy], place, seeds)
            values[at, side] = way * sums.sum() / counts.sum()
            above, below = ((weights @ table.T * by_seed).sum(1) for table in (sums, counts))
            with np.errstate(invalid="ignore"):
                drawn[:, at, side] = way * above / below
    shares = on_front(drawn).mean(axis=0)
    at_all = on_front(values[None])[0]
    signs = [-1.0 if name in lower else 1.0 for name in pair]
    one = len(clusters) < 2
    return found | {
        "items": len(items),
        "clusters": len(clusters),
        "draws_over": None if one else "seeds and prompts" if resampled > 1 else "prompts",
        "reason": "one cluster only: nothing to draw from" if one else "",
        "policies": [
            {
                "policy": policy,
                "values": [float(v * s) for v, s in zip(values[at], signs, strict=True)],
                "on_front": bool(at_all[at]),
                "share": None if one else float(shares[at]),
            }
            for at, policy in enumerate(there)
        ],
    }


def on_front(values: FloatArray) -> npt.NDArray[np.bool_]:
    """Return (draws, policies) whether nobody is at least as good on both and better on one.

    Args:
        values: (draws, policies, 2), more is better; a policy with NaN is not on the front, and
            keeps nobody from it.
    """
    import numpy as np

    better = np.empty(values.shape[:2], dtype=bool)
    for at in range(values.shape[1]):
        gap = values - values[:, at : at + 1]
        beaten = np.all(gap >= -ALIKE, axis=2) & np.any(gap > ALIKE, axis=2)
        better[:, at] = ~np.any(beaten, axis=1) & np.all(np.isfinite(values[:, at]), axis=1)
    return better


def _redrawn(generator: np.random.Generator, units: int, draws: int) -> FloatArray:
    """Return (draws, units) how often each unit is drawn, k - 1 of k; once where there is one."""
    import numpy as np

    if units < 2:
        return np.ones((draws, units))
    counts = generator.multinomial(units - 1, np.full(units, 1 / units), size=draws)
    return counts.astype(np.float64)


def _tables(
    rows: Sequence[Scored], place: Mapping[str, int], seeds: Sequence[int]
) -> tuple[FloatArray, FloatArray]:
    """Return (seeds, clusters) sums and counts of scores."""
    import numpy as np

    sums = np.zeros((len(seeds), len(place)))
    counts = np.zeros((len(seeds), len(place)))
    cells: dict[tuple[int, int], list[float]] = {}
    number = {seed: index for index, seed in enumerate(seeds)}
    for row, value in known(rows):
        cells.setdefault((number[row.seed], place[row.cluster]), []).append(value)
    for at, values in cells.items():
        sums[at], counts[at] = math.fsum(values), len(values)
    return sums, counts

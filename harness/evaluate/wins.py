"""Win rates: every response of one policy against every response of another to the same item."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

from harness.evaluate.scores import Scores
from harness.statistics.estimate import Estimate
from harness.statistics.intervals import from_sums

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

COMBINED = "combined"
"""Criterion of the matrix over all evaluators: better on one of them and worse on none."""


def win_rates(
    scores: Scores, policies: Sequence[str], evaluators: Sequence[str]
) -> list[dict[str, Any]]:
    """Return one row per criterion and ordered pair of policies.

    The win rate is ``(W + T/2) / n`` over pairs of responses, its interval is clustered by prompt.
    By the combined criterion a response beats another if it is better for one evaluator and worse
    for none; anything else is a tie. A pair counts only when every evaluator of the criterion
    scored both responses.
    """
    rows: list[dict[str, Any]] = []
    criteria: list[tuple[str, Sequence[str]]] = [(name, [name]) for name in evaluators]
    if len(evaluators) > 1:
        criteria.append((COMBINED, evaluators))
    for criterion, names in criteria:
        tables = {policy: _by_item(scores, policy, names) for policy in policies}
        for a, b in combinations(policies, 2):
            counts, estimate = _compare(tables[a], tables[b])
            rows.append(_row(criterion, (a, b), counts, estimate))
            rows.append(_row(criterion, (b, a), counts[::-1], _mirrored(estimate)))
    return rows


Table = dict[str, tuple[str, "NDArray[np.float64]"]]
"""Item id to (cluster, responses x evaluators)."""


def _by_item(scores: Scores, policy: str, names: Sequence[str]) -> Table:
    import numpy as np

    collected: dict[str, tuple[str, list[list[float]]]] = {}
    for same in zip(*(scores.get((name, policy), ()) for name in names), strict=True):
        values = [row.value for row in same if row.value is not None]
        if len(values) == len(names):
            collected.setdefault(same[0].item_id, (same[0].cluster, []))[1].append(values)
    return {item: (cluster, np.asarray(rows)) for item, (cluster, rows) in collected.items()}


Counts = tuple[int, int, int]
"""Wins, ties and losses."""


def _compare(a: Table, b: Table) -> tuple[Counts, Estimate]:
    wins = ties = losses = 0
    sums: dict[str, tuple[float, int]] = {}
    for item in (item for item in a if item in b):
        cluster, mine = a[item]
        difference = mine[:, None, :] - b[item][1][None, :, :]
        better = (difference > 0).any(axis=2)
        worse = (difference < 0).any(axis=2)
        won, lost = int((better & ~worse).sum()), int((worse & ~better).sum())
        tied = better.size - won - lost
        wins, ties, losses = wins + won, ties + tied, losses + lost
        total, count = sums.get(cluster, (0.0, 0))
        sums[cluster] = total + won + tied / 2, count + better.size
    return (wins, ties, losses), from_sums(sums)


def _mirrored(estimate: Estimate) -> Estimate:
    value, low, high = (
        None if x is None else 1 - x for x in (estimate.value, estimate.high, estimate.low)
    )
    return replace(estimate, value=value, low=low, high=high)


def _row(
    criterion: str, policies: tuple[str, str], counts: Counts, estimate: Estimate
) -> dict[str, Any]:
    return {
        "criterion": criterion,
        **dict(zip(("a", "b"), policies, strict=True)),
        **dict(zip(("wins", "ties", "losses"), counts, strict=True)),
        **estimate.numbers("n", "clusters", "reason"),
    }

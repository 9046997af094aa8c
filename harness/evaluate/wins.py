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
    scored both responses. ``length_controlled`` is the win rate at equal length in characters.
    """
    rows: list[dict[str, Any]] = []
    criteria: list[tuple[str, Sequence[str]]] = [(name, [name]) for name in evaluators]
    if len(evaluators) > 1:
        criteria.append((COMBINED, evaluators))
    for criterion, names in criteria:
        tables = {policy: _by_item(scores, policy, names) for policy in policies}
        for a, b in combinations(policies, 2):
            counts, *estimates = _compare(tables[a], tables[b])
            rows.append(_row(criterion, (a, b), counts, *estimates))
            rows.append(_row(criterion, (b, a), counts[::-1], *map(_mirrored, estimates)))
    return rows


Table = dict[str, tuple[str, "NDArray[np.float64]", "NDArray[np.float64]"]]
"""Item id to (cluster, responses x evaluators, length of each response)."""


def _by_item(scores: Scores, policy: str, names: Sequence[str]) -> Table:
    import numpy as np

    collected: dict[str, tuple[str, list[list[float]], list[float]]] = {}
    for same in zip(*(scores.get((name, policy), ()) for name in names), strict=True):
        values = [row.value for row in same if row.value is not None]
        if len(values) == len(names):
            _, rows, lengths = collected.setdefault(same[0].item_id, (same[0].cluster, [], []))
            rows.append(values)
            lengths.append(float(same[0].length))
    return {
        item: (cluster, np.asarray(rows), np.asarray(lengths))
        for item, (cluster, rows, lengths) in collected.items()
    }


Counts = tuple[int, int, int]
"""Wins, ties and losses."""


def _compare(a: Table, b: Table) -> tuple[Counts, Estimate, Estimate]:
    import numpy as np

    from harness.statistics.win_rates import length_controlled

    wins = ties = losses = 0
    sums: dict[str, tuple[float, int]] = {}
    codes: dict[str, int] = {}
    outcomes, gaps, groups = [], [], []
    for item in (item for item in a if item in b):
        cluster, mine, lengths = a[item]
        difference = mine[:, None, :] - b[item][1][None, :, :]
        better = (difference > 0).any(axis=2)
        worse = (difference < 0).any(axis=2)
        won, lost = int((better & ~worse).sum()), int((worse & ~better).sum())
        tied = better.size - won - lost
        wins, ties, losses = wins + won, ties + tied, losses + lost
        total, count = sums.get(cluster, (0.0, 0))
        sums[cluster] = total + won + tied / 2, count + better.size
        outcomes.append(np.where(better & ~worse, 0, np.where(worse & ~better, 2, 1)).ravel())
        gaps.append((lengths[:, None] - b[item][2][None, :]).ravel())
        groups.append(np.full(better.size, codes.setdefault(cluster, len(codes))))
    even = Estimate(None, reason="no observations")
    if outcomes:
        even = length_controlled(*map(np.concatenate, (outcomes, groups, gaps)))
    return (wins, ties, losses), from_sums(sums), even


def _mirrored(estimate: Estimate) -> Estimate:
    value, low, high = (
        None if x is None else 1 - x for x in (estimate.value, estimate.high, estimate.low)
    )
    return replace(estimate, value=value, low=low, high=high)


def _row(
    criterion: str, policies: tuple[str, str], counts: Counts, estimate: Estimate, even: Estimate
) -> dict[str, Any]:
    return {
        "criterion": criterion,
        **dict(zip(("a", "b"), policies, strict=True)),
        **dict(zip(("wins", "ties", "losses"), counts, strict=True)),
        **estimate.numbers("n", "clusters", "reason"),
        "length_controlled": even.numbers("reason"),
    }

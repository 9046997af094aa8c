"""Win rates of systems from a table of comparisons: ``harness.win_rate``."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

from harness.labels.comparisons import read_comparisons


def win_rate(
    table: str | Path | tuple[Path, str],
    first_column: str,
    second_column: str,
    label_column: str,
    cluster_column: str = "",
    length_column: str = "",
) -> list[dict[str, Any]]:
    """Return how often each system of a table wins against each other one.

    Args:
        table: One comparison a row: .csv, .tsv, .json, .jsonl, .parquet or .xlsx;
            (path, sheet) of an Excel file of several sheets.
        first_column: Column with the system whose answer stood first.
        second_column: Column with the other one.
        label_column: Column with the winner: a system's name, A, B, model_a, model_b, tie, ...;
            "COLUMN:name" or "COLUMN:place" where a system is called as a place or a tie is.
        cluster_column: Column with the prompt, or what else groups rows; each row alone without.
        length_column: Column with the length of the first answer minus the second's, in any unit.

    Returns:
        One row for each pair of systems that was compared: ``a``, ``b``, ``wins``, ``ties``,
        ``losses``, ``n``, ``clusters``, the win rate of ``a`` (ties half) as ``value``, ``low``,
        ``high``, ``reason``, and the same ``length_controlled`` where lengths are known, else None;
        and ``left_out``: rows of the two without a winner, which is an empty cell, n/a or skip.

    Raises:
        DataError: Columns are missing or rows not understood; one error for the whole file.
    """
    import numpy as np

    from harness.statistics import win_rates

    path, sheet = table if isinstance(table, tuple) else (table, "")
    found = read_comparisons(
        (Path(path), sheet),
        first_column,
        second_column,
        label_column,
        cluster_column,
        length_column,
    )
    rows = []
    left_out = Counter(frozenset(pair) for pair in found.left_out)
    for a, b in combinations(range(len(found.systems)), 2):
        turned = (found.first == b) & (found.second == a)
        of_both = np.flatnonzero(turned | ((found.first == a) & (found.second == b)))
        if not of_both.size:
            continue
        turn = turned[of_both]
        outcomes = np.where(turn, 2 - found.outcomes[of_both], found.outcomes[of_both])
        clusters = found.clusters[of_both]
        wins, ties, losses = np.bincount(outcomes, minlength=3).tolist()
        controlled = None
        if found.length_gap is not None:
            gap = np.where(turn, -1, 1) * found.length_gap[of_both]
            estimate = win_rates.length_controlled(outcomes, clusters, gap)
            controlled = estimate.numbers("reason")
        rows.append(
            {
                **dict(a=found.systems[a], b=found.systems[b]),
                **dict(wins=wins, ties=ties, losses=losses),
                **win_rates.win_rate(outcomes, clusters).numbers("n", "clusters", "reason"),
                "length_controlled": controlled,
                "left_out": left_out.pop(frozenset((found.systems[a], found.systems[b])), 0),
            }
        )
    for pair, count in left_out.items():  # without any winner
        nobody = win_rates.win_rate(found.outcomes[:0], found.clusters[:0])
        rows.append(
            {
                **dict(zip("ab", sorted(pair), strict=True)),
                **dict(wins=0, ties=0, losses=0),
                **nobody.numbers("n", "clusters", "reason"),
                "length_controlled": None,
                "left_out": count,
            }
        )
    return rows

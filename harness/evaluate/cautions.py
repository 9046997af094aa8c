"""What a reader must know of the verdicts: what they stand on, and why there is none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from harness.evaluate.scores import Scores, known
from harness.nouns.counted import counted
from harness.statistics.estimate import FEW_CLUSTERS
from harness.statistics.seeds import FEWEST_SEEDS, effective

Row = Mapping[str, Any]

MANY_LOST = 0.02
"""A verdict where more than this share of the responses of a side has no score says so."""

UNLIKE = 0.7
"""Clusters that tell as much as fewer than this share of them are unlike in size."""

NAMED = 5
"""So many differences are named in a line."""


def cautions(rows: Sequence[Row], scores: Scores) -> list[str]:
    """Return a line on verdicts that one more prompt would undo, and one on unlike clusters.

    Args:
        rows: Of the scores, with their differences to base.
        scores: What every evaluator said of every response.
    """
    return [*_one_more(rows), *_unlike(scores)]


def of_whom(difference: Row) -> Row:
    """Return what holds the verdict: the difference, or its trainings where they are too few."""
    few = difference["seeds"] is not None and difference["seeds"] < FEWEST_SEEDS
    held: Row = difference["trainings"] if few else difference
    return held


def _one_more(rows: Sequence[Row]) -> Iterator[str]:
    found = [
        f"{row['evaluator']} of {row['policy']} ({_signed(row['difference']['value'], 3)},"
        f" {counted(row['difference']['clusters'], 'independent prompt')})"
        for row in rows
        if row["difference"] and of_whom(row["difference"]).get("one_more")
    ]
    if found:
        yield (
            "Neither called a change nor the same, because one prompt more that goes from one end"
            " of the scale to the other could undo it (more prompts would decide):"
            f" {_named(found)}."
        )


def _unlike(scores: Scores) -> Iterator[str]:
    """Yield a line where few clusters hold most of the responses, of the worst such table."""
    least, told = float(FEW_CLUSTERS), ""
    for (evaluator, policy), rows in scores.items():
        counts = Counter(row.cluster for row, _ in known(rows))
        sizes = np.array(list(counts.values()), dtype=np.float64)
        if len(counts) < 2 or (few := effective(sizes)) >= min(least, UNLIKE * len(counts)):
            continue
        least, largest = few, sizes.max() / sizes.sum()
        told = (
            f"The {len(counts)} independent prompts of {policy} by {evaluator} are unlike in size"
            f" (one holds {largest:.0%} of the responses) and tell as much as {few:.1f} alike ones:"
            " intervals and verdicts allow for that."
        )
    if told:
        yield told


def lost_alike(rows: Sequence[Row], base: str) -> list[str]:
    """Return a line on verdicts that take responses without a score to be lost alike.

    Where as many are lost on both sides, the reasons can still be opposite: then the difference
    may be anywhere in what all of them could make of it.

    Args:
        rows: Of the scores, with their differences to base.
        base: The policy that they are differences to.
    """
    found = []
    asked = {
        (row["evaluator"], row["policy"]): row["responses"] + row["unanswered"] for row in rows
    }
    for row in rows:
        difference = row["difference"]
        lost = difference.get("failures") if difference else None
        if not lost or lost["far"] or not lost.get("at_worst"):
            continue
        word, rates = of_whom(difference)["verdict"], lost["rates"]
        if word not in ("raised", "lowered", "unchanged") or max(rates.values()) <= MANY_LOST:
            continue
        low, high = lost["at_worst"]
        every = sum(asked.get((row["evaluator"], who), 0) for who in (row["policy"], base))
        found.append(
            f"{row['evaluator']} of {row['policy']} stands on {difference['n']:,} of {every:,}"
            f" responses ({rates['policy']:.1%} of {row['policy']}'s and {rates['base']:.1%} of"
            f" {base}'s are lost; at the worst the change lies from {_signed(low)} to"
            f" {_signed(high)})"
        )
    if not found:
        return []
    return [f"Taken to be lost for the same reasons on both sides: {_named(found)}."]


def _signed(value: float, digits: int = 2) -> str:
    return f"{value:+.{digits}f}".replace("-", "\N{MINUS SIGN}")


def _named(found: Sequence[str]) -> str:
    more = f"; and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return "; ".join(found[:NAMED]) + more

"""The one score that the members of an ensemble of reward models make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean, pstdev
from typing import Any, Literal

Combine = Literal["mean", "worst", "lower_bound"]

SIDES = ("chosen", "rejected")

Scores = Sequence[Sequence[float]]
"""Of each member, the scores of all responses."""


def combined(scores: Scores, how: Combine) -> list[float]:
    """Return one score for each response.

    Args:
        scores: Of each member, on one scale.
        how: ``mean``; ``worst``, the lowest of them; ``lower_bound``, their mean less their
            standard deviation.
    """
    each = list(zip(*scores, strict=True))
    if how == "worst":
        return [min(one) for one in each]
    if how == "lower_bound":
        return [fmean(one) - pstdev(one) for one in each]
    return [fmean(one) for one in each]


def standardized(scores: Sequence[float], statistics: Mapping[str, Any]) -> list[float]:
    """Return scores with the mean and deviation of the training pairs taken out."""
    mean, deviation = statistics["score_mean"], statistics["score_deviation"]
    return [(score - mean) / deviation for score in scores]


def members_of(path: str | Path) -> list[Path]:
    """Return the folders of the members of a reward model; of a single one its own."""
    folder = Path(path)
    return sorted(folder.glob("member-*")) or [folder]

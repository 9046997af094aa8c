"""Arm against arm: paired differences of every two of them, by each evaluator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from harness.evaluate.differences import difference_of
from harness.evaluate.scores import Scored
from harness.evaluate.verdicts import told


def contrasts(
    scores: Mapping[str, Sequence[Scored]],
    trained: Mapping[str, bool],
    margin: float | None = None,
) -> list[dict[str, Any]]:
    """Return the paired difference of every two policies by one criterion.

    The p-values are adjusted by Holm over these pairs: each criterion has its own family.

    Args:
        scores: By policy.
        trained: Policies that are compared, in the order of the rows, and whether the seeds of each
            are trainings.
        margin: A difference within this of zero counts as none.

    Returns:
        Rows of ``a``, ``b`` and the difference, a less b: what ``difference`` holds in
        docs/reports.md.
    """
    pairs = list(combinations(trained, 2))
    found = [
        difference_of(scores.get(a, ()), scores.get(b, ()), margin, (trained[a], trained[b]))
        for a, b in pairs
    ]
    rows = told([difference for difference, _ in found])
    return [
        {"a": a, "b": b, **row, **between}
        for (a, b), row, (_, between) in zip(pairs, rows, found, strict=True)
    ]

"""Differences by a judge, corrected with people's labels of some of the same responses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from harness.agreement.corrected_difference import Scored as Side
from harness.agreement.corrected_difference import corrected_difference
from harness.evaluate.differences import cells_of, numbers
from harness.evaluate.scores import EvaluatorInfo, Scored, Scores, known
from harness.evaluate.verdicts import Difference, told
from harness.statistics.seeds import seeded

JUDGES = ("judge", "reward_model")
"""Evaluators with a taste, which may be for the style of one policy."""


def corrected(
    scores: Scores,
    evaluators: Sequence[EvaluatorInfo],
    trained: Mapping[str, bool],
    base: str,
) -> list[dict[str, Any]]:
    """Return each policy's difference to base by each judge, as people see it.

    Args:
        scores: What every evaluator said of every response.
        evaluators: Who they are; those of people correct the judges.
        trained: The policies, and whether the seeds of each are trainings.
        base: The policy that the others are compared with.

    Returns:
        One row for each judge, people and policy that has labels; p-values are adjusted over them.
    """
    rows = [
        row
        for judge in evaluators
        if judge.kind in JUDGES
        for people in evaluators
        if people.kind == "human"
        for policy in trained
        if policy != base
        for row in _row(scores, (judge.name, people.name), (policy, base), trained)
    ]
    margins = {evaluator.name: evaluator.margin for evaluator in evaluators}
    found = [Difference(row.pop("seeded"), margins[row["evaluator"]]) for row in rows]
    for row, difference in zip(rows, told(found), strict=True):
        del difference["failures"]
        row["corrected"] = difference
    return rows


def _row(
    scores: Scores, who: tuple[str, str], pair: tuple[str, str], trained: Mapping[str, bool]
) -> Iterator[dict[str, Any]]:
    """Yield the differences of a policy, where people labelled any response of it or of base."""
    sides = [
        _pairs(scores.get((who[0], name), ()), scores.get((who[1], name), ())) for name in pair
    ]
    shared = {row.item_id for row, _ in sides[0]} & {row.item_id for row, _ in sides[1]}
    kept = [[(row, truth) for row, truth in side if row.item_id in shared] for side in sides]
    labels = [sum(truth is not None for _, truth in side) for side in kept]
    if not shared or not any(labels):
        return
    names = {row.cluster: number for number, (row, _) in enumerate(kept[0] + kept[1])}
    lucky = trained[pair[0]], trained[pair[1]]
    one, other = (_side(side, names, luck) for side, luck in zip(kept, lucky, strict=True))
    found = corrected_difference(one, other)
    decides = "corrected"
    if found.corrected.value is None:
        decides = "judge"
    elif labels == [len(side) for side in kept]:
        decides = "people"  # everything is labelled: there is nothing to add
    yield {
        "evaluator": who[0],
        "people": who[1],
        "policy": pair[0],
        "responses": sum(map(len, kept)),
        "labels": sum(labels),
        "decides": decides,
        "judged": _alone([[(row, row.value) for row, _ in side] for side in kept], lucky),
        "labelled": _alone(kept, lucky),
        "seeded": found.seeded,
        "tuning": found.tuning,
        "effective_n": found.effective_n,
    }


def _alone(
    sides: Sequence[Sequence[tuple[Scored, float | None]]], trained: tuple[bool, bool]
) -> dict[str, Any]:
    """Return the difference by one word on each response, over trainings and prompts."""
    cells = [
        cells_of((row.seed, row.cluster, say) for row, say in side if say is not None)
        for side in sides
    ]
    found = seeded(cells[0], cells[1], (-1.0, 1.0), trained=trained)
    ends = {"low": found.trainings.low, "high": found.trainings.high, "p": found.trainings.p}
    return {**numbers(found, "p"), "seeds": found.seeds, "trainings": ends}


def _pairs(
    judged: Sequence[Scored], labelled: Sequence[Scored]
) -> list[tuple[Scored, float | None]]:
    """Return what a judge scored, each with people's score of it; both are in one order."""
    said = [row.value for row in labelled] if labelled else [None] * len(judged)
    scored = {id(row) for row, _ in known(judged)}
    return [(row, say) for row, say in zip(judged, said, strict=True) if id(row) in scored]


def _side(
    rows: Sequence[tuple[Scored, float | None]], names: Mapping[str, int], trained: bool
) -> Side:
    return Side(
        np.array([row.value for row, _ in rows], dtype=np.float64),
        np.array([np.nan if say is None else say for _, say in rows], dtype=np.float64),
        np.array([names[row.cluster] for row, _ in rows], dtype=np.int64),
        np.array([row.seed for row, _ in rows], dtype=np.int64) if trained else None,
    )

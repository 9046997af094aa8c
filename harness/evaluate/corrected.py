"""Differences by a judge, corrected with people's labels of some of the same responses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from harness.agreement.corrected_difference import Scored as Side
from harness.agreement.corrected_difference import corrected_difference
from harness.evaluate.scores import EvaluatorInfo, Scored, Scores, known
from harness.evaluate.verdicts import verdict_of
from harness.statistics.intervals import holm

JUDGES = ("judge", "reward_model")
"""Evaluators with a taste, which may be for the style of one policy."""


def corrected(
    scores: Scores, evaluators: Sequence[EvaluatorInfo], policies: Sequence[str], base: str
) -> list[dict[str, Any]]:
    """Return each policy's difference to base by each judge, as people see it.

    Args:
        scores: What every evaluator said of every response.
        evaluators: Who they are; those of people correct the judges.
        policies: Their names.
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
        for policy in policies
        if policy != base
        for row in _row(scores, (judge.name, people.name), policy, base)
    ]
    margins = {evaluator.name: evaluator.margin for evaluator in evaluators}
    for row, p in zip(rows, holm([row["corrected"]["p"] for row in rows]), strict=True):
        found = row["corrected"]
        word = verdict_of(found, p, margins[row["evaluator"]])
        # The interval is over prompts: what it shows holds for the trainings that there are.
        found |= {"p_holm": p, "interval_over": "prompts", "trainings": {"verdict": word}}
        found["verdict"] = "unknown" if word == "unknown" else "unclear"
        found["seeds"] = len(
            {one.seed for one in scores.get((row["evaluator"], row["policy"]), ())}
        )
    return rows


def _row(scores: Scores, who: tuple[str, str], policy: str, base: str) -> Iterator[dict[str, Any]]:
    """Yield the differences of a policy, where people labelled any response of it or of base."""
    sides = [
        _pairs(scores.get((who[0], name), ()), scores.get((who[1], name), ()))
        for name in (policy, base)
    ]
    shared = {row.item_id for row, _ in sides[0]} & {row.item_id for row, _ in sides[1]}
    kept = [[(row, truth) for row, truth in side if row.item_id in shared] for side in sides]
    labels = [sum(truth is not None for _, truth in side) for side in kept]
    if not shared or not any(labels):
        return
    names = {row.cluster: number for number, (row, _) in enumerate(kept[0] + kept[1])}
    found = corrected_difference(_side(kept[0], names), _side(kept[1], names))
    decides = "corrected"
    if found.corrected.value is None:
        decides = "judge"
    elif labels == [len(side) for side in kept]:
        decides = "people"  # everything is labelled: there is nothing to add
    yield {
        "evaluator": who[0],
        "people": who[1],
        "policy": policy,
        "responses": sum(map(len, kept)),
        "labels": sum(labels),
        "decides": decides,
        "judged": found.judged.numbers("p"),
        "labelled": found.labelled.numbers("p"),
        "corrected": found.corrected.numbers("p", "reason"),
        "tuning": found.tuning,
        "effective_n": found.effective_n,
    }


def _pairs(
    judged: Sequence[Scored], labelled: Sequence[Scored]
) -> list[tuple[Scored, float | None]]:
    """Return what a judge scored, each with people's score of it; both are in one order."""
    told = [row.value for row in labelled] if labelled else [None] * len(judged)
    scored = {id(row) for row, _ in known(judged)}
    return [(row, say) for row, say in zip(judged, told, strict=True) if id(row) in scored]


def _side(rows: Sequence[tuple[Scored, float | None]], names: dict[str, int]) -> Side:
    return Side(
        np.array([row.value for row, _ in rows], dtype=np.float64),
        np.array([np.nan if say is None else say for _, say in rows], dtype=np.float64),
        np.array([names[row.cluster] for row, _ in rows], dtype=np.int64),
    )

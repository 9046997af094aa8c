"""The joint pass rate: the share of responses that pass every criterion of yes and no."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from harness.evaluate.scores import EvaluatorInfo, Scored, Scores
from harness.nouns.outcomes import Status
from harness.nouns.scale import Scale
from harness.nouns.schema import Judgment, JudgmentRequest

JOINT = "joint"
"""Name of the criterion "passes all" where it stands beside the evaluators."""


def scales_of(
    evaluators: Iterable[EvaluatorInfo],
    requests: Iterable[JudgmentRequest],
    judgments: Iterable[Judgment],
) -> dict[str, frozenset[Scale]]:
    """Return the scales of each evaluator: its own, or those of the criteria it was asked about."""
    asked = {request.id: request.criterion.scale for request in requests}
    of: dict[str, set[Scale]] = {}
    for judgment in judgments:
        if judgment.request_id in asked:
            of.setdefault(judgment.source, set()).add(asked[judgment.request_id])
    return {
        one.name: frozenset(of.get(one.name, ()) if one.scale is None else [one.scale])
        for one in evaluators
    }


def why_not_joint(
    scores: Scores,
    names: Sequence[str],
    scales: Mapping[str, Collection[Scale]],
) -> str:
    """Return why there is no joint pass rate of some criteria; empty where there is one."""
    if len(names) < 2:
        return "fewer than two criteria are held out for every arm"
    graded = [n for n in names if not all(scale.is_binary for scale in scales.get(n, ()))]
    if not graded:  # several opinions of one response that differ make a grade, too
        split = {
            name
            for (name, _), rows in scores.items()
            if name in names and any(row.value not in (None, 0.0, 1.0) for row in rows)
        }
        graded = [name for name in names if name in split]
    if graded:
        return f"not a yes or no for each response: {', '.join(graded)}"
    return ""


def joint_scores(
    scores: Scores, names: Sequence[str], policies: Sequence[str], lower: Collection[str] = ()
) -> dict[str, list[Scored]]:
    """Return, by policy, each response with 1 if it passes every criterion and 0 if it fails one.

    A response counts only where every criterion has a score for it: with the known failures of the
    others alone, missing scores would look like bad ones. Else it has the first reason.

    Args:
        scores: What every evaluator said of every response; each policy's rows in one order.
        names: The criteria; all of their scores are 0 or 1.
        policies: Their names.
        lower: Criteria that a response passes with 0.
    """
    return {
        policy: [
            _all_of(same, [name in lower for name in names])
            for same in zip(*(scores.get((name, policy), ()) for name in names), strict=True)
        ]
        for policy in policies
    }


def _all_of(same: Sequence[Scored], lower: Sequence[bool]) -> Scored:
    first = same[0]
    missing = next((row for row in same if row.value is None), None)
    value, status = None, Status.OK
    if missing is not None:
        status = missing.status
    else:
        passed = (row.value == (0.0 if low else 1.0) for row, low in zip(same, lower, strict=True))
        value = float(all(passed))
    return Scored(
        first.item_id, first.cluster, first.policy, first.seed, value, status, first.length,
        first.answered,
    )  # fmt: skip

"""Policies against each other beyond base: contrasts, joint rate, fronts, ranks and slices."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from harness.evaluate.contrasts import contrasts
from harness.evaluate.differences import mean_over, numbers
from harness.evaluate.joint import joint_scores, why_not_joint
from harness.evaluate.pareto import fronts
from harness.evaluate.ranks import ranks
from harness.evaluate.scores import EvaluatorInfo, Scored, Scores, coverage_of, known
from harness.evaluate.slices import slices
from harness.nouns.scale import Scale


def rivals(
    scores: Scores,
    evaluators: Sequence[EvaluatorInfo],
    trained: Mapping[str, bool],
    base: str,
    of: Mapping[str, str],
    scales: Mapping[str, Collection[Scale]],
) -> dict[str, Any]:
    """Return what a report says of policies against each other; absent where there is nothing.

    Args:
        scores: What every evaluator said of every response.
        evaluators: Who they are.
        trained: The policies, and whether the seeds of each are trainings.
        base: The policy that the others are compared with.
        of: Item id -> its slice, empty without.
        scales: The scales of each evaluator.
    """
    names, policies = [one.name for one in evaluators], list(trained)
    lower = frozenset(one.name for one in evaluators if one.direction == "lower")
    arms = {policy: luck for policy, luck in trained.items() if policy != base}
    found: dict[str, Any] = {}
    if len(arms) > 1:
        found["contrasts"] = [
            {"evaluator": one.name, "held_out": _held_out(one, row), **row}
            for one in evaluators
            for row in contrasts(_by_policy(scores, one.name, arms), arms, one.margin)
        ]
    if len(policies) > 1 and len(names) > 1:
        found["joint"] = _joint(scores, evaluators, trained, base, scales, lower)
        found["pareto"] = fronts(scores, names, policies, lower)
    if len(policies) > 2:
        found["ranks"] = ranks(scores, names, trained, lower)
    if len(set(of.values())) > 1:
        margins = {one.name: one.margin for one in evaluators}
        found["slices"] = slices(scores, margins, trained, base, of)
    return found


def _by_policy(scores: Scores, name: str, policies: Collection[str]) -> dict[str, Sequence[Scored]]:
    return {policy: scores.get((name, policy), ()) for policy in policies}


def _held_out(evaluator: EvaluatorInfo, row: Mapping[str, Any]) -> bool | None:
    of = evaluator.held_out_for
    return None if of is None else row["a"] in of and row["b"] in of


def _joint(
    scores: Scores,
    evaluators: Sequence[EvaluatorInfo],
    trained: Mapping[str, bool],
    base: str,
    scales: Mapping[str, Collection[Scale]],
    lower: Collection[str],
) -> dict[str, Any]:
    """Return the joint pass rate by the criteria that are held out for every arm."""
    arms = {policy for policy in trained if policy != base}
    names = [one.name for one in evaluators if one.held_out_for is None or arms <= one.held_out_for]
    found = {"criteria": names, "policies": [], "contrasts": [], "reason": ""}
    if why := why_not_joint(scores, names, scales):
        return found | {"reason": why}
    passed = joint_scores(scores, names, list(trained), lower)
    order = sorted(trained, key=lambda policy: policy == base)  # gains of the arms, not losses
    return found | {
        "policies": [
            {"policy": policy, **_summary(passed[policy], trained[policy])} for policy in trained
        ],
        "contrasts": contrasts(passed, {policy: trained[policy] for policy in order}),
    }


def _summary(rows: Sequence[Scored], trained: bool) -> dict[str, Any]:
    values = [(row.seed, row.cluster, value) for row, value in known(rows)]
    over = mean_over(values, trained=trained)
    return {**numbers(over, "clusters", "reason"), **coverage_of(rows)}

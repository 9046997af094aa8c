"""The whole comparison of policies on held-out prompts, as one plain dictionary."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

from harness.evaluate.alike import alike
from harness.evaluate.corrected import corrected
from harness.evaluate.diversity import describe_texts
from harness.evaluate.same_rule import SAME_RULE
from harness.evaluate.scores import (
    EvaluatorInfo,
    Scored,
    Scores,
    cluster_of,
    coverage_of,
    known,
    mean_of,
    score_responses,
    unanswered,
    values_of,
)
from harness.evaluate.wins import COMBINED, win_rates
from harness.nouns.counted import counted
from harness.nouns.errors import DataError
from harness.nouns.scale import is_number
from harness.nouns.schema import Item, Judgment, JudgmentRequest, Response
from harness.statistics.estimate import CONFIDENCE, FEW_CLUSTERS, Estimate
from harness.statistics.intervals import clustered_difference, clustered_mean, holm
from harness.statistics.resample import seed_interval

FEWEST_SEEDS = 3


def evaluate(
    items: Sequence[Item],
    responses: Mapping[tuple[str, int], Sequence[Response]],
    requests: Iterable[JudgmentRequest],
    judgments: Iterable[Judgment],
    evaluators: Sequence[EvaluatorInfo],
    *,
    base: str = "base",
) -> dict[str, Any]:
    """Compare policies on held-out prompts.

    Seeds are pooled, and shown one by one beside it. With three seeds or more the interval covers
    seeds and prompts (seeds resampled before prompts); with fewer it covers prompts only, and a
    warning says so. A response without a score is left out, counted by its status, and never 0.

    Args:
        items: The held-out items; ``metadata["cluster"]`` groups those that are not independent.
        responses: By (policy, seed); the ids are unique within each. Where the metadata hold
            ``log_ratio``, log p_policy(response) - log p_base(response) in nats, its mean over a
            policy's own samples estimates its KL from base (k1).
        requests: What the evaluators were asked, one response each.
        judgments: What they said; those of other sources are ignored.
        evaluators: Who they are.
        base: The policy that the others are compared with.

    Returns:
        JSON values only; docs/reports.md says what each key holds.

    Raises:
        DataError: The responses do not fit the items, a request is not pointwise, or an evaluator
            has the name of the combined criterion.
        ScaleError: A value is not on its scale.
    """
    if any(evaluator.name == COMBINED for evaluator in evaluators):
        raise DataError(
            f"an evaluator cannot be called {COMBINED!r}", hint="that is the criterion of them all"
        )
    policies = list(dict.fromkeys(policy for policy, _ in responses))
    scores = score_responses(items, responses, requests, judgments, evaluators)
    clusters = {item.id: cluster_of(item) for item in items}
    rows = [
        _score_row(scores, evaluator, policy, base)
        for evaluator in evaluators
        for policy in policies
    ]
    compared = [row["difference"] for row in rows if row["difference"] is not None]
    for difference, p in zip(compared, holm([d["p"] for d in compared]), strict=True):
        difference["p_holm"] = p
    texts = describe_texts(responses, clusters) if responses else {}
    likeness = alike(responses, clusters, base)
    by_people = corrected(scores, evaluators, policies, base)
    return {
        "confidence": CONFIDENCE,
        "base": base,
        "items": len(items),
        "comparisons": sum(d["p"] is not None for d in compared),
        "evaluators": [_evaluator_row(evaluator) for evaluator in evaluators],
        "policies": [
            {
                "name": policy,
                "seeds": [seed for name, seed in responses if name == policy],
                "responses": sum(len(responses[key]) for key in responses if key[0] == policy),
                "kl": _kl(policy, responses, clusters),
                **texts[policy],
                "diversity": likeness[policy],
            }
            for policy in policies
        ],
        "scores": rows,
        **({"corrected": by_people} if by_people else {}),
        "wins": win_rates(scores, policies, [evaluator.name for evaluator in evaluators]),
        "warnings": [
            *_unanswered(list(clusters), responses),
            *_warnings(rows, policies, responses, base),
            *_same_rules(evaluators),
        ],
    }


def _evaluator_row(evaluator: EvaluatorInfo) -> dict[str, Any]:
    arms = evaluator.held_out_for
    return {
        "name": evaluator.name,
        "title": evaluator.title or evaluator.name,
        "kind": evaluator.kind,
        "simulated": evaluator.simulated,
        "held_out_for": None if arms is None else sorted(arms),
        "same_rule_as": [one.as_row() for one in evaluator.compared if one.same],
        "compared_with": [one.as_row() for one in evaluator.compared],
    }


def _score_row(scores: Scores, evaluator: EvaluatorInfo, policy: str, base: str) -> dict[str, Any]:
    rows, of = scores.get((evaluator.name, policy), ()), evaluator.held_out_for
    pooled = mean_of(rows)
    seeds = []
    for seed in dict.fromkeys(row.seed for row in rows):
        own = [row for row in rows if row.seed == seed]
        seeds.append({"seed": seed, **mean_of(own).numbers(), **coverage_of(own)})
    means = [row["value"] for row in seeds if row["value"] is not None]
    difference = None
    if policy != base:
        difference = _difference(rows, scores.get((evaluator.name, base), ()))
    return {
        "evaluator": evaluator.name,
        "policy": policy,
        "held_out": None if of is None else policy == base or policy in of,
        "same_rule": list(evaluator.same_rule.get(policy, ())),
        **_with_seeds(pooled, seed_interval(_cells(rows))),
        **coverage_of(rows),
        "clusters": pooled.clusters,
        "seeds": seeds,
        "seed_sd": statistics.stdev(means) if len(means) > 1 else None,
        "difference": difference,
    }


def _difference(rows: Sequence[Scored], others: Sequence[Scored]) -> dict[str, Any]:
    """Return a policy's gain over base on the items that both have a score for."""
    shared = {row.item_id for row, _ in known(rows)} & {row.item_id for row, _ in known(others)}
    mine, theirs = ([row for row in side if row.item_id in shared] for side in (rows, others))
    estimate = clustered_difference(*values_of(mine), *values_of(theirs))
    return {
        **_with_seeds(estimate, seed_interval(_cells(mine), _cells(theirs))),
        "n": estimate.n,
        "items": len(shared),
        "clusters": estimate.clusters,
        "p": estimate.p,
        "p_holm": None,
    }


def _cells(rows: Sequence[Scored]) -> dict[int, dict[str, list[float]]]:
    cells: dict[int, dict[str, list[float]]] = {}
    for row, value in known(rows):
        cells.setdefault(row.seed, {}).setdefault(row.cluster, []).append(value)
    return cells


def _with_seeds(estimate: Estimate, seeds: tuple[float, float] | None) -> dict[str, Any]:
    """Return value and interval, widened to that over seeds and prompts where there is one."""
    low, high, over = estimate.low, estimate.high, "prompts"
    if seeds is not None and low is not None and high is not None:
        low, high, over = min(low, seeds[0]), max(high, seeds[1]), "seeds and prompts"
    return {
        **replace(estimate, low=low, high=high).numbers(),
        "interval_over": over if low is not None else None,
        "reason": estimate.reason,
    }


def _kl(
    policy: str,
    responses: Mapping[tuple[str, int], Sequence[Response]],
    clusters: Mapping[str, str],
) -> dict[str, Any] | None:
    ratios = [
        (float(response.metadata["log_ratio"]), clusters[response.item_id])
        for (name, _), answers in responses.items()
        if name == policy
        for response in answers
        if is_number(response.metadata.get("log_ratio"))
    ]
    if not ratios:
        return None
    values, groups = zip(*ratios, strict=True)
    return clustered_mean(values, groups, bounds=None).numbers("n", "clusters")


NAMED = 5
"""So many items without a response are named."""


def _unanswered(
    items: Sequence[str], responses: Mapping[tuple[str, int], Sequence[Response]]
) -> list[str]:
    """Return a line for each policy and seed that left items out, and for its comparisons."""
    lines, answered = [], dict[str, set[str]]()
    for (policy, seed), answers in responses.items():
        lost = unanswered(items, answers)
        answered[policy] = answered.get(policy, set()) | (set(items) - set(lost))
        if lost:
            named = ", ".join(lost[:NAMED]) + f" and {len(lost) - NAMED} more" * (len(lost) > NAMED)
            lines.append(
                f"{policy} with seed {seed} has no response to {len(lost)} of {len(items)} items"
                f" ({named}): its scores are means over the others only, its coverage is of all."
            )
    for a, b in combinations(answered, 2):
        common = answered[a] & answered[b]
        if len(common) < len(items):
            lines.append(
                f"{a} and {b} are compared, in differences and win rates, over the {len(common)} of"
                f" {len(items)} items that both have a response to."
            )
    return lines


FEWEST_ITEMS, SAME = 3, 0.9
"""From so many items on, a text given to that share of them is an alarm."""


def _same_texts(responses: Mapping[tuple[str, int], Sequence[Response]]) -> list[str]:
    """Return an alarm for each policy and seed that gives one text to almost all items."""
    alarms = []
    for (policy, seed), answers in responses.items():
        items: dict[str, set[str]] = {}
        for response in answers:
            items.setdefault(" ".join(response.text.split()), set()).add(response.item_id)
        asked = len({response.item_id for response in answers})
        text, given = max(items.items(), key=lambda one: len(one[1]), default=("", set()))
        if asked >= FEWEST_ITEMS and len(given) >= SAME * asked:
            said = f"the same text, {text!r:.60}," if text else "an empty text"
            alarms.append(
                f"{policy} with seed {seed} gives {said} to {len(given)} of {asked} items: its"
                " scores tell nothing of how it answers them."
            )
    return alarms


def _warnings(
    rows: Sequence[Mapping[str, Any]],
    policies: Sequence[str],
    responses: Mapping[tuple[str, int], Sequence[Response]],
    base: str,
) -> list[str]:
    warnings = []
    if base not in policies:
        warnings.append(f"There is no policy {base!r}, so no difference to it is shown.")
    few = [
        policy
        for policy in policies
        if policy != base and sum(name == policy for name, _ in responses) < FEWEST_SEEDS
    ]
    if few:
        warnings.append(
            f"Fewer than {FEWEST_SEEDS} seeds ({', '.join(few)}): the intervals cover the choice"
            " of prompts, not the luck of training, so a repetition can fall outside them."
        )
    small = min((row["clusters"] for row in rows if row["n"]), default=0)
    if 0 < small < FEW_CLUSTERS:
        warnings.append(
            f"Only {small} independent prompts: below {FEW_CLUSTERS}, intervals clustered by"
            " prompt are too narrow."
        )
    warnings += _same_texts(responses)
    for row in rows:
        if row["n"] < row["responses"]:
            reasons = ", ".join(f"{count} {status}" for status, count in row["failures"].items())
            warnings.append(
                f"{row['evaluator']} scored {row['n']} of {row['responses']} responses of"
                f" {row['policy']} ({reasons}); the others are left out, not counted as 0."
            )
    for evaluator in dict.fromkeys(row["evaluator"] for row in rows):
        own = (row for row in rows if row["evaluator"] == evaluator)
        trained = [
            row["policy"] for row in own if row["held_out"] is False and not row["same_rule"]
        ]
        if trained:
            warnings.append(
                f"{evaluator} took part in training {', '.join(trained)}, so its scores of"
                f" {'it' if len(trained) == 1 else 'them'} are not held-out."
            )
    return warnings


def _same_rules(evaluators: Sequence[EvaluatorInfo]) -> list[str]:
    """Return which evaluators say what trained an arm, and of which that is not known."""
    lines = []
    for evaluator in evaluators:
        for one in evaluator.compared:
            kappa = one.kappa
            if one.same:
                arms = [arm for arm, names in evaluator.same_rule.items() if one.source in names]
                lines.append(
                    f"{evaluator.name} has the same rule as {one.source} (kappa"
                    f" {kappa.value:.2f} on {counted(kappa.n, one.on[:-1])}), which took part in"
                    f" training {', '.join(arms)}: its scores of"
                    f" {'it' if len(arms) == 1 else 'them'} are not held-out."
                )
            elif one.near:
                lines.append(
                    f"{evaluator.name} may have the same rule as {one.source}, which took part in"
                    f" training: kappa {kappa.value:.2f} ({kappa.low:.2f} to {kappa.high:.2f}) on"
                    f" {counted(kappa.n, one.on[:-1])}, and from {SAME_RULE} on it counts as that."
                )
            elif one.unknown:
                lines.append(
                    f"Whether {evaluator.name} has the same rule as {one.source}, which took part"
                    f" in training, is not known: {kappa.reason}."
                )
    return lines

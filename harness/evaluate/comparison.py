"""The whole comparison of policies on held-out prompts, as one plain dictionary."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import combinations
from types import MappingProxyType
from typing import Any

from harness.evaluate.against_base import (
    Met,
    against_base_row,
    base_row,
    from_even,
    goes_by_place,
    scored,
)
from harness.evaluate.alike import alike
from harness.evaluate.cautions import cautions
from harness.evaluate.clusters import clusters_of, joined
from harness.evaluate.copies import without_copies
from harness.evaluate.corrected import corrected
from harness.evaluate.differences import difference_of, mean_over, numbers
from harness.evaluate.distance import kl_of, no_ratios
from harness.evaluate.diversity import describe_texts
from harness.evaluate.joint import scales_of
from harness.evaluate.pass_at_k import policies_pass_at_k
from harness.evaluate.rivals import rivals
from harness.evaluate.same_rule import SAME_RULE
from harness.evaluate.scores import (
    EvaluatorInfo,
    Scored,
    Scores,
    coverage_of,
    known,
    score_responses,
    slice_of,
    unanswered,
)
from harness.evaluate.verdicts import Difference, told
from harness.evaluate.wins import COMBINED, win_rates
from harness.nouns.counted import counted
from harness.nouns.errors import DataError
from harness.nouns.schema import Item, Judgment, JudgmentRequest, Response
from harness.statistics.estimate import CONFIDENCE, FEW_CLUSTERS
from harness.statistics.seeds import FEWEST_SEEDS


def evaluate(
    items: Sequence[Item],
    responses: Mapping[tuple[str, int], Sequence[Response]],
    requests: Iterable[JudgmentRequest],
    judgments: Iterable[Judgment],
    evaluators: Sequence[EvaluatorInfo],
    *,
    base: str = "base",
    base_trained: bool = False,
    met: Mapping[str, Sequence[Met]] = MappingProxyType({}),
) -> dict[str, Any]:
    """Compare policies on held-out prompts.

    Seeds are pooled, and shown one by one beside it. Intervals and p-values cover trainings and
    prompts (:mod:`harness.statistics.seeds`); with fewer than three trainings no verdict is of the
    method. A response without a score is left out, counted by its status, and never 0; what it
    could do to a difference is (:mod:`harness.evaluate.missing`). Seeds that are copies of an
    earlier one count once (:mod:`harness.evaluate.copies`).

    Args:
        items: The held-out items; ``metadata["cluster"]`` groups those that are not independent,
            and those of one prompt never are.
        responses: By (policy, seed); the ids are unique within each. Where the metadata hold
            ``log_ratio``, log p_policy(response) - log p_base(response) in nats, its mean over a
            policy's own samples estimates its KL from base (k1).
        requests: What the evaluators were asked, one response each.
        judgments: What they said; those of other sources are ignored.
        evaluators: Who they are.
        base: The policy that the others are compared with.
        base_trained: Whether its seeds are trainings, too, and not samples of one policy.
        met: What evaluators that compare with base made of each pair, by evaluator.

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
    requests, judgments = list(requests), list(judgments)
    policies = list(dict.fromkeys(policy for policy, _ in responses))
    everybody, evaluators = evaluators, [one for one in evaluators if one.way == "pointwise"]
    trained = {policy: policy != base or base_trained for policy in policies}
    responses, copied = without_copies(responses, trained)
    scores = score_responses(items, responses, requests, judgments, evaluators)
    pairs = _by_policy(met, responses)
    every = {**scores, **{key: scored(found) for key, found in pairs.items()}}
    clusters = clusters_of(items)
    rows = [
        base_row(evaluator, base)
        if evaluator.way != "pointwise" and policy == base
        else _score_row(every, evaluator, policy, base, trained[policy])
        for evaluator in everybody
        for policy in policies
    ]
    _compare(rows, scores, pairs, everybody, base, base_trained)
    texts = describe_texts(responses, clusters, trained) if responses else {}
    compared = [row["difference"] for row in rows if row["difference"] is not None]
    likeness = alike(responses, clusters, base, base_trained=base_trained)
    passing = policies_pass_at_k(scores, evaluators, trained, base)
    by_people = corrected(scores, evaluators, trained, base)
    return {
        "confidence": CONFIDENCE,
        "base": base,
        "items": len(items),
        "comparisons": sum(d["p"] is not None for d in compared),
        "evaluators": [_evaluator_row(evaluator) for evaluator in everybody],
        "policies": [
            {
                "name": policy,
                "seeds": [seed for name, seed in responses if name == policy],
                "responses": sum(len(responses[key]) for key in responses if key[0] == policy),
                "kl": kl_of(policy, responses, clusters, trained[policy]),
                **texts[policy],
                "diversity": likeness[policy],
            }
            for policy in policies
        ],
        "scores": rows,
        **({"corrected": by_people} if by_people else {}),
        **({"pass_at_k": passing} if passing else {}),
        **rivals(
            scores,
            evaluators,
            trained,
            base,
            {item.id: slice_of(item) for item in items},
            scales_of(evaluators, requests, judgments),
        ),
        "wins": win_rates(scores, trained, evaluators, rows, base),
        **_against_base(everybody, policies, pairs, base_trained),
        "warnings": [
            *copied,
            *joined(items),
            *no_ratios(responses),
            *_unanswered(list(clusters), responses),
            *_warnings(rows, policies, responses, base, {key[0] for key in pairs}),
            *cautions(rows, every),
            *_same_rules(everybody),
        ],
    }


Pairs = Mapping[tuple[str, str], Sequence[Met]]
"""(evaluator, policy) -> its pairs with base."""


def _by_policy(met: Mapping[str, Sequence[Met]], kept: Collection[tuple[str, int]]) -> Pairs:
    """Return the pairs of the trainings that count."""
    found: dict[tuple[str, str], list[Met]] = {}
    for evaluator, pairs in met.items():
        for one in pairs:
            pairing = one.pairing
            if (pairing.policy, pairing.seed) in kept:
                found.setdefault((evaluator, pairing.policy), []).append(one)
    return found


def _against_base(
    evaluators: Sequence[EvaluatorInfo], policies: Sequence[str], pairs: Pairs, base_trained: bool
) -> dict[str, Any]:
    """Return a row for each evaluator of pairs and policy that it compared; nothing without one."""
    rows = [
        against_base_row(evaluator, policy, pairs[evaluator.name, policy], base_trained)
        for evaluator in evaluators
        for policy in policies
        if (evaluator.name, policy) in pairs
    ]
    return {"against_base": rows} if rows else {}


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
        "direction": evaluator.direction,
        "margin": evaluator.margin,
        **({"way": evaluator.way} if evaluator.way != "pointwise" else {}),
    }


def _score_row(
    scores: Scores, evaluator: EvaluatorInfo, policy: str, base: str, trained: bool
) -> dict[str, Any]:
    rows, of = scores.get((evaluator.name, policy), ()), evaluator.held_out_for
    pooled = mean_over(_values(rows), trained=trained)
    seeds = []
    for seed in dict.fromkeys(row.seed for row in rows):
        own = [row for row in rows if row.seed == seed]
        mean = mean_over(_values(own), trained=False).estimate
        seeds.append({"seed": seed, **mean.numbers(), **coverage_of(own)})
    means = [row["value"] for row in seeds if row["value"] is not None]
    return {
        "evaluator": evaluator.name,
        "policy": policy,
        "held_out": None if of is None else policy == base or policy in of,
        "same_rule": list(evaluator.same_rule.get(policy, ())),
        **numbers(pooled, "reason"),
        "trainings": {"low": pooled.trainings.low, "high": pooled.trainings.high},
        **coverage_of(rows),
        "clusters": pooled.estimate.clusters,
        "seeds": seeds,
        "seed_sd": statistics.stdev(means) if len(means) > 1 else None,
        "difference": None,
    }


def _values(rows: Sequence[Scored]) -> list[tuple[int, str, float]]:
    return [(row.seed, row.cluster, value) for row, value in known(rows)]


def _compare(
    rows: Sequence[dict[str, Any]],
    scores: Scores,
    pairs: Pairs,
    evaluators: Sequence[EvaluatorInfo],
    base: str,
    base_trained: bool,
) -> None:
    """Put the difference to base into each row of another policy; all are one family."""
    who = {evaluator.name: evaluator for evaluator in evaluators}
    others = [row for row in rows if row["policy"] != base]
    found, ends = list[Difference](), list[dict[str, Any]]()
    for row in others:
        evaluator, places = who[row["evaluator"]], [(row["evaluator"], row["policy"])]
        places.append((evaluator.name, base))
        if evaluator.way == "pointwise":
            mine, theirs = (scores.get(place, ()) for place in places)
            both = (True, base_trained)
            difference, between = difference_of(mine, theirs, evaluator.margin, both)
        else:
            met = pairs.get(places[0], ())
            difference, between = from_even(met, evaluator.margin, base_trained)
        found.append(difference)
        ends.append(between)
    for row, between, numbers_ in zip(others, ends, told(found), strict=True):
        row["difference"] = {**numbers_, **between}
        if goes_by_place(pairs.get((row["evaluator"], row["policy"]), ())):
            row["difference"] |= {"mdd": None, "trainings": {**numbers_["trainings"], "mdd": None}}


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
    of_pairs: Collection[str] = (),
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
            f"Fewer than {FEWEST_SEEDS} seeds ({', '.join(few)}): what these trainings"
            " show need not hold for the next one, and no verdict is of the method."
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
            if row["evaluator"] in of_pairs:
                warnings.append(
                    f"{row['evaluator']} compared {row['n']} of {row['responses']} responses of"
                    f" {row['policy']} with {base}'s ({reasons}); the other pairs are left out,"
                    " neither ties nor losses."
                )
                continue
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

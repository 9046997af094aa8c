"""How far a policy is from base: the mean log-ratio of its own responses, in nats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.evaluate.differences import mean_over, numbers
from harness.nouns.counted import counted
from harness.nouns.scale import is_number
from harness.nouns.schema import Response

MOST = 1e6
"""Nats that no response is away from base: a thousand tokens of a thousand nats each."""


def ratio_of(response: Response) -> float | None:
    """Return log p_policy(response) - log p_base(response) in nats, where the metadata tell it."""
    ratio: Any = response.metadata.get("log_ratio")
    return float(ratio) if is_number(ratio) and abs(ratio) <= MOST else None


def kl_of(
    policy: str,
    responses: Mapping[tuple[str, int], Sequence[Response]],
    clusters: Mapping[str, str],
    trained: bool,
) -> dict[str, Any] | None:
    """Return an estimate of a policy's KL from base (k1), None where nothing tells it.

    Args:
        policy: Its name.
        responses: By (policy, seed).
        clusters: Of each item.
        trained: Whether the seeds are trainings.
    """
    ratios = [
        (seed, clusters[response.item_id], ratio)
        for (name, seed), answers in responses.items()
        if name == policy
        for response in answers
        if (ratio := ratio_of(response)) is not None
    ]
    if not ratios:
        return None
    found = mean_over(ratios, None, trained=trained)
    ends = {"low": found.trainings.low, "high": found.trainings.high}
    return {**numbers(found, "n", "clusters"), "seeds": found.seeds, "trainings": ends}


def no_ratios(responses: Mapping[tuple[str, int], Sequence[Response]]) -> list[str]:
    """Return a line for each policy with log-ratios that are none: how many, and the first."""
    lines = []
    for policy in dict.fromkeys(policy for policy, _ in responses):
        mine = [
            (seed, one) for (name, seed), rows in responses.items() if name == policy
            for one in rows if one.metadata.get("log_ratio") is not None
        ]  # fmt: skip
        wrong = [(seed, one) for seed, one in mine if ratio_of(one) is None]
        if wrong:
            seed, first = wrong[0]
            lines.append(
                f"{len(wrong)} of {counted(len(mine), 'log_ratio')} of {policy}"
                f" {'are' if len(wrong) > 1 else 'is'} no number of nats, such as"
                f" {first.metadata['log_ratio']!r:.40} of response {first.id!r}, seed {seed}: its"
                " KL is over the others only."
            )
    return lines

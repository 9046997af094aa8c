"""How good a reward model is on pairs that it was not trained on, and whether that is enough.

Imports numpy and what uses it late: trainers' settings are read without them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Protocol, runtime_checkable

from harness.nouns.errors import DataError
from harness.train.reward_function import WeightedRewards

CHANCE = 0.5
"""Share of pairs that a coin ranks right."""

IN_A_BIN = 20
"""Held-out pairs that each bar of the reliability diagram has at least, where there are as many."""


@runtime_checkable
class Measured(Protocol):
    """A reward function that was measured on held-out pairs."""

    @property
    def statistics(self) -> Mapping[str, Any]:
        """What `held_out_quality` says, among others."""


def held_out_quality(
    chosen: Sequence[float],
    rejected: Sequence[float],
    probabilities: Sequence[float],
    prompts: Sequence[str],
) -> dict[str, Any]:
    """Return accuracy with its interval, Brier score and reliability on held-out pairs.

    Ties (a probability of one half) can be ranked neither right nor wrong and do not count; equal
    scores are right about nothing. The stated probability of a pair is the sigmoid of the
    difference of its scores.

    Args:
        chosen: Score of each chosen response.
        rejected: Of the rejected one.
        probabilities: That chosen is the better one: a label, perhaps a soft one.
        prompts: Pairs of one prompt depend on each other; the interval allows for it.

    Returns:
        ``accuracy``, ``accuracy_low`` and ``accuracy_high`` (95%), None where nothing was held out;
        ``brier``, the mean squared distance of the stated probability from the outcome, expected
        under a soft label (.25 is what indifference has); ``n_held_out``; ``reliability``: bars of
        stated against observed frequency that the preferred response is the better one, with
        Wilson's interval.
    """
    import numpy as np
    from scipy.special import expit

    from harness.agreement.calibration import reliability
    from harness.statistics.intervals import cluster_share, wilson

    label = np.asarray(probabilities, float)
    gap = np.asarray(chosen, float) - np.asarray(rejected, float)
    sure = label != CHANCE
    label, gap = label[sure], gap[sure]
    number = {prompt: place for place, prompt in enumerate(dict.fromkeys(prompts))}
    clusters = np.asarray([number[prompt] for prompt in prompts], int)[sure]
    if not label.size:
        nothing = dict.fromkeys(("accuracy", "accuracy_low", "accuracy_high", "brier"))
        return {**nothing, "n_held_out": 0, "reliability": []}
    right = (gap * (label - CHANCE) > 0).astype(float)
    found = cluster_share("accuracy", "", right, clusters, why_undefined="")
    low, high = found.low, found.high
    if low is None or high is None:  # one prompt: as if its pairs were one
        low, high = wilson(float(right.mean()), 1)
    stated = expit(gap)
    brier = label * (1 - stated) ** 2 + (1 - label) * stated**2
    bins = min(10, max(1, label.size // IN_A_BIN))
    towards = np.where(stated >= CHANCE, stated, 1 - stated)
    observed = np.where(stated >= CHANCE, label, 1 - label)
    return {
        "accuracy": float(right.mean()),
        "accuracy_low": float(low),
        "accuracy_high": float(high),
        "brier": float(brier.mean()),
        "n_held_out": int(label.size),
        "reliability": [asdict(bar) for bar in reliability(towards, observed, bins)],
    }


def accuracy_of(statistics: Mapping[str, Any]) -> tuple[float, float, float, int] | None:
    """Return accuracy, both ends of its interval and the number of pairs; None if not measured.

    Those of earlier versions have no interval: it is Wilson's, as if every pair had its own prompt.
    """
    from harness.statistics.intervals import wilson

    share, n = statistics.get("accuracy"), statistics.get("n_held_out", 0)
    if share is None or not n:
        return None
    low, high = statistics.get("accuracy_low"), statistics.get("accuracy_high")
    if low is None or high is None:
        low, high = wilson(share * n, n)
    return share, low, high, n


def refuse_chance(rewards: WeightedRewards) -> None:
    """Refuse to train on a reward model that ranks held-out pairs no better than a coin.

    What was never measured, since nothing was held out, is not refused.

    Raises:
        DataError: The interval of its accuracy reaches down to one half.
    """
    for name, function in rewards.functions.items():
        if not rewards.weights.get(name, 1.0) or not isinstance(function, Measured):
            continue
        found = accuracy_of(function.statistics)
        if found is None or found[1] > CHANCE:
            continue
        share, low, high, n = found
        raise DataError(
            f"the reward model {name} ranks held-out pairs no better than chance: {share:.0%} of"
            f" {n:,} right (95% interval {low:.0%} to {high:.0%})",
            hint="train it on more pairs or for more epochs, hold out more of them"
            " (held_out_share) to see it better, or set unproven_rewards: true to learn from it"
            " all the same",
        )

"""What a gate's weight changes in an arm, said in words: a weight alone may change nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from harness.experiment.arms import AGREEMENT_WEIGHTED, STACKING
from harness.experiment.config import ArmConfig

MODELS = ("dawid_skene", "one_coin", "mace", "glad", STACKING)
"""Methods that find what a source is worth themselves."""


def effects_of(
    config: ArmConfig,
    weights: Mapping[str, float],
    left: Mapping[str, float],
    pairwise: Collection[str],
) -> dict[str, str]:
    """Return what the weights of gates do in an arm, by source; of sources that lost some only.

    Args:
        config: The arm.
        weights: Share of each of its sources, after the gates.
        left: What the gates leave of each source that has one.
        pairwise: The sources that judge pairs.
    """
    used = [name for name in config.sources if weights[name] > 0]
    return {
        name: _effect(name, config, weights, used, pairwise)
        for name in config.sources
        if left.get(name, 1.0) < 1
    }


def _effect(
    name: str,
    config: ArmConfig,
    weights: Mapping[str, float],
    used: Collection[str],
    pairwise: Collection[str],
) -> str:
    if weights[name] == 0:
        return "it is left out" + ("" if used else ", and nothing is left to train on")
    share = f"{weights[name]:.2f}"
    others = [one for one in used if one != name]
    if config.aggregation == AGREEMENT_WEIGHTED:
        return f"none of the gate's: by agreement_weighted it counts as its kappa, {share}"
    if not config.online:
        if not others:
            return "none: it is the only source, and a preference does not depend on its weight"
        return _among(name, config, weights, others)
    beside = [one for one in others if (one in pairwise) == (name in pairwise)]
    if name in pairwise and beside:
        return _among(name, config, weights, beside)
    if others:
        told = ", ".join(f"{one} {weights[one]:.2f}" for one in others)
        return f"its reward is multiplied by {share} in the sum with {told}"
    if scale_free(config):
        return "none: it is the only source, and the trainer does not see the scale of rewards"
    return f"the reward is multiplied by {share}, so that the distance from base counts for more"


def _among(
    name: str, config: ArmConfig, weights: Mapping[str, float], others: Collection[str]
) -> str:
    if config.aggregation in MODELS:
        return f"none: {config.aggregation} finds what a source is worth itself"
    told = ", ".join(f"{one} {weights[one]:.2f}" for one in others)
    return f"its votes count {weights[name]:.2f} beside {told}"


def scale_free(config: ArmConfig) -> bool:
    """Whether the trainer learns the same from rewards that are multiplied by a number."""
    from harness.train.trainers import trainer_class

    settings = {**config.settings, **config.settings.get("trl", {})}
    scaled = settings.get("scale_rewards", settings.get("trl.scale_rewards", "group"))
    return trainer_class(config.trainer).scale_free and scaled not in (False, "none")

"""Aggregations by name, shares of the sources of an arm, and the checks of arms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from harness.experiment.config import RunConfig
from harness.nouns.errors import ConfigError, InputError, PluginError
from harness.registry import registry, unknown
from harness.train.trainers import settings_of

if TYPE_CHECKING:
    from harness.ratings.posterior import Aggregate

AGREEMENT_WEIGHTED, STACKING = "agreement_weighted", "stacking"


def aggregator(name: str, seed: int = 0, prior: str | Mapping[str, float] = "") -> Aggregate:
    """Return a method of aggregation by name: the harness's own, or a plugin's.

    Args:
        name: As experiments write it under ``aggregation:`` and commands under ``--method``.
        seed: Of what a method draws: the folds of stacking.
        prior: Share of each class before any label: "uniform", "estimated", or label -> share; the
            method's own where it is empty.

    Raises:
        InputError: There is a prior, and the method takes none.
        PluginError: There is none of that name, or a plugin's has the name of the harness's own.
    """
    from harness.aggregate.methods import METHODS, MODELS, stacked

    if name in METHODS and name in registry().aggregators:
        raise PluginError(
            f"a plugin registers the aggregation {name!r}, which the harness has itself",
            hint="rename the plugin's",
        )
    known = {**METHODS, **{k: f.checked for k, f in registry().aggregators.items()}}
    if name not in known:
        raise unknown("aggregation", name, known, registry().broken)
    if prior:
        if name not in MODELS:
            raise InputError(
                f"{name} has no prior of the labels", hint=f"--prior is for {', '.join(MODELS)}"
            )
        return partial(MODELS[name], prior=prior)
    return partial(stacked, seed=seed) if name == STACKING and seed else known[name]


def arm_weights(
    sources: Iterable[str],
    aggregation: str,
    weights: Mapping[str, float],
    left: Mapping[str, float],
    kappas: Mapping[str, float],
) -> dict[str, float]:
    """Return the share of each source: its weight, times what the gate leaves.

    With the aggregation "agreement_weighted" a source that no gate dropped gets its weight times
    its kappa against the people instead (the people themselves: the mean kappa between them), at
    least 0 and 0 where it is undefined. A gate's "down_weight" is that same kappa, so it does not
    count twice.

    Args:
        sources: Of an arm.
        aggregation: Its method.
        weights: Of the sources, 1 where a name is absent.
        left: What the gates leave of a source, 0 to 1; 1 where a name is absent.
        kappas: Of each source against the people, where it is defined.
    """
    shares = {}
    for name in sources:
        share = left.get(name, 1.0)
        if aggregation == AGREEMENT_WEIGHTED and share > 0:
            share = max(0.0, kappas.get(name, 0.0))
        shares[name] = round(weights.get(name, 1.0) * share, 6)
    return shares


def check_arms(config: RunConfig) -> None:
    """Check trainers' settings and aggregations before anything is paid for.

    Raises:
        ConfigError: A setting is unknown or wrong.
        PluginError: An aggregation is unknown.
        MissingExtraError: The libraries for training are not installed.
    """
    from harness.policy.models import require_train_extra

    require_train_extra()
    for name, arm in config.arms.items():
        aggregator(arm.aggregation)
        settings_of(arm.trainer, arm.settings, f"arms.{name}.settings")
        settings_of("reward_model", arm.reward_model, f"arms.{name}.reward_model")
        if config.agreement is None and arm.aggregation in (AGREEMENT_WEIGHTED, STACKING):
            raise ConfigError(
                f"aggregation {arm.aggregation} needs an agreement section with the people",
                where=f"arms.{name}.aggregation",
            )

"""Aggregate: the judgments of an arm's sources become preferences and rewards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.experiment.arms import STACKING, aggregator, arm_weights
from harness.experiment.config import ArmConfig
from harness.experiment.stages.agree import Agreement
from harness.experiment.stages.judge import Judged
from harness.nouns.hashing import content_hash
from harness.nouns.schema import JudgmentRequest, Preference, Reward
from harness.records.rows import to_dict

if TYPE_CHECKING:
    from harness.aggregate import AggregationResult


@dataclass(frozen=True, slots=True)
class Arm:
    """What one way of training learns from.

    Attributes:
        name: Name in the experiment.
        config: What the experiment says of it.
        weights: Share of each source, after the gates.
        preferences: What its pairs became.
        rewards: What its scores became; None where no pointwise source is left.
        unused: Pairs that gave no preference, by reason.
    """

    name: str
    config: ArmConfig
    weights: Mapping[str, float]
    preferences: Sequence[Preference]
    rewards: Sequence[Reward] | None
    unused: Mapping[str, int]

    @property
    def used(self) -> list[str]:
        """The sources that have any weight."""
        return [name for name in self.config.sources if self.weights[name] > 0]

    @property
    def preferences_sha256(self) -> str:
        """What moves when a preference does."""
        return content_hash([to_dict(preference) for preference in self.preferences])

    def as_row(self) -> dict[str, Any]:
        """Return what the report says of the arm."""
        return {
            "name": self.name,
            "title": self.config.title or self.name,
            "trainer": self.config.trainer,
            "sources": list(self.config.sources),
            "aggregation": self.config.aggregation,
            "weights": dict(self.weights),
            "dropped": [name for name in self.config.sources if self.weights[name] == 0],
            "n_preferences": len(self.preferences),
            "n_rewards": sum(reward.value is not None for reward in self.rewards or ()),
            "unused_pairs": dict(self.unused),
            "preferences_sha256": self.preferences_sha256,
        }


def aggregate(
    name: str,
    config: ArmConfig,
    judged: Mapping[str, Judged],
    agreement: Agreement | None,
    pairs: Sequence[JudgmentRequest],
) -> Arm:
    """Aggregate an arm's judgments.

    Args:
        name: Of the arm.
        config: What the experiment says of it.
        judged: What its sources said, by name.
        agreement: What the gates left of the sources; None leaves all.
        pairs: What was compared.
    """
    from harness.aggregate import aggregate_judgments

    left, kappas = (agreement.weights, agreement.kappas) if agreement else ({}, {})
    weights = arm_weights(config, left, kappas)
    used = [judged[source] for source in config.sources if weights[source] > 0]
    gold = agreement.reference if agreement and config.aggregation == STACKING else ""

    def aggregated(
        chosen: Iterable[Judged], compared: Sequence[JudgmentRequest]
    ) -> AggregationResult:
        heard = {one.source.name: one for one in (*chosen, *([judged[gold]] if gold else []))}
        asked = {r.id: r for r in (*compared, *(r for s in heard.values() for r in s.requests))}
        said = [judgment for one in heard.values() for judgment in one.judgments]
        method = aggregator(config.aggregation)
        return aggregate_judgments(method, list(asked.values()), said, weights, gold)

    preferences: Sequence[Preference] = ()
    unused: Mapping[str, int] = {}
    # An offline trainer learns from pairs only, so scores are compared; an online one asks
    # pointwise sources itself and needs only the pairs.
    for_pairs = [s for s in used if s.source.way == "pairwise" or not config.online]
    if for_pairs and pairs:
        result = aggregated(for_pairs, pairs)
        preferences, unused = result.preferences, result.unused
    for_points = [one for one in used if one.source.way == "pointwise"]
    rewards = aggregated(for_points, ()).rewards if for_points else None
    return Arm(name, config, weights, preferences, rewards, unused)

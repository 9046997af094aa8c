"""From judgments to rewards and preferences: pure functions."""

from harness.aggregate.dawid_skene import Fit, Votes, dawid_skene, votes_from_codes
from harness.aggregate.methods import (
    METHODS,
    Aggregator,
    agreement_weighted,
    dawid_skene_judgments,
    majority,
    mean,
)
from harness.aggregate.models import (
    GladFit,
    agreement_weighted_votes,
    excess_agreement,
    glad,
    mace,
    one_coin,
    shares,
    stacking,
)
from harness.aggregate.ranking import Ranking, Strength, rank_systems
from harness.aggregate.results import AggregationResult, AnnotatorReport

__all__ = [
    "METHODS",
    "AggregationResult",
    "Aggregator",
    "AnnotatorReport",
    "Fit",
    "GladFit",
    "Ranking",
    "Strength",
    "Votes",
    "agreement_weighted",
    "agreement_weighted_votes",
    "dawid_skene",
    "dawid_skene_judgments",
    "excess_agreement",
    "glad",
    "mace",
    "majority",
    "mean",
    "one_coin",
    "rank_systems",
    "shares",
    "stacking",
    "votes_from_codes",
]

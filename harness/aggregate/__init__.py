"""Rating tables to rewards and preferences: one table of methods; pure."""

from harness.aggregate.assembly import aggregate_judgments
from harness.aggregate.dawid_skene import Votes, dawid_skene, votes_from_codes
from harness.aggregate.methods import METHODS
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
    "AnnotatorReport",
    "GladFit",
    "Ranking",
    "Strength",
    "Votes",
    "aggregate_judgments",
    "agreement_weighted_votes",
    "dawid_skene",
    "excess_agreement",
    "glad",
    "mace",
    "one_coin",
    "rank_systems",
    "shares",
    "stacking",
    "votes_from_codes",
]

"""From judgments to rewards and preferences: pure functions."""

from harness.aggregate.dawid_skene import Fit, Votes, dawid_skene, votes_from_codes
from harness.aggregate.gate import GateDecision, gate
from harness.aggregate.methods import (
    METHODS,
    AggregationResult,
    Aggregator,
    AnnotatorReport,
    agreement_weighted,
    dawid_skene_judgments,
    majority,
    mean,
)

__all__ = [
    "METHODS",
    "AggregationResult",
    "Aggregator",
    "AnnotatorReport",
    "Fit",
    "GateDecision",
    "Votes",
    "agreement_weighted",
    "dawid_skene",
    "dawid_skene_judgments",
    "gate",
    "majority",
    "mean",
    "votes_from_codes",
]

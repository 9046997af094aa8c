"""What aggregation returns: rewards, preferences, and what did not become one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.nouns.schema import Preference, Reward
from harness.ratings.pairs import Pair


@dataclass(frozen=True)
class AnnotatorReport:
    """What one annotator contributed.

    Args:
        source: Its source.
        annotator: Its name inside the source.
        weight: Weight of its votes.
        n: Votes and scores that took part.
        failures: Reason -> verdicts that failed; "missing" also counts the pairs of which it scored
            one response only.
        flipped: Votes that changed when the order was swapped.
        both_orders: Votes that were asked in both orders.
        classes: Classes of the confusion matrix; empty without one.
        confusion: P(label | true class), one row for each true class.
    """

    source: str
    annotator: str
    weight: float
    n: int
    failures: Mapping[str, int]
    flipped: int = 0
    both_orders: int = 0
    classes: tuple[str, ...] = ()
    confusion: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True)
class AggregationResult:
    """Rewards and preferences, and what did not become one.

    Args:
        rewards: One for each response that was to be judged; value None when nobody could.
        preferences: One for each pair with a winner.
        annotators: What each annotator contributed.
        ties: Pairs without a winner; a tie stays a tie.
        unused: Reason -> pairs that gave no preference.
        notes: What the method says of its fit.
    """

    rewards: tuple[Reward, ...]
    preferences: tuple[Preference, ...]
    annotators: tuple[AnnotatorReport, ...] = ()
    ties: tuple[Pair, ...] = ()
    unused: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

"""How often a judge's verdict on a pair went with the place of a response, not with its text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.nouns.counted import counted
from harness.nouns.schema import Judgment
from harness.ratings.both_orders import combine_orders

MOST = 0.5
"""A judge that turns with the order in more than this share of pairs is told to be biased."""


@dataclass(frozen=True, slots=True)
class Position:
    """What a judge made of pairs that it saw in both orders.

    Attributes:
        pairs: How many had a verdict in both.
        turned: In how many the verdict turned with the order.
        first: In how many of these it was for what stood first each time.
        soft: Whether verdicts on turned pairs have probabilities, whose mean may lean to one side.
    """

    pairs: int
    turned: int
    first: int
    soft: bool = False

    @property
    def is_biased(self) -> bool:
        """Whether it went by the place more often than by the text."""
        return self.turned > MOST * self.pairs

    def told(self) -> str:
        """Return it as one line."""
        way = "first" if 2 * self.first >= self.turned else "second"
        times = max(self.first, self.turned - self.first)
        left = (
            "only the mean of its probabilities in both orders is left of such a pair"
            if self.soft
            else "such a pair is a tie and teaches nothing"
        )
        return (
            f"position bias: its verdict turned with the order in {self.turned:,} of"
            f" {counted(self.pairs, 'pair')}, {counted(times, 'time')} for what stood {way}; {left}"
        )

    def line(self) -> str:
        """Return a line also on a judge that is not biased."""
        if self.is_biased:
            return self.told()
        pairs = counted(self.pairs, "pair")
        return f"its verdict turned with the order in {self.turned:,} of {pairs}"


def position_of(judgments: Iterable[Judgment]) -> Position:
    """Count the pairs on which a judge contradicted itself when their order was turned."""
    said = list(judgments)
    votes = [vote for vote in combine_orders(said) if vote.flipped is not None]
    turned = {(v.request_id, v.annotator, v.repeat) for v in votes if v.flipped}
    first = sum(
        (j.request_id, j.annotator, j.repeat) in turned
        and (j.order, j.verdict.value) == ("AB", "A")
        for j in said
    )
    soft = any(
        j.verdict.probability is not None
        for j in said
        if (j.request_id, j.annotator, j.repeat) in turned
    )
    return Position(len(votes), len(turned), first, soft)

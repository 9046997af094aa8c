"""What the report of agreement needs besides the ratings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.ratings.orders import OrderVerdicts
from harness.statistics.arrays import FloatArray, IntArray


@dataclass(frozen=True)
class Evidence:
    """Everything optional; a section without its evidence is left out.

    Args:
        orders: Verdicts of judges that saw pairs in both orders.
        stated: Judge -> (n,) stated probability that its own label is right, NaN without one.
        length_gap: (n,) length of A minus length of B.
        own_family: Judge -> (n,) 1 where A is of its family, -1 where B is, else 0.
        retests: Annotator -> (n,) codes of the same annotator asked again.
        drifts: (old, new) names of two versions of one judge, both annotators of the table.
    """

    orders: Sequence[OrderVerdicts] = ()
    stated: Mapping[str, FloatArray] = field(default_factory=dict)
    length_gap: FloatArray | None = None
    own_family: Mapping[str, FloatArray] = field(default_factory=dict)
    retests: Mapping[str, IntArray] = field(default_factory=dict)
    drifts: Sequence[tuple[str, str]] = ()


NOTHING = Evidence()

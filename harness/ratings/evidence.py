"""What the report of agreement needs besides the ratings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from harness.nouns.errors import DataError
from harness.ratings.both_orders import one_of_two
from harness.ratings.table import MISSING
from harness.statistics.arrays import FloatArray, IntArray
from harness.statistics.one_sided import Bounds


@dataclass(frozen=True)
class OrderVerdicts:
    """One judge's verdicts on the same pairs in both orders.

    Args:
        annotator: The judge.
        first_order: (n,) codes of the verdict when A stood first, -1 without a verdict.
        second_order: (n,) codes of the verdict when B stood first, already mapped back, so that the
            code of A means the same answer in both.
        clusters: (n,) cluster of each pair.
        a: Code of "A preferred".
        b: Code of "B preferred".
        tie: Code of a tie; None when there is none.
    """

    annotator: str
    first_order: IntArray
    second_order: IntArray
    clusters: IntArray
    a: int
    b: int
    tie: int | None = None

    def __post_init__(self) -> None:
        """Refuse orders of unequal length."""
        if not self.first_order.shape == self.second_order.shape == self.clusters.shape:
            raise DataError(f"the orders of {self.annotator} differ in length")

    @property
    def both(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """(n,) whether both orders have a verdict."""
        return np.asarray((self.first_order >= 0) & (self.second_order >= 0))

    def combined(self, tie: int) -> IntArray:
        """Return (n,) one verdict for each pair: consistent ones stand, the others are a tie.

        A pair with a verdict in one order only keeps no verdict: which way it would have gone in
        the other order is not known.
        """
        pairs = zip(self.first_order.tolist(), self.second_order.tolist(), strict=True)
        settled = np.array([one_of_two(*pair, tie) for pair in pairs], dtype=np.int64)
        return np.where(self.both, settled, MISSING)


@dataclass(frozen=True)
class Pool:
    """What the verdicts of a source amount to that says more than one thing of an item.

    Args:
        how: The method by which they became one.
        codes: (n,) codes of the one verdict, -1 without one.
    """

    how: str
    codes: IntArray


@dataclass(frozen=True)
class Singles:
    """What sources said of single responses: passed or not.

    Args:
        passes: Source -> (m,) 1 where it passes a response, 0 where it fails it, -1 without a
            verdict, or where its annotators are of two minds.
        clusters: (m,) cluster of each response.
        slices: The slice of each response's item, "" without one.
        prompts: Name of the cluster of each response.
    """

    passes: Mapping[str, IntArray]
    clusters: IntArray
    slices: tuple[str, ...]
    prompts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Turned:
    """What probes found of one bias of a source (``harness probe-judge``).

    Args:
        bounds: Share of verdicts that it turns beyond a placebo.
        low: Lower end of the two-sided 95% interval.
        high: Its upper end.
        found: Whether the source was shown to have it.
    """

    bounds: Bounds
    low: float | None = None
    high: float | None = None
    found: bool = False


@dataclass(frozen=True)
class Evidence:
    """Everything optional; a section without its evidence is left out.

    Args:
        orders: Verdicts of judges that saw pairs in both orders.
        stated: Judge -> (n,) stated probability that its own label is right, NaN without one.
        length_gap: (n,) length of A minus length of B.
        own_family: Judge -> (n,) 1 where A is of its family, -1 where B is, else 0.
        retests: Annotator -> (n,) codes of the same annotator asked again.
        voices: Source with several annotators or samples -> name of each -> its (n,) codes.
        pools: The same sources -> the one verdict in each way in which it is used.
        drifts: (old, new) names of two versions of one judge, both annotators of the table.
        singles: What sources said of single responses; None where they judged pairs only.
        probes: Source -> bias -> what probes found of it.
        spent: Source -> (n,) whether the label of a row helped to choose the source, or one of its
            prompt did; gates leave it out.
        spent_singles: The same of the single responses, (m,).
        keys: Under which name uses of the label of each row are recorded; empty where nobody asked.
        tags: Source -> what makes labels that chose one source spent for another.
    """

    orders: Sequence[OrderVerdicts] = ()
    stated: Mapping[str, FloatArray] = field(default_factory=dict)
    length_gap: FloatArray | None = None
    own_family: Mapping[str, FloatArray] = field(default_factory=dict)
    retests: Mapping[str, IntArray] = field(default_factory=dict)
    voices: Mapping[str, Mapping[str, IntArray]] = field(default_factory=dict)
    pools: Mapping[str, Sequence[Pool]] = field(default_factory=dict)
    drifts: Sequence[tuple[str, str]] = ()
    singles: Singles | None = None
    spent: Mapping[str, npt.NDArray[np.bool_]] = field(default_factory=dict)
    spent_singles: Mapping[str, npt.NDArray[np.bool_]] = field(default_factory=dict)
    keys: tuple[str, ...] = ()
    tags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    probes: Mapping[str, Mapping[str, Turned]] = field(default_factory=dict)


NOTHING = Evidence()

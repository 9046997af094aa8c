"""What the report needs besides the ratings: orders, stated probabilities, lengths, versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.agreement.orders import OrderVerdicts
from harness.agreement.resample import REPLICATES
from harness.agreement.statistic import Statistic
from harness.agreement.table import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the report.

    Args:
        title: Heading.
        statistics: Its rows.
        notes: What a reader must know to read the rows rightly.
    """

    title: str
    statistics: tuple[Statistic, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Settings:
    """How the report is computed.

    Args:
        replicates: Bootstrap replicates.
        seed: Seed of the bootstrap.
        failures_as: Label as which failures are scored in an extra row; None for no such row.
        epsilon: What a judge's lower cost is worth, for the alternative annotator test.
        risk: Largest share of wrong verdicts that a selective cascade may let stand.
        half_width: Half the width of the interval that the label budget aims at.
    """

    replicates: int = REPLICATES
    seed: int = 0
    failures_as: str | None = None
    epsilon: float = 0.2
    risk: float = 0.1
    half_width: float = 0.05

    @property
    def bootstrap(self) -> dict[str, Any]:
        """Arguments of every bootstrapped statistic."""
        return {"replicates": self.replicates, "seed": self.seed}


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


DEFAULT = Settings()
NOTHING = Evidence()

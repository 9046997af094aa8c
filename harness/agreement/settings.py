"""How the agreement report is computed, and what one section of it is."""

from __future__ import annotations

import math
from dataclasses import dataclass

from harness.nouns.errors import InputError
from harness.statistics.estimate import Estimate
from harness.statistics.resample import REPLICATES, Bootstrap


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the report.

    Args:
        title: Heading.
        statistics: Its rows.
        notes: What a reader must know to read the rows rightly.
    """

    title: str
    statistics: tuple[Estimate, ...]
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
        reference: Source whose people every source is held against, in rows that gates read; no
            such rows where it is empty.
    """

    replicates: int = REPLICATES
    seed: int = 0
    failures_as: str | None = None
    epsilon: float = 0.2
    risk: float = 0.1
    half_width: float = 0.05
    reference: str = ""

    def __post_init__(self) -> None:
        """Refuse numbers out of their range.

        Raises:
            InputError: One is.
        """
        if not isinstance(self.replicates, int) or self.replicates < 1:
            raise InputError(f"replicates must be at least 1, got {self.replicates!r}")
        for name, low, high in (("epsilon", 0.0, 1.0), ("risk", 0.001, 0.5)):
            number = getattr(self, name)
            if not (isinstance(number, int | float) and low <= number <= high):
                raise InputError(f"{name} must lie between {low:g} and {high:g}, got {number!r}")
        if not (isinstance(self.half_width, int | float) and 0 < self.half_width < math.inf):
            raise InputError(f"half_width must be above 0, got {self.half_width!r}")

    @property
    def bootstrap(self) -> Bootstrap:
        """Replicates and seed of every bootstrapped statistic."""
        return Bootstrap(self.replicates, self.seed)


DEFAULT = Settings()

"""Scale: the level of measurement of a criterion, which decides what statistics are legal."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from harness.nouns.errors import ScaleError

Level = Literal["nominal", "ordinal", "interval", "ratio"]

_LEVELS: tuple[Level, ...] = ("nominal", "ordinal", "interval", "ratio")


@dataclass(frozen=True, slots=True)
class Scale:
    """Level of measurement, with labels or bounds (Stevens 1946).

    Args:
        level: nominal (labels without order), ordinal (labels in their declared order), interval
            (numbers whose differences mean something) or ratio (numbers with a true zero).
        labels: The labels in their order; needed for nominal and ordinal.
        low: Smallest legal number; interval and ratio only.
        high: Largest legal number; interval and ratio only.

    Raises:
        ScaleError: Labels or bounds do not fit the level.
    """

    level: Level
    labels: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        """Refuse a scale that contradicts itself."""
        if self.level not in _LEVELS:
            raise ScaleError(
                f"unknown level of measurement {self.level!r}", hint=f"use one of {_LEVELS}"
            )
        for bound in (self.low, self.high):
            if bound is not None and not is_number(bound):
                raise ScaleError(f"a bound must be a finite number, got {bound!r}")
        if not all(isinstance(label, str) for label in self.labels):
            raise ScaleError(f"labels must be text, got {list(self.labels)}")
        if self.is_numeric:
            if self.labels:
                raise ScaleError(f"an {self.level} scale takes bounds, not labels {self.labels}")
            if self.low is not None and self.high is not None and not self.low < self.high:
                raise ScaleError(f"low ({self.low}) must be below high ({self.high})")
            if self.level == "ratio" and (self.low is None or self.low < 0):
                raise ScaleError("a ratio scale needs low >= 0", hint="add low: 0")
        else:
            if self.low is not None or self.high is not None:
                raise ScaleError(f"a scale of level {self.level} takes labels, not bounds")
            if len(self.labels) < 2 or len(set(self.labels)) != len(self.labels):
                raise ScaleError(
                    f"a scale of level {self.level} needs at least two distinct labels,"
                    f" got {list(self.labels)}"
                )

    @property
    def is_numeric(self) -> bool:
        """Whether values are numbers of which a mean is legal."""
        return self.level in ("interval", "ratio")

    @property
    def is_binary(self) -> bool:
        """Whether the scale is the pass or fail of a verifier."""
        return self.labels == BINARY_LABELS

    def contains(self, value: object) -> bool:
        """Tell whether a value is legal on this scale."""
        if self.is_numeric:
            if isinstance(value, bool) or not isinstance(value, int | float):
                return False
            above = self.low is None or value >= self.low
            return above and (self.high is None or value <= self.high) and value == value
        if self.is_binary:
            return isinstance(value, bool)
        return isinstance(value, str) and value in self.labels

    def to_unit(self, value: object) -> float:
        """Map a legal value to [0, 1] for use as a reward.

        Ordinal labels go to equally spaced points in their declared order; that step treats ranks
        as distances, so it is done for rewards only and never for agreement statistics.

        Raises:
            ScaleError: The value is not on the scale, or the scale has no order or no bounds.
        """
        if not self.contains(value):
            raise ScaleError(f"value {value!r} is not on the scale {self.describe()}")
        if self.is_binary:
            return float(value is True)
        if self.level == "ordinal":
            return self.labels.index(str(value)) / (len(self.labels) - 1)
        if not isinstance(value, int | float):
            raise ScaleError("labels of a nominal scale have no order, so no reward")
        if self.low is None or self.high is None:
            raise ScaleError("a scale without both bounds has no unit reward", hint="add low, high")
        return (float(value) - self.low) / (self.high - self.low)

    def describe(self) -> str:
        """Return the scale in one line, for tables and prompts."""
        if self.is_numeric:
            if self.low is None and self.high is None:
                return f"{self.level} (any number)"
            return f"{self.level} {self.low}..{self.high}"
        return f"{self.level} {'/'.join(self.labels)}"


def is_number(value: object) -> bool:
    """Tell whether a value is a finite number that a float can hold, and no bool."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


BINARY_LABELS = ("false", "true")
BINARY = Scale("nominal", BINARY_LABELS)
UNIT = Scale("interval", low=0.0, high=1.0)
PREFERENCE = Scale("nominal", ("A", "TIE", "B"))

"""A number with its interval, or the reason why there is none: the one class for all of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import Any, Literal

from harness.nouns.counted import counted

CONFIDENCE = 0.95

FEW_CLUSTERS = 30
"""Below this many clusters a clustered interval is too narrow to be trusted without a warning."""

State = Literal["ok", "undefined", "unreliable", "not_applicable"]

_ROW = ("name", "annotators", "value", "low", "high", "n", "clusters", "status", "reason")


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number and how sure it is.

    Args:
        value: The estimate; None if and only if nothing could be estimated: ``reason`` says why.
        low: Lower end of the interval (95% unless asked otherwise), None where there is none.
        high: Upper end of the interval.
        n: Items or observations that took part.
        clusters: Independent groups of them (prompts).
        p: Two-sided p-value of "the value is 0", for differences only.
        status: ok, undefined (no number exists), unreliable (a number, but do not lean on it) or
            not_applicable (a condition of the method is not met).
        reason: Why value or interval is missing, why the status is not ok, or a caution.
        name: What was computed, such as ``cohen_kappa``; empty where the place says it.
        annotators: Whom it is about, in words; empty where the place says it.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0
    clusters: int = 0
    p: float | None = None
    status: State = "ok"
    reason: str = ""
    name: str = ""
    annotators: str = ""

    def numbers(self, *more: str) -> dict[str, Any]:
        """Return value, low and high by name, and more of the fields."""
        return {key: getattr(self, key) for key in ("value", "low", "high", *more)}

    def checked(self) -> Estimate:
        """Return it with plain numbers in place of numpy's, which JSON does not know.

        Raises:
            TypeError: A number or a text is none.
            ValueError: A number is not finite.
        """
        found: dict[str, Any] = {}
        for key in ("value", "low", "high", "p", "n", "clusters"):
            number = getattr(self, key)
            count = key in ("n", "clusters")
            if number is None and not count:
                continue
            if isinstance(number, bool) or not isinstance(number, Integral if count else Real):
                raise TypeError(f"{key} of an estimate is {number!r}, no number")
            if not math.isfinite(number):
                raise ValueError(f"{key} of an estimate is {number!r}; None stands for no number")
            found[key] = int(float(number)) if count else float(number)
        for key in ("name", "annotators", "reason", "status"):
            if not isinstance(getattr(self, key), str):
                raise TypeError(f"{key} of an estimate is {getattr(self, key)!r}, no text")
        return replace(self, **found)

    def as_row(self) -> dict[str, Any]:
        """Return the row of the agreement report's JSON."""
        return {key: getattr(self, key) for key in _ROW}

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Estimate:
        """Return the estimate of such a row."""
        return cls(**{key: row[key] for key in _ROW})

    def caution(self, reason: str, status: State | None = None) -> Estimate:
        """Return the estimate with one more reason, and another status if given."""
        reasons = "; ".join(part for part in (self.reason, reason) if part)
        return replace(self, reason=reasons, status=status or self.status)

    def with_unit_count(self) -> Estimate:
        """Return the estimate, with a caution where it rests on few independent units."""
        if self.clusters >= FEW_CLUSTERS:
            return self
        return self.caution(f"only {counted(self.clusters, 'independent unit')}")


def undefined(name: str, annotators: str, reason: str, n: int = 0, clusters: int = 0) -> Estimate:
    """Return an estimate that has no number, with the reason."""
    return Estimate(
        None, n=n, clusters=clusters, status="undefined", reason=reason, name=name,
        annotators=annotators,
    )  # fmt: skip


def one_cluster(name: str, annotators: str, value: float, n: int) -> Estimate:
    """Return an estimate without interval, since one cluster says nothing about the spread."""
    return Estimate(
        value, n=n, clusters=1, status="unreliable", reason="no interval from one cluster",
        name=name, annotators=annotators,
    )  # fmt: skip


def not_applicable(name: str, annotators: str, reason: str, n: int = 0) -> Estimate:
    """Return an estimate whose method's conditions are not met, with the reason."""
    return replace(undefined(name, annotators, reason, n), status="not_applicable")

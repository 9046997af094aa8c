"""One row of the agreement report: a number with its interval, or the reason why there is none."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

State = Literal["ok", "undefined", "unreliable", "not_applicable"]


@dataclass(frozen=True, slots=True)
class Statistic:
    """A statistic and how sure it is.

    Args:
        name: What was computed, such as ``cohen_kappa``.
        annotators: Whom it is about, in words.
        value: The estimate; None if and only if undefined or not applicable.
        low: Lower end of the 95% interval, None where there is none.
        high: Upper end of the 95% interval.
        n: Items that took part.
        clusters: Independent groups of items (prompts) that took part.
        status: ok, undefined (no number exists), unreliable (a number, but do not lean on it) or
            not_applicable (a condition of the method is not met).
        reason: Why the status is not ok, or a caution.
    """

    name: str
    annotators: str
    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0
    clusters: int = 0
    status: State = "ok"
    reason: str = ""

    def as_row(self) -> dict[str, Any]:
        """Return the row of the JSON report."""
        return asdict(self)

    def caution(self, reason: str, status: State | None = None) -> Statistic:
        """Return the statistic with one more reason, and another status if given."""
        reasons = "; ".join(part for part in (self.reason, reason) if part)
        return replace(self, reason=reasons, status=status or self.status)


def undefined(name: str, annotators: str, reason: str, n: int = 0, clusters: int = 0) -> Statistic:
    """Return a statistic that has no number, with the reason."""
    return Statistic(
        name, annotators, None, n=n, clusters=clusters, status="undefined", reason=reason
    )


def not_applicable(name: str, annotators: str, reason: str, n: int = 0) -> Statistic:
    """Return a statistic whose conditions are not met, with the reason."""
    return Statistic(name, annotators, None, n=n, status="not_applicable", reason=reason)

"""The agreement gate: may a source that agrees this little with people give rewards?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from harness.statistics.estimate import Estimate

Action = Literal["drop", "down_weight", "stop"]


@dataclass(frozen=True, slots=True)
class GateDecision:
    """What a gate decided of one source.

    Args:
        source: The source.
        value: Its kappa against people; None when undefined.
        low: Lower end of the 95% interval.
        high: Upper end of the 95% interval.
        minimum: Smallest kappa that passes.
        action: What was to be done below it.
        passed: Whether the estimate reaches the minimum.
        weight: What is left of the source: 1 if it passed, 0 if dropped or stopped, else its kappa.
        reason: The decision in one sentence.
        voices: The kappa of each of its members, templates or samples, where it has several; they
            decide nothing.
    """

    source: str
    value: float | None
    low: float | None
    high: float | None
    minimum: float
    action: Action
    passed: bool
    weight: float
    reason: str
    voices: Mapping[str, float | None] = field(default_factory=dict)

    @property
    def stops(self) -> bool:
        """Whether the run must stop."""
        return self.action == "stop" and not self.passed


def gate(
    source: str,
    kappa: Estimate,
    minimum: float,
    action: Action,
    voices: Sequence[Estimate] = (),
) -> GateDecision:
    """Hold a source's kappa against people to a minimum.

    The estimate decides; the sentence says when the interval reaches over the minimum, so that the
    decision could have gone the other way with other items.

    ``kappa`` is the source's row of the agreement report (``judge_kappa``), ``voices`` are those of
    its annotators and samples where it has several; they are named and decide nothing.
    ``down_weight`` leaves the source its kappa, at least 0.
    """
    value, low, high = kappa.value, kappa.low, kappa.high
    passed = value is not None and value >= minimum
    if value is None:
        why = f"kappa with people is undefined ({kappa.reason})"
        weight = 0.0
    else:
        span = "" if low is None or high is None else f" [{low:.2f}, {high:.2f}]"
        sign = ">=" if passed else "<"
        why = f"kappa with people {value:.2f}{span} {sign} {minimum:g}"
        if low is not None and high is not None and low < minimum <= high:
            why += "; the interval holds the minimum, so other items could decide otherwise"
        weight = 1.0 if passed else max(0.0, value) if action == "down_weight" else 0.0
    heard = {one.annotators: one.value for one in voices}
    if heard:
        why += f"; one verdict of {len(heard)}: " + ", ".join(
            f"{name} {'undefined' if one is None else f'{one:.2f}'}" for name, one in heard.items()
        )
    done = {"drop": "dropped", "stop": "the run stops", "down_weight": f"weight {weight:.2f}"}
    outcome = "passed" if passed else done[action]
    return GateDecision(
        source, value, low, high, minimum, action, passed, weight, f"{outcome}: {why}", heard
    )

"""The agreement gate: may a source give rewards? One place decides, by one-sided bounds.

A source passes where the 95% bound on the bad side reaches the limit, fails where the bound on the
good side does not, and is undecided between them. An estimate alone would let a kappa of .35 pass a
minimum of .40 in 30% of cases with 50 items (``benchmarks/gates.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from harness.nouns.counted import counted
from harness.nouns.gate import Action, Gate, Undecided
from harness.statistics.one_sided import MOST_LABELS, Bounds, more_that

Outcome = Literal["pass", "fail", "undecided"]


@dataclass(frozen=True, slots=True)
class Measured:
    """What was found of a source.

    Args:
        bounds: The number with its one-sided bounds.
        low: Lower end of a two-sided 95% interval, where the report has one.
        high: Its upper end.
        coverage: Share decided by the source of what people decide; None where nobody counted.
        voices: The number of each of its members, templates or samples, where it has several; they
            decide nothing.
        spent: Rows that were left out, since their labels chose the source.
    """

    bounds: Bounds
    low: float | None = None
    high: float | None = None
    coverage: float | None = None
    voices: Mapping[str, float | None] = field(default_factory=dict)
    spent: int = 0


@dataclass(frozen=True, slots=True)
class GateDecision:
    """What a gate decided of one source.

    Args:
        source: The source.
        statistic: What was measured.
        value: The estimate; None when undefined.
        low: Lower end of the 95% interval, None where there is none.
        high: Upper end of the 95% interval.
        lower: One-sided 95% bound: the truth is at least this.
        upper: One-sided 95% bound: the truth is at most this.
        limit: What it had to reach, or to stay below.
        action: What was to be done with a source that did not pass.
        undecided: What was to be done with one that neither passed nor failed.
        outcome: pass, fail or undecided.
        weight: What is left of the source: 1 if it passed, else by the action.
        stops: Whether the run must stop.
        reason: The decision in one sentence.
        n: What was counted.
        clusters: Independent prompts of it.
        more_labels: Labels of people that would decide an undecided gate, if the estimate stays
            where it is; None where it is decided, or no number would do.
        coverage: Share decided by the source of what people decide.
        against: Those who were held to be right.
        slice: The slice that was counted; all items where it is empty.
        bias: Of a bias: which one.
        voices: The number of each of its members, templates or samples, where it has several.
        spent: Rows that were left out, since their labels chose the source.
    """

    source: str
    statistic: str
    value: float | None
    low: float | None
    high: float | None
    lower: float | None
    upper: float | None
    limit: float
    action: Action
    undecided: Undecided | Action
    outcome: Outcome
    weight: float
    stops: bool
    reason: str
    n: int = 0
    clusters: int = 0
    more_labels: int | None = None
    coverage: float | None = None
    against: str = ""
    slice: str = ""
    voices: Mapping[str, float | None] = field(default_factory=dict)
    spent: int = 0
    bias: str = ""

    @property
    def passed(self) -> bool:
        """Whether it was shown to be good enough."""
        return self.outcome == "pass"


def decide(gate: Gate, found: Measured) -> GateDecision:
    """Return what a gate makes of what was found of its source.

    Where nothing could be measured the action is taken, whatever is to be done with the undecided:
    there is nothing that speaks for the source. ``down_weight`` leaves a source as much as its
    bound has of the limit: 1 where it just passes, so that no label moves the weight by a jump, and
    0 where the bound has nothing.
    """
    bounds = found.bounds
    outcome = _outcome(gate, bounds)
    unsure = outcome == "undecided" and bounds.value is not None
    action = gate.undecided or gate.action if unsure else gate.action
    weight, stops = 1.0, outcome != "pass" and action == "stop"
    if outcome != "pass":
        left = {"down_weight": _left(gate, bounds), "train": 1.0, "warn": 1.0}
        weight = left.get(action, 0.0)
    more = more_labels(gate, bounds) if outcome == "undecided" else None
    return GateDecision(
        source=gate.source, statistic=gate.statistic,
        value=bounds.value, low=found.low, high=found.high,
        lower=bounds.lower, upper=bounds.upper, limit=gate.limit,
        action=gate.action, undecided=gate.undecided or gate.action,
        outcome=outcome, weight=weight, stops=stops,
        reason=_reason(gate, found, outcome, _done(outcome, action, weight), more),
        n=bounds.n, clusters=bounds.clusters, more_labels=more, coverage=found.coverage,
        against=gate.against, slice=gate.slice, bias=gate.bias, voices=dict(found.voices),
        spent=found.spent,
    )  # fmt: skip


def _outcome(gate: Gate, bounds: Bounds) -> Outcome:
    if bounds.value is None or bounds.lower is None or bounds.upper is None:
        return "undecided"
    if gate.measure.is_minimum:
        return (
            "pass" if bounds.lower >= gate.limit
            else "fail" if bounds.upper < gate.limit
            else "undecided"
        )  # fmt: skip
    return (
        "pass" if bounds.upper <= gate.limit
        else "fail" if bounds.lower > gate.limit
        else "undecided"
    )  # fmt: skip


def _left(gate: Gate, bounds: Bounds) -> float:
    """Return how much of the limit the bound on the bad side has, 0 to 1."""
    end, limit = bounds.lower, gate.limit
    if not gate.measure.is_minimum:
        end, limit = None if bounds.upper is None else 1 - bounds.upper, 1 - gate.limit
    if end is None or limit <= 0:
        return 0.0
    return round(min(1.0, max(0.0, end / limit)), 6)


def _done(outcome: Outcome, action: str, weight: float) -> str:
    if outcome == "pass":
        return "passed"
    done = {
        "drop": "dropped", "stop": "the run stops", "down_weight": f"weight {weight:.2f}",
        "warn": "used all the same", "train": "used all the same",
    }[action]  # fmt: skip
    return done if outcome == "fail" else f"undecided, {done}"


def more_labels(gate: Gate, bounds: Bounds) -> int | None:
    """Return how many more labels would decide, if the estimate stays where it is.

    The gate's own bounds are computed anew, for more labels that each tell as much as those that
    there are. None where no number can be told: the estimate is the limit, or the bounds do not say
    what becomes of them.
    """
    return more_that(bounds, lambda grown: _outcome(gate, grown) != "undecided", MOST_LABELS)


def _reason(gate: Gate, found: Measured, outcome: Outcome, done: str, more: int | None) -> str:
    bounds, measure = found.bounds, gate.measure
    where = f" on slice {gate.slice}" if gate.slice else ""
    who = measure.words.replace("people", gate.against) if gate.against else measure.words
    if gate.bias:
        who = f"{gate.bias} {who}"
    more_of = measure.units if gate.bias else "label"
    if bounds.value is None:
        why = f"{who}{where} is undefined ({bounds.reason})"
    else:
        why = f"{who}{where} {bounds.value:.2f}, {_sure(gate, bounds, outcome)}"
        why += f", on {counted(bounds.n, measure.units)}"
        if found.coverage is not None:
            why += f", {found.coverage:.0%} of those that people decide"
        if outcome == "undecided":
            why += (
                f"; no plan says how many {more_of}s would decide"
                if more is None
                else f"; about {counted(more, f'more {more_of}')} would decide if it stays there"
            )
    if found.voices:
        why += f"; one verdict of {len(found.voices)}: " + ", ".join(
            f"{name} {'undefined' if one is None else f'{one:.2f}'}"
            for name, one in found.voices.items()
        )
    if found.spent:
        why += f"; {counted(found.spent, 'spent row')} left out"
    return f"{done}: {why}"


def _sure(gate: Gate, bounds: Bounds, outcome: Outcome) -> str:
    least, most = f"at least {bounds.lower:.2f}", f"at most {bounds.upper:.2f}"
    asked = f"{'at least' if gate.measure.is_minimum else 'at most'} {gate.limit:g} is asked for"
    if outcome == "undecided":
        return f"between {bounds.lower:.2f} and {bounds.upper:.2f} ({asked})"
    return f"{least if (outcome == 'pass') == gate.measure.is_minimum else most} ({asked})"

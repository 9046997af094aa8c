"""What the report says of an agreement gate: its decision, and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.report.agreement_tables import in_words
from harness.report.tables import interval
from harness.report.wording import Names, apart, number

Data = Mapping[str, Any]


def gate_sentence(gate: Data, names: Names, arms: Sequence[Data] = ()) -> str:
    """Return one gate's decision and what follows from it in these arms."""
    source = names.source(gate["source"])
    statistic = in_words(gate.get("statistic") or "kappa")
    minimum = number(gate["minimum"])
    weight = gate.get("weight")
    follows = {
        "drop": "it was dropped",
        "down_weight": f"its weight was set to {number(weight)}",
        "stop": "the run was stopped",
    }.get(gate["action"], gate["action"])
    full = "it is used with full weight"
    learnt = [arm["sources"] for arm in arms if "sources" in arm]
    if learnt and not any(gate["source"] in sources for sources in learnt):
        full = "no arm learns from it, so nothing was weighted by it"
        follows = follows if gate["action"] == "stop" else full
    if gate.get("value") is None:
        reason = names.sentence(gate.get("reason") or f"{statistic} could not be computed")
        return f"{source}: {reason.rstrip('.')}."
    measured = apart(gate["value"], gate["minimum"]) + (
        f" ({interval(gate)})" if interval(gate) else ""
    )
    line = f"{source} agrees with {names.people} at {statistic} {measured}"
    if gate["passed"]:
        line += f", at or above the minimum of {minimum}: {full}"
    else:
        line += f", below the minimum of {minimum}: {follows}"
    low, high = gate.get("low"), gate.get("high")
    if low is not None and high is not None and low < gate["minimum"] <= high:
        line += "; the interval holds the minimum, so with other labels it could have gone"
        line += " the other way"
    if voices := gate.get("voices"):
        told = ", ".join(
            f"{name} {'undefined' if one is None else number(one)}" for name, one in voices.items()
        )
        line += f". It is one verdict of {len(voices)}, alone at {told}"
    return line + "."


def is_worth_a_line(gate: Data) -> bool:
    """Whether a gate did something, or let a source pass of which a voice would not have passed."""
    voices = (gate.get("voices") or {}).values()
    return not gate["passed"] or any(one is None or one < gate["minimum"] for one in voices)

"""What the report says of an agreement gate: its decision, and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.nouns.counted import counted
from harness.nouns.gate import MEASURES
from harness.report.tables import interval
from harness.report.wording import Names, apart, number, percent

Data = Mapping[str, Any]

OPENINGS = {
    "cohen_kappa": "{source} agrees with {people} at Cohen's kappa {value}",
    "share_right": "{source} is right in {value} of the pairs that it and {people} decide",
    "coverage": "{source} decides {value} of what {people} decide",
    "alt_test_omega": "{source} may replace {value} of {people}",
    "swap_flip_rate": "{source} turns with the order in {value} of the pairs",
    "bias": "{source} has a {bias} bias that turns {value} of its verdicts beyond a placebo",
    "false_pass_rate": "{source} passes {value} of the responses that {people} call wrong",
    "false_fail_rate": "{source} fails {value} of the responses that {people} call right",
    "ece": "{source} is off by {value}, beyond noise, from the probabilities that it states",
}


def gates_of(data: Data) -> list[Data]:
    """Return the gates of a run, those of earlier versions as today's."""
    return [_of_today(gate) for gate in data.get("gates", ())]


def _of_today(gate: Data) -> Data:
    """Return a gate with what earlier versions did not say: they went by the estimate of kappa."""
    if "outcome" in gate:
        return gate
    outcome = "pass" if gate["passed"] else "fail"
    return {**gate, "statistic": "cohen_kappa", "limit": gate["minimum"], "outcome": outcome}


def gate_sentence(gate: Data, names: Names, arms: Sequence[Data] = ()) -> str:
    """Return one gate's decision and what follows from it in these arms."""
    gate = _of_today(gate)
    source = names.source(gate["source"])
    if gate.get("value") is None:
        reason = names.sentence(gate.get("reason") or "nothing could be measured")
        return f"{source}: {reason.rstrip('.')}."
    people = names.source(gate["against"]) if gate.get("against") else names.people
    line = OPENINGS[gate["statistic"]].format(
        source=source,
        people=people,
        value=_figure(gate, gate["value"]),
        bias=gate.get("bias", ""),
    )
    if gate.get("slice"):
        line += f" on slice {gate['slice']}"
    if sure := _certainty(gate, people):
        line += f" ({sure})"
    line += f", {_verdict(gate)}: {_follows(gate, arms)}"
    low, high = gate.get("low"), gate.get("high")
    by_estimate = gate.get("lower") is None and low is not None and high is not None
    if by_estimate and low < gate["limit"] <= high:
        line += "; the interval holds the minimum, so with other labels it could have gone"
        line += " the other way"
    if voices := gate.get("voices"):
        told = ", ".join(
            f"{name} {'undefined' if one is None else number(one)}" for name, one in voices.items()
        )
        line += f". It is one verdict of {len(voices)}, alone at {told}"
    return line + "."


def _figure(gate: Data, value: float) -> str:
    if MEASURES[gate["statistic"]].is_rate:
        return percent(value, 0 if value in (0, 1) else 1)
    return apart(value, gate["limit"])


def _certainty(gate: Data, people: str) -> str:
    if gate.get("lower") is None or gate.get("upper") is None:
        return interval(gate)
    lower, upper = _figure(gate, gate["lower"]), _figure(gate, gate["upper"])
    measure = MEASURES[gate["statistic"]]
    if gate["outcome"] == "undecided":
        told = f"{lower} to {upper}"
    elif (gate["outcome"] == "pass") == measure.is_minimum:
        told = f"at least {lower}"
    else:
        told = f"at most {upper}"
    told += f", on {counted(gate['n'], measure.units)}"
    if gate.get("coverage") is not None and gate["coverage"] < 1:
        told += f", {percent(gate['coverage'])} of those that {people} decide"
    return told


def _verdict(gate: Data) -> str:
    limit = gate["limit"]
    shown = percent(limit) if MEASURES[gate["statistic"]].is_rate else number(limit)
    is_minimum = MEASURES[gate["statistic"]].is_minimum
    named = f"the {'minimum' if is_minimum else 'maximum'} of {shown}"
    if gate["outcome"] == "undecided":
        more = gate.get("more_labels")
        of = "verdicts" if gate.get("bias") else "labels"
        labels = f"about {more:,} more {of} would decide" if more else "no plan would decide"
        return f"with {named} in between, so that it is not decided ({labels} if it stays there)"
    if gate["outcome"] == "pass":
        return f"at or {'above' if is_minimum else 'below'} {named}"
    return f"{'below' if is_minimum else 'above'} {named}"


def _follows(gate: Data, arms: Sequence[Data]) -> str:
    learnt = [arm for arm in arms if "sources" in arm]
    unsure = gate["outcome"] == "undecided"
    action = gate.get("undecided") or gate["action"] if unsure else gate["action"]
    if gate["outcome"] != "pass" and action == "stop":
        return "the run was stopped"
    if learnt and not any(gate["source"] in arm["sources"] for arm in learnt):
        return "no arm learns from it, so nothing was weighted by it"
    if gate["outcome"] == "pass":
        return "it is used with full weight"
    if action == "down_weight":
        effects = [
            f"in {arm['name']} {arm['gate_effects'][gate['source']]}"
            for arm in learnt
            if gate["source"] in arm.get("gate_effects", {})
        ]
        done = f"its weight was set to {number(gate['weight'])}"
        return f"{done} (effect {'; '.join(effects)})" if effects else done
    return "it was dropped" if action == "drop" else "it is used all the same"


def is_worth_a_line(gate: Data) -> bool:
    """Whether a gate did something, or shows more than agreement with the people on all pairs.

    The latter is so where it is held against a criterion of their own, or a voice of the source
    would not have passed.
    """
    voices = (gate.get("voices") or {}).values()
    doubt = any(one is None or one < gate["limit"] for one in voices)
    return not gate["passed"] or doubt or bool(gate.get("against"))

"""What the report says of an agreement gate: its decision, and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.agreement.gate_evidence import GOLD
from harness.nouns.counted import counted
from harness.nouns.gate import MEASURES
from harness.report.tables import Column, Table, interval
from harness.report.wording import Names, apart, join, number, percent

Data = Mapping[str, Any]

OPENINGS = {
    "cohen_kappa": "{source} agrees with {people} at Cohen's kappa {value}",
    "share_right": "{source} is right in {value} of the pairs that it and {people} decide",
    "coverage": "{source} decides {value} of what {people} decide",
    "alt_test_omega": "{source} may replace {value} of {people}",
    "swap_flip_rate": "{source} turns with the order in {value} of the pairs",
    "bias": "{source} has {bias} bias that turns {value} of its verdicts beyond a placebo",
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
    """Return one gate's decision and what follows from it in these arms; the rest is the table's.

    A sentence has three numbers at most.
    """
    gate = _of_today(gate)
    source = names.source(gate["source"])
    if gate.get("value") is None:
        reason = names.sentence(gate.get("reason") or "nothing could be measured")
        return f"{source}: {reason.rstrip('.')}."
    people = names.source(gate["against"]) if gate.get("against") else names.people
    opening = OPENINGS[gate["statistic"]]
    on = f" on slice {gate['slice']}" if gate.get("slice") else ""
    follows, bias = _follows(gate, arms), gate.get("bias", "")
    bias = bias and f"{'an' if bias[0] in 'aeiou' else 'a'} {bias}"
    if gate.get("lower") is None or gate.get("upper") is None:
        value = _figure(gate, gate["value"])
        line = opening.format(source=source, people=people, value=value, bias=bias) + on
        ends = f" ({interval(gate)})" if interval(gate) else ""
        line += f"{ends}, {_side(gate)}: {follows or 'it is used with full weight'}"
        if ends and gate["low"] < gate["limit"] <= gate["high"]:
            line += "; the interval holds the minimum, so with other labels it could have gone"
            line += " the other way"
    else:
        said = opening.format(source="it", people=people, value=_sure(gate), bias=bias) + on
        line = f"{source} {_OUTCOMES[gate['outcome']]}: {said}, where {_asked(gate)}"
        # A weight is a number more: a sentence of its own.
        weighed = follows.startswith("its weight")
        line += f". {follows.capitalize()}" if weighed else f"; {follows}" if follows else ""
        if gate["outcome"] == "undecided":
            line += f". {plan(gate.get('more_labels'), 'verdict' if bias else 'label')}"
    if voices := gate.get("voices"):
        told = ", ".join(
            f"{name} {'undefined' if one is None else number(one)}" for name, one in voices.items()
        )
        line += f". It is one verdict of {len(voices)}, alone at {told}"
    if spent := gate.get("spent"):
        line += f". {counted(spent, 'spent row')} {'was' if spent == 1 else 'were'} left out"
    return line + "."


def plan(more: float | None, of: str = "label") -> str:
    """Return how many more labels decide what these leave open: the one sentence on that."""
    if not more:
        return f"No plan says how many more {of}s would decide"
    return f"About {counted(int(more), f'more {of}')} would decide, if it stays there"


_OUTCOMES = {
    "pass": "passes its gate",
    "fail": "fails its gate",
    "undecided": "neither passes nor fails its gate",
}


def _figure(gate: Data, value: float) -> str:
    if MEASURES[gate["statistic"]].is_rate:
        return percent(value, 0 if value in (0, 1) else 1)
    return apart(value, gate["limit"])


def _sure(gate: Data) -> str:
    """Return the value with the bound that decides, or both of them where none does."""
    lower, upper = _figure(gate, gate["lower"]), _figure(gate, gate["upper"])
    if gate["outcome"] == "undecided":
        return f"{lower} to {upper}"
    is_least = (gate["outcome"] == "pass") == MEASURES[gate["statistic"]].is_minimum
    bound = f"at least {lower}" if is_least else f"at most {upper}"
    return f"{_figure(gate, gate['value'])} ({bound})"


def _limit(gate: Data) -> str:
    limit = gate["limit"]
    return percent(limit) if MEASURES[gate["statistic"]].is_rate else number(limit)


def _asked(gate: Data) -> str:
    """Return the limit as half a sentence."""
    if MEASURES[gate["statistic"]].is_minimum:
        return f"{_limit(gate)} is asked for"
    return f"at most {_limit(gate)} is allowed"


def _side(gate: Data) -> str:
    is_minimum = MEASURES[gate["statistic"]].is_minimum
    named = f"the {'minimum' if is_minimum else 'maximum'} of {_limit(gate)}"
    if gate["outcome"] == "pass":
        return f"at or {'above' if is_minimum else 'below'} {named}"
    return f"{'below' if is_minimum else 'above'} {named}"


def _follows(gate: Data, arms: Sequence[Data]) -> str:
    """Return what was done with the source; empty where it is used with full weight."""
    learnt = [arm for arm in arms if "sources" in arm]
    unsure = gate["outcome"] == "undecided"
    action = gate.get("undecided") or gate["action"] if unsure else gate["action"]
    if gate["outcome"] != "pass" and action == "stop":
        return "the run was stopped"
    if learnt and not any(gate["source"] in arm["sources"] for arm in learnt):
        return "no arm learns from it, so nothing was weighted by it"
    if gate["outcome"] == "pass":
        return ""
    if action == "down_weight":
        effects = _effects(gate, learnt)
        idle = [arm for arm, effect in effects.items() if effect.startswith("none")]
        done = f"its weight was set to {number(gate['weight'])}"
        return f"{done}, which changes nothing in {join(idle)}" if idle else done
    return "it was dropped" if action == "drop" else "it is used all the same"


def _effects(gate: Data, arms: Sequence[Data]) -> dict[str, str]:
    """Return what the weight of a gate did, by arm."""
    return {
        arm["name"]: effects[gate["source"]]
        for arm in arms
        if gate["source"] in (effects := arm.get("gate_effects", {}))
    }


def gate_effects(data: Data, names: Names) -> list[str]:
    """Return a sentence on what the gates did to each source in each arm that learns from it."""
    arms = [arm for arm in data.get("arms", ()) if "sources" in arm]
    by_source = {gate["source"]: _effects(gate, arms) for gate in gates_of(data)}
    return [
        f"{names.source(source)} in {arm}: {effect}."
        for source, effects in by_source.items()
        for arm, effect in effects.items()
    ]


def others_of(gates: Sequence[Data]) -> dict[str, str]:
    """Return source -> the people whom a gate of it names."""
    return {gate["source"]: gate["against"] for gate in gates if gate.get("against")}


def gate_table(gates: Sequence[Data], names: Names) -> Table:
    """Return what gates ask for and what was found, with one-sided 95% bounds."""
    columns: list[Column | str] = [
        "source", "held against", "asked for", "found", "bounds", Column("of", "count"), "decided",
        "outcome", Column("weight", "score"),
    ]  # fmt: skip
    return Table("Gates: what each asks for, and what was found", columns, [
        (
            names.source(gate["source"]),
            _against(gate, names),
            names.prose(_words(gate)),
            "" if gate.get("value") is None else _figure(gate, gate["value"]),
            _bounds(gate),
            gate.get("n"),
            percent(gate["coverage"]) if gate.get("coverage") is not None else "",
            "not measured" if gate.get("value") is None else gate["outcome"],
            gate.get("weight"),
        )
        for gate in gates
    ])  # fmt: skip


def _against(gate: Data, names: Names) -> str:
    if not MEASURES[gate["statistic"]].needs_people:
        return "itself"
    return names.source(gate["against"]) if gate.get("against") else names.people


def _words(gate: Data) -> str:
    measure = MEASURES[gate["statistic"]]
    on = f", on slice {gate['slice']}" if gate.get("slice") else ""
    bias = f"{gate['bias']}: " if gate.get("bias") else ""
    how = "at least" if measure.is_minimum else "at most"
    words = measure.words
    if gate.get("against") == GOLD and measure.needs_people:
        words = words.replace("people", GOLD)
    return f"{bias}{words} {how} {_limit(gate)}{on}"


def _bounds(gate: Data) -> str:
    if gate.get("lower") is None or gate.get("upper") is None:
        return interval(gate)
    return f"{_figure(gate, gate['lower'])} to {_figure(gate, gate['upper'])}"


def is_worth_a_line(gate: Data) -> bool:
    """Whether a gate did something, or shows more than agreement with the people on all pairs.

    The latter is so where it is held against a criterion of their own, or a voice of the source
    would not have passed.
    """
    voices = (gate.get("voices") or {}).values()
    doubt = any(one is None or one < gate["limit"] for one in voices)
    return not gate["passed"] or doubt or bool(gate.get("against"))

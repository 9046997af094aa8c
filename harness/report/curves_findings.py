"""What is found in the trainings: gold that fell from its peak, KL run away, a useless critic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.report.curves import is_lower
from harness.report.finding import Finding, Weight
from harness.report.tables import interval
from harness.report.wording import Names, join, number
from harness.train.alarms import FAR_SEQUENCE, alarms_of

Data = Mapping[str, Any]

MOST_SEEDS = 2
"""So many seeds are named in a sentence; of more stands how many they are."""

WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def curves_findings(data: Data, names: Names) -> list[Finding]:
    """Return what the trainings' curves and the final evaluation say together.

    What a training printed as an alarm is a hint; only what the evaluation shows, too, is found.
    """
    fell = [Finding(Weight.HARM, line) for line in _fell(data, names)]
    far = [Finding(Weight.HARM, line) for line in _far(data)]
    critics = [Finding(Weight.TRUST, line) for line in _critics(data)]
    return [*fell, *far, *critics]


def _fell(data: Data, names: Names) -> list[str]:
    """Return a sentence for each arm in whose trainings gold fell: reward hacking."""
    by_arm: dict[str, list[Data]] = {}
    for row in data.get("gold_falls", ()):
        if row["verdict"] == "fell":
            by_arm.setdefault(row["arm"], []).append(row)
    lines = []
    for arm, rows in by_arm.items():
        worst = max(rows, key=lambda row: abs(row["value"]))
        moved = "rose from its lowest" if is_lower(worst) else "fell from its peak"
        of = sum(row["arm"] == arm for row in data["gold_falls"])
        line = (
            f"In {_which(arm, rows, of)}, the held-out gold reward"
            f" {names.source(worst['gold'])} {moved} by{' up to' * (len(rows) > 1)}"
            f" {number(abs(worst['value']))} (95% interval {_fallen(worst)})"
        )
        if worst.get("proxy"):
            line += " while the reward that was optimised rose"
        line += ", and the evaluation shows it, too: "
        line += "reward hacking" if worst.get("proxy") else "it was trained too far"
        lines.append(f"{line}; try a larger beta, or fewer steps.")
    return lines


def _which(arm: str, rows: Sequence[Data], trained: int) -> str:
    """Return which trainings of an arm; seeds are named where they are few and not all."""
    seeds = sorted(row["seed"] for row in rows)
    if trained == 1:
        return arm
    if len(seeds) == trained:
        return f"{'both' if trained == 2 else f'all {_in_words(trained)}'} trainings of {arm}"
    if len(seeds) <= MOST_SEEDS:
        return f"{arm}, seed {join([str(seed) for seed in seeds])}"
    return f"{_in_words(len(seeds))} of {_in_words(trained)} trainings of {arm}"


def _in_words(count: int) -> str:
    return WORDS[count] if count < len(WORDS) else f"{count:,}"


def _fallen(row: Data) -> str:
    """Return the interval of a change as that of a fall, or of a rise where lower is better."""
    if is_lower(row):
        return interval(row)
    return interval({"low": -row["high"], "high": -row["low"]})


def _far(data: Data) -> list[str]:
    """Return the arms of which the whole interval of KL lies beyond what alarms call far."""
    policies = (data.get("evaluation") or {}).get("policies", ())
    warned = {
        arm
        for arm, seeds in (data.get("curves") or {}).items()
        if any("kl_runaway" in alarms_of(rows) for rows in seeds.values())
    }
    return [
        f"{row['name']} ran away from base: its KL is {number(kl['value'], 1)} nats per response"
        f" (95% interval {interval(kl)}); try a lower learning rate or a larger beta."
        for row in policies
        if row["name"] in warned
        and (kl := row.get("kl"))
        and kl.get("low") is not None
        and kl["low"] > FAR_SEQUENCE
    ]


def _critics(data: Data) -> list[str]:
    """Return the arms whose critic explained nothing, once for each arm."""
    lines = []
    for arm, seeds in (data.get("curves") or {}).items():
        said = {
            str(seed): line
            for seed, rows in seeds.items()
            if (line := alarms_of(rows).get("critic_useless"))
        }
        if said:
            first, *others = said
            which = "" if len(seeds) == 1 else f", seed {first}"
            also = f"; the same with seed {join(others)}" if others else ""
            if len(others) > MOST_SEEDS:
                also = f"; the same in {_in_words(len(others))} other trainings"
            lines.append(f"In {arm}{which}, {said[first]}{also}.")
    return lines

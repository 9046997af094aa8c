"""What an arm cost, in money and time, and what each point that it gained cost."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from statistics import fmean, stdev
from typing import Any

from harness.report.differences import ends_of
from harness.report.verdict import is_headline
from harness.statistics.estimate import Estimate
from harness.statistics.fieller import HOLDS_ZERO, ratio_of
from harness.statistics.intervals import t_quantile

Data = Mapping[str, Any]

SEEDS = 3
"""From so many trainings on their time has an interval; that of fewer is what it was."""

HOUR = 3600.0
LOST = "undefined: it lost points"
MAY_BE_NONE = "undefined: the gain may be 0"
SIMULATED = "simulated"
NOT_KNOWN = "not known"


def costs(data: Data) -> dict[str, Any]:
    """Return what each arm cost, of one policy: feedback once, and the mean of its trainings.

    Money is known or not: the price of a label is an input, and labels that a program made up have
    none. What no price was named for is not guessed, and never 0.

    Args:
        data: Of a report: ``prices``, ``sources``, ``arms`` and ``evaluation``.

    Returns:
        JSON values; docs/reports.md says what each key holds.
    """
    prices = dict(data.get("prices") or {})
    named = {key: prices.get(key) for key in ("label_usd", "hour_usd")}
    return {
        "prices": named,
        "rows": [_row(arm, data, named) for arm in data.get("arms", ())],
    }


def _row(arm: Data, data: Data, prices: Data) -> dict[str, Any]:
    sources = {source["name"]: source for source in data.get("sources", ())}
    people = [n for n in arm["sources"] if (sources.get(n) or {}).get("kind") == "human"]
    simulated = [name for name in people if sources[name].get("simulated")]
    labels = arm.get("labels") or {}
    counted = {name: labels.get(name) for name in people}
    done = [seed for seed in arm.get("seeds", ()) if seed.get("seconds") is not None]
    took = _mean([seed["seconds"] for seed in done])
    paid = [seed["cost_usd"] for seed in done if seed.get("cost_usd") is not None]
    calls = (arm.get("feedback_cost_usd") or 0.0) + (fmean(paid) if paid else 0.0)
    real = _sum([n for name, n in counted.items() if name not in simulated])
    made_up = _sum([counted[name] for name in simulated])
    price, machine = prices["label_usd"], prices["hour_usd"]
    for_labels = 0.0 if real == 0 else _times(real, price)
    fed = arm.get("feedback_seconds") or 0.0
    for_machine = _times(None if took.value is None else (took.value + fed) / HOUR, machine)
    money = _money(calls, for_labels, for_machine, bool(simulated))
    return {
        "arm": arm["name"],
        "people": people,
        "simulated": simulated,
        "labels": real,
        "simulated_labels": made_up if simulated else 0,
        "calls": arm.get("calls"),
        "calls_usd": calls,
        "labels_usd": for_labels,
        "simulated_labels_usd": _times(made_up, price) if simulated else None,
        "machine_usd": for_machine,
        "feedback_seconds": arm.get("feedback_seconds"),
        "usd": money.value,
        "why": money.reason,
        "trainings": len(done),
        "seconds": took.numbers(),
        "seconds_in_all": math.fsum(seed["seconds"] for seed in done),
        "devices": sorted({str(seed["device"]) for seed in done if seed.get("device")}),
        "per_point": [
            {"evaluator": name, **_per_point(gain, money, took)}
            for name, gain in _gains(arm["name"], data.get("evaluation") or {})
        ],
    }


def _sum(counts: list[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def _times(count: float | None, price: float | None) -> float | None:
    return None if count is None or price is None else count * price


def _mean(seconds: list[float]) -> Estimate:
    """Return the mean of the trainings, with a t-interval where there are ``SEEDS`` of them."""
    if not seconds:
        return Estimate(None, reason="nothing was trained")
    mean, n = fmean(seconds), len(seconds)
    if n < SEEDS:
        return Estimate(mean, n=n)
    half = t_quantile(n - 1) * stdev(seconds) / math.sqrt(n)
    return Estimate(mean, max(0.0, mean - half), mean + half, n, n)


def _money(calls: float, labels: float | None, machine: float | None, simulated: bool) -> Estimate:
    if simulated:
        return Estimate(None, reason=SIMULATED)
    if labels is None:
        return Estimate(None, reason=NOT_KNOWN)
    return Estimate(calls + labels + (machine or 0.0))


def _gains(arm: str, evaluation: Data) -> list[tuple[str, Estimate]]:
    """Return what an arm gained over base, in points for the better, by evaluators that decide."""
    found = []
    for evaluator in evaluation.get("evaluators", ()):
        for row in evaluation["scores"]:
            if (row["evaluator"], row["policy"]) != (evaluator["name"], arm):
                continue
            if is_headline(evaluator) and row["held_out"] is not False and row["difference"]:
                way = -100.0 if evaluator.get("direction") == "lower" else 100.0
                found.append((evaluator["name"], _points(row["difference"], way)))
    return found


def _points(difference: Data, way: float) -> Estimate:
    ends = ends_of(difference)
    value, low, high = difference.get("value"), ends.get("low"), ends.get("high")
    if value is None:
        return Estimate(None, reason=difference.get("reason") or "no score")
    if low is None or high is None:
        return Estimate(way * value, reason=difference.get("reason") or "no interval of the gain")
    return Estimate(way * value, *sorted((way * low, way * high)))


def _per_point(gain: Estimate, money: Estimate, took: Estimate) -> dict[str, Any]:
    return {
        "gain": gain.numbers("reason"),
        "usd": _each(money, gain).numbers("reason"),
        "seconds": _each(took, gain).numbers("reason"),
    }


def _each(cost: Estimate, gain: Estimate) -> Estimate:
    if gain.high is not None and gain.high < 0:
        return Estimate(None, reason=LOST)
    if cost.value is None:
        return Estimate(None, reason=cost.reason)
    found = ratio_of(cost, gain)
    if found.reason == HOLDS_ZERO:
        return replace(found, reason=MAY_BE_NONE)
    if cost.value == 0:
        return replace(found, low=None, high=None)  # nothing, whatever the gain is
    return replace(found, low=None if found.low is None else max(0.0, found.low))

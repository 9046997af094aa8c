"""What a point cost, and what is not known of the costs, in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.report.criteria import primary_of
from harness.report.finding import Finding, Weight
from harness.report.wording import Names, dollars, join, seconds

Data = Mapping[str, Any]


def costs_findings(data: Data, names: Names) -> list[Finding]:
    """Return what a point cost where it was cheapest, and of which arms the money is not known."""
    rows = (data.get("costs") or {}).get("rows", ())
    found = [
        Finding(Weight.TOOK, _cheapest(rows, name, key, names))
        for name in _first(data, rows)
        for key in ("usd", "seconds")
    ]
    made_up = [row["arm"] for row in rows if row["simulated"]]
    if made_up:
        found.append(
            Finding(
                Weight.TOOK,
                f"What {join(made_up)} cost is not known: simulated people have no price.",
            )
        )
    unpriced = [row for row in rows if not row["simulated"] and row["usd"] is None]
    for row in unpriced:
        many = "its labels" if row["labels"] is None else f"its {row['labels']:,} labels"
        found.append(
            Finding(
                Weight.TOOK,
                f"What {row['arm']} cost is not known: nobody named the price of {many}.",
            )
        )
    return found


def _first(data: Data, rows: Any) -> list[str]:
    """Return the evaluator by which points are told: the primary one, else the first."""
    named = [one["evaluator"] for row in rows for one in row["per_point"]]
    primary = primary_of(data)
    return [str(primary)] if primary in named else named[:1]


def _cheapest(rows: Any, evaluator: str, key: str, names: Names) -> str:
    each = [
        (one[key]["value"], row["arm"], one[key])
        for row in rows
        for one in row["per_point"]
        if one["evaluator"] == evaluator and one[key]["value"]
    ]
    if not each:
        return ""
    value, arm, found = min(each, key=lambda one: one[0])
    write, verb = (dollars, "cost") if key == "usd" else (seconds, "took")
    what = "" if key == "usd" else " of training"
    ends = ""
    if found["low"] is not None and found["high"] is not None:
        ends = f" ({write(found['low'])} to {write(found['high'])})"
    least = " least" if len(each) > 1 else ""
    return (
        f"A point at {names.source(evaluator)} {verb}{least} in {arm}: {write(value)}{what}{ends}."
    )

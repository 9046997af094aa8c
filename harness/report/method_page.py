"""The section on which method is recommended for what, each sentence with its rule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.report.blocks import Block, Bullets, Details, Text
from harness.report.finding import Finding, Weight
from harness.report.wording import Names

Data = Mapping[str, Any]

EXPLAINED = (
    "A rule stands by each sentence. An arm is out as soon as one rule speaks against it; of those"
    " that are left, gains decide, then money. What was not shown is not recommended."
)


def which_method(data: Data) -> list[Block]:
    """Return the recommendations, why the other arms are out, and the rules; none without them."""
    found = data.get("method")
    if not found or not found["methods"]:
        return []
    if not found["choices"]:
        return [Text("None is recommended: no evaluator is held out from all training.", "muted")]
    blocks: list[Block] = [Text(EXPLAINED, "muted"), Bullets(_lines(found["choices"]), "strong")]
    if found["notes"]:
        blocks.append(Bullets(_lines(found["notes"])))
    if found["against"]:
        blocks.append(
            Details("Why other arms are not recommended", [Bullets(_lines(found["against"]))])
        )
    return blocks


def _lines(rows: list[Data]) -> list[str]:
    return [f"{row['text']} ({row['rule']})" for row in rows]


def method_findings(data: Data, names: Names) -> list[Finding]:
    """Return the choices for all items as findings."""
    choices = (data.get("method") or {}).get("choices", ())
    return [
        Finding(Weight.CHOICE if row["arm"] else Weight.NONE, row["text"])
        for row in choices
        if row["slice"] is None
    ]

"""What became of an arm by all evaluators that decide: better, worse, a trade-off, unknown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.report.differences import said as verdict
from harness.report.effect_findings import still
from harness.report.tables import Tone
from harness.report.wording import Names, join

Data = Mapping[str, Any]


def is_headline(evaluator: Data) -> bool:
    """Tell whether an evaluator decides: it is held out from some arm, and no training's rule."""
    return not evaluator.get("same_rule_as") and evaluator.get("held_out_for") != []


def better(evaluation: Data, evaluator: str, difference: Data | None) -> int:
    """Return 1 where a difference is shown to be for the better, -1 for the worse, else 0."""
    found = next(e for e in evaluation["evaluators"] if e["name"] == evaluator)
    way = {"raised": 1, "lowered": -1}.get(verdict(difference), 0)
    return -way if found.get("direction") == "lower" else way


def outcome(arm: str, evaluation: Data, names: Names) -> tuple[str, Tone]:
    """Return what became of an arm in a few words, and how that is to be coloured."""
    if still(arm, evaluation):
        return "did not move", "muted"
    ways, said = dict[str, int](), list[str]()
    for evaluator in evaluation["evaluators"]:
        name = evaluator["name"]
        rows = (r for r in evaluation["scores"] if (r["evaluator"], r["policy"]) == (name, arm))
        row = next(rows, None)
        if row is None or not is_headline(evaluator) or row["held_out"] is False:
            continue
        ways[names.source(name)] = better(evaluation, name, row["difference"])
        said.append(verdict(row["difference"]))
    up = [name for name, way in ways.items() if way > 0]
    down = [name for name, way in ways.items() if way < 0]
    every = len(ways) > 1 and len(up) == len(ways)
    if up and down:
        return f"trade-off: better at {join(up)}, worse at {join(down)}", "warn"
    if up:
        return "better" if every or len(ways) == 1 else f"better at {join(up)}", "good"
    if down:
        return f"worse at {join(down)}", "bad"
    if "undecidable" in said:
        return "not decidable", "warn"
    if said and all(one == "unchanged" for one in said):
        return "about the same", ""
    return ("no clear change", "") if said else ("not compared", "muted")

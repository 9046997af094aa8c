"""What was said before the first training, and what was edited after it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.nouns.counted import counted
from harness.report.blocks import Block, Bullets, Text
from harness.report.finding import Finding, Weight
from harness.report.wording import Names, join

Data = Mapping[str, Any]

_WORDS = {
    "primary": "the evaluator that decides",
    "contrasts": "what is compared",
    "held_out": "the held-out items",
    "responses_per_item": "responses for each item",
}


def _edits(plan: Data) -> list[str]:
    return [
        f"{str(edit['at'])[:16].replace('T', ' ')} UTC, after"
        f" {counted(edit['trainings'], 'training')}: {_WORDS.get(key, key)}"
        f" ({one['key']}) from {_told(one['before'])} to {_told(one['now'])}."
        for edit in plan["edits"]
        for one in edit["changed"]
        for key in [str(one["key"]).partition(".")[0]]
    ]


def _told(value: Any) -> str:
    """Return a value of the plan as it is read: pairs of policies as such, no name as nothing."""
    if not isinstance(value, list):
        return "none" if value is None else str(value)
    pairs = all(isinstance(one, list) and len(one) == 2 for one in value)
    return join([f"{one[0]} with {one[1]}" if pairs else str(one) for one in value]) or "none"


def plan_blocks(data: Data) -> list[Block]:
    """Return the section on what was said before; nothing where nobody knows."""
    plan = data.get("plan")
    if not plan:
        return []
    names, content = Names.of_run(data), plan["content"]
    when = f"{str(plan['at'])[:16].replace('T', ' ')} UTC"
    before = plan["trainings"]
    first = "before the first training" if not before else f"after {counted(before, 'training')}"
    if not content["primary"]:
        return [
            Text(
                "No evaluator was named that decides (evaluation.primary), so every comparison in"
                " this report is exploratory.",
                "warn",
            ),
            *_late(plan),
        ]
    pairs = _told(content["contrasts"])
    seeds = join([str(seed) for seed in content["seeds"]])
    return [
        Text(f"Written {when}, {first}; SHA-256 {plan['sha256']}."),
        Bullets(
            [
                f"{names.source(content['primary'])} decides.",
                f"Compared: {pairs}, with seeds {seeds}; the p-values of these are adjusted among"
                " themselves.",
                "Everything else in this report is exploratory.",
            ]
        ),
        *_late(plan),
    ]


def _late(plan: Data) -> list[Block]:
    lines = _edits(plan)
    return [Text("Edited after trainings had begun:", "warn"), Bullets(lines)] if lines else []


def plan_findings(data: Data, names: Names) -> list[Finding]:
    """Return that a plan was edited late, or that there was none."""
    plan = data.get("plan")
    if not plan:
        return []
    found = []
    back = plan["now"] == plan["content"]  # edited and put back: it is what was said before
    if not back and (late := [edit for edit in plan["edits"] if edit["trainings"]]):
        keys = [str(one["key"]).partition(".")[0] for edit in late for one in edit["changed"]]
        told = join(list(dict.fromkeys(_WORDS.get(key, key) for key in keys)))
        after = counted(late[0]["trainings"], "training")
        text = f"What was said before was edited after {after} had begun: {told}."
        found.append(Finding(Weight.HARM, text))
    if plan["trainings"]:
        after = counted(plan["trainings"], "training")
        text = f"What is to be shown was written only after {after} had begun."
        found.append(Finding(Weight.HARM, text))
    if not plan["content"]["primary"]:
        text = "No evaluator was named before training as the one that decides"
        found.append(Finding(Weight.NONE, f"{text}: every comparison is exploratory."))
    return found

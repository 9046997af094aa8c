"""The section on how alike the answers of each policy are, and what is found in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.nouns.counted import counted
from harness.report.blocks import Block, Text
from harness.report.finding import Finding, Weight
from harness.report.tables import Cell, Kind, Table, interval
from harness.report.verdict import better, is_headline
from harness.report.wording import Names, join, number, percent

Data = Mapping[str, Any]

ALPHA = 0.05
HALF = 0.5
"""Effective templates, or distinct-2, below this share of base's are a loss of it."""

FEW = {1: ", in this one training", 2: ", in these two trainings"}
"""What a sentence says of fewer than three trainings: it holds for them alone."""

IDENTICAL = 0.05
"""More identical pairs of answers to one prompt than base has by this are a loss of diversity."""


def diversity(data: Data) -> list[Block]:
    """Return how alike answers are, within prompts and across them; nothing where nobody knows."""
    rows = [p for p in (data.get("evaluation") or {}).get("policies", ()) if p.get("diversity")]
    if not rows:
        return []
    first = rows[0]["diversity"]
    singles = all(row["diversity"]["identical"]["value"] is None for row in rows)

    def share(measure: str, kind: Kind) -> Any:
        def cell(row: Data) -> Cell:
            found = row["diversity"][measure]
            return Cell(
                found["value"], _change(found["difference"], kind), tone=_tone(row, measure)
            )

        return cell

    columns: list[tuple[str, Kind, Any]] = [
        ("policy", "text", lambda row: Cell(row["name"], tone="strong")),
        ("templates", "mean", lambda row: row["diversity"]["templates"]),
        ("pairs of one template", "percent", share("template", "percent")),
    ]
    if not singles:
        columns += [
            ("identical, one prompt", "percent", share("identical", "percent")),
            ("similar, one prompt", "score", share("within", "change")),
        ]
    columns += [
        ("similar, different prompts", "score", share("across", "change")),
        ("Vendi score", "mean", lambda row: row["diversity"]["vendi"]),
    ]
    notes = [
        "In brackets: the change from base with its 95% interval, clustered by prompt. Templates:"
        " how many equally frequent ones would give as many pairs of answers to different prompts"
        " that begin alike, numbers, names and other rare words left out. Similar: mean cosine of"
        " the word and word-pair counts of two answers."
    ]
    if first["vendi"] is not None:
        notes.append(
            "The Vendi score is the effective number of different answers among"
            f" {first['vendi_prompts']}, one to each prompt, each cut to"
            f" {counted(first['vendi_words'], 'word')}, the same for all policies (Friedman & Dieng"
            " 2023)."
        )
    blocks: list[Block] = [Table.of("How alike the answers are", rows, columns, notes)]
    if singles:
        blocks.append(
            Text("There is one answer to each prompt, so nobody knows how alike two are.", "muted")
        )
    return blocks


def _change(row: Data | None, kind: Kind) -> str:
    if row is None or row["value"] is None:
        return ""
    if kind == "percent":
        ends = [
            f"{number(100 * row[end], 1, sign=True)}"
            for end in ("value", "low", "high")
            if row[end] is not None
        ]
        return f"{ends[0]}; {ends[1]} to {ends[2]}" if len(ends) == 3 else ends[0]
    return f"{number(row['value'], sign=True)}; {interval(row, 'change')}"


def _tone(row: Data, measure: str) -> Any:
    return "bad" if _is_clear(row["diversity"][measure]["difference"]) else ""


def _is_clear(difference: Data | None) -> bool:
    """Tell whether answers became more alike, with everything that is compared allowed for."""
    return (
        difference is not None
        and difference["low"] is not None
        and difference["low"] > 0
        and (difference["p_holm"] or 0) < ALPHA
    )


def diversity_findings(evaluation: Data, names: Names) -> list[Finding]:
    """Return a sentence for each way in which an arm's answers became clearly more alike.

    That is a mode collapse, and harm, unless the arm is shown to have become better: where one
    answer is right, who learns it answers more alike.
    """
    seeds = {p["name"]: len(p.get("seeds") or ()) for p in evaluation.get("policies", ())}
    found = []
    for name, lines in collapses(evaluation).items():
        gained = gains_of(evaluation, name)
        how, weight = "(mode collapse)", Weight.HARM
        if gained:
            titles = [names.source(one) for one in gained]
            how, weight = f"while it got better at {join(titles)}", Weight.TRUST
        found += [
            Finding(weight, f"{name} lost diversity {how}: {line}{FEW.get(seeds[name], '')}.")
            for line in lines
        ]
    return found


def gains_of(evaluation: Data, arm: str) -> list[str]:
    """Return the evaluators that show an arm to be better than base; none if one shows it worse.

    Of those that decide and are held out for the arm.
    """
    ways = dict[str, int]()
    for evaluator in evaluation.get("evaluators", ()):
        name = evaluator["name"]
        for row in evaluation.get("scores", ()):
            if (row["evaluator"], row["policy"]) != (name, arm) or not is_headline(evaluator):
                continue
            if row["held_out"] and not row.get("same_rule"):
                ways[name] = better(evaluation, name, row["difference"])
    return [] if -1 in ways.values() else [name for name, way in ways.items() if way > 0]


def collapses(evaluation: Data) -> dict[str, list[str]]:
    """Return the ways in which the answers of each policy became clearly more alike, if any."""
    policies = {p["name"]: p for p in evaluation.get("policies", ())}
    base = policies.get(evaluation.get("base"))
    if base is None:
        return {}
    ways: dict[str, list[str]] = {}
    for name, policy in policies.items():
        found = list(_collapses(policy, base))
        if not found and _is_half(policy.get("distinct_2"), base.get("distinct_2")):
            found = [
                f"distinct-2 is {number(policy['distinct_2'], 3)}, base's"
                f" {number(base['distinct_2'], 3)}"
            ]
        ways[name] = found
    return ways


def _collapses(policy: Data, base: Data) -> Any:
    mine, theirs = policy.get("diversity"), base.get("diversity")
    if not mine or not theirs:
        return
    templates = mine["template"]["difference"]
    if _is_clear(templates) and _is_half(mine["templates"], theirs["templates"]):
        yield (
            f"its answers follow {number(mine['templates'], 1)} templates, base's"
            f" {number(theirs['templates'], 1)}"
        )
    identical = mine["identical"]["difference"]
    if _is_clear(identical) and identical["value"] > IDENTICAL:
        yield (
            f"{percent(mine['identical']['value'])} of the pairs of its answers to one prompt are"
            f" identical, {percent(theirs['identical']['value'])} of base's"
        )


def _is_half(value: float | None, of: float | None) -> bool:
    return value is not None and bool(of) and value < HALF * of  # type: ignore[operator]

"""The section on policies against each other: contrasts, joint rate, fronts, ranks and slices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.report.blocks import Block, Details, Figure, Text
from harness.report.criteria import SAME_RULE, in_order, titled
from harness.report.differences import ends_of, said, those
from harness.report.forest import Pair, forest
from harness.report.pairs import CHANGES, change_cell, pairs_table, prompts_of, verdict_cell
from harness.report.slices import slices
from harness.report.tables import Cell, Column, Table, Value, interval, low_high, shown
from harness.report.wording import Names, count, join
from harness.statistics.seeds import FEWEST_SEEDS

Data = Mapping[str, Any]


def rivals(data: Data, names: Names) -> list[Block]:
    """Return what there is on policies against each other; nothing where there is nothing."""
    evaluation = data.get("evaluation") or {}
    return [
        *_contrasts(data, names),
        *_joint(evaluation, names),
        *_fronts(evaluation, names),
        *_ranks(evaluation, names),
        *slices(evaluation, names),
    ]


def _contrasts(data: Data, names: Names) -> list[Block]:
    evaluation = data.get("evaluation") or {}
    by: dict[str, list[Data]] = {one["name"]: [] for one in in_order(data)}
    for row in evaluation.get("contrasts", ()):
        by.setdefault(row["evaluator"], []).append(row)
    by = {name: rows for name, rows in by.items() if rows}
    if not by:
        return []
    panels, tables = [], []
    for index, (name, rows) in enumerate(by.items()):
        rows.sort(key=lambda row: not row.get("planned"))
        title = titled(name, data, names)
        pairs = [
            Pair(row["a"], row["b"], {**row, **ends_of(row)}, said(row) in ("raised", "lowered"))
            for row in rows
        ]
        panels.append(forest(f"forest-{index}", title, pairs))
        told = f"Every two arms by {title}"
        told += _not_held_out(evaluation, name, rows)
        tables.append(pairs_table(told, rows))
    caption = (
        "Arm against arm: differences of scores with 95% intervals over the prompts that both have"
        " scores for; bold: shown. p: adjusted by Holm over the pairs of one evaluator."
    )
    if any(row.get("planned") for rows in by.values() for row in rows):
        caption += " Planned: said before the first training, adjusted among what was."
    if where := next(filter(None, (those(row) for rows in by.values() for row in rows)), ""):
        caption += f" All of it {where}: what another training would give is not known."
    rest = [Details("The same by each other evaluator", tables[1:])] if tables[1:] else []
    return [Figure(caption, panels), tables[0], *rest]


def _not_held_out(evaluation: Data, evaluator: str, rows: Sequence[Data]) -> str:
    """Return for which arms an evaluator is not held out, and why."""
    same = {
        row["policy"]
        for row in evaluation.get("scores", ())
        if row["evaluator"] == evaluator and row.get("same_rule")
    }
    arms = _trained_by(evaluation, evaluator, rows)
    ruled = [arm for arm in arms if arm in same]
    trained = [arm for arm in arms if arm not in same]
    told = f"; {SAME_RULE}: {join(ruled)}" if ruled else ""
    return told + (f"; it took part in training {join(trained)}" if trained else "")


def _trained_by(evaluation: Data, evaluator: str, rows: Sequence[Data]) -> list[str]:
    """Return the arms to whose training an evaluator gave something."""
    held_out = {one["name"]: one["held_out_for"] for one in evaluation["evaluators"]}
    arms = dict.fromkeys(name for row in rows for name in (row["a"], row["b"]))
    return [arm for arm in arms if arm not in (held_out.get(evaluator) or arms)]


def _joint(evaluation: Data, names: Names) -> list[Block]:
    found = evaluation.get("joint")
    if not found:
        return []
    criteria = [names.source(name) for name in found["criteria"]]
    if found["reason"]:
        if len(criteria) < 2:
            return []
        return [Text(f"No share of responses that pass all criteria: {found['reason']}.", "muted")]
    base = evaluation["base"]
    to_base = {row["a"]: row for row in found["contrasts"] if row["b"] == base}

    def gain(row: Data) -> Cell | Value:
        return change_cell(to_base[row["policy"]]) if row["policy"] in to_base else ""

    def told(row: Data) -> Cell | Value:
        to = to_base.get(row["policy"])
        return "" if to is None else verdict_cell(to, CHANGES)

    table = Table.of(
        f"Share of responses that pass all of {join(criteria)}",
        found["policies"],
        [
            ("policy", "text", lambda row: Cell(row["policy"], tone="strong")),
            ("pass all", "score", lambda row: Cell(row["value"], ends=low_high(row))),
            ("change from base", "change", gain),
            ("verdict", "text", told),
            ("scored by all", "text", lambda r: f"{count(r['n'])} of {count(r['responses'])}"),
        ],
        ["p: adjusted by Holm over every two policies."],
    )
    arms = [row for row in found["contrasts"] if row["b"] != base]
    if not arms:
        return [table]
    pairs = pairs_table("Share that passes all, every two arms", arms)
    return [table, Details("Passing all, arm against arm", [pairs])]


def _fronts(evaluation: Data, names: Names) -> list[Block]:
    tables = []
    for row in evaluation.get("pareto", ()):
        x, y = (names.source(name) for name in row["criteria"])
        if not row["policies"]:
            continue
        over = row["draws_over"]
        title = f"{x} and {y}: on the front is who is beaten by nobody at both at once"
        notes = [f"Shares are of {count(row['draws'])} draws of {over}."] if over else []
        notes += [f"{row['reason']}."] if row["reason"] else []
        if row["left_out"]:
            notes.append(f"Without scores by both: {join(row['left_out'])}.")
        tables.append(
            Table.of(
                title,
                row["policies"],
                [
                    ("policy", "text", lambda one: Cell(one["policy"], tone="strong")),
                    (x, "score", lambda one: one["values"][0]),
                    (y, "score", lambda one: one["values"][1]),
                    ("on the front", "text", lambda one: "yes" if one["on_front"] else "no"),
                    ("in draws", "whole", lambda one: one["share"]),
                ],
                [*notes, f"Over {prompts_of(row)} prompts that all have scores for."],
            )
        )
    rest = [Details("The front of every other two evaluators", tables[1:])] if tables[1:] else []
    return [*tables[:1], *rest]


def _ranks(evaluation: Data, names: Names) -> list[Block]:
    rows = [row for row in evaluation.get("ranks", ()) if row["policies"]]
    refused = [row for row in evaluation.get("ranks", ()) if not row["policies"]]
    notes = [f"No ranks by {names.source(row['evaluator'])}: {row['reason']}." for row in refused]
    if not rows:
        return [Text(" ".join(notes), "muted")] if notes else []
    few = any(row["seeds"] is not None and row["seeds"] < FEWEST_SEEDS for row in rows)
    policies = dict.fromkeys(policy["policy"] for row in rows for policy in row["policies"])
    by = {(row["evaluator"], one["policy"]): one for row in rows for one in row["policies"]}
    columns = [Column("policy"), *(Column(names.source(r["evaluator"]), "count") for r in rows)]
    body: list[list[Cell | Value]] = []
    for policy in policies:
        cells: list[Cell | Value] = [Cell(policy, tone="strong")]
        for row in rows:
            one = by.get((row["evaluator"], policy))
            cells.append(Cell(None) if one is None else Cell(one["rank"], _rank_note(one, few)))
        body.append(cells)
    title = "Ranks by each evaluator, 1 the best; small: the ranks it may have, then its strength"
    notes.append(
        f"Strengths: log-odds of winning against {rows[0]['against']} (Davidson's model over all"
        " pairs of responses). A policy may have every rank that those who are surely better and"
        " surely worse leave it (Holm over all pairs; Mogstad and others 2024)."
    )
    if few:
        notes.append("In these trainings: what another training would give is not known.")
    return [Table(title, columns, body, notes)]


def _rank_note(policy: Data, few: bool) -> str:
    ends = policy["trainings"] if few else policy
    low, high = ends["rank_low"], ends["rank_high"]
    told = f"{low} to {high}" if low < high else f"{low}"
    told += " in these trainings" if few else ""
    if interval(policy):
        strength = shown(policy["value"], "change")
        told += f" · {strength} ({interval(policy, 'change')})"
    return told

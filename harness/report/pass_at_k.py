"""pass@k: what ``harness pass-at-k`` prints, and the tables of a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from harness.nouns.counted import counted
from harness.report.blocks import Block, Text
from harness.report.criteria import is_lower_better, titled
from harness.report.tables import Cell, Column, Table, Value, low_high
from harness.report.wording import Names, count

if TYPE_CHECKING:
    from harness.evaluate.pass_at_k import PassAtK


def blocks(found: PassAtK, name: str) -> list[Text | Table]:
    """Return what is printed; ``name`` is what was read."""
    texts = [Text(f"{name}: pass@k, the mean over items, with 95% intervals", "strong")]
    for system, number in found.samples.items():
        who = f"{system}: " if system else ""
        failed = found.failures.get(system, {})
        left = ", ".join(f"{n} {reason}" for reason, n in failed.items())
        total = f"{counted(number, 'sample')} of {counted(found.items[system], 'item')}"
        total += " has a verdict" if number == 1 else " have a verdict"
        without = f"; {count(sum(failed.values()))} have none: {left}" if failed else ""
        texts.append(Text(f"{who}{total}{without}", "warn" if failed else ""))
    rows: list[list[Cell | Value]] = []
    for system, k, row in found.rows:
        short = found.short[system, k]
        note = f"{counted(short, 'item')} with fewer than {k} samples left out" if short else ""
        if row.value is None:
            note = f"no item has {counted(k, 'sample')} with a verdict"
        rows.append([
            *([system] if any(found.samples) else []), k, row.value, (row.low, row.high), row.n,
            "; ".join(part for part in (note, row.reason if row.value is not None else "") if part),
        ])  # fmt: skip
    columns = [
        *([Column("system")] if any(found.samples) else []),
        Column("k", "count"),
        *Column.each("share", "pass@k", "95% interval"),
        Column("items", "count"),
        Column("note", "note"),
    ]
    return [*texts, Table("", columns, rows)]


PASSES = (
    "The share of prompts of which at least one of k answers of one training passes, without bias"
    " (Chen et al. 2021). A gain at 1 that is gone at more is of answers that base gives, too, only"
    " more rarely."
)
HAS_IT = (
    "The share of prompts to which at least one of k answers of one training has what is to be"
    " rare: fewer is better. It is computed as pass@k is."
)


def pass_at_k_tables(data: Mapping[str, Any], names: Names) -> list[Block]:
    """Return pass@k of each policy; nothing where nobody sampled a prompt twice."""
    rows = (data.get("evaluation") or {}).get("pass_at_k", ())
    evaluators = (data.get("evaluation") or {}).get("evaluators", ())
    worse = {one["name"] for one in evaluators if is_lower_better(one)}
    tables: list[Block] = []
    for evaluator in dict.fromkeys(row["evaluator"] for row in rows):
        own = {(row["policy"], row["k"]): row for row in rows if row["evaluator"] == evaluator}
        ks = sorted({k for _, k in own})
        short = sum(row["short"] for row in own.values())
        body: list[list[Cell | Value]] = []
        for policy in dict.fromkeys(policy for policy, _ in own):
            cells: list[Cell | Value] = [Cell(policy, tone="strong")]
            for k in ks:
                row = own[policy, k]
                cells.append(Cell(row["value"], ends=low_high(row)))
                cells.append(_change(row["difference"]))
            body.append(cells)
        title, lower = titled(evaluator, data, names), evaluator in worse
        heads = [Column("policy")]
        for k in ks:
            named = f"at least 1 of {k}" if lower else f"pass@{k}"
            heads += [Column(named, "score"), Column("change from base", "change")]
        notes = [HAS_IT] if lower else []
        if short:
            notes.append(f"{count(short)} prompts with fewer than k scored answers are left out.")
        kind = "At least 1 of k answers has it" if lower else "pass@k"
        tables.append(Table(f"{kind} by {title}", heads, body, notes))
    passes = any(row["evaluator"] not in worse for row in rows)
    return [Text(PASSES, "muted"), *tables] if passes else tables


def _change(difference: Mapping[str, Any] | None) -> Cell:
    if difference is None:
        return Cell(None, tone="muted")
    return Cell(difference["value"], ends=low_high(difference))

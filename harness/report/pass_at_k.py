"""What ``harness pass-at-k`` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.nouns.counted import counted
from harness.report.blocks import Text
from harness.report.tables import Cell, Column, Table, Value
from harness.report.wording import count

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

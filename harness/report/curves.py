"""Tables beside the curves: what was logged, look by look, and whether gold fell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.report.blocks import Block
from harness.report.tables import Cell, Table, interval
from harness.report.wording import Names

Data = Mapping[str, Any]

SAID = {
    "fell": "fell",
    "unconfirmed": "not confirmed",
    "no fall": "no clear fall",
    "unknown": "not known",
}


def falls(data: Data, names: Names) -> list[Block]:
    """Return the table of gold from its peak to the end; nothing where nothing was watched."""
    rows = [row for row in data.get("gold_falls", ()) if row["looks"]]
    if not rows:
        return []
    gold = names.source(rows[0]["gold"])
    notes = [
        "Paired by prompt. The interval of the change allows for the choice of the peak among all"
        " looks, and for all trainings of this table. Gold fell where that interval lies below 0"
        " and new answers, those of the evaluation, show it, too."
    ]
    notes += [
        f"{row['arm']}, seed {row['seed']}: {row['reason']}." for row in rows if row["reason"]
    ]
    table = Table.of(
        f"Held-out gold reward {gold} from its peak to the end of each training, on the monitor's"
        " prompts",
        rows,
        [
            ("arm", "text", lambda row: Cell(row["arm"], tone="strong")),
            ("seed", "count", lambda row: str(row["seed"])),
            ("peak at step", "count", lambda row: row["peak"]),
            ("there", "score", lambda row: row["before"]),
            ("at the end", "score", lambda row: row["after"]),
            ("change", "change", lambda row: Cell(row["value"], interval(row, "change"))),
            ("in the evaluation", "change", _evaluated),
            ("prompts", "count", lambda row: row["clusters"] or None),
            ("gold", "text", _said),
        ],
        notes,
    )
    return [table]


def _evaluated(row: Data) -> Cell:
    return Cell(row["evaluated"]["value"], interval(row["evaluated"], "change"))


def _said(row: Data) -> Cell:
    return Cell(SAID[row["verdict"]], tone="bad" if row["verdict"] == "fell" else "muted")

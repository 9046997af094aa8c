"""The tables of what each arm cost, and of what each point that it gained cost."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from harness.nouns.counted import counted
from harness.report.blocks import Block, Text
from harness.report.criteria import in_order, is_lower_better
from harness.report.tables import Cell, Table, low_high
from harness.report.wording import Names, dollars, join, seconds

Data = Mapping[str, Any]

ENDS = ("value", "low", "high")
UNPRICED = "prices.label_usd in the experiment file names the price of a label"


def costs_tables(data: Data, names: Names) -> list[Block]:
    """Return the table of costs, and that of costs for each point; none without ``costs``."""
    found = data.get("costs")
    if not found or not found["rows"]:
        return []
    hour = found["prices"]["hour_usd"]
    unpriced = hour is None and any(row["trainings"] for row in found["rows"])
    money = "money without the machine" if unpriced else "money"
    rows = found["rows"]
    notes = []
    if any(row["simulated"] for row in rows):
        notes.append(
            "Labels that a program made up have no price; real people who gave as many would cost"
            " what prices.label_usd says."
        )
    if any(row["labels"] is None or row["labels_usd"] is None for row in rows if row["people"]):
        notes.append(f"What is not known is not counted as $0; {UNPRICED}.")
    notes.append("Carbon is not measured, and not guessed.")
    blocks: list[Block] = [
        Table.of(
            "What one policy of each arm cost: its feedback, shared or not, and one training",
            rows,
            [
                ("arm", "text", lambda row: Cell(row["arm"], tone="strong")),
                ("labels", "count", lambda row: _labels(row, names)),
                ("calls to judges", "count", lambda row: row["calls"]),
                (money, "dollars", lambda row: _money(row)),
                ("feedback, on the clock", "seconds", lambda row: row["feedback_seconds"]),
                ("training, on the clock", "seconds", lambda row: _took(row)),
            ],
            notes,
        )
    ]
    each = [(row["arm"], one) for row in rows for one in row["per_point"]]
    lower = {one["name"] for one in in_order(data) if is_lower_better(one)}
    if each:
        title = "What each point gained over base cost, with 95% intervals (Fieller); a point is"
        blocks.append(
            Table.of(
                f"{title} one hundredth of a score, for the better",
                each,
                [
                    ("arm", "text", lambda row: Cell(row[0], tone="strong")),
                    ("at", "text", lambda row: _at(row[1]["evaluator"], lower, names)),
                    ("points gained", "points", lambda row: _gain(row[1]["gain"])),
                    ("money for a point", "dollars", lambda row: _each(row[1]["usd"])),
                    ("training for a point", "seconds", lambda row: _each(row[1]["seconds"])),
                ],
            )
        )
    return [*blocks, *_open(rows)]


def _at(evaluator: str, lower: Collection[str], names: Names) -> Cell:
    """Return an evaluator, with what is gained where less of it is better."""
    note = "lower is better: what it fell by is gained" if evaluator in lower else ""
    return Cell(names.source(evaluator), note)


def _labels(row: Data, names: Names) -> Cell:
    made_up = row["simulated_labels"]
    note = ""
    if row["simulated"]:
        many = "an unknown number" if made_up is None else f"{made_up:,}"
        note = f"and {many} simulated" if row["labels"] else f"{many} simulated"
    if row["simulated"] and not row["labels"]:
        return Cell(note, tone="muted")
    return Cell("not known" if row["labels"] is None else row["labels"], note)


def _money(row: Data) -> Cell:
    if row["usd"] is not None:
        return Cell(row["usd"])
    known = row["calls_usd"] + (row["machine_usd"] or 0)
    note = f"and {dollars(known)} besides" if known else ""
    if row["simulated_labels_usd"]:
        note += f"{'; ' * bool(note)}real people would be {dollars(row['simulated_labels_usd'])}"
    return Cell(f"{row['why']}", note, "muted")


def _took(row: Data) -> Cell:
    each = row["seconds"]
    if each["value"] is None:
        return Cell(None, tone="muted")
    note = [join(row["devices"])]
    if row["trainings"] > 1:
        note.append(f"{counted(row['trainings'], 'training')}: {seconds(row['seconds_in_all'])}")
    return Cell(each["value"], " · ".join(filter(None, note)), ends=low_high(each))


def _gain(gain: Data) -> Cell:
    value, low, high = (None if gain[key] is None else gain[key] / 100 for key in ENDS)
    return Cell(value, gain["reason"] if low is None else "", ends=(low, high))


def _each(cost: Data) -> Cell:
    if cost["value"] is None:
        said, _, why = cost["reason"].partition(": ")
        return Cell(said, why, "muted")
    return Cell(cost["value"], ends=low_high(cost))


def _open(rows: list[Data]) -> list[Block]:
    """Return a line where nothing that an arm gained is told from nothing."""
    each = [one for row in rows for one in row["per_point"]]
    if each and all(one["seconds"]["value"] is None for one in each):
        return [Text("No gain is told from 0, so that no point has a price.", "muted")]
    return []

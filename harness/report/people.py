"""Win rates against base as people see it: labels of some pairs, corrected by an evaluator."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harness.nouns.counted import counted
from harness.report.blocks import Block, Bullets, Text
from harness.report.tables import Cell, Column, Table, Tone, interval, shown
from harness.report.wording import Names, number

Data = Mapping[str, Any]

EVEN = 0.5

TONES: dict[str, Tone] = {"preferred": "good", "rejected": "bad", "undecided": "muted"}


def people_sentence(row: Data) -> str:
    """Return how often people prefer an arm to base, with three numbers at most."""
    who = "Simulated people" if row["simulated"] else "People"
    found = row["corrected"]
    if not row["labels"]:
        return f"{who} labelled no pair of {row['arm']}."
    if found["value"] is None:
        more = counted(row["more"], "more labelled pair")
        return f"{who} on {row['arm']} against base: too few labels, {more} may decide."
    rate, ends = shown(found["value"], "percent"), interval(found, "percent")
    if row["verdict"] == "undecided":
        if row["more"]:
            more = f"about {counted(row['more'], 'more labelled pair')} would decide"
        elif found["low"] <= EVEN <= found["high"]:
            more = "as even as it is, no number of labels would decide"
        else:
            more = "beside the other arms it may be chance (Holm)"
        return f"{who} on {row['arm']} against base: not decidable ({ends}); {more}."
    way = "prefer" if row["verdict"] == "preferred" else "do not prefer"
    return f"{who} {way} {row['arm']} to base: it wins {rate} of pairs ({ends})."


def people_blocks(data: Data, names: Names) -> list[Block]:
    """Return the sentences, the table and how to read it; nothing in a report without labels."""
    rows = data.get("people")
    if not rows:
        return []
    return [
        Bullets([people_sentence(row) for row in rows]),
        people_table(rows, names.source),
        *[Text(line, "muted") for line in _reading(rows, data, names)],
    ]


def people_table(rows: Sequence[Data], called: Callable[[str], str] = str) -> Table:
    """Return the win rate of each arm by people, by people corrected, and by the evaluator.

    Args:
        rows: ``people`` of the report; not empty.
        called: Name of a source -> as it is shown.
    """
    who = "simulated people" if rows[0]["simulated"] else "people"
    columns: list[Column | str] = [
        "arm", "corrected", "labels alone", Column("evaluator", "percent"),
        Column("pairs", "count"), Column("count as", "count"), Column("p (Holm)", "p-value"),
    ]  # fmt: skip
    body = [
        (
            row["arm"],
            Cell(_rate(row["corrected"]), tone=TONES[row["verdict"]]),
            _rate(row["labelled"]),
            row["judged"],
            row["pairs"],
            row["effective_n"] if row["corrected"]["value"] is not None else None,
            row["p_holm"],
        )
        for row in rows
    ]
    caption = (
        f"Share of pairs in which {who} prefer the arm to base, ties half, corrected by"
        f" {called(rows[0]['by'])}"
    )
    return Table(caption, columns, body)


def _rate(found: Data) -> str:
    told = shown(found["value"], "percent")
    return f"{told} ({interval(found, 'percent')})" if found["low"] is not None else told


def _reading(rows: Sequence[Data], data: Data, names: Names) -> list[str]:
    by = names.source(rows[0]["by"])
    who = "simulated people" if rows[0]["simulated"] else "people"
    tuning = ", ".join(f"{row['arm']} {number(row['tuning'])}" for row in rows)
    seeds = (data.get("run") or {}).get("seeds") or ()
    lines = [
        f"{who.capitalize()} saw pairs of an arm's and base's response to the same held-out prompt,"
        " drawn at random; neither page nor table told which was which. Corrected: what they say,"
        f" with the word of {by} on all pairs as help, and what it gets wrong taken off"
        " (prediction-powered inference). Pairs: those with a label; count as: as many labels"
        f" alone would be as sure. Share of {by} that is used: {tuning}. Intervals are 95%, over"
        f" prompts, of {'this training' if len(seeds) == 1 else 'these trainings'} only.",
        "; ".join(_counts(row) for row in rows) + ".",
    ]
    if rows[0]["simulated"]:
        lines.append("The people are simulated: this says nothing of real ones.")
    return lines


def _counts(row: Data) -> str:
    """Return what was labelled of an arm, and what counts without a label."""
    people = "1 person" if row["people"] == 1 else f"{row['people']} people"
    told = (
        f"{row['arm']}: {counted(row['labels'], 'label')} of {people}"
        f" on {row['pairs']} of {row['drawn']} drawn pairs ({row['wins']} for the arm,"
        f" {counted(row['ties'], 'tie')}, {row['losses']} for base)"
    )
    more = [
        f"{row['skipped']} skipped" * bool(row["skipped"]),
        f"{row['alike']} of {counted(row['prompts'], 'prompt')} with the same text from both,"
        " which are ties" * bool(row["alike"]),
        f"{counted(row['unjudged'], 'pair')} without a word of the evaluator, which counts as a tie"
        * bool(row["unjudged"]),
    ]
    return ", ".join([told, *(line for line in more if line)])

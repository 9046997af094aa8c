"""Whether rewards were still valid on what the trained policies write, in sentences and a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from harness.agreement.transport import sentence_of
from harness.nouns.counted import counted
from harness.report.blocks import Block, Bullets, Text
from harness.report.finding import Finding, Weight
from harness.report.tables import Column, Table, interval, shown
from harness.report.wording import Names

Data = Mapping[str, Any]

READING = (
    "labels: pairs that most people decide, before and after; decided: that the source decides,"
    " too. Before and after have 95% intervals, the fall a 90% one, 5% on each side."
)


def transport_findings(data: Data, names: Names) -> list[str]:
    """Return a sentence on each source of each arm; nothing where that was not measured."""
    return [transport_sentence(row, names) for row in (data.get("transport") or {}).get("rows", ())]


def transport_weighed(data: Data, names: Names) -> list[Finding]:
    """Return the same sentences by weight: a reward that is no longer valid is harm."""
    rows = (data.get("transport") or {}).get("rows", ())
    return [
        Finding(
            Weight.HARM if row["outcome"] == "fallen" else Weight.TRUST,
            transport_sentence(row, names),
        )
        for row in rows
    ]


def transport_sentence(row: Data, names: Names) -> str:
    """Return what became of a source's agreement with people, with three numbers at most.

    It is made of the stored numbers: an older run, too, has today's words.
    """
    before, after = row["before"]["value"], row["after"]["value"]
    said = sentence_of(row["outcome"], row["more"], after is not None)
    line = f"{row['arm']}, {names.source(row['source'])}: {said}"
    if before is None or after is None:
        asked = "no label decides" if row["labelled"][1] else "it was not asked again"
        return f"{line} ({asked})."
    pairs = "" if row["more"] else f" of {counted(row['decided'][1], 'pair')}"
    return (
        f"{line} ({names.source(row['people'])} say what it says on {shown(after, 'percent')}"
        f"{pairs}, before training on {shown(before, 'percent')})."
    )


def transport_blocks(data: Data, names: Names) -> list[Block]:
    """Return the outcomes, their table and what else to know; nothing in a report without them."""
    found = data.get("transport")
    if not found:
        return []
    blocks: list[Block] = [Text("After training: are the rewards still valid?", "strong")]
    if found["rows"]:
        blocks += [Bullets(transport_findings(data, names)), transport_table(found, names.source)]
        blocks += [Text(names.prose(f"{READING} {limits(found)}"), "muted")]
    else:
        blocks.append(Text("Whether the rewards were still valid at the end was not measured."))
    notes = [f"{names.sentence(note)}." for note in found["notes"]]
    return [*blocks, *([Bullets(notes, "muted")] if notes else [])]


def limits(found: Data) -> str:
    """Return how outcomes come about."""
    margin = 100 * found["rows"][0]["margin"]
    return f"Valid: the fall is shown to be below {margin:g} points; no longer: above 0."


def transport_table(found: Data, called: Callable[[str], str] = str) -> Table:
    """Return agreement before and after training, of each source of each arm.

    Args:
        found: What ``harness transport --out`` writes; it has rows.
        called: Name of a source -> as it is shown.
    """
    who = "simulated people" if found["simulated"] else "people"
    several = len(found["people"]) > 1
    columns: list[Column | str] = ["arm", "source", "before", "after", "fall", "labels", "decided"]
    columns[2:2] = ["people"] * several
    body = [
        (
            row["arm"],
            called(row["source"]),
            *([called(row["people"])] * several),
            *(_share(row[key]) for key in ("before", "after", "fall")),
            *(", ".join(f"{n:,}" for n in row[key]) for key in ("labelled", "decided")),
        )
        for row in found["rows"]
    ]
    return Table(f"Share of pairs on which a source says what {who} say", columns, body)


def _share(found: Data) -> str:
    if found["value"] is None:
        return f"- ({found['reason']})"
    told, ends = shown(found["value"], "percent"), interval(found, "percent")
    return f"{told} ({ends})" if ends else told

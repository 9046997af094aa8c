"""What ``harness agree`` prints: the answer first, and every row within a terminal's width."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from harness.agreement.report import WITH_PEOPLE, AgreementReport
from harness.nouns.counted import counted
from harness.report.agreement_answer import answers
from harness.report.agreement_page import simulated
from harness.report.agreement_tables import labels, statistics
from harness.report.blocks import Bullets, Text, noted
from harness.report.gates import gate_sentence, gate_table, others_of
from harness.report.tables import Cell, Table, Value
from harness.report.wording import Names

MOST_PEOPLE = 10
"""People whose rows a terminal lists of one statistic; the page and --json list everybody."""

LONGEST_NAME = 20
"""Characters of a name in a table; a longer one is shortened, and a legend says to what."""

WIDE = 160
"""Cells of a screen on which tables stand as on the page."""

_MANY = 5
_NOTE = "; "


def terminal_blocks(
    report: AgreementReport,
    name: str,
    gates: Sequence[Mapping[str, Any]] = (),
    width: int = WIDE,
) -> list[Text | Bullets | Table]:
    """Return the answer on each judge, the gates' decisions, each source with people, all tables.

    Args:
        report: What was measured.
        name: What was read, such as the name of the file.
        gates: What each gate decided, as in agreement.json.
        width: Cells of the screen. On a narrow one long names are shortened, what most rows say is
            said once, and clusters are left out of tables in which they are the items.
    """
    names = Names.of_labels(report.audit)
    tables = statistics(report.sections, names, MOST_PEOPLE)
    shared: Mapping[str, int] = {}
    short: Mapping[str, str] = {}
    if width < WIDE:
        shared = _shared(tables)
        tables = [_narrow(table, shared) for table in tables]
        short = shortened([entry.annotator for entry in report.audit.coverage])
    legend = [f"{new} is {old}" for old, new in short.items()]
    legend += [f"In {counted(n, 'row')}: {note}." for note, n in shared.items()]
    said = answers(report.statistics, report.audit, names, report.criteria, others_of(gates))
    decided = [gate_sentence(gate, names) for gate in gates]
    first = [section.title for section in report.sections[:1]] == [WITH_PEOPLE]
    return [
        Text(f"{name}: agreement, with 95% intervals", "strong"),
        *simulated(report),
        *noted(map(names.prose, report.table.notes)),
        *([_renamed(Bullets(said, "strong"), short)] if said else []),
        *([_renamed(Bullets(decided, "strong"), short)] if gates else []),
        *([Bullets(legend, "muted")] if legend else []),
        *(_renamed(table, short) for table in tables[:first]),
        *([_renamed(gate_table(gates, names), short)] if gates else []),
        Text("\nThe labels", "strong"),
        *(_renamed(block, short) for block in labels(report.audit, names)),
        *(_renamed(table, short) for table in tables[first:]),
    ]


def shortened(names: Sequence[str]) -> dict[str, str]:
    """Return {long name: a shorter one} for the names that are long.

    The source and the last part of a path are kept; what is still long loses its middle. Two names
    never become one, nor one that is there already.
    """
    found: dict[str, str] = {}
    taken = set(names)
    for name in names:
        if len(name) <= LONGEST_NAME:
            continue
        parts, half = name.split("/"), (LONGEST_NAME - 2) // 2
        ends = f"{parts[0]}/{parts[-1]}" if len(parts) > 1 else name
        cut = f"{ends[:half]}..{ends[-half:]}" if len(ends) > LONGEST_NAME else ends
        tried = [cut, f"{name[:half]}..{name[-half:]}"]
        if (new := next((each for each in tried if each not in taken), None)) is not None:
            found[name] = new
            taken.add(new)
    return found


def _shared(tables: Sequence[Table]) -> dict[str, int]:
    """Return the notes that most rows have, with their number."""
    said = Counter(part for table in tables for row in table.body for part in _parts(row[-1]))
    rows = sum(len(table.rows) for table in tables)
    return {part: n for part, n in said.items() if n >= max(_MANY, rows / 2)}


def _parts(cell: Cell) -> list[str]:
    return [part for part in str(cell.value).split(_NOTE) if part]


def _narrow(table: Table, shared: Mapping[str, int]) -> Table:
    """Leave out the notes that are told once, and the column of clusters where they are items."""
    heads = [head.heading for head in table.heads]
    items, clusters = heads.index("items"), heads.index("clusters")
    same = all(row[clusters].text in ("", row[items].text) for row in table.body)
    kept = [k for k in range(len(heads)) if k != clusters or not same]
    rows = []
    for row in table.rows:
        note = row[-1] if isinstance(row[-1], Cell) else Cell(row[-1])
        left = _NOTE.join(part for part in _parts(note) if part not in shared)
        cells = [*row[:-1], replace(note, value=left)]
        rows.append([cells[k] for k in kept])
    return replace(table, columns=[table.columns[k] for k in kept], rows=rows)


def _renamed(block: Text | Bullets | Table, short: Mapping[str, str]) -> Text | Bullets | Table:
    """Return a block with the short names in the place of the long ones."""
    if not short:
        return block
    longest = sorted(short, key=len, reverse=True)
    pattern = re.compile(rf"(?<![\w/-])(?:{'|'.join(map(re.escape, longest))})(?![\w/-])")

    def text(said: str) -> str:
        return pattern.sub(lambda found: short[found[0]], said)

    def cell(one: Cell | Value) -> Cell | Value:
        if isinstance(one, Cell):
            value = text(one.value) if isinstance(one.value, str) else one.value
            return replace(one, value=value, note=text(one.note))
        return text(one) if isinstance(one, str) else one

    if isinstance(block, Text):
        return replace(block, text=text(block.text))
    if isinstance(block, Bullets):
        return replace(block, items=[text(item) for item in block.items])
    rows = [[cell(one) for one in row] for row in block.rows]
    return replace(block, rows=rows, notes=[text(note) for note in block.notes])

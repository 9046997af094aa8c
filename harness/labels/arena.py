"""Battles of Chatbot Arena and MT-bench to a plain table, one comparison a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from harness.labels.files import Row, Table
from harness.labels.values import cell_text
from harness.nouns.plain_text import parsed_json

Cells = dict[str, Any]

_ARENA_READ = {
    *("evaluator", "conversation_a", "conversation_b", "response_a", "response_b"),
    *("winner_model_a", "winner_model_b", "winner_tie"),
}
"""Columns that become others; what stands beside them, such as a group, is kept."""


def arena(table: Table) -> Table:
    """Return a table with one battle a row: item, model_a, model_b, winner, prompt, text_a, ..."""
    key = next((k for k in ("question_id", "id", "battle_id") if k in table.columns), "")
    turns: dict[str, set[Any]] = {}
    for row in table.rows:
        turns.setdefault(row.text(key), set()).add(row.cells.get("turn"))
    rows = []
    for row in table.rows:
        cells = row.cells
        name = cell_text(cells.get(key))
        # MT-bench judges the same question after turn 1 and after turn 2: two items.
        item = (
            f"{name}-turn{cell_text(cells.get('turn'))}" if len(turns.get(name, ())) > 1 else name
        )
        winner = cell_text(cells.get("winner")) or _one_hot(cells)
        flat: Cells = {"item": item, "model_a": cells.get("model_a")}
        flat.update({"model_b": cells.get("model_b"), "winner": winner})
        judge = cells.get("judge") or cells.get("evaluator")
        if judge is not None:
            flat["judge"] = cell_text(judge)
        flat.update(_conversations(cells))
        rest = {k: v for k, v in cells.items() if k not in flat and k not in _ARENA_READ}
        rows.append(Row(row.place, {**flat, **rest}))
    return _with_turns(table.with_rows(rows), table.rows)


def _with_turns(flat: Table, rows: Sequence[Row]) -> Table:
    """Say how many rows have several turns, and what became of them."""
    joined = sum(_turns(row.cells.get("response_a")) > 1 for row in rows)
    talks = [[parsed(row.cells.get(f"conversation_{side}")) for side in "ab"] for row in rows]
    apart = sum(isinstance(a, list) and a[:-1] != b[:-1] for a, b in talks if b and a)
    notes = list(flat.notes)
    if joined:
        notes.append(f"rows with several turns: {joined}; they are joined into one text")
    if apart:
        notes.append(f"rows with several turns: {apart}; the prompt holds the answers of model_a")
    return replace(flat, notes=tuple(notes))


def _turns(cell: Any) -> int:
    turns = parsed(cell)
    return len(turns) if isinstance(turns, list) else 1


def _one_hot(cells: Mapping[str, Any]) -> str:
    named = {"winner_model_a": "model_a", "winner_model_b": "model_b", "winner_tie": "tie"}
    won = [name for column, name in named.items() if cell_text(cells.get(column)) in ("1", "true")]
    return won[0] if len(won) == 1 else ""


def _conversations(cells: Mapping[str, Any]) -> Cells:
    """Return prompt, text_a and text_b, from conversations or from lists of turns."""
    found: Cells = {}
    for side in ("a", "b"):
        talk = parsed(cells.get(f"conversation_{side}"))
        if isinstance(talk, list) and talk and isinstance(talk[-1], Mapping):
            said = [{"role": m.get("role"), "content": _content(m.get("content"))} for m in talk]
            found.setdefault("prompt", said[:-1] if len(said) > 2 else said[0]["content"])
            found[f"text_{side}"] = said[-1]["content"]
        elif cells.get(f"response_{side}") is not None:
            found.setdefault("prompt", _joined(cells.get("prompt")))
            found[f"text_{side}"] = _joined(cells.get(f"response_{side}"))
    return found


def parsed(cell: Any, brackets: str = "[") -> Any:
    """Return what a text says that is JSON and begins with one of these brackets."""
    if isinstance(cell, str) and cell.lstrip().startswith(tuple(brackets)):
        try:
            return parsed_json(cell)
        except ValueError:
            return cell
    return cell


def _joined(cell: Any) -> str:
    turns = parsed(cell)
    return "\n\n".join(map(cell_text, turns)) if isinstance(turns, list) else cell_text(cell)


def _content(content: Any) -> str:
    if isinstance(content, list):  # parts of a message: text and pictures
        return "\n".join(str(p.get("text") or f"[{p.get('type')}]") for p in content)
    return cell_text(content)

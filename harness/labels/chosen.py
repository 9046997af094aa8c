"""Files of chosen and rejected answers, as preference data is published, to plain tables of pairs.

``chosen`` and ``rejected`` are texts beside a ``prompt``; or chats (lists of messages, or texts
with "Human:" and "Assistant:") whose last message is the answer and what stands before it the
prompt. Which of the two stands first is decided by their texts, never by who won: a table in which
A always wins has no agreement beyond chance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from harness.labels.files import Row, Table
from harness.labels.problems import Problems
from harness.labels.values import cell_text, number_of
from harness.nouns.hashing import content_hash
from harness.nouns.plain_text import parsed_json

_IDS = ("item_id", "item", "prompt_id", "question_id", "example_id", "id", "idx", "uid")
_HUMAN, _ASSISTANT = "\n\nHuman:", "\n\nAssistant:"
_SAME_TEXTS = "left out: chosen and rejected are the same text"

Prompt = str | list[dict[str, str]]


def belongs(table: Table) -> bool:
    """Tell whether a table is one of chosen and rejected answers."""
    return {"chosen", "rejected"} <= {*table.columns}


def pairs_of_chosen(table: Table) -> Table:
    """Return the table of pairs: item, prompt, response_a, response_b, text_a, text_b, label.

    An item without an id is named by its prompt. Responses have the names ``chosen_id`` and
    ``rejected_id`` where these stand there; else they are numbered within their item.

    Raises:
        DataError: No row holds a pair.
    """
    key = next((name for name in _IDS if name in table.columns), "")
    names: dict[str, dict[str, str]] = {}
    rows, problems, same = [], list(table.problems), 0
    for row in table.rows:
        try:
            prompt, texts = _read(row.cells)
        except ValueError as error:
            problems.append((row.place, str(error)))
            continue
        if texts[0] == texts[1]:
            same += 1
            continue
        item = row.text(key) or f"p{content_hash(prompt)[:12]}"
        rows.append(Row(row.place, _cells(row, item, prompt, texts, names.setdefault(item, {}))))
    if not rows:
        wrong = Problems(table.path, "if this is another table, say plain: true (--set plain=true)")
        for place, message in problems:
            wrong.add(place, message)
        for row in table.rows if same else ():
            wrong.add(row.place, "chosen and rejected are the same text")
        wrong.refuse("no row has a chosen and a rejected answer")
    flat = table.with_rows(rows)
    notes = (f"{same} {'row' if same == 1 else 'rows'} {_SAME_TEXTS}",) if same else ()
    return replace(flat, problems=tuple(problems), notes=(*flat.notes, *notes))


def _cells(
    row: Row, item: str, prompt: Prompt | None, texts: tuple[str, str], names: dict[str, str]
) -> dict[str, Any]:
    chosen, rejected = texts
    first, second = sorted(texts, key=content_hash)
    for text in (first, second):
        names.setdefault(text, f"response_{len(names) + 1}")
    ids = {chosen: row.text("chosen_id"), rejected: row.text("rejected_id")}
    chance = number_of(row.text("probability"))
    won = first == chosen if chance is None or chance >= 0.5 else first == rejected
    cells: dict[str, Any] = {
        "item": item,
        "response_a": ids[first] or names[first],
        "response_b": ids[second] or names[second],
        "label": "TIE" if chance == 0.5 else "A" if won else "B",
        "text_a": first,
        "text_b": second,
    }
    if prompt is not None:
        cells["prompt"] = prompt
    gone = {"chosen", "rejected", "chosen_id", "rejected_id", *cells}
    return {**cells, **{name: cell for name, cell in row.cells.items() if name not in gone}}


def _read(cells: Mapping[str, Any]) -> tuple[Prompt | None, tuple[str, str]]:
    """Return the prompt, None where there is none, and the chosen and the rejected text.

    Raises:
        ValueError: One of them is missing, or the two answer different chats.
    """
    given = _chat(cells.get("prompt"))
    before: list[list[dict[str, str]]] = []
    texts = []
    for side in ("chosen", "rejected"):
        said = _chat(cells.get(side))
        if isinstance(said, list):
            *chat, last = said
            if last["role"] != "assistant":
                raise ValueError(f"{side} ends with a message of {last['role']!r:.40}")
            before.append(chat)
            said = last["content"]
        if not said:
            raise ValueError(f"{side} is empty")
        texts.append(said)
    if len(before) == 2 and before[0] != before[1]:
        raise ValueError("chosen and rejected do not answer the same chat")
    chat = next((one for one in before if one), [])
    if chat and (len(chat) > 1 or not given):
        given = chat if len(chat) > 1 else chat[0]["content"]
    return given or None, (texts[0], texts[1])


def _chat(cell: Any) -> str | list[dict[str, str]]:
    """Return a cell as a text, or as the messages of a chat.

    Raises:
        ValueError: It is neither.
    """
    if isinstance(cell, str) and cell.lstrip().startswith("[{"):
        try:
            cell = parsed_json(cell)
        except ValueError:
            return str(cell)
    if isinstance(cell, list | tuple):
        if not cell or not all(isinstance(one, Mapping) and "content" in one for one in cell):
            raise ValueError(f"{cell!r:.60} is no chat: a list of messages with role and content")
        return [{"role": str(m.get("role")), "content": cell_text(m["content"])} for m in cell]
    if cell is not None and not isinstance(cell, str):
        raise ValueError(f"{cell!r:.60} is neither a text nor a chat")
    text: str = cell or ""
    return dialogue_of(text) or text


def dialogue_of(text: str) -> list[dict[str, str]]:
    """Return the messages of a text in which "Human:" and "Assistant:" begin the turns.

    A text that does not begin with a turn, or has no answer, has none.
    """
    text = f"\n\n{text.lstrip()}"
    if not (text.startswith(_HUMAN) and _ASSISTANT in text):
        return []
    found = []
    for turn in text.split(_HUMAN)[1:]:
        asked, *answers = turn.split(_ASSISTANT)
        found.append({"role": "user", "content": asked.strip()})
        found += [{"role": "assistant", "content": answer.strip()} for answer in answers]
    return found

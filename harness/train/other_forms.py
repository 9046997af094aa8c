"""What rows of other tools hold: read, refused, or named as not used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from harness.labels.chosen import dialogue_of
from harness.labels.values import number_of
from harness.nouns.counted import counted
from harness.policy.prompts import Ended

Row = Mapping[str, Any]

NOT_TEXT = ("image", "images", "video", "videos", "audio", "audios", "tools")
"""Columns that a model would be shown beside the text, by tools that can."""

OWN = frozenset("id item_id response_id chosen_id rejected_id n_judgments".split())
"""Columns of the house's own tables that say where a row is from: nobody learns from them."""

ROLES = {"human": "user", "gpt": "assistant", "user": "user", "assistant": "assistant"}
"""ShareGPT's names of who speaks, and the usual ones."""


def read_form(row: Row, problems: list[str]) -> Row:
    """Return a row with chats where it has ShareGPT's ``conversations`` or dialogues in text.

    Args:
        row: As it was given.
        problems: What is wrong in it is added; also columns that no text model is shown.
    """
    for column in NOT_TEXT:
        if not is_empty(row.get(column)):
            problems.append(
                f"column {column!r} holds what is not shown to the model, which learns from text"
                " alone: leave such rows out, or the column"
            )
    found = dict(row)
    if "messages" not in row and not is_empty(given := row.get("conversations")):
        found["messages"] = _messages(found.pop("conversations"), problems)
        if given is found["messages"]:
            problems.append("column 'conversations' is no list of from and value, or role and"
                            f" content, got {given!r:.60}")  # fmt: skip
    if is_empty(row.get("prompt")):
        for column in ("chosen", "rejected"):
            text = row.get(column)
            if isinstance(text, str) and (chat := dialogue_of(text)):
                found[column] = chat
    return found


def read_numbers(row: Row) -> Row:
    """Return a row whose probability, margin and label are what their texts say, where they do.

    An empty probability, which a table has in each row that has none, is left off.
    """
    found = dict(row)
    for column, value in row.items():
        if column == "probability" and is_empty(value):
            del found[column]
        elif column in ("probability", "margin") and isinstance(value, str):
            number = number_of(value)
            found[column] = value if number is None else number
        elif column == "label":
            found[column] = label_of(value)
    return found


def label_of(value: Any) -> Any:
    """Return true or false where a text says it, or 1 or 0; else the value."""
    said = value.strip().lower() if isinstance(value, str) else ""
    return said in ("true", "1") if said in ("true", "false", "1", "0") else value


def _messages(given: Any, problems: list[str]) -> Any:
    """Return ShareGPT's turns as messages; what was given where they are none."""
    if not isinstance(given, list | tuple) or not all(isinstance(one, Mapping) for one in given):
        return given
    found = []
    for one in given:
        if {"role", "content"} <= one.keys():
            found.append(dict(one))
            continue
        if not {"from", "value"} <= one.keys():
            return given
        speaker = one["from"]
        if speaker not in (*ROLES, "system"):
            problems.append(f"column 'conversations': nobody is called {speaker!r:.40} in a chat:"
                            f" use {', '.join(ROLES)} or system")  # fmt: skip
        others = {key: value for key, value in one.items() if key not in ("from", "value")}
        found.append(others | {"role": ROLES.get(speaker, speaker), "content": one["value"]})
    return found


def with_system(row: Row, system: Any, problems: list[str]) -> Row:
    """Return a plain row whose prompt is a chat that begins with the column ``system``.

    Args:
        row: With a prompt; without one it stays.
        system: What its column ``system`` said, perhaps nothing.
        problems: What is wrong is added.
    """
    found = {key: value for key, value in row.items() if key != "system"}
    prompt = row.get("prompt")
    if is_empty(system) or is_empty(prompt):
        return found
    if not isinstance(system, str):
        problems.append(f"column 'system' must be a text, got {system!r:.40}")
        return found
    chat = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else list(prompt or ())
    said = [one["content"] for one in chat if one["role"] == "system"]
    if said and said != [system]:
        problems.append(f"column 'system' and the chat have two system messages: {system!r:.40}"
                        f" and {said[0]!r:.40}")  # fmt: skip
    if not said:
        whole = [{"role": "system", "content": system}, *chat]
        found["prompt"] = Ended(whole) if isinstance(prompt, Ended) else whole
    return found


def is_empty(value: Any) -> bool:
    """Return whether a cell holds nothing."""
    return value is None or (hasattr(value, "__len__") and len(value) == 0)


def notes_on(rows: Iterable[Row], columns: Sequence[str], all_are_read: bool = False) -> list[str]:
    """Return a line on the columns that a training does not use, and one on ``system``.

    Args:
        rows: As they were given.
        columns: A prompt, and the texts that the trainer learns from.
        all_are_read: Whether reward functions get every column.
    """
    unused: dict[str, None] = {}
    systems = 0
    for row in rows:
        used = _used(row, columns)
        systems += not is_empty(row.get("system"))
        for column, value in row.items():
            if column not in used and not all_are_read and not is_empty(value):
                unused.setdefault(str(column))
            elif column in used and isinstance(value, list | tuple):
                for one in value:
                    for key in one if isinstance(one, Mapping) else ():
                        if key not in ("role", "content", "from", "value"):
                            unused.setdefault(f"{key} of a message")
    lines = []
    if systems:
        of = counted(systems, "row")
        lines.append(f"column 'system': the system message of {of}")
    if unused:
        what = "a column is" if len(unused) == 1 else f"{len(unused)} columns are"
        lines.append(f"{what} not used: {', '.join(unused):.400}")
    return lines


def _used(row: Row, columns: Sequence[str]) -> set[str]:
    """Return the columns that are read of one row."""
    used = {"prompt", "system", *columns, *OWN}
    chat = {"messages"} if "messages" in row else {"conversations"}
    if "completion" in columns and not (chat & row.keys()) and is_empty(row.get("prompt")):
        chat = {"text"}
    if "rejected" in columns:
        used |= {"probability"}
    elif "completion" in columns and "completion" not in row:
        used |= {"chosen", "rejected", "probability"} if "chosen" in row else chat
    elif "completion" not in columns:
        used |= {"reference", "metadata"}
    if is_empty(row.get("prompt")) and not ({"completion", "chosen"} & used & row.keys()):
        used |= chat if chat & row.keys() else {"chosen"}
    return used

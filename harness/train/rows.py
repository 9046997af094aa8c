"""The plain rows that training takes, and the one error when they are wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.nouns.alike import alike
from harness.nouns.errors import DataError
from harness.nouns.schema import Item
from harness.records.rows import item_from, to_dict
from harness.train.row_forms import Row, plain

Placed = tuple[str, Row]
"""A row, and its place: "line 3" of a file, else "row 3"."""


def plain_rows(
    rows: Sequence[Row], columns: Sequence[str], what: str, places: Sequence[str] = ()
) -> list[Placed]:
    """Return rows as trainers take them: prompt and texts, see `harness.train.row_forms.plain`.

    Args:
        rows: What a trainer learns from.
        columns: Those that every row has: a prompt, and texts.
        what: They are called so.
        places: Of each row, as "FILE:3"; its number by default.

    Raises:
        DataError: There are none, or a row lacks a column or has something wrong in it: one error
            for all rows, with the first ten different problems.
    """
    where = file_of(places)
    if not rows:
        raise DataError(
            f"there are no {what}", where=where, hint="nothing can be trained on an empty table"
        )
    problems: list[tuple[str, str]] = []
    found: list[Placed] = []
    for number, row in enumerate(rows, 1):
        place = places[number - 1].rpartition(":")[2] if places else f"row {number}"
        place = f"line {place}" if place.isdigit() else place
        wrong: list[str] = []
        if isinstance(row, Mapping):
            made = plain(row, columns, wrong)
            if not wrong:
                wrong += [what for one in made for what in _halves(one, columns)]
            found += [(place, one) for one in made]
        else:
            wrong.append(f"is no object of columns, got {row!r:.40}")
        problems += [(place, problem) for problem in wrong]
    if problems:
        raise DataError(
            f"{len(problems)} wrong cells in the {what}",
            where=where,
            details=alike(problems, 10),
            hint=_hint(rows[0], columns),
        )
    return found


def _halves(row: Row, columns: Sequence[str]) -> list[str]:
    """Return what is wrong with texts that have no UTF-8, which no tokenizer reads."""
    found = []
    for column in columns:
        value = row.get(column)
        chat = value if isinstance(value, list | tuple) else ()
        texts = [value] if isinstance(value, str) else [message["content"] for message in chat]
        try:
            "".join(texts).encode()
        except UnicodeEncodeError as error:
            half = ascii(error.object[error.start])[1:-1]
            found.append(
                f"column {column!r} is no UTF-8: it has {half}, half of a character; replace it by"
                " text.encode('utf-16', 'surrogatepass').decode('utf-16', 'replace')"
            )
    return found


def file_of(places: Sequence[str]) -> str:
    """Return the file that places as "FILE:3" are of, "" where there are none."""
    return places[0].rpartition(":")[0] if places else ""


def _hint(first: Any, columns: Sequence[str]) -> str:
    forms = {
        "completion": " (or chosen, or messages of role and content)",
        "rejected": " (the last two may be chats, prompt and all)",
    }
    needed = ", ".join(columns) + "".join(forms.get(column, "") for column in columns)
    has = f"; the first has {', '.join(map(str, first)):.200}" if isinstance(first, Mapping) else ""
    way = "; a DataFrame gives such rows by to_dict('records')"
    if isinstance(first, Mapping) and "label" in first and "chosen" not in first:
        way = "; kto learns from rows of prompt, completion and label"
    if isinstance(first, Mapping) and {"instruction", "output"} <= {*first}:
        way = (
            ": write output as completion, and as prompt the instruction with the input below, in"
            " the words in which your model is to be asked"
        )
    return f"every row is an object with {needed}{has}{way}"


def item_rows(items: Sequence[Item]) -> list[dict[str, Any]]:
    """Return items as the rows that online trainers take: the lines of their file."""
    return [to_dict(item) for item in items]


def item_of(row: Row) -> Item:
    """Return the item that a row is: a line of an items file, or a prompt with what belongs to it.

    The prompt is that of the row, before any chat template. A row without ``id`` may have
    ``item_id``; without either, its prompt is its name.

    Raises:
        DataError: The prompt or the metadata is of the wrong type.
    """
    name = row.get("id", row.get("item_id")) or str(row["prompt"])
    fields = {key: row.get(key) for key in ("reference", "metadata")}
    try:
        return item_from({"id": name, "prompt": row["prompt"], **fields})
    except ValueError as error:
        raise DataError(str(error), where=f"row {name}") from error


def as_completion(prompt: Any, text: str) -> Any:
    """Return a completion in the form that belongs to the prompt: text, or one message."""
    return text if isinstance(prompt, str) else [{"role": "assistant", "content": text}]


def completion_text(completion: Any) -> str:
    """Return the text of a completion that is a text or a list of messages."""
    if isinstance(completion, str):
        return completion
    return "".join(message["content"] for message in completion)

"""The plain rows that training takes, and the one error when they are wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.nouns.errors import DataError
from harness.nouns.schema import Item
from harness.records.rows import item_from, to_dict

Row = Mapping[str, Any]


def check_rows(rows: Sequence[Row], columns: Sequence[str], what: str) -> None:
    """Refuse rows that are absent, that lack a column or that have an empty text in it.

    Raises:
        DataError: One error for all rows, the first ten by number.
    """
    if not rows:
        raise DataError(f"there are no {what}", hint="nothing can be trained on an empty table")
    problems = []
    for number, row in enumerate(rows, 1):
        problems += [
            f"row {number}: column {column!r} is {'missing' if column not in row else 'empty'}"
            for column in columns
            if column not in row or row[column] in ("", None, [], ())
        ]
    if problems:
        raise DataError(
            f"{len(problems)} wrong cells in the {what}",
            details=problems[:10]
            + ([f"... and {len(problems) - 10} more"] if problems[10:] else []),
            hint=f"every row needs {', '.join(columns)}",
        )


def chosen_completions(rows: Sequence[Row]) -> list[Row]:
    """Return rows for imitation: of a preference without a completion the chosen response."""
    return [
        {"prompt": row.get("prompt"), "completion": row["chosen"]}
        if "chosen" in row and "completion" not in row
        else row
        for row in rows
    ]


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
    prompt = row["prompt"] if isinstance(row["prompt"], str) else list(row["prompt"])
    fields = {key: row.get(key) for key in ("reference", "metadata")}
    try:
        return item_from({"id": name, "prompt": prompt, **fields})
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

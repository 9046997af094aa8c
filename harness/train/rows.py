"""The plain rows that training takes, and the one error when they are wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from numbers import Real
from typing import Any

from harness.nouns.errors import DataError
from harness.nouns.schema import Item
from harness.records.rows import item_from, prompt_from, to_dict

Row = Mapping[str, Any]


def check_rows(
    rows: Sequence[Row], columns: Sequence[str], what: str, places: Sequence[str] = ()
) -> None:
    """Refuse rows that are absent, that lack a column or that have something wrong in it.

    Args:
        rows: What a trainer learns from.
        columns: Those that every row has: a prompt, and texts.
        what: They are called so.
        places: Of each row, as "FILE:3"; its number by default.

    Raises:
        DataError: One error for all rows, the first ten by number.
    """
    where = places[0].rpartition(":")[0] if places else ""
    if not rows:
        raise DataError(
            f"there are no {what}", where=where, hint="nothing can be trained on an empty table"
        )
    problems = []
    for number, row in enumerate(rows, 1):
        place = f"line {places[number - 1].rpartition(':')[2]}" if places else f"row {number}"
        problems += [f"{place}: {problem}" for problem in _problems(row, columns)]
    if problems:
        raise DataError(
            f"{len(problems)} wrong cells in the {what}",
            where=where,
            details=problems[:10]
            + ([f"... and {len(problems) - 10} more"] if problems[10:] else []),
            hint=f"every row is an object with {', '.join(columns)}; a DataFrame gives such rows"
            " by to_dict('records')",
        )


def _problems(row: Any, columns: Sequence[str]) -> Iterator[str]:
    """Yield what is wrong in a row."""
    if not isinstance(row, Mapping):
        yield f"is no object of columns, got {row!r:.40}"
        return
    for column in columns:
        value = row.get(column)
        if column not in row:
            yield f"column {column!r} is missing"
        elif value is None or (isinstance(value, str | list | tuple) and not value):
            yield f"column {column!r} is empty"
        elif column != "prompt" and not isinstance(value, str):
            yield f"column {column!r} must be a text, got {value!r:.40}"
        elif column == "prompt":
            try:
                prompt_from(value)
            except ValueError as error:
                yield f"column 'prompt': {error}"
    if "chosen" in columns and not _is_share(chance := row.get("probability", 1.0)):
        yield f"probability must be a number from 0 to 1, got {chance!r:.40}"


def _is_share(value: Any) -> bool:
    return issubclass(type(value), Real) and type(value) is not bool and bool(0 <= value <= 1)


def chosen_completions(rows: Sequence[Row]) -> list[Row]:
    """Return rows for imitation: of a preference without a completion the chosen response."""
    return [
        {"prompt": row.get("prompt"), "completion": row["chosen"]}
        if isinstance(row, Mapping) and "chosen" in row and "completion" not in row
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

"""The plain rows that training takes, and the one error when they are wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.nouns.errors import DataError

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


def as_completion(prompt: Any, text: str) -> Any:
    """Return a completion in the form that belongs to the prompt: text, or one message."""
    return text if isinstance(prompt, str) else [{"role": "assistant", "content": text}]


def completion_text(completion: Any) -> str:
    """Return the text of a completion that is a text or a list of messages."""
    if isinstance(completion, str):
        return completion
    return "".join(message["content"] for message in completion)

"""The plain rows that training takes, and the one error when they are wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.errors import DataError

Row = Mapping[str, Any]
Prompt = str | Sequence[Mapping[str, str]]
"""Text, or chat messages."""


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


def as_prompt(tokenizer: Any, prompt: Prompt) -> Any:
    """Return the prompt in the form in which the model is to see it.

    A text for a model with a chat template is one message of the user; everything else stays.
    """
    if isinstance(prompt, str):
        if getattr(tokenizer, "chat_template", None):
            return [{"role": "user", "content": prompt}]
        return prompt
    return [dict(message) for message in prompt]


def as_completion(prompt: Any, text: str) -> Any:
    """Return a completion in the form that belongs to the prompt: text, or one message."""
    return text if isinstance(prompt, str) else [{"role": "assistant", "content": text}]


def completion_text(completion: Any) -> str:
    """Return the text of a completion that is a text or a list of messages."""
    if isinstance(completion, str):
        return completion
    return "".join(message["content"] for message in completion)


def prompt_ids(tokenizer: Any, prompt: Any) -> list[int]:
    """Return the token ids of a prompt (see `as_prompt`), with exactly one BOS if there is any.

    A chat template writes its own BOS into the text, so its text is tokenized without further
    special tokens.
    """
    if isinstance(prompt, str):
        return [int(token) for token in tokenizer(prompt)["input_ids"]]
    text = tokenizer.apply_chat_template(prompt, add_generation_prompt=True, tokenize=False)
    return [int(token) for token in tokenizer(text, add_special_tokens=False)["input_ids"]]

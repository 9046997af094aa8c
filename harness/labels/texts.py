"""Prompts and responses that stand in the same table as their labels, as items and responses."""

from __future__ import annotations

from typing import Any

from harness.labels.columns import LabelColumns
from harness.labels.files import Row, Table
from harness.labels.problems import Problems
from harness.labels.values import cell_text
from harness.nouns.errors import DataError
from harness.nouns.schema import Item, Response


def read_texts(table: Table, columns: LabelColumns) -> tuple[list[Item], list[Response]]:
    """Collect items (column ``prompt``) and responses (``text``, or ``text_a`` and ``text_b``).

    A response is named "<item>/<name in the table>", its system is the name in the table.

    Raises:
        DataError: No column of texts is declared; or one error for all items and responses that
            have two different texts.
    """
    if not columns.prompt or not (columns.text or (columns.text_a and columns.text_b)):
        raise DataError(
            "no columns of texts are declared, so there are no items and responses to write",
            where=str(table.path),
            hint="set prompt, and text or text_a and text_b",
        )
    items: dict[str, Item] = {}
    responses: dict[str, Response] = {}
    problems = Problems(table.path, hint="one item id must be one prompt; is it the right column?")
    for row in table.rows:
        item = Item(row.text(columns.item), _prompt(row.cells.get(columns.prompt)))
        if items.setdefault(item.id, item).prompt != item.prompt:
            problems.add(row.place, f"item {item.id!r} has another prompt than before")
        for response in _responses(row, item.id, columns):
            known = responses.setdefault(response.id, response)
            if known.text != response.text:
                problems.add(row.place, f"response {response.id!r} has another text than before")
    problems.raise_if_any(len(table.rows))
    return list(items.values()), list(responses.values())


def _prompt(cell: Any) -> str | tuple[Any, ...]:
    return tuple(cell) if isinstance(cell, list) else cell_text(cell)


def _responses(row: Row, item: str, columns: LabelColumns) -> list[Response]:
    if columns.kind == "pairs":
        names = columns.systems or [row.text(columns.response_a), row.text(columns.response_b)]
        texts = [columns.text_a, columns.text_b]
    else:
        names = columns.systems or [row.text(columns.response)]
        texts = [columns.text]
    return [
        Response(f"{item}/{name}", item, name, row.text(text))
        for name, text in zip(names, texts, strict=False)
        if text
    ]

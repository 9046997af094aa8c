"""Labels to the long CSV table that human_csv, the label page and ``harness agree`` share."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.labels.failures import SKIP
from harness.labels.formulas import escaped
from harness.labels.human_label import HumanLabel
from harness.labels.values import cell_text
from harness.records.writes import refuse_store, whole

_SHARED = ("annotator", "label", "criterion", "comment")
PAIR_COLUMNS = ("item", "response_a", "response_b", *_SHARED, "shown")
SCORE_COLUMNS = ("item", "response", *_SHARED)
LONG_COLUMNS = ("task", "annotator", "label")
"""What was labelled, by whom, and how, in every table that is written here."""


def options_of(columns: Sequence[str]) -> dict[str, Any]:
    """Return the options with which human_csv reads a table that was written with these columns."""
    return {column: column for column in columns}


def long_rows(labels: Iterable[HumanLabel]) -> tuple[list[str], list[dict[str, str]]]:
    """Return the columns and rows of the long table; all labels are pairs, or all are scores.

    A pair that was labelled both ways round is turned to its first one, so that A means the same
    in all rows of a ``task``; that column names what was labelled, for ``harness agree``. What has
    no value is written as its word of failure.
    """
    labels = list(labels)
    columns = PAIR_COLUMNS if any(len(x.responses) == 2 for x in labels) else SCORE_COLUMNS
    names = [column for column in columns if column.startswith("response")]
    first: dict[tuple[str, frozenset[str]], tuple[str, ...]] = {}
    rows = []
    for label in labels:
        label = label.named(first.setdefault(label.thing[:2], label.responses))
        row = {
            "item": label.item_id,
            **dict(zip(names, label.responses, strict=True)),
            "annotator": label.annotator,
            "label": _text(label),
            "criterion": label.criterion,
            "comment": label.comment,
        }
        if "shown" in columns:
            row["shown"] = label.shown
        row["task"] = " | ".join(filter(None, (label.item_id, *label.responses, label.criterion)))
        rows.append(row)
    return [*columns, "task"], rows


def _text(label: HumanLabel) -> str:
    if label.value is None:
        return label.failure or SKIP
    return cell_text(label.value) if isinstance(label.value, bool) else str(label.value)


def csv_text(
    columns: Sequence[str], rows: Iterable[Mapping[str, str]], *, raw_cells: bool = False
) -> str:
    """Return a table as CSV.

    Args:
        columns: In their order.
        rows: Cells by column.
        raw_cells: Write formulas as they are; else see ``formulas``.
    """
    if not raw_cells:
        columns, rows = escaped(columns, rows)
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, columns)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def write_csv(
    path: Path,
    columns: Sequence[str],
    rows: Iterable[Mapping[str, str]],
    *,
    raw_cells: bool = False,
) -> None:
    """Write a table, all or nothing: the file appears under its name only when it is whole."""
    text = csv_text(columns, rows, raw_cells=raw_cells)
    refuse_store(path)
    with whole(path) as part, part.open("wb") as file:
        file.write(text.encode("utf-8", "backslashreplace"))

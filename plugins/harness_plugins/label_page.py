"""Labels that people gave on the page of ``harness label``, read from its store."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from harness.plugin import (
    HumanLabel,
    LabelColumns,
    Scale,
    SourceFactory,
    hookimpl,
    human_labels,
    read_label_table,
    read_labels,
)

SHARED = {
    "item": "item",
    "annotator": "annotator",
    "label": "label",
    "criterion": "criterion",
    "comment": "comment",
}
PAIRS = LabelColumns.model_validate(
    {**SHARED, "response_a": "response_a", "response_b": "response_b", "shown": "shown"}
)
SCORES = LabelColumns.model_validate({**SHARED, "response": "response"})


class Options(BaseModel):
    """Options of ``label_page``.

    Attributes:
        store: The SQLite file that ``harness label --store`` wrote; it may still be in use.
    """

    model_config = ConfigDict(extra="forbid")

    store: str


def _scale(options: Options) -> Scale | None:
    """Return the scale of the scores; None for pairs, and where criteria have several scales."""
    table = read_label_table(Path(options.store))
    scales = {str(row.cells["scale"]) for row in table.rows}
    if scales == {""} or len(scales) > 1:
        return None
    found = json.loads(scales.pop())
    return Scale(**{**found, "labels": tuple(found.get("labels", ()))})


@human_labels(name="label_page", version="1", options=Options, scale=_scale)
def label_page(options: Options) -> Sequence[HumanLabel]:
    """Labels of people from the page of harness label: pairs or scores."""
    table = read_label_table(Path(options.store))
    scores = table.rows[0].cells.get("response") is not None
    return read_labels(table, SCORES if scores else PAIRS)


@hookimpl
def harness_feedback_sources() -> Sequence[SourceFactory]:
    """Offer the labels of the label page."""
    return [label_page]

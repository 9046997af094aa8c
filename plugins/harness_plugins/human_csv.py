"""Labels of people from a file: long or wide tables, and exports of annotation tools."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.plugin import (
    HumanLabel,
    Known,
    LabelColumns,
    Scale,
    SourceFactory,
    hookimpl,
    human_labels,
    read_items,
    read_label_table,
    read_labels,
    read_responses,
)


class Options(LabelColumns):
    """Options of ``human_csv``: the file, and the meaning of its columns (LabelColumns).

    Attributes:
        file: .csv, .tsv, .json, .jsonl, .parquet or .xlsx.
        encoding: Of a text file; by default UTF-8, or what its byte order mark says.
        delimiter: Of a CSV file; by default the one of , ; tab | that its header uses most.
        sheet: Of an Excel file; by default its only one.
        items: JSONL file of items; when given, a label for any other item is an error.
        responses: JSONL file of responses; when given, a label for any other response is an error.
    """

    file: str
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    items: str | None = None
    responses: str | None = None


def _scale(options: Options) -> Scale | None:
    return options.scale.build() if options.scale else None


@human_labels(name="human_csv", version="1", options=Options, scale=_scale)
def human_csv(options: Options) -> Sequence[HumanLabel]:
    """Labels of people from a table: long or wide, pairs, scores, rankings or best-worst."""
    table = read_label_table(
        Path(options.file),
        encoding=options.encoding,
        delimiter=options.delimiter,
        sheet=options.sheet,
        named=list(options.columns()),
        plain=options.plain,
    )
    known = None
    if options.items:
        items = read_items(Path(options.items))
        responses = read_responses(Path(options.responses), items) if options.responses else ()
        known = Known.of(items, responses)
    return read_labels(table, options, known)


@hookimpl
def harness_feedback_sources() -> Sequence[SourceFactory]:
    """Offer human labels from a file."""
    return [human_csv]

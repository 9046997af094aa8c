"""Cascade: confident verdicts of a judge stand, the rest goes to a better one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from harness.agreement.cascade import Split, split_by_confidence
from harness.labels.files import read_table
from harness.labels.values import pair_value
from harness.nouns.errors import DataError
from harness.nouns.schema import Item, Response
from harness.records.judgments import RecordedJudgment
from harness.records.rows import to_dict
from harness.records.writes import make_folder, write_jsonl


def read_truth(labels: Path) -> dict[str, str]:
    """Read a table with the columns item_id and label (A, B or TIE), by item.

    Raises:
        DataError: The file is missing, lacks a column, or has another label.
    """
    table = read_table(labels)
    if not {"item_id", "label"} <= set(table.columns):
        raise DataError("needs the columns item_id and label", where=str(labels))
    truth = {}
    for row in table.rows:
        said = row.text("label")
        label = pair_value(said, {})
        if label not in ("A", "B", "TIE"):
            raise DataError(f"label {said!r} is not A, B or TIE", where=f"{labels}: {row.place}")
        truth[row.text("item_id")] = label
    return truth


def cascade(
    judgments: Sequence[RecordedJudgment], labels: Path, risk: float = 0.1, chance: float = 0.1
) -> Split:
    """Accept the confident verdicts of a judge on pairs, with a guarantee from labelled items.

    With a chance of ``1 - chance`` at most a share ``risk`` of the accepted ones is wrong. The
    labels are a table with the columns item_id and label.

    Raises:
        DataError: A judgment is not of a pair, the labels cannot be read, or none of them is of a
            judged item.
    """
    for row in judgments:
        if len(row.response_ids) != 2:
            raise DataError("a cascade takes judgments of pairs", where=row.where)
    of_item = read_truth(labels)
    if not of_item:
        raise DataError("there are no labels in it", where=str(labels))
    truth = {
        row.judgment.request_id: of_item[row.item_id] for row in judgments if row.item_id in of_item
    }
    if judgments and not truth:
        judged = next(iter(judgments)).item_id
        raise DataError(
            "none of the labels is of a judged item",
            where=str(labels),
            hint=f"judged is e.g. {judged!r}, labelled {next(iter(of_item))!r}: item_id must be the"
            " same in both",
        )
    return split_by_confidence((row.judgment for row in judgments), truth, risk, chance)


WRITTEN = ("accepted.jsonl", "items.jsonl", "responses.jsonl")


def write_cascade(
    out: Path,
    split: Split,
    judgments: Sequence[RecordedJudgment],
    items: Iterable[Item],
    responses: Iterable[Response],
) -> None:
    """Write accepted.jsonl, and what is left as items.jsonl and responses.jsonl, into a folder."""
    accepted, rest, texts_of_rest = (out / name for name in WRITTEN)
    about = {row.judgment.request_id: row for row in judgments}
    make_folder(out)
    write_jsonl(
        accepted,
        (
            {
                "item_id": about[request].item_id,
                "response_ids": list(about[request].response_ids),
                **to_dict(verdict),
            }
            for request, verdict in split.accepted.items()
        ),
    )
    ids = {about[request].item_id for request in split.left}
    texts = {name for request in split.left for name in about[request].response_ids}
    write_jsonl(rest, (to_dict(i) for i in items if i.id in ids))
    write_jsonl(texts_of_rest, (to_dict(r) for r in responses if r.id in texts))

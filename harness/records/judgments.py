"""Judgments as a file: one row each, with the item and the responses that were judged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from harness.nouns.errors import DataError
from harness.nouns.schema import Judgment, JudgmentRequest
from harness.records.rows import judgment_from, read_rows, to_dict
from harness.records.writes import write_jsonl

_KNOWN = frozenset(field.name for field in fields(Judgment))


@dataclass(frozen=True, slots=True)
class RecordedJudgment:
    """A judgment and what it is about.

    Args:
        judgment: The judgment.
        item_id: The item.
        response_ids: The responses in the order of the request: the first is A.
        where: File and line, for messages.
    """

    judgment: Judgment
    item_id: str
    response_ids: tuple[str, ...]
    where: str = ""


def judgment_rows(
    requests: Sequence[JudgmentRequest], judgments: Iterable[Judgment]
) -> Iterator[dict[str, Any]]:
    """Yield the rows of a judgments file, in the order of the requests."""
    place = {request.id: index for index, request in enumerate(requests)}
    for judgment in sorted(judgments, key=lambda j: (place[j.request_id], j.order, j.repeat)):
        request = requests[place[judgment.request_id]]
        yield {
            **to_dict(judgment),
            "item_id": request.item.id,
            "response_ids": [response.id for response in request.responses],
        }


def write_judgments(
    path: Path, requests: Sequence[JudgmentRequest], judgments: Iterable[Judgment]
) -> None:
    """Write judgments, all or nothing, in the order of their requests."""
    write_jsonl(path, judgment_rows(requests, judgments))


def is_judgments(path: Path) -> bool:
    """Tell whether a file is one of judgments, by its first row."""
    if path.suffix != ".jsonl" or not path.is_file():
        return False
    try:
        _, row = next(read_rows(path))
    except (StopIteration, DataError):
        return False
    return {"request_id", "verdict", "item_id", "response_ids"} <= set(row)


def read_judgments(path: Path) -> list[RecordedJudgment]:
    """Read judgments as ``write_judgments`` writes them.

    Raises:
        DataError: The file is missing, or a row is no judgment.
    """
    found = []
    for where, row in read_rows(path):
        try:
            judgment = judgment_from({k: v for k, v in row.items() if k in _KNOWN})
            about = str(row["item_id"]), tuple(map(str, row["response_ids"]))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataError(f"not a judgment of harness judge: {error!r}", where=where) from error
        found.append(RecordedJudgment(judgment, *about, where))
    return found

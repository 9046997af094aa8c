"""Judgments as a file: one row each, with who judged, the item and the responses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, get_args

from harness.nouns.errors import DataError, ScaleError
from harness.nouns.scale import Scale
from harness.nouns.schema import Judgment, JudgmentRequest, SourceInfo, SourceKind, off_scale
from harness.records.rows import judgment_from, read_rows, to_dict
from harness.records.writes import write_jsonl

_KNOWN = frozenset(field.name for field in fields(Judgment))
_WHO = ("kind", "simulated", "identity", "models")


@dataclass(frozen=True, slots=True)
class RecordedJudgment:
    """A judgment and what it is about.

    Args:
        judgment: The judgment.
        info: Who judged; of single responses its scale is the one that was asked for.
        item_id: The item.
        response_ids: The responses in the order of the request: the first is A.
        where: File and line, for messages.
    """

    judgment: Judgment
    info: SourceInfo
    item_id: str
    response_ids: tuple[str, ...]
    where: str = ""


def in_order(requests: Iterable[JudgmentRequest], judgments: Iterable[Judgment]) -> list[Judgment]:
    """Return judgments in the order of their requests, whatever order they came in."""
    place = {request.id: index for index, request in enumerate(requests)}
    return sorted(judgments, key=lambda j: (place[j.request_id], j.order, j.repeat))


def judgment_rows(
    requests: Sequence[JudgmentRequest],
    judgments: Iterable[Judgment],
    infos: Mapping[str, SourceInfo],
) -> Iterator[dict[str, Any]]:
    """Yield the rows of a judgments file, in the order of the requests."""
    asked = {request.id: request for request in requests}
    for judgment in in_order(requests, judgments):
        request, info = asked[judgment.request_id], infos[judgment.source]
        scale = asdict(request.criterion.scale) if request.way == "pointwise" else None
        yield {
            **to_dict(judgment),
            "source_info": {**{key: getattr(info, key) for key in _WHO}, "scale": scale},
            "item_id": request.item.id,
            "response_ids": [response.id for response in request.responses],
        }


def write_judgments(
    path: Path,
    requests: Sequence[JudgmentRequest],
    judgments: Iterable[Judgment],
    infos: Mapping[str, SourceInfo],
) -> None:
    """Write judgments, all or nothing, in the order of their requests, for their owner only.

    Args:
        path: A JSONL file.
        requests: What was asked.
        judgments: What came back, failures included.
        infos: Name of each source -> who it is: every row says it.
    """
    write_jsonl(path, judgment_rows(requests, judgments, infos), private=True)


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
            info = _info(judgment, row["source_info"])
            about = _about(row)
        except (KeyError, TypeError, ValueError, AttributeError, ScaleError) as error:
            raise DataError(
                f"not a judgment of harness judge: {error!r:.300}",
                where=where,
                hint="write an older file anew by the same harness judge: nothing is judged twice",
            ) from error
        value = judgment.verdict.value
        if value is not None and (wrong := off_scale(value, info.scale, about[1])):
            raise DataError(
                f"{wrong}: source {judgment.source} gave what its request does not have",
                where=where,
                hint="write the file anew by harness judge, which makes an error of such a value",
            )
        found.append(RecordedJudgment(judgment, info, *about, where))
    return found


def _about(row: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    named = row["response_ids"]
    if not isinstance(named, list) or not named:
        raise ValueError(f"response_ids must be a list of names, got {named!r:.60}")
    return str(row["item_id"]), tuple(map(str, named))


def _info(judgment: Judgment, row: Mapping[str, Any]) -> SourceInfo:
    scale = row["scale"] and Scale(**{**row["scale"], "labels": tuple(row["scale"]["labels"])})
    if row["kind"] not in get_args(SourceKind) or type(row["simulated"]) is not bool:
        raise ValueError(f"source_info is {dict(row)!r:.100}")
    return SourceInfo(
        judgment.source,
        judgment.source_version,
        row["kind"],
        scale,
        simulated=row["simulated"],
        identity=str(row["identity"]),
        models=tuple(map(str, row["models"])),
    )

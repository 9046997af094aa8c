"""Anchor sets: requests with pinned verdicts, frozen and hashed, to tell when a judge has moved."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness.nouns.errors import DataError
from harness.nouns.hashing import content_hash
from harness.nouns.outcomes import Status
from harness.nouns.rubric import Criterion
from harness.nouns.scale import Scale
from harness.nouns.schema import Judgment, JudgmentRequest
from harness.records.rows import item_from, judgment_from, response_from, to_dict
from harness.records.writes import write_json


@dataclass(frozen=True, slots=True)
class Anchors:
    """What a judge was asked once, and what it said.

    Args:
        source: Name of the source.
        use: The plugin's source.
        version: Version of the source when the verdicts were pinned.
        options: Options of the source.
        seed: Of the run; it decides orders and principles.
        requests: What was asked.
        judgments: What was said, and said again: the second pass measures the judge's own noise.
        sha256: Hash of the requests and verdicts.
    """

    source: str
    use: str
    version: str
    options: dict[str, Any]
    seed: int
    requests: tuple[JudgmentRequest, ...]
    judgments: tuple[tuple[Judgment, ...], ...]
    sha256: str


def write_anchors(
    path: Path,
    use: str,
    version: str,
    options: dict[str, Any],
    seed: int,
    requests: Sequence[JudgmentRequest],
    passes: Sequence[Sequence[Judgment]],
) -> str:
    """Freeze requests and verdicts in a file; return its hash.

    Args:
        path: JSON file to write.
        use: The plugin's source.
        version: Its version.
        options: Its options.
        seed: Of the run.
        requests: What was asked.
        passes: What was said, once or several times.
    """
    frozen: dict[str, Any] = {
        "use": use,
        "version": version,
        "options": options,
        "seed": seed,
        "requests": [_request_row(request) for request in requests],
        "passes": [[to_dict(j) for j in judgments] for judgments in passes],
    }
    frozen = json.loads(json.dumps(frozen))
    sha256 = content_hash(frozen)
    write_json(path, {"sha256": sha256, **frozen})
    return sha256


def read_anchors(path: Path) -> Anchors:
    """Read an anchor file.

    Raises:
        DataError: It is missing, is no anchor file, or was changed since it was written.
    """
    if not path.is_file():
        raise DataError("no such anchor file", where=str(path), hint="make one with --pin")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        sha256 = content.pop("sha256")
        requests = tuple(_request(row) for row in content["requests"])
        passes = tuple(tuple(judgment_from(j) for j in rows) for rows in content["passes"])
        fields = (content["use"], content["version"], content["options"], content["seed"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"not an anchor file: {error!r}", where=str(path)) from error
    if content_hash(content) != sha256:
        raise DataError(
            "the anchor file was changed since it was pinned: its hash does not fit",
            where=str(path),
            hint="restore it, or pin a new one",
        )
    use, version, options, seed = fields
    return Anchors(use, use, version, options, seed, requests, passes, sha256)


def _request_row(request: JudgmentRequest) -> dict[str, Any]:
    return {
        "id": request.id,
        "item": to_dict(request.item),
        "responses": [to_dict(response) for response in request.responses],
        "criterion": asdict(request.criterion),
    }


def _request(row: dict[str, Any]) -> JudgmentRequest:
    raw = dict(row["criterion"])
    scale = raw.pop("scale")
    criterion = Criterion(**raw, scale=Scale(**{**scale, "labels": tuple(scale["labels"])}))
    responses = tuple(response_from(response) for response in row["responses"])
    return JudgmentRequest(row["id"], item_from(row["item"]), responses, criterion)


Presentation = tuple[str, str, str, int]


def by_presentation(judgments: Iterable[Judgment]) -> dict[Presentation, Judgment]:
    """Return judgments by (request, annotator, order, repeat)."""
    return {(j.request_id, j.annotator, j.order, j.repeat): j for j in judgments}


@dataclass(frozen=True, slots=True)
class Movement:
    """How two passes over the same presentations differ.

    Args:
        compared: Presentations with a verdict in both.
        changed: Those whose verdict is another one.
        lost: Verdicts of the first pass that are failures in the second.
        gained: Failures of the first pass that are verdicts in the second.
        moves: How often which verdict became which.
        shift: Mean change of the probability or score (second minus first), where both state one.
    """

    compared: int
    changed: int
    lost: int
    gained: int
    moves: dict[str, int]
    shift: float | None


def compare(first: Iterable[Judgment], second: Iterable[Judgment]) -> Movement:
    """Compare two passes of a judge over the same requests."""
    before, after = by_presentation(first), by_presentation(second)
    moves: Counter[str] = Counter()
    compared = lost = gained = 0
    shifts = []
    for key in before.keys() & after.keys():
        old, new = before[key].verdict, after[key].verdict
        if old.status is not Status.OK or new.status is not Status.OK:
            lost += old.status is Status.OK
            gained += new.status is Status.OK
            continue
        compared += 1
        if old.value != new.value:
            moves[f"{old.value} -> {new.value}"] += 1
        if old.probability is not None and new.probability is not None:
            shifts.append(new.probability - old.probability)
    shift = sum(shifts) / len(shifts) if shifts else None
    return Movement(compared, moves.total(), lost, gained, dict(moves), shift)


def chance_of_change(noise: Movement, now: Movement) -> float:
    """Return the one-sided p-value that the judge changed no more than it does by itself.

    Fisher's exact test of the share of changed verdicts now against that of two passes made at
    pinning time.
    """
    from scipy.stats import fisher_exact

    table = [
        [now.changed, now.compared - now.changed],
        [noise.changed, noise.compared - noise.changed],
    ]
    return float(fisher_exact(table, alternative="greater").pvalue)

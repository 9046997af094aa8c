"""``harness.agree``: how well judges agree with people, and people with each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.feedback.requests import OVERALL
from harness.labels.ratings import Reading, read_ratings
from harness.nouns.errors import InputError
from harness.nouns.nearest import did_you_mean
from harness.nouns.scale import BINARY, Scale
from harness.nouns.schema import Item, JudgmentRequest, Response, SourceInfo

if TYPE_CHECKING:
    from harness.agreement import AgreementReport, Settings
    from harness.ratings.evidence import Evidence
    from harness.ratings.table import RatingTable
    from harness.records.judgments import RecordedJudgment


def agree(
    labels: str | Path | RatingTable,
    reading: Reading | None = None,
    settings: Settings | None = None,
    encoding: str = "",
    items: Path | None = None,
) -> AgreementReport:
    """Measure agreement: accuracy, kappa, alpha, AC1, the human ceiling, biases and coverage.

    Args:
        labels: A table of labels (CSV, JSON, Parquet, Excel, ...), an export of a tool, or ratings;
            or judgments as ``harness judge`` writes them, of people and judges in one file.
        reading: Who the people and the judges of a file are, and in which columns. Of judgments,
            the people are sources, and all other sources are judges.
        settings: Bootstrap, epsilon, risk; the usual ones when None.
        encoding: Encoding of a text file.
        items: JSONL file of the items that were judged; their metadata say which belong together.
            Without it every item of a judgments file is a cluster.

    Returns:
        The report, the statistics of plugins included.

    Raises:
        InputError: Nobody is named who could be compared.
        DataError: The file is not as ``reading`` says; one error for the whole file, with rows.
    """
    from harness.agreement import Settings, agreement_report
    from harness.ratings.evidence import NOTHING
    from harness.records.judgments import is_judgments
    from harness.registry import registry

    evidence = NOTHING
    table: RatingTable
    if isinstance(labels, str | Path):
        path, reading = Path(labels), reading or Reading()
        if is_judgments(path):
            table, evidence = _from_judgments(path, reading, items)
        else:
            table, evidence = read_ratings(path, reading, encoding)
    else:
        table = labels
    return agreement_report(
        table,
        settings=settings or Settings(),
        extra={name: s.compute for name, s in registry().statistics.items()},
        evidence=evidence,
    )


def _from_judgments(
    path: Path, reading: Reading, items: Path | None
) -> tuple[RatingTable, Evidence]:
    from harness.ratings.judgments import tables_from_judgments
    from harness.records.judgments import read_judgments
    from harness.records.rows import read_items

    rows = read_judgments(path)
    known = {item.id: item for item in read_items(items)} if items else {}
    sources = dict.fromkeys(row.judgment.source for row in rows)
    unknown = [name for name in (*reading.humans, *reading.judges) if name not in sources]
    if unknown:
        raise InputError(
            f"no judgment is from {unknown[0]}{did_you_mean(unknown[0], sources, ' (', ')')}",
            hint=f"sources in {path.name}: {', '.join(sources)}",
        )
    criterion = replace(OVERALL, scale=_scale(rows, reading))
    requests = {}
    for row in rows:
        item = known.get(row.item_id) or Item(row.item_id, "")
        responses = tuple(Response(name, item.id, "", "") for name in row.response_ids)
        request = JudgmentRequest(row.judgment.request_id, item, responses, criterion)
        requests[request.id] = request
    infos = {
        name: SourceInfo(
            name, "", "human" if name in reading.humans else "judge",
            simulated=name in reading.simulated,
        )
        for name in sources
    }  # fmt: skip
    ways = {request.way for request in requests.values()}
    if len(ways) > 1:
        raise InputError(
            f"{path.name} holds both pairs and scores", hint="measure them one after the other"
        )
    judgments = [row.judgment for row in rows]
    (found,) = tables_from_judgments(list(requests.values()), judgments, infos)
    return found.table, found.evidence


def _scale(rows: Sequence[RecordedJudgment], reading: Reading) -> Scale:
    """Return the scale of the scores; pairs are always A, B or TIE."""
    values = {row.judgment.verdict.value for row in rows} - {None}
    if len(rows[0].response_ids) == 2 or all(isinstance(value, bool) for value in values):
        return BINARY
    if reading.level in ("interval", "ratio"):
        return Scale(reading.level, low=0 if reading.level == "ratio" else None)
    numbers = [value for value in values if isinstance(value, int | float)]
    found = sorted(numbers) if len(numbers) == len(values) else sorted(map(str, values))
    return Scale(reading.level, reading.categories or tuple(map(str, found)))

"""``harness.agree``: how well judges agree with people, and people with each other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.experiment.stages.recorded import Answers, read_recorded
from harness.labels.ratings import Reading, read_ratings
from harness.nouns.errors import InputError
from harness.records.judgments import is_judgments

if TYPE_CHECKING:
    from harness.agreement import AgreementReport, Settings
    from harness.ratings.evidence import Evidence
    from harness.ratings.table import RatingTable


def agree(
    labels: str | Path | Sequence[Path] | RatingTable,
    reading: Reading | None = None,
    settings: Settings | None = None,
    encoding: str = "",
    items: Path | None = None,
) -> AgreementReport:
    """Measure agreement: accuracy, kappa, alpha, AC1, the human ceiling, biases and coverage.

    Args:
        labels: A table of labels (CSV, JSON, Parquet, Excel, ...), an export of a tool, or ratings;
            or files of judgments as ``harness judge`` writes them; where some are of pairs, scores
            are compared.
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
    from harness.ratings.table import RatingTable
    from harness.registry import registry

    if isinstance(labels, RatingTable):
        table, evidence = labels, NOTHING
    else:
        paths = [Path(labels)] if isinstance(labels, str | Path) else labels
        table, evidence = _read(paths, reading or Reading(), encoding, items)
    return agreement_report(
        table,
        settings=settings or Settings(),
        extra={name: s.compute for name, s in registry().statistics.items()},
        evidence=evidence,
    )


def _read(
    paths: Sequence[Path], reading: Reading, encoding: str, items: Path | None
) -> tuple[RatingTable, Evidence]:
    from harness.ratings.judgments import tables_from_judgments

    if not all(is_judgments(path) for path in paths):
        if len(paths) != 1:
            raise InputError("several files must all be judgments of harness judge")
        return read_ratings(paths[0], reading, encoding)
    found = read_recorded(paths, reading, Answers.read(items) if items else None)
    (table,) = tables_from_judgments(
        found.requests, found.judgments, found.infos, scores_as_pairs=found.has_pairs
    )
    return table.table, table.evidence

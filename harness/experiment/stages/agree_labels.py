"""``harness.agree``: how well judges agree with people, and people with each other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.labels.tables import Reading
from harness.nouns.errors import InputError

if TYPE_CHECKING:
    from harness.agreement import AgreementReport, Settings
    from harness.ratings.table import RatingTable


def agree(
    labels: Path | RatingTable,
    reading: Reading | None = None,
    settings: Settings | None = None,
    encoding: str = "",
) -> AgreementReport:
    """Measure agreement: accuracy, kappa, alpha, AC1, the human ceiling, biases and coverage.

    Args:
        labels: A table of labels (CSV, TSV, JSON, JSONL, Parquet, Excel), or one that is read.
        reading: Who the people and the judges of a file are, and in which columns.
        settings: Bootstrap, epsilon, risk; the usual ones when None.
        encoding: Encoding of a text file.

    Returns:
        The report, the statistics of plugins included.

    Raises:
        InputError: Nobody is named who could be compared.
        DataError: The file is not as ``reading`` says; one error for the whole file, with rows.
    """
    from harness.agreement import Settings, agreement_report
    from harness.labels.ratings import read_ratings
    from harness.ratings.evidence import NOTHING
    from harness.registry import registry

    evidence = NOTHING
    if isinstance(labels, Path):
        reading = reading or Reading()
        if not (reading.is_long or reading.humans or reading.judges or reading.orders):
            raise InputError(
                "nobody to compare",
                hint="name people with --human-columns and judges with"
                " --judge-columns (or a long table with --annotator-column)",
            )
        labels, evidence = read_ratings(labels, reading, encoding)
    return agreement_report(
        labels,
        settings=settings or Settings(),
        extra={name: s.compute for name, s in registry().statistics.items()},
        evidence=evidence,
    )

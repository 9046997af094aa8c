"""Agree: how well sources agree with people, ``harness.agree``; in a run, what gates make of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.agreement.gate import GateDecision, gate
from harness.experiment.config import AgreementConfig
from harness.experiment.stages.judge import Judged
from harness.experiment.stages.recorded import Answers, files_of, read_recorded
from harness.labels.ratings import Reading, read_ratings
from harness.nouns.errors import DataError
from harness.nouns.schema import JudgmentRequest
from harness.registry import registry

if TYPE_CHECKING:
    from harness.agreement import AgreementReport, Settings
    from harness.ratings.evidence import Evidence
    from harness.ratings.table import RatingTable


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well sources agree with people, and what the gates decided.

    Attributes:
        tables: The agreement reports as plain values.
        kappas: Cohen's kappa of each source against the people, where it is defined.
        gates: Decisions of the gates.
        reference: The source of the people.
    """

    tables: Sequence[Mapping[str, Any]]
    kappas: Mapping[str, float]
    gates: Sequence[GateDecision]
    reference: str

    @property
    def weights(self) -> dict[str, float]:
        """What the gates leave of each source that has one, 0 to 1."""
        return {decision.source: decision.weight for decision in self.gates}

    @property
    def stopped(self) -> list[str]:
        """Why the run must stop; empty where it goes on."""
        return [f"{d.source}: {d.reason}" for d in self.gates if d.stops]

    def as_row(self) -> dict[str, Any]:
        """Return what agreement.json and the report hold."""
        return {
            "tables": list(self.tables),
            "kappas": dict(self.kappas),
            "gates": [{"statistic": "cohen_kappa", **asdict(d)} for d in self.gates],
        }


def agreement_of(
    pairs: Sequence[JudgmentRequest], judged: Sequence[Judged], config: AgreementConfig
) -> Agreement:
    """Measure agreement on pairs, comparing the scores of pointwise sources; apply the gates.

    Raises:
        DataError: There is no pair.
    """
    if not pairs:
        raise DataError(
            "the base policy gave no two different responses to any item, so there is no pair",
            hint="raise policy.responses_per_item or policy.temperature",
        )
    from harness.agreement import Settings
    from harness.agreement.report import WITH_PEOPLE
    from harness.ratings.judgments import tables_from_judgments
    from harness.statistics.estimate import undefined

    points = [r for one in judged if one.source.way == "pointwise" for r in one.requests]
    (table,) = tables_from_judgments(
        [*pairs, *points],
        [judgment for one in judged for judgment in one.judgments],
        {one.source.name: one.source.info for one in judged},
        scores_as_pairs=True,
    )
    report = _measured(table.table, table.evidence, Settings(reference=config.reference))
    measured = {row.annotators: row for row in report.section(WITH_PEOPLE)}
    unknown = undefined("cohen_kappa", "", "no pair was judged")
    return Agreement(
        tables=(
            {
                "title": "pairs",
                "rows": report.rows(),
                "notes": {section.title: list(section.notes) for section in report.sections},
                "audit": asdict(report.audit),
            },
        ),
        kappas={n: k.value for n, k in measured.items() if k.value is not None},
        gates=[
            gate(g.source, measured.get(g.source, unknown), g.minimum_kappa, g.action)
            for g in config.gates
        ],
        reference=config.reference,
    )


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
    from harness.agreement import Settings
    from harness.ratings.evidence import NOTHING
    from harness.ratings.table import RatingTable

    if isinstance(labels, RatingTable):
        table, evidence = labels, NOTHING
    else:
        table, evidence = _read(labels, reading or Reading(), encoding, items)
    return _measured(table, evidence, settings or Settings())


def _measured(table: RatingTable, evidence: Evidence, settings: Settings) -> AgreementReport:
    from harness.agreement import agreement_report

    extra = {name: one.compute for name, one in registry().statistics.items()}
    return agreement_report(table, settings=settings, extra=extra, evidence=evidence)


def _read(
    labels: str | Path | Sequence[Path], reading: Reading, encoding: str, items: Path | None
) -> tuple[RatingTable, Evidence]:
    from harness.ratings.judgments import tables_from_judgments

    paths, judged = files_of(labels)
    if not judged:
        return read_ratings(paths[0], reading, encoding)
    found = read_recorded(paths, reading, Answers.read(items) if items else None)
    (table,) = tables_from_judgments(
        found.requests, found.judgments, found.infos, scores_as_pairs=found.has_pairs
    )
    return table.table, table.evidence

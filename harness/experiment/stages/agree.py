"""Agree: how well the sources agree with people, and what the gates make of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from harness.agreement.gate import GateDecision, gate
from harness.experiment.config import AgreementConfig
from harness.experiment.stages.judge import Judged
from harness.nouns.errors import DataError
from harness.nouns.schema import JudgmentRequest
from harness.registry import registry


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


def agree(
    pairs: Sequence[JudgmentRequest], judged: Sequence[Judged], config: AgreementConfig
) -> Agreement:
    """Measure agreement on pairs, and apply the gates.

    Args:
        pairs: What was compared.
        judged: What each source said; scores of pointwise sources are compared.
        config: Who the people are, and the gates.

    Raises:
        DataError: There is no pair.
    """
    if not pairs:
        raise DataError(
            "the base policy gave no two different responses to any item, so there is no pair",
            hint="raise policy.responses_per_item or policy.temperature",
        )
    from harness.agreement import Settings, agreement_report
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
    report = agreement_report(
        table.table,
        settings=Settings(reference=config.reference),
        extra={s.name: s.compute for s in registry().statistics.values()},
        evidence=table.evidence,
    )
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

"""Agree: how well the sources agree with people, and what the gates make of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from harness.agreement.gate import GateDecision, gate
from harness.experiment.config import AgreementConfig
from harness.experiment.sources import NamedSource
from harness.experiment.stages.judge import Judged
from harness.nouns.errors import DataError
from harness.nouns.outcomes import Status
from harness.nouns.schema import Judgment, JudgmentRequest, Verdict
from harness.registry import registry

if TYPE_CHECKING:
    from harness.ratings.judgments import JudgmentTable
    from harness.statistics.estimate import Estimate


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well sources agree with people, and what the gates decided.

    Attributes:
        tables: The agreement reports as plain values.
        kappas: Cohen's kappa of each source against the people, where it is defined.
        gates: Decisions of the gates.
    """

    tables: Sequence[Mapping[str, Any]]
    kappas: Mapping[str, float]
    gates: Sequence[GateDecision]

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
    from harness.agreement import agreement_report
    from harness.ratings.judgments import tables_from_judgments

    judgments = [judgment for one in judged for judgment in as_pairs(one, pairs)]
    infos = {one.source.name: one.source.info for one in judged}
    extra = {s.name: s.compute for s in registry().statistics.values()}
    table = tables_from_judgments(pairs, judgments, infos)[0]
    report = agreement_report(table.table, extra=extra, evidence=table.evidence)
    measured = {name: _kappa(name, config.reference, table) for name in infos}
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
        gates=[gate(g.source, measured[g.source], g.minimum_kappa, g.action) for g in config.gates],
    )


def as_pairs(judged: Judged, pairs: Sequence[JudgmentRequest]) -> list[Judgment]:
    """Return a source's judgments on pairs; scores of a pointwise source are compared.

    Each annotator's two scores are compared. A pair of which one response has no score keeps that
    response's failure.
    """
    source = judged.source
    if source.way == "pairwise":
        return list(judged.judgments)
    response_of = {r.id: r.responses[0].id for r in judged.requests}
    scores: dict[str, dict[tuple[str, int], Judgment]] = {}
    for judgment in judged.judgments:
        mine = scores.setdefault(response_of[judgment.request_id], {})
        mine[judgment.annotator, judgment.repeat] = judgment
    compared = []
    for pair in pairs:
        first, second = (scores.get(response.id, {}) for response in pair.responses)
        compared += [
            _compare(pair, first[who], second[who], source) for who in first if who in second
        ]
    return compared


def _compare(pair: JudgmentRequest, a: Judgment, b: Judgment, source: NamedSource) -> Judgment:
    failed = next((j.verdict for j in (a, b) if j.verdict.status is not Status.OK), None)
    if failed is not None:
        verdict = failed
    else:
        scale = source.info.scale or pair.criterion.scale
        first, second = scale.to_unit(a.verdict.value), scale.to_unit(b.verdict.value)
        value = "TIE" if first == second else "A" if first > second else "B"
        verdict = Verdict(Status.OK, value)
    info = source.info
    return Judgment(pair.id, info.name, info.version, a.annotator, verdict, repeat=a.repeat)


def _kappa(name: str, people: str, table: JudgmentTable) -> Estimate:
    """Return a source's kappa against the majority of the people.

    Of a source with several annotators the lowest counts; of the people themselves, the mean over
    their pairs, which is the most that a judge can be asked for.
    """
    from harness.agreement import cohen_kappa, majority, pairs_of
    from harness.statistics.estimate import Estimate, undefined

    ratings = table.table

    def columns_of(source: str) -> list[int]:
        return [ratings.column(c) for c, s in table.sources.items() if s == source]

    def kappa(first: Any, second: Any, label: str) -> Estimate:
        pairs = pairs_of(first, second, ratings.clusters, ratings.n_categories)
        return cohen_kappa(pairs, label)

    columns, codes = columns_of(name), ratings.codes
    if name != people:
        truth = majority(ratings.label_counts(columns_of(people)))
        found = [kappa(codes[:, c], truth, f"{name} - majority of {people}") for c in columns]
        known = [k for k in found if k.value is not None]
        if len(known) < len(found) or not found:
            reason = next((k.reason for k in found if k.value is None), "no pair was judged")
            return undefined("cohen_kappa", name, reason)
        return min(known, key=lambda k: k.value or 0.0)
    values = [
        kappa(codes[:, a], codes[:, b], people).value
        for i, a in enumerate(columns)
        for b in columns[i + 1 :]
    ]
    defined = [value for value in values if value is not None]
    if not defined:
        return undefined("cohen_kappa", people, "one person only")
    return Estimate(sum(defined) / len(defined), name="mean_cohen_kappa", annotators=people)

"""Agree: how well sources agree with people, ``harness.agree``; in a run, what gates make of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.agreement.copies import with_copies
from harness.agreement.gate import GateDecision, decide
from harness.agreement.gate_evidence import GOLD, PEOPLE, measured
from harness.experiment.config import ArmConfig
from harness.experiment.gate_config import AgreementConfig
from harness.experiment.gates import least_left
from harness.experiment.probe_evidence import read_probes
from harness.experiment.stages.choose import choose_judge
from harness.experiment.stages.gate_checks import (
    as_gates,
    nobody,
    refuse_strange,
    refuse_strange_slices,
)
from harness.experiment.stages.judge import Judged
from harness.experiment.stages.recorded import Answers, files_of, plain_prompt, read_recorded
from harness.experiment.stages.spent import named_requests, named_rows, with_spent
from harness.labels.ratings import Reading, read_ratings
from harness.labels.same_prompts import repeated
from harness.nouns.errors import DataError, GateStopError, InputError
from harness.nouns.gate import Gate
from harness.nouns.schema import Judgment, JudgmentRequest, SourceInfo
from harness.records.label_uses import LabelUse, read_uses, uses_beside
from harness.records.writes import write_json
from harness.registry import registry

if TYPE_CHECKING:
    from harness.agreement import AgreementReport, Settings
    from harness.nouns.gate import Action
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
        read: What the gates read.
    """

    tables: Sequence[Mapping[str, Any]]
    kappas: Mapping[str, float]
    gates: Sequence[GateDecision]
    reference: str
    read: AgreementReport | None = field(default=None, repr=False, compare=False)

    @property
    def weights(self) -> dict[str, float]:
        """What the gates leave of each source that has one, 0 to 1."""
        return least_left((decision.source, decision.weight) for decision in self.gates)

    @property
    def stopped(self) -> list[str]:
        """Why the run must stop; empty where it goes on."""
        return [f"{d.source}: {d.reason}" for d in self.gates if d.stops]

    def write(self, path: Path) -> None:
        """Write agreement.json, which ``harness aggregate`` reads.

        Raises:
            GateStopError: A gate with action "stop" was not met; the file says by how much.
        """
        write_json(path, self.as_row())
        if self.stopped:
            raise GateStopError(f"{'; '.join(self.stopped)} (see {path})")

    def as_row(self) -> dict[str, Any]:
        """Return what agreement.json and the report hold."""
        return {
            "tables": list(self.tables),
            "kappas": dict(self.kappas),
            "gates": [{**asdict(d), "passed": d.passed} for d in self.gates],
        }


def agreement_of(
    pairs: Sequence[JudgmentRequest],
    judged: Sequence[Judged],
    config: AgreementConfig,
    arms: Iterable[ArmConfig] = (),
    uses: Sequence[LabelUse] = (),
    probes: Sequence[str | Path] = (),
) -> Agreement:
    """Measure agreement on pairs, comparing the scores of pointwise sources; apply the gates.

    What is gated is what the arms use: a source with several annotators or samples counts as the
    one verdict that they make of it. Labels that chose a source, by ``uses``, do not certify it.
    ``probes`` are files of ``harness probe-judge``.

    Raises:
        DataError: There is no pair.
    """
    if not pairs:
        raise DataError(
            "the base policy gave no two different responses to any item, so there is no pair",
            hint="raise policy.responses_per_item or policy.temperature",
        )
    from harness.agreement import Settings
    from harness.experiment.stages.pooled import ways_of

    arms = list(arms)
    used = {name for arm in arms for name in arm.sources} | {config.reference}
    aside = {gate.against for gate in config.gates if gate.against} - used
    main = [one for one in judged if one.source.name not in aside]
    ways = ways_of(arms, [one.source.name for one in judged if one.source.way == "pointwise"])
    table, evidence = _table_of(pairs, main, ways, config.reference, uses)
    turned = read_probes(probes, {one.source.name: one.source.info for one in judged})
    evidence = replace(evidence, probes=turned)
    report = _measured(table, evidence, Settings(reference=config.reference))
    report = replace(report, criteria=_criteria(j for one in main for j in one.judgments))
    wide = (table, evidence)
    if aside:
        whole, more = _table_of(pairs, judged, ways, config.reference, uses)
        wide = whole, replace(more, probes=turned)
    return _decided(report, [gate.gate() for gate in config.gates], wide)


def _table_of(
    pairs: Sequence[JudgmentRequest],
    judged: Sequence[Judged],
    ways: Mapping[str, Sequence[str]],
    reference: str,
    uses: Sequence[LabelUse],
) -> tuple[RatingTable, Evidence]:
    from harness.experiment.stages.pooled import with_pools
    from harness.ratings.judgments import tables_from_judgments
    from harness.ratings.singles import singles_of

    points = [r for one in judged if one.source.way == "pointwise" for r in one.requests]
    requests, said = [*pairs, *points], [j for one in judged for j in one.judgments]
    infos = {one.source.name: one.source.info for one in judged}
    (found,) = tables_from_judgments(requests, said, infos, scores_as_pairs=True)
    evidence = with_pools(found, requests, said, ways, reference)
    evidence = replace(evidence, singles=singles_of(points, said))
    return _without_spent(found.table, evidence, requests, said, infos, uses)


def _decided(
    report: AgreementReport,
    gates: Sequence[Gate],
    wide: tuple[RatingTable, Evidence] | None = None,
) -> Agreement:
    """Apply the gates to a report that was computed with the reference in its settings.

    ``wide`` has the people, too, that some gates are held against and the report leaves out.
    """
    from harness.agreement.report import WITH_PEOPLE

    rows = {row.annotators: row for row in report.section(WITH_PEOPLE)}
    kappas = {name: rows[name] for name in rows if name in report.table.source_names}
    known = {n: k.value for n, k in kappas.items() if k.value is not None} or _of_columns(report)
    table, evidence = wide or (report.table, report.evidence)
    decisions = []
    for gate in gates:
        found = measured(gate, table, evidence, report.settings)
        row = kappas.get(gate.source)
        if row is not None and gate.is_plain and not found.spent:
            found = replace(found, low=row.low, high=row.high)
        decisions.append(decide(gate, found))
    return Agreement(
        tables=(
            {
                "title": "pairs",
                "rows": report.rows(),
                "notes": {section.title: list(section.notes) for section in report.sections},
                "audit": asdict(report.audit),
                "criteria": dict(report.criteria),
            },
        ),
        kappas=known,
        gates=decisions,
        reference=report.settings.reference,
        read=replace(report, table=table, evidence=evidence),
    )


def _of_columns(report: AgreementReport) -> dict[str, float]:
    """Return the kappa of each judge of a table of labels with its people, else with the gold.

    Of each of the people it is the mean over their pairs, as of a source of people.
    """
    table = report.table
    if table.sources or table.level in ("interval", "ratio"):
        return {}
    right = PEOPLE if table.humans else GOLD
    people = replace(table, sources=tuple(
        PEOPLE if kind == "human" else name
        for name, kind in zip(table.annotators, table.kinds, strict=True)
    ))  # fmt: skip
    found = {}
    for name, source in zip(table.annotators, people.source_names, strict=True):
        gate = Gate(source, 0.0, "warn", against=right)
        kappa = measured(gate, people, report.evidence, report.settings).bounds.value
        if kappa is not None:
            found[name] = kappa
    return found


def agree(
    labels: str | Path | Sequence[Path] | RatingTable,
    reading: Reading | None = None,
    settings: Settings | None = None,
    encoding: str = "",
    answers: Answers | None = None,
    uses: Path | None = None,
    probes: Sequence[str | Path] = (),
    choose: Sequence[str] = (),
    gates: Sequence[Gate] = (),
) -> AgreementReport:
    """Measure agreement: accuracy, kappa, alpha, AC1, the human ceiling, biases and coverage.

    Args:
        labels: A table of labels (CSV, JSON, Parquet, Excel, ...), an export of a tool, or ratings;
            or files of judgments as ``harness judge`` writes them; where some are of pairs, scores
            are compared.
        reading: Who the people and the judges of a file are, and in which columns. Judgments say
            so themselves; ``humans`` makes people of other sources, too.
        settings: Bootstrap, epsilon, risk; the usual ones when None.
        encoding: Encoding of a text file.
        answers: The items that were judged, whose metadata say which belong together; without it
            every item of a judgments file is a cluster. With the responses the pairs of a run count
            (of each item the first with the second, the third with the fourth, ...), also those
            that no file holds.
        uses: File that says what the labels were used for; by default label-uses.jsonl beside them.
            Labels that chose a source are left out by its gates.
        probes: Files of ``harness probe-judge``, one for each judge.
        choose: Judges of which the best is chosen by half of the prompts; it is recorded, and gates
            on it read the other half.
        gates: What ``gated`` will be asked: refused where no item is of their slice, before
            anything is measured.

    Returns:
        The report, the statistics of plugins included.

    Raises:
        InputError: Nobody is named who could be compared.
        DataError: The file is not as ``reading`` says; one error for the whole file, with rows.
    """
    from harness.agreement import Settings
    from harness.experiment.stages.pooled import with_pools
    from harness.ratings.evidence import NOTHING
    from harness.ratings.judgments import tables_from_judgments
    from harness.ratings.singles import singles_of
    from harness.ratings.table import RatingTable

    settings, reading = settings or Settings(), reading or Reading()
    if isinstance(labels, RatingTable):
        if choose:
            raise InputError("ratings have no file beside which it could stand what they chose")
        return _measured(labels, replace(NOTHING, probes=read_probes(probes)), settings)
    paths, judged = files_of(labels)
    beside = [uses] if uses else uses_beside(*paths)
    if not judged:
        table, evidence = read_ratings(paths[0], reading, encoding)
        refuse_strange_slices(gates, _slices(table, evidence))
        rows = named_rows(table, paths[0])
        if choose:
            note = choose_judge(table, rows, choose, beside, settings.seed)
            table = replace(table, notes=(*table.notes, note))
        used = read_uses(beside)
        table, evidence = with_spent(_with_unnamed(table, reading), evidence, rows, rows, used)
        evidence = replace(evidence, probes=read_probes(probes))
        return _measured(table, evidence, settings)
    if choose:
        raise InputError(
            "--choose takes a table of labels, and these are judgments",
            hint="harness align-judge chooses among rubrics of a judge and proves the gain",
        )
    used = read_uses(beside)
    found = read_recorded(paths, reading, answers)
    if lists := [request for request in found.requests if request.way == "listwise"]:
        raise DataError(
            f"{len(lists)} requests are lists, and agreement is that of pairs and single responses",
            hint="judge the same responses with --way pairwise; harness aggregate takes rankings",
        )
    if not settings.reference and len(found.people) == 1:
        settings = replace(settings, reference=found.people[0])
    (pooled,) = tables_from_judgments(
        found.requests, found.judgments, found.infos, scores_as_pairs=found.has_pairs
    )
    evidence = with_pools(pooled, found.requests, found.judgments, {}, settings.reference)
    evidence = replace(evidence, singles=singles_of(found.requests, found.judgments))
    table, evidence = _without_spent(
        pooled.table, evidence, found.requests, found.judgments, found.infos, used
    )
    evidence = replace(evidence, probes=read_probes(probes, found.infos))
    refuse_strange_slices(gates, _slices(table, evidence))
    if answers is not None:
        told = _prompts_twice(found.requests)
        table = replace(table, notes=(*table.notes, *told))
    report = _measured(table, evidence, settings)
    return replace(report, criteria=_criteria(found.judgments))


def _slices(table: RatingTable, evidence: Evidence) -> set[str]:
    """Return the slices of pairs and of single responses."""
    return {*table.slices, *(evidence.singles.slices if evidence.singles else ())}


def _prompts_twice(requests: Sequence[JudgmentRequest]) -> list[str]:
    """Say where one prompt stands under several ids."""
    items = {request.item.id: request.item for request in requests}.values()
    return repeated(
        [plain_prompt(item.prompt) for item in items],
        [str(item.metadata.get("cluster", item.id)) for item in items],
        "give items of one prompt one metadata.cluster",
    )


def _criteria(judgments: Iterable[Judgment]) -> dict[str, str]:
    """Return source -> the rubric by which it judged."""
    named = {one.source: one.metadata.get("rubric") for one in judgments}
    return {source: str(rubric) for source, rubric in named.items() if rubric}


def _without_spent(
    table: RatingTable,
    evidence: Evidence,
    requests: Sequence[JudgmentRequest],
    judgments: Sequence[Judgment],
    infos: Mapping[str, SourceInfo],
    uses: Sequence[LabelUse],
) -> tuple[RatingTable, Evidence]:
    """Say of which source each row of a table of judgments is spent."""
    by_id = {request.id: request for request in requests}
    rows, asked = (
        named_requests(some, judgments, infos)
        for some in ([by_id[name] for name in table.items], requests)
    )
    return with_spent(table, evidence, rows, asked, uses)


def _with_unnamed(table: RatingTable, reading: Reading) -> RatingTable:
    """Say of whom nobody said whether they are people: they are taken for judges."""
    said = {*reading.humans, *reading.judges, *reading.orders}
    strange = [table.annotators[i] for i in table.judges if table.annotators[i] not in said]
    if not strange:
        return table
    shown = ", ".join(strange[:20])
    note = (
        f"warning: taken for {'a judge' if len(strange) == 1 else 'judges'}, as nobody says"
        f" otherwise: {shown}; of people say --people {shown.replace(', ', ',')}"
    )
    return replace(table, notes=(*table.notes, note))


def _measured(table: RatingTable, evidence: Evidence, settings: Settings) -> AgreementReport:
    from harness.agreement import agreement_report

    extra = {name: one.checked for name, one in registry().statistics.items()}
    return agreement_report(with_copies(table), settings=settings, extra=extra, evidence=evidence)


def gated(
    report: AgreementReport,
    gates: Sequence[Gate] | Mapping[str, tuple[float, Action]] | None = None,
) -> Agreement:
    """Apply gates to the report on judgments; ``write`` of the result makes agreement.json.

    Args:
        report: Of ``agree`` on judgments, among which one source is people, or several of which
            each gate names one; or on a table of labels, whose people are one source and whose gold
            column is "gold".
        gates: What is asked of which source; or source -> smallest kappa with the people, and what
            is done below it: drop, down_weight, stop or warn.

    Raises:
        InputError: The report holds no kappa of each source with the people, or a gate is about
            a source that is not in it.
    """
    from harness.agreement.report import WITH_PEOPLE

    gates, table = as_gates(gates), report.table
    people = {report.settings.reference} if report.settings.reference else set()
    known = [*table.source_names, *([GOLD] if table.gold is not None else [])]
    if not table.sources and table.humans:  # a table of labels: all people are one source
        people = {PEOPLE}
    if not (gates or report.section(WITH_PEOPLE)):
        raise nobody()
    kinds = zip(table.source_names, table.kinds, strict=True)
    refuse_strange(gates, known, people, [name for name, kind in kinds if kind == "judge"])
    refuse_strange_slices(gates, _slices(table, report.evidence))
    return _decided(report, gates)

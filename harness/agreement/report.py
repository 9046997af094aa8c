"""The agreement report: which statistics, in which order, with which notes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import combinations
from typing import Any

import numpy as np

from harness.agreement import sections
from harness.agreement.accuracy import (
    accuracy,
    against_the_rest,
    f1_of,
    human_ceiling,
    leave_one_out,
    macro,
    majority,
    pairwise_agreement,
    vote_agreement,
)
from harness.agreement.alpha import krippendorff_alpha
from harness.agreement.audit import Audit, audit
from harness.agreement.kappa import (
    Pairs,
    Weighting,
    bias_statistic,
    cohen_kappa,
    pairs_of,
    prevalence_statistic,
    scott_pi,
)
from harness.agreement.multi_rater import chance_corrected
from harness.agreement.scores import FORMS, STATISTICS, intraclass_correlation, score_agreement
from harness.agreement.selection import best_of
from harness.agreement.settings import DEFAULT, Section, Settings
from harness.nouns.counted import counted
from harness.ratings.evidence import NOTHING, Evidence
from harness.ratings.table import MISSING, RatingTable
from harness.statistics.arrays import IntArray
from harness.statistics.estimate import Estimate, undefined

MOST_PAIRS, MOST_SLICES = 45, 20
LEAST_LUCK = 0.0005
"""A best judge that luck makes less better than this is told nothing of it."""
MAJORITY, MEAN = "majority of people", "mean of people"
GOLD = "gold"
ON_SLICE = " on slice "
WITH_PEOPLE = "Each source with the people"
LABELS = "The labels"


@dataclass(frozen=True)
class AgreementReport:
    """Everything the agreement report says.

    Args:
        audit: What is in the data.
        sections: The statistics in the order of the page.
        table: The ratings.
        evidence: What else was known of the judges.
        settings: How it was computed.
        criteria: Source -> what it was asked to judge by, such as its rubric; where that is known.
    """

    audit: Audit
    sections: tuple[Section, ...]
    table: RatingTable
    evidence: Evidence = field(default_factory=Evidence)
    settings: Settings = DEFAULT
    criteria: Mapping[str, str] = field(default_factory=dict)

    @property
    def statistics(self) -> tuple[Estimate, ...]:
        """All rows in order."""
        return tuple(row for section in self.sections for row in section.statistics)

    def rows(self) -> list[dict[str, Any]]:
        """Return all rows as plain values for JSON."""
        return [
            {"section": section.title, **row.as_row()}
            for section in self.sections
            for row in section.statistics
        ]

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values for JSON: audit, notes and rows."""
        read = {LABELS: list(self.table.notes)} if self.table.notes else {}
        return {
            "audit": asdict(self.audit),
            "notes": read | {section.title: list(section.notes) for section in self.sections},
            "rows": self.rows(),
        }

    def section(self, title: str) -> tuple[Estimate, ...]:
        """Return the rows of a section, none if it is not there."""
        return next((s.statistics for s in self.sections if s.title == title), ())

    def find(self, name: str, annotators: str) -> Estimate | None:
        """Return the row of that name about those annotators, None if there is none."""
        rows = (r for r in self.statistics if r.name == name and r.annotators == annotators)
        return next(rows, None)


def sections_of(
    rows: Iterable[Mapping[str, Any]], notes: Mapping[str, Sequence[str]]
) -> tuple[Section, ...]:
    """Return the sections whose rows and notes ``AgreementReport.as_dict`` wrote."""
    found: dict[str, list[Estimate]] = {}
    for row in rows:
        found.setdefault(row["section"], []).append(Estimate.from_row(row))
    return tuple(
        Section(title, tuple(statistics), tuple(notes.get(title, ())))
        for title, statistics in found.items()
    )


Extra = Callable[[RatingTable], Sequence[Estimate]]


def agreement_report(
    table: RatingTable,
    evidence: Evidence = NOTHING,
    settings: Settings = DEFAULT,
    extra: Mapping[str, Extra] | None = None,
) -> AgreementReport:
    """Compute the whole report.

    ``extra`` is title -> statistics of plugins, each called with the table.
    """
    truth = truth_of(table)
    found = [
        *_gate_section(table, evidence, settings),
        *_truth_sections(table, settings),
        *_ties_section(table),
        *_ceiling_section(table),
        *_pair_sections(table, settings),
        *_slice_section(table, settings),
        *_group_sections(table, settings),
        *sections.replacement(table, settings),
        *sections.powered(table, truth),
        *sections.position(evidence, truth),
        *sections.other_biases(table, evidence, truth),
        *sections.probed(evidence),
        *sections.consistency(table, evidence, settings),
        *sections.calibrated(table, evidence, truth, settings),
        *sections.panel(table, truth, settings),
        *sections.drifted(table, evidence, truth),
        *sections.budget(table, truth, settings),
        *(Section(title, tuple(compute(table))) for title, compute in (extra or {}).items()),
    ]
    kept = tuple(section for section in found if section.statistics)
    return AgreementReport(audit(table), kept, table, evidence, settings)


def truth_of(table: RatingTable) -> tuple[IntArray, str] | None:
    """Return the (n,) codes that judges are held against and their name.

    Gold labels come before the majority of the people; None without both, and for numbers, which
    are hardly ever equal.
    """
    return next(iter(_truths(table)), None)


def _truths(table: RatingTable) -> list[tuple[IntArray, str]]:
    if table.level in ("interval", "ratio"):
        return []
    gold = [] if table.gold is None else [(table.gold, GOLD)]
    people = table.humans
    return [*gold, (majority(table.label_counts(people)), MAJORITY)] if people else gold


def judge_kappa(
    table: RatingTable,
    source: str,
    people: str,
    settings: Settings = DEFAULT,
    evidence: Evidence = NOTHING,
) -> Estimate:
    """Return the kappa of a source with people that its gate reads.

    Cohen's kappa against the majority of the people; of a source with several annotators or samples
    that of the one verdict which they are pooled to, the lowest where they are pooled in several
    ways; where ``evidence`` has no pool of them the lowest of theirs. Undefined if any of these is.
    Of the people themselves the mean over their pairs, which is the most that a judge can be asked
    for.
    """
    own, theirs = (
        [k for k, of in enumerate(table.source_names) if of == name] for name in (source, people)
    )
    if source == people:
        found = [
            _kappa(table, _pairs(table, table.codes[:, a], table.codes[:, b]), people, settings)
            for a, b in combinations(own, 2)
        ]
        values = [kappa.value for kappa in found if kappa.value is not None]
        if not values:
            return undefined("mean_cohen_kappa", source, "one person only")
        mean = sum(values) / len(values)
        return Estimate(mean, n=max(k.n for k in found), name="mean_cohen_kappa", annotators=source)
    truth = majority(table.label_counts(theirs))
    pools = [pool.codes for pool in evidence.pools.get(source, ())]
    found = [
        _kappa(table, _pairs(table, codes, truth), source, settings)
        for codes in pools or [table.codes[:, column] for column in own]
    ]
    unknown = [kappa for kappa in found if kappa.value is None]
    if unknown or not found:
        reason = unknown[0].reason if unknown else "no pair was judged"
        return undefined("cohen_kappa", source, reason)
    return min(found, key=lambda kappa: kappa.value or 0.0)


def _gate_section(table: RatingTable, evidence: Evidence, settings: Settings) -> list[Section]:
    people = settings.reference
    if not people:
        return []
    theirs = [k for k, of in enumerate(table.source_names) if of == people]
    truth = majority(table.label_counts(theirs))
    rows = []
    notes = [
        f"Gates read the row of a source: Cohen's kappa with the majority of {people}; of {people}"
        " the mean over their pairs."
    ]
    for source in dict.fromkeys(table.source_names):
        rows.append(judge_kappa(table, source, people, settings, evidence))
        voices = evidence.voices.get(source, {})
        if source == people or not voices:
            continue
        rows += [
            _kappa(table, _pairs(table, codes, truth), voice, settings)
            for voice, codes in voices.items()
        ]
        how = " and ".join(pool.how for pool in evidence.pools.get(source, ()))
        rule = f"of the one verdict that they are pooled to ({how})" if how else "the lowest"
        notes.append(f"{source} has {len(voices)} voices, listed below it; its row is {rule}.")
    return [Section(WITH_PEOPLE, tuple(rows), tuple(notes))]


def _truth_sections(table: RatingTable, settings: Settings) -> list[Section]:
    found: list[Section] = []
    for truth, name in _truths(table):
        rows: list[Estimate] = []
        notes = []
        columns = table.judges if name == MAJORITY else range(len(table.annotators))
        for column in columns:
            rows += _against(table, column, truth, settings)
        if settings.failures_as is not None:
            scored = table.failures_as(settings.failures_as)
            failed = [c for c in columns if table.failures[:, c].any()]
            for column in failed:
                label = f"{table.annotators[column]}, failures scored as {settings.failures_as}"
                rows += _against(scored, column, truth, settings, label)
                pairs = _pairs(scored, scored.codes[:, column], truth)
                rows.append(_kappa(scored, pairs, f"{label} - {name}", settings))
            if failed:
                notes.append(
                    f"Rows with failures scored as {settings.failures_as} follow a published"
                    " convention; a failure is no verdict, and the other rows leave it out."
                )
        tied = int(((truth < 0) & (table.label_counts(table.humans).sum(1) > 0)).sum())
        if name == MAJORITY and tied:
            notes.append(
                f"{counted(tied, 'item')} without a majority (a tie)"
                f" {'takes' if tied == 1 else 'take'} no part."
            )
        if not (table.sources or found):
            notes += _best_by_luck(table, truth, settings)
        title = f"Accuracy against the {name}{' label' if name == GOLD else ''}"
        found.append(Section(title, tuple(rows), tuple(notes)))
    return found


def _best_by_luck(table: RatingTable, truth: IntArray, settings: Settings) -> list[str]:
    """Say what being the best of several judges is worth, where these labels choose among them."""
    said = {table.annotators[column]: table.codes[:, column] for column in table.judges}
    best = best_of(said, truth, table.clusters, settings.bootstrap)
    if len(said) < 2 or best is None or best.luck < LEAST_LUCK:
        return []
    return [
        f"{best.name} is the best of {best.of} judges: it says what is right of {best.share:.1%} of"
        f" {counted(best.n, 'item')}, a failure being none. The best of {best.of} that are equally"
        f" good looks {100 * best.luck:.1f} points better than it is: --choose lets one half choose"
        " and the other one certify."
    ]


def _against(
    table: RatingTable, column: int, truth: IntArray, settings: Settings, label: str = ""
) -> list[Estimate]:
    name = label or table.annotators[column]
    said = table.codes[:, column]
    rows = [accuracy(said, truth, table.clusters, name)]
    pairs = _pairs(table, said, truth)
    rows += [
        macro(average, pairs, name, bootstrap=settings.bootstrap)
        for average in ("precision", "recall", "f1")
    ]
    if table.tie is not None:
        generous = np.where(said == table.tie, truth, said)
        rows.append(accuracy(generous, truth, table.clusters, name, "accuracy_or_tie"))
    if table.n_categories == 2:
        rows += [
            f1_of(k, pairs, f"{name}: {category}", bootstrap=settings.bootstrap)
            for k, category in enumerate(table.categories)
        ]
    return rows


def _ties_section(table: RatingTable) -> list[Section]:
    if table.tie is None or not table.humans:
        return []
    rows = []
    for name, part in (("ties_kept", table), ("ties_removed", table.without_category(table.tie))):
        people = part.label_counts(part.humans)
        judges = [
            (part.label_counts([judge]), f"{part.annotators[judge]} - people")
            for judge in part.judges
        ]
        rows += [
            vote_agreement(votes, people, part.clusters, who, f"vote_agreement_{name}")
            for votes, who in ((people, "people among themselves"), *judges)
        ]
    note = "Chance that two votes on one item agree (Zheng et al. 2023, S1 and S2)."
    return [Section("Agreement of votes, ties kept and removed", tuple(rows), (note,))]


def _ceiling_section(table: RatingTable) -> list[Section]:
    people = table.humans
    if len(people) < 2 or table.level in ("interval", "ratio"):
        return []
    pairs = len(people) * (len(people) - 1) // 2
    listed = pairs <= MOST_PAIRS
    rows = pairwise_agreement(table, people) if listed else []
    rows += [human_ceiling(table), *leave_one_out(table)]
    rows += [against_the_rest(table, judge) for judge in table.judges]
    notes = [
        "A judge cannot be asked to agree with people more than they agree with each other."
        " Where the rest ties between k labels, each of them counts 1/k."
    ]
    if not listed:
        notes.append(f"The {pairs} pairs of people are not listed one by one.")
    return [Section("The human ceiling", tuple(rows), tuple(notes))]


def _pairs(table: RatingTable, first: IntArray, second: IntArray) -> Pairs:
    return pairs_of(first, second, table.clusters, table.n_categories)


def _kappa(
    table: RatingTable,
    pairs: Pairs,
    annotators: str,
    settings: Settings,
    weighting: Weighting = "identity",
) -> Estimate:
    return cohen_kappa(
        pairs, annotators, weighting=weighting, values=table.values, bootstrap=settings.bootstrap
    )


def _pair_sections(table: RatingTable, settings: Settings) -> list[Section]:
    if table.level in ("interval", "ratio"):
        return _score_section(table, settings)
    named: list[tuple[str, Pairs]] = []
    notes = []
    names, codes = table.annotators, table.codes
    for what, columns in (("people", table.humans), ("judges", table.judges)):
        both = list(combinations(columns, 2))
        if len(both) > MOST_PAIRS:
            notes.append(f"The {len(both)} pairs of {what} are not listed one by one.")
            continue
        named += [
            (f"{names[i]} - {names[j]}", _pairs(table, codes[:, i], codes[:, j])) for i, j in both
        ]
    truth = truth_of(table)
    if truth is not None:
        named += [
            (f"{names[j]} - {truth[1]}", _pairs(table, codes[:, j], truth[0])) for j in table.judges
        ]
    weightings: tuple[Weighting, ...] = ("identity",)
    if table.level == "ordinal":
        weightings = ("identity", "linear", "quadratic")
    rows = [
        _kappa(table, pairs, label, settings, weighting)
        for label, pairs in named
        for weighting in weightings
    ]
    pis = [scott_pi(pairs, label, bootstrap=settings.bootstrap) for label, pairs in named]
    indices = [
        index(pairs, label, bootstrap=settings.bootstrap)
        for label, pairs in named
        for index in (prevalence_statistic, bias_statistic)
    ]
    note = (
        "A high prevalence index makes kappa small at high agreement; a bias index is half the"
        " difference of the marginals."
    )
    return [
        Section("Two by two: Cohen's kappa", tuple(rows), tuple(notes)),
        Section("Two by two: Scott's pi", tuple(pis) if table.level == "nominal" else ()),
        Section("Prevalence and bias of the pairs", tuple(indices), (note,)),
    ]


def _slice_section(table: RatingTable, settings: Settings) -> list[Section]:
    """The kappa of each judge on each slice, where items have any."""
    truth, slices = truth_of(table), sorted(set(table.slices) - {""})
    if truth is None or not slices:
        return []
    rows = []
    for name in slices[:MOST_SLICES]:
        mine = np.array([one == name for one in table.slices])
        for judge in table.judges:
            codes = np.where(mine, table.codes[:, judge], MISSING)
            label = f"{table.annotators[judge]} - {truth[1]}{ON_SLICE}{name}"
            rows.append(_kappa(table, _pairs(table, codes, truth[0]), label, settings))
    left = len(slices) - MOST_SLICES
    notes = (f"{counted(left, 'slice')} more {'is' if left == 1 else 'are'} not listed.",)
    return [Section("Each slice: Cohen's kappa", tuple(rows), notes if left > 0 else ())]


def _score_section(table: RatingTable, settings: Settings) -> list[Section]:
    """Scores: each judge against the mean of the people and against gold."""
    numbers, against = table.numbers, []
    if table.humans:
        people = numbers[:, list(table.humans)]
        some = ~np.isnan(people).all(1)
        mean = np.full(len(table.items), np.nan)
        mean[some] = np.nanmean(people[some], axis=1)
        against.append((MEAN, mean))
    if table.gold is not None:
        against.append((GOLD, np.where(table.gold >= 0, table.values[table.gold], np.nan)))
    rows = [
        score_agreement(
            statistic,
            numbers[:, judge],
            other,
            table.clusters,
            f"{table.annotators[judge]} - {label}",
            bootstrap=settings.bootstrap,
        )
        for label, other in against
        for judge in table.judges
        for statistic in STATISTICS
    ]
    return [Section("Scores: judges against people", tuple(rows))]


def _group_sections(table: RatingTable, settings: Settings) -> list[Section]:
    groups = [("people", table.humans), ("judges", table.judges)]
    if table.humans and table.judges:
        groups.append(("all annotators", tuple(range(len(table.annotators)))))
    rows: list[Estimate] = []
    for name, columns in groups:
        if len(columns) >= 2:
            rows += group_statistics(table, columns, name, settings)
    return [Section("All together: alpha, AC and kappa for many raters", tuple(rows))]


def group_statistics(
    table: RatingTable, columns: Sequence[int], name: str, settings: Settings = DEFAULT
) -> list[Estimate]:
    """Return the chance-corrected agreement of a group that its level of measurement allows."""
    counts = table.label_counts(columns)
    shared: dict[str, Any] = {"clusters": table.clusters, "bootstrap": settings.bootstrap}
    rows = [krippendorff_alpha(counts, table.level, name, values=table.values, **shared)]
    if table.level != "nominal":
        numbers = table.numbers[:, list(columns)]
        rows += [intraclass_correlation(numbers, form, name, **shared) for form in FORMS]
    if table.level in ("interval", "ratio"):
        return rows
    kinds: list[tuple[Any, Weighting]] = [
        ("fleiss", "identity"),
        ("gwet", "identity"),
        ("brennan_prediger", "identity"),
    ]
    if table.level == "ordinal":
        kinds += [("gwet", "linear"), ("gwet", "quadratic")]
    kappa, ac1, *rest = (
        chance_corrected(counts, chance, name, weighting=weighting, **shared)
        for chance, weighting in kinds
    )
    return [*rows, kappa, _paradox(kappa, ac1), *rest]


def _paradox(kappa: Estimate, ac1: Estimate) -> Estimate:
    if kappa.value is None or ac1.value is None or abs(kappa.value - ac1.value) <= 0.2:
        return ac1
    return ac1.caution(f"kappa is {kappa.value:.2f}: one category prevails, so look at both")

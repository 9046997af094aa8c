"""The agreement report: which statistics, in which order, with which notes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from harness.agreement.accuracy import (
    accuracy,
    against_the_rest,
    human_ceiling,
    leave_one_out,
    macro,
    majority,
    pairwise_agreement,
    vote_agreement,
)
from harness.agreement.alpha import krippendorff_alpha
from harness.agreement.audit import Audit, audit
from harness.agreement.kappa import Pairs, cohen_kappa, pairs_of
from harness.agreement.multi_rater import chance_corrected
from harness.agreement.orders import (
    OrderVerdicts,
    accuracy_both_orders,
    first_pick_rate,
    positional_agreement,
    swap_flip_rate,
)
from harness.agreement.resample import REPLICATES
from harness.agreement.statistic import Statistic
from harness.agreement.table import IntArray, RatingTable
from harness.agreement.weights import Weighting

MOST_PAIRS = 45
MAJORITY = "majority of people"
GOLD = "gold"


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the report.

    Args:
        title: Heading.
        statistics: Its rows.
        notes: What a reader must know to read the rows rightly.
    """

    title: str
    statistics: tuple[Statistic, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Settings:
    """How the report is computed.

    Args:
        replicates: Bootstrap replicates.
        seed: Seed of the bootstrap.
        failures_as: Label as which failures are scored in an extra row; None for no such row.
        epsilon: What a judge's lower cost is worth, for the alternative annotator test.
    """

    replicates: int = REPLICATES
    seed: int = 0
    failures_as: str | None = None
    epsilon: float = 0.2


@dataclass(frozen=True)
class AgreementReport:
    """Everything the agreement report says.

    Args:
        audit: What is in the data.
        sections: The statistics in the order of the page.
        table: The ratings.
    """

    audit: Audit
    sections: tuple[Section, ...]
    table: RatingTable
    notes: tuple[str, ...] = field(default=())

    @property
    def statistics(self) -> tuple[Statistic, ...]:
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
        return {
            "audit": asdict(self.audit),
            "notes": {section.title: list(section.notes) for section in self.sections},
            "rows": self.rows(),
        }

    def find(self, name: str, annotators: str) -> Statistic | None:
        """Return the row of that name about those annotators, None if there is none."""
        rows = (r for r in self.statistics if r.name == name and r.annotators == annotators)
        return next(rows, None)


Extra = Callable[[RatingTable], Sequence[Statistic]]


def agreement_report(
    table: RatingTable,
    orders: Sequence[OrderVerdicts] = (),
    settings: Settings = Settings(),
    extra: Mapping[str, Extra] | None = None,
) -> AgreementReport:
    """Compute the whole report.

    Args:
        table: The ratings of people and judges.
        orders: Verdicts of judges that saw pairs in both orders.
        settings: How to compute.
        extra: Title -> statistics of plugins, each called with the table.
    """
    sections = [
        *_truth_sections(table, settings),
        *_orders_section(table, orders),
        *_ties_section(table),
        *_ceiling_section(table),
        *_pair_sections(table, settings),
        *_group_sections(table, settings),
    ]
    sections += [Section(title, tuple(compute(table))) for title, compute in (extra or {}).items()]
    return AgreementReport(audit(table), tuple(s for s in sections if s.statistics), table)


def truth_of(table: RatingTable) -> tuple[IntArray, str] | None:
    """Return the (n,) codes that judges are held against and their name.

    Gold labels come before the majority of the people; None without both.
    """
    if table.gold is not None:
        return table.gold, GOLD
    if table.humans:
        return majority(table.label_counts(table.humans)), MAJORITY
    return None


def judge_kappa(table: RatingTable, judge: str, settings: Settings = Settings()) -> Statistic:
    """Return Cohen's kappa of one judge against the majority of the people; a gate reads this.

    Args:
        table: The ratings of people and judges.
        judge: Name of its column.
        settings: How to compute.
    """
    truth = majority(table.label_counts(table.humans))
    pairs = _pairs(table, table.codes[:, table.column(judge)], truth)
    return _kappa(table, pairs, f"{judge} - {MAJORITY}", settings)


def _truth_sections(table: RatingTable, settings: Settings) -> list[Section]:
    sections = []
    truths = []
    if table.gold is not None:
        truths.append((table.gold, GOLD))
    if table.humans:
        truths.append((majority(table.label_counts(table.humans)), MAJORITY))
    for truth, name in truths:
        rows: list[Statistic] = []
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
            if failed:
                notes.append(
                    f"Rows with failures scored as {settings.failures_as} follow a published"
                    " convention; a failure is no verdict, and the other rows leave it out."
                )
        tied = int(((truth < 0) & (table.label_counts(table.humans).sum(1) > 0)).sum())
        if name == MAJORITY and tied:
            notes.append(f"{tied} items without a majority (a tie) take no part.")
        sections.append(
            Section(
                f"Accuracy against the {name} label".replace(f"{MAJORITY} label", MAJORITY),
                tuple(rows),
                tuple(notes),
            )
        )
    return sections


def _against(
    table: RatingTable, column: int, truth: IntArray, settings: Settings, label: str = ""
) -> list[Statistic]:
    name = label or table.annotators[column]
    said = table.codes[:, column]
    rows = [accuracy(said, truth, table.clusters, name)]
    if table.level in ("nominal", "ordinal"):
        rows += [
            macro(
                average,
                said,
                truth,
                table.clusters,
                table.n_categories,
                name,
                replicates=settings.replicates,
                seed=settings.seed,
            )
            for average in ("precision", "recall", "f1")
        ]
    return rows


def _orders_section(table: RatingTable, orders: Sequence[OrderVerdicts]) -> list[Section]:
    rows = []
    truth = truth_of(table)
    for verdicts in orders:
        if truth is not None:
            rows.append(accuracy_both_orders(verdicts, truth[0]))
        rows += [
            positional_agreement(verdicts),
            swap_flip_rate(verdicts),
            first_pick_rate(verdicts),
        ]
    return [
        Section(
            "Position bias: the same pairs in both orders",
            tuple(rows),
            ("first_pick_rate of a judge without position bias is .5.",),
        )
    ]


def _ties_section(table: RatingTable) -> list[Section]:
    if table.tie is None or not table.humans:
        return []
    rows = []
    for name, part in (("ties_kept", table), ("ties_removed", table.without_category(table.tie))):
        people = part.label_counts(part.humans)
        rows.append(
            vote_agreement(
                people, people, part.clusters, "people among themselves", f"vote_agreement_{name}"
            )
        )
        for judge in part.judges:
            rows.append(
                vote_agreement(
                    part.label_counts([judge]),
                    people,
                    part.clusters,
                    f"{part.annotators[judge]} - people",
                    f"vote_agreement_{name}",
                )
            )
    return [
        Section(
            "Agreement of votes, ties kept and removed",
            tuple(rows),
            ("Chance that two votes on one item agree (Zheng et al. 2023, S1 and S2).",),
        )
    ]


def _ceiling_section(table: RatingTable) -> list[Section]:
    people = table.humans
    if len(people) < 2 or table.level in ("interval", "ratio"):
        return []
    c = table.n_categories
    rows = pairwise_agreement(table, people) if len(people) <= 10 else []
    rows.append(human_ceiling(table.codes, people, table.clusters, c))
    if len(people) <= 10:
        rows += leave_one_out(table.codes, people, table.clusters, table.annotators, c)
    rows += [
        against_the_rest(table.codes, judge, people, table.clusters, table.annotators[judge], c)
        for judge in table.judges
    ]
    return [
        Section(
            "The human ceiling",
            tuple(rows),
            (
                "A judge cannot be asked to agree with people more than they agree with each other."
                " Where the rest ties between k labels, each of them counts 1/k.",
            ),
        )
    ]


def _pairs(table: RatingTable, first: IntArray, second: IntArray) -> Pairs:
    return pairs_of(first, second, table.clusters, table.n_categories)


def _kappa(
    table: RatingTable,
    pairs: Pairs,
    annotators: str,
    settings: Settings,
    weighting: Weighting = "identity",
) -> Statistic:
    return cohen_kappa(
        pairs,
        annotators,
        weighting=weighting,
        values=table.values,
        replicates=settings.replicates,
        seed=settings.seed,
    )


def _pair_sections(table: RatingTable, settings: Settings) -> list[Section]:
    named: list[tuple[str, IntArray, IntArray]] = []
    notes = []
    people, judges = table.humans, table.judges
    human_pairs = [(i, j) for k, i in enumerate(people) for j in people[k + 1 :]]
    judge_pairs = [(i, j) for k, i in enumerate(judges) for j in judges[k + 1 :]]
    for what, pairs in (("people", human_pairs), ("judges", judge_pairs)):
        if len(pairs) > MOST_PAIRS:
            notes.append(f"The {len(pairs)} pairs of {what} are not listed one by one.")
            continue
        named += [
            (f"{table.annotators[i]} - {table.annotators[j]}", table.codes[:, i], table.codes[:, j])
            for i, j in pairs
        ]
    truth = truth_of(table)
    if truth is not None:
        named += [
            (f"{table.annotators[j]} - {truth[1]}", table.codes[:, j], truth[0]) for j in judges
        ]
    weightings: tuple[Weighting, ...] = ("identity",)
    if table.level != "nominal":
        weightings = ("linear", "quadratic")
        if table.level == "ordinal":
            weightings = ("identity", *weightings)
    rows = [
        _kappa(table, _pairs(table, first, second), label, settings, weighting)
        for label, first, second in named
        for weighting in weightings
    ]
    return [Section("Two by two: Cohen's kappa", tuple(rows), tuple(notes))]


def _group_sections(table: RatingTable, settings: Settings) -> list[Section]:
    groups = [("people", table.humans), ("judges", table.judges)]
    if table.humans and table.judges:
        groups.append(("all annotators", tuple(range(len(table.annotators)))))
    rows: list[Statistic] = []
    for name, columns in groups:
        if len(columns) >= 2:
            rows += group_statistics(table, columns, name, settings)
    return [Section("All together: alpha, AC and kappa for many raters", tuple(rows))]


def group_statistics(
    table: RatingTable, columns: Sequence[int], name: str, settings: Settings = Settings()
) -> list[Statistic]:
    """Return the chance-corrected agreement of a group that its level of measurement allows.

    Args:
        table: The ratings.
        columns: Annotators of the group.
        name: Name of the group.
        settings: How to compute.
    """
    counts = table.label_counts(columns)
    rows = [
        krippendorff_alpha(
            counts,
            table.level,
            name,
            values=table.values,
            clusters=table.clusters,
            replicates=settings.replicates,
            seed=settings.seed,
        )
    ]
    if table.level in ("interval", "ratio"):
        return rows
    kinds: list[tuple[Any, Weighting]] = [("fleiss", "identity"), ("gwet", "identity")]
    if table.level == "ordinal":
        kinds += [("gwet", "linear"), ("gwet", "quadratic")]
    kinds.append(("brennan_prediger", "identity"))
    rows += [
        chance_corrected(
            counts,
            chance,
            name,
            clusters=table.clusters,
            weighting=weighting,
            replicates=settings.replicates,
            seed=settings.seed,
        )
        for chance, weighting in kinds
    ]
    return [*rows[:2], *_paradox(rows[1], rows[2]), *rows[3:]]


def _paradox(kappa: Statistic, ac1: Statistic) -> list[Statistic]:
    if kappa.value is None or ac1.value is None or abs(kappa.value - ac1.value) <= 0.2:
        return [ac1]
    return [ac1.caution(f"kappa is {kappa.value:.2f}: one category prevails, so look at both")]


def percent(value: float) -> str:
    """Return a share as the page shows it."""
    return f"{100 * value:.2f}%" if np.isfinite(value) else ""

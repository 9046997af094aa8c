"""Sections on judges: may they replace people, what moves them, may they be trusted?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from harness.agreement.alternative_annotator import (
    alternative_annotator_test,
    labels_that_decide,
    worse_than,
)
from harness.agreement.bias import (
    accuracy_both_orders,
    first_pick_rate,
    length_and_self_bias,
    position_coefficient,
    positional_agreement,
    right_in_both_orders,
    swap_flip_rate,
)
from harness.agreement.calibration import calibration
from harness.agreement.cascade import cascade
from harness.agreement.drift import anchor_hash, drift
from harness.agreement.kappa import cohen_kappa, pairs_of
from harness.agreement.panel import error_correlation, soft_label_distance
from harness.agreement.prediction_powered import label_budget, true_rate
from harness.agreement.settings import Section, Settings
from harness.nouns.biases import NOT_FOUND, bias_row
from harness.ratings.evidence import Evidence
from harness.ratings.table import RatingTable
from harness.statistics.arrays import FloatArray, IntArray, cluster_sums
from harness.statistics.estimate import Estimate, undefined

MOST_CATEGORIES = 5

Truth = tuple[IntArray, str] | None


def replacement(table: RatingTable, settings: Settings) -> list[Section]:
    """The alternative annotator test of every judge."""
    if not table.humans:
        return []
    rows: list[Estimate] = []
    for judge in table.judges:
        found = alternative_annotator_test(table, judge, settings.epsilon)
        rows += found
        if found[0].value is not None:
            rows.append(worse_than(table, judge, settings.epsilon))
            rows += labels_that_decide(table, judge, settings.epsilon)
    note = "Alternative annotator test (Calderon et al. 2025), Benjamini-Yekutieli at q = .05."
    return [Section("May a judge replace a person?", tuple(rows), (note,))]


def powered(table: RatingTable, truth: Truth) -> list[Section]:
    """The true rate of each category from few people's and many judge labels."""
    if truth is None:
        return []
    codes = truth[0]
    rows: list[Estimate] = []
    for judge in table.judges:
        judged = table.codes[:, judge]
        if not ((codes < 0) & (judged >= 0)).any() or not ((codes >= 0) & (judged >= 0)).any():
            continue
        share = np.bincount(codes[codes >= 0], minlength=table.n_categories)
        shown = [int(c) for c in np.argsort(-share, kind="stable")[:MOST_CATEGORIES] if share[c]]
        for category in sorted(shown):
            label = f"{table.categories[category]} | {table.annotators[judge]}"
            rows += true_rate(codes, judged, category, table.clusters, label)
    note = (
        "Prediction-powered inference (PPI++) holds if the items that people labelled are a random"
        " sample of all items."
    )
    return [Section("The true rate, from people and judges together", tuple(rows), (note,))]


def position(evidence: Evidence, truth: Truth) -> list[Section]:
    """First-pick rate, flips and the position coefficient of judges that saw both orders."""
    rows: list[Estimate] = []
    for verdicts in evidence.orders:
        if truth is not None:
            rows.append(accuracy_both_orders(verdicts, truth[0]))
            rows.append(right_in_both_orders(verdicts, truth[0]))
        rows += [
            positional_agreement(verdicts),
            swap_flip_rate(verdicts),
            first_pick_rate(verdicts),
            position_coefficient(verdicts, None if truth is None else truth[0]),
        ]
    notes = (
        "Without position bias the first-pick rate is .5 and the coefficient (log-odds for the"
        " first answer, Davidson's model) is 0.",
    )
    return [Section("Position bias: the same pairs in both orders", tuple(rows), notes)]


def other_biases(table: RatingTable, evidence: Evidence, truth: Truth) -> list[Section]:
    """Length bias and self-preference beyond what people prefer."""
    if truth is None or (evidence.length_gap is None and not evidence.own_family):
        return []
    sides = [c for c in range(table.n_categories) if c != table.tie]
    if len(sides) != 2:
        return []
    rows: list[Estimate] = []
    for judge in table.judges:
        rows += length_and_self_bias(
            table.codes[:, judge],
            truth[0],
            table.clusters,
            table.annotators[judge],
            (sides[0], sides[1], table.tie),
            evidence,
        )
    notes = (
        "Log-odds for the longer answer (tanh of the gap over its standard deviation) and for the"
        " judge's own family, at equal preference of people; 0 without bias.",
    )
    return [Section("Length bias and self-preference", tuple(rows), notes)]


def probed(evidence: Evidence) -> list[Section]:
    """What probes found of judges: the share of verdicts that each bias turns beyond a placebo."""
    rows = []
    for source, found in evidence.probes.items():
        for bias, turned in found.items():
            row = undefined(bias_row(bias), source, turned.bounds.reason)
            if turned.bounds.value is not None:
                ends = turned.bounds.value, turned.low, turned.high
                sizes = turned.bounds.n, turned.bounds.clusters
                row = Estimate(*ends, *sizes, name=row.name, annotators=source)
                row = row if turned.found else row.caution(NOT_FOUND)
            rows.append(row)
    note = (
        "The share of verdicts that a change turns beyond those that turn when the same question is"
        " asked again (harness probe-judge); the changed answer is no better."
    )
    return [Section("Biases beyond a placebo", tuple(rows), (note,))]


def consistency(table: RatingTable, evidence: Evidence, settings: Settings) -> list[Section]:
    """Test-retest kappa of annotators that were asked twice."""
    rows = []
    for name, again in evidence.retests.items():
        first = table.codes[:, table.column(name)]
        pairs = pairs_of(first, again, table.clusters, table.n_categories)
        row = cohen_kappa(pairs, name, bootstrap=settings.bootstrap)
        rows.append(replace(row, name="test_retest_kappa"))
    return [Section("Consistency: asked again", tuple(rows))]


def calibrated(
    table: RatingTable, evidence: Evidence, truth: Truth, settings: Settings
) -> list[Section]:
    """Calibration of stated probabilities, and the verdicts that may stand without a person."""
    if truth is None:
        return []
    rows: list[Estimate] = []
    accepted: list[Estimate] = []
    for name, stated in evidence.stated.items():
        right = rightness(table, name, truth[0])
        rows += calibration(stated, right, table.clusters, name, bootstrap=settings.bootstrap)
        accepted += cascade(stated, right, name, settings.risk)
    note = "Items count as independent; verdicts below the threshold go to people."
    return [
        Section("Calibration of stated probabilities", tuple(rows)),
        Section("Selective cascade: which verdicts may stand", tuple(accepted), (note,)),
    ]


def rightness(table: RatingTable, name: str, truth: IntArray) -> FloatArray:
    """Return (n,) 1 where an annotator is right, 0 where wrong, NaN where that is unknown."""
    codes = table.codes[:, table.column(name)]
    known = (codes >= 0) & (truth >= 0)
    return np.where(known, (codes == truth).astype(np.float64), np.nan)


def panel(table: RatingTable, truth: Truth, settings: Settings) -> list[Section]:
    """Error correlation, effective number of judges, distance to people's spread of labels."""
    sections = []
    if truth is not None and len(table.judges) >= 2:
        rows = error_correlation(table, table.judges, truth[0], bootstrap=settings.bootstrap)
        sections.append(Section("The panel: do judges err together?", tuple(rows)))
    if len(table.humans) >= 2 and table.judges and table.level in ("nominal", "ordinal"):
        people = table.label_counts(table.humans)
        groups = [([judge], table.annotators[judge]) for judge in table.judges]
        if len(groups) > 1:
            groups.append(([*table.judges], "all judges' votes"))
        found = [
            row
            for judges, name in groups
            for row in soft_label_distance(people, table.label_counts(judges), table.clusters, name)
        ]
        title = "Soft labels: judges against the spread of people's labels"
        note = "0 is the same distribution; a single label is far from divided people."
        sections.append(Section(title, tuple(found), (note,)))
    return sections


def drifted(table: RatingTable, evidence: Evidence, truth: Truth) -> list[Section]:
    """Changes between two versions of a judge on the items of the table."""
    if not evidence.drifts:
        return []
    codes = truth[0] if truth else np.full(len(table.items), -1, dtype=np.int64)
    rows: list[Estimate] = []
    for old, new in evidence.drifts:
        before, after = (table.codes[:, table.column(name)] for name in (old, new))
        rows += drift(before, after, codes, table.clusters, f"{old} -> {new}")
    labels = ["" if code < 0 else table.categories[code] for code in codes]
    pinned = anchor_hash(table.items, labels)
    note = f"Anchor set of {len(table.items)} items, sha256 {pinned[:16]}: compare like with like."
    return [Section("Drift between versions", tuple(rows), (note,))]


def budget(table: RatingTable, truth: Truth, settings: Settings) -> list[Section]:
    """How many labels of people the rate of the commonest category needs."""
    if truth is None or table.level not in ("nominal", "ordinal") or not table.judges:
        return []
    codes = truth[0]
    known = codes >= 0
    if known.sum() < 10:
        return []
    category = int(np.bincount(codes[known]).argmax())
    indicator = (codes[known] == category).astype(np.float64)
    rate = float(indicator.mean())
    effect = design_effect(indicator, table.clusters[known])
    rows = []
    for judge in table.judges:
        judged = table.codes[:, judge]
        both = known & (judged >= 0)
        y, f = (codes[both] == category).astype(float), (judged[both] == category).astype(float)
        if y.size < 10 or y.std() == 0 or f.std() == 0:
            continue
        rho = float(np.corrcoef(y, f)[0, 1])
        plan = label_budget(settings.half_width, rate=rate, correlation=rho, design_effect=effect)
        rows.append(
            Estimate(
                float(plan.with_judge),
                n=int(both.sum()),
                clusters=int(np.unique(table.clusters[both]).size),
                reason=f"people's labels for +-{settings.half_width:g} of the rate of"
                f" {table.categories[category]!r} with this judge (rho {rho:.2f}, design effect"
                f" {effect:.2f}); {plan.humans_only} without; a design figure, no interval",
                name="label_budget",
                annotators=table.annotators[judge],
            )
        )
    return [Section("Label budget", tuple(rows))]


def design_effect(values: FloatArray, clusters: IntArray) -> float:
    """Return the variance of a mean over clusters against that over independent items."""
    sums, spread = cluster_sums(values - values.mean(), clusters), float(values.var())
    if sums.size < 2 or spread == 0:
        return 1.0
    return max(1.0, sums.size / (sums.size - 1) * float(sums @ sums) / (values.size * spread))

"""The agreement report as tables: the same rows, words and digits wherever they are printed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from harness.nouns.biases import BIASES, bias_row
from harness.nouns.counted import counted
from harness.report.blocks import Bullets
from harness.report.tables import Cell, Column, Kind, Table, Value
from harness.report.wording import Names, count, join, percent, reasons

if TYPE_CHECKING:
    from harness.agreement.audit import Audit, Coverage
    from harness.agreement.settings import Section
    from harness.statistics.estimate import Estimate

MOST_CATEGORIES = 12
"""Categories whose prevalence is listed."""

STATISTICS: Mapping[str, tuple[str, Kind]] = {
    "accuracy": ("accuracy", "share"),
    "accuracy_both_orders": ("accuracy over both orders", "share"),
    "accuracy_or_tie": ("accuracy, a said tie is right", "share"),
    "alt_test_advantage": ("advantage", "estimate"),
    "alt_test_omega": ("winning rate omega", "estimate"),
    "alt_test_labels": ("labels that would decide", "count"),
    "alt_test_worse": ("people shown to do better", "estimate"),
    "alt_test_rho": ("average advantage rho", "estimate"),
    "bias_index": ("bias index", "estimate"),
    "brennan_prediger": ("Brennan-Prediger kappa", "estimate"),
    "brier": ("Brier score", "estimate"),
    "brier_reliability": ("Brier score, reliability", "estimate"),
    "brier_resolution": ("Brier score, resolution", "estimate"),
    "brier_uncertainty": ("Brier score, uncertainty", "estimate"),
    "cascade_coverage": ("verdicts that may stand", "share"),
    "cascade_risk": ("wrong among those", "share"),
    "cohen_kappa": ("Cohen's kappa", "estimate"),
    "mean_cohen_kappa": ("Cohen's kappa, mean over pairs of people", "estimate"),
    "cohen_kappa_linear": ("Cohen's kappa, linear weights", "estimate"),
    "cohen_kappa_quadratic": ("Cohen's kappa, quadratic weights", "estimate"),
    "concordance": ("Lin's concordance", "estimate"),
    "cross_entropy": ("cross-entropy", "estimate"),
    "drift_accuracy": ("change of accuracy", "estimate"),
    "drift_changed": ("verdicts that changed", "estimate"),
    "ece": ("expected calibration error", "estimate"),
    "effective_judges": ("effective number of judges", "estimate"),
    "error_correlation": ("correlation of errors", "estimate"),
    "f1": ("F1 of a label", "share"),
    "first_pick_rate": ("first-pick rate", "share"),
    "fleiss_kappa": ("Fleiss' kappa", "estimate"),
    "gwet_ac1": ("Gwet's AC1", "estimate"),
    "gwet_ac2_linear": ("Gwet's AC2, linear weights", "estimate"),
    "gwet_ac2_quadratic": ("Gwet's AC2, quadratic weights", "estimate"),
    "human_ceiling": ("human ceiling", "share"),
    "icc1": ("ICC(1,1)", "estimate"),
    "icc1k": ("ICC(1,k)", "estimate"),
    "icc2": ("ICC(2,1)", "estimate"),
    "icc2k": ("ICC(2,k)", "estimate"),
    "icc3": ("ICC(3,1)", "estimate"),
    "icc3k": ("ICC(3,k)", "estimate"),
    "jensen_shannon_distance": ("Jensen-Shannon distance", "estimate"),
    "judge_against_rest": ("agreement with the rest", "share"),
    "krippendorff_alpha_interval": ("Krippendorff's alpha, interval", "estimate"),
    "krippendorff_alpha_nominal": ("Krippendorff's alpha, nominal", "estimate"),
    "krippendorff_alpha_ordinal": ("Krippendorff's alpha, ordinal", "estimate"),
    "krippendorff_alpha_ratio": ("Krippendorff's alpha, ratio", "estimate"),
    "label_budget": ("labels of people needed", "count"),
    "length_bias": ("length bias", "estimate"),
    "macro_f1": ("macro F1", "share"),
    "macro_precision": ("macro precision", "share"),
    "macro_recall": ("macro recall", "share"),
    "pearson_r": ("Pearson's r", "estimate"),
    "percent_agreement": ("share of equal labels", "share"),
    "person_against_rest": ("agreement with the rest", "share"),
    "position_coefficient": ("position coefficient", "estimate"),
    "positional_agreement": ("positional agreement", "share"),
    "ppi_effective_labels": ("effective number of labels", "mean"),
    "ppi_rate": ("true rate, PPI++", "estimate"),
    "prevalence_index": ("prevalence index", "estimate"),
    "right_in_both_orders": ("right in both orders", "share"),
    "rogan_gladen_rate": ("true rate, Rogan-Gladen", "estimate"),
    "scott_pi": ("Scott's pi", "estimate"),
    "self_preference": ("self-preference", "estimate"),
    "swap_flip_rate": ("swap-flip rate", "share"),
    "test_retest_kappa": ("test-retest kappa", "estimate"),
    "vote_agreement_ties_kept": ("agreement of votes, ties kept", "share"),
    "vote_agreement_ties_removed": ("agreement of votes, ties removed", "share"),
    **{bias_row(name): (f"{name}, beyond a placebo", "share") for name in BIASES},
}
"""Name of a statistic in JSON -> its name in words, and how its numbers are rounded."""


def in_words(statistic: str) -> str:
    """Return how a statistic is called on every page; a plugin's own is called by its name."""
    return STATISTICS.get(statistic, (statistic, "estimate"))[0]


def labels(audit: Audit, names: Names) -> list[Bullets | Table]:
    """Return what is in the data before any statistic: sizes, ties, prevalence, coverage."""
    people = [
        f"{counted(items, 'item')} with {number}" for number, items in audit.humans_per_item.items()
    ]
    ties = f"{counted(audit.majority_ties, 'item')} {'has' if audit.majority_ties == 1 else 'have'}"
    ties += " no majority of people: a tie stays a tie."
    shares = [f"{label} {percent(share, 1)}" for label, share in audit.prevalence.items()]
    many = f"{count(len(shares))} different labels."
    lines = [
        f"{counted(audit.n_items, 'item')} in {counted(audit.n_clusters, 'independent group')},"
        f" {counted(len(audit.coverage), 'annotator')}.",
        names.prose(f"Labels of people per item: {join(people)}.") if people else "",
        names.prose(ties) if audit.majority_ties else "",
        f"Labels: {join(shares)}." if len(shares) <= MOST_CATEGORIES else many,
    ]
    coverage = Table.of(
        "Coverage",
        audit.coverage,
        [
            ("annotator", "text", lambda one: names.source(one.annotator)),
            ("kind", "text", lambda one: one.kind),
            ("labels", "count", lambda one: one.labels),
            ("failed", "count", lambda one: Cell(one.failed, tone="warn" if one.failed else "")),
            ("missing", "count", lambda one: one.missing),
            ("coverage", "count", _coverage),
            ("failures by reason", "text", lambda one: reasons(one.failures)),
        ],
    )
    return [Bullets([line for line in lines if line]), coverage]


def _coverage(one: Coverage) -> str:
    return f"{one.labels}/{one.labels + one.failed} {percent(one.share, 1)}"


PER_PERSON = ("alt_test_advantage", "person_against_rest")
"""Statistics with a row for each person; a crowd has many."""


def statistics(sections: Iterable[Section], names: Names, most: int | None = None) -> list[Table]:
    """Return one table for each section of the agreement report.

    ``most`` is how many people are listed of a statistic that has a row for each (of a judge); how
    many more there are stands below. None lists all.
    """
    columns = [
        *Column.each("text", "statistic", "annotators"),
        *Column.each("estimate", "value", "95% interval"),
        *Column.each("count", "items", "clusters"),
        Column("note", "note"),
    ]
    found = []
    for section in sections:
        rows, more = _listed(section.statistics, most)
        notes = [names.prose(note) for note in (*more, *section.notes)]
        body = [_row(row, names) for row in rows]
        if not any(isinstance(row[-1], Cell) and row[-1].value for row in body):  # nothing to note
            body = [row[:-1] for row in body]
        heads = columns[: len(body[0])] if body else columns
        found.append(Table(names.prose(section.title), heads, body, notes))
    return found


def _listed(rows: Sequence[Estimate], most: int | None) -> tuple[list[Estimate], list[str]]:
    """Return the rows that are listed, and what is said of those that are not."""
    if most is None:
        return list(rows), []
    kept, number = [], Counter[tuple[str, str]]()
    for row in rows:
        of = row.name, row.annotators.partition(" over ")[0] if " over " in row.annotators else ""
        number[of] += 1
        if row.name not in PER_PERSON or number[of] <= most:
            kept.append(row)
    more = [
        f"{count(n - most)} more people: {in_words(name)}{f' of {who}' if who else ''}; --json and"
        " --html list all."
        for (name, who), n in number.items()
        if name in PER_PERSON and n > most
    ]
    return kept, more


def _row(row: Estimate, names: Names) -> list[Cell | Value]:
    kind = STATISTICS.get(row.name, ("", "estimate"))[1]
    status = "" if row.status == "ok" else row.status.replace("_", " ")
    note = ": ".join(part for part in (status, row.reason) if part)
    return [
        in_words(row.name),
        names.sentence(row.annotators),
        Cell(status if row.value is None else row.value, "", "muted" if status else "", kind=kind),
        Cell((row.low, row.high), kind=kind),
        row.n,
        row.clusters or "",
        Cell(names.prose(note), tone="warn" if status else "muted"),
    ]

"""What ``harness aggregate`` prints: labels, preferences or strengths, and who gave them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.aggregate import AggregationResult, Ranking
from harness.aggregate.labels import LabelResult
from harness.aggregate.numbers import NumberResult
from harness.nouns.counted import counted
from harness.report.agreement_tables import in_words
from harness.report.blocks import Text, noted
from harness.report.tables import Column, Kind, Table
from harness.statistics.estimate import Estimate

MOST = 30
"""Annotators that a terminal shows."""


def blocks(
    result: LabelResult | NumberResult | AggregationResult | Ranking, method: str
) -> list[Text | Table]:
    """Return what is printed of a result of the method with that name."""
    if isinstance(result, Ranking):
        return _ranking(result, method)
    if isinstance(result, AggregationResult):
        return _judgments(result, method)
    return _numbers(result) if isinstance(result, NumberResult) else _labels(result)


def _labels(result: LabelResult) -> list[Text | Table]:
    table, fit, label = result.table, result.posterior, result.label
    given = (table.codes >= 0).sum(0)
    tally = np.bincount(label[label >= 0], minlength=table.n_categories)
    shares = ", ".join(
        f"{_short(name)} {n}" for name, n in list(zip(table.categories, tally, strict=True))[:12]
    )
    said = (
        f"{_lead(result)} {counted(int(given.sum()), 'label')} to {shares};"
        f" {counted(int((result.voted & (label < 0)).sum()), 'tie')},"
        f" {int((~result.voted).sum())} without a label"
    )
    rows = []
    voted = fit.probabilities[result.voted]
    share = voted.mean(0) if voted.size else fit.prior
    for name, n, own in list(zip(table.annotators, given, fit.confusion, strict=True))[:MOST]:
        matrix = "; ".join(
            f"{_short(true)}: " + " ".join(f"{p:.2f}" for p in own[k])
            for k, true in enumerate(table.categories)
        )
        truth = float(share @ np.diagonal(own))
        rows.append((name, int(n), truth, matrix if table.n_categories <= 4 else "(see --json)"))
    columns: Sequence[Column | str] = (
        "annotator",
        Column("labels", "count"),
        Column("says the truth", "percent"),
        "confusion: true category: what is said",
    )
    found: list[Text | Table] = [Text(said, "strong"), *noted(result.notes)]
    left = len(table.annotators) - MOST
    more = (f"{counted(left, 'more annotator')}: see --json",) if left > 0 else ()
    found.append(Table("Annotators", columns, rows, more))
    if result.scores:
        held = [
            (row.annotators, row.status if row.value is None else row.value, (row.low, row.high),
             row.n, row.reason)
            for row in result.scores[: MOST + 1]
        ]  # fmt: skip
        heads: Sequence[Column | str] = (
            "who",
            *Column.each("share", "accuracy", "95% interval"),
            Column("n", "count"),
            Column("why", "note"),
        )
        found.append(Table("Accuracy against gold", heads, held))
        found.append(_against_gold("F1 against gold", result.f1, "share"))
    return found


def _lead(result: LabelResult | NumberResult) -> str:
    items, people = len(result.table.items), len(result.table.annotators)
    return f"{result.method}: {counted(items, 'item')}, {counted(people, 'annotator')},"


def _short(label: str) -> str:
    return label if len(label) <= 40 else f"{label[:40]}..."


def _against_gold(title: str, rows: Sequence[Estimate], kind: Kind) -> Table:
    columns: Sequence[Column | str] = (
        "statistic",
        "who",
        *Column.each(kind, "value", "95% interval"),
        Column("n", "count"),
        Column("note", "note"),
    )
    shown = [
        (in_words(row.name), row.annotators, row.status if row.value is None else row.value,
         (row.low, row.high), row.n, row.reason)
        for row in rows[: 2 * (MOST + 1)]
    ]  # fmt: skip
    left = len(rows) - len(shown)
    return Table(
        title, columns, shown, (f"{counted(left, 'more row')}: see --json",) if left > 0 else ()
    )


def _numbers(result: NumberResult) -> list[Text | Table]:
    table, known = result.table, result.value[~np.isnan(result.value)]
    about = (
        f" between {known.min():g} and {known.max():g}, mean {known.mean():g}" if known.size else ""
    )
    said = (
        f"{_lead(result)} {counted(int(result.counts.sum()), 'number')};"
        f" {counted(known.size, 'value')}{about};"
        f" {counted(result.value.size - known.size, 'item')} without a number"
    )
    rows = [
        (name, int((~np.isnan(own)).sum()), None if np.isnan(own).all() else float(np.nanmean(own)))
        for name, own in list(zip(table.annotators, table.numbers.T, strict=True))[:MOST]
    ]
    left = len(table.annotators) - MOST
    columns: Sequence[Column | str] = (
        "annotator",
        Column("numbers", "count"),
        Column("mean", "rate"),
    )
    more = (counted(left, "more annotator"),) if left > 0 else ()
    found: list[Text | Table] = [Text(said, "strong"), *noted(result.notes)]
    found.append(Table("Annotators", columns, rows, more))
    if result.scores:
        found.append(_against_gold("Agreement with the gold numbers", result.scores, "estimate"))
    return found


def _judgments(result: AggregationResult, method: str) -> list[Text | Table]:
    known = sum(reward.value is not None for reward in result.rewards)
    unused = ", ".join(f"{n} {reason}" for reason, n in result.unused.items()) or "none"
    said = (
        f"{method}: {counted(len(result.preferences), 'preference')} (pairs without one: {unused});"
        f" rewards of {known:,} of {counted(len(result.rewards), 'response')}"
    )
    rows = [
        (who.source, who.annotator, who.weight, who.n,
         ", ".join(f"{reason} {n}" for reason, n in who.failures.items()),
         f"{who.flipped}/{who.both_orders}" if who.both_orders else "")
        for who in result.annotators[:MOST]
    ]  # fmt: skip
    columns: Sequence[Column | str] = (
        "source",
        "annotator",
        Column("weight", "score"),
        Column("verdicts", "count"),
        "failures",
        "changed with the order",
    )
    return [Text(said, "strong"), *noted(result.notes), Table("Annotators", columns, rows)]


def _ranking(ranking: Ranking, method: str) -> list[Text | Table]:
    said = (
        f"{method}: {counted(ranking.n, 'comparison')} in {counted(ranking.clusters, 'cluster')};"
        " strengths in log-odds against the mean system"
    )
    rows = [(s.system, s.value, (s.low, s.high), s.elo, s.n) for s in ranking.strengths]
    columns = [
        Column("system"),
        *Column.each("rate", "strength", "95% interval"),
        *Column.each("count", "Elo", "comparisons"),
    ]
    what = {"position": "standing first", "length": "being longer"}
    effects = [
        Text(
            f"{what[name]}: {value:+.3f} log-odds"
            + (" (no interval)" if low is None else f" ({low:+.3f} to {high:+.3f})")
        )
        for name, (value, low, high) in ranking.effects.items()
    ]
    notes = [no_winner(ranking.left_out)] if ranking.left_out else []
    return [Text(said, "strong"), Table("", columns, rows, notes), *effects]


def no_winner(rows: int) -> str:
    """Return what is said of comparisons that name no winner."""
    return f"{rows:,} {'row has' if rows == 1 else 'rows have'} no winner: left out"

"""What ``harness aggregate`` prints: labels, preferences or strengths, and who gave them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.aggregate import AggregationResult, Ranking
from harness.aggregate.labels import LabelResult
from harness.report.blocks import Text
from harness.report.tables import Table
from harness.statistics.arrays import FloatArray

MOST = 30
"""Annotators that a terminal shows."""


def blocks(result: LabelResult | AggregationResult | Ranking, method: str) -> list[Text | Table]:
    """Return what is printed of a result."""
    if isinstance(result, Ranking):
        return _ranking(result, method)
    if isinstance(result, AggregationResult):
        return _judgments(result, method)
    return _labels(result)


def _notes(notes: tuple[str, ...]) -> list[Text]:
    return [Text(note, "warn" if note.startswith("warning") else "muted") for note in notes]


def _labels(result: LabelResult) -> list[Text | Table]:
    table, fit, label = result.table, result.posterior, result.label
    given = (table.codes >= 0).sum(0)
    counted = np.bincount(label[label >= 0], minlength=table.n_categories)
    shares = ", ".join(
        f"{name} {n}" for name, n in list(zip(table.categories, counted, strict=True))[:12]
    )
    said = (
        f"{result.method}: {len(table.items)} items, {len(table.annotators)} annotators,"
        f" {int(given.sum())} labels to {shares}; {int((result.voted & (label < 0)).sum())} ties,"
        f" {int((~result.voted).sum())} without a label"
    )
    few = table.n_categories <= 4
    annotators = list(zip(table.annotators, given.tolist(), fit.confusion, strict=True))
    left = len(annotators) - MOST
    found: list[Text | Table] = [Text(said, "strong"), *_notes(result.notes)]
    found.append(
        Table.of(
            "Annotators",
            annotators[:MOST],
            [
                ("annotator", "text", lambda one: one[0]),
                ("labels", "count", lambda one: one[1]),
                ("says the truth", "percent", lambda one: float(fit.prior @ np.diagonal(one[2]))),
                (
                    "confusion: true category: what is said",
                    "text",
                    lambda one: _matrix(one[2], table.categories) if few else "(see --json)",
                ),
            ],
            [f"{left} more annotators: see --json"] if left > 0 else [],
        )
    )
    if result.scores:
        found.append(
            Table.of(
                "Accuracy against gold",
                result.scores[: MOST + 1],
                [
                    ("who", "text", lambda row: row.annotators),
                    ("accuracy", "share", lambda r: r.status if r.value is None else r.value),
                    ("95% interval", "share", lambda row: (row.low, row.high)),
                    ("n", "count", lambda row: row.n),
                    ("why", "note", lambda row: row.reason),
                ],
            )
        )
    return found


def _matrix(confusion: FloatArray, categories: Sequence[str]) -> str:
    return "; ".join(
        f"{true}: " + " ".join(f"{p:.2f}" for p in row)
        for true, row in zip(categories, confusion, strict=True)
    )


def _judgments(result: AggregationResult, method: str) -> list[Text | Table]:
    known = sum(reward.value is not None for reward in result.rewards)
    unused = ", ".join(f"{n} {reason}" for reason, n in result.unused.items()) or "none"
    said = (
        f"{method}: {len(result.preferences)} preferences (pairs without one: {unused});"
        f" rewards of {known} of {len(result.rewards)} responses"
    )
    annotators = Table.of(
        "Annotators",
        result.annotators[:MOST],
        [
            ("source", "text", lambda who: who.source),
            ("annotator", "text", lambda who: who.annotator),
            ("weight", "score", lambda who: who.weight),
            ("verdicts", "count", lambda who: who.n),
            (
                "failures",
                "text",
                lambda who: ", ".join(f"{w} {n}" for w, n in who.failures.items()),
            ),
            (
                "changed with the order",
                "text",
                lambda who: f"{who.flipped}/{who.both_orders}" if who.both_orders else "",
            ),
        ],
    )
    return [Text(said, "strong"), *_notes(result.notes), annotators]


def _ranking(ranking: Ranking, method: str) -> list[Text | Table]:
    said = (
        f"{method}: {ranking.n} comparisons in {ranking.clusters} clusters; strengths in log-odds"
        " against the mean system"
    )
    strengths = Table.of(
        "",
        ranking.strengths,
        [
            ("system", "text", lambda one: one.system),
            ("strength", "rate", lambda one: one.value),
            ("95% interval", "rate", lambda one: (one.low, one.high)),
            ("Elo", "count", lambda one: one.elo),
            ("comparisons", "count", lambda one: one.n),
        ],
    )
    what = {"position": "standing first", "length": "being longer"}
    effects = [
        Text(f"{what[name]}: {value:+.3f} log-odds ({low:+.3f} to {high:+.3f})")
        for name, (value, low, high) in ranking.effects.items()
    ]
    return [Text(said, "strong"), strengths, *effects]

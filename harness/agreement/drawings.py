"""The numbers behind the plots of the agreement page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from harness.agreement.calibration import Bin, reliability
from harness.agreement.report import AgreementReport, truth_of
from harness.agreement.sections import rightness
from harness.statistics.arrays import IntArray

MOST_CATEGORIES = 12
MOST_ANNOTATORS = 12
FEWEST = 30
"""Verdicts with a stated probability that a reliability diagram needs."""


@dataclass(frozen=True, slots=True)
class Confusion:
    """What a judge says, by the truth.

    Args:
        annotator: The judge.
        truth: What it is held against: gold, or the majority of people.
        counts: counts[truth][label], both in the order of the table's categories.
    """

    annotator: str
    truth: str
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Drawings:
    """What is drawn beside the statistics; empty where there is too much of it to draw.

    Args:
        categories: The labels, in the order of the counts.
        labels: Annotator -> number of labels of each category.
        confusion: One for each judge.
        reliability: Judge -> bins of its stated probabilities.
    """

    categories: tuple[str, ...]
    labels: Mapping[str, tuple[int, ...]]
    confusion: tuple[Confusion, ...]
    reliability: Mapping[str, tuple[Bin, ...]]


def drawings(report: AgreementReport) -> Drawings:
    """Return label distributions, confusion matrices and reliability diagrams of a report."""
    table, evidence = report.table, report.evidence
    c = table.n_categories
    if c > MOST_CATEGORIES:
        return Drawings((), {}, (), {})
    labels = {
        name: _counts(codes[codes >= 0], c)
        for name, codes in zip(table.annotators[:MOST_ANNOTATORS], table.codes.T, strict=False)
    }
    truth = truth_of(table)
    if truth is None:
        return Drawings(table.categories, labels, (), {})
    confusion = []
    for column in table.judges[:MOST_ANNOTATORS]:
        said = table.codes[:, column]
        rows = tuple(_counts(said[(said >= 0) & (truth[0] == code)], c) for code in range(c))
        confusion.append(Confusion(table.annotators[column], truth[1], rows))
    diagrams = {}
    for name, stated in evidence.stated.items():
        right = rightness(table, name, truth[0])
        usable = ~(np.isnan(stated) | np.isnan(right))
        if usable.sum() >= FEWEST:
            diagrams[name] = tuple(reliability(stated[usable], right[usable]))
    return Drawings(table.categories, labels, tuple(confusion), diagrams)


def _counts(codes: IntArray, categories: int) -> tuple[int, ...]:
    return tuple(np.bincount(codes, minlength=categories).tolist())

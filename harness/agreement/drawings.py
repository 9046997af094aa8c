"""The numbers behind the plots of the agreement page, as plain values."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.agreement.calibration import reliability
from harness.agreement.report import AgreementReport, truth_of
from harness.agreement.sections import rightness

MOST_CATEGORIES = 12
MOST_ANNOTATORS = 12


def drawings(report: AgreementReport) -> dict[str, Any]:
    """Return label distributions, confusion matrices and reliability diagrams.

    Args:
        report: A computed report.

    Returns:
        ``labels``: annotator -> category -> number of labels; ``confusion``: one entry for each
        judge with counts[truth][label]; ``reliability``: one entry for each judge with bins. Empty
        where there are too many categories or annotators to draw.
    """
    table, evidence = report.table, report.evidence
    found: dict[str, Any] = {"labels": {}, "confusion": [], "reliability": []}
    if table.n_categories > MOST_CATEGORIES:
        return found
    shown = range(min(len(table.annotators), MOST_ANNOTATORS))
    for column in shown:
        codes = table.codes[:, column]
        counts = np.bincount(codes[codes >= 0], minlength=table.n_categories)
        found["labels"][table.annotators[column]] = {
            label: int(n) for label, n in zip(table.categories, counts, strict=True)
        }
    truth = truth_of(table)
    if truth is None:
        return found
    c = table.n_categories
    for column in table.judges[:MOST_ANNOTATORS]:
        said = table.codes[:, column]
        both = (said >= 0) & (truth[0] >= 0)
        counts = np.bincount(truth[0][both] * c + said[both], minlength=c * c).reshape(c, c)
        found["confusion"].append(
            {
                "annotator": table.annotators[column],
                "truth": truth[1],
                "categories": list(table.categories),
                "counts": counts.tolist(),
            }
        )
    for name, stated in evidence.stated.items():
        right = rightness(table, name, truth[0])
        usable = ~(np.isnan(stated) | np.isnan(right))
        if usable.sum() < 30:
            continue
        bins = reliability(stated[usable], right[usable])
        found["reliability"].append(
            {
                "annotator": name,
                "bins": [
                    {"stated": b.stated, "observed": b.observed, "low": b.low, "high": b.high,
                     "n": b.n}
                    for b in bins
                ],
            }
        )  # fmt: skip
    return found

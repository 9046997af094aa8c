"""What a source said, in counts: the verdicts of ``harness judge`` on a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from statistics import fmean

from harness.nouns.counted import counted
from harness.nouns.scale import BINARY, PREFERENCE, Scale
from harness.nouns.schema import Judgment, Way
from harness.report.blocks import Text
from harness.report.tables import Column, Table
from harness.report.wording import count, number

_LISTED = 12
"""Labels of a scale that are listed where nobody gave them."""


def verdicts(judgments: Iterable[Judgment], way: Way, scale: Scale | None) -> Table | Text | None:
    """Return how often each verdict was given, or mean and range of scores; failures are left out.

    Args:
        judgments: Of one source.
        way: How it judged.
        scale: Of a single response.

    Returns:
        None where there is no verdict.
    """
    given = [one.verdict.value for one in judgments if one.verdict.value is not None]
    if not given:
        return None
    if way == "listwise":
        return Text(f"rankings: {count(len(given))}")
    scores = [float(value) for value in given if isinstance(value, int | float)]
    if way == "pointwise" and scale is not None and scale.is_numeric and len(scores) == len(given):
        low, high = number(min(scores)), number(max(scores))
        mean = number(fmean(scores))
        return Text(
            f"scores: mean {mean}, from {low} to {high}, of {counted(len(given), 'verdict')}"
        )
    found = Counter(_label(value) for value in given)
    labels = PREFERENCE.labels if way == "pairwise" else (scale or BINARY).labels
    if len(labels) > _LISTED:
        labels = tuple(label for label in labels if label in found)
    labels = (*labels, *sorted(set(found) - set(labels)))  # nothing is left out
    rows = [(label, found[label], found[label] / len(given)) for label in labels]
    notes = ("A is the first response of a pair as it stands in the file",)
    columns = Column("verdict"), Column("judgments", "count"), Column("share", "percent")
    return Table("", columns, rows, notes if way == "pairwise" else ())


def _label(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)

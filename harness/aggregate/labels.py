"""One label for each row of a plain table, with what is known of the annotators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from harness.aggregate.collapse import one_class
from harness.aggregate.methods import MODELS, votes_of
from harness.aggregate.models import described, excess_agreement
from harness.agreement.accuracy import accuracy, f1_of, macro
from harness.agreement.kappa import pairs_of
from harness.agreement.panel import error_correlation
from harness.nouns.errors import ScaleError
from harness.ratings.posterior import Aggregate, Posterior
from harness.ratings.table import RatingTable
from harness.statistics.arrays import IntArray
from harness.statistics.estimate import Estimate

EXCESS = 0.05
"""Agreement beyond what a model expects from which annotators are called correlated."""


@dataclass(frozen=True)
class LabelResult:
    """What a method made of a table of labels.

    Args:
        method: Its name.
        table: The labels.
        posterior: What it made of them, confusion matrices included.
        label: (n,) the likeliest category; -1 for a tie, and where nobody gave a label.
        scores: Accuracy of the method and of each annotator against gold labels, if there are any.
        f1: F1 of each of two labels against the gold ones, of more their mean, likewise.
        notes: What the method says of its fit, and where its probabilities are too sure.
    """

    method: str
    table: RatingTable
    posterior: Posterior
    label: IntArray
    scores: tuple[Estimate, ...]
    f1: tuple[Estimate, ...]
    notes: tuple[str, ...]

    @property
    def columns(self) -> list[str]:
        """Columns of ``rows``."""
        return ["item", "label", "probability", *(f"p:{name}" for name in self.table.categories)]

    @property
    def voted(self) -> Any:
        """(n,) whether anybody gave a label."""
        return (self.table.codes >= 0).any(1)

    def rows(self) -> list[dict[str, str]]:
        """Return item, label and the probability of each category; a tie has no label."""
        found = []
        for i, item in enumerate(self.table.items):
            row = {"item": item, "label": self._name(i) or ""}
            if self.voted[i]:
                chances = self.posterior.probabilities[i]
                values = [f"{chance:.6f}" for chance in (chances.max(), *chances)]
                row |= dict(zip(self.columns[2:], values, strict=True))
            found.append(row)
        return found

    def _name(self, row: int) -> str | None:
        code = int(self.label[row])
        return None if code < 0 else self.table.categories[code]

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values for JSON."""
        fit, level = self.posterior, self.posterior.log_likelihood
        return {
            "method": self.method,
            "categories": list(self.table.categories),
            "notes": list(self.notes),
            "log_likelihood": level if level == level else None,
            "prior": fit.prior.tolist(),
            "annotators": [
                {
                    "name": name,
                    "labels": int((self.table.codes[:, k] >= 0).sum()),
                    "confusion": fit.confusion[k].tolist(),
                }
                for k, name in enumerate(self.table.annotators)
            ],
            "accuracy": [row.as_row() for row in self.scores],
            "f1": [row.as_row() for row in self.f1],
            "items": [
                {
                    "item": item,
                    "label": self._name(i),
                    "probabilities": fit.probabilities[i].tolist(),
                }
                for i, item in enumerate(self.table.items)
            ],
        }


def aggregate_labels(
    name: str, method: Aggregate, table: RatingTable, weights: Mapping[str, float]
) -> LabelResult:
    """Make one label of many, for each row of a table.

    ``name`` is what the method is called; ``weights`` of annotators are 1 by default.

    Raises:
        ScaleError: The method cannot take the scale.
        DataError: The method misses something, such as gold labels.
    """
    votes = votes_of(table, name)
    fit = method(table, weights)
    if fit.probabilities.shape != (len(table.items), table.n_categories):
        raise ScaleError(f"{name} gives no probabilities of labels")
    if not fit.confusion.size:
        counted = described(votes, fit.probabilities)
        fit = replace(fit, confusion=counted.confusion, prior=counted.prior)
    label = np.where((table.codes >= 0).any(1), fit.decided(), -1)
    scores: list[Estimate] = []
    f1: list[Estimate] = []
    if table.gold is not None:
        for who, said in ((name, label), *zip(table.annotators, table.codes.T, strict=True)):
            scores.append(accuracy(said, table.gold, table.clusters, who))
            f1 += _f1(table, said, table.gold, who)
    notes = dict.fromkeys((*table.notes, *fit.notes))
    if name not in MODELS:  # these look themselves
        notes |= dict.fromkeys(one_class(name, table, fit))
    notes |= dict.fromkeys(_warnings(table, fit))
    return LabelResult(name, table, fit, label, tuple(scores), tuple(f1), tuple(notes))


def _f1(table: RatingTable, said: IntArray, gold: IntArray, who: str) -> list[Estimate]:
    pairs = pairs_of(said, gold, table.clusters, table.n_categories)
    if table.n_categories != 2:
        return [macro("f1", pairs, who)]
    return [f1_of(k, pairs, f"{who}: {category}") for k, category in enumerate(table.categories)]


def _warnings(table: RatingTable, fit: Posterior) -> list[str]:
    """Say where annotators err together, so that the probabilities are too sure."""
    notes = []
    k = len(table.annotators)
    # Shares of votes and what was learnt from gold labels take nothing for granted.
    is_model = bool(np.isfinite(fit.log_likelihood)) or fit.weights is not None
    if table.gold is not None and 2 <= k <= 50:
        row = error_correlation(table, range(k), table.gold, called="annotators")[-1]
        if row.value is not None and row.value < k / 2:
            notes.append(f"warning: {row.reason}")
    elif 2 <= k <= 200 and is_model:
        excess = excess_agreement(votes_of(table), fit)
        if np.isfinite(excess).any() and np.nanmax(excess) > EXCESS:
            i, j = np.unravel_index(np.nanargmax(excess), excess.shape)
            notes.append(
                f"warning: {table.annotators[i]} and {table.annotators[j]} agree"
                f" {np.nanmax(excess):.0%} more often than the model explains: some annotators err"
                " together (these two, or the others whom the model follows), so the probabilities"
                " are too sure; check with gold labels (--gold, --method stacking)"
            )
    if is_model and table.gold is None:
        notes.append(
            "probabilities take errors as independent; without gold labels that cannot be checked"
            " fully"
        )
    return notes

"""Signs that a model of annotators lost the truth: what it makes of labels against their majority.

With as few parameters as one accuracy for each annotator, the likelihood can be highest where all
items are of one class and the annotators are said to differ by chance.
"""

from __future__ import annotations

import numpy as np

from harness.aggregate.dawid_skene import Votes
from harness.ratings.posterior import Posterior
from harness.ratings.table import RatingTable
from harness.statistics.arrays import FloatArray


def majority_chances(votes: Votes) -> FloatArray:
    """Return (n_items, n_classes) 1 for the class with most votes, shared where several have."""
    return _most(votes.counts())


def _most(counts: FloatArray) -> FloatArray:
    best = counts >= counts.max(1, keepdims=True)
    return np.asarray(best / best.sum(1, keepdims=True))


def one_class(name: str, table: RatingTable, fit: Posterior, hint: str = "") -> list[str]:
    """Return a warning where a method gives all items one label though they have several.

    ``name`` is that of the method, ``hint`` what else than the majority vote may be used.
    """
    counts = table.label_counts()
    voted = counts.sum(1) > 0
    chosen = fit.decided()[voted]
    if (counts.sum(0) > 0).sum() < 2 or np.unique(chosen).size > 1 or chosen[0] < 0:
        return []
    most = _most(counts[voted].astype(np.float64))
    other = int((most[:, chosen[0]] == 0).sum())
    return [
        f"warning: {name} gives every item the label {table.categories[chosen[0]]!r}; the majority"
        f" vote gives {other} of {chosen.size} items another one"
        + (f": it collapsed to one class; use --method majority{hint}" if other else "")
    ]


def below_the_vote(name: str, table: RatingTable, fit: Posterior, at_votes: Posterior) -> list[str]:
    """Return a warning where a model leaves the majority vote and explains the labels worse.

    ``at_votes`` is the same model with parameters from the majority vote.
    """
    gap = at_votes.log_likelihood - fit.log_likelihood
    counts = table.label_counts().astype(np.float64)
    voted = np.flatnonzero(counts.sum(1) > 0)
    chosen = fit.decided()[voted]
    left = (chosen >= 0) & (_most(counts)[voted, chosen] == 0)
    if not (left.any() and gap > 1e-6 * max(1.0, abs(fit.log_likelihood))):
        return []
    return [
        f"warning: {name} explains the labels worse than the majority vote does (log-likelihood"
        f" {fit.log_likelihood:.4f} against {at_votes.log_likelihood:.4f}), and gives"
        f" {int(left.sum())} of {voted.size} items another label: use --method majority"
    ]

"""Verdicts of a pair in both orders: swap-flip rate, first-pick rate, repeated verdicts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from harness.agreement.accuracy import accuracy
from harness.ratings.orders import OrderVerdicts
from harness.statistics.arrays import IntArray
from harness.statistics.estimate import Estimate, undefined
from harness.statistics.intervals import cluster_share


def swap_flip_rate(verdicts: OrderVerdicts) -> Estimate:
    """Return the share of pairs whose verdict changes when the order is swapped."""
    return _in_both("swap_flip_rate", verdicts, verdicts.first_order != verdicts.second_order)


def positional_agreement(verdicts: OrderVerdicts) -> Estimate:
    """Return the share of pairs whose verdict is the same in both orders (Zeng et al. 2024)."""
    return _in_both("positional_agreement", verdicts, verdicts.first_order == verdicts.second_order)


def _in_both(name: str, verdicts: OrderVerdicts, counted: npt.NDArray[np.bool_]) -> Estimate:
    both = verdicts.both
    return cluster_share(
        name,
        verdicts.annotator,
        counted[both].astype(np.float64),
        verdicts.clusters[both],
        why_undefined="no pair was judged in both orders",
    )


def first_pick_rate(verdicts: OrderVerdicts) -> Estimate:
    """Return how often the answer that stood first won, among verdicts that were no tie.

    Pairs with a verdict in one order only take part: in balanced designs an unbiased judge has .5.
    """
    shares, groups = [], []
    for codes, first in ((verdicts.first_order, verdicts.a), (verdicts.second_order, verdicts.b)):
        decided = (codes == verdicts.a) | (codes == verdicts.b)
        shares.append((codes[decided] == first).astype(np.float64))
        groups.append(verdicts.clusters[decided])
    scores = np.concatenate(shares)
    if scores.size == 0:
        return undefined("first_pick_rate", verdicts.annotator, "no verdict prefers an answer")
    # Both orders of one pair are one cluster, whatever the table's clusters are.
    return cluster_share(
        "first_pick_rate", verdicts.annotator, scores, np.concatenate(groups), why_undefined=""
    )


def accuracy_both_orders(verdicts: OrderVerdicts, truth: IntArray) -> Estimate:
    """Return the mean accuracy over both orders, each pair one unit.

    Args:
        verdicts: Verdicts of one judge.
        truth: (n,) codes of the true preference, -1 where there is none.
    """
    codes = np.concatenate([verdicts.first_order, verdicts.second_order])
    clusters = np.tile(verdicts.clusters, 2)
    return accuracy(codes, np.tile(truth, 2), clusters, verdicts.annotator, "accuracy_both_orders")

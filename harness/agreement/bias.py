"""What moves a judge besides quality: place (both orders of a pair), length, its own family."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from harness.agreement.accuracy import accuracy
from harness.ratings.evidence import Evidence, OrderVerdicts
from harness.statistics.arrays import FloatArray, IntArray
from harness.statistics.estimate import Estimate, undefined
from harness.statistics.intervals import cluster_share, student
from harness.statistics.paired_model import ALIKE, FIRST, SECOND, TIE, fit_paired

POSITION = "position_coefficient"


def position_coefficient(verdicts: OrderVerdicts, truth: IntArray | None = None) -> Estimate:
    """Return the log-odds that a judge adds to the answer that stands first.

    Davidson's model with an intercept, and people's preference as a covariate where there is one;
    a tie is an outcome of its own.
    """
    a, b, tie = verdicts.a, verdicts.b, verdicts.tie
    first = _outcomes(verdicts.first_order, a, b, tie)
    second = _outcomes(verdicts.second_order, b, a, tie)
    columns = {POSITION: np.ones(2 * first.size)}
    if truth is not None:
        preferred = _signs(truth, a, b)
        columns["people"] = np.concatenate([preferred, -preferred])
    outcomes, clusters = np.concatenate([first, second]), np.tile(verdicts.clusters, 2)
    row = preference_model(outcomes, columns, clusters, verdicts.annotator)[0]
    return replace(row, n=int(((first >= 0) | (second >= 0)).sum()))


def length_and_self_bias(
    judged: IntArray,
    truth: IntArray,
    clusters: IntArray,
    annotator: str,
    sides: tuple[int, int, int | None],
    evidence: Evidence,
) -> list[Estimate]:
    """Return the effects of length and of family on a judge beyond what people prefer.

    logit P(judge prefers A) = place + b human + g tanh(length gap / sd) + s own family (the form of
    Dubois et al. 2024, Length-controlled AlpacaEval).

    ``judged`` and ``truth`` are (n,) codes; ``sides`` those of "A preferred", of "B preferred" and
    of a tie, None without one; ``evidence`` has the length gap and the judge's family where they
    are known.
    """
    a, b, tie = sides
    length_gap, own_family = evidence.length_gap, evidence.own_family.get(annotator)
    columns = {"place": np.ones(judged.size), "human": _signs(truth, a, b)}
    if length_gap is not None:
        spread = float(np.nanstd(length_gap))
        columns["length_bias"] = np.tanh(length_gap / spread) if spread > 0 else length_gap
    if own_family is not None:
        columns["self_preference"] = own_family
    outcomes = np.where(truth < 0, -1, _outcomes(judged, a, b, tie))
    return preference_model(outcomes, columns, clusters, annotator)[2:]


def preference_model(
    outcomes: IntArray, columns: Mapping[str, FloatArray], clusters: IntArray, annotator: str
) -> list[Estimate]:
    """Fit Davidson's model and return one row for each covariate, in log-odds.

    ``outcomes`` are (n,) 0 first, 1 tie, 2 second, -1 without a verdict; ``columns`` name -> (n,)
    covariate in the direction of the first, where NaN leaves the pair out. A covariate by which no
    prompt differs from another, such as the place for a judge that never turns with it, is
    undefined.
    """
    design = np.column_stack(list(columns.values()))
    usable = (outcomes >= 0) & ~np.isnan(design).any(1)
    n = int(usable.sum())
    fit = fit_paired(outcomes[usable], design[usable], clusters[usable])
    if fit.problem:
        return [undefined(name, annotator, fit.problem, n, fit.clusters) for name in columns]
    rows = [
        undefined(name, annotator, ALIKE, n, fit.clusters)
        if fit.clusters > 1 and np.isnan(error)
        else student(name, annotator, float(value), float(error), n, fit.clusters)
        for name, value, error in zip(columns, fit.coefficients, fit.errors, strict=True)
    ]
    return rows if fit.clusters < 2 else [row.with_unit_count() for row in rows]


def _outcomes(codes: IntArray, first: int, second: int, tie: int | None) -> IntArray:
    is_tie = codes == tie if tie is not None else np.zeros(codes.shape, dtype=bool)
    return np.select([codes == first, codes == second, is_tie], [FIRST, SECOND, TIE], -1)


def _signs(codes: IntArray, a: int, b: int) -> FloatArray:
    return np.asarray((codes == a).astype(np.float64) - (codes == b))


def right_in_both_orders(verdicts: OrderVerdicts, truth: IntArray) -> Estimate:
    """Return the share of pairs with a truth that are judged rightly in both orders."""
    right = (verdicts.first_order == truth) & (verdicts.second_order == truth)
    known = verdicts.both & (truth >= 0)
    return cluster_share(
        "right_in_both_orders",
        verdicts.annotator,
        right[known].astype(np.float64),
        verdicts.clusters[known],
        why_undefined="no pair with a truth was judged in both orders",
    )


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
    """Return the mean accuracy over both orders, each pair one unit."""
    codes = np.concatenate([verdicts.first_order, verdicts.second_order])
    clusters = np.tile(verdicts.clusters, 2)
    return accuracy(codes, np.tile(truth, 2), clusters, verdicts.annotator, "accuracy_both_orders")

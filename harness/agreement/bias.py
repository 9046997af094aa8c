"""What moves a judge besides quality: place, length, its own family."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from harness.ratings.evidence import Evidence
from harness.ratings.orders import OrderVerdicts
from harness.statistics.arrays import FloatArray, IntArray
from harness.statistics.estimate import Estimate, one_cluster, undefined
from harness.statistics.intervals import t_quantile
from harness.statistics.paired_model import FIRST, SECOND, TIE, PairedFit, fit_paired

POSITION = "position_coefficient"


def position_coefficient(verdicts: OrderVerdicts, truth: IntArray | None = None) -> Estimate:
    """Return the log-odds that a judge adds to the answer that stands first.

    Davidson's model with an intercept, and people's preference as a covariate where there is one;
    a tie is an outcome of its own.

    Args:
        verdicts: Verdicts in both orders.
        truth: (n,) codes of people's or gold preference; None without.
    """
    n = verdicts.first_order.size
    outcomes = np.concatenate(
        [
            _outcomes(verdicts.first_order, verdicts.a, verdicts.b, verdicts.tie),
            _outcomes(verdicts.second_order, verdicts.b, verdicts.a, verdicts.tie),
        ]
    )
    columns = {POSITION: np.ones(2 * n)}
    if truth is not None:
        preferred = _signs(truth, verdicts.a, verdicts.b)
        columns["people"] = np.concatenate([preferred, -preferred])
    clusters = np.concatenate([verdicts.clusters, verdicts.clusters])
    row = preference_model(outcomes, columns, clusters, verdicts.annotator)[0]
    return replace(row, n=int((outcomes.reshape(2, n) >= 0).any(0).sum()))


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

    Args:
        judged: (n,) codes of the judge.
        truth: (n,) codes of people.
        clusters: (n,) cluster of each pair.
        annotator: The judge.
        sides: Codes of "A preferred", of "B preferred" and of a tie, None without one.
        evidence: Its length gap and the judge's own family, where they are known.
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
    outcomes: IntArray,
    columns: Mapping[str, FloatArray],
    clusters: IntArray,
    annotator: str,
) -> list[Estimate]:
    """Fit Davidson's model and return one row for each covariate, in log-odds.

    Args:
        outcomes: (n,) 0 first, 1 tie, 2 second, -1 without a verdict.
        columns: Name -> (n,) covariate in the direction of the first; NaN leaves the pair out.
        clusters: (n,) cluster of each comparison.
        annotator: The judge.
    """
    design = np.column_stack(list(columns.values()))
    usable = (outcomes >= 0) & ~np.isnan(design).any(1)
    n = int(usable.sum())
    fit = fit_paired(outcomes[usable], design[usable], clusters[usable])
    if fit.problem:
        return [undefined(name, annotator, fit.problem, n, fit.clusters) for name in columns]
    return [_coefficient(name, annotator, fit, k, n) for k, name in enumerate(columns)]


def _coefficient(name: str, annotator: str, fit: PairedFit, k: int, n: int) -> Estimate:
    value = float(fit.coefficients[k])
    if fit.clusters < 2:
        return one_cluster(name, annotator, value, n)
    half = t_quantile(fit.clusters - 1) * float(np.sqrt(fit.covariance[k, k]))
    row = Estimate(
        value, value - half, value + half, n, fit.clusters, name=name, annotators=annotator
    )
    return row.with_unit_count()


def _outcomes(codes: IntArray, first: int, second: int, tie: int | None) -> IntArray:
    found = np.full(codes.shape, -1, dtype=np.int64)
    found[codes == first] = FIRST
    found[codes == second] = SECOND
    if tie is not None:
        found[codes == tie] = TIE
    return found


def _signs(codes: IntArray, a: int, b: int) -> FloatArray:
    signs: FloatArray = (codes == a).astype(np.float64) - (codes == b).astype(np.float64)
    return signs

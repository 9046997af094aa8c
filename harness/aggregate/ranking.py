"""Strengths of systems from comparisons of their answers: Bradley-Terry and Davidson."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from harness.nouns.errors import DataError
from harness.ratings.posterior import Posterior
from harness.ratings.table import RatingTable
from harness.statistics.arrays import FloatArray
from harness.statistics.intervals import t_quantile
from harness.statistics.paired_model import COMBINED, Comparisons, PairedFit, fit_paired, halves

if TYPE_CHECKING:
    from scipy.sparse import csr_array

ELO = 400 / math.log(10)


@dataclass(frozen=True, slots=True)
class Strength:
    """How strong a system is.

    Args:
        system: Name.
        value: Log-odds of winning against the mean system, place and length being equal.
        low: Lower end of the 95% interval.
        high: Upper end.
        elo: The same on the Elo scale, 400/ln 10 times the value, around 1000.
        n: Comparisons.
    """

    system: str
    value: float
    low: float
    high: float
    elo: float
    n: int


@dataclass(frozen=True)
class Ranking:
    """Systems from strongest to weakest.

    Args:
        strengths: The systems.
        effects: Covariate -> (effect in log-odds, lower end, upper end), without ends where the
            clusters tell nothing of the spread.
        tie: Log of Davidson's nu, None without ties.
        n: Comparisons.
        clusters: Independent groups of comparisons.
        left_out: Comparisons without a winner, which are not among them.
    """

    strengths: tuple[Strength, ...]
    effects: dict[str, tuple[float, float | None, float | None]]
    tie: float | None
    n: int
    clusters: int
    left_out: int = 0


def rank_systems(
    compared: Comparisons, *, position: bool = True, ties_half: bool = False
) -> Ranking:
    """Fit Davidson's model (Bradley-Terry's without ties) with place and length as covariates.

    Intervals are cluster-robust. Place counts for the system that stood first; length is tanh of
    the gap over its standard deviation, so strengths are those at equal length.

    ``position`` fits an advantage of the first place; ``ties_half`` counts a tie as half a win of
    each (Bradley-Terry without a model of ties).

    Raises:
        DataError: Some group of systems never won against, or never lost to, the rest, so that no
            finite strengths exist, or a covariate separates the outcomes.
    """
    if not compared.strongly_connected:
        raise DataError(
            "no finite strengths: some systems only won or only lost against all the others, or"
            " were never compared with them",
            hint="leave those systems out, or compare more",
        )
    n, systems = compared.outcomes.size, compared.systems
    s, covariates = len(systems), _covariates(compared, position)
    fit = _fit(compared, position, ties_half)
    if fit.problem == COMBINED and position and not _fit(compared, False, ties_half).problem:
        raise DataError(
            f"no estimate: {_always_first(compared)}, so what standing first is worth cannot be"
            " told from the strengths",
            hint="show each pair in both places, or leave the term out: --no-place",
        )
    if fit.problem:
        hint = _way_out(compared, position, ties_half)
        raise DataError(f"no estimate: {fit.problem}", hint=hint)
    quantile = t_quantile(fit.clusters - 1)
    # The last system was held at 0; strengths sum to 0.
    centred = np.eye(s)[:, :-1] - 1.0 / s
    values = centred @ fit.coefficients[: s - 1]
    covariance = centred @ fit.covariance[: s - 1, : s - 1] @ centred.T
    half = quantile * np.sqrt(np.maximum(0.0, np.diagonal(covariance)))
    number = np.bincount(np.concatenate([compared.first, compared.second]), minlength=s)
    found = [
        Strength(name, value, value - wide, value + wide, 1000 + ELO * value, count)
        for name, value, wide, count in zip(
            systems, values.tolist(), half.tolist(), number.tolist(), strict=True
        )
    ]
    effects: dict[str, tuple[float, float | None, float | None]] = {}
    for k, name in enumerate(covariates, s - 1):
        value, wide = float(fit.coefficients[k]), quantile * float(fit.errors[k])
        ends = (None, None) if np.isnan(wide) else (value - wide, value + wide)
        effects[name] = (value, *ends)
    strongest_first = tuple(sorted(found, key=lambda one: -one.value))
    left_out = len(compared.left_out)
    return Ranking(strongest_first, effects, fit.tie, n, fit.clusters, left_out)


def _covariates(compared: Comparisons, position: bool) -> dict[str, FloatArray]:
    n, gap = compared.outcomes.size, compared.length_gap
    found = {"position": np.ones(n)} if position else {}
    if gap is not None:
        spread = float(gap.std())
        found["length"] = np.tanh(gap / spread) if spread > 0 else np.zeros(n)
    return found


def _fit(compared: Comparisons, position: bool, ties_half: bool) -> PairedFit:
    x = _design(compared, list(_covariates(compared, position).values()))
    outcomes, groups = compared.outcomes, compared.clusters
    return (
        fit_paired(*halves(outcomes, x, groups)) if ties_half else fit_paired(outcomes, x, groups)
    )


def _way_out(compared: Comparisons, position: bool, ties_half: bool) -> str:
    """Return what may be left out so that there is an estimate; empty where nothing helps."""
    alone, ways = replace(compared, length_gap=None), []
    if position:
        ways.append((compared, False, "leave out what the first place is worth: --no-place"))
    if compared.length_gap is not None:
        ways.append((alone, position, "leave out the length: no --length-column"))
    if len(ways) == 2:
        ways.append((alone, False, "leave out both: --no-place, and no --length-column"))
    return next((way for c, p, way in ways if not _fit(c, p, ties_half).problem), "")


def _design(compared: Comparisons, covariates: Sequence[FloatArray]) -> csr_array:
    """Return (n, systems - 1 + covariates): 1 for who stood first, -1 for the other."""
    from scipy.sparse import csr_array, hstack

    n = compared.outcomes.size
    rows, ones = np.tile(np.arange(n), 2), np.repeat([1.0, -1.0], n)
    columns = np.concatenate([compared.first, compared.second])
    every = csr_array((ones, (rows, columns)), shape=(n, len(compared.systems)))
    return csr_array(hstack([every[:, :-1], *(csr_array(x[:, None]) for x in covariates)]))


def _always_first(compared: Comparisons) -> str:
    """Say which systems stood first only; the first place cannot be told from them."""
    systems = np.arange(len(compared.systems))
    only = systems[~np.isin(systems, compared.second)]
    if not only.size:
        return "who stands first follows from the systems"
    names = ", ".join(compared.systems[k] for k in only[:5])
    return f"{names} always stood first" + (" of all" if only.size > 5 else "")


HALF = 0.05
"""Comparisons that each response of a pair is taken to have won before anybody said anything."""


class NoPairsError(DataError):
    """A method of pairs was given something else."""


def pair_strengths(table: RatingTable, weights: Mapping[str, float], *, ties: bool) -> Posterior:
    """Give each response a strength from the comparisons that it took part in.

    Bradley & Terry (1952), a tie being half a win of each; with ``ties`` Davidson's model of ties
    (1970, JASA 65:317), its nu common to all pairs. Both by the iteration of Davidson's section 3,
    which for nu = 0 is that of Hunter (2004). A twentieth of a win for each side of every pair
    keeps a response that always won finite.

    Raises:
        NoPairsError: The rows of the table are no pairs of responses.
    """
    if table.contestants is None:
        raise NoPairsError(
            f"{'davidson' if ties else 'bradley_terry'} compares responses in pairs, and these are"
            " labels of single items",
            hint="judge pairs; or compare systems: --first-column, --second-column, --label-column",
        )
    first, second = table.contestants.T
    each = np.array([weights.get(source, 1.0) for source in table.source_names])
    given = np.where(table.codes >= 0, each, 0.0)
    values = table.values[table.codes]
    tied = (given * (values == 0.5)).sum(1) if ties else np.zeros(len(table.items))
    won = (given * values).sum(1) + HALF
    number = given.sum(1) + 2 * HALF
    n = int(table.contestants.max(initial=-1)) + 1
    scores = np.bincount(first, won, n) + np.bincount(second, number - won, n)
    strength, nu = np.ones(n), 1.0 if tied.any() else 0.0
    chances, steps, moved = np.zeros((first.size, 3)), 0, np.inf
    while moved > 1e-10 and steps < 10_000:
        steps += 1
        a, b = strength[first], strength[second]
        root = np.sqrt(a * b)
        mass = a + b + nu * root
        before, chances = chances, np.stack([a, nu * root, b], axis=1) / mass[:, None]
        moved = float(np.abs(chances - before).max(initial=0.0))
        below = np.bincount(first, number * (1 + nu / 2 * np.sqrt(b / a)) / mass, n)
        below += np.bincount(second, number * (1 + nu / 2 * np.sqrt(a / b)) / mass, n)
        strength = np.divide(scores, below, out=np.ones(n), where=below > 0)
        if nu:
            nu = float(tied.sum() / (number * root / mass).sum())
    note = f"{'converged' if moved <= 1e-10 else 'did NOT converge'} after {steps} steps"
    return Posterior(chances, iterations=steps, converged=moved <= 1e-10, notes=(note,))

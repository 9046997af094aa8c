"""The one table of methods that make one of many labels: f(rating table, weights of the sources).

Experiments name them under ``aggregation:``, ``harness aggregate`` under ``--method``; plugins add
their own by the same contract (``harness.ratings.posterior.Aggregate``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from harness.aggregate.collapse import below_the_vote, majority_chances, one_class
from harness.aggregate.dawid_skene import Votes, dawid_skene
from harness.aggregate.models import (
    agreement_weighted_votes,
    glad,
    mace,
    one_coin,
    shares,
    stacking,
)
from harness.aggregate.ranking import pair_strengths
from harness.nouns.errors import DataError, ScaleError
from harness.ratings.posterior import Aggregate, Posterior
from harness.ratings.table import MISSING, RatingTable, counts_of
from harness.statistics.arrays import FloatArray, IntArray


def votes_of(table: RatingTable, method: str = "this method") -> Votes:
    """Return the labels of a table; repeated columns of one annotator are labels of that one.

    Raises:
        ScaleError: The table has numbers.
    """
    if table.level in ("interval", "ratio"):
        raise ScaleError(
            f"{method} needs labels, but the scale gives numbers",
            hint="use mean, median or agreement_weighted, or an ordinal scale",
        )
    items, columns = np.nonzero(table.codes >= 0)
    voices = table.voices
    return Votes(
        items,
        voices[columns],
        table.codes[items, columns],
        len(table.items),
        int(voices.max(initial=-1)) + 1,
        table.n_categories,
    )


def mean(table: RatingTable, weights: Mapping[str, float]) -> Posterior:
    """Average: each source counts by its weight, however many labels it gave.

    Of a pair it is the weighted mean of the sources' P(A), of numbers that of the sources' means,
    of labels that of the shares in which each source gave them.
    """
    by_source = _source_means(table)
    used = {source: weights.get(source, 1.0) for source in by_source}
    above = total = np.zeros((len(table.items), 1))
    for source, own in by_source.items():
        present = ~np.isnan(own[:, :1])
        above = above + used[source] * np.where(present, own, 0.0)
        total = total + used[source] * present
    known = total[:, 0] > 0
    found = np.divide(above, total, out=np.zeros_like(above), where=total > 0)
    found[~known] = found[known].mean(0) if known.any() else 1.0 / found.shape[1]
    if table.chances is not None:
        sides = np.array([table.values == 1.0, table.values == 0.0], dtype=np.float64)
        return Posterior(np.hstack([found, 1.0 - found]) @ sides, weights=used)
    if _has_numbers(table):
        empty = np.zeros((len(table.items), 0))
        return Posterior(empty, estimates=found[:, 0], weights=used)
    return Posterior(found, weights=used)


def _has_numbers(table: RatingTable) -> bool:
    return table.level in ("interval", "ratio")


def _source_means(table: RatingTable) -> dict[str, FloatArray]:
    """Return source -> (n, 1) mean P(A) or number, or (n, c) shares of labels; NaN without any."""
    columns: dict[str, list[int]] = {}
    for number, source in enumerate(table.source_names):
        columns.setdefault(source, []).append(number)
    found = {}
    for source, own in columns.items():
        codes = table.codes[:, own]
        size = (codes >= 0).sum(1, keepdims=True)
        if table.chances is not None or _has_numbers(table):
            said = table.values[codes] if table.chances is None else table.chances[:, own]
            total = np.where(codes >= 0, said, 0.0).sum(1, keepdims=True)
        else:
            total = counts_of(codes, table.n_categories).astype(np.float64)
        found[source] = np.divide(total, size, out=np.full_like(total, np.nan), where=size > 0)
    return found


def agreement_weighted(table: RatingTable, weights: Mapping[str, float]) -> Posterior:
    """Average, each source by its agreement.

    ``weights`` are the measured kappas with people; a source that is not in them gets its agreement
    with the others instead: of pairs, scores and ordered labels the concordance with their mean, of
    labels without order the chance-corrected agreement with their votes.
    """
    unknown = set(table.source_names) - set(weights)
    if not unknown:
        return _weighted(table, weights)
    if table.chances is None and table.level == "nominal":
        fit, found = agreement_weighted_votes(votes_of(table))
        by_source: dict[str, list[float]] = {}
        for source, voice in zip(table.source_names, table.voices, strict=True):
            by_source.setdefault(source, []).append(float(found[voice]))
        estimated = {source: sum(own) / len(own) for source, own in by_source.items()}
        if len(unknown) == len(by_source) == len(found):
            return replace(fit, weights=estimated, notes=(_listed("weights", estimated),))
        return _weighted(table, {**estimated, **weights})
    return _weighted(table, {**concordances(table), **weights})


def _weighted(table: RatingTable, weights: Mapping[str, float]) -> Posterior:
    found = mean(table, weights)
    return replace(found, notes=(_listed("weights", found.weights or {}),))


def _listed(what: str, values: Mapping[str, float]) -> str:
    return f"{what}: " + ", ".join(f"{name} {x:.2f}" for name, x in list(values.items())[:12])


def concordances(table: RatingTable) -> dict[str, float]:
    """Return each source's concordance with the mean of the others, between 0 and 1.

    Lin's coefficient 2 cov / (var + var + (mean - mean)^2) (Lin 1989, Biometrics 45:255) on P(A) of
    pairs, or on scores; for two values it is Cohen's kappa. A source with nothing in common with
    any other gets 1: nothing speaks against it.
    """
    if table.chances is None and not _has_numbers(table):
        table = replace(table, level="interval")  # ordered labels stand for their values
    means = {source: own[:, 0] for source, own in _source_means(table).items()}
    found = {}
    for source, own in means.items():
        others = np.array([x for name, x in means.items() if name != source])
        others = others.reshape(len(means) - 1, own.size)
        heard = ~np.isnan(own) & ~np.isnan(others).all(0)
        x = own[heard]
        y = np.nanmean(others[:, heard], axis=0) if x.size else x
        below = float(x.var() + y.var() + (x.mean() - y.mean()) ** 2) if x.size else 0.0
        if not x.size:
            found[source] = 1.0
        elif below == 0:
            found[source] = 0.0  # both constant: no agreement beyond chance can be seen
        else:
            above = 2.0 * float(((x - x.mean()) * (y - y.mean())).mean())
            found[source] = max(0.0, above / below)
    return found


def majority(table: RatingTable, weights: Mapping[str, float]) -> Posterior:
    """One vote for each annotator, times the weight of its source; a tie stays a tie.

    Repeated samples of an annotator vote among themselves first: of pairs a split is a tie, else
    the samples share the vote. Ordered labels that are tied give the middle of their values,
    numbers the weighted median.
    """
    of_column = np.array([weights.get(source, 1.0) for source in table.source_names])
    given, voices = table.codes >= 0, table.voices
    own = np.zeros((len(table.items), voices.max(initial=-1) + 1), dtype=np.int64)
    for column, voice in enumerate(voices):
        own[:, voice] += given[:, column]
    share = of_column / np.maximum(own[:, voices], 1)
    counted = (own > 0).sum(1)
    if _has_numbers(table):
        return Posterior(
            np.zeros((len(table.items), 0)), estimates=_medians(table, share), counted=counted
        )
    if table.tie is not None and (own > 1).any():
        return majority(_one_column_each(table, voices), weights)
    totals = np.zeros((len(table.items), table.n_categories))
    rows, columns = np.nonzero(given)
    np.add.at(totals, (rows, table.codes[rows, columns]), share[rows, columns])
    size = totals.sum(1, keepdims=True)
    prior = totals.sum(0) / max(1e-9, float(totals.sum()))
    chances = np.where(size > 0, totals / np.maximum(size, 1e-9), prior)
    estimates = None
    if table.level == "ordinal":
        top = totals >= totals.max(1, keepdims=True) - 1e-12
        estimates = (top * table.values).sum(1) / top.sum(1)
    elif table.tie is not None:
        estimates = np.where(size > 0, totals, prior) @ table.values
        estimates /= np.where(size > 0, size, 1.0)[:, 0]
    return Posterior(chances, prior, estimates=estimates, counted=counted)


def median(table: RatingTable, weights: Mapping[str, float]) -> Posterior:
    """Weighted median of numbers, of ordered labels, or of P(A) where A is 1 and a tie a half.

    Samples of an annotator share its vote.
    """
    if table.chances is None and table.level == "nominal":
        raise ScaleError("median needs numbers", hint="--scale interval, if the labels are numbers")
    return majority(replace(table, level="interval", tie=None, chances=None), weights)


def _one_column_each(table: RatingTable, voices: IntArray) -> RatingTable:
    """Let the repeated labels of each annotator vote among themselves; a split is a tie."""
    numbers, first = np.unique(voices, return_index=True)
    codes = []
    for number in numbers:
        counts = counts_of(table.codes[:, voices == number], table.n_categories)
        best = counts == counts.max(1, keepdims=True)
        code = np.where(best.sum(1) == 1, counts.argmax(1), table.tie)
        codes.append(np.where(counts.sum(1) > 0, code, MISSING))
    return replace(
        table,
        annotators=tuple(table.annotators[i] for i in first),
        sources=tuple(table.source_names[i] for i in first),
        kinds=tuple(table.kinds[i] for i in first),
        codes=np.column_stack(codes),
        failures=table.failures[:, first],
        chances=None,
    )


def _medians(table: RatingTable, share: FloatArray) -> FloatArray:
    found = np.full(len(table.items), np.nan)
    for row in np.flatnonzero((table.codes >= 0).any(1)):
        given = table.codes[row] >= 0
        found[row] = _weighted_median(table.values[table.codes[row, given]], share[row, given])
    return found


def _weighted_median(values: FloatArray, weights: FloatArray) -> float:
    order = np.argsort(values, kind="stable")
    values, below = values[order], np.cumsum(weights[order])
    half = below[-1] / 2
    position = int(np.searchsorted(below, half - 1e-12))
    if abs(below[position] - half) < 1e-12 and position + 1 < values.size:
        return float(values[position] + values[position + 1]) / 2
    return float(values[position])


def _soft(table: RatingTable, weights: Mapping[str, float]) -> Posterior:
    """Soft labels: the share of labels of each category, each times the weight of its source."""
    votes = votes_of(table, "soft")
    of_voice = np.ones(votes.n_annotators)
    for voice, source in zip(table.voices, table.source_names, strict=True):
        of_voice[voice] = weights.get(source, 1.0)
    return shares(votes, of_voice)


def _glad(
    table: RatingTable, weights: Mapping[str, float], prior: str | Mapping[str, float] = ""
) -> Posterior:
    """Abilities of annotators and easiness of items (Whitehill et al. 2009)."""
    votes, how = votes_of(table, "glad"), _prior(prior, table)
    found = glad(votes, **how)
    at_votes = glad(votes, **how, start=majority_chances(votes), max_steps=1).fit
    names = dict.fromkeys(zip(table.source_names, table.annotators, strict=True))
    able = dict(zip((name for _, name in names), found.ability.tolist(), strict=True))
    return replace(
        found.fit,
        notes=(_listed("abilities", able), *_notes("glad", table, found.fit, at_votes)),
    )


def stacked(table: RatingTable, weights: Mapping[str, float], seed: int = 0) -> Posterior:
    """Learn from gold labels how to read the annotators; gold rows are read out of their fold."""
    if table.gold is None:
        raise DataError(
            "stacking learns from gold labels",
            hint="add --gold or --gold-column; in an experiment: agreement.reference",
        )
    try:
        return stacking(votes_of(table, "stacking"), table.gold, seed=seed)
    except ValueError as error:
        raise DataError(str(error), where="gold labels") from error


def _fitted(name: str, model: Callable[..., Posterior]) -> Callable[..., Posterior]:
    """Return the method of a model that finds annotators' worth itself, whatever their weights."""

    def fitted(
        table: RatingTable, weights: Mapping[str, float], prior: str | Mapping[str, float] = ""
    ) -> Posterior:
        votes, how = votes_of(table, name), _prior(prior, table)
        fit = model(votes, **how)
        at_votes = model(votes, **how, start=majority_chances(votes), max_steps=1)
        return replace(fit, notes=_notes(name, table, fit, at_votes))

    return fitted


def _notes(name: str, table: RatingTable, fit: Posterior, at_votes: Posterior) -> tuple[str, ...]:
    ended = "converged" if fit.converged else "did NOT converge"
    return (
        f"{ended} after {fit.iterations} steps, log-likelihood {fit.log_likelihood:.4f}",
        *one_class(name, table, fit, ", or --prior uniform"),
        *below_the_vote(name, table, fit, at_votes),
    )


def _prior(prior: str | Mapping[str, float], table: RatingTable) -> dict[str, Any]:
    """Return the argument of a model that says which prior it has; the model's own for "".

    Raises:
        DataError: It names no prior, or not a share of each category.
    """
    if isinstance(prior, str):
        if prior not in ("", "uniform", "estimated"):
            raise DataError(
                f"the prior {prior!r} is neither uniform nor estimated",
                hint="or give the share of each category, as yes=0.3,no=0.7",
            )
        return {"prior": prior} if prior else {}
    said = ", ".join(f"{name}={share:g}" for name, share in prior.items())
    if set(prior) != set(table.categories) or not all(share > 0 for share in prior.values()):
        raise DataError(
            f"the prior {said} is no share above 0 of each category",
            hint=f"categories: {', '.join(table.categories[:12])}",
        )
    shares_of = np.array([prior[name] for name in table.categories])
    if abs(float(shares_of.sum()) - 1.0) > 1e-6:
        raise DataError(f"the prior {said} sums to {shares_of.sum():g}, not 1")
    return {"prior": shares_of}


MODELS: Mapping[str, Callable[..., Posterior]] = {
    # Half a pseudo-count in each cell keeps few labels from giving certain matrices.
    "dawid_skene": _fitted("dawid_skene", partial(dawid_skene, smoothing=0.5)),
    "one_coin": _fitted("one_coin", one_coin),
    "mace": _fitted("mace", mace),
    "glad": _glad,
}
"""Models of annotators; they take the share of each class before any label as ``prior``."""

METHODS: Mapping[str, Aggregate] = {
    "mean": mean,
    "majority": majority,
    "median": median,
    "soft": _soft,
    "agreement_weighted": agreement_weighted,
    **MODELS,
    "stacking": stacked,
    "bradley_terry": partial(pair_strengths, ties=False),
    "davidson": partial(pair_strengths, ties=True),
}
"""Every method by the name that experiments and commands give it."""

"""Ways to turn judgments into rewards and preferences: mean, majority, by agreement, Dawid-Skene.

All share one signature: (requests, judgments, weights of the sources) -> AggregationResult.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from harness.aggregate.ballots import Annotator, Ballots, Pair, PairVote, Score, ballots_of
from harness.aggregate.dawid_skene import Votes, dawid_skene
from harness.aggregate.results import (
    AggregationResult,
    Opinion,
    Response,
    components_of,
    result_of,
)
from harness.nouns.errors import ScaleError
from harness.nouns.schema import Judgment, JudgmentRequest
from harness.ratings.both_orders import Choice
from harness.statistics.arrays import FloatArray

CHOICES: tuple[Choice, ...] = ("A", "TIE", "B")
UNITS = np.array([1.0, 0.5, 0.0])

Aggregator = Callable[
    [Sequence[JudgmentRequest], Iterable[Judgment], Mapping[str, float]], AggregationResult
]


def mean(
    requests: Sequence[JudgmentRequest],
    judgments: Iterable[Judgment],
    weights: Mapping[str, float],
) -> AggregationResult:
    """Average: each source counts by its weight, however many judgments it gave.

    A pair's probability is the weighted mean of the sources'; of scores it is the chance that a
    score of the one is above a score of the other, ties half (Mann & Whitney 1947). A reward is the
    weighted mean of scores on [0, 1] and of the chance to win a pair.
    """
    ballots = ballots_of(requests, judgments, weights)
    return _averaged(ballots, weights)


def agreement_weighted(
    requests: Sequence[JudgmentRequest],
    judgments: Iterable[Judgment],
    weights: Mapping[str, float],
) -> AggregationResult:
    """Average, each source by its agreement.

    ``weights`` are the measured kappas with people; a source that is not in them gets its
    concordance with the mean of the others, at least 0.
    """
    ballots = ballots_of(requests, judgments, weights)
    return _averaged(ballots, {**concordances(ballots), **weights})


def majority(
    requests: Sequence[JudgmentRequest],
    judgments: Iterable[Judgment],
    weights: Mapping[str, float],
) -> AggregationResult:
    """One vote for each annotator, times the weight of its source; a tie stays a tie.

    Labels are decided by the most votes (tied labels give the middle of their rewards), numbers by
    the weighted median.
    """
    ballots = ballots_of(requests, judgments, weights)
    opinions = {}
    for pair, votes in _one_vote_each(_all_votes(ballots)).items():
        totals: dict[Choice, float] = dict.fromkeys(CHOICES, 0.0)
        for (source, _), choice in votes.items():
            totals[choice] += weights.get(source, 1.0)
        top = max(totals.values())
        best = [choice for choice in CHOICES if totals[choice] >= top - 1e-12]
        share = (totals["A"] + totals["TIE"] / 2) / sum(totals.values())
        opinions[pair] = Opinion(share, best[0] if len(best) == 1 else "TIE", len(votes))
    rewards = {
        key: _plurality(scores, weights) for key, scores in _by_response(ballots.scores).items()
    }
    return result_of(ballots, weights, opinions, rewards)


def dawid_skene_judgments(
    requests: Sequence[JudgmentRequest],
    judgments: Iterable[Judgment],
    weights: Mapping[str, float],
) -> AggregationResult:
    """Dawid & Skene (1979): annotators are weighted by the confusion matrix that EM finds.

    Half a pseudo-count in each cell keeps few labels from giving certain matrices. Weights matter
    only where they are 0 (the source takes no part). Scores need labels; numbers are refused.

    Raises:
        ScaleError: A score is a number.
    """
    ballots = ballots_of(requests, judgments, weights)
    votes = _all_votes(ballots)
    names = list(
        dict.fromkeys([*(v.annotator for v in votes), *(s.annotator for s in ballots.scores)])
    )
    index = {name: position for position, name in enumerate(names)}
    confusions: dict[Annotator, tuple[tuple[str, ...], FloatArray]] = {}
    opinions: dict[Pair, Opinion] = {}
    if votes:
        row = {pair: i for i, pair in enumerate(dict.fromkeys(v.pair for v in votes))}
        fit = dawid_skene(
            Votes(
                np.array([row[v.pair] for v in votes]),
                np.array([index[v.annotator] for v in votes]),
                np.array([CHOICES.index(v.choice) for v in votes]),
                len(row),
                len(names),
                3,
            ),
            smoothing=0.5,
        )
        numbers = Counter(v.pair for v in votes)
        for pair, i in row.items():
            posterior = fit.posterior[i]
            p = float(posterior @ UNITS)
            likeliest = CHOICES[int(posterior.argmax())]
            # Where A and B are as likely, neither has won.
            choice: Choice = "TIE" if abs(p - 0.5) < 1e-9 else likeliest
            opinions[pair] = Opinion(p, choice, numbers[pair])
        voted = {v.annotator for v in votes}
        confusions |= {name: (CHOICES, fit.confusion[index[name]]) for name in voted}
    rewards = _dawid_skene_scores(ballots.scores, index, confusions)
    return result_of(ballots, weights, opinions, rewards, confusions)


METHODS: Mapping[str, Aggregator] = {
    "mean": mean,
    "majority": majority,
    "agreement_weighted": agreement_weighted,
    "dawid_skene": dawid_skene_judgments,
}
"""Names that experiments write under ``aggregation:``."""


def concordances(ballots: Ballots) -> dict[str, float]:
    """Return each source's concordance with the mean of the others, between 0 and 1.

    Lin's coefficient 2 cov / (var + var + (mean - mean)^2) (Lin 1989, Biometrics 45:255) on P(A) of
    pairs, or on scores where there are no pairs; for two values it is Cohen's kappa. A source with
    nothing in common with any other gets 1: nothing speaks against it.
    """
    opinions = _pair_means(ballots) or _response_means(ballots)
    sources = list(dict.fromkeys(name for by in opinions.values() for name in by))
    found = {}
    for source in sources:
        own, others = [], []
        for by in opinions.values():
            rest = [value for name, value in by.items() if name != source]
            if source in by and rest:
                own.append(by[source])
                others.append(sum(rest) / len(rest))
        x, y = np.array(own), np.array(others)
        below = float(x.var() + y.var() + (x.mean() - y.mean()) ** 2) if own else 0.0
        if not own:
            found[source] = 1.0
        elif below == 0:
            found[source] = 0.0  # both constant: no agreement beyond chance can be seen
        else:
            above = 2.0 * float(((x - x.mean()) * (y - y.mean())).mean())
            found[source] = max(0.0, above / below)
    return found


def _averaged(ballots: Ballots, weights: Mapping[str, float]) -> AggregationResult:
    counts = Counter(vote.pair for vote in _all_votes(ballots))
    opinions = {}
    for pair, by in _pair_means(ballots).items():
        total = sum(weights.get(source, 1.0) for source in by)
        if total == 0:
            continue
        p = sum(weights.get(source, 1.0) * value for source, value in by.items()) / total
        choice: Choice = "TIE" if abs(p - 0.5) < 1e-12 else "A" if p > 0.5 else "B"
        opinions[pair] = Opinion(p, choice, counts[pair])
    return result_of(ballots, weights, opinions, {})


def _pair_means(ballots: Ballots) -> dict[Pair, dict[str, float]]:
    """Return P(first preferred) of each pair by source."""
    found: dict[Pair, dict[str, list[float]]] = {}
    for vote in ballots.votes:
        found.setdefault(vote.pair, {}).setdefault(vote.annotator[0], []).append(vote.probability)
    means = {
        pair: {source: sum(p) / len(p) for source, p in by.items()} for pair, by in found.items()
    }
    for pair, source, p in _superiorities(ballots):
        means.setdefault(pair, {}).setdefault(source, p)
    return means


def _superiorities(ballots: Ballots) -> Iterable[tuple[Pair, str, float]]:
    """Yield (pair, source, chance that a score of the first is above one of the second)."""
    scores: dict[Response, dict[str, dict[str, list[Score]]]] = {}
    for score in ballots.scores:
        by = scores.setdefault((score.item_id, score.response_id), {})
        by.setdefault(score.annotator[0], {}).setdefault(score.criterion, []).append(score)
    for pair in ballots.pairs:
        first, second = (scores.get((pair[0], response), {}) for response in pair[1:])
        for source in sorted(first.keys() & second.keys()):
            shared = sorted(first[source].keys() & second[source].keys())
            total = sum(first[source][criterion][0].weight for criterion in shared)
            if total == 0:
                continue
            value = 0.0
            for criterion in shared:
                mine, theirs = first[source][criterion], second[source][criterion]
                wins = [
                    1.0 if x.unit > y.unit else 0.5 if x.unit == y.unit else 0.0
                    for x in mine
                    for y in theirs
                ]
                value += mine[0].weight * sum(wins) / len(wins)
            yield pair, source, value / total


def _all_votes(ballots: Ballots) -> list[PairVote]:
    """Return the votes on pairs, and those that the scores of a source amount to."""
    voted = {(vote.pair, vote.annotator[0]) for vote in ballots.votes}
    derived = []
    for pair, source, p in _superiorities(ballots):
        if (pair, source) not in voted:
            choice: Choice = "TIE" if abs(p - 0.5) < 1e-12 else "A" if p > 0.5 else "B"
            derived.append(PairVote(pair, (source, source), choice, p))
    return [*ballots.votes, *derived]


def _one_vote_each(votes: Iterable[PairVote]) -> dict[Pair, dict[Annotator, Choice]]:
    """Return one vote for each pair and annotator: repeated samples vote among themselves."""
    groups: dict[Pair, dict[Annotator, list[Choice]]] = {}
    for vote in votes:
        groups.setdefault(vote.pair, {}).setdefault(vote.annotator, []).append(vote.choice)
    return {
        pair: {annotator: _most(choices) for annotator, choices in by.items()}
        for pair, by in groups.items()
    }


def _most(choices: Sequence[Choice]) -> Choice:
    counts = Counter(choices)
    best = [choice for choice in counts if counts[choice] == max(counts.values())]
    return best[0] if len(best) == 1 else "TIE"


def _by_response(scores: Iterable[Score]) -> dict[Response, list[Score]]:
    groups: dict[Response, list[Score]] = {}
    for score in scores:
        groups.setdefault((score.item_id, score.response_id), []).append(score)
    return groups


def _plurality(scores: Sequence[Score], weights: Mapping[str, float]) -> float:
    by_criterion: dict[str, list[Score]] = {}
    for score in scores:
        by_criterion.setdefault(score.criterion, []).append(score)
    value = total = 0.0
    for group in by_criterion.values():
        units = np.array([score.unit for score in group])
        # Repeated samples of one annotator share its vote.
        own = Counter(score.annotator for score in group)
        vote = np.array([weights.get(s.annotator[0], 1.0) / own[s.annotator] for s in group])
        if group[0].label is None:
            decided = _weighted_median(units, vote)
        else:
            levels, where = np.unique(units, return_inverse=True)
            counted = np.bincount(where, weights=vote)
            decided = float(levels[counted >= counted.max() - 1e-12].mean())
        value += group[0].weight * decided
        total += group[0].weight
    return value / total


def _weighted_median(values: FloatArray, weights: FloatArray) -> float:
    order = np.argsort(values, kind="stable")
    values, below = values[order], np.cumsum(weights[order])
    half = below[-1] / 2
    position = int(np.searchsorted(below, half - 1e-12))
    if abs(below[position] - half) < 1e-12 and position + 1 < values.size:
        return float(values[position] + values[position + 1]) / 2
    return float(values[position])


def _dawid_skene_scores(
    scores: Sequence[Score],
    index: Mapping[Annotator, int],
    confusions: dict[Annotator, tuple[tuple[str, ...], FloatArray]],
) -> dict[Response, float]:
    numbers = [score for score in scores if score.label is None]
    if numbers:
        raise ScaleError(
            f"dawid_skene needs labels, but criterion {numbers[0].criterion} gives numbers",
            hint="use aggregation: mean, or an ordinal scale",
        )
    values: dict[Response, float] = {}
    totals: dict[Response, float] = {}
    for criterion in dict.fromkeys(score.criterion for score in scores):
        group = [score for score in scores if score.criterion == criterion]
        row = {
            key: i for i, key in enumerate(dict.fromkeys((s.item_id, s.response_id) for s in group))
        }
        units = {score.label: score.unit for score in group}
        labels = sorted(label for label in units if label is not None)
        fit = dawid_skene(
            Votes(
                np.array([row[s.item_id, s.response_id] for s in group]),
                np.array([index[s.annotator] for s in group]),
                np.array([labels.index(s.label) for s in group if s.label is not None]),
                len(row),
                len(index),
                len(labels),
            ),
            smoothing=0.5,
        )
        expected = fit.posterior @ np.array([units[label] for label in labels])
        for key, i in row.items():
            values[key] = values.get(key, 0.0) + group[0].weight * float(expected[i])
            totals[key] = totals.get(key, 0.0) + group[0].weight
        names = tuple(f"{criterion}={units[label]:g}" for label in labels)
        for name in {score.annotator for score in group}:
            confusions.setdefault(name, (names, fit.confusion[index[name]]))
    return {key: value / totals[key] for key, value in values.items()}


def _response_means(ballots: Ballots) -> dict[Response, dict[str, float]]:
    """Return the mean score of each response by source, criteria by their weight."""
    return {
        key: {source: value for source, (value, _) in by.items()}
        for key, by in components_of(ballots.scores).items()
    }

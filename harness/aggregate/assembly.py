"""Judgments to rating tables, a method on each, and its posteriors to preferences and rewards."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from harness.aggregate.ballots import Annotator, Ballots, Response, ballots_of
from harness.aggregate.ranking import NoPairsError
from harness.aggregate.results import AggregationResult, AnnotatorReport
from harness.agreement.accuracy import majority
from harness.nouns.errors import ScaleError
from harness.nouns.rubric import Criterion
from harness.nouns.scale import Level
from harness.nouns.schema import Judgment, JudgmentRequest, Preference, Reward
from harness.ratings.both_orders import WORTH, Choice, likelier
from harness.ratings.judgments import annotator_name
from harness.ratings.pairs import Pair
from harness.ratings.posterior import Aggregate, Posterior
from harness.ratings.table import JUDGE, MISSING, RatingTable
from harness.statistics.arrays import FloatArray

CHOICES: tuple[Choice, ...] = ("A", "TIE", "B")
UNITS = np.array([WORTH[choice] for choice in CHOICES])


@dataclass(frozen=True)
class _Cell:
    """One label: its row, who gave it, its code, and the P(A) that it states."""

    row: Hashable
    who: Annotator
    code: int
    chance: float = float("nan")


@dataclass(frozen=True)
class _Case:
    """A table with the keys of its rows, its annotators, and what the method made of it."""

    rows: tuple[Any, ...]
    voices: tuple[Annotator, ...]
    table: RatingTable
    posterior: Posterior

    def numbers(self) -> dict[Any, float]:
        """Return the number of each row: P(A) of a pair, the score of a response."""
        means = self.posterior.means(self.table)
        return {row: float(x) for row, x in zip(self.rows, means, strict=True)}

    def confusion_of(self, classes: tuple[str, ...]) -> dict[Annotator, _Confusion]:
        """Return the classes and the confusion matrix of each annotator, if the method has any."""
        matrices = self.posterior.confusion
        return {who: (classes, m) for who, m in zip(self.voices, matrices, strict=False)}


_Confusion = tuple[tuple[str, ...], FloatArray]


def aggregate_judgments(
    method: Aggregate,
    requests: Sequence[JudgmentRequest],
    judgments: Iterable[Judgment],
    weights: Mapping[str, float],
    gold_source: str = "",
) -> AggregationResult:
    """Turn judgments into rewards and preferences.

    Both orders of a pair are one vote, scores vote on the pairs on which their source did not
    (``ratings.pairs``), and the method gets one table of all pairs and one of the scores of each
    criterion. A preference is the likeliest of A, TIE and B with P(A); the reward of a scored
    response is the mean of its criteria by their weight (for a method that is a mean of sources,
    the mean of its components; so too for one that takes pairs only), that of any other its mean
    chance to win.

    Args:
        method: One of ``METHODS``, or a plugin's.
        requests: What was asked.
        judgments: What came back, failures included.
        weights: Weight of each source, 1 for a source that is not in it; 0 takes no part.
        gold_source: A source whose majority is the truth that ``stacking`` learns from; it has no
            vote of its own then, and scores on which it says nothing are averaged.

    Raises:
        DataError: A judgment is about an unknown request, a weight is negative, or the method
            misses something.
        ScaleError: The method cannot take the scale, or a value cannot be a reward.
    """
    ballots = ballots_of(requests, judgments, weights)
    pairs = _pair_case(method, ballots, weights, gold_source)
    known = dict(weights)
    if pairs is not None:
        known |= pairs.posterior.weights or {}
    scored = _score_cases(method, ballots, known, gold_source)
    if pairs is None:
        known |= _over_criteria(scored, lambda case: case.posterior.weights or {})
    cases = [*([] if pairs is None else [pairs]), *scored.values()]
    opinions = {} if pairs is None else _opinions(pairs, known)
    averaged = any(case.posterior.weights is not None for case in cases)
    decided = {} if averaged else _over_criteria(scored, _Case.numbers)
    confusions: dict[Annotator, _Confusion] = {}
    for criterion, case in reversed(scored.items()):
        classes = tuple(f"{criterion.id}={unit:g}" for unit in case.table.values)
        confusions |= case.confusion_of(classes)
    if pairs is not None:
        voted = {(vote.source, vote.annotator) for _, vote in ballots.votes if vote.choice}
        shown = pairs.confusion_of(CHOICES).items()
        confusions |= {who: matrix for who, matrix in shown if who in voted}
    preferences, ties, unused = _preferences(ballots, opinions)
    return AggregationResult(
        rewards=tuple(_rewards(ballots, known, opinions, decided)),
        preferences=tuple(preferences),
        annotators=tuple(_annotators(ballots, known, confusions)),
        ties=tuple(ties),
        unused=unused,
        notes=tuple(note for case in cases for note in case.posterior.notes),
    )


def _pair_case(
    method: Aggregate, ballots: Ballots, weights: Mapping[str, float], gold_source: str
) -> _Case | None:
    cells = [
        _Cell(pair, (vote.source, vote.annotator), CHOICES.index(vote.choice), vote.probability)
        for pair, vote in (*ballots.votes, *ballots.compared)
        if vote.choice is not None and vote.probability is not None
    ]
    found = _table(cells, gold_source, UNITS)
    if found is None:
        return None
    rows, voices, table = found
    numbers: dict[Response, int] = {}
    contestants = [
        [numbers.setdefault((item, one), len(numbers)) for one in both] for item, *both in rows
    ]
    table = replace(
        table,
        categories=CHOICES,
        level="nominal",
        tie=CHOICES.index("TIE"),
        contestants=np.array(contestants, dtype=np.int64),
    )
    return _Case(rows, voices, table, method(table, weights))


def _score_cases(
    method: Aggregate, ballots: Ballots, weights: Mapping[str, float], gold_source: str
) -> dict[Criterion, _Case]:
    cases = {}
    for criterion in dict.fromkeys(score.criterion for score in ballots.scores):
        scores = [score for score in ballots.scores if score.criterion == criterion]
        units, codes = np.unique([score.unit for score in scores], return_inverse=True)
        cells = [
            _Cell(score.response, score.annotator, int(code))
            for score, code in zip(scores, codes, strict=True)
        ]
        found = _table(cells, gold_source, units)
        if found is None:
            continue
        rows, voices, table = found
        if gold_source and table.gold is None:
            continue  # nothing to learn from
        level: Level = "interval" if criterion.scale.is_numeric else "ordinal"
        table = replace(table, level=level, chances=None)
        try:
            cases[criterion] = _Case(rows, voices, table, method(table, weights))
        except NoPairsError:
            if not ballots.compared:
                raise
        except ScaleError as error:
            raise ScaleError(
                error.what, where=f"criterion {criterion.id}", hint=error.hint
            ) from error
    return cases


def _table(
    cells: Sequence[_Cell], gold_source: str, values: FloatArray
) -> tuple[tuple[Any, ...], tuple[Annotator, ...], RatingTable] | None:
    """Return keys of the rows, the annotators and the table; None where nobody said anything.

    A row is what was labelled, a column the k-th label of an annotator; labels of the gold source
    are the gold, by their majority.
    """
    said = [cell for cell in cells if cell.who[0] != gold_source]
    if not said:
        return None
    rows: dict[Hashable, int] = {}
    columns: dict[tuple[Annotator, int], int] = {}
    times: Counter[tuple[Hashable, Annotator]] = Counter()
    places = []
    for cell in said:
        column = cell.who, times[cell.row, cell.who]
        times[cell.row, cell.who] += 1
        places.append(
            (rows.setdefault(cell.row, len(rows)), columns.setdefault(column, len(columns)))
        )
    where = tuple(np.array(places, dtype=np.int64).T)
    codes = np.full((len(rows), len(columns)), MISSING, dtype=np.int64)
    codes[where] = [cell.code for cell in said]
    chances = np.full(codes.shape, np.nan)
    chances[where] = [cell.chance for cell in said]
    counts = np.zeros((len(rows), values.size), dtype=np.int64)
    for cell in cells:
        if cell.who[0] == gold_source and cell.row in rows:
            counts[rows[cell.row], cell.code] += 1
    table = RatingTable(
        items=tuple(map(str, rows)),
        annotators=tuple(annotator_name(*who) for who, _ in columns),
        codes=codes,
        categories=tuple(f"{value:g}" for value in values),
        values=values,
        level="nominal",
        kinds=(JUDGE,) * len(columns),
        clusters=np.arange(len(rows), dtype=np.int64),
        failures=np.zeros_like(codes),
        gold=majority(counts) if counts.any() else None,
        sources=tuple(source for (source, _), _ in columns),
        chances=chances,
    )
    return tuple(rows), tuple(dict.fromkeys(who for who, _ in columns)), table


@dataclass(frozen=True, slots=True)
class _Opinion:
    """What was made of one pair: P(A), its decision, and how many verdicts went in."""

    probability: float
    choice: Choice
    n: int


def _opinions(case: _Case, weights: Mapping[str, float]) -> dict[Pair, _Opinion]:
    """Return what was made of each pair on which a source with weight voted."""
    posterior, table = case.posterior, case.table
    given = table.codes >= 0
    weighty = np.array([weights.get(source, 1.0) > 0 for source in table.source_names])
    heard = np.asarray(given[:, weighty].any(1))
    counted = given.sum(1) if posterior.counted is None else posterior.counted
    chances = posterior.means(table)
    choices: list[Choice]
    if posterior.probabilities.shape[1]:
        choices = [CHOICES[code] if code >= 0 else "TIE" for code in posterior.decided()]
    else:
        choices = [likelier(p) for p in chances]
    return {
        pair: _Opinion(float(chances[i]), choices[i], int(counted[i]))
        for i, pair in enumerate(case.rows)
        if heard[i]
    }


def _over_criteria(
    scored: Mapping[Criterion, _Case], numbers: Callable[[_Case], Mapping[Any, float]]
) -> dict[Any, float]:
    """Return the mean of each number over the criteria that have it, by their weight."""
    parts: defaultdict[Any, list[tuple[float, float]]] = defaultdict(list)
    for criterion, case in scored.items():
        for key, value in numbers(case).items():
            parts[key].append((criterion.weight, value))
    return {key: _weighted_mean(some) for key, some in parts.items()}


def _preferences(
    ballots: Ballots, opinions: Mapping[Pair, _Opinion]
) -> tuple[list[Preference], list[Pair], dict[str, int]]:
    preferences, ties = [], []
    unused: Counter[str] = Counter()
    reasons: defaultdict[Pair, Counter[str]] = defaultdict(Counter)
    for pair, vote in (*ballots.votes, *ballots.compared):
        if vote.failure:
            reasons[pair][vote.failure] += 1
    for pair in ballots.pairs:
        opinion = opinions.get(pair)
        if opinion is None:
            failed = reasons[pair]
            unused[f"no verdict: {failed.most_common(1)[0][0]}" if failed else "no verdict"] += 1
        elif opinion.choice == "TIE":
            ties.append(pair)
            unused["tie"] += 1
        else:
            item, a, b = pair
            won = opinion.choice == "A"
            chosen, rejected = (a, b) if won else (b, a)
            p = opinion.probability if won else 1.0 - opinion.probability
            preferences.append(Preference(item, chosen, rejected, p, opinion.n))
    return preferences, ties, dict(unused)


def _rewards(
    ballots: Ballots,
    weights: Mapping[str, float],
    opinions: Mapping[Pair, _Opinion],
    decided: Mapping[Response, float],
) -> Iterable[Reward]:
    # response -> source -> (weight, value) of all that it said; a vote is a value of each side
    parts: defaultdict[Response, defaultdict[str, list[tuple[float, float]]]]
    parts = defaultdict(lambda: defaultdict(list))
    for score in ballots.scores:
        said = (score.criterion.weight, score.unit)
        parts[score.response][score.annotator[0]].append(said)
    for pair, vote in ballots.votes:
        for response, p in _sides(pair, vote.probability):
            parts[response][vote.source].append((1.0, p))
    won: defaultdict[Response, list[float]] = defaultdict(list)
    for pair in {pair: None for pair, vote in ballots.votes if vote.choice is not None}:
        for response, p in _sides(pair, opinions[pair].probability if pair in opinions else None):
            won[response].append(p)
    scored = {score.response for score in ballots.scores}
    for key in ballots.responses:
        mine = {s: own for s, own in parts[key].items() if weights.get(s, 1.0) > 0}
        components = {source: _weighted_mean(own) for source, own in mine.items()}
        values = [x for own in mine.values() for _, x in own]
        if not values:
            yield Reward(*key, None)
            continue
        if key in decided:
            value = decided[key]
        elif key in won and key not in scored:
            value = sum(won[key]) / len(won[key])
        else:
            value = _weighted_mean([(weights.get(s, 1.0), x) for s, x in components.items()])
        stderr = float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None
        yield Reward(*key, value, stderr, len(values), components)


def _sides(pair: Pair, probability: float | None) -> list[tuple[Response, float]]:
    """Return both responses of a pair, each with its chance to win."""
    item, a, b = pair
    return [] if probability is None else [((item, a), probability), ((item, b), 1.0 - probability)]


def _weighted_mean(parts: Sequence[tuple[float, float]]) -> float:
    return sum(weight * x for weight, x in parts) / sum(weight for weight, _ in parts)


def _annotators(
    ballots: Ballots,
    weights: Mapping[str, float],
    confusions: Mapping[Annotator, _Confusion],
) -> Iterable[AnnotatorReport]:
    votes = [((vote.source, vote.annotator), vote) for _, vote in ballots.votes]
    counts = Counter([who for who, vote in votes if vote.choice is not None])
    counts.update(score.annotator for score in ballots.scores)
    failed: defaultdict[Annotator, Counter[str]] = defaultdict(Counter)
    for who, reason in ballots.failed:
        failed[who][reason] += 1
    for name in dict.fromkeys([*counts, *failed]):
        turned = [vote.flipped for who, vote in votes if who == name and vote.flipped is not None]
        classes, confusion = confusions.get(name, ((), np.zeros((0, 0))))
        yield AnnotatorReport(
            *name,
            weights.get(name[0], 1.0),
            counts[name],
            dict(failed[name]),
            sum(turned),
            len(turned),
            classes,
            tuple(map(tuple, confusion.tolist())),
        )

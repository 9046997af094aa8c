"""What aggregation returns: rewards, preferences, and what did not become one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from harness.aggregate.ballots import Annotator, Ballots, Pair, Score
from harness.nouns.schema import Preference, Reward
from harness.ratings.both_orders import Choice
from harness.statistics.arrays import FloatArray

Response = tuple[str, str]
"""(item id, response id)."""


@dataclass(frozen=True)
class AnnotatorReport:
    """What one annotator contributed.

    Args:
        source: Its source.
        annotator: Its name inside the source.
        weight: Weight of its votes.
        n: Votes and scores that took part.
        failures: Reason -> verdicts that failed.
        flipped: Votes that changed when the order was swapped.
        both_orders: Votes that were asked in both orders.
        classes: Classes of the confusion matrix; empty without one.
        confusion: P(label | true class), one row for each true class.
    """

    source: str
    annotator: str
    weight: float
    n: int
    failures: Mapping[str, int]
    flipped: int = 0
    both_orders: int = 0
    classes: tuple[str, ...] = ()
    confusion: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True)
class AggregationResult:
    """Rewards and preferences, and what did not become one.

    Args:
        rewards: One for each response that was to be judged; value None when nobody could.
        preferences: One for each pair with a winner.
        annotators: What each annotator contributed.
        ties: Pairs without a winner; a tie stays a tie.
        unused: Reason -> pairs that gave no preference.
    """

    rewards: tuple[Reward, ...]
    preferences: tuple[Preference, ...]
    annotators: tuple[AnnotatorReport, ...] = ()
    ties: tuple[Pair, ...] = ()
    unused: Mapping[str, int] = field(default_factory=dict)


@dataclass
class Opinion:
    """What was made of one pair: P(A), its decision, and how many verdicts went in."""

    probability: float
    choice: Choice
    n: int


def components_of(
    scores: Iterable[Score],
) -> dict[Response, dict[str, tuple[float, list[float]]]]:
    """Return (mean, scores) of each response by source, criteria by their weight."""
    groups: dict[Response, dict[str, list[Score]]] = {}
    for score in scores:
        by = groups.setdefault((score.item_id, score.response_id), {})
        by.setdefault(score.annotator[0], []).append(score)
    return {
        key: {
            source: (
                sum(s.weight * s.unit for s in group) / sum(s.weight for s in group),
                [s.unit for s in group],
            )
            for source, group in by.items()
        }
        for key, by in groups.items()
    }


def result_of(
    ballots: Ballots,
    weights: Mapping[str, float],
    opinions: Mapping[Pair, Opinion],
    decided: Mapping[Response, float],
    confusions: Mapping[Annotator, tuple[tuple[str, ...], FloatArray]] | None = None,
) -> AggregationResult:
    """Put opinions on pairs and decided rewards into the result, and count the rest.

    Args:
        ballots: The judgments.
        weights: Weight of each source.
        opinions: What was made of each pair.
        decided: Rewards that the method decided; the others are weighted means.
        confusions: Annotator -> (classes, confusion matrix).
    """
    preferences, ties = [], []
    unused: Counter[str] = Counter()
    for pair in ballots.pairs:
        opinion = opinions.get(pair)
        if opinion is None:
            failed = ballots.failures.get(pair)
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
    return AggregationResult(
        rewards=tuple(_rewards(ballots, weights, opinions, decided)),
        preferences=tuple(preferences),
        annotators=tuple(_annotators(ballots, weights, confusions or {})),
        ties=tuple(ties),
        unused=dict(unused),
    )


def _rewards(
    ballots: Ballots,
    weights: Mapping[str, float],
    opinions: Mapping[Pair, Opinion],
    decided: Mapping[Response, float],
) -> Iterable[Reward]:
    components = components_of(ballots.scores)
    wins: dict[Response, dict[str, list[float]]] = {}
    for vote in ballots.votes:
        item, a, b = vote.pair
        for response, p in ((a, vote.probability), (b, 1.0 - vote.probability)):
            by = wins.setdefault((item, response), {})
            by.setdefault(vote.annotator[0], []).append(p)
    won: dict[Response, list[float]] = {}
    voted = {vote.pair for vote in ballots.votes}
    for pair, opinion in opinions.items():
        if pair in voted:
            won.setdefault((pair[0], pair[1]), []).append(opinion.probability)
            won.setdefault((pair[0], pair[2]), []).append(1.0 - opinion.probability)
    for key in ballots.responses:
        parts = {
            source: (value, values) for source, (value, values) in components.get(key, {}).items()
        }
        for source, chances in wins.get(key, {}).items():
            value = sum(chances) / len(chances)
            if source in parts:
                chances = [*parts[source][1], *chances]
                value = sum(chances) / len(chances)
            parts[source] = (value, chances)
        parts = {source: part for source, part in parts.items() if weights.get(source, 1.0) > 0}
        values = [v for _, chances in parts.values() for v in chances]
        if not values:
            yield Reward(*key, None)
            continue
        if key in decided:
            value = decided[key]
        elif key in won and not components.get(key):
            value = sum(won[key]) / len(won[key])
        else:
            total = sum(weights.get(source, 1.0) for source in parts)
            value = sum(weights.get(s, 1.0) * part[0] for s, part in parts.items()) / total
        stderr = float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None
        yield Reward(
            *key, value, stderr, len(values), {source: part[0] for source, part in parts.items()}
        )


def _annotators(
    ballots: Ballots,
    weights: Mapping[str, float],
    confusions: Mapping[Annotator, tuple[tuple[str, ...], FloatArray]],
) -> Iterable[AnnotatorReport]:
    counts = Counter([v.annotator for v in ballots.votes] + [s.annotator for s in ballots.scores])
    names = list(dict.fromkeys([*counts, *ballots.failed_by]))
    for name in names:
        flipped, both = ballots.flips.get(name, (0, 0))
        classes, confusion = confusions.get(name, ((), np.zeros((0, 0))))
        yield AnnotatorReport(
            name[0],
            name[1],
            weights.get(name[0], 1.0),
            counts[name],
            dict(ballots.failed_by.get(name, {})),
            flipped,
            both,
            classes,
            tuple(tuple(float(p) for p in row) for row in confusion),
        )

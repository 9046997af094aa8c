"""Judgments as votes on pairs and scores of responses, with what failed and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from harness.nouns.errors import DataError
from harness.nouns.outcomes import Status
from harness.nouns.schema import Judgment, JudgmentRequest
from harness.ratings.both_orders import Choice, Vote, combine_orders

Pair = tuple[str, str, str]
"""(item id, response id, response id); the second id is A's."""

Annotator = tuple[str, str]
"""(source, annotator inside the source)."""


@dataclass(frozen=True, slots=True)
class PairVote:
    """One vote on one pair; ``probability`` that its first response is preferred."""

    pair: Pair
    annotator: Annotator
    choice: Choice
    probability: float


@dataclass(frozen=True, slots=True)
class Score:
    """One score of one response.

    Args:
        item_id: The item.
        response_id: The response.
        annotator: Who.
        criterion: Id of the criterion.
        weight: Weight of the criterion.
        unit: The value on [0, 1].
        label: Index of the label on its scale; None for numbers.
    """

    item_id: str
    response_id: str
    annotator: Annotator
    criterion: str
    weight: float
    unit: float
    label: int | None


@dataclass
class Ballots:
    """All judgments of an experiment in the form that aggregation needs.

    Attributes:
        responses: (item id, response id) of every response that was to be judged, in order.
        pairs: Every pair that was to be judged, in order.
        votes: Votes on pairs.
        scores: Scores of responses.
        failures: Pair -> reasons why verdicts on it failed.
        failed_by: Annotator -> reason -> verdicts that failed.
        flips: Annotator -> (votes that changed with the order, votes in both orders).
    """

    responses: list[tuple[str, str]] = field(default_factory=list)
    pairs: list[Pair] = field(default_factory=list)
    votes: list[PairVote] = field(default_factory=list)
    scores: list[Score] = field(default_factory=list)
    failures: dict[Pair, Counter[str]] = field(default_factory=dict)
    failed_by: dict[Annotator, Counter[str]] = field(default_factory=dict)
    flips: dict[Annotator, tuple[int, int]] = field(default_factory=dict)


def ballots_of(
    requests: Sequence[JudgmentRequest],
    judgments: Iterable[Judgment],
    weights: Mapping[str, float],
) -> Ballots:
    """Sort judgments into votes and scores; sources of weight 0 take no part.

    A ranking becomes one vote for each pair in it. Where nothing was judged in pairs, all pairs of
    responses to one item are formed, so that scores give preferences as well.

    Args:
        requests: What was asked.
        judgments: What came back, failures included.
        weights: Weight of each source, 1 for a source that is not in it.

    Raises:
        DataError: A judgment is about an unknown request, or a weight is negative.
        ScaleError: A pointwise value cannot be a reward (a nominal label, a number without bounds).
    """
    wrong = {name: w for name, w in weights.items() if not w >= 0}
    if wrong:
        raise DataError(f"a weight must be at least 0, got {wrong}")
    by_id = {request.id: request for request in requests}
    ballots = Ballots()
    seen: dict[tuple[str, str], None] = {}
    pair_of: dict[tuple[str, frozenset[str]], Pair] = {}
    for request in requests:
        for response in request.responses:
            seen.setdefault((request.item.id, response.id))
        ids = [response.id for response in request.responses]
        for a, b in combinations(ids, 2):
            pair_of.setdefault((request.item.id, frozenset((a, b))), (request.item.id, a, b))
    ballots.responses = list(seen)
    pairwise: list[Judgment] = []
    for judgment in judgments:
        if weights.get(judgment.source, 1.0) == 0:
            continue
        asked = by_id.get(judgment.request_id)
        if asked is None:
            raise DataError(f"a judgment is about an unknown request {judgment.request_id!r}")
        if asked.way == "pairwise":
            pairwise.append(judgment)
        elif asked.way == "pointwise":
            _score(ballots, asked, judgment)
        else:
            _ranking(ballots, asked, judgment, pair_of)
    for vote in combine_orders(pairwise):
        _vote(ballots, by_id[vote.request_id], vote, pair_of)
    if not pair_of:
        by_item: dict[str, list[str]] = {}
        for item_id, response_id in ballots.responses:
            by_item.setdefault(item_id, []).append(response_id)
        ballots.pairs = [
            (item, a, b) for item, ids in by_item.items() for a, b in combinations(ids, 2)
        ]
    else:
        ballots.pairs = list(dict.fromkeys(pair_of.values()))
    return ballots


def _fail(ballots: Ballots, pairs: Iterable[Pair], annotator: Annotator, reason: str) -> None:
    """Count one failed verdict of an annotator, which leaves some pairs without its vote."""
    for pair in pairs:
        ballots.failures.setdefault(pair, Counter())[reason] += 1
    ballots.failed_by.setdefault(annotator, Counter())[reason] += 1


def _score(ballots: Ballots, request: JudgmentRequest, judgment: Judgment) -> None:
    key = (request.item.id, request.responses[0].id)
    annotator = (judgment.source, judgment.annotator)
    verdict, scale = judgment.verdict, request.criterion.scale
    if verdict.status is not Status.OK:
        _fail(ballots, (), annotator, verdict.status.value)
        return
    label = None
    if not scale.is_numeric:
        value = verdict.value
        label = int(value is True) if scale.is_binary else scale.labels.index(str(value))
    ballots.scores.append(
        Score(
            *key,
            annotator,
            request.criterion.id,
            request.criterion.weight,
            scale.to_unit(verdict.value),
            label,
        )
    )


def _vote(
    ballots: Ballots,
    request: JudgmentRequest,
    vote: Vote,
    pair_of: Mapping[tuple[str, frozenset[str]], Pair],
) -> None:
    a, b = (response.id for response in request.responses)
    pair = pair_of[request.item.id, frozenset((a, b))]
    annotator = (vote.source, vote.annotator)
    if vote.flipped is not None:
        flipped, both = ballots.flips.get(annotator, (0, 0))
        ballots.flips[annotator] = (flipped + vote.flipped, both + 1)
    if vote.choice is None or vote.probability is None:
        _fail(ballots, (pair,), annotator, vote.failure)
        return
    choice, probability = vote.choice, vote.probability
    if pair[1] != a:  # the same pair was asked the other way round as well
        other: dict[Choice, Choice] = {"A": "B", "B": "A", "TIE": "TIE"}
        choice, probability = other[choice], 1.0 - probability
    ballots.votes.append(PairVote(pair, annotator, choice, probability))


def _ranking(
    ballots: Ballots,
    request: JudgmentRequest,
    judgment: Judgment,
    pair_of: Mapping[tuple[str, frozenset[str]], Pair],
) -> None:
    ids = [response.id for response in request.responses]
    annotator = (judgment.source, judgment.annotator)
    verdict = judgment.verdict
    pairs = [pair_of[request.item.id, frozenset(two)] for two in combinations(ids, 2)]
    if verdict.status is not Status.OK:
        _fail(ballots, pairs, annotator, verdict.status.value)
        return
    ranking = verdict.value
    if not isinstance(ranking, tuple) or sorted(ranking) != sorted(ids):
        raise DataError(f"a ranking of request {request.id} must name each response once")
    place = {response_id: position for position, response_id in enumerate(ranking)}
    for pair in pairs:
        first = place[pair[1]] < place[pair[2]]
        ballots.votes.append(
            PairVote(pair, annotator, "A" if first else "B", 1.0 if first else 0.0)
        )

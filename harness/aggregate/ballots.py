"""Judgments as votes on pairs and scores of responses, with what failed and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from harness.nouns.errors import DataError
from harness.nouns.outcomes import Status
from harness.nouns.rubric import Criterion
from harness.nouns.schema import Judgment, JudgmentRequest
from harness.ratings.both_orders import Choice, Vote, combine_orders
from harness.ratings.pairs import Pair, votes_from_scores

Annotator = tuple[str, str]
"""(source, annotator inside the source)."""

Response = tuple[str, str]
"""(item id, response id)."""

MISSING = Status.MISSING.value
_OTHER: Mapping[Choice, Choice] = {"A": "B", "B": "A", "TIE": "TIE"}


@dataclass(frozen=True, slots=True)
class Score:
    """One score of one response.

    Args:
        response: The response.
        annotator: Who.
        criterion: What was scored.
        unit: The value on [0, 1].
    """

    response: Response
    annotator: Annotator
    criterion: Criterion
    unit: float


@dataclass(frozen=True)
class Ballots:
    """All judgments in the form that aggregation needs.

    Args:
        responses: Every response that was to be judged, in order.
        pairs: Every pair that was to be judged, in order.
        votes: (pair, vote) that sources gave on pairs, failed ones included.
        compared: (pair, vote) that their scores amount to, where the source gave none itself.
        scores: Scores of responses.
        failed: (annotator, reason) of every judgment that failed.
    """

    responses: tuple[Response, ...]
    pairs: tuple[Pair, ...]
    votes: tuple[tuple[Pair, Vote], ...]
    compared: tuple[tuple[Pair, Vote], ...]
    scores: tuple[Score, ...]
    failed: tuple[tuple[Annotator, str], ...]


def ballots_of(
    requests: Sequence[JudgmentRequest],
    judgments: Iterable[Judgment],
    weights: Mapping[str, float],
) -> Ballots:
    """Sort judgments into votes and scores; sources of weight 0 take no part.

    A ranking becomes one vote for each pair in it. Where nothing was judged in pairs, all pairs of
    responses to one item are formed, so that scores give preferences as well.

    Raises:
        DataError: A judgment is about an unknown request, or a weight is negative.
        ScaleError: A pointwise value cannot be a reward (a nominal label, a number without bounds).
    """
    wrong = {name: w for name, w in weights.items() if not w >= 0}
    if wrong:
        raise DataError(f"a weight must be at least 0, got {wrong}")
    by_id = {request.id: request for request in requests}
    heard: dict[str, list[Judgment]] = {"pointwise": [], "pairwise": [], "listwise": []}
    for judgment in judgments:
        if weights.get(judgment.source, 1.0) == 0:
            continue
        if judgment.request_id not in by_id:
            raise DataError(f"a judgment is about an unknown request {judgment.request_id!r}")
        heard[by_id[judgment.request_id].way].append(judgment)
    responses = tuple(dict.fromkeys((r.item.id, one.id) for r in requests for one in r.responses))
    pair_of = _pairs(requests, responses)
    votes: list[tuple[Pair, Vote]] = []
    for judgment in heard["listwise"]:
        votes += _ranked(by_id[judgment.request_id], judgment, pair_of)
    given = combine_orders(heard["pairwise"])
    for vote in given:
        asked = by_id[vote.request_id]
        a, b = (response.id for response in asked.responses)
        pair = pair_of[asked.item.id, frozenset((a, b))]
        votes.append((pair, vote if pair[1] == a else _turned(vote)))
    pairs = tuple(dict.fromkeys(pair_of.values()))
    named = {str(number): pair for number, pair in enumerate(pairs)}
    voted = {(pair, vote.source) for pair, vote in votes if vote.choice is not None}
    compared = [
        (named[vote.request_id], vote)
        for vote in votes_from_scores(named, requests, heard["pointwise"])
        if (named[vote.request_id], vote.source) not in voted
    ]
    single = [*heard["listwise"], *heard["pointwise"]]
    failed = [
        *((j.source, j.annotator, j.verdict.status.value) for j in single if not _is_ok(j)),
        *((vote.source, vote.annotator, vote.failure) for vote in given if vote.failure),
        *((v.source, v.annotator, MISSING) for _, v in compared if v.failure == MISSING),
    ]
    scores = [_score(by_id[j.request_id], j) for j in heard["pointwise"] if _is_ok(j)]
    return Ballots(
        responses,
        pairs,
        tuple(votes),
        tuple(compared),
        tuple(scores),
        tuple(((source, annotator), why) for source, annotator, why in failed),
    )


def _is_ok(judgment: Judgment) -> bool:
    return judgment.verdict.status is Status.OK


def _pairs(
    requests: Sequence[JudgmentRequest], responses: Iterable[Response]
) -> dict[tuple[str, frozenset[str]], Pair]:
    """Return item and the two responses -> the pair as it was first asked."""
    groups = [
        (r.item.id, [response.id for response in r.responses])
        for r in requests
        if r.way != "pointwise"
    ]
    if not groups:
        by_item: dict[str, list[str]] = {}
        for item, response in responses:
            by_item.setdefault(item, []).append(response)
        groups = list(by_item.items())
    found: dict[tuple[str, frozenset[str]], Pair] = {}
    for item, ids in groups:
        for a, b in combinations(ids, 2):
            found.setdefault((item, frozenset((a, b))), (item, a, b))
    return found


def _turned(vote: Vote) -> Vote:
    """Return the vote on the same pair asked the other way round."""
    if vote.choice is None or vote.probability is None:
        return vote
    return replace(vote, choice=_OTHER[vote.choice], probability=1.0 - vote.probability)


def _score(request: JudgmentRequest, judgment: Judgment) -> Score:
    return Score(
        (request.item.id, request.responses[0].id),
        (judgment.source, judgment.annotator),
        request.criterion,
        request.criterion.scale.to_unit(judgment.verdict.value),
    )


def _ranked(
    request: JudgmentRequest,
    judgment: Judgment,
    pair_of: Mapping[tuple[str, frozenset[str]], Pair],
) -> Iterable[tuple[Pair, Vote]]:
    ids = [response.id for response in request.responses]
    key = (request.id, judgment.source, judgment.annotator, judgment.repeat)
    verdict = judgment.verdict
    ranking = verdict.value
    if verdict.status is Status.OK and (
        not isinstance(ranking, tuple) or sorted(ranking) != sorted(ids)
    ):
        raise DataError(f"a ranking of request {request.id} must name each response once")
    for two in combinations(ids, 2):
        pair = pair_of[request.item.id, frozenset(two)]
        if isinstance(ranking, tuple):
            first = ranking.index(pair[1]) < ranking.index(pair[2])
            yield pair, Vote(*key, "A" if first else "B", float(first), 1)
        else:
            yield pair, Vote(*key, None, None, 0, failure=verdict.status.value)

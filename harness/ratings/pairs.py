"""Scores become pairs: the one rule, for agreement and for aggregation.

P(A) of a pair is the chance that a score of A lies above a score of B, ties half, by the same
annotator on the same criterion (Mann & Whitney 1947); criteria count by their weight. Every
annotator has a vote of its own. One who scored only one of the two responses has none, and the
reason is kept: the failure of the other score, or "missing".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from harness.nouns.outcomes import Status
from harness.nouns.rubric import Criterion
from harness.nouns.schema import Judgment, JudgmentRequest
from harness.ratings.both_orders import Vote, likelier

Pair = tuple[str, str, str]
"""(item id, response id, response id); the second id is A's."""

_Said = tuple[Criterion, Judgment]


def chance_above(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the chance that a number of the first is above one of the second, ties half."""
    wins = [1.0 if x > y else 0.5 if x == y else 0.0 for x in first for y in second]
    return sum(wins) / len(wins)


def votes_from_scores(
    pairs: Mapping[str, Pair],
    requests: Iterable[JudgmentRequest],
    judgments: Iterable[Judgment],
    *,
    samples_apart: bool = False,
) -> list[Vote]:
    """Compare the scores of each annotator on the responses of each pair.

    Args:
        pairs: Id of each pair -> its responses.
        requests: The pointwise requests.
        judgments: Their judgments, failures included.
        samples_apart: One vote for each repeated sample, as agreement needs for test and retest;
            otherwise one vote of all its samples.

    Returns:
        Votes by pair and then by source; annotators who were asked about neither response of a pair
        have none on it.

    Raises:
        ScaleError: A score has no place between 0 and 1 (a nominal label, a number without bounds).
    """
    asked = {request.id: request for request in requests}
    said: dict[tuple[str, str], dict[tuple[str, str, int], list[_Said]]] = {}
    for judgment in judgments:
        request = asked[judgment.request_id]
        who = (judgment.source, judgment.annotator, judgment.repeat if samples_apart else 0)
        by = said.setdefault((request.item.id, request.responses[0].id), {})
        by.setdefault(who, []).append((request.criterion, judgment))
    votes = []
    for name, (item, a, b) in pairs.items():
        first, second = said.get((item, a), {}), said.get((item, b), {})
        for who in sorted({**first, **second}, key=lambda who: who[0]):
            votes.append(_vote((name, *who), first.get(who, []), second.get(who, [])))
    return votes


def _vote(key: tuple[str, str, str, int], first: list[_Said], second: list[_Said]) -> Vote:
    mine, theirs = _by_criterion(first), _by_criterion(second)
    shared = [criterion for criterion in mine if criterion in theirs]
    if not shared:
        verdicts = [judgment.verdict for _, judgment in (*first, *second)]
        failed = [verdict.status for verdict in verdicts if verdict.status is not Status.OK]
        return Vote(*key, None, None, 0, failure=(failed or [Status.MISSING])[0].value)
    total = sum(criterion.weight for criterion in shared)
    chance = sum(c.weight * chance_above(mine[c], theirs[c]) for c in shared) / total
    return Vote(*key, likelier(chance), chance, 1)


def _by_criterion(said: list[_Said]) -> dict[Criterion, list[float]]:
    found: dict[Criterion, list[float]] = {}
    for criterion, judgment in said:
        if judgment.verdict.status is Status.OK:
            unit = criterion.scale.to_unit(judgment.verdict.value)
            found.setdefault(criterion, []).append(unit)
    return found

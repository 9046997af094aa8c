"""Pairs with base: an evaluator compares each arm's responses with base's, in both orders."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from harness.evaluate.against_base import Met, Pairing, Question, Said, meet, pairings
from harness.experiment.context import Asking, StartBar
from harness.experiment.sources import NamedSource
from harness.experiment.stages.judge import Judged, ask
from harness.feedback.contract import Presents
from harness.feedback.judge import unswap
from harness.feedback.requests import build_requests, criterion_for, request_id, reversed_request
from harness.nouns.counted import counted
from harness.nouns.outcomes import Status
from harness.nouns.rubric import Criterion
from harness.nouns.schema import Item, Judgment, JudgmentRequest, Order, Response, Verdict, Way

FEWEST_OF_A_LIST = 3
"""Different responses of a list; two are a pair."""


@dataclass(frozen=True, slots=True)
class WithBase:
    """What an evaluator made of the pairs of all arms.

    Attributes:
        judged: What it was asked, and what it said.
        pairs: The same read as pairs, A being the arm's response, in both orders.
        met: What became of each pair.
    """

    judged: Judged
    pairs: Judged
    met: Sequence[Met]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request, and the questions that its answer is read for."""

    request: JudgmentRequest
    questions: Sequence[Question]


def with_base(
    source: NamedSource,
    way: Way,
    items: Sequence[Item],
    responses: Mapping[tuple[str, int], Sequence[Response]],
    base: str,
    asking: Asking,
    bar: StartBar,
) -> WithBase:
    """Let an evaluator compare each response of each arm with base's.

    Args:
        source: The evaluator.
        way: "pairwise": it is shown a pair in both orders; one that shows what it is given as it is
            given is asked twice. "listwise": it is shown all arms' responses and base's in one list
            and in the reversed one, which are read as pairs; two different responses are a pair.
        items: The held-out items.
        responses: By (policy, seed).
        base: The policy that the others are compared with.
        asking: Journal, seed and limits.
        bar: For progress.
    """
    pairs = pairings(items, responses, base)
    asked = requests_with_base(source, way, pairs)
    requests = _with_lists_reversed(asked)
    found = ask(source, requests, asking, bar, "evaluation") if requests else []
    again = _seen_once(requests, found)
    if again:
        turned = [reversed_request(request) for request in again]
        requests += turned
        found = [*found, *ask(source, turned, asking, bar, "evaluation")]
    by_request: dict[str, list[Judgment]] = {}
    for judgment in found:
        by_request.setdefault(judgment.request_id, []).append(judgment)
    as_pairs, votes, said = _read(source, asked, by_request)
    return WithBase(
        Judged(source, requests, found), Judged(source, as_pairs, votes), meet(pairs, said)
    )


def asked_with_base(
    source: NamedSource, way: Way, pairs: Iterable[Pairing]
) -> list[JudgmentRequest]:
    """Return what an evaluator is asked, where it shows pairs in both orders by itself.

    One that does not is asked about each pair once more.
    """
    requests = _with_lists_reversed(requests_with_base(source, way, pairs))
    if isinstance(source.source, Presents):
        return requests
    return requests + [reversed_request(one) for one in requests if one.way == "pairwise"]


def _with_lists_reversed(asked: Sequence[_Asked]) -> list[JudgmentRequest]:
    requests = [one.request for one in asked]
    return requests + [reversed_request(one) for one in requests if one.way == "listwise"]


def requests_with_base(source: NamedSource, way: Way, pairs: Iterable[Pairing]) -> list[_Asked]:
    """Return what an evaluator is asked in the first order."""
    of_pairs = criterion_for(source.info, "pairwise")
    if way == "listwise":
        return _lists(pairs, criterion_for(source.info, way), "pairwise" in source.info.takes)
    asked: dict[Question, _Asked] = {}
    for pair in pairs:
        if pair.is_open and pair.question not in asked:
            asked[pair.question] = _pair(pair, of_pairs)
    return list(asked.values())


def _pair(pair: Pairing, criterion: Criterion) -> _Asked:
    assert pair.mine is not None and pair.theirs is not None
    both = pair.mine, pair.theirs
    name = request_id(pair.item, both, criterion)
    return _Asked(JudgmentRequest(name, pair.item, both, criterion), [pair.question])


def _lists(pairs: Iterable[Pairing], criterion: Criterion, takes_pairs: bool) -> list[_Asked]:
    """Return a list for each response of base and what all arms wrote beside it."""
    groups: dict[tuple[str, int, int, int, str], list[Pairing]] = {}
    for pair in pairs:
        if pair.is_open:
            place = pair.item.id, pair.seed, pair.base_seed, pair.number, pair.question[2]
            groups.setdefault(place, []).append(pair)
    asked: dict[tuple[str, ...], _Asked] = {}
    for group in groups.values():
        first = group[0]
        assert first.theirs is not None
        unlike = {first.theirs.text: first.theirs}
        for pair in group:
            assert pair.mine is not None
            unlike.setdefault(pair.mine.text, pair.mine)
        key = (first.item.id, *unlike)
        if key in asked:
            continue
        if len(unlike) >= FEWEST_OF_A_LIST:
            responses = _named_apart(unlike.values())
            name = request_id(first.item, responses, criterion)
            request = JudgmentRequest(name, first.item, responses, criterion)
            asked[key] = _Asked(request, list(dict.fromkeys(pair.question for pair in group)))
        elif takes_pairs:
            asked[key] = _pair(first, criterion)
    return list(asked.values())


def _named_apart(responses: Collection[Response]) -> tuple[Response, ...]:
    """Return responses with different ids: files of several policies may call theirs alike."""
    if len({one.id for one in responses}) == len(responses):
        return tuple(responses)
    # By place: a name made of others, such as arm/r1, may be somebody's id already.
    return tuple(replace(one, id=f"{place}/{one.id}") for place, one in enumerate(responses))


def unasked(found: WithBase) -> list[str]:
    """Return a line on pairs that were no question for one that takes lists only."""
    info = found.judged.source.info
    lone = sum(one.pairing.is_open and one.value is None and not one.judgments for one in found.met)
    if "pairwise" in info.takes or not lone:
        return []
    beside = "it" if lone == 1 else "them"
    return [
        f"{info.name} takes lists of {FEWEST_OF_A_LIST} different responses or more: it was not"
        f" asked about {counted(lone, 'pair')} that had no third text beside {beside}."
    ]


def _seen_once(
    requests: Iterable[JudgmentRequest], judgments: Iterable[Judgment]
) -> list[JudgmentRequest]:
    """Return the pairs of which somebody has a verdict as they were given, without an order."""
    once = {
        one.request_id for one in judgments if one.verdict.status is Status.OK and one.order == ""
    }
    return [one for one in requests if one.way == "pairwise" and one.id in once]


def _read(
    source: NamedSource, asked: Sequence[_Asked], judgments: Mapping[str, Sequence[Judgment]]
) -> tuple[list[JudgmentRequest], list[Judgment], dict[Question, Said]]:
    """Return the pairs that were asked about, what was said of them, and what that cost."""
    criterion = criterion_for(source.info, "pairwise")
    requests, votes = list[JudgmentRequest](), list[Judgment]()
    said: dict[Question, Said] = {}
    for one in asked:
        first, turned = one.request, reversed_request(one.request)
        heard = judgments.get(first.id, ()), judgments.get(turned.id, ())
        cost = sum(judgment.cost_usd for side in heard for judgment in side)
        share = 1 / len(one.questions)
        for question in one.questions:
            before = said.get(question)
            mine = before.judgments if before else None
            if mine is None:
                request = _as_pair(first, question, criterion)
                mine = [
                    replace(vote, request_id=request.id)
                    for vote in _of_pair(first, request, *heard)
                ]
                requests.append(request)
                votes += mine
            paid = (before.cost_usd if before else 0.0) + share * cost
            times = (before.asked if before else 0.0) + share * sum(map(len, heard))
            said[question] = Said(mine, paid, times)
    return requests, votes, said


def _as_pair(request: JudgmentRequest, question: Question, criterion: Criterion) -> JudgmentRequest:
    texts = {response.text: response for response in request.responses}
    both = texts[question[1]], texts[question[2]]
    return JudgmentRequest(request_id(request.item, both, criterion), request.item, both, criterion)


def _of_pair(
    request: JudgmentRequest,
    pair: JudgmentRequest,
    first: Iterable[Judgment],
    turned: Iterable[Judgment],
) -> list[Judgment]:
    """Return judgments on a pair in the orders AB and BA, from those on what was asked."""
    if request.way == "listwise":
        ids = pair.responses[0].id, pair.responses[1].id
        orders: tuple[tuple[Order, Iterable[Judgment]], ...] = (("AB", first), ("BA", turned))
        return [
            replace(one, order=order, verdict=_ranked(one.verdict, *ids))
            for order, side in orders
            for one in side
        ]
    as_given = [one if one.order else replace(one, order="AB") for one in first]
    return as_given + [replace(one, order="BA", verdict=unswap(one.verdict)) for one in turned]


def _ranked(verdict: Verdict, mine: str, theirs: str) -> Verdict:
    """Return what a ranking says of two responses."""
    if verdict.status is not Status.OK:
        return verdict
    assert isinstance(verdict.value, tuple)
    above = verdict.value.index(mine) < verdict.value.index(theirs)
    return Verdict(Status.OK, "A" if above else "B", rationale=verdict.rationale)


def few_requests(
    source: NamedSource, way: Way, items: Sequence[Item], responses: Iterable[Response]
) -> list[JudgmentRequest]:
    """Return what an evaluator that compares is asked of base's responses alone, for a look."""
    found = list(responses)
    if way == "listwise" and "pairwise" in source.info.takes:
        way = "pairwise"
    return build_requests(items, found, way, criterion_for(source.info, way))

"""What a source is asked: one request for each response, each pair, or all of an item."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace

from harness.nouns.hashing import content_hash
from harness.nouns.rubric import Criterion
from harness.nouns.scale import BINARY
from harness.nouns.schema import Item, JudgmentRequest, Response, SourceInfo, Way

OVERALL = Criterion("overall", "Which response is better?", BINARY)
"""The criterion of a request that no rubric made."""

REVERSED = "-reversed"
"""Ends the id of a request that is another one in the reversed order."""


def reversed_request(request: JudgmentRequest) -> JudgmentRequest:
    """Return the same question with its responses in the reversed order."""
    turned = request.responses[::-1]
    return replace(request, id=f"{request.id}{REVERSED}", responses=turned)


def as_first_asked(request: JudgmentRequest) -> JudgmentRequest:
    """Return a question in the order in which it was asked first; it is that already, mostly."""
    if not request.id.endswith(REVERSED):
        return request
    first = request.id.removesuffix(REVERSED)
    return replace(request, id=first, responses=request.responses[::-1])


def build_requests(
    items: Iterable[Item],
    responses: Iterable[Response],
    way: Way,
    criterion: Criterion = OVERALL,
) -> list[JudgmentRequest]:
    """Make one request per response, per pair of neighbouring responses of an item, or per item.

    Pairs are (first, second), (third, fourth), ... of an item, so that pairs of one item are
    independent draws. Pairs of identical texts are left out: there is nothing to prefer. A list has
    all responses of an item, of identical ones the first; fewer than three are no list.

    The requests are in the order of the items.
    """
    by_item: dict[str, list[Response]] = {}
    for response in responses:
        by_item.setdefault(response.item_id, []).append(response)
    requests = []
    groups: list[tuple[Response, ...]]
    for item in items:
        mine = by_item.get(item.id, [])
        if way == "pairwise":
            pairs = zip(mine[::2], mine[1::2], strict=False)
            groups = [pair for pair in pairs if pair[0].text != pair[1].text]
        elif way == "listwise":
            unlike: dict[str, Response] = {}
            for response in mine:
                unlike.setdefault(response.text, response)
            groups = [tuple(unlike.values())] if len(unlike) > 2 else []
        else:
            groups = [(response,) for response in mine]
        requests += [
            JudgmentRequest(request_id(item, group, criterion), item, group, criterion)
            for group in groups
        ]
    return requests


def left_out(items: Iterable[Item], responses: Iterable[Response]) -> str:
    """Return a line on the responses that stand in no pair, empty where each does.

    They are those without a partner, where an item has an odd number of responses, and those whose
    partner says the same.
    """
    by_item: dict[str, list[Response]] = {item.id: [] for item in items}
    for response in responses:
        if response.item_id in by_item:
            by_item[response.item_id].append(response)
    groups = by_item.values()
    odd = sum(len(mine) % 2 for mine in groups)
    pairs = [pair for mine in groups for pair in zip(mine[::2], mine[1::2], strict=False)]
    equal = 2 * sum(first.text == second.text for first, second in pairs)
    if not odd + equal:
        return ""
    reasons = [
        f"{odd} without a partner, since their items have an odd number of responses" * bool(odd),
        f"{equal} that say the same as their partner" * bool(equal),
    ]
    told = " and ".join(filter(None, reasons))
    return f"{odd + equal} of {sum(map(len, groups))} responses are in no pair: {told}"


def criterion_for(info: SourceInfo, way: Way = "pointwise") -> Criterion:
    """Return what a source is asked: everything; of one response, on the source's own scale."""
    if way != "pointwise" or info.scale is None:
        return OVERALL
    return replace(OVERALL, scale=info.scale)


def request_id(item: Item, responses: Sequence[Response], criterion: Criterion) -> str:
    """Return the id of a request; it moves with all that a verdict may depend on.

    A changed prompt, reference, answer or scale is a new question, so that no old verdict is taken
    for an answer to it.
    """
    asked = {
        "item": [item.id, item.prompt, item.reference, item.metadata],
        "responses": [[response.id, response.text] for response in responses],
        "criterion": [criterion.id, criterion.text, asdict(criterion.scale)],
    }
    return content_hash(asked)[:24]

"""What the conformance kit tries a verifier with: attacks made from the references alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from harness.agreement.reference_audit import audited
from harness.feedback.requests import build_requests, criterion_for
from harness.nouns.schema import Judgment, JudgmentRequest, Response, SourceInfo

Ask = Callable[[list[JudgmentRequest]], Awaitable[list[Judgment]]]


async def attack_breaches(
    info: SourceInfo,
    requests: Sequence[JudgmentRequest],
    ask: Ask,
    known: Sequence[str],
    whole: bool,
) -> list[str]:
    """Return a line for each kind of attack that a verifier accepts.

    One that does not tell the reference from another answer does not decide by it, and is not
    tried.

    Args:
        info: Who it is.
        requests: Whose items it is tried on.
        ask: Asks it.
        known: Attacks that it is known to accept.
        whole: Whether it reads thoughts as well.
    """
    items = list({request.item.id: request.item for request in requests}.values())

    async def judge(responses: Sequence[Response]) -> dict[str, Judgment]:
        asked = build_requests(items, responses, "pointwise", criterion_for(info))
        of_request = {request.id: request.responses[0].id for request in asked}
        return {of_request[one.request_id]: one for one in await ask(asked)}

    audit = await audited(items, judge, whole)
    taken = {family.name: family.example for family in audit.failing if not family.right}
    references = {item.id: item.reference for item in items}
    breaches = [
        f"an attack is accepted, {name}: {example.text[:200]!r} for the reference"
        f" {references[example.item_id]!r:.80} (where it has to be so: known_failures=[{name!r}],"
        " and say so where users read)"
        for name, example in taken.items()
        if example is not None and name not in known
    ]
    return breaches + [
        f"known_failures names {name!r}, which is not accepted"
        for name in known
        if name not in taken
    ]

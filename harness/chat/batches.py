"""Providers' batch interfaces: many calls in one file, answered within a day at half the price.

A batch only fills the journal; judges then find their replies there. What a batch did not answer
is asked live.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from harness.chat.failures import CallError, Failure
from harness.chat.fast import translate
from harness.chat.keys import reply_key
from harness.chat.ledger import Bill, Ledger
from harness.chat.litellm_transport import load_litellm
from harness.chat.openai_format import reply_of
from harness.nouns.chat_messages import ChatRequest
from harness.nouns.errors import ChatError, ConfigError
from harness.nouns.outcomes import Status

PROVIDERS = ("openai", "hosted_vllm")
DISCOUNT = 0.5
"""What providers charge for a call of a batch, as a share of the live price."""

FIRST_POLL_S = 1.0
LONGEST_POLL_S = 60.0
_ENDED = ("completed", "failed", "expired", "cancelled")


def check_batch(request: ChatRequest) -> None:
    """Refuse a model whose provider offers no batches in OpenAI's format.

    Raises:
        ConfigError: See above.
    """
    provider = request.model.partition("/")[0]
    if provider not in PROVIDERS:
        raise ConfigError(
            f"mode: batch does not work with {request.model}",
            hint=f"providers: {', '.join(PROVIDERS)}; or leave mode out",
        )


async def fetch(ledger: Ledger, requests: Iterable[ChatRequest]) -> None:
    """Send calls as batches, one for each model and endpoint, and keep what comes back.

    A batch that was begun before a kill is found again by its content and is not paid for twice.
    Calls that the ledger answers are left out.

    Raises:
        ChatError: The provider did not take a batch, or ended it without results.
        BudgetExceededError: The batch could pass the budget.
        ConfigError: The provider offers no batches.
    """
    waiting = {reply_key(request): request for request in requests}
    groups: dict[tuple[str, str], dict[str, ChatRequest]] = {}
    for key, request in waiting.items():
        if ledger.kept(key) is not None:
            continue
        check_batch(request)
        place = (request.model, str(request.extra.get("api_base", "")))
        groups.setdefault(place, {})[key] = request
    for group in groups.values():
        await _one_batch(ledger, group)


async def _one_batch(ledger: Ledger, group: Mapping[str, ChatRequest]) -> None:
    await asyncio.to_thread(load_litellm)  # it translates the bodies, and brings openai along
    import openai

    first = next(iter(group.values()))
    base = first.extra.get("api_base")
    key = first.extra.get("api_key") or ("none" if base else None)
    mark = "batch." + hashlib.sha256("\n".join(sorted(group)).encode()).hexdigest()
    reserved = DISCOUNT * sum(ledger.price(r.model, r.extra).at_most(r) for r in group.values())
    await ledger.budget.reserve(reserved)
    spent = 0.0
    try:
        begun = ledger.kept(mark)
        try:
            async with openai.AsyncOpenAI(api_key=key, base_url=base) as sdk:
                if begun is None:
                    begun = {"batch_id": await _begin(sdk, group), "cost_usd": 0.0}
                    ledger.keep_now(mark, begun)
                batch = await _wait(sdk, str(begun["batch_id"]))
                rows = await _rows(sdk, batch)
        except Exception as error:  # the SDK's many types
            reason = f"batch: {type(error).__name__}: {error}"
            raise ChatError(Status.ERROR, reason, retryable=True) from error
        for row in rows:
            request = group.get(row.get("custom_id", ""))
            if request is not None:
                spent += _keep(ledger, row["custom_id"], request, row)
    finally:
        ledger.budget.settle(reserved, spent)


async def _begin(sdk: Any, group: Mapping[str, ChatRequest]) -> str:
    """Upload the calls and start a batch; return its id."""
    lines = [
        json.dumps(
            {
                "custom_id": key,
                "method": "POST",
                "url": "/v1/chat/completions",
                "body": translate(request).body,
            }
        )
        for key, request in group.items()
    ]
    content = ("calls.jsonl", "\n".join(lines).encode(), "application/jsonl")
    file = await sdk.files.create(file=content, purpose="batch")
    batch = await sdk.batches.create(
        completion_window="24h", endpoint="/v1/chat/completions", input_file_id=file.id
    )
    return str(batch.id)


async def _wait(sdk: Any, batch_id: str) -> Any:
    wait = FIRST_POLL_S
    while True:
        batch = await sdk.batches.retrieve(batch_id)
        if batch.status in _ENDED:
            return batch
        await asyncio.sleep(wait)
        wait = min(LONGEST_POLL_S, 1.5 * wait)


async def _rows(sdk: Any, batch: Any) -> Sequence[dict[str, Any]]:
    """Return the answered lines of a batch; failed ones are not among them."""
    if not batch.output_file_id:
        raise RuntimeError(f"the batch {batch.id} ended as {batch.status} without results")
    answer = await sdk.files.content(batch.output_file_id)
    return [json.loads(line) for line in answer.text.splitlines() if line.strip()]


def _keep(ledger: Ledger, key: str, request: ChatRequest, row: Mapping[str, Any]) -> float:
    """Keep one line of a batch's results; return its dollars.

    A failed line is left out: the call is made live when it is asked for.
    """
    price = ledger.price(request.model, request.extra)
    try:
        answer = row.get("response") or {}
        if answer.get("status_code") != 200:
            reason = f"batch line with status {answer.get('status_code')}"
            raise CallError(Failure.SERVER, reason)
        reply = reply_of(answer.get("body") or {}, request)
    except CallError as error:
        cost = 0.0 if error.reply is None else DISCOUNT * price.cost(error.reply.tokens)
        if error.failure is Failure.REFUSED:
            ledger.refused(key, request, error, Bill(cost))
        return cost
    cost = DISCOUNT * price.cost(reply.tokens)
    ledger.paid(key, request, reply, Bill(cost))
    return cost

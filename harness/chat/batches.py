"""Providers' batch interfaces: many calls in one file, answered within a day at half the price.

A batch only fills the journal; judges then find their replies there. What a batch did not answer
is asked live.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from harness.chat.failures import KEPT, CallError, Failure, one_line
from harness.chat.fast import translate
from harness.chat.fitting import Fitting, changes
from harness.chat.keys import reply_key
from harness.chat.ledger import Bill, Ledger
from harness.chat.litellm_transport import load_litellm, of_litellm
from harness.chat.openai_format import reply_of
from harness.chat.wire import ACCEPTED, ENVELOPE, Exchange, is_answer, most_bytes, parsed, sound
from harness.nouns.chat_messages import ChatReply, ChatRequest
from harness.nouns.errors import ChatError, ConfigError
from harness.nouns.outcomes import Status
from harness.nouns.redaction import keep_secrets_of

PROVIDERS = ("openai", "hosted_vllm")
DISCOUNT = 0.5
"""What providers charge for a call of a batch, as a share of the live price."""

FIRST_POLL_S = 1.0
LONGEST_POLL_S = 60.0
PER_LINE = 65_536
"""Bytes of a line of results, beside the text of its answer."""

LONGEST_S = 26 * 3600.0
"""Seconds for which a batch is waited for; providers promise a day."""

_ENDED = ("completed", "failed", "expired", "cancelled")
_GOING = ("validating", "queued", "pending", "in_progress", "finalizing", "cancelling")


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

    A batch that was begun before a kill is found again by its content and is not paid for twice;
    one that ended, with or without results, is not asked for again. Calls that the ledger answers
    are left out.

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
        keep_secrets_of(request.extra)
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
    await asyncio.to_thread(_learn, ledger.fitting, first)
    sent = [ledger.fitting.fit(request) for request in group.values()]
    reserved = DISCOUNT * sum(ledger.price(r.model, r.extra).at_most(r) for r in sent)
    await ledger.budget.reserve(reserved)
    spent = 0.0
    most = ENVELOPE + sum(most_bytes(r) - ENVELOPE + PER_LINE for r in sent)
    try:
        begun = ledger.kept(mark)
        opened = Exchange(most, completion=False)
        try:
            async with openai.AsyncOpenAI(
                api_key=key, base_url=base, http_client=_http_client(opened)
            ) as sdk:
                if begun is None or "ended" in begun:
                    bodies = dict(zip(group, sent, strict=True))
                    begun = {"batch_id": await _begin(sdk, bodies), "cost_usd": 0.0}
                    ledger.keep_now(mark, begun)
                rows = await _rows(sdk, await _wait(sdk, str(begun["batch_id"])))
        except _Ended as error:
            ledger.keep_now(mark, {**begun, "ended": str(error)} if begun else {})
            hint = "the same call begins another one"
            raise ChatError(Status.ERROR, f"batch: {error}; {hint}", retryable=True) from error
        except Exception as error:  # the SDK's many types
            reason = one_line(f"batch: {opened.failure or f'{type(error).__name__}: {error}'}")
            raise ChatError(Status.ERROR, reason, retryable=True) from error
        for name, answers in _answered(group, rows).items():
            spent += _keep(ledger, name, group[name], answers)
        ledger.keep_now(mark, {**begun, "ended": "read"})
    finally:
        ledger.budget.settle(reserved, spent)


def _learn(fitting: Fitting, request: ChatRequest) -> None:
    """Learn what litellm knows that a model does not take; what stays is told by the batch."""
    for _ in range(4):
        sent = fitting.fit(request)
        try:
            translate(sent)
            return
        except Exception as error:  # of litellm's many types
            if not fitting.learn(request, sent, of_litellm(error)):
                return


def _http_client(opened: Exchange) -> Any:
    """Return the HTTP client of the SDK, which keeps the rules of ``harness.chat.wire``."""
    import httpx
    import openai

    class Guarded(openai.DefaultAsyncHttpxClient):  # type: ignore[misc]
        async def send(self, request: httpx.Request, **how: Any) -> httpx.Response:
            request.headers["accept-encoding"] = ACCEPTED
            given = {**how, "stream": True, "follow_redirects": False}
            return await sound(await super().send(request, **given), request, opened)

    return Guarded()


class _Ended(Exception):
    """A batch ended, or is no more, without results: it is not asked for again."""


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
        completion_window="24h",
        endpoint="/v1/chat/completions",
        input_file_id=_id(file, "uploaded file"),
    )
    return _id(batch, "batch")


def _id(found: Any, what: str) -> str:
    """Return the id of something that the provider made."""
    name = getattr(found, "id", None)
    if not isinstance(name, str) or not name:
        raise ValueError(f"the provider gives its {what} no id")
    return name


async def _wait(sdk: Any, batch_id: str) -> Any:
    """Return a batch that has ended.

    Raises:
        _Ended: The provider knows it no more.
        RuntimeError: Its state is none that we know, or it takes longer than a batch may.
    """
    import openai

    wait, until = FIRST_POLL_S, time.monotonic() + LONGEST_S
    while True:
        try:
            batch = await sdk.batches.retrieve(batch_id)
        except openai.NotFoundError as error:
            raise _Ended(f"the provider knows {batch_id} no more") from error
        status = getattr(batch, "status", None)
        if status in _ENDED:
            return batch
        if status not in _GOING:
            raise RuntimeError(f"{batch_id} is in a state that is not known: {str(status)[:40]!r}")
        if time.monotonic() > until:
            raise RuntimeError(f"{batch_id} is {status} for more than {LONGEST_S / 3600:.0f} hours")
        await asyncio.sleep(wait)
        wait = min(LONGEST_POLL_S, 1.5 * wait)


async def _rows(sdk: Any, batch: Any) -> list[Any]:
    """Return the lines of a batch's results that are JSON.

    One that completed without results has only failed lines, which are in another file.

    Raises:
        _Ended: It ended otherwise, without results.
    """
    file = getattr(batch, "output_file_id", None)
    if not file:
        if batch.status == "completed":
            return []
        raise _Ended(f"{batch.id} ended as {batch.status} without results")
    answer = await sdk.files.content(str(file))
    found = []
    for line in answer.content.splitlines():
        with contextlib.suppress(CallError):
            found.append(parsed(line))
    return found


def _answered(
    group: Mapping[str, ChatRequest], rows: Iterable[Any]
) -> dict[str, list[Mapping[str, Any]]]:
    """Return the lines that answer each of our calls, those that differ."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        name = row.get("custom_id") if isinstance(row, dict) else None
        if isinstance(name, str) and name in group and row not in found.setdefault(name, []):
            found[name].append(row)
    return found


def _keep(
    ledger: Ledger, key: str, request: ChatRequest, answers: Sequence[Mapping[str, Any]]
) -> float:
    """Keep what a batch answered to a call; return its dollars.

    A failed line is left out: the call is made live when it is asked for. Of lines that differ none
    is believed, and the dearest is paid for.
    """
    price = ledger.price(request.model, request.extra)
    read = [_read(answer, request, ledger.fitting) for answer in answers]
    dearest = DISCOUNT * max(price.cost(one.tokens) for one, _ in read)
    reply, error = read[0]
    if len(read) > 1:
        error = CallError(Failure.MALFORMED, f"a batch with {len(read)} different lines for a call")
    if error is None:
        ledger.paid(key, request, reply, Bill(dearest))
        return dearest
    usage = ledger.usage[request.model]
    name = error.failure.value
    usage.failures[name] = usage.failures.get(name, 0) + 1
    if error.failure in KEPT:
        ledger.refused(key, request, error, Bill(dearest))
    else:
        usage.cost_usd += dearest
        ledger.lost(key, request, error, dearest)
    return dearest


def _read(
    row: Mapping[str, Any], request: ChatRequest, fitting: Fitting
) -> tuple[ChatReply, CallError | None]:
    """Return what a line of results says, of a failed one what was paid for, and its failure."""
    answer = row.get("response")
    status = answer.get("status_code") if isinstance(answer, dict) else None
    try:
        if not isinstance(answer, dict) or not is_answer(status):
            raise CallError(Failure.SERVER, one_line(f"batch line with status {status}"))
        sent = fitting.fit(request)
        reply = reply_of(answer.get("body"), sent)
        return replace(reply, fitted=changes(request, sent)), None
    except CallError as error:
        return error.reply or ChatReply(""), error

"""The chat client: cache, coalescing, budget, limits, call, retries, journal, in that order."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
import weakref
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from harness.chat.batches import fetch
from harness.chat.budget import Budget
from harness.chat.failures import (
    KEPT,
    STATUS,
    TRIES,
    CallError,
    Failure,
    one_line,
    wait_before_retry,
)
from harness.chat.fast import FastTransport, is_fast
from harness.chat.fitting import changes, endpoint, is_unknown_model, parameter_in
from harness.chat.keys import REFUSED, UNANSWERED, from_body, reply_key
from harness.chat.ledger import Bill, Estimate, Ledger, Usage
from harness.chat.limits import Limiter
from harness.chat.litellm_transport import LitellmTransport, check_api_model
from harness.chat.local import LocalTransport
from harness.chat.local_weights import check_local, is_local
from harness.chat.openai_format import checked
from harness.chat.prices import Price
from harness.chat.settings import check_settings
from harness.chat.transport import Transport
from harness.nouns.chat_messages import ChatReply, ChatRequest
from harness.nouns.errors import ChatError, ConfigError, HarnessError
from harness.nouns.outcomes import Status
from harness.nouns.redaction import keep_environment, keep_secrets_of

if TYPE_CHECKING:
    from harness.records.journal import Journal

PLACE_KEPT_S = 0.1
"""Seconds for which a call that was refused by a rate limit keeps its place, on average."""


_INSTEAD = {
    "logprobs": "soft: false asks for a verdict in words",
    "top_logprobs": "soft: false asks for a verdict in words",
}


class _Loop:
    """What belongs to one event loop: transports, calls in flight, limiters."""

    def __init__(self) -> None:
        self.fast = FastTransport()
        self.litellm = LitellmTransport()
        self.in_flight: dict[str, asyncio.Future[ChatReply]] = {}
        self.limiters: dict[tuple[str, str], Limiter] = {}
        self._commit: asyncio.Future[None] | None = None

    def committed(self, journal: Journal) -> asyncio.Future[None]:
        """Return what is done when everything recorded so far is on the disk.

        Calls that end in the same turn of the loop share one notice.
        """
        if self._commit is None:
            running = asyncio.get_running_loop()
            self._commit = running.create_future()
            running.call_soon(self._ask, journal, running)
        return self._commit

    def _ask(self, journal: Journal, running: asyncio.AbstractEventLoop) -> None:
        future, self._commit = self._commit, None
        assert future is not None

        def done() -> None:
            # The loop may be gone: its program was stopped, and nobody waits.
            with contextlib.suppress(RuntimeError):
                running.call_soon_threadsafe(future.set_result, None)

        journal.after_commit(done)


class Client:
    """Talks to language models; implements ``harness.feedback.contract.ChatClient``.

    Safe to use from several event loops, one after the other or in several threads. Use it as a
    context manager, or call ``aclose``.

    Args:
        journal: Keeps every reply that was paid for, and answers when the same is asked again;
            None keeps them in memory only.
        budget_usd: Dollars that all calls together never pass, those of earlier tries with the
            same journal included; None for no limit.
        concurrency: Requests in flight at once for each model and endpoint.
        timeout_s: Seconds for one request.
        cache_dir: Folder for converted local weights; the user's cache folder by default.
        transport: "auto" takes the fast transport for OpenAI-compatible servers with an address;
            "litellm" sends everything through ``litellm.acompletion``.
    """

    def __init__(
        self,
        journal: Journal | None = None,
        *,
        budget_usd: float | None = None,
        concurrency: int = 32,
        timeout_s: float = 60.0,
        cache_dir: Path | None = None,
        transport: Literal["auto", "litellm"] = "auto",
    ) -> None:
        keep_environment()
        self.ledger = Ledger(journal, budget_usd)
        self.local = LocalTransport(cache_dir)
        self._concurrency = concurrency
        self._timeout_s = timeout_s
        self._transport = transport
        self._answered: set[tuple[str, str]] = set()
        self._loops: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Loop]
        self._loops = weakref.WeakKeyDictionary()

    @property
    def budget(self) -> Budget:
        """What may be spent, and what was."""
        return self.ledger.budget

    @property
    def usage(self) -> dict[str, Usage]:
        """What each model was asked and what it cost."""
        return self.ledger.usage

    def check(self, model: str, extra: Mapping[str, Any] | None = None) -> None:
        """Raise when calls to this model cannot work; makes no call.

        Model and extra are those of a ``ChatRequest``.

        Raises:
            ConfigError: Unknown provider, missing key, missing weights, or a budget for a model
                whose price nobody knows.
            MissingExtraError: A library that the model needs is not installed.
        """
        extra = extra or {}
        if is_local(model):
            check_local(model)
            return
        check_settings(model, extra)
        check_api_model(model, extra)
        if self.budget.limit_usd is not None:
            self.ledger.price(model, extra)

    def estimate(self, requests: Iterable[ChatRequest]) -> Estimate:
        """Return what calls would cost; those that the journal answers, and twins, are free."""
        return self.ledger.estimate(requests)

    async def prefetch(self, requests: Iterable[ChatRequest]) -> None:
        """Fetch replies through the providers' batch interfaces, so that ``complete`` finds them.

        Raises:
            ChatError: The provider did not take a batch.
            BudgetExceededError: The batch could pass the budget.
            ConfigError: The provider offers no batches.
        """
        await fetch(self.ledger, requests)

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Return the reply to one request.

        Raises:
            ChatError: The call failed for good; its status says how.
            BudgetExceededError: The call could pass the run's budget.
            ConfigError: The endpoint refused the key, a parameter, or the model, at the first call.
        """
        key = reply_key(request)
        loop = self._loop()
        while True:
            kept = self.ledger.kept(key)
            if kept is not None:
                self.ledger.usage[request.model].cached += 1
                return reply_or_refusal(from_body(kept))
            twin = loop.in_flight.get(key)
            if twin is None:
                break
            # Shielded: a caller who gives up must not take the answer from the others.
            try:
                reply = await asyncio.shield(twin)
            except asyncio.CancelledError:
                me = asyncio.current_task()
                if not twin.cancelled() or (me is not None and me.cancelling()):
                    raise
                continue  # whoever asked first gave up: one of the others asks
            except ChatError as error:
                if error.reply is not None:
                    raise ChatError(
                        error.status, error.reason, reply=_as_cached(error.reply)
                    ) from error
                raise
            self.ledger.usage[request.model].cached += 1
            return _as_cached(reply)
        future: asyncio.Future[ChatReply] = asyncio.get_running_loop().create_future()
        loop.in_flight[key] = future
        try:
            reply = await self._call(request, key, loop)
            if self.ledger.journal is not None:
                # Only now is the call over: what kill -9 takes back was in flight.
                await asyncio.shield(loop.committed(self.ledger.journal))
                self.ledger.journal.check()
        except BaseException as error:
            if isinstance(error, asyncio.CancelledError):
                future.cancel()
            else:
                future.set_exception(error)
                future.exception()  # nobody may be waiting for it
            raise
        else:
            future.set_result(reply)
            return reply
        finally:
            del loop.in_flight[key]

    def _loop(self) -> _Loop:
        running = asyncio.get_running_loop()
        found = self._loops.get(running)
        if found is None:
            found = self._loops[running] = _Loop()
        return found

    async def _call(self, request: ChatRequest, key: str, loop: _Loop) -> ChatReply:
        """Make the call, with retries, and keep what came of it."""
        ledger = self.ledger
        keep_secrets_of(request.extra)
        if is_local(request.model):
            sent = ledger.fitting.fit(request)
            reply = await self.local.call(sent, self._timeout_s)
            reply = replace(reply, fitted=changes(request, sent))
            if reply.thoughts and not reply.text.strip():
                try:
                    checked(reply, None)
                except CallError as error:
                    return reply_or_refusal(ledger.refused(key, request, error, Bill()))
            return ledger.paid(key, request, reply, Bill())
        price = ledger.price(request.model, request.extra)
        wasted, tries, learnt = 0.0, 0, 0
        while True:
            tries += 1
            sent = ledger.fitting.fit(request)
            try:
                reply, latency = await self._try(sent, key, price, loop)
            except CallError as error:
                failures = ledger.usage[request.model].failures
                failures[error.failure.value] = failures.get(error.failure.value, 0) + 1
                cost = _cost(error, price, sent)
                ledger.usage[request.model].bounded += error.reply is None and cost > 0
                again = ledger.fitting.learn(request, sent, error)
                if error.failure in KEPT and not again:
                    refused = ledger.refused(key, request, error, Bill(cost, tries, wasted))
                    ledger.end(key)
                    return reply_or_refusal(refused)
                wasted += cost
                ledger.lost(key, request, error, cost)
                ledger.end(key)
                learnt += again
                if again:
                    continue
                if tries - learnt >= TRIES[error.failure]:
                    raise self._final(request, error, wasted, tries) from error
                await asyncio.sleep(wait_before_retry(error, tries) - error.waited_s)
            else:
                cost = price.cost(reply.tokens)
                reply = replace(reply, fitted=changes(request, sent))
                paid = ledger.paid(key, request, reply, Bill(cost, tries, wasted, latency))
                ledger.end(key)
                return paid

    async def _try(
        self, request: ChatRequest, key: str, price: Price, loop: _Loop
    ) -> tuple[ChatReply, float]:
        """Send one request inside budget and limits; return the reply and its seconds."""
        place = endpoint(request)
        limiter = loop.limiters.get(place)
        if limiter is None:
            limiter = loop.limiters[place] = Limiter(self._concurrency)
        reserved = price.at_most(request)
        await self.budget.reserve(reserved)
        actual = 0.0
        try:
            await limiter.acquire()
            try:
                call_id = await self._marked(key, reserved, loop)
            except BaseException:
                limiter.release()
                raise
            began = time.perf_counter()
            self.ledger.usage[request.model].requests += 1
            try:
                fast = self._transport == "auto" and is_fast(request)
                transport: Transport = loop.fast if fast else loop.litellm
                reply = await _sent(transport, request, self._timeout_s, call_id)
            except CallError as error:
                if error.failure is Failure.LIMITED:
                    limiter.limited()
                    # Freed at once, its place would go to a call that is refused as quickly.
                    error.waited_s = random.uniform(0.0, 2 * PLACE_KEPT_S)
                    await asyncio.sleep(error.waited_s)
                actual = _cost(error, price, request)
                raise
            finally:
                limiter.release()
            latency = time.perf_counter() - began
            limiter.succeeded(latency)
            self._answered.add(place)
            actual = price.cost(reply.tokens)
            return reply, latency
        finally:
            self.budget.settle(reserved, actual)

    async def _marked(self, key: str, at_most_usd: float, loop: _Loop) -> str:
        """Mark a call that is about to be sent, on the disk; return the id to send it under.

        Raises:
            StorageError: The journal cannot be written: what the call brings would be lost.
        """
        call_id = self.ledger.begin(key, at_most_usd)
        if self.ledger.journal is not None:
            await asyncio.shield(loop.committed(self.ledger.journal))
            self.ledger.journal.check()
        return call_id

    def _final(
        self, request: ChatRequest, error: CallError, wasted: float, tries: int
    ) -> Exception:
        """Return the error that the caller sees after the last try."""
        usage = self.ledger.usage[request.model]
        usage.failed += 1
        usage.cost_usd += wasted
        if endpoint(request) not in self._answered:
            if error.failure is Failure.CREDENTIALS:
                return ConfigError(
                    f"{request.model} refuses the key: {error.reason}",
                    hint="check the provider's key in the environment; nothing was judged yet",
                )
            if error.failure is Failure.REDIRECT:
                return ConfigError(
                    f"{request.model} was not asked: {error.reason}",
                    hint="name that address as api_base if you trust it; nothing was judged yet",
                )
            if is_unknown_model(error, request):
                return ConfigError(
                    f"{request.model} is not on its server: {error.reason}",
                    hint="name a model that the server has, such as one that its /v1/models lists;"
                    " nothing was judged yet",
                )
            if name := parameter_in(error, request):
                return ConfigError(
                    f"{request.model} refuses the parameter {name}: {error.reason}",
                    hint=_INSTEAD.get(name, f"leave {name} out of the source's options")
                    + "; nothing was judged yet",
                )
        status = STATUS.get(error.failure, Status.ERROR)
        reason = str(error) if tries == 1 else f"{error} ({tries} tries)"
        reply = error.reply
        if reply is None and wasted and _is_unread(error):
            reason += f"; counts as ${wasted:.4f}, the most that it can cost"
        if reply is not None or wasted:
            reply = replace(reply or ChatReply(text=""), cost_usd=wasted, tries=tries)
        return ChatError(status, reason, reply=reply)

    async def aclose(self) -> None:
        """Close the sessions of this loop and the local model."""
        found = self._loops.pop(asyncio.get_running_loop(), None)
        if found is not None:
            await found.fast.aclose()
            await found.litellm.aclose()
        await self.local.aclose()

    async def __aenter__(self) -> Client:
        """Return the client itself."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close it."""
        await self.aclose()


async def _sent(
    transport: Transport, request: ChatRequest, timeout_s: float, call_id: str
) -> ChatReply:
    """Send one request; what fails in the harness itself may have been answered and paid for.

    Raises:
        CallError: It failed, with the class of the failure.
    """
    try:
        return await transport.call(request, timeout_s, call_id)
    except (CallError, HarnessError):
        raise
    except Exception as error:
        reason = one_line(f"{type(error).__name__}: {error}")
        raise CallError(Failure.OWN, reason, paid=True) from error


def _cost(error: CallError, price: Price, request: ChatRequest) -> float:
    """Return the dollars of a failed try; an answer that cannot be read costs the most it can."""
    if error.reply is not None:
        return price.cost(error.reply.tokens)
    return price.at_most(request) if _is_unread(error) else 0.0


def _is_unread(error: CallError) -> bool:
    return error.paid or error.failure in (Failure.MALFORMED, Failure.OVERSIZED)


def _as_cached(reply: ChatReply) -> ChatReply:
    return replace(reply, cost_usd=0.0, cached=True, tries=0)


def reply_or_refusal(reply: ChatReply) -> ChatReply:
    """Return a reply, or raise the refusal that it stands for.

    Raises:
        ChatError: The model refused, or thought and gave no answer.
    """
    if reply.finish_reason == REFUSED:
        raise ChatError(Status.REFUSED, reply.text, reply=reply)
    if reply.finish_reason == UNANSWERED:
        raise ChatError(Status.UNPARSEABLE, reply.text, reply=reply)
    return reply

"""The chat client: cache, coalescing, budget, limits, call, retries, journal, in that order."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
import weakref
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

from harness.chat.budget import Budget
from harness.chat.failures import STATUS, TRIES, CallError, Failure, wait_before_retry
from harness.chat.fast import FastTransport, is_fast
from harness.chat.keys import from_body, reply_key, to_body
from harness.chat.limits import Limiter
from harness.chat.litellm_backend import call_litellm, check_api_model, close_litellm
from harness.chat.local import LocalBackend
from harness.chat.local_weights import PREFIX, check_local
from harness.chat.prices import FREE, Price, price_of
from harness.chat.usage import Estimate, Usage
from harness.nouns.chat_messages import ChatReply, ChatRequest, Tokens
from harness.nouns.errors import ChatError, ConfigError
from harness.nouns.outcomes import Status

if TYPE_CHECKING:
    from harness.records.journal import Journal

Transport = Literal["auto", "litellm"]

REMEMBERED = 50_000
"""Replies kept in memory in front of the journal, whose newest rows may not be committed yet."""

PLACE_KEPT_S = 0.1
"""Seconds for which a call that was refused by a rate limit keeps its place, on average."""

_REFUSED = "refused"
"""Finish reason under which a refusal is kept: it was paid for, and asking again pays again."""


class _Loop:
    """What belongs to one event loop: session, calls in flight, limiters."""

    def __init__(self) -> None:
        self.fast = FastTransport()
        self.through_litellm = False
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
        transport: Transport = "auto",
    ) -> None:
        self._journal = journal
        spent = journal.spent_usd() if journal is not None and budget_usd is not None else 0.0
        self.budget = Budget(budget_usd, spent)
        self.local = LocalBackend(cache_dir)
        self.usage: dict[str, Usage] = {}
        self._concurrency = concurrency
        self._timeout_s = timeout_s
        self._transport = transport
        self._recent: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._known: set[str] | None = None
        self._prices: dict[tuple[str, Any, Any], Price | None] = {}
        self._answered: set[tuple[str, str]] = set()
        self._loops: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Loop]
        self._loops = weakref.WeakKeyDictionary()

    def check(self, model: str, extra: Mapping[str, Any] | None = None) -> None:
        """Raise when calls to this model cannot work; makes no call.

        Args:
            model: Name as in ``ChatRequest``.
            extra: Parameters of the provider as in ``ChatRequest``.

        Raises:
            ConfigError: Unknown provider, missing key, missing weights, or a budget for a model
                whose price nobody knows.
            MissingExtraError: A library that the model needs is not installed.
        """
        extra = extra or {}
        if model.startswith(PREFIX):
            check_local(model)
            return
        check_api_model(model, extra)
        if self.budget.limit_usd is not None:
            self._price(model, extra)

    def _price(self, model: str, extra: Mapping[str, Any]) -> Price:
        key = (model, extra.get("input_cost_per_token"), extra.get("output_cost_per_token"))
        if key not in self._prices:
            self._prices[key] = price_of(model, extra)
        price = self._prices[key]
        if price is not None:
            return price
        if self.budget.limit_usd is None:
            return FREE
        raise ConfigError(
            f"budget_usd is set, but no price is known for the model {model}",
            hint="give input_cost_per_token and output_cost_per_token (dollars; 0 for a server of"
            " your own)",
        )

    def price(self, request: ChatRequest) -> Price:
        """Return the price of a request's model.

        Raises:
            ConfigError: There is a budget, and nobody knows the price.
        """
        return self._price(request.model, request.extra)

    def estimate(self, requests: Iterable[ChatRequest]) -> Estimate:
        """Return what calls would cost; those that the journal answers, and twins, are free."""
        seen: set[str] = set()
        calls = cached = 0
        expected = at_most = 0.0
        unknown: set[str] = set()
        for request in requests:
            key = reply_key(request)
            if key in seen or self._kept(key) is not None:
                cached += 1
                continue
            seen.add(key)
            calls += 1
            price = price_of(request.model, request.extra)
            if price is None:
                unknown.add(request.model)
                continue
            expected += price.expected(request)
            at_most += price.at_most(request)
        return Estimate(calls, cached, expected, at_most, tuple(sorted(unknown)))

    async def prefetch(self, requests: Iterable[ChatRequest]) -> None:
        """Fetch replies through the providers' batch interfaces, so that ``complete`` finds them.

        Raises:
            ChatError: The provider did not take a batch.
            BudgetExceededError: The batch could pass the budget.
            ConfigError: The provider offers no batches.
        """
        from harness.chat.batches import fetch

        waiting = {reply_key(request): request for request in requests}
        missing = {key: r for key, r in waiting.items() if self._kept(key) is None}
        if missing:
            await fetch(self, missing)

    def recorded(self, key: str) -> dict[str, Any] | None:
        """Return what is kept under a key."""
        return self._kept(key)

    def record(self, key: str, body: dict[str, Any]) -> None:
        """Keep something under a key, and wait until it is on the disk."""
        self._keep(key, body)
        if self._journal is not None:
            self._journal.flush()

    def keep_from_batch(
        self, key: str, request: ChatRequest, row: Mapping[str, Any], discount: float
    ) -> float:
        """Keep one line of a batch's results; return its dollars.

        A failed line is left out: the call is made live when it is asked for.
        """
        from harness.chat.batches import completion_of

        price = self.price(request)
        try:
            reply = completion_of(row, request)
        except CallError as error:
            cost = 0.0 if error.reply is None else discount * price.cost(error.reply.tokens)
            if error.failure is Failure.REFUSED:
                self._refused(request, key, error, cost, 1)
            return cost
        cost = discount * price.cost(reply.tokens)
        self._paid(request, key, reply, cost, 1)
        return cost

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Return the reply to one request.

        Raises:
            ChatError: The call failed for good; its status says how.
            BudgetExceededError: The call could pass the run's budget.
            ConfigError: The endpoint refused the key at the first call.
        """
        key = reply_key(request)
        loop = self._loop()
        while True:
            kept = self._kept(key)
            if kept is not None:
                self._used(request.model).cached += 1
                return _reply_or_refusal(from_body(kept))
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
            self._used(request.model).cached += 1
            return _as_cached(reply)
        future: asyncio.Future[ChatReply] = asyncio.get_running_loop().create_future()
        loop.in_flight[key] = future
        try:
            reply = await self._call(request, key, loop)
            if self._journal is not None:
                # Only now is the call over: what kill -9 takes back was in flight.
                await asyncio.shield(loop.committed(self._journal))
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

    def _kept(self, key: str) -> dict[str, Any] | None:
        recent = self._recent.get(key)
        if recent is not None or self._journal is None:
            return recent
        if self._known is None:  # a set answers "not there" far faster than the file does
            self._known = self._journal.reply_keys()
        return self._journal.get_reply(key) if key in self._known else None

    def _keep(self, key: str, body: dict[str, Any]) -> None:
        self._recent[key] = body
        if len(self._recent) > REMEMBERED and self._journal is not None:
            self._recent.popitem(last=False)
        if self._journal is not None:
            self._journal.put_reply(key, body)
            if self._known is not None:
                self._known.add(key)

    def _loop(self) -> _Loop:
        running = asyncio.get_running_loop()
        found = self._loops.get(running)
        if found is None:
            found = self._loops[running] = _Loop()
        return found

    def _used(self, model: str) -> Usage:
        usage = self.usage.get(model)
        if usage is None:
            usage = self.usage[model] = Usage()
        return usage

    async def _call(self, request: ChatRequest, key: str, loop: _Loop) -> ChatReply:
        """Make the call, with retries, and keep what came of it."""
        if request.model.startswith(PREFIX):
            reply = await self.local.complete(request)
            return self._paid(request, key, reply, 0.0, 1)
        price = self._price(request.model, request.extra)
        wasted, tries = 0.0, 0
        while True:
            tries += 1
            try:
                reply, cost, latency = await self._try(request, price, loop)
            except CallError as error:
                usage = self._used(request.model)
                usage.failures[error.failure.value] = usage.failures.get(error.failure.value, 0) + 1
                cost = 0.0 if error.reply is None else price.cost(error.reply.tokens)
                if error.failure is Failure.REFUSED:
                    refused = self._refused(request, key, error, cost, tries, wasted)
                    return _reply_or_refusal(refused)
                wasted += cost
                if cost and self._journal is not None:
                    # Paid for without a verdict: the budget of a resumed run must know it.
                    body = {"model": request.model, "cost_usd": cost, "lost": error.reason}
                    self._journal.put_reply(f"{key}.{time.time_ns()}", body)
                if tries >= TRIES[error.failure]:
                    raise self._final(request, error, wasted, tries) from error
                await asyncio.sleep(wait_before_retry(error, tries) - error.waited_s)
            else:
                return self._paid(request, key, reply, cost, tries, wasted, latency)

    async def _try(
        self, request: ChatRequest, price: Price, loop: _Loop
    ) -> tuple[ChatReply, float, float]:
        """Send one request inside budget and limits; return the reply, its dollars and seconds."""
        endpoint = _endpoint(request)
        limiter = loop.limiters.get(endpoint)
        if limiter is None:
            limiter = loop.limiters[endpoint] = Limiter(self._concurrency)
        reserved = price.at_most(request)
        await self.budget.reserve(reserved)
        actual = 0.0
        try:
            await limiter.acquire()
            began = time.perf_counter()
            self._used(request.model).requests += 1
            try:
                if self._transport == "auto" and is_fast(request):
                    reply = await loop.fast.call(request, self._timeout_s)
                else:
                    loop.through_litellm = True
                    reply = await call_litellm(request, self._timeout_s)
            except CallError as error:
                if error.failure is Failure.LIMITED:
                    limiter.limited()
                    # Freed at once, its place would go to a call that is refused as quickly.
                    error.waited_s = random.uniform(0.0, 2 * PLACE_KEPT_S)
                    await asyncio.sleep(error.waited_s)
                if error.reply is not None:
                    actual = price.cost(error.reply.tokens)
                raise
            finally:
                limiter.release()
            latency = time.perf_counter() - began
            limiter.succeeded(latency)
            self._answered.add(endpoint)
            actual = price.cost(reply.tokens)
            return reply, actual, latency
        finally:
            self.budget.settle(reserved, actual)

    def _paid(
        self,
        request: ChatRequest,
        key: str,
        reply: ChatReply,
        cost: float,
        tries: int,
        wasted: float = 0.0,
        latency_s: float | None = None,
    ) -> ChatReply:
        usage = self._used(request.model)
        usage.calls += 1
        usage.cost_usd += cost + wasted
        usage.tokens = Tokens(
            usage.tokens.prompt + reply.tokens.prompt,
            usage.tokens.completion + reply.tokens.completion,
        )
        latency = reply.latency_s if latency_s is None else latency_s
        kept = replace(reply, cost_usd=cost, tries=tries, latency_s=latency)
        self._keep(key, to_body(kept, request.model))
        return replace(kept, cost_usd=cost + wasted) if wasted else kept

    def _refused(
        self,
        request: ChatRequest,
        key: str,
        error: CallError,
        cost: float,
        tries: int,
        wasted: float = 0.0,
    ) -> ChatReply:
        """Keep a refusal, so that it is not paid for twice."""
        reply = error.reply or ChatReply(error.reason)
        reply = replace(reply, text=error.reason, finish_reason=_REFUSED)
        usage = self._used(request.model)
        usage.failed += 1
        usage.calls -= 1
        return self._paid(request, key, reply, cost, tries, wasted)

    def _final(
        self, request: ChatRequest, error: CallError, wasted: float, tries: int
    ) -> Exception:
        """Return the error that the caller sees after the last try."""
        usage = self._used(request.model)
        usage.failed += 1
        usage.cost_usd += wasted
        if error.failure is Failure.CREDENTIALS and _endpoint(request) not in self._answered:
            return ConfigError(
                f"{request.model} refuses the key: {error.reason}",
                hint="check the provider's key in the environment; nothing was judged yet",
            )
        status = STATUS.get(error.failure, Status.ERROR)
        reason = str(error) if tries == 1 else f"{error} ({tries} tries)"
        reply = error.reply
        if reply is not None or wasted:
            reply = replace(reply or ChatReply(text=""), cost_usd=wasted, tries=tries)
        return ChatError(status, reason, reply=reply)

    async def aclose(self) -> None:
        """Close the sessions of this loop and the local model."""
        found = self._loops.pop(asyncio.get_running_loop(), None)
        if found is not None:
            await found.fast.aclose()
            if found.through_litellm:
                await close_litellm()
        await asyncio.to_thread(self.local.close)

    async def __aenter__(self) -> Client:
        """Return the client itself."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        await self.aclose()


def _endpoint(request: ChatRequest) -> tuple[str, str]:
    return request.model, str(request.extra.get("api_base"))


def _as_cached(reply: ChatReply) -> ChatReply:
    return replace(reply, cost_usd=0.0, cached=True, tries=0)


def _reply_or_refusal(reply: ChatReply) -> ChatReply:
    """Return a reply, or raise the refusal that it stands for.

    Raises:
        ChatError: The model refused.
    """
    if reply.finish_reason == _REFUSED:
        raise ChatError(Status.REFUSED, reply.text, reply=reply)
    return reply

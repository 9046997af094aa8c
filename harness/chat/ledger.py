"""What calls cost and brought: cache, journal, prices, usage and budget, kept in one place."""

from __future__ import annotations

import time
import uuid
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from harness.chat.budget import Budget
from harness.chat.failures import CallError, Failure
from harness.chat.fitting import Fitting
from harness.chat.keys import REFUSED, UNANSWERED, reply_key, to_body
from harness.chat.prices import FREE, Price, price_of
from harness.nouns.chat_messages import ChatReply, ChatRequest, Tokens
from harness.nouns.errors import ConfigError

if TYPE_CHECKING:
    from harness.records.journal import Journal

REMEMBERED = 50_000
"""Replies kept in memory in front of the journal, whose newest rows may not be committed yet."""


@dataclass(slots=True)
class Usage:
    """What a model was asked and what it cost.

    Args:
        calls: Calls that were answered by a server or by the local model.
        cached: Calls that cost nothing, from the journal or as the twin of a call in flight.
        failed: Calls that ended as a typed failure.
        requests: Requests that were sent, tries included.
        cost_usd: Dollars.
        tokens: Tokens that were used.
        failures: Failed requests (not calls) by class.
        bounded: Replies whose count of tokens could not be; they were taken to cost the most that
            they can.
    """

    calls: int = 0
    cached: int = 0
    failed: int = 0
    requests: int = 0
    cost_usd: float = 0.0
    tokens: Tokens = field(default_factory=Tokens)
    failures: dict[str, int] = field(default_factory=dict)
    bounded: int = 0


@dataclass(frozen=True, slots=True)
class Estimate:
    """What calls would cost, before they are made.

    Args:
        calls: Calls that would be paid for.
        cached: Calls that are free.
        expected_usd: Dollars at four bytes for a token and answers of full length.
        at_most_usd: Dollars that the calls cannot pass, without retries.
        unknown: Models whose price nobody knows; they are not in the dollars.
    """

    calls: int
    cached: int
    expected_usd: float
    at_most_usd: float
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Bill:
    """What one call took.

    Args:
        cost_usd: Dollars of the try that was answered.
        tries: Requests that were sent.
        wasted_usd: Dollars of the tries before it.
        latency_s: Seconds of the try that was answered; None takes the reply's own.
    """

    cost_usd: float = 0.0
    tries: int = 1
    wasted_usd: float = 0.0
    latency_s: float | None = None


class Ledger:
    """Keeps replies, and counts what they cost.

    Args:
        journal: Keeps every reply that was paid for; None keeps them in memory only.
        budget_usd: Dollars that all calls together never pass, those of earlier tries with the
            same journal included; None for no limit.
    """

    def __init__(self, journal: Journal | None, budget_usd: float | None) -> None:
        self.journal = journal
        self.left = None if journal is None else journal.marks.left()
        spent = left = 0.0
        if journal is not None and budget_usd is not None:
            spent, left = journal.spent_usd(), journal.left_usd()
        self.budget = Budget(budget_usd, spent, left)
        self.usage: defaultdict[str, Usage] = defaultdict(Usage)
        self.fitting = Fitting()
        self._recent: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._known: set[str] | None = None
        self._prices: dict[tuple[str, Any, Any], Price | None] = {}

    def price(self, model: str, extra: Mapping[str, Any]) -> Price:
        """Return the price of a model; without a budget, one that nobody knows is free.

        Raises:
            ConfigError: There is a budget, and nobody knows the price.
        """
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

    def estimate(self, requests: Iterable[ChatRequest]) -> Estimate:
        """Return what calls would cost; those that the journal answers, and twins, are free."""
        seen: set[str] = set()
        calls = cached = 0
        expected = at_most = 0.0
        unknown: set[str] = set()
        for request in requests:
            key = reply_key(request)
            if key in seen or self.kept(key) is not None:
                cached += 1
                continue
            seen.add(key)
            calls += 1
            price = price_of(request.model, request.extra)
            if price is None:
                unknown.add(request.model)
                continue
            sent = self.fitting.fit(request)
            expected += price.expected(sent)
            at_most += price.at_most(sent)
        return Estimate(calls, cached, expected, at_most, tuple(sorted(unknown)))

    def kept(self, key: str) -> dict[str, Any] | None:
        """Return what is kept under a key."""
        recent = self._recent.get(key)
        if recent is not None or self.journal is None:
            return recent
        if self._known is None:  # a set answers "not there" far faster than the file does
            self._known = self.journal.reply_keys()
        return self.journal.get_reply(key) if key in self._known else None

    def keep(self, key: str, body: dict[str, Any]) -> None:
        """Keep something under a key; the journal's next commit puts it on the disk."""
        self._recent[key] = body
        if len(self._recent) > REMEMBERED and self.journal is not None:
            self._recent.popitem(last=False)
        if self.journal is not None:
            self.journal.put_reply(key, body)
            if self._known is not None:
                self._known.add(key)

    def keep_now(self, key: str, body: dict[str, Any]) -> None:
        """Keep something under a key, and wait until it is on the disk."""
        self.keep(key, body)
        if self.journal is not None:
            self.journal.flush()

    def begin(self, key: str, at_most_usd: float) -> str:
        """Mark a call as in flight; return the id to send it under, that of an earlier try."""
        known = None if self.left is None else self.left.ids.pop(key, None)
        call_id = known or uuid.uuid4().hex
        if self.journal is not None:
            self.journal.marks.begin(key, call_id, at_most_usd)
        return call_id

    def end(self, key: str) -> None:
        """Take the mark of a call back, since it is known what it cost."""
        if self.journal is not None:
            self.journal.marks.end(key)

    def paid(self, key: str, request: ChatRequest, reply: ChatReply, bill: Bill) -> ChatReply:
        """Keep a reply and count it; return it with what the call cost in all."""
        usage = self.usage[request.model]
        usage.calls += 1
        usage.bounded += reply.bounded
        usage.cost_usd += bill.cost_usd + bill.wasted_usd
        usage.tokens = Tokens(
            usage.tokens.prompt + reply.tokens.prompt,
            usage.tokens.completion + reply.tokens.completion,
        )
        latency = reply.latency_s if bill.latency_s is None else bill.latency_s
        kept = replace(reply, cost_usd=bill.cost_usd, tries=bill.tries, latency_s=latency)
        self.keep(key, to_body(kept, request.model))
        return replace(kept, cost_usd=bill.cost_usd + bill.wasted_usd)

    def refused(self, key: str, request: ChatRequest, error: CallError, bill: Bill) -> ChatReply:
        """Keep a refusal, or a thought without an answer, so that it is not paid for twice."""
        reply = error.reply or ChatReply(error.reason)
        ended = UNANSWERED if error.failure is Failure.THOUGHT else REFUSED
        reply = replace(reply, text=error.reason, finish_reason=ended)
        usage = self.usage[request.model]
        usage.failed += 1
        usage.calls -= 1
        return self.paid(key, request, reply, bill)

    def lost(self, key: str, request: ChatRequest, error: CallError, cost_usd: float) -> None:
        """Record what a try without a reply cost: the budget of a resumed run must know it."""
        if cost_usd and self.journal is not None:
            body = {"model": request.model, "cost_usd": cost_usd, "lost": error.reason}
            self.journal.put_reply(f"{key}.{time.time_ns()}", body)

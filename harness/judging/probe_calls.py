"""Chat clients of probes: the same question asked again, and "Are you sure?" asked after it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from harness.feedback.contract import ChatClient, Prefetches
from harness.judging.probe_texts import SURE
from harness.nouns.chat_messages import ChatReply, ChatRequest, Message

AGAIN = 1_000_000
"""Added to the index of a sample, so that a kept reply does not answer the same question again."""

FOUR_BYTES = "abc "
"""Stands for a token of a reply that has not come yet."""


@dataclass(frozen=True, slots=True)
class Again:
    """Asks everything as another sample: the placebo.

    Args:
        chat: The client of the run.
    """

    chat: ChatClient

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Return the reply to one request, and never that of its first asking."""
        return await self.chat.complete(self.sent(request))

    def sent(self, request: ChatRequest) -> ChatRequest:
        """Return the call that is made in place of one."""
        return replace(request, repeat=request.repeat + AGAIN)

    async def prefetch(self, requests: Iterable[ChatRequest]) -> None:
        """Fetch replies beforehand, where the client can."""
        if isinstance(self.chat, Prefetches):
            await self.chat.prefetch(map(self.sent, requests))

    def check(self, model: str, extra: Mapping[str, Any] | None = None) -> None:
        """Pass the check on."""
        self.chat.check(model, extra)


@dataclass(frozen=True, slots=True)
class Pushback:
    """Answers with the reply to a second turn that only asks whether the model is sure.

    The first turn is the call that was made before: the journal answers it.

    Args:
        chat: The client of the run.
    """

    chat: ChatClient
    _turns: dict[tuple[str, ...], tuple[Message, ...]] = field(default_factory=dict)

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Return the reply to the second turn; its cost is that of both."""
        if (going_on := self._continued(request)) is not None:
            return await self.chat.complete(going_on)
        first = await self.chat.complete(request)
        second = self.sent(request, first.text)
        self._turns[_key(request.messages)] = second.messages
        reply = await self.chat.complete(second)
        return replace(reply, cost_usd=reply.cost_usd + first.cost_usd)

    def sent(self, request: ChatRequest, said: str | None = None) -> ChatRequest:
        """Return the second turn; where its first has no reply yet, with one of full length."""
        told = FOUR_BYTES * request.max_tokens if said is None else said
        messages, begun = request.messages, request.messages[:0]
        if messages[-1]["role"] == "assistant":  # the model goes on from words put into its mouth
            told = f"{messages[-1]['content']} {told}"
            messages, begun = messages[:-1], messages[-1:]
        turns = {"role": "assistant", "content": told}, {"role": "user", "content": SURE}
        return replace(request, messages=(*messages, *turns, *begun))

    def _continued(self, request: ChatRequest) -> ChatRequest | None:
        """Return a call that goes on from what the second turn said, in that conversation."""
        *before, last = request.messages
        turns = self._turns.get(_key(before)) if last["role"] == "assistant" else None
        return None if turns is None else replace(request, messages=(*turns, last))

    async def prefetch(self, requests: Iterable[ChatRequest]) -> None:
        """Fetch the first turns, which are kept; the second ones depend on what they say."""
        if isinstance(self.chat, Prefetches):
            await self.chat.prefetch(requests)

    def check(self, model: str, extra: Mapping[str, Any] | None = None) -> None:
        """Pass the check on."""
        self.chat.check(model, extra)


def _key(messages: Iterable[Message]) -> tuple[str, ...]:
    return tuple(f"{message['role']}\0{message['content']}" for message in messages)

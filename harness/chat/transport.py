"""The one contract of everything that sends a request: fast, litellm, local."""

from __future__ import annotations

from typing import Protocol

from harness.nouns.chat_messages import ChatReply, ChatRequest


class Transport(Protocol):
    """Sends single requests; retries, cache, budget and limits are the client's."""

    async def call(self, request: ChatRequest, timeout_s: float, call_id: str = "") -> ChatReply:
        """Send one request and return its reply.

        Args:
            request: What is asked.
            timeout_s: Seconds for all of it.
            call_id: Sent as ``Idempotency-Key``: servers that honour it answer a call that is
                repeated after a kill from what they kept, and charge for it once.

        Raises:
            CallError: It failed, with the class of the failure.
        """
        ...

    async def aclose(self) -> None:
        """Close what the transport keeps open; the next call opens it anew."""
        ...

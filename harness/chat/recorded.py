"""A chat client that calls nobody: it answers from a journal, or from words that were recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.chat.client import reply_or_refusal
from harness.chat.keys import from_body, reply_key
from harness.chat.ledger import Ledger
from harness.nouns.chat_messages import ChatReply, ChatRequest
from harness.nouns.errors import ChatError
from harness.nouns.outcomes import Status

NOT_RECORDED = "no reply to this prompt is recorded"


@dataclass(slots=True)
class RecordedChat:
    """Implements ``harness.feedback.contract.ChatClient`` without a model.

    Args:
        ledger: Of the journal.
        said: Replies to the next requests that the journal does not answer, in order, whatever
            these ask; none for requests by log-probabilities, which words do not hold.
    """

    ledger: Ledger
    said: list[str] = field(default_factory=list)

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Return what is recorded.

        Raises:
            ChatError: Nothing is (MISSING), or the model had refused.
        """
        kept = self.ledger.kept(reply_key(request))
        if kept is not None:
            return reply_or_refusal(from_body(kept))
        if self.said and not request.choices:
            return ChatReply(self.said.pop(0), cached=True, tries=0)
        raise ChatError(Status.MISSING, NOT_RECORDED)

    def check(self, model: str, extra: Mapping[str, Any] | None = None) -> None:
        """Refuse nothing: no model is called."""

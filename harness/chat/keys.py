"""The key under which a reply is kept, and the form in which it is kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import astuple
from typing import Any

from harness.chat.openai_format import ended
from harness.nouns.chat_messages import ChatReply, ChatRequest, ChoicePlace, Tokens
from harness.nouns.errors import DataError
from harness.nouns.thoughts import parted

VERSION = 1
"""Part of every key; move it when the meaning of a field of the request changes."""

NOT_PART = ("api_key", "input_cost_per_token", "output_cost_per_token")
"""Parameters that cannot change what a model answers; secrets stay out of the journal."""

REFUSED, UNANSWERED = "refused", "unanswered"
"""Finish reasons under which a refusal, and a thought without an answer, are kept: they were paid
for, and asking again pays again."""

_KEPT = (
    "text", "finish_reason", "choice_logprobs", "model_version", "cost_usd", "latency_s", "tries",
)  # fmt: skip
_BESIDE = ("thoughts", "fitted")
"""Kept where there are any; journals of earlier versions have none, and thoughts in the text."""

_encode = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str
).encode


def reply_key(request: ChatRequest) -> str:
    """Return the SHA-256 over everything of a request that can change its answer."""
    extra = {name: value for name, value in request.extra.items() if name not in NOT_PART}
    fields = (
        VERSION,
        request.model,
        [[message["role"], message["content"]] for message in request.messages],
        request.temperature,
        request.max_tokens,
        request.seed,
        request.choices,
        request.response_format,
        extra,
        request.repeat,
        request.template_sha256,
    )
    return hashlib.sha256(_encode(fields).encode(errors="surrogatepass")).hexdigest()


def to_body(reply: ChatReply, model: str) -> dict[str, Any]:
    """Return a reply as the journal keeps it: all that was said, so that it can be read again."""
    tokens = [reply.tokens.prompt, reply.tokens.completion]
    beside = {name: value for name in _BESIDE if (value := getattr(reply, name))}
    if reply.choice_places is not None:
        beside["choice_places"] = [list(astuple(place)) for place in reply.choice_places]
    kept = {name: getattr(reply, name) for name in _KEPT}
    return {"model": model, "tokens": tokens} | kept | beside


def from_body(body: Mapping[str, Any]) -> ChatReply:
    """Return a kept reply; it costs nothing now.

    Raises:
        DataError: It is not whole.
    """
    try:
        kept = {name: body[name] for name in _KEPT} | {"tokens": Tokens(*body["tokens"])}
        said = parted(kept["text"])
        kept["text"] = said.answer
        if kept["finish_reason"] != REFUSED:
            kept["finish_reason"] = ended(kept["finish_reason"])  # earlier ones have all names
        kept["thoughts"] = body.get("thoughts") or said.thoughts
        kept["fitted"] = tuple(body.get("fitted", ()))
        if (places := body.get("choice_places")) is not None:
            kept["choice_places"] = tuple(ChoicePlace(*place) for place in places)
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"a reply in the journal is damaged: {error!r}",
            hint="put a copy of the journal back; without it all is judged and paid for anew",
        ) from error
    return ChatReply(**kept | {"cost_usd": 0.0, "cached": True, "tries": 0})

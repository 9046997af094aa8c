"""Reads chat completions in OpenAI's format: of the fast transport, of batches, of litellm."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from harness.chat.failures import CallError, Failure
from harness.nouns.chat_messages import ChatReply, ChatRequest, Tokens


def reply_of(body: Mapping[str, Any], request: ChatRequest) -> ChatReply:
    """Return the reply that a completion holds; it has no cost and no latency yet.

    Raises:
        CallError: The answer is malformed, empty or a refusal; the tokens that were used for it
            are on the error's reply.
    """
    try:
        choice = body["choices"][0]
        message = choice["message"]
        usage = body.get("usage") or {}
        tokens = Tokens(
            int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0)
        )
        content = message.get("content")
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise CallError(Failure.MALFORMED, f"no completion in the answer ({error!r})") from error
    if isinstance(content, list):  # content parts
        content = "".join(part.get("text", "") for part in content if isinstance(part, dict))
    finish = str(choice.get("finish_reason") or "stop")
    fingerprint = body.get("system_fingerprint")
    model = str(body.get("model") or "")
    reply = ChatReply(
        text=content or "",
        finish_reason=finish,
        choice_logprobs=choice_logprobs(choice.get("logprobs"), request.choices),
        model_version=f"{model} {fingerprint}" if fingerprint else model,
        tokens=tokens,
    )
    moved = message.get("provider_specific_fields") or {}  # where litellm puts it
    return checked(reply, message.get("refusal") or moved.get("refusal"))


def checked(reply: ChatReply, refusal: str | None) -> ChatReply:
    """Return a reply that says something.

    Raises:
        CallError: The model refused, a filter did, or the text is empty.
    """
    if refusal or reply.finish_reason == "content_filter":
        reason = refusal or "the provider's content filter stopped the answer"
        raise CallError(Failure.REFUSED, " ".join(reason.split())[:300], reply=reply)
    if not reply.text.strip():
        reason = f"the answer is empty (finish reason {reply.finish_reason})"
        raise CallError(Failure.EMPTY, reason, reply=reply)
    return reply


def choice_logprobs(logprobs: Any, choices: Sequence[str]) -> dict[str, float] | None:
    """Return the log-probabilities of the choices at the last token that is one of them.

    Tokens count without white space around them, so that "A" and " A" add up (Lee et al. 2023 read
    the tokens of both forms). A choice that is not among the reported tokens is left out.

    Args:
        logprobs: ``choices[0].logprobs`` of a completion.
        choices: The answers that were asked for.
    """
    if not choices or not isinstance(logprobs, Mapping):
        return None
    for step in reversed(logprobs.get("content") or []):
        if str(step.get("token", "")).strip() not in choices:
            continue
        found: dict[str, float] = {}
        for entry in step.get("top_logprobs") or [step]:
            name = str(entry.get("token", "")).strip()
            if name in choices:
                value = float(entry["logprob"])
                found[name] = _log_sum(found[name], value) if name in found else value
        return found or None
    return None


def _log_sum(a: float, b: float) -> float:
    high, low = max(a, b), min(a, b)
    return high + math.log1p(math.exp(low - high))

"""Reads chat completions in OpenAI's format: of the fast transport, of batches, of litellm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from harness.chat.choice_places import choice_places
from harness.chat.failures import CallError, Failure, one_line
from harness.chat.prices import most_tokens
from harness.nouns.chat_messages import ChatReply, ChatRequest, Tokens
from harness.nouns.redaction import redact
from harness.nouns.thoughts import parted

UNSEEN = 200_000
"""Tokens that a provider may count beyond what we can know of: its own prompts, thinking."""

_ENDED = {
    "stop": {
        "", "stop", "stopped", "stop_sequence", "stop_token", "eos", "eos_token", "eos_id",
        "end_turn", "end_of_turn", "complete", "completed",
    },
    "tool_calls": {"tool_calls", "tool_call", "tool_use", "function_call"},
    "length": {"length", "max_tokens", "max_output_tokens", "model_length", "max_length"},
    "content_filter": {
        "content_filter", "content_filtered", "safety", "refusal", "refused", "recitation",
        "prohibited_content", "blocklist", "spii", "guardrail_intervened", "image_safety",
        "sensitive", "error_toxic", "language", "escalation",
    },
    "error": {
        "error", "abort", "aborted", "cancelled", "canceled", "failed", "network_error",
        "internal_error", "server_error", "insufficient_system_resource",
    },
}  # fmt: skip
"""Names of finish reasons, in lower case: the model ended its answer, the answer reached its limit,
was refused by model or filter, or broken off by a fault. Any other one stays as it is: a cut."""
_NAMED = {name: ended for ended, names in _ENDED.items() for name in names}
_FAULTS = ("length", "content_filter", "error")

_THOUGHTS = ("reasoning_content", "reasoning", "thinking")
"""Fields of a message for what was thought; some servers send the same under two names."""
_THOUGHT_PARTS = ("thinking_blocks", "reasoning_details")


def reply_of(body: Any, request: ChatRequest) -> ChatReply:
    """Return the reply that a completion holds; it has no cost and no latency yet.

    Token counts that cannot be are replaced by the most that the request can take: a server that
    counts wrong neither makes a budget last for ever nor uses it up.

    Raises:
        CallError: The answer is malformed, empty or a refusal; the tokens that were used for it
            are on the error's reply.
    """
    usage = body.get("usage") if isinstance(body, Mapping) else None
    try:
        choice = first_choice(body)
        message = choice["message"]
        text, thoughts = _said(message)
        fault = choice.get("error") or body.get("error")
        finish = "error" if fault else _finish(choice)
        shown = redact(text)
        places = choice_places(choice.get("logprobs"), text, request.choices)
        places = () if places and shown != text else places  # nothing stands where it stood
        moved = message.get("provider_specific_fields") or {}  # where litellm puts it
        refusal = message.get("refusal") or moved.get("refusal")
    except (LookupError, TypeError, AttributeError, ValueError, OverflowError) as error:
        reason = one_line(f"no completion in the answer ({error!r})")
        unread = replace(ChatReply(""), **_used(usage, request, ""))
        raise CallError(Failure.MALFORMED, reason, reply=unread) from error
    fingerprint = body.get("system_fingerprint")
    model = str(body.get("model") or "")
    reply = ChatReply(
        text=shown,
        finish_reason=finish,
        thoughts=redact(thoughts),
        choice_logprobs=places[0].logprobs or None if places and len(places) == 1 else None,
        choice_places=places,
        model_version=_name(f"{model} {fingerprint}" if fingerprint else model),
        **_used(usage, request, text),
    )
    if finish == "error":
        told = _told(fault or choice.get("finish_reason"))
        reason = f"the server broke the answer off: {told}"
        raise CallError(Failure.SERVER, one_line(reason), reply=reply)
    return checked(reply, None if refusal is None else str(refusal))


def first_choice(body: Any) -> Any:
    """Return the choice with the lowest index; servers send several in any order.

    Raises:
        LookupError: There is none.
        TypeError: The body is something else.
    """
    choices = body["choices"]
    if not isinstance(choices, list) or not all(isinstance(one, Mapping) for one in choices):
        raise TypeError("choices are no list of objects")
    return sorted(choices, key=lambda choice: choice.get("index") or 0)[0]


def _said(message: Mapping[str, Any]) -> tuple[str, str]:
    """Return the answer of a message and what was thought before it.

    Raises:
        TypeError: The content is neither a text nor a list of parts.
    """
    said, thoughts = _parts(message.get("content"))
    told = _field_of_thoughts(message)
    found = parted(said)
    kept = [told or thoughts, found.thoughts]
    if not any(kept):
        return said if found.answer == said else found.answer, ""
    return found.answer.lstrip(), "\n\n".join(filter(None, kept))


def _field_of_thoughts(message: Mapping[str, Any]) -> str:
    moved = message.get("provider_specific_fields") or {}  # where litellm puts it
    for holder in (message, moved):
        for name in (*_THOUGHTS, *_THOUGHT_PARTS):
            told = holder.get(name)
            if found := _thought_of(told if isinstance(told, list) else [told]):
                return found
    return ""


def _parts(content: Any) -> tuple[str, str]:
    """Return the text of a message's content, and the thoughts that are parts of it."""
    if isinstance(content, list):
        parts = [part for part in content if isinstance(part, dict)]
        thoughts = [part for part in parts if _is_thought(part)]
        texts = [part.get("text") or "" for part in parts if not _is_thought(part)]
        return "".join(texts), _thought_of(thoughts)
    if content is None:
        return "", ""
    if not isinstance(content, str):
        raise TypeError(f"the content is a {type(content).__name__}")
    return content, ""


def _is_thought(part: Mapping[str, Any]) -> bool:
    kind = str(part.get("type") or "").lower()
    if str(part.get("channel") or "final").lower() != "final":
        return True
    return "think" in kind or "reason" in kind or "thought" in kind or part.get("thought") is True


def _thought_of(parts: Sequence[Any], depth: int = 4) -> str:
    """Return what parts say that are thoughts: a text, or parts in their turn, under many names."""
    found = []
    for part in parts:
        if isinstance(part, str):
            found.append(part.strip())
        elif isinstance(part, Mapping) and depth:
            named = [
                part.get(name) for name in ("thinking", "reasoning", "text", "summary", "content")
            ]
            inner = next((value for value in named if value), "")
            inner = [inner] if isinstance(inner, str) else inner
            found.append(_thought_of(inner if isinstance(inner, list) else [], depth - 1))
    return "\n\n".join(filter(None, found))


def _finish(choice: Mapping[str, Any]) -> str:
    """Return why an answer ended, one of ``_ENDED`` where it means the same.

    A router that calls an end good may tell another by the name that its provider gave.
    """
    native = ended(choice.get("native_finish_reason"))
    return native if native in _FAULTS else ended(choice.get("finish_reason"))


def ended(reason: Any) -> str:
    """Return why an answer ended, as ``ChatReply`` has it, from what a server calls it."""
    if isinstance(reason, Mapping):
        reason = reason.get("type") or reason.get("reason") or "unknown"
    name = _name("" if reason is None else reason)
    return _NAMED.get(name.lower().rpartition(".")[2].strip(), name)


def _told(error: Any) -> str:
    """Return what an error says, or itself."""
    message = error.get("message") if isinstance(error, Mapping) else None
    return str(message or error)


def _name(value: Any) -> str:
    """Return a name that a server gives, without secrets and of a length that a table can hold."""
    return redact(str(value))[:200]


def _used(usage: Any, request: ChatRequest, text: str) -> dict[str, Any]:
    """Return the tokens of a reply, and whether they are our own upper bound."""
    told = usage if isinstance(usage, Mapping) else {}
    most = most_tokens(request)
    prompt = _count(told.get("prompt_tokens"), most.prompt, 1)
    completion = _count(told.get("completion_tokens"), most.completion, 1 if text.strip() else 0)
    bounded = prompt is None or completion is None
    tokens = Tokens(
        most.prompt if prompt is None else prompt,
        most.completion if completion is None else completion,
    )
    beside = _beside(told, tokens, most)
    if beside is None:
        bounded, beside = True, max(0, most.completion - tokens.completion)
    tokens = Tokens(tokens.prompt, tokens.completion + beside)
    return {"tokens": tokens, "bounded": bounded}


def _beside(told: Mapping[str, Any], tokens: Tokens, most: Tokens) -> int | None:
    """Return the tokens that a server counts beside those of prompt and completion.

    Some leave out there what a model thought, and tell it by the sum, or by a part that is larger
    than the whole. None where that cannot be.
    """
    details = told.get("completion_tokens_details")
    thought = details.get("reasoning_tokens") if isinstance(details, Mapping) else None
    parts = (
        (told.get("total_tokens"), tokens.prompt + tokens.completion, 0),
        (thought, tokens.completion, tokens.completion),
    )
    beside = 0
    for count, inside, more in parts:
        if isinstance(count, bool) or not isinstance(count, int | float) or not count > inside:
            continue
        whole = _count(count, most.prompt + most.completion, 0)
        if whole is None:
            return None
        beside = max(beside, whole - inside + more)
    return beside


def _count(told: Any, most: int, least: int) -> int | None:
    """Return a count of tokens, None where it cannot be one.

    Args:
        told: What the server says.
        most: What we would expect at most. Providers add prompts of their own and count what a
            model thinks, so that up to ten times that and ``UNSEEN`` more are believed.
        least: What it must be at least.
    """
    if isinstance(told, bool) or not isinstance(told, int | float):
        return None
    if not least <= told <= 10 * most + UNSEEN or told != int(told):
        return None
    return int(told)


def checked(reply: ChatReply, refusal: str | None) -> ChatReply:
    """Return a reply that says something.

    Raises:
        CallError: The model refused, a filter did, or there is no answer.
    """
    if refusal or reply.finish_reason == "content_filter":
        reason = refusal or "the provider's content filter stopped the answer"
        raise CallError(Failure.REFUSED, one_line(reason), reply=reply)
    if reply.text.strip():
        return reply
    cut = reply.finish_reason == "length"  # by max_tokens; other cuts ask for other things
    if cut or reply.thoughts:
        reason = "its thoughts end without an answer"
        if cut:
            used = f"all of max_tokens ({reply.tokens.completion} tokens) before an answer"
            reason = f"the model used {used}: raise max_tokens, or ask for less thinking"
        raise CallError(Failure.THOUGHT, reason, reply=reply)
    reason = f"the answer is empty (finish reason {reply.finish_reason})"
    raise CallError(Failure.EMPTY, reason, reply=reply)

"""Requests as a model takes them: room for what it thinks, without parameters that it refuses."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from harness.chat.failures import CallError, Failure
from harness.chat.local_weights import is_local
from harness.nouns.chat_messages import ChatRequest

THINKING = 8192
"""Tokens for thinking, beside ``max_tokens``, which are for the answer, where a model thinks."""

_THINKERS = re.compile(
    r"(?:^|[/:_-])(?:o[134](?:-|$)|gpt-5(?![.\d])|gpt-oss|qwq|qwen-?3|magistral|deepseek-r|grok-[4-9]"
    r"|grok-3-mini|gemini-2\.5-(?:pro|flash)|gemini-[3-9]|glm-(?:4\.[5-9]|[5-9]|z1)|minimax-m|seed-oss"
    r"|smollm-?3|exaone-deep|hunyuan-a13b|openthinker|skywork-o1|marco-o1|r1(?:-|$))"
    r"|thinking|reason"
)
_NO_THINKERS = re.compile(
    r"instruct|chat-latest|gpt-5-chat|coder|embed|rerank|lite|non-(?:reason|think)|no-?think|-base"
)
"""Names of models that think unasked, and of their relatives that do not; in lower case."""

_OFF = ("none", "disable", "disabled", "off", False)
_LIMITS = ("max_completion_tokens", "max_tokens")

_DROPPED = ("temperature", "seed")
"""Parameters that are left out where a model refuses them; it is said, and kept with the reply."""
_NAMED = (
    *("temperature", "seed", "top_logprobs", "logprobs", "max_completion_tokens", "max_tokens"),
    *("top_p", "top_k", "stop", "reasoning_effort", "thinking"),
)
_OURS = ("api_base", "api_key", "input_cost_per_token", "output_cost_per_token", "extra_body")
_REFUSES = re.compile(
    r"unsupported|unrecognized|unexpected|unknown|deprecated|extra inputs|may only be"
    r"|must be (?:set to )?1\b|only (?:the )?(?:default|temperature)"
    r"|invalid (?:parameter|argument|field)|(?:not|n't|no longer|cannot|never) (?:be )?(?:\w+ )?"
    r"(?:support|permit|allow|accept|used|valid|available|take)",
    re.IGNORECASE,
)
_TOO_LONG = re.compile(r"context (?:length|window)|too (?:large|long|many)|exceed", re.IGNORECASE)
_LEAST_ROOM = 512


def room_of(request: ChatRequest) -> int:
    """Return the tokens for thinking that a request is known to need, by its options or name."""
    extra = request.extra
    body = _mapping(extra.get("extra_body"))
    options = [extra, body, _mapping(body.get("chat_template_kwargs"))]
    for holder in options:
        effort = _mapping(holder.get("reasoning")).get("effort", holder.get("reasoning_effort"))
        asked = holder.get("thinking", holder.get("enable_thinking"))
        kind = asked.get("type") if isinstance(asked, Mapping) else asked
        if effort in _OFF or kind in _OFF:
            return 0
        most = _mapping(asked).get("budget_tokens", holder.get("thinking_budget"))
        most = _mapping(holder.get("reasoning")).get("max_tokens", most)
        if isinstance(most, int) and not isinstance(most, bool) and most >= 0:
            return most
        if effort or kind:
            return THINKING
    name = request.model.lower()
    return THINKING if _THINKERS.search(name) and not _NO_THINKERS.search(name) else 0


def parameter_in(error: CallError, request: ChatRequest) -> str:
    """Return the parameter of a request that a server or litellm refuses; empty where none."""
    reason = error.reason
    if error.failure is not Failure.BAD_REQUEST or not _REFUSES.search(reason):
        return ""
    own = [*request.extra, *_mapping(request.extra.get("extra_body"))]
    names = [*_NAMED, *(name for name in own if name not in _OURS)]
    places = {name: re.search(rf"(?<!\w){re.escape(name)}(?!\w)", reason) for name in names}
    found = [(place.start(), name) for name, place in places.items() if place]
    return min(found)[1] if found else ""


_BETWEEN_NAMES = str.maketrans(dict.fromkeys("`'\",;()[]{}=<>", " "))


def is_unknown_model(error: CallError, request: ChatRequest) -> bool:
    """Tell whether a server says that it has no such model: a 404 that names the model."""
    reason = error.reason.lower()
    if error.failure is not Failure.BAD_REQUEST or not reason.startswith("404 "):
        return False
    names = {request.model.lower(), request.model.lower().partition("/")[2]}
    names |= {f"models/{name}" for name in names}
    said = reason.translate(_BETWEEN_NAMES).split()
    return "model" in reason and not names.isdisjoint(word.rstrip(".:") for word in said)


class Fitting:
    """What is known of each model and endpoint: how its requests have to look.

    Safe from any thread: what is learnt twice is learnt once.
    """

    def __init__(self) -> None:
        self._dropped: dict[tuple[str, str], set[str]] = {}
        self._room: dict[tuple[str, str], int] = {}
        self._said: set[str] = set()
        self._extras: dict[tuple[int, int], tuple[Mapping[str, Any], dict[str, Any]]] = {}

    def say_once(self, said: set[str]) -> None:
        """Say only what is not among these lines, which others say, too, and add to them."""
        self._said = said

    def fit(self, request: ChatRequest) -> ChatRequest:
        """Return the request as it is to be sent.

        Its ``max_tokens`` is the limit of everything that the model writes: what its options say
        (``max_tokens``, ``max_completion_tokens``), or its own and room for thinking.
        """
        place = endpoint(request)
        dropped = self._dropped.get(place, set())
        given = next((n for n in map(request.extra.get, _LIMITS) if isinstance(n, int)), None)
        room = self._room.get(place)
        if room is None:
            room = room_of(request)
        scored = request.choices and is_local(request.model)
        limit = request.max_tokens + (0 if scored else room) if given is None else given
        if limit != request.max_tokens:
            request = replace(request, max_tokens=limit)
        if "temperature" in dropped and request.temperature is not None:
            request = replace(request, temperature=None)
        if "seed" in dropped and request.seed is not None:
            request = replace(request, seed=None)
        if "max_tokens" in dropped:
            request = replace(request, extra=self._renamed(request.extra, limit))
        return request

    def learn(self, asked: ChatRequest, sent: ChatRequest, error: CallError) -> bool:
        """Learn from a failure; return whether the request can be sent once more in another form.

        Args:
            asked: The request of the caller.
            sent: As it was sent.
            error: What came of it.
        """
        place, room = endpoint(asked), sent.max_tokens - asked.max_tokens
        if error.failure is Failure.THOUGHT:
            reply = error.reply
            if room or reply is None or reply.finish_reason != "length" or _is_limited(asked):
                return False
            if room_of(asked) or self._room.get(place) == 0:  # no more fits its context
                return False
            self._room.setdefault(place, THINKING)
            self._say(asked, f"it thinks: {THINKING:,} tokens are added to max_tokens")
            return True
        if error.failure is not Failure.BAD_REQUEST:
            return False
        if room and not _is_limited(asked) and _TOO_LONG.search(error.reason):
            smaller = room // 2 if room // 2 >= _LEAST_ROOM else 0
            self._room[place] = min(self._room.get(place, room), smaller)
            self._say(asked, f"only {self._room[place]:,} tokens for thinking fit its context")
            return True
        name = parameter_in(error, asked)
        if name == "max_completion_tokens" and "max_tokens" in error.reason.replace(name, ""):
            name = "max_tokens"
        if name == "max_tokens":
            renamed = "max_completion_tokens" in error.reason and not _is_limited(asked)
            if not renamed or "max_completion_tokens" in sent.extra:
                return False
            self._dropped.setdefault(place, set()).add(name)
            return True
        if name not in _DROPPED or getattr(sent, name) is None:
            return False
        if name in asked.extra:
            return False
        dropped = self._dropped.setdefault(place, set())
        if name not in dropped:
            dropped.add(name)
            self._say(asked, f"it refuses {name}, which is not sent: {error.reason}")
        return True

    def _renamed(self, extra: Mapping[str, Any], limit: int) -> Mapping[str, Any]:
        """Return options with the limit under its newer name, the same object for the same ones."""
        key = (id(extra), limit)
        if key not in self._extras or len(self._extras) > 4096:
            self._extras.clear()
            self._extras[key] = (extra, {**extra, "max_completion_tokens": limit})
        return self._extras[key][1]

    def _say(self, request: ChatRequest, what: str) -> None:
        line = f"{request.model}: {what}\n"
        if line not in self._said:
            self._said.add(line)
            sys.stderr.write(line)


def changes(asked: ChatRequest, sent: ChatRequest) -> tuple[str, ...]:
    """Return what was sent otherwise than it was asked."""
    found = [
        f"{name} {getattr(asked, name)} not sent"
        for name in _DROPPED
        if getattr(asked, name) != getattr(sent, name)
    ]
    if asked.max_tokens != sent.max_tokens:
        found.append(f"max_tokens {sent.max_tokens} for {asked.max_tokens}")
    return tuple(found)


def endpoint(request: ChatRequest) -> tuple[str, str]:
    """Return the model and the address of its server."""
    return request.model, str(request.extra.get("api_base"))


def _is_limited(request: ChatRequest) -> bool:
    return any(name in request.extra for name in _LIMITS)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}

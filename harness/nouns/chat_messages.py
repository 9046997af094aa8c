"""What is said to a language model, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

WHOLE = frozenset({"stop", "tool_calls"})
"""Finish reasons of an answer that the model ended itself; any other one cut it."""

Message = Mapping[str, str]
"""One chat message: {"role": "system" | "user" | "assistant", "content": text}."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens that a judgment used, in the provider's count."""

    prompt: int = 0
    completion: int = 0


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One call to a language model; every field is part of the cache key.

    Args:
        model: Name as litellm writes it ("provider/model"), or "local/<name>".
        messages: The chat; a last message of role "assistant" is a prefix to be continued.
        temperature: Sampling temperature; 0 is greedy, None the model's own.
        max_tokens: Upper limit of the answer; where a model thinks, the client adds room for it.
        seed: Passed on where the provider takes one.
        choices: When given, log-probabilities of these answers are asked for: where the answer
            says one of them; of a model in this process as the next token.
        response_format: JSON schema of a structured reply.
        extra: Further parameters of the provider (api_base, extra_body, ...).
        repeat: Index of the sample, so that k samples are k calls.
        template_sha256: Hash of the prompt template.
    """

    model: str
    messages: tuple[Message, ...]
    temperature: float | None = 0.0
    max_tokens: int = 512
    seed: int | None = None
    choices: tuple[str, ...] = ()
    response_format: Mapping[str, Any] | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    repeat: int = 0
    template_sha256: str = ""


@dataclass(frozen=True, slots=True)
class ChoicePlace:
    """A place of a reply where one of the request's choices stands.

    Args:
        start: Characters of the text before it.
        said: The choice as it is written there.
        logprobs: Natural log-probabilities of the choices in that place; empty with a problem.
        problem: Why they are not known.
    """

    start: int
    said: str
    logprobs: Mapping[str, float]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ChatReply:
    """What came back from one call.

    ``choice_logprobs`` holds natural log-probabilities for those of the request's choices that the
    provider reported, where the reply says one of them in a single place; ``choice_places`` has
    all places (None where the provider reported no log-probabilities). ``cost_usd`` is 0 for a
    cached reply. ``tries`` counts the requests that were sent for it; what the unusable ones cost
    is part of ``cost_usd``. ``bounded`` tells that the server's count of tokens could not be:
    ``tokens`` are the most that the request can take.
    ``text`` is the answer alone; what the model thought before it is in ``thoughts``, in whatever
    form the server told it. ``fitted`` says what was sent otherwise than it was asked, since the
    model does not take it. ``finish_reason`` is "stop" or "tool_calls" where the model ended its
    answer, "length" where that reached a limit, else what the server says.
    """

    text: str
    finish_reason: str = "stop"
    choice_logprobs: Mapping[str, float] | None = None
    model_version: str = ""
    tokens: Tokens = field(default_factory=Tokens)
    cost_usd: float = 0.0
    latency_s: float = 0.0
    cached: bool = False
    tries: int = 1
    bounded: bool = False
    thoughts: str = ""
    fitted: tuple[str, ...] = ()
    choice_places: tuple[ChoicePlace, ...] | None = None

    @property
    def cut(self) -> bool:
        """Whether the answer may go on where it ends: for all that is known, it was broken off."""
        return self.finish_reason not in WHOLE

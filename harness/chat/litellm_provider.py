"""litellm's custom provider ``local``: the in-process model for any program that uses litellm."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from harness.nouns.chat_messages import ChatReply, ChatRequest


def provider_for(backend: Any) -> Any:
    """Return a ``litellm.CustomLLM`` that answers from a ``LocalTransport``."""
    import litellm

    class LocalProvider(litellm.CustomLLM):  # type: ignore[misc]
        """Answers from the model in this process."""

        def completion(self, *args: Any, **kwargs: Any) -> Any:
            """Answer, blocking."""
            request = _from_call(*args, **kwargs)
            return _response(litellm, backend.submit(request).result(), request)

        async def acompletion(self, *args: Any, **kwargs: Any) -> Any:
            """Answer."""
            request = _from_call(*args, **kwargs)
            reply = await asyncio.wrap_future(backend.submit(request))
            return _response(litellm, reply, request)

    return LocalProvider()


def _from_call(
    model: str = "", messages: Sequence[Mapping[str, Any]] = (), **given: Any
) -> ChatRequest:
    """Return a call of litellm as a request; ``choices`` are answers whose probabilities count."""
    options = given.get("optional_params") or {}
    choices = options.get("choices") or (options.get("extra_body") or {}).get("choices") or ()
    return ChatRequest(
        model=f"local/{model}",
        messages=tuple({"role": m["role"], "content": str(m["content"])} for m in messages),
        temperature=float(options.get("temperature") or 0.0),
        max_tokens=int(options.get("max_tokens") or options.get("max_completion_tokens") or 256),
        seed=options.get("seed"),
        choices=tuple(choices),
    )


def _response(litellm: Any, reply: ChatReply, request: ChatRequest) -> Any:
    """Return a reply as litellm's response, with log-probabilities where choices were asked for."""
    choice: dict[str, Any] = {
        "index": 0,
        "finish_reason": reply.finish_reason,
        "message": {"role": "assistant", "content": reply.text},
    }
    if reply.choice_logprobs is not None:
        top = [
            {"token": name, "logprob": value, "bytes": list(name.encode())}
            for name, value in sorted(reply.choice_logprobs.items(), key=lambda pair: -pair[1])
        ]
        choice["logprobs"] = {"content": [{**top[0], "top_logprobs": top}]}
    used = reply.tokens
    return litellm.ModelResponse(
        model=request.model,
        system_fingerprint=reply.model_version,
        choices=[choice],
        usage={
            "prompt_tokens": used.prompt,
            "completion_tokens": used.completion,
            "total_tokens": used.prompt + used.completion,
        },
    )

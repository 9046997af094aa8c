"""The default transport: ``litellm.acompletion``, one request at a time and nothing else of it."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import sys
import threading
from collections.abc import Mapping
from typing import Any

from harness.chat.failures import CallError, Failure, of_exception, of_status, one_line
from harness.chat.local_weights import EMBEDDED, PREFIX
from harness.chat.openai_format import first_choice, reply_of
from harness.chat.wire import exchange, guard, most_bytes
from harness.nouns.chat_messages import ChatReply, ChatRequest
from harness.nouns.errors import ConfigError, MissingExtraError

KEYS = {
    "anthropic": "ANTHROPIC_API_KEY",
    "cohere_chat": "COHERE_API_KEY",
    "deepseek": "DEEPSEEK_API_KEY",
    "fireworks_ai": "FIREWORKS_API_KEY",
    "gemini": "GEMINI_API_KEY",
    "groq": "GROQ_API_KEY",
    "mistral": "MISTRAL_API_KEY",
    "openai": "OPENAI_API_KEY",
    "openrouter": "OPENROUTER_API_KEY",
    "perplexity": "PERPLEXITYAI_API_KEY",
    "together_ai": "TOGETHERAI_API_KEY",
    "xai": "XAI_API_KEY",
}
"""Providers whose key is one variable, so that litellm need not be imported to look for it."""

NOT_SENT = ("input_cost_per_token", "output_cost_per_token")

_import_lock = threading.Lock()
_ready = False


def is_loaded() -> bool:
    """Tell whether litellm is imported and set."""
    return _ready


def load_litellm() -> Any:
    """Import litellm (seconds) with the settings that calls need.

    The price list of the package is used, for the newest one would be fetched over the network at
    import.

    Raises:
        MissingExtraError: litellm is not installed.
    """
    global _ready
    if _ready:
        return sys.modules["litellm"]
    with _import_lock:
        os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
        if importlib.util.find_spec("litellm") is None:
            raise MissingExtraError("litellm", "judge")
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # litellm's imports and lazily built models warn
            import litellm

            litellm.ModelResponse()
        if not _ready:
            litellm.suppress_debug_info = True
            litellm.drop_params = False  # dropping logprobs in silence would change a judge
            litellm.num_retries = None
            litellm.telemetry = False
            litellm.disable_streaming_logging = True
            _guard_clients()
            _ready = True
        return litellm


def _guard_clients() -> None:
    """Let every HTTP client that litellm makes keep the rules of ``harness.chat.wire``."""
    from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler

    make = AsyncHTTPHandler.create_async_transport

    def guarded(*args: Any, **kwargs: Any) -> Any:
        import httpx

        return guard(make(*args, **kwargs) or httpx.AsyncHTTPTransport())

    AsyncHTTPHandler.create_async_transport = staticmethod(guarded)


def check_api_model(model: str, extra: Mapping[str, Any]) -> None:
    """Refuse a model that cannot be called: unknown provider, or no key.

    Raises:
        ConfigError: See above.
        MissingExtraError: litellm is not installed.
    """
    if importlib.util.find_spec("litellm") is None:
        raise MissingExtraError("litellm", "judge")
    if extra.get("api_key"):
        return
    provider, _, rest = model.partition("/")
    if rest and provider == "hosted_vllm":
        if not extra.get("api_base") and not os.environ.get("HOSTED_VLLM_API_BASE"):
            raise ConfigError(
                f"{model} needs the address of its server",
                hint="add api_base: http://host:port/v1 to the source's options",
            )
        return
    if not (rest and provider in KEYS):
        try:
            found = load_litellm().get_llm_provider(model, api_base=extra.get("api_base"))
        except Exception as error:  # litellm has many types for it
            raise ConfigError(
                f"no provider is known for the model {model!r}",
                hint='write provider/model, such as "openai/gpt-4o-mini" (see docs.litellm.ai), or'
                f" {PREFIX} before the hub id or folder of a model that is loaded here, such as"
                f' "{PREFIX}{EMBEDDED}"',
            ) from error
        provider = found[1]
    if extra.get("api_base"):
        return
    if provider in KEYS:
        _need_key(model, KEYS[provider])
    else:
        _need_key(model, *load_litellm().validate_environment(model)["missing_keys"])


def _need_key(model: str, *names: str) -> None:
    missing = [name for name in names if not os.environ.get(name)]
    if missing:
        raise ConfigError(
            f"the model {model} needs a key: {', '.join(missing)} is not set",
            hint=f"export {missing[0]}=..., or use local/smollm2-135m-instruct without a key",
        )


def parameters(request: ChatRequest) -> dict[str, Any]:
    """Return the request as keyword arguments of ``acompletion``, all but model and messages."""
    values: dict[str, Any] = {"max_tokens": request.max_tokens}
    if request.temperature is not None:
        values["temperature"] = request.temperature
    if request.seed is not None:
        values["seed"] = request.seed
    if request.choices:
        values |= {"logprobs": True, "top_logprobs": 20}
    if request.response_format is not None:
        values["response_format"] = dict(request.response_format)
    values |= {name: value for name, value in request.extra.items() if name not in NOT_SENT}
    if "max_completion_tokens" in values:  # the newer name; servers take one of them
        del values["max_tokens"]
    return values


class LitellmTransport:
    """Sends through litellm; no retries, no cache, no budget of its own."""

    def __init__(self) -> None:
        self._used = False

    async def call(self, request: ChatRequest, timeout_s: float, call_id: str = "") -> ChatReply:
        """Send one request; see ``Transport``.

        Raises:
            CallError: It failed, with the class of the failure.
        """
        self._used = True
        litellm = load_litellm() if _ready else await asyncio.to_thread(load_litellm)
        with exchange(most_bytes(request), call_id) as opened:
            try:
                response = await asyncio.wait_for(
                    litellm.acompletion(
                        model=request.model,
                        messages=[dict(message) for message in request.messages],
                        timeout=timeout_s,
                        max_retries=0,
                        drop_params=False,
                        **parameters(request),
                    ),
                    timeout_s,
                )
                answer = response.model_dump()
            except Exception as error:  # litellm raises its own types and its helpers'
                failed = opened.failure or of_litellm(error)
                failed.paid = opened.paid
                answer = opened.answer
                if not (opened.paid and is_completion(answer)):  # litellm knows fewer shapes
                    raise failed from error
        return reply_of(as_sent(answer, opened.answer), request)

    async def aclose(self) -> None:
        """Close the connections that litellm keeps."""
        if self._used and _ready:
            litellm = load_litellm()
            await litellm.close_litellm_async_clients()
            litellm.in_memory_llm_clients_cache.flush_cache()


def as_sent(answer: Any, raw: Any) -> Any:
    """Return litellm's reading of an answer, with the first choice as the server wrote it.

    litellm takes some thoughts out of the text and leaves others in, and calls an end that it does
    not know a good one; here one place reads both (``harness.chat.openai_format``). Of another
    format only the server's own word for the end is taken, and a text that comes from elsewhere
    (the arguments of a tool) stays as litellm has it.

    Args:
        answer: What litellm made of it.
        raw: The body that came; None where it was no JSON.
    """
    try:
        choice = first_choice(answer)
    except (LookupError, TypeError):
        return answer
    if is_completion(raw):
        own = first_choice(raw)
        said = own["message"].get("content")
        kept = {} if said else {"message": choice.get("message")}
        return {**answer, "error": raw.get("error"), "choices": [{**own, **kept}]}
    if (end := end_of(raw)) is not None:
        return {**answer, "choices": [{**choice, "finish_reason": end}]}
    return answer


def is_completion(raw: Any) -> bool:
    """Tell whether a body is a completion in OpenAI's format."""
    try:
        return isinstance(first_choice(raw)["message"], Mapping)
    except (LookupError, TypeError):
        return False


def end_of(raw: Any) -> str | None:
    """Return why an answer ended, as servers with other formats than OpenAI's say it."""
    if not isinstance(raw, Mapping):
        return None
    places = [raw, *(_listed(raw.get("candidates"))), *_listed(raw.get("results"))]
    for place in places:
        for name in ("stop_reason", "stopReason", "finishReason", "finish_reason", "done_reason"):
            if isinstance(place, Mapping) and isinstance(place.get(name), str):
                return str(place[name])
    return None


def _listed(found: Any) -> list[Any]:
    return found[:1] if isinstance(found, list) else []


def of_litellm(error: Exception) -> CallError:
    """Return the failure that an exception of litellm stands for.

    Dropped connections and broken JSON come as InternalServerError or as APIError with status 200.
    """
    if isinstance(error, CallError | TimeoutError):
        return of_exception(error)
    name = type(error).__name__
    message = str(error).split("Traceback (most recent call last)")[0]  # of its own parsing
    code = getattr(error, "status_code", None)
    if name in ("Timeout", "APITimeoutError"):
        return CallError(Failure.TIMEOUT, "no answer within the time limit")
    if name == "ContentPolicyViolationError":
        return CallError(Failure.REFUSED, one_line(message))
    if not isinstance(code, int):
        return of_exception(error)
    unread = ("Unable to get json", "JSONDecodeError", "Invalid response object")
    if code == 200 or any(words in message for words in unread):
        return CallError(Failure.MALFORMED, one_line(message))
    if name == "APIConnectionError" or "Connection error" in message:
        return CallError(Failure.CONNECTION, one_line(message))
    return of_status(code, message, headers_of(error))


def headers_of(error: Exception) -> dict[str, str]:
    """Return the headers that an exception of litellm carries, with lower-case names."""
    for source in (
        getattr(error, "litellm_response_headers", None),
        getattr(getattr(error, "response", None), "headers", None),
    ):
        if source:
            return {str(name).lower(): str(value) for name, value in dict(source).items()}
    return {}


def serve_local(backend: Any) -> None:
    """Make ``litellm.acompletion("local/...")`` answer from the in-process transport.

    Args:
        backend: A ``LocalTransport``; the last one that was given serves.
    """
    litellm = load_litellm()
    from harness.chat.litellm_provider import provider_for

    name = PREFIX.rstrip("/")
    kept = [entry for entry in litellm.custom_provider_map if entry["provider"] != name]
    handler = provider_for(backend)
    litellm.custom_provider_map = [*kept, {"provider": name, "custom_handler": handler}]

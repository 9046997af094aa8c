"""The fast transport: litellm translates, one aiohttp session sends.

Only for OpenAI-compatible servers whose address is given: without one, litellm's provider
configurations answer OpenAI's host for several other providers, which would be sent the wrong key.
A differential test keeps it equal to ``litellm.acompletion``: same body, same reply.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.chat.failures import CallError, of_exception, of_status
from harness.chat.litellm_transport import is_loaded, load_litellm, of_litellm, parameters
from harness.chat.openai_format import reply_of
from harness.chat.wire import (
    ACCEPTED,
    beginning_of,
    body_of,
    is_answer,
    most_bytes,
    parsed,
    refuse_redirect,
)
from harness.nouns.chat_messages import ChatReply, ChatRequest

if TYPE_CHECKING:
    import aiohttp

PROVIDERS = ("hosted_vllm", "openai")
"""Providers whose wire format is OpenAI's own."""


def is_fast(request: ChatRequest) -> bool:
    """Tell whether the fast transport can take a request."""
    provider = request.model.partition("/")[0]
    return provider in PROVIDERS and bool(request.extra.get("api_base"))


@dataclass(frozen=True, slots=True)
class Route:
    """What all requests of one model and one set of parameters share."""

    url: str
    headers: dict[str, str]
    body: dict[str, Any]
    kept: tuple[object, ...]
    """The objects whose ids are in the key, so that no other object can get one of them."""


class FastTransport:
    """Sends requests of one event loop through one session; limiters bound what is in flight."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None
        self._keeper: AsyncGenerator[None, None] | None = None
        self._routes: dict[tuple[Any, ...], Route] = {}

    async def call(self, request: ChatRequest, timeout_s: float, call_id: str = "") -> ChatReply:
        """Send one request; see ``Transport``.

        Raises:
            CallError: It failed, with the class of the failure.
        """
        if not is_loaded():
            await asyncio.to_thread(load_litellm)  # seconds; the loop goes on meanwhile
        try:
            route = self._route(request)
        except Exception as error:  # litellm knows that the model does not take a parameter
            raise of_litellm(error) from error
        session = self._session or await self._open()
        content = {**route.body, "messages": [dict(message) for message in request.messages]}
        headers = {**route.headers, "Idempotency-Key": call_id} if call_id else route.headers
        data = json.dumps(content).encode()
        paid = False
        try:
            async with asyncio.timeout(timeout_s):
                async with session.post(
                    route.url, data=data, headers=headers, allow_redirects=False
                ) as response:
                    told, paid = response.headers, is_answer(response.status)
                    refuse_redirect(response.status, route.url, told.get("location"))
                    packed = told.get("content-encoding", "")
                    chunks = response.content.iter_any()
                    try:
                        raw = await body_of(chunks, packed, most_bytes(request))
                    except CallError:
                        response.close()  # of an endless answer nobody reads the rest
                        raise
        except Exception as error:  # aiohttp's errors are OSErrors, its own types and ValueErrors
            failed = of_exception(error)
            failed.paid = paid
            raise failed from error
        if not paid:
            lower = {name.lower(): value for name, value in told.items()}
            raise of_status(response.status, _message(raw), lower)
        return reply_of(parsed(raw), request)

    async def _open(self) -> aiohttp.ClientSession:
        import aiohttp

        if self._session is None:
            self._session = aiohttp.ClientSession(
                # No limit here: waiting for a connection would count as the server's time.
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=30),
                timeout=aiohttp.ClientTimeout(total=None),
                auto_decompress=False,  # within a limit of bytes only: see ``body_of``
                headers={"Accept-Encoding": ACCEPTED},
            )
            # asyncio.run closes asynchronous generators before it closes the loop: this one
            # closes the session on the loop that it belongs to.
            self._keeper = _keep(self._session)
            await anext(self._keeper)
        return self._session

    async def aclose(self) -> None:
        """Close the session."""
        if self._keeper is not None:
            await self._keeper.aclose()
        self._session = self._keeper = None

    def _route(self, request: ChatRequest) -> Route:
        """Return URL, headers and body as litellm makes them, remembered for equal parameters."""
        key = (
            request.model,
            request.temperature,
            request.max_tokens,
            request.seed,
            bool(request.choices),
            id(request.response_format),
            id(request.extra),
        )
        route = self._routes.get(key)
        if route is None:
            if len(self._routes) > 4096:
                self._routes.clear()
            route = self._routes[key] = translate(request)
        return route


async def _keep(session: aiohttp.ClientSession) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        await session.close()


def translate(request: ChatRequest) -> Route:
    """Let litellm make URL, headers and body in OpenAI's format for a request."""
    load_litellm()
    from litellm.types.utils import LlmProviders
    from litellm.utils import ProviderConfigManager, get_optional_params

    provider, _, model = request.model.partition("/")
    values = parameters(request)
    base, key = values.pop("api_base", None), values.pop("api_key", None)
    more_headers = values.pop("extra_headers", None) or {}
    config: Any = ProviderConfigManager.get_provider_chat_config(
        model=model, provider=LlmProviders(provider)
    )
    messages = [dict(message) for message in request.messages]
    optional = get_optional_params(
        model=model, custom_llm_provider=provider, drop_params=False, messages=messages, **values
    )
    own = {"custom_llm_provider": provider, "api_base": base}
    shared = {"model": model, "optional_params": optional, "litellm_params": own}
    headers = config.validate_environment(
        headers=dict(more_headers),
        messages=messages,
        api_key=key or os.environ.get(f"{provider.upper()}_API_KEY"),
        api_base=base,
        **shared,
    )
    url = config.get_complete_url(api_base=base, api_key=key, stream=False, **shared)
    extra_body = optional.pop("extra_body", None) or {}
    body = config.transform_request(messages=messages, headers=headers, **shared) | extra_body
    body.pop("max_retries", None)
    if body.get("stream") is False:
        del body["stream"]
    headers.setdefault("Content-Type", "application/json")
    return Route(url, headers, body, (request.response_format, request.extra))


def _message(raw: bytes) -> str:
    """Return the message of an error in OpenAI's format, or the beginning of whatever came."""
    try:
        found = parsed(raw)["error"]["message"]
    except (CallError, KeyError, TypeError):
        return beginning_of(raw)
    return found if isinstance(found, str) else beginning_of(raw)

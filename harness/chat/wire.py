"""What may come over the wire: JSON of so many bytes, also unpacked, from the host that was asked.

Both transports and batches read answers here. The fast one calls ``body_of`` itself; the HTTP
clients of litellm are guarded while an ``Exchange`` is open; batches have a client of their own.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import AsyncIterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from harness.chat.failures import CallError, Failure, one_line
from harness.nouns.chat_messages import ChatRequest

if TYPE_CHECKING:
    import httpx

ENVELOPE = 2 * 1024 * 1024
"""Bytes for what surrounds the text of an answer, and for what a model thinks before it."""

PER_TOKEN = 256
"""Bytes of a token: the longest of known vocabularies has 128, and JSON may escape each."""

PER_TOKEN_LOGPROBS = 8192
"""Bytes of the log-probabilities at one token: 20 alternatives with their bytes."""

ERROR_KEPT = 16_384
"""Bytes of an error that are read."""

ACCEPTED = "gzip, deflate"

_WBITS = {"gzip": 31, "x-gzip": 31, "deflate": 15}
_REDIRECTS = (301, 302, 303, 307, 308)


def is_answer(status: object) -> bool:
    """Tell whether a status says that the server did, and counts, what it was asked."""
    return isinstance(status, int) and 200 <= status < 300


def most_bytes(request: ChatRequest) -> int:
    """Return how many bytes the answer to a request may have, also after decompression."""
    asked = [request.extra, request.extra.get("extra_body")]
    likely = bool(request.choices) or any(
        isinstance(options, Mapping) and options.get("logprobs") for options in asked
    )
    return ENVELOPE + request.max_tokens * (PER_TOKEN + likely * PER_TOKEN_LOGPROBS)


async def body_of(chunks: AsyncIterable[bytes], encoding: str, most: int) -> bytes:
    """Return the body of an answer, unpacked.

    Args:
        chunks: It, as it comes.
        encoding: Its ``Content-Encoding``.
        most: Bytes that it may have, before and after it is unpacked.

    Raises:
        CallError: It is larger, or packed in a way that nobody asked for.
    """
    found = bytearray()
    async for chunk in chunks:
        found += chunk
        if len(found) > most:
            raise _oversized(most)
    return unpacked(bytes(found), encoding.strip().lower(), most)


def unpacked(body: bytes, encoding: str, most: int) -> bytes:
    """Return an unpacked body; see ``body_of``."""
    if encoding in ("", "identity"):
        return body
    wbits = _WBITS.get(encoding)
    if wbits is None:
        reason = f"the answer is packed as {encoding[:40]!r}, which was not asked for"
        raise CallError(Failure.MALFORMED, reason)
    if encoding == "deflate" and body[:1] and body[0] & 0x0F != 8:
        wbits = -15  # without the header of zlib, as many servers send it
    unpacker = zlib.decompressobj(wbits)
    try:
        found = unpacker.decompress(body, most + 1)
    except zlib.error as error:
        raise CallError(Failure.MALFORMED, f"the answer cannot be unpacked: {error}") from error
    if len(found) > most:
        raise _oversized(most)
    if not unpacker.eof or unpacker.unused_data:
        raise CallError(Failure.MALFORMED, "the packed answer does not end where it should")
    return found


def _oversized(most: int) -> CallError:
    reason = f"the answer is larger than {most:,} bytes, the most that max_tokens allows"
    return CallError(Failure.OVERSIZED, reason)


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")


_decode = json.JSONDecoder(parse_constant=_no_number).decode


def parsed(body: bytes) -> Any:
    """Return the content of a JSON body; a key that stands twice has its last value.

    Raises:
        CallError: It is no JSON, or nested too deep.
    """
    try:
        return _decode(body.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        reason = f"the answer is not JSON: {beginning_of(body)!r} ({type(error).__name__})"
        raise CallError(Failure.MALFORMED, reason) from error


def beginning_of(body: bytes) -> str:
    """Return the beginning of a body, for messages."""
    return one_line(body[:2000].decode(errors="replace"))[:80]


def refuse_redirect(status: int, url: str, location: str | None) -> None:
    """Refuse to follow a redirect: prompt and key are for the host that was named.

    Raises:
        CallError: The status is a redirect.
    """
    if status not in _REDIRECTS or location is None:
        return
    here = urlsplit(url)
    try:
        there = urlsplit(urljoin(url, location))
        host = f"{there.scheme}://{there.hostname or ''}" + (f":{there.port}" if there.port else "")
        same = (there.scheme, there.netloc) == (here.scheme, here.netloc)
    except ValueError:
        host, same = repr(location[:80]), False
    target = "another path of the same host" if same else host[:120]
    raise CallError(
        Failure.REDIRECT,
        f"{status}: {here.hostname} redirects to {target}, which is not followed: it would be sent"
        " the prompt and the key",
    )


@dataclass(slots=True)
class Exchange:
    """One call, or the calls of one batch, that a guarded HTTP client makes.

    Args:
        most: Bytes that each answer may have.
        call_id: For the header ``Idempotency-Key``.
        completion: Whether answers are completions, of which those in JSON must be sound; files
            of batches are not.
        failure: Why an answer was refused; clients wrap what is raised to them in types of theirs.
        paid: Whether an answer came, whatever the client makes of it.
        answer: What a completion in JSON holds.
    """

    most: int
    call_id: str = ""
    completion: bool = True
    failure: CallError | None = None
    paid: bool = False
    answer: Any = None


_EXCHANGE: ContextVar[Exchange | None] = ContextVar("exchange", default=None)


@contextmanager
def exchange(most: int, call_id: str = "", completion: bool = True) -> Iterator[Exchange]:
    """Open an exchange for the guarded clients that the body uses; see ``Exchange``."""
    opened = Exchange(most, call_id, completion)
    token = _EXCHANGE.set(opened)
    try:
        yield opened
    finally:
        _EXCHANGE.reset(token)


def guard(transport: Any) -> Any:
    """Return an httpx transport that keeps the rules above, where an exchange is open."""
    send = transport.handle_async_request

    async def guarded(request: httpx.Request) -> httpx.Response:
        opened = _EXCHANGE.get()
        if opened is None:
            return await send(request)  # type: ignore[no-any-return]
        request.headers["accept-encoding"] = ACCEPTED
        if opened.call_id and request.method == "POST":
            request.headers.setdefault("idempotency-key", opened.call_id)
        return await sound(await send(request), request, opened)

    transport.handle_async_request = guarded
    return transport


async def sound(
    response: httpx.Response, request: httpx.Request, opened: Exchange
) -> httpx.Response:
    """Return a response that is read and unpacked, from one that is not read yet.

    Raises:
        CallError: It breaks a rule; the exchange keeps it.
    """
    try:
        return await _guarded(response, request, opened)
    except CallError as error:
        opened.failure = error
        raise
    finally:
        await response.aclose()


async def _guarded(
    response: httpx.Response, request: httpx.Request, opened: Exchange
) -> httpx.Response:
    import httpx

    headers = response.headers
    opened.paid = is_answer(response.status_code)
    refuse_redirect(response.status_code, str(request.url), headers.get("location"))
    body = await body_of(response.aiter_raw(), headers.get("content-encoding", ""), opened.most)
    if response.status_code >= 400:
        body = body[:ERROR_KEPT]  # whoever reads errors takes seconds for a megabyte
    elif opened.completion and "json" in headers.get("content-type", ""):
        opened.answer = parsed(body)
    kept = [
        (name, value)
        for name, value in headers.multi_items()
        if name.lower() not in ("content-encoding", "content-length", "transfer-encoding")
    ]
    return httpx.Response(
        200 if opened.paid else response.status_code,  # clients know fewer of those that answer
        headers=kept,
        content=body,
        request=request,
        extensions=response.extensions,
    )

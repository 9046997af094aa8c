"""The guard before every page: right host, own origin, bounded size; and headers on every reply."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.label_page.access import HEADERS, Access

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BYTES = 1_000_000
"""Largest body of a request."""


class Guard:
    """ASGI middleware; what it refuses never reaches a page.

    Args:
        app: The application.
        access: The rules.
    """

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self.app = app
        self.access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check a request and pass it on."""
        from starlette.datastructures import Headers, MutableHeaders
        from starlette.responses import PlainTextResponse

        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        headers = Headers(scope=scope)
        size = headers.get("content-length", "0")
        refusal = None
        if not self.access.allows_host(headers.get("host", "")):
            refusal = (421, "This is not the address of this page.")
        elif scope["method"] not in ("GET", "HEAD"):
            if not self.access.allows_post(headers):
                refusal = (403, "Requests from other sites are refused.")
            elif "transfer-encoding" in headers or not size.isdigit():
                refusal = (411, "The size of the request must be given.")
            elif int(size) > MOST_BYTES:
                refusal = (413, "The request is too large.")
        if refusal:
            reply = PlainTextResponse(refusal[1], refusal[0])
            await reply(scope, receive, send_guarded)
            return
        await self.app(scope, receive, send_guarded)

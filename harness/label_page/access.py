"""Who may do what: tokens, cookies, which requests come from the page itself, and the guard.

Loopback (the default): a person says a name. Beyond it, every person has a token, shown to the
owner as a link. Tokens are HMACs of the name under the store's secret, so that they survive a
restart and nothing but the store has to be kept.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

OWNER = "(owner)"
"""Name of the owner in cookies; no person may have it."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Cache-Control": "no-store",
}
"""Headers of every reply."""

MOST_BYTES = 1_000_000
"""Largest body of a request."""


def is_loopback(host: str) -> bool:
    """Tell whether an address can be reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True)
class Access:
    """The rules of one label page.

    Args:
        secret: Key of all tokens, from the store.
        people: Names that may label; empty lets anyone on this machine give a name.
        host: Address that the server listens on.
        tokens: Whether a person must show a token; always so beyond loopback.
        origin: Public address behind a proxy, such as https://labels.example.org.
    """

    secret: bytes
    people: tuple[str, ...] = ()
    host: str = "127.0.0.1"
    tokens: bool = False
    origin: str = ""
    cookie: str = field(init=False)

    def __post_init__(self) -> None:
        """Name the cookie after the store: cookies do not tell ports of one machine apart."""
        object.__setattr__(self, "cookie", f"label_{self._sign('cookie')[:8]}")
        exposed = bool(self.origin) or not is_loopback(self.host)
        object.__setattr__(self, "tokens", self.tokens or exposed)

    def _sign(self, *parts: str) -> str:
        return hmac.new(self.secret, "\0".join(parts).encode(), hashlib.sha256).hexdigest()

    def token(self, person: str) -> str:
        """Return the token of a person, or of OWNER."""
        return self._sign("token", person)

    def person_of_token(self, token: str) -> str | None:
        """Return whose token it is, None for a wrong one."""
        found = None
        for person in (*self.people, OWNER):
            if hmac.compare_digest(self.token(person).encode(), token.encode()):
                found = person
        return found

    def may_enter(self, person: str) -> bool:
        """Tell whether a name may label without a token."""
        if self.tokens or not person or person == OWNER or len(person) > 80:
            return False
        if any(not char.isprintable() for char in person):
            return False
        return not self.people or person in self.people

    def session(self, person: str) -> str:
        """Return the content of the cookie of a person."""
        return f"{self._sign('session', person)}.{person.encode().hex()}"

    def person_of_session(self, cookie: str) -> str | None:
        """Return who a cookie belongs to, None for a forged or an old one."""
        signature, _, name = cookie.partition(".")
        try:
            person = bytes.fromhex(name).decode()
        except ValueError:
            return None
        good = hmac.compare_digest(self._sign("session", person).encode(), signature.encode())
        known = person == OWNER or (person in self.people if self.people else bool(person))
        return person if good and known else None

    def csrf(self, person: str) -> str:
        """Return what every form of a person carries, and no other site can know."""
        return self._sign("csrf", person)

    def is_csrf(self, person: str, given: str) -> bool:
        """Tell whether a form came from a page that this server made for the person."""
        return hmac.compare_digest(self.csrf(person).encode(), given.encode())

    def allows_host(self, header: str) -> bool:
        """Tell whether a Host header names this server.

        A page of another site that points its name at this machine (DNS rebinding) sends its own.
        """
        try:
            name = urlsplit(f"//{header}").hostname  # in small letters
        except ValueError:
            return False
        if not name:
            return False
        if self.origin and name == urlsplit(self.origin).hostname:
            return True
        if is_loopback(self.host):
            return is_loopback(name)
        try:
            ipaddress.ip_address(name)
        except ValueError:
            own = (socket.gethostname(), socket.getfqdn(), self.host)
            return name in {known.lower() for known in own}
        return True

    def allows_post(self, headers: Mapping[str, str]) -> bool:
        """Tell whether a request that changes something comes from our own page.

        Browsers name the page a request comes from in Origin; without it nothing is changed.
        """
        origin = headers.get("origin", "")
        if self.origin:
            return origin == self.origin.rstrip("/")
        scheme, _, place = origin.partition("://")
        return scheme in ("http", "https") and bool(place) and place == headers.get("host")


class Guard:
    """ASGI middleware: right host, own origin, bounded size; what it refuses reaches no page."""

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

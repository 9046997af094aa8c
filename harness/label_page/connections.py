"""Clients that say half of something, or read nothing: how long and how many are waited for.

uvicorn waits without end for the rest of a request, and refuses everybody when there are too many
connections. Here each wait for a client has a limit, and a new connection takes the place of the
one that has been waited for longest: who holds a thousand open loses them, and a person at work,
whose browser says what it wants at once, notices nothing. When there are many, each has one reply.
"""

from __future__ import annotations

import asyncio
import resource
import socket
from typing import Any, ClassVar

import uvicorn
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

HEADERS_S = 10.0
"""Seconds for a connection to say what it wants."""
BODY_S = 20.0
"""Seconds for the body of a request."""
REPLY_S = 60.0
"""Seconds for a client to take a reply."""
MOST_CONNECTIONS = 256
"""Connections at the same time, before those that were waited for longest are ended."""
MOST_IN_LINE = 1024
"""Connections that the system holds until they are looked at."""
_YOUNG_S = 0.5


def connections_of_process() -> int:
    """Return how many connections this process should have: it has files to open, too."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return min(MOST_CONNECTIONS, files // 4)


class _Crowd:
    """All connections of a server, and those that wait for their client, the longest first."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.open: set[PatientProtocol] = set()
        self.waiting: dict[PatientProtocol, float] = {}

    @property
    def is_dense(self) -> bool:
        return len(self.open) > self.most // 2

    def enter(self, newcomer: PatientProtocol, now: float) -> None:
        """Make room for a connection; what is new is ended last: it may not be listened to yet."""
        most = self.most * 3 // 2
        while len(self.open) >= self.most and self.waiting:
            oldest, since = next(iter(self.waiting.items()))
            if now - since < _YOUNG_S and len(self.open) < most:
                break
            oldest.end()
        self.open.add(newcomer)
        if len(self.open) > most:
            newcomer.end()

    def leave(self, one: PatientProtocol) -> None:
        self.open.discard(one)
        self.waiting.pop(one, None)


class PatientProtocol(H11Protocol):
    """A connection of uvicorn that waits for its client for a limited time."""

    crowd: ClassVar[_Crowd]

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._application = self.app
        self.app = self._answer
        self._timer: asyncio.TimerHandle | None = None
        self._requests = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._wait(HEADERS_S)
        self.crowd.enter(self, self.loop.time())

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._work()
        self.crowd.leave(self)
        super().connection_lost(exc)

    def end(self) -> None:
        """Close the connection at once, whatever is still to be sent."""
        self._work()
        self.crowd.leave(self)
        self.transport.abort()

    def _wait(self, seconds: float) -> None:
        """Wait for the client from now on."""
        self._work()
        if not self.transport.is_closing() or self.transport.get_write_buffer_size():
            self._timer = self.loop.call_later(seconds, self.end)
            self.crowd.waiting[self] = self.loop.time()

    def _work(self) -> None:
        """Wait for the client no longer: the next step is the server's."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.crowd.waiting.pop(self, None)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        body_end = self.loop.time() + BODY_S
        has_body = True

        async def receive_in_time() -> Message:
            nonlocal has_body
            if has_body:
                self._wait(body_end - self.loop.time())
            message = await receive()
            self._work()
            has_body = message.get("more_body", False)
            return message

        async def send_in_time(message: Message) -> None:
            if message["type"] == "http.response.start" and self.crowd.is_dense:
                message["headers"] = [*message.get("headers", ()), (b"connection", b"close")]
            self._wait(REPLY_S)
            await send(message)
            self._work()

        self._work()
        self._requests += 1
        try:
            await self._application(scope, receive_in_time, send_in_time)
        except ClientDisconnect:
            pass  # it has gone, and whatever it asked for with it
        finally:
            self._requests -= 1
            if not self._requests:
                unsent = self.transport.get_write_buffer_size()
                self._wait(REPLY_S if unsent else HEADERS_S)


def patient_protocol(most: int) -> type[PatientProtocol]:
    """Return the protocol of one server.

    Args:
        most: Connections that it has at the same time; half as many more while all are new.
    """
    return type("Protocol", (PatientProtocol,), {"crowd": _Crowd(most)})


class PatientServer(uvicorn.Server):
    """A server that takes few connections at once, and has a long line before its door."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen."""
        await super().startup(sockets)
        for listener in sockets or ():
            listener.listen(MOST_IN_LINE)


def serve(app: ASGIApp, listener: socket.socket) -> None:
    """Answer requests until the process is interrupted."""
    most = connections_of_process()
    config = uvicorn.Config(
        app,
        http=patient_protocol(most),
        backlog=most // 4,  # also how many connections asyncio takes at once
        ws="none",
        lifespan="off",
        log_level="error",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
    )
    PatientServer(config).run(sockets=[listener])

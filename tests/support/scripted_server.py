"""A server on loopback that sends whatever bytes it is told to, at whatever speed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading

GOOD = {
    "id": "c", "object": "chat.completion", "created": 0, "model": "m",
    "choices": [{"index": 0, "finish_reason": "stop",
                 "message": {"role": "assistant", "content": "Verdict: A"}}],
    "usage": {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8},
}  # fmt: skip


def http(body=GOOD, status="200 OK", headers=(), length=True, version="1.1"):
    """Return the bytes of an answer; a mapping is sent as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/{version} {status}", "content-type: application/json"]
    lines += [f"content-length: {len(raw)}"] * length
    lines += [f"{name}: {value}" for name, value in dict(headers).items()]
    return "\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + raw


def completion(**fields):
    """Return a good completion with other fields; of ``message`` and ``choice`` only some."""
    choice = {**GOOD["choices"][0], **fields.pop("choice", {})}
    choice["message"] = {**choice["message"], **fields.pop("message", {})}
    return {**GOOD, "choices": [choice], **fields}


class ScriptedServer:
    """Plays one script for each request; the last one for all that follow.

    Args:
        scripts: Bytes, or async functions of (writer, head, body).

    Attributes:
        heads: Heads of the requests as text.
        sent: Bytes that were handed to the sockets.
    """

    def __init__(self, *scripts):
        self.scripts = list(scripts)
        self.heads, self.bodies, self.sent, self.port = [], [], 0, 0
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def base_url(self):
        return f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self):
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._loop.close()

    def _run(self):
        self._loop.run_until_complete(self._serve())

    async def _serve(self):
        self._stop, self._tasks = asyncio.Event(), set()
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader, writer):
        self._tasks.add(asyncio.current_task())
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                told = {
                    name.lower(): value.strip()
                    for name, _, value in (line.partition(":") for line in head.split("\r\n")[1:])
                }
                body = await reader.readexactly(int(told.get("content-length", 0)))
                self.heads.append(head)
                self.bodies.append(body)
                script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
                if callable(script):
                    await script(self, writer)
                    break
                await self.send(writer, script)
                if b"content-length" not in script.split(b"\r\n\r\n")[0]:
                    break
        writer.close()

    async def send(self, writer, raw):
        """Send bytes, and count them."""
        writer.write(raw)
        await writer.drain()
        self.sent += len(raw)

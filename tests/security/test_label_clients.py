"""Half-open, slow, endless and odd requests by the hundred: a person at work keeps working."""

import asyncio
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import time
from contextlib import closing
from urllib.parse import urlencode

import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

from harness.label_page import connections

MANY = 300
FILES = 160  # that the server may open: 40 connections


class Person:
    """Somebody at work; every request on a connection of its own."""

    def __init__(self, port):
        self.port, self.headers = port, {"Origin": f"http://127.0.0.1:{port}"}

    def ask(self, method, path, fields=None):
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)) as line:
            body = urlencode(fields) if fields else None
            line.request(method, path, body, self.headers)
            reply = line.getresponse()
            if cookie := reply.getheader("set-cookie"):
                self.headers["Cookie"] = cookie.split(";")[0]
            return reply.status, reply.read().decode()

    def label(self):
        _, text = self.ask("GET", "/")
        names = ("csrf", "task", "key")
        form = {n: re.search(rf'name="{n}" value="([^"]+)"', text)[1] for n in names}
        status, _ = self.ask("POST", "/label", {**form, "choice": "left"})
        return status


@pytest.fixture(scope="module")
def ann(tmp_path_factory):
    folder = tmp_path_factory.mktemp("crowd")
    rows = {
        "items": [{"id": f"q{i}", "prompt": f"What is {i}?"} for i in range(99)],
        "responses": [
            {"id": f"q{i}{s}", "item_id": f"q{i}", "system": s, "text": f"{i}{s}"}
            for i in range(99)
            for s in "xy"
        ],
    }
    for name, found in rows.items():
        text = "".join(json.dumps(row) + "\n" for row in found)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = f"ulimit -n {FILES}; exec {sys.executable} -m harness label --port {port} --items"
    with open(folder / "errors", "wb") as errors:
        server = subprocess.Popen(
            ["bash", "-c", f"{command} items.jsonl --responses responses.jsonl"],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
    person = Person(port)
    for _ in range(600):
        try:
            person.ask("POST", "/enter", {"name": "ann"})
            break
        except OSError:
            time.sleep(0.1)
    person.server, person.folder = server, folder
    yield person
    server.kill()
    server.wait()


GET, POST = b"GET / HTTP/1.1\r\n%s", b"POST /label HTTP/1.1\r\n%s"
ATTACKS = {
    "nothing": (MANY, b""),
    "half of a header": (MANY, GET + b"X: "),
    "slow body": (MANY, POST + b"Content-Length: 900000\r\n\r\na=1"),
    "huge body": (MANY, POST + b"Content-Length: 999999999999\r\n\r\n"),
    "body without a size": (MANY, POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"),
    "endless body of a GET": (MANY, GET + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"),
    "body that waits for leave": (
        MANY,
        POST + b"Content-Length: 9\r\nExpect: 100-continue\r\n\r\n",
    ),
    "huge header": (90, GET + b"X: " + b"a" * 70_000),
    "many headers": (90, GET + b"a: b\r\n" * 10_000 + b"\r\n"),
    "huge cookie": (90, GET + b"Cookie: " + b"a=b; " * 8000 + b"\r\n\r\n"),
    "pipeline": (90, (b"GET /static/label.css HTTP/1.1\r\n%s\r\n") * 99),
    "replies that nobody reads": (90, (GET + b"\r\n") * 99),
    "kept alive": (MANY, b"GET /enter HTTP/1.1\r\n%s\r\n"),
    "websocket": (MANY, GET + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
    "HTTP 2": (MANY, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "TLS": (MANY, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100)),
    "empty lines": (MANY, b"\r\n" * 1000),
    "many fields": (20, POST + b"Content-Length: 900000\r\n\r\n" + b"a=&" * 300_000),
    "sizes that differ": (20, POST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\na=1"),
}


@pytest.mark.parametrize("name", list(ATTACKS))
def test_a_person_at_work_keeps_working(ann, name):
    many, said = ATTACKS[name]
    head = f"Host: 127.0.0.1:{ann.port}\r\nOrigin: {ann.headers['Origin']}\r\n"
    said = said.replace(b"%s", head.encode() + f"Cookie: {ann.headers['Cookie']}\r\n".encode())
    lines = []
    try:
        for _ in range(many):
            line = socket.create_connection(("127.0.0.1", ann.port), timeout=20)
            lines.append(line)
            line.settimeout(0.5)
            try:
                line.sendall(said)
            except OSError:
                pass  # it was closed already, or takes no more
        assert [ann.label(), ann.label()] == [303, 303]
        files = len(os.listdir(f"/proc/{ann.server.pid}/fd"))
        assert files < FILES
    finally:
        for line in lines:
            line.close()
    assert "Traceback" not in (ann.folder / "errors").read_text(encoding="utf-8")


def asked(said, app, monkeypatch, reading=True, **limits):
    """Send bytes to a server with short limits; return what it sent until it hung up."""
    from uvicorn.config import Config
    from uvicorn.server import ServerState

    for name, seconds in limits.items():
        monkeypatch.setattr(connections, name, seconds)

    async def talk():
        config = Config(app, lifespan="off", log_level="critical", timeout_keep_alive=30)
        config.load()
        state, protocol = ServerState(), connections.patient_protocol(8)
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: protocol(config, state, {}), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for part in said:
            writer.write(part)
            await asyncio.sleep(0.02)
        if reading:
            try:
                answer = await asyncio.wait_for(reader.read(), 30)
            except OSError:
                answer = b""
        else:
            for _ in range(3000):
                if not state.connections:
                    break
                await asyncio.sleep(0.01)
            answer = len(state.connections)
        writer.transport.abort()
        server.close()
        await server.wait_closed()
        while state.connections or state.tasks:
            await asyncio.sleep(0.01)
        assert not protocol.crowd.waiting and not protocol.crowd.open
        return answer

    return asyncio.run(talk())


async def echo(scope, receive, send):
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body, more = body + message["body"], message["more_body"]
    await asyncio.sleep(0.3)  # longer than any limit of these tests: work is not waiting
    await send({"type": "http.response.start", "status": 200, "headers": SIZE})
    await send({"type": "http.response.body", "body": body})


async def much(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(100):
        await send({"type": "http.response.body", "body": bytes(1 << 20), "more_body": True})
    await send({"type": "http.response.body", "body": b""})


SIZE = [(b"content-length", b"4")]
WHOLE = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n"


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ([], b""),
        ([b"GET / HT"], b""),
        ([b"GET / HTTP/1.1\r\nHost: a\r\n", *[b"X: y\r\n"] * 50], b""),  # a drip does not help
        ([WHOLE, b"a"], b""),
        ([WHOLE, b"abcd"], b"abcd"),
        ([WHOLE + b"abcd" + WHOLE + b"efgh"], b"efgh"),
        ([WHOLE + b"abcd", b"GET / HT"], b"abcd"),
    ],
)
def test_what_is_not_said_in_time_is_waited_for_no_longer(said, answer, monkeypatch):
    found = asked(said, echo, monkeypatch, HEADERS_S=0.25, BODY_S=0.25, REPLY_S=0.25)
    assert found.endswith(answer) and bool(found) == bool(answer)


def test_a_reply_that_nobody_takes_is_dropped(monkeypatch):
    said = [b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"]
    assert asked(said, much, monkeypatch, reading=False, REPLY_S=0.3) == 0

"""A small OpenAI-compatible chat server on loopback, in a thread, with faults to order."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

Reply = Callable[[dict[str, Any]], "str | dict[str, Any]"]

_REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found"}


class _Batches:
    """Files and batches in OpenAI's format; a batch is done when it is asked for a second time."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.batches: dict[str, dict[str, Any]] = {}

    def answer(
        self, line: str, raw: bytes, one: Callable[[dict[str, Any]], tuple[int, dict[str, Any]]]
    ) -> tuple[int, dict[str, Any] | bytes]:
        """Return status and body for a request line."""
        method, path, _ = line.split(" ", 2)
        parts = path.split("?")[0].strip("/").split("/")
        if method == "POST" and parts[-1] == "files":
            part = next(p for p in raw.split(raw.split(b"\r\n", 1)[0]) if b'name="file"' in p)
            return 200, self._file(part.split(b"\r\n\r\n", 1)[1].rstrip(b"\r\n"))
        if method == "POST" and parts[-1] == "batches":
            return 200, self._begin(json.loads(raw))
        if method == "GET" and parts[-2] == "batches":
            return 200, self._look(parts[-1], one)
        if method == "GET" and parts[-1] == "content":
            return 200, self.files[parts[-2]]
        return 404, {"error": {"message": f"no such path: {path}"}}

    def _file(self, content: bytes) -> dict[str, Any]:
        name = f"file-{len(self.files) + 1}"
        self.files[name] = content
        return {
            "id": name,
            "object": "file",
            "bytes": len(content),
            "created_at": 0,
            "filename": f"{name}.jsonl",
            "purpose": "batch",
            "status": "processed",
        }

    def _begin(self, body: dict[str, Any]) -> dict[str, Any]:
        name = f"batch_{len(self.batches) + 1}"
        self.batches[name] = {
            "id": name,
            "object": "batch",
            "endpoint": body["endpoint"],
            "input_file_id": body["input_file_id"],
            "completion_window": body["completion_window"],
            "status": "in_progress",
            "created_at": 0,
        }
        return self.batches[name]

    def _look(
        self, name: str, one: Callable[[dict[str, Any]], tuple[int, dict[str, Any]]]
    ) -> dict[str, Any]:
        batch = self.batches[name]
        if batch["status"] == "in_progress":
            rows = []
            for line in self.files[batch["input_file_id"]].splitlines():
                call = json.loads(line)
                status, body = one(call["body"])
                answer = {"status_code": status, "request_id": "r", "body": body}
                rows.append({"id": "r", "custom_id": call["custom_id"], "response": answer})
            lines = "\n".join(json.dumps(row) for row in rows)
            batch["output_file_id"] = self._file(lines.encode())["id"]
            batch["status"] = "completed"
            return {**batch, "status": "in_progress", "output_file_id": None}
        return batch


class StubServer:
    """Answers chat completions, files and batches; a context manager.

    Args:
        reply: The text of every answer, or a function of the request's body. It returns a text;
            or fields of the choice, such as ``{"message": {"reasoning_content": "..."}}``, which go
            before those of an ordinary one; or all ``{"choices": [...]}``; or
            ``{"error": message}`` for a 400.
        faults: Outcomes of the first requests, in order, before it answers well: an HTTP status
            ("429", "500", "401", ...), "drop" (connection closed without a byte), "badjson",
            "empty", "null", "refusal", "filter", "length", "hang" (never answers), or "ok".
        every: Outcome of all requests after those; "ok" by default.
        latency_s: Seconds before each answer.
        logprobs: Log-probabilities that are reported where they are asked for: of the first
            token, where the answer has it last, and of those that could stand in its place.
        retry_after_ms: Header of a 429.

    Attributes:
        bodies: Bodies of all requests, in order.
        outcomes: How many requests ended how.
    """

    def __init__(
        self,
        reply: str | Reply = "Verdict: A",
        *,
        faults: Sequence[str] = (),
        every: str = "ok",
        latency_s: float = 0.0,
        logprobs: dict[str, float] | None = None,
        retry_after_ms: int = 20,
    ) -> None:
        self.reply = reply
        self.faults = list(faults)
        self.every = every
        self.latency_s = latency_s
        self.logprobs = logprobs or {"A": -0.2, "B": -1.8}
        self.retry_after_ms = retry_after_ms
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.outcomes: Counter[str] = Counter()
        self.in_flight = 0
        self.peak = 0
        self._batches = _Batches()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="stub-server", daemon=True)
        self._ready = threading.Event()
        self._port = 0
        self._stop: asyncio.Event | None = None

    @property
    def base_url(self) -> str:
        """What clients take as their ``api_base``."""
        return f"http://127.0.0.1:{self._port}/v1"

    def __enter__(self) -> StubServer:
        """Start it."""
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        if self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._loop.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        tasks: set[asyncio.Task[None]] = set()

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            tasks.add(task)
            try:
                await self._connection(reader, writer)
            except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                pass
            finally:
                tasks.discard(task)
                writer.close()

        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        self._port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(server.wait_closed(), 1.0)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            except asyncio.IncompleteReadError:
                return
            lines = head.split("\r\n")
            headers = {
                name.strip().lower(): value.strip()
                for name, _, value in (line.partition(":") for line in lines[1:] if line)
            }
            raw = await reader.readexactly(int(headers.get("content-length", "0")))
            if "/chat/completions" not in lines[0]:
                self._send(writer, *self._batches.answer(lines[0], raw, self._line))
                continue
            self.bodies.append(json.loads(raw))
            self.headers.append(headers)
            outcome = self.faults.pop(0) if self.faults else self.every
            self.outcomes[outcome] += 1
            self.in_flight += 1
            self.peak = max(self.peak, self.in_flight)
            try:
                await asyncio.sleep(3600.0 if outcome == "hang" else self.latency_s)
            finally:
                self.in_flight -= 1
            if outcome == "drop":
                return
            self._answer(writer, outcome, json.loads(raw))
            await writer.drain()

    def _answer(self, writer: asyncio.StreamWriter, outcome: str, body: dict[str, Any]) -> None:
        if outcome.isdigit():
            more = {}
            if outcome == "429":
                more = {"retry-after-ms": str(self.retry_after_ms), "retry-after": "1"}
            message = {"error": {"message": f"the stub was told to say {outcome}"}}
            self._send(writer, int(outcome), message, more)
            return
        answer = self._completion(outcome, body)
        if "error" in answer:
            self._send(writer, 400, answer)
            return
        if outcome == "badjson":
            text = json.dumps(answer).encode()
            self._send(writer, 200, text[: len(text) // 2])
            return
        self._send(writer, 200, answer)

    def _line(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Answer one line of a batch."""
        self.bodies.append(body)
        outcome = self.faults.pop(0) if self.faults else self.every
        self.outcomes[f"batch {outcome}"] += 1
        if outcome.isdigit():
            return int(outcome), {}
        answer = self._completion(outcome, body)
        return 400 if "error" in answer else 200, answer

    def _completion(self, outcome: str, body: dict[str, Any]) -> dict[str, Any]:
        given = self.reply if isinstance(self.reply, str) else self.reply(body)
        if not isinstance(given, str) and "error" in given:
            return {"error": {"message": given["error"], "type": "invalid_request_error"}}
        said = given if isinstance(given, str) else ""
        text, refusal, finish = {
            "empty": ("", None, "stop"),
            "null": (None, None, "stop"),
            "refusal": (None, "I will not judge this.", "stop"),
            "filter": (None, None, "content_filter"),
            "length": (said[: len(said) // 2], None, "length"),
        }.get(outcome, (said, None, "stop"))
        choice: dict[str, Any] = {
            "index": 0,
            "finish_reason": finish,
            "message": {"role": "assistant", "content": text, "refusal": refusal},
        }
        if not isinstance(given, str):
            message = {**choice["message"], **given.get("message", {})}
            choice |= {**given, "message": message}
        choices = [choice] if isinstance(given, str) else given.get("choices", [choice])
        if body.get("logprobs"):
            choice["logprobs"] = {"content": self._tokens(text or "")}
        return {
            "id": "chatcmpl-stub",
            "object": "chat.completion",
            "created": 0,
            "model": body.get("model", "stub"),
            "system_fingerprint": "fp_stub",
            "choices": choices,
            "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
        }

    def _tokens(self, text: str) -> list[dict[str, Any]]:
        """Return a text as tokens, the first of ``logprobs`` where it stands last."""
        top = [{"token": t, "logprob": p, "bytes": None} for t, p in self.logprobs.items()]
        said = str(top[0]["token"])
        before, found, after = text.rpartition(said.strip())
        parts = [before, said, after] if found else [text]
        return [
            {**top[0], "top_logprobs": top}
            if found and number == 1
            else {"token": part, "logprob": 0.0, "bytes": None, "top_logprobs": []}
            for number, part in enumerate(parts)
            if part
        ]

    def _send(
        self,
        writer: asyncio.StreamWriter,
        status: int,
        body: dict[str, Any] | bytes,
        more: dict[str, str] | None = None,
    ) -> None:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        head = [
            f"HTTP/1.1 {status} {_REASONS.get(status, 'Error')}",
            "content-type: application/json",
            f"content-length: {len(raw)}",
            *(f"{name}: {value}" for name, value in (more or {}).items()),
        ]
        writer.write("\r\n".join(head).encode() + b"\r\n\r\n" + raw)

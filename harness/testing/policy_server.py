"""A small server of completions on loopback, in threads, that samples from a real checkpoint.

It speaks what vLLM's server does of OpenAI's API, as far as a training asks: token ids in and out,
log-probabilities, weights from a folder, adapters. Requests that wait are made in one batch.
"""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@dataclass
class _Waiting:
    """A request for completions, and what is to be answered."""

    body: dict[str, Any]
    choices: list[dict[str, Any]] = field(default_factory=list)
    error: str = ""
    done: threading.Event = field(default_factory=threading.Event)


class PolicyServer:
    """Serves a checkpoint; a context manager.

    Args:
        model: Folder of the checkpoint.
        faults: Outcomes of the first requests for completions, in order, before it answers well: an
            HTTP status ("500", "400", ...), "drop" (closed without a byte) or "badjson".
        keeps_weights: Whether it says that it loaded new weights and goes on with the old ones.
        raw_logprobs: Whether its log-probabilities are those before the temperature.
        without: Fields of a choice that it does not know.

    Attributes:
        bodies: Paths and bodies of all requests, in order.
        adapters: Loaded adapters, by name.
    """

    def __init__(
        self,
        model: str | Path,
        *,
        faults: Sequence[str] = (),
        keeps_weights: bool = False,
        raw_logprobs: bool = False,
        without: Sequence[str] = (),
    ) -> None:
        self.faults, self.keeps_weights = list(faults), keeps_weights
        self.raw_logprobs, self.without = raw_logprobs, tuple(without)
        self.bodies: list[tuple[str, dict[str, Any]]] = []
        self._path = str(model)
        self.adapters: dict[str, Any] = {}
        self._queue: queue.Queue[_Waiting | None] = queue.Queue()
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """What trainings take as ``server_url``."""
        return f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> PolicyServer:
        """Load the checkpoint and start."""
        from harness.policy.models import load_policy, load_tokenizer

        self._tokenizer = load_tokenizer(self._path)
        self._model = load_policy(self._path, trainable=False)
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        self._threads = [
            threading.Thread(target=target, daemon=True)
            for target in (self._http.serve_forever, self._sample)
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self._http.shutdown()
        self._http.server_close()
        self._queue.put(None)
        for thread in self._threads:
            thread.join()

    def answer(self, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        """Return status and content for a request."""
        with self._lock:
            self.bodies.append((path, body))
        match path:
            case "/v1/models":
                return 200, {"object": "list", "data": [{"id": self._path, "object": "model"}]}
            case "/collective_rpc" if body.get("method") == "reload_weights":
                return self._reload(body["kwargs"]["weights_path"])
            case "/v1/load_lora_adapter":
                return self._load_adapter(body["lora_name"], body["lora_path"])
            case "/v1/unload_lora_adapter":
                found = self.adapters.pop(body["lora_name"], None)
                return (200, "unloaded") if found else (404, {"error": "no such adapter"})
            case "/v1/completions":
                return self._complete(body)
        return 404, {"error": {"message": f"no such path: {path}"}}

    def _reload(self, folder: str) -> tuple[int, Any]:
        from harness.policy.models import load_policy

        if not Path(folder).is_dir():
            return 500, {"error": f"no folder {folder}"}
        if not self.keeps_weights:
            self._model = load_policy(folder, trainable=False)
        return 200, {"results": [None]}

    def _load_adapter(self, name: str, folder: str) -> tuple[int, Any]:
        from harness.policy.models import load_policy

        if name in self.adapters:
            return 400, {"error": f"{name} has been loaded already"}
        kept = next(iter(self.adapters.values()), None) if self.keeps_weights else None
        self.adapters[name] = kept or load_policy(folder, trainable=False)
        return 200, "loaded"

    def _complete(self, body: dict[str, Any]) -> tuple[int, Any]:
        name = body["model"]
        if name != self._path and name not in self.adapters:
            return 404, {"error": {"message": f"the model {name} does not exist"}}
        if "prompt_logprobs" in body:
            choices = [self._scored(body)]
        else:
            waiting = _Waiting(body)
            self._queue.put(waiting)
            waiting.done.wait()
            if waiting.error:
                return 500, {"error": {"message": waiting.error}}
            choices = waiting.choices
        for choice in choices:
            for one in self.without:
                choice.pop(one, None)
        return 200, {"object": "text_completion", "model": name, "choices": choices}

    def _served(self, name: str) -> Any:
        return self.adapters.get(name, self._model)

    def _scored(self, body: dict[str, Any]) -> dict[str, Any]:
        import torch

        ids = body["prompt"]
        with torch.no_grad():
            logits = self._served(body["model"])(input_ids=torch.tensor([ids])).logits[0].float()
        found = logits.log_softmax(-1)[range(len(ids) - 1), ids[1:]].tolist()
        rows = [{str(i): {"logprob": p, "rank": 1}} for i, p in zip(ids[1:], found, strict=True)]
        return {"index": 0, "finish_reason": "length", "prompt_logprobs": [None, *rows]}

    def _sample(self) -> None:
        """Make what waits, batch by batch, until it is told to stop."""
        while (first := self._queue.get()) is not None:
            waiting: list[_Waiting] = [first]
            while True:
                try:
                    more = self._queue.get(timeout=0.005)
                except queue.Empty:
                    break
                if more is None:
                    self._queue.put(None)
                    break
                waiting.append(more)
            groups: dict[tuple[Any, ...], list[_Waiting]] = {}
            for one in waiting:
                key = ("model", "n", "max_tokens", "temperature")
                groups.setdefault(tuple(one.body[name] for name in key), []).append(one)
            for group in groups.values():
                self._batch(group)

    def _batch(self, group: list[_Waiting]) -> None:
        import torch

        from harness.policy.drawing import uniforms
        from harness.policy.engine import generate

        body = group[0].body
        n, most, heat = (body[key] for key in ("n", "max_tokens", "temperature"))
        try:
            with torch.no_grad():
                chances = torch.cat([uniforms(n, most, one.body["seed"]) for one in group])
                prompts = [one.body["prompt"] for one in group]
                stops, pad = body["stop_token_ids"], self._tokenizer.pad_token_id
                model = self._served(body["model"])
                ids, logprobs = generate(model, prompts, n, chances, heat, stops, pad)
        except Exception as error:  # whoever waits is told
            for one in group:
                one.error = repr(error)
                one.done.set()
            return
        rows = zip(ids.tolist(), logprobs.tolist(), strict=True)
        for one in group:
            one.choices = [self._choice(i, *next(rows), one.body) for i in range(n)]
            one.done.set()

    def _choice(
        self, index: int, ids: list[int], logprobs: list[float], body: dict[str, Any]
    ) -> dict[str, Any]:
        size = next((i + 1 for i, one in enumerate(ids) if one in body["stop_token_ids"]), len(ids))
        ended = ids[size - 1] in body["stop_token_ids"]
        if self.raw_logprobs:
            text = body["prompt"] + ids[:size]
            rows = self._scored({"model": body["model"], "prompt": text})["prompt_logprobs"]
            logprobs = [next(iter(row.values()))["logprob"] for row in rows[len(body["prompt"]) :]]
        return {
            "index": index,
            "text": self._tokenizer.decode(ids[:size]),
            "token_ids": ids[:size],
            "prompt_token_ids": body["prompt"],
            "logprobs": {"token_logprobs": logprobs[:size]},
            "finish_reason": "stop" if ended else "length",
        }


def _handler(server: PolicyServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._send(*server.answer(self.path, {}))

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])) or b"{}")
            fault = server.faults.pop(0) if self.path == "/v1/completions" and server.faults else ""
            if fault == "drop":
                self.close_connection = True
            elif fault == "badjson":
                self._send(200, b"{")
            elif fault:
                self._send(int(fault), {"error": {"message": "it was told to say so"}})
            else:
                self._send(*server.answer(self.path, body))

        def _send(self, status: int, content: Any) -> None:
            raw = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    return Handler

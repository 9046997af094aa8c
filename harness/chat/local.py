"""Serves ``local/<name>`` in process: one worker thread answers waiting requests in batches."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.nouns.chat_messages import ChatReply, ChatRequest
from harness.nouns.errors import ChatError, HarnessError
from harness.nouns.outcomes import Status

if TYPE_CHECKING:
    from harness.chat.local_model import Encoded, LocalModel

GATHER_S = 0.005
"""How long the worker waits for more requests before it runs a batch that is not full."""

_Job = tuple[ChatRequest, "Future[ChatReply]"]


class LocalTransport:
    """Loads models on first use and batches what is asked at the same time.

    Args:
        cache_dir: Folder for converted weights; the user's cache folder by default.
    """

    def __init__(self, cache_dir: Path | None = None) -> None:
        self._cache_dir = cache_dir
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._models: dict[tuple[str, str], LocalModel] = {}
        self._thread: threading.Thread | None = None
        self._start = threading.Lock()

    async def call(self, request: ChatRequest, timeout_s: float, call_id: str = "") -> ChatReply:
        """Answer one request; requests of the same moment share forward passes.

        A forward pass cannot be stopped, so there is no time limit.

        Raises:
            ChatError: The request does not fit the model, or the model failed on it.
            ConfigError: The model cannot be loaded.
        """
        began = time.perf_counter()
        reply = await asyncio.wrap_future(self.submit(request))
        return replace(reply, latency_s=time.perf_counter() - began)

    def submit(self, request: ChatRequest) -> Future[ChatReply]:
        """Queue one request, from any thread."""
        with self._start:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="local-model", daemon=True)
                self._thread.start()
        future: Future[ChatReply] = Future()
        self._jobs.put((request, future))
        return future

    async def aclose(self) -> None:
        """Finish what is queued, stop the thread and forget the models."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        with self._start:
            if self._thread is not None:
                self._jobs.put(None)
                self._thread.join()
                self._thread = None
            self._models.clear()

    def _work(self) -> None:
        stop = False
        while not stop:
            jobs: list[_Job] = []
            entry = self._jobs.get()
            deadline = time.monotonic() + GATHER_S
            while entry is not None:
                jobs.append(entry)
                try:
                    entry = self._jobs.get(timeout=max(0.0, deadline - time.monotonic()))
                except queue.Empty:
                    break
            stop = entry is None
            groups: dict[tuple[str, str, bool], list[_Job]] = {}
            for request, future in jobs:
                if future.set_running_or_notify_cancel():
                    dtype = str(request.extra.get("dtype", "float32"))
                    key = (request.model, dtype, bool(request.choices))
                    groups.setdefault(key, []).append((request, future))
            for (model, dtype, scored), group in groups.items():
                self._answer(model, dtype, scored, group)

    def _answer(self, model: str, dtype: str, scored: bool, jobs: Sequence[_Job]) -> None:
        from harness.chat.local_model import BATCH

        try:
            loaded = self._load(model, dtype)
        except Exception as error:  # whatever the loader raises belongs to those who wait
            for _, future in jobs:
                future.set_exception(error)
            return
        ready: list[tuple[Encoded, Future[ChatReply]]] = []
        for request, future in jobs:
            try:
                ready.append((loaded.encode(request), future))
            except Exception as error:  # a template may refuse a message; only this row fails
                future.set_exception(_typed(error))
        ready.sort(key=lambda pair: len(pair[0].ids))
        for start in range(0, len(ready), BATCH):
            batch = ready[start : start + BATCH]
            encoded = [pair[0] for pair in batch]
            try:
                replies = loaded.score(encoded) if scored else loaded.generate(encoded)
            except Exception as error:  # out of memory and the like
                for _, future in batch:
                    future.set_exception(_typed(error))
                continue
            for (_, future), reply in zip(batch, replies, strict=True):
                future.set_result(reply)

    def _load(self, model: str, dtype: str) -> LocalModel:
        from harness.chat.local_model import LocalModel
        from harness.chat.local_weights import weights_of

        if (model, dtype) not in self._models:
            folder, version = weights_of(model, self._cache_dir)
            self._models[model, dtype] = LocalModel(folder, version, dtype)
        return self._models[model, dtype]


def _typed(error: Exception) -> HarnessError:
    """Return the error as one of the harness's own."""
    if isinstance(error, HarnessError):
        return error
    return ChatError(Status.ERROR, f"the local model failed: {type(error).__name__}: {error}")

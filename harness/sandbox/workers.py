"""Worker processes for trusted functions that may hang, eat memory or crash.

A limit that works inside a process (an alarm, a thread) is no limit: a C extension ignores it, and
outside the main thread there are no alarms at all. So each function runs in a process that can be
killed, and only the payload that it was working on is lost.
"""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from harness.nouns.outcomes import Status, WorkOutcome
from harness.nouns.schema import Verdict
from harness.sandbox.worker_process import LENGTH

_LOAD_S = 120.0
_BOOT = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]);"
    "from harness.sandbox.worker_process import main; main(*map(int, sys.argv[2:]))"
)


def cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _Late(Exception):
    """The worker did not answer in time."""


class _Dead(Exception):
    """The worker ended."""


class _Worker:
    """One process, used by one thread at a time."""

    def __init__(self, memory_bytes: int) -> None:
        self.loaded: set[str] = set()
        self._socket, theirs = socket.socketpair()
        with theirs:
            arguments = [json.dumps(sys.path), theirs.fileno(), os.getpid(), memory_bytes]
            self._process = subprocess.Popen(
                [sys.executable, "-c", _BOOT, *map(str, arguments)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        try:
            self._receive(_LOAD_S)
        except BaseException:
            self.close()
            raise

    def call(
        self, function: str, arguments: tuple[Any, ...] | None, timeout_s: float
    ) -> dict[str, Any]:
        """Return the worker's answer.

        Raises:
            _Late: None came in time.
            _Dead: The worker ended.
        """
        body = pickle.dumps((function, arguments))
        try:
            self._socket.settimeout(timeout_s)
            self._socket.sendall(LENGTH.pack(len(body)) + body)
        except OSError as error:
            raise _Dead(str(error)) from error
        return self._receive(timeout_s)

    def close(self) -> None:
        """Kill the process and what it started."""
        self._socket.close()
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
        self._process.kill()
        self._process.wait()

    def _receive(self, timeout_s: float) -> dict[str, Any]:
        deadline = time.monotonic() + timeout_s
        size = LENGTH.unpack(self._read(LENGTH.size, deadline))[0]
        answer: dict[str, Any] = json.loads(self._read(size, deadline))
        return answer

    def _read(self, size: int, deadline: float) -> bytes:
        parts = []
        while size:
            try:
                self._socket.settimeout(max(deadline - time.monotonic(), 0.001))
                part = self._socket.recv(size)
            except TimeoutError as error:
                raise _Late from error
            except OSError as error:
                raise _Dead(str(error)) from error
            if not part:
                try:
                    code = self._process.wait(1.0)
                except subprocess.TimeoutExpired:
                    code = 0
                raise _Dead(f"by signal {-code}" if code < 0 else f"with exit code {code}")
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


class WorkerPool:
    """Calls functions in worker processes with hard limits; see ``feedback.contract.Workers``.

    Works from any thread and any event loop. Workers are executed afresh, never forked from this
    process, and die with it.

    Args:
        processes: Number of workers; one per core by default.
        memory_bytes: Memory that one worker may allocate.
    """

    def __init__(self, processes: int | None = None, *, memory_bytes: int = 4 << 30) -> None:
        self.processes = processes or cores()
        self.memory_bytes = memory_bytes
        self._executor: ThreadPoolExecutor | None = None
        self._idle: queue.SimpleQueue[_Worker | None] = queue.SimpleQueue()
        self._workers: set[_Worker] = set()
        self._lock = threading.Lock()
        self._closed = False

    async def run(
        self, function: str, batch: Sequence[tuple[Any, ...]], timeout_s: float
    ) -> list[WorkOutcome]:
        """Call a function once for each tuple of arguments.

        Args:
            function: "module:name"; importable in a fresh process.
            batch: Arguments; they are pickled.
            timeout_s: Hard limit of one call, in seconds; importing does not count.

        Returns:
            One outcome for each tuple, in order: OK with a value of plain data or a Verdict,
            TIMEOUT, or ERROR with the exception or how the worker died.
        """
        with self._lock:
            if self._closed:
                raise RuntimeError("the pool is closed")
            if self._executor is None:
                for _ in range(self.processes):
                    self._idle.put(None)
                self._executor = ThreadPoolExecutor(self.processes, thread_name_prefix="workers")
            executor = self._executor
        futures = [executor.submit(self._call, function, args, timeout_s) for args in batch]
        return list(await asyncio.gather(*map(asyncio.wrap_future, futures)))

    def close(self) -> None:
        """Kill the workers; calls in flight become errors."""
        with self._lock:
            self._closed = True
            workers, self._workers = self._workers, set()
            executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown(wait=False, cancel_futures=True)
        for worker in workers:
            worker.close()
        if executor is not None:
            executor.shutdown(wait=True)

    def __enter__(self) -> WorkerPool:
        """Return the pool itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    async def __aenter__(self) -> WorkerPool:
        """Return the pool itself."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close it."""
        await asyncio.get_running_loop().run_in_executor(None, self.close)

    def _call(self, function: str, arguments: tuple[Any, ...], timeout_s: float) -> WorkOutcome:
        worker = self._idle.get()
        try:
            if worker is None:
                worker = self._start()
            if function not in worker.loaded:
                answer = worker.call(function, None, _LOAD_S)
                if "error" in answer:
                    return WorkOutcome(Status.ERROR, reason=f"cannot load: {answer['error']}")
                worker.loaded.add(function)
            return _outcome(worker.call(function, arguments, timeout_s))
        except _Late:
            self._drop(worker)
            worker = None
            return WorkOutcome(Status.TIMEOUT, reason=f"took longer than {timeout_s:g} s")
        except _Dead as error:
            self._drop(worker)
            worker = None
            return WorkOutcome(Status.ERROR, reason=f"its worker process ended {error}")
        except Exception as error:  # such as arguments that cannot be pickled
            return WorkOutcome(Status.ERROR, reason=f"{type(error).__name__}: {error}")
        finally:
            self._idle.put(worker)

    def _start(self) -> _Worker:
        worker = _Worker(self.memory_bytes)
        with self._lock:
            if not self._closed:
                self._workers.add(worker)
                return worker
        worker.close()
        raise _Dead("since the pool was closed")

    def _drop(self, worker: _Worker | None) -> None:
        if worker is not None:
            with self._lock:
                self._workers.discard(worker)
            worker.close()


def _outcome(answer: dict[str, Any]) -> WorkOutcome:
    if "error" in answer:
        return WorkOutcome(Status.ERROR, reason=str(answer["error"]))
    if "verdict" in answer:
        status, value, probability, rationale = answer["verdict"]
        value = tuple(value) if isinstance(value, list) else value
        return WorkOutcome(Status.OK, Verdict(Status(status), value, probability, rationale))
    return WorkOutcome(Status.OK, answer["value"])

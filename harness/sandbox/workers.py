"""Worker processes for trusted functions that may hang, eat memory or crash.

A limit that works inside a process (an alarm, a thread) is no limit: a C extension ignores it, and
outside the main thread there are no alarms at all. So each function runs in a process that can be
killed, and only the payload that it was working on is lost.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.nouns.outcomes import Status, WorkOutcome
from harness.nouns.schema import Finding, Verdict
from harness.sandbox.guest.codec import LENGTH
from harness.sandbox.launch import kill_group, launch_trusted, receive
from harness.sandbox.lending import Closing, Lender

_LOAD_S = 120.0


def cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class _Bounds:
    """Limits of one call in seconds, and what a worker calls before its first one."""

    timeout_s: float
    cpu_s: float | None = None
    preload: str = ""


class _Late(Exception):
    """The worker did not answer in time."""


class _Dead(Exception):
    """The worker ended."""


class _Unloaded(Exception):
    """The function cannot be had."""


class _Spent(Exception):
    """The worker was ended at its limit of processor time."""


class _Worker:
    """One process, used by one thread at a time."""

    def __init__(self, memory_bytes: int) -> None:
        self.loaded: set[str] = set()
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = launch_trusted(
                "harness.sandbox.worker_process", theirs.fileno(), os.getpid(), memory_bytes
            )
        try:
            self._receive(_LOAD_S)
        except BaseException:
            self.close()
            raise

    def call(
        self, function: str, arguments: tuple[Any, ...] | None, bounds: _Bounds
    ) -> dict[str, Any]:
        """Return the worker's answer.

        Raises:
            _Late: None came in time.
            _Spent: It was ended at its limit of processor time.
            _Dead: It ended.
        """
        body = pickle.dumps((function, arguments, bounds.cpu_s))
        try:
            self._socket.settimeout(bounds.timeout_s)
            self._socket.sendall(LENGTH.pack(len(body)) + body)
        except OSError as error:
            raise _Dead(str(error)) from error
        return self._receive(bounds.timeout_s)

    def load(self, function: str, arguments: tuple[()] | None = None) -> None:
        """Import a function once, or with arguments call it once for its effect.

        Raises:
            _Unloaded: It failed; the message says how.
        """
        if function and function not in self.loaded:
            answer = self.call(function, arguments, _Bounds(_LOAD_S))
            if "error" in answer:
                raise _Unloaded(f"cannot load: {answer['error']}")
            self.loaded.add(function)

    def close(self) -> None:
        """Kill the process and what it started."""
        self._socket.close()
        kill_group(self._process)
        self._process.kill()
        self._process.wait()

    def _receive(self, timeout_s: float) -> dict[str, Any]:
        try:
            return receive(self._socket, timeout_s)
        except TimeoutError as error:
            raise _Late from error
        except OSError as error:
            raise _Dead(str(error)) from error
        except EOFError as error:
            try:
                code = self._process.wait(1.0)
            except subprocess.TimeoutExpired:
                code = 0
            if code == -signal.SIGPROF:
                raise _Spent from error
            how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
            raise _Dead(how) from error


class WorkerPool(Closing):
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
        self._workers: Lender[_Worker] = Lender(self.processes, "worker pool", RuntimeError)
        self._workers.fill()

    async def run(
        self,
        function: str,
        batch: Sequence[tuple[Any, ...]],
        timeout_s: float,
        *,
        cpu_s: float | None = None,
        preload: str = "",
    ) -> list[WorkOutcome]:
        """Call a function once for each tuple of arguments.

        Args:
            function: "module:name"; importable in a fresh process.
            batch: Arguments; they are pickled.
            timeout_s: Hard limit of one call, in seconds; importing does not count.
            cpu_s: Hard limit of one call, in seconds of processor time.
            preload: Function without arguments that a worker calls once, before the first call and
                outside its limits.

        Returns:
            One outcome for each tuple, in order: OK with a value of plain data, a Verdict or a
            Finding, TIMEOUT, or ERROR with the exception or how the worker died.
        """
        bounds = _Bounds(timeout_s, cpu_s, preload)
        futures = [
            self._workers.submit(self._call, function, arguments, bounds) for arguments in batch
        ]
        return list(await asyncio.gather(*map(asyncio.wrap_future, futures)))

    def close(self) -> None:
        """Kill the workers; calls in flight become errors."""
        self._workers.close()

    def _call(self, function: str, arguments: tuple[Any, ...], bounds: _Bounds) -> WorkOutcome:
        worker = self._workers.take()
        try:
            if worker is None:
                worker = self._workers.add(_Worker(self.memory_bytes))
            worker.load(function)
            worker.load(bounds.preload, ())
            return outcome_of(worker.call(function, arguments, bounds))
        except _Late:
            self._workers.drop(worker)
            worker = None
            return WorkOutcome(Status.TIMEOUT, reason=f"took longer than {bounds.timeout_s:g} s")
        except _Spent:
            self._workers.drop(worker)
            worker = None
            reason = f"used more than {bounds.cpu_s:g} s of processor time"
            return WorkOutcome(Status.TIMEOUT, reason=reason, spent=True)
        except _Dead as error:
            self._workers.drop(worker)
            worker = None
            reason = f"its worker process ended {error}"
            return WorkOutcome(Status.ERROR, reason=reason, spent=True)
        except _Unloaded as error:
            return WorkOutcome(Status.ERROR, reason=str(error))
        except Exception as error:  # such as arguments that cannot be pickled
            return WorkOutcome(Status.ERROR, reason=f"{type(error).__name__}: {error}")
        finally:
            self._workers.give_back(worker)


def outcome_of(answer: dict[str, Any]) -> WorkOutcome:
    """Return what an answer of a worker says."""
    if "error" in answer:
        spent = bool(answer.get("spent"))
        return WorkOutcome(Status.ERROR, reason=str(answer["error"]), spent=spent)
    if "verdict" in answer:
        status, value, probability, rationale = answer["verdict"]
        value = tuple(value) if isinstance(value, list) else value
        verdict = Verdict(Status(status), value, probability, rationale)
        found = answer.get("found")
        return WorkOutcome(Status.OK, Finding(verdict, *found) if found else verdict)
    return WorkOutcome(Status.OK, answer["value"])

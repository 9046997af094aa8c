"""How the conformance kit runs a source: as a run does, and never without an end."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, TypeVar

from harness.nouns.outcomes import Status, WorkOutcome
from harness.sandbox.launch import receive
from harness.sandbox.worker_process import answer_to, write_answer
from harness.sandbox.workers import WorkerPool, outcome_of

T = TypeVar("T")
_PROCESSES = 2
_GRACE_S = 5.0
_LOOK_S = 0.2


class KitWorkers:
    """The workers of a run, started with the first call.

    A function of ``__main__`` cannot be imported by name elsewhere; it runs in a fork.
    """

    def __init__(self) -> None:
        self._pool: WorkerPool | None = None

    async def run(
        self,
        function: str,
        batch: Sequence[tuple[Any, ...]],
        timeout_s: float,
        *,
        cpu_s: float | None = None,
        preload: str = "",
    ) -> list[WorkOutcome]:
        """Call a function once for each tuple of arguments, as ``Workers`` says."""
        if function.startswith("__main__:"):
            asked = (function, timeout_s, cpu_s)
            return [await asyncio.to_thread(_forked, *asked, each) for each in batch]
        if self._pool is None:
            self._pool = WorkerPool(_PROCESSES)
        return await self._pool.run(function, batch, timeout_s, cpu_s=cpu_s, preload=preload)

    def __enter__(self) -> KitWorkers:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self._pool is not None:
            self._pool.close()


def _forked(
    function: str, timeout_s: float, cpu_s: float | None, arguments: tuple[Any, ...]
) -> WorkOutcome:
    """Call a function in a fork of this process, which is killed at the limit."""
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        try:
            os.setsid()
            nowhere = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(nowhere, stream)
            write_answer(theirs.fileno(), answer_to(function, arguments, cpu_s))
        finally:
            os._exit(0)
    ended = 0
    with ours:
        theirs.close()
        try:
            return outcome_of(receive(ours, timeout_s))
        except TimeoutError:
            return WorkOutcome(Status.TIMEOUT, reason=f"took longer than {timeout_s:g} s")
        except (EOFError, OSError):
            ended = os.waitpid(child, 0)[1]
            code = os.waitstatus_to_exitcode(ended)
            how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
            return WorkOutcome(Status.ERROR, reason=f"its worker process ended {how}", spent=True)
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(child, signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(child, 0)


class Watched:
    """Runs a coroutine that has to move on, on a thread that is left behind where it does not.

    Args:
        limit_s: Seconds between two moves.
    """

    def __init__(self, limit_s: float) -> None:
        self.limit_s = limit_s + _GRACE_S
        self._moved = time.monotonic()

    def move(self, allowed: int = 1) -> None:
        """Say that something came, or that so many limits may pass before it does."""
        self._moved = time.monotonic() + self.limit_s * (allowed - 1)

    def run(self, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run what is made to its end.

        Raises:
            TimeoutError: It stands still.
        """
        ended = threading.Event()
        found: list[T] = []
        failed: list[BaseException] = []

        def serve() -> None:
            try:
                found.append(asyncio.run(make()))
            except BaseException as error:  # whatever it is, the caller gets it
                failed.append(error)
            finally:
                ended.set()

        self.move()
        threading.Thread(target=serve, name="harness-kit", daemon=True).start()
        while not ended.wait(_LOOK_S):
            if time.monotonic() - self._moved > self.limit_s:
                raise TimeoutError
        if failed:
            raise failed[0]
        return found[0]

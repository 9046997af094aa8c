"""Processes that threads borrow, one at a time; what pools of zygotes and of workers share."""

from __future__ import annotations

import asyncio
import queue
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, Generic, Protocol, Self, TypeVar

T = TypeVar("T")


class Closable(Protocol):
    """A process that can be ended."""

    def close(self) -> None:
        """End it."""


P = TypeVar("P", bound=Closable)


class Closing(ABC):
    """A context manager, with or without async, that closes at its end."""

    @abstractmethod
    def close(self) -> None:
        """End every process."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.get_running_loop().run_in_executor(None, self.close)


class Lender(Generic[P]):
    """Lends processes to the work of as many threads, and ends them all together.

    Args:
        size: Processes and threads at most.
        name: Of the threads, and of what has been closed in the error of who comes too late.
        error: Type of that error.
    """

    def __init__(self, size: int, name: str, error: type[Exception]) -> None:
        self.size = size
        self.running: set[P] = set()
        self.closed = False
        self._too_late = partial(error, f"the {name} is closed")
        self._lock = threading.Lock()
        self._idle: queue.SimpleQueue[P | None] = queue.SimpleQueue()
        self._executor = ThreadPoolExecutor(size, thread_name_prefix=name)

    def fill(self, first: P | None = None) -> None:
        """Let the work begin, perhaps with a process that runs already."""
        if first is not None:
            self.running.add(first)
        for process in (first, *[None] * (self.size - 1)):
            self._idle.put(process)

    def submit(self, work: Callable[..., T], *arguments: Any) -> Future[T]:
        """Have work done by the next thread that is free."""
        if self.closed:
            raise self._too_late()
        return self._executor.submit(work, *arguments)

    def take(self) -> P | None:
        """Wait for a turn; return its process, None where one has to be started."""
        return self._idle.get()

    def give_back(self, process: P | None) -> None:
        """End a turn, with the process that the next one gets."""
        self._idle.put(process)

    def add(self, process: P) -> P:
        """Keep a process that was just started, so that it is closed with the others."""
        with self._lock:
            if not self.closed:
                self.running.add(process)
                return process
        process.close()
        raise self._too_late()

    def drop(self, process: P | None) -> None:
        """End a process that is lost or worn out."""
        if process is not None:
            with self._lock:
                self.running.discard(process)
            process.close()

    def close(self) -> None:
        """End every process; work in flight and work that waits end with errors."""
        with self._lock:
            self.closed = True
            running, self.running = self.running, set()
        self._executor.shutdown(wait=False, cancel_futures=True)
        for process in running:
            process.close()
        self._executor.shutdown(wait=True)

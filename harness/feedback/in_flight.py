"""Many calls at once, their results as they come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Iterable
from typing import Any, TypeVar

T = TypeVar("T")


async def in_flight(
    calls: Iterable[Coroutine[Any, Any, T]], at_once: int
) -> AsyncGenerator[T, None]:
    """Yield the results of calls as they finish.

    An error starts nothing new; calls in flight are paid for, so their results still come before
    it is raised. Whoever stops listening cancels what is in flight.

    Args:
        calls: Made one by one, only when there is room for the next.
        at_once: Calls in flight.
    """
    pending: set[asyncio.Task[T]] = set()
    queue = iter(calls)
    stop: BaseException | None = None
    try:
        while True:
            while stop is None and len(pending) < at_once:
                call = next(queue, None)
                if call is None:
                    break
                pending.add(asyncio.create_task(call))
            if not pending:
                break
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                error = task.exception()
                if error is None:
                    yield task.result()
                stop = stop or error
    finally:
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
    if stop is not None:
        raise stop

"""Calls of reward functions: async ones together, each with a deadline; a failure is a reason."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from typing import Any, TypeVar

from harness.feedback.failures import PASS_THROUGH
from harness.nouns.errors import HarnessError
from harness.nouns.raised import raised
from harness.scale_out.loop_thread import LoopThread
from harness.train.reward_arguments import accepted

T = TypeVar("T")

PATIENCE = 2
"""Calls that a function may fail from the start before the training stops."""
SPARE = 5.0
"""Seconds beyond the deadline after which the thread of the loop is given up."""


class RewardCalls:
    """Calls functions on one batch after another, and remembers why they failed.

    Args:
        functions: By name; an async one is a coroutine function, or has such a ``__call__``.
        timeout_s: Seconds that a batch may take; they bind async functions only, since nothing
            can stop one that is not.
    """

    def __init__(self, functions: Mapping[str, Callable[..., Any]], timeout_s: float) -> None:
        self.functions, self.timeout_s = functions, timeout_s
        self.reasons: dict[str, str] = {}
        self._worked: set[str] = set()
        self._failed: dict[str, int] = {}
        self._loop: LoopThread | None = None

    def __call__(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return what each function returned, None for one that failed.

        Raises:
            HarnessError: A function failed each time from the start, or what it raised concerns
                the run and not the batch, such as a budget that is used up.
        """
        running = {
            name: self._begin(function(**accepted(function, arguments)))
            for name, function in self.functions.items()
            if _is_async(function)
        }
        found: dict[str, Any] = {}
        try:
            for name, function in self.functions.items():
                if name not in running:
                    now = partial(self._now, function, arguments)
                    found[name] = self._guarded(name, now)
            for name, future in running.items():
                found[name] = self._guarded(name, partial(self._end, future))
        except BaseException:
            for future in running.values():
                future.cancel()
            raise
        return {name: found[name] for name in self.functions}

    def take_reasons(self) -> dict[str, str]:
        """Return why functions failed since the last call, by name."""
        taken, self.reasons = self.reasons, {}
        return taken

    def _guarded(self, name: str, call: Callable[[], T]) -> T | None:
        try:
            result = call()
        except PASS_THROUGH:
            raise
        except TimeoutError:
            reason = f"took longer than {self.timeout_s:g} s"
        except Exception as error:
            reason = raised(error, most=200)
        else:
            self._worked.add(name)
            return result
        self.reasons[name] = reason
        self._failed[name] = self._failed.get(name, 0) + 1
        if name not in self._worked and self._failed[name] >= PATIENCE:
            raise HarnessError(
                f"reward {name} failed in each of its first {PATIENCE} calls: {reason}\n"
                "  hint: call it on some completions alone; the same training goes on then"
            )
        return None

    def _begin(self, coroutine: Any) -> Future[Any]:
        if self._loop is None:
            self._loop = LoopThread()
        return self._loop.start(asyncio.wait_for(coroutine, self.timeout_s))

    def _now(self, function: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
        result = function(**accepted(function, arguments))
        return self._end(self._begin(result)) if inspect.iscoroutine(result) else result

    def _end(self, future: Future[Any]) -> Any:
        try:
            return future.result(self.timeout_s + SPARE)
        except TimeoutError:
            if not future.done():  # it blocks its loop: nothing else could run there any more
                self._loop = None
            raise


def _is_async(function: Any) -> bool:
    call = getattr(function, "__call__", None)  # noqa: B004
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call)

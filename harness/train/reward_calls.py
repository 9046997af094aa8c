"""Calls of reward functions: async ones together, each with a deadline; a failure is a reason."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from typing import Any, Protocol, runtime_checkable

from harness.feedback.failures import PASS_THROUGH
from harness.nouns.errors import HarnessError, InputError
from harness.nouns.raised import raised
from harness.scale_out.loop_thread import LoopThread
from harness.train.reward_arguments import accepted, check_takes
from harness.train.reward_copies import own
from harness.train.reward_surroundings import kept_settings
from harness.train.reward_values import WrongReturnError, read_rewards

PATIENCE = 2
"""Calls that a function may fail from the start before the training stops."""
SPARE = 5.0
"""Seconds beyond the deadline after which the thread of the loop is given up."""


@runtime_checkable
class TellsWhy(Protocol):
    """A reward function that knows why completions have no verdict."""

    def take_reason(self) -> str:
        """Return why, of the calls since the last time, "" where all had one."""


class RewardCalls:
    """Calls functions on one batch after another, and remembers why they failed.

    Args:
        functions: By name; an async one is a coroutine function, or has such a ``__call__``.
        timeout_s: Seconds that a batch may take; they bind async functions only, since nothing
            can stop one that is not.
        weights: By name; 1 where a name is absent.
    """

    def __init__(
        self,
        functions: Mapping[str, Callable[..., Any]],
        timeout_s: float,
        weights: Mapping[str, float],
    ) -> None:
        self.functions, self.timeout_s, self.weights = functions, timeout_s, weights
        self.reasons: dict[str, str] = {}
        self._worked: set[str] = set()
        self._failed: dict[str, int] = {}
        self._loop: LoopThread | None = None

    def __call__(self, arguments: Mapping[str, Any]) -> dict[str, list[float | None]]:
        """Return the rewards of each function, a number or None for each completion.

        Each has arguments of its own, so that it may change them, and what it sets for the process
        is put back.

        Raises:
            InputError: A function cannot take the arguments, or returned more rewards than there
                are completions, or fewer.
            HarnessError: A function failed each time from the start, or what it raised concerns
                the run and not the batch, such as a budget that is used up.
        """
        with kept_settings():
            return self._called(arguments)

    def _called(self, arguments: Mapping[str, Any]) -> dict[str, list[float | None]]:
        n = len(arguments["prompts"])
        given = {name: accepted(f, arguments) for name, f in self.functions.items()}
        for name, function in self.functions.items():
            check_takes(name, function, given[name])
        running = {
            name: self._begin(function(**own(given[name])))
            for name, function in self.functions.items()
            if _is_async(function)
        }
        found: dict[str, list[float | None]] = {}
        try:
            for name, function in self.functions.items():
                if name not in running:
                    found[name] = self._read(name, n, partial(self._now, function, given[name]))
            for name, future in running.items():
                found[name] = self._read(name, n, partial(self._end, future))
        except BaseException:
            for future in running.values():
                future.cancel()
            raise
        return {name: found[name] for name in self.functions}

    def take_reasons(self) -> dict[str, str]:
        """Return why functions failed since the last call, by name."""
        taken, self.reasons = self.reasons, {}
        return taken

    def _read(self, name: str, n: int, call: Callable[[], Any]) -> list[float | None]:
        """Return the rewards of one call; of one that failed None of each, and its reason."""
        try:
            returned = call()
            try:
                values, reason = read_rewards(returned, n, self.weights.get(name, 1.0))
            except InputError as error:
                raise InputError(f"reward {name}: {error.what}", hint=error.hint) from None
        except PASS_THROUGH:
            raise
        except WrongReturnError as error:
            reason = str(error)
        except TimeoutError:
            reason = f"took longer than {self.timeout_s:g} s"
        except (Exception, SystemExit) as error:
            reason = raised(error, most=200)
        else:
            self._worked.add(name)
            if isinstance(function := self.functions[name], TellsWhy):
                reason = reason or function.take_reason()
            if reason:
                self.reasons[name] = reason
            return values
        self.reasons[name] = reason
        self._failed[name] = self._failed.get(name, 0) + 1
        if name not in self._worked and self._failed[name] >= PATIENCE:
            raise HarnessError(
                f"reward {name} failed in each of its first {PATIENCE} calls: {reason}\n"
                "  hint: call it on some completions alone; the same training goes on then"
            )
        return [None] * n

    def _begin(self, coroutine: Any) -> Future[Any]:
        if self._loop is None:
            self._loop = LoopThread()
        return self._loop.start(asyncio.wait_for(_staying(coroutine), self.timeout_s))

    def _now(self, function: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
        result = function(**own(arguments))
        return self._end(self._begin(result)) if inspect.iscoroutine(result) else result

    def _end(self, future: Future[Any]) -> Any:
        try:
            return future.result(self.timeout_s + SPARE)
        except TimeoutError:
            if not future.done():  # it blocks its loop: nothing else could run there any more
                self._loop = None
            raise


async def _staying(coroutine: Any) -> Any:
    """Return what a coroutine does; one that would leave the process fails, as any other."""
    try:
        return await coroutine
    except SystemExit as error:  # it would end the loop, for which everybody waits
        stayed = RuntimeError(f"SystemExit: {error}")
        raise stayed.with_traceback(error.__traceback__) from None


def _is_async(function: Any) -> bool:
    call = getattr(function, "__call__", None)  # noqa: B004
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call)

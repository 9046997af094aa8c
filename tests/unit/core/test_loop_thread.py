"""Synchronous callers wait for coroutines on a loop of their own, and are told how they ended."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from harness.scale_out.loop_thread import LoopThread, run_to_end


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt])
def test_what_a_coroutine_raises_reaches_its_caller_and_the_loop_goes_on(
    error: type[BaseException],
) -> None:
    async def fails() -> None:
        raise error

    async def works() -> int:
        return 7

    async def notebook() -> None:
        with pytest.raises(error):
            run_to_end(fails())

    asyncio.run(notebook())
    with LoopThread() as loop:
        with pytest.raises(error):
            loop.run(fails())
        assert loop.run(works()) == 7


def test_a_caller_who_is_stopped_ends_the_coroutine_and_its_contexts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ended: list[str] = []
    begun: list[Any] = []

    async def waits() -> None:
        begun.append(asyncio.current_task())
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append("closed")

    handed = asyncio.run_coroutine_threadsafe

    def interrupted(coroutine: Any, loop: Any) -> Any:
        future = handed(coroutine, loop)
        if coroutine.__name__ == "waits":

            def result() -> None:
                while not begun:
                    pass
                raise KeyboardInterrupt

            future.result = result  # type: ignore[method-assign]
        return future

    monkeypatch.setattr(asyncio, "run_coroutine_threadsafe", interrupted)

    async def notebook() -> None:
        with pytest.raises(KeyboardInterrupt):
            run_to_end(waits())

    asyncio.run(notebook())
    assert ended == ["closed"]

"""A judge whose budget ends in the middle keeps what it paid for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest

from harness.feedback.annotate import annotate
from harness.feedback.contract import FeedbackSource, Limits, RunContext
from harness.feedback.judge import judge
from harness.feedback.requests import build_requests
from harness.feedback.verifier import verifier
from harness.nouns.errors import BudgetExceededError, InputError, StorageError
from harness.nouns.outcomes import Status
from harness.nouns.schema import Item, Judgment, JudgmentRequest, Response, Verdict
from harness.records.journal import Journal
from harness.testing import FakeChat

N = 12


def test_calls_in_flight_at_the_end_of_the_budget_are_kept(tmp_path: Path) -> None:
    items = [Item(f"i{n}", f"q{n}") for n in range(N)]
    responses = [Response(f"i{n}.0", f"i{n}", "s", "a") for n in range(N)]
    requests = build_requests(items, responses, "pointwise")
    started: list[str] = []
    refuse = asyncio.Event()

    @judge(name="slow", version="1", takes=("pointwise",))
    async def slow(request: JudgmentRequest, ctx: RunContext) -> Verdict:
        started.append(request.item.id)
        if request.item.id == "i3":
            await refuse.wait()
            raise BudgetExceededError("the budget is used up")
        if request.item.id != "i0":  # i0 ends in the same turn of the loop as the refusal
            await asyncio.sleep(0.02)
        else:
            await refuse.wait()
        return Verdict(Status.OK, 1.0)

    async def run() -> None:
        ctx = RunContext(FakeChat("x"), None, None, 0, Limits(4))  # type: ignore[arg-type]
        with Journal(tmp_path / "j.sqlite") as journal:
            asyncio.get_running_loop().call_later(0.005, refuse.set)
            with pytest.raises(BudgetExceededError):
                await annotate(slow.build(), requests, ctx, journal)
            kept = {j.request_id for j in journal.judgments()}
            asked = {r.id: r.item.id for r in requests}
            assert {asked[name] for name in kept} == {"i0", "i1", "i2"}

    asyncio.run(run())
    assert started == ["i0", "i1", "i2", "i3"]  # nothing new once the budget was gone


class Stopped(Exception):
    """What happened to whoever takes the judgments."""


TROUBLE = [
    StorageError("cannot write it: no room"), InputError("changed"), asyncio.CancelledError(),
    KeyboardInterrupt(), BudgetExceededError("used up"),
]  # fmt: skip


def _judge() -> FeedbackSource:
    @judge(name="slow", version="1", takes=("pointwise",))
    async def slow(request: JudgmentRequest, ctx: RunContext) -> Verdict:
        return await _verdict(request.item.id)

    return slow.build()


def _verifier() -> FeedbackSource:
    @verifier(name="slow", version="1")
    async def slow(item: Item, response: Response) -> bool:
        return (await _verdict(item.id)).value == 1.0

    return slow.build()


def _wrapped() -> FeedbackSource:
    inner = _judge()

    class Wrapped:
        """Hands on what another source says, as a plugin may: without closing it."""

        info = inner.info

        async def annotate(
            self, requests: Sequence[JudgmentRequest], ctx: RunContext
        ) -> AsyncIterator[Judgment]:
            async for judgment in inner.annotate(requests, ctx):
                yield judgment

    return Wrapped()


cancelled: list[str] = []


async def _verdict(name: str) -> Verdict:
    try:
        await asyncio.sleep(0 if name == "i0" else 60)
    except asyncio.CancelledError:
        await asyncio.sleep(0.001)  # what is in flight takes a while to end
        cancelled.append(name)
        raise
    return Verdict(Status.OK, 1.0)


@pytest.mark.parametrize("trouble", TROUBLE, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("make", [_judge, _verifier, _wrapped])
def test_whoever_cannot_take_a_judgment_ends_the_calls_in_flight_and_in_order(
    make: Callable[[], FeedbackSource], trouble: BaseException
) -> None:
    items = [Item(f"i{n}", f"q{n}") for n in range(N)]
    requests = build_requests(
        items, [Response(f"i{n}.0", f"i{n}", "s", "a") for n in range(N)], "pointwise"
    )
    told: list[object] = []
    cancelled.clear()

    def refuse(_: Judgment, is_new: bool) -> None:
        raise trouble

    async def run() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
        ctx = RunContext(FakeChat("x"), None, None, 0, Limits(4))  # type: ignore[arg-type]
        try:
            await annotate(make(), requests, ctx, on_judgment=refuse)
        except BaseException as error:
            assert error is trouble
            if make is not _wrapped:  # a generator of others may leave that to the loop
                assert sorted(cancelled) == ["i1", "i2", "i3"]

    asyncio.run(run())
    assert told == [] and sorted(cancelled) == ["i1", "i2", "i3"]

"""A verifier may be async: many at once, with the hard time limit, and with the context."""

from __future__ import annotations

import asyncio
import math
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from pydantic import BaseModel

from harness.feedback.annotate import annotate
from harness.feedback.requests import build_requests
from harness.nouns.errors import ChatError, InputError, SandboxError
from harness.plugin import (
    UNIT,
    ChatRequest,
    Finding,
    Item,
    Judgment,
    JudgmentRequest,
    Limits,
    PluginError,
    Response,
    RunContext,
    SourceFactory,
    SourceInfo,
    Status,
    Verdict,
    judge,
    verifier,
)
from harness.records.judgments import in_order
from harness.testing import FakeChat, check_source, fake_context

ITEM = Item("i", "q", reference="r")
SINGLES = build_requests(
    [ITEM], [Response(f"r{n}", "i", "s", str(n)) for n in range(20)], "pointwise"
)


class Options(BaseModel):
    least: int = 3


def rows(
    factory: SourceFactory, ctx: RunContext | None = None, asked: Any = SINGLES, **options: Any
) -> Sequence[Judgment]:
    source = factory.build(options)
    return asyncio.run(annotate(source, asked, ctx or fake_context()))


def test_an_async_function_gets_options_and_context_by_what_it_takes() -> None:
    chat = FakeChat("yes")

    @verifier(name="plain", version="1")
    async def plain(item: Item, response: Response) -> bool:
        """Look."""
        return response.text == "1"

    @verifier(name="asking", version="1", options=Options)
    async def asking(item: Item, response: Response, options: Options, ctx: RunContext) -> bool:
        """Ask."""
        reply = await ctx.chat.complete(ChatRequest("m", ()))
        return reply.text == "yes" and int(response.text) >= options.least

    by_id = {row.request_id: row.verdict.value for row in rows(plain)}
    assert [by_id[r.id] for r in SINGLES[:3]] == [False, True, False]
    found = rows(asking, fake_context(chat), least=10)
    assert sum(row.verdict.value is True for row in found) == 10
    assert len(chat.requests) == len(SINGLES)
    for factory in (plain, asking):
        check_source(factory)


def test_so_many_at_once_and_no_more() -> None:
    running = most = 0

    async def count(item: Item, response: Response) -> bool:
        """Count."""
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        running -= 1
        return True

    ctx = replace(fake_context(), limits=Limits(concurrency=4, timeout_s=30.0))
    rows(verifier(name="count", version="1")(count), ctx)
    assert most == 4
    most = 0
    rows(verifier(name="count", version="1", concurrency=7)(count), ctx)
    assert most == 7


def test_the_time_limit_is_hard_and_no_limit_is_none() -> None:
    async def hangs(item: Item, response: Response) -> bool:
        """Hang on every other response."""
        if int(response.text) % 2:
            await asyncio.Event().wait()
        await asyncio.sleep(0.01)
        return True

    found = rows(verifier(name="hangs", version="1", timeout_s=0.2)(hangs))
    status = {row.request_id: row.verdict.status for row in found}
    assert [status[r.id] for r in SINGLES[:4]] == [Status.OK, Status.TIMEOUT] * 2
    ctx = replace(fake_context(), limits=Limits(concurrency=8, timeout_s=0.001))
    even = [request for request in SINGLES if not int(request.responses[0].text) % 2]
    own = verifier(name="hangs", version="1", timeout_s=math.inf)(hangs)
    assert {row.verdict.status for row in rows(own, ctx, even)} == {Status.OK}
    run_s = verifier(name="hangs", version="1")(hangs)
    assert {row.verdict.status for row in rows(run_s, ctx, even)} == {Status.TIMEOUT}


@pytest.mark.parametrize(
    ("given", "status", "value", "reason"),
    [
        (None, Status.ABSTAINED, None, "cannot be checked"),
        (0.25, Status.OK, 0.25, ""),
        (2.0, Status.ERROR, None, "score 2.0 is not between 0 and 1"),
        (float("nan"), Status.ERROR, None, "score nan is not between 0 and 1"),
        ("yes", Status.ERROR, None, "a verifier returns bool, float or None, got 'yes'"),
        (Verdict(Status.REFUSED, rationale="no"), Status.REFUSED, None, "no"),
        (ValueError("odd"), Status.ERROR, None, "ValueError: odd"),
        (ChatError(Status.REFUSED, "will not"), Status.REFUSED, None, "will not"),
        (SystemExit(3), Status.ERROR, None, "SystemExit: 3"),
        (KeyboardInterrupt(), Status.ERROR, None, "KeyboardInterrupt"),
        (asyncio.CancelledError(), Status.ERROR, None, "CancelledError"),
        (
            BaseExceptionGroup("g", [ValueError("x"), SystemExit(1)]),
            Status.ERROR,
            None,
            "BaseExceptionGroup: g (2 sub-exceptions)",
        ),
        (BaseException("base"), Status.ERROR, None, "BaseException: base"),
    ],
)
def test_what_it_returns_or_raises_is_a_typed_verdict(
    given: Any, status: Status, value: Any, reason: str
) -> None:
    async def says(item: Item, response: Response) -> Any:
        """Say it."""
        if response.text == "1":
            return 1.0
        if isinstance(given, BaseException):
            raise given
        return given

    row, other = in_order(
        SINGLES, rows(verifier(name="says", version="1", scale=UNIT)(says), asked=SINGLES[:2])
    )
    assert (row.verdict.status, row.verdict.value) == (status, value)
    raises = isinstance(given, BaseException) and not isinstance(given, ChatError)
    place = r" \(test_async_verifiers.py:\d+\)" if raises else ""
    assert re.fullmatch(re.escape(reason) + place, row.verdict.rationale)
    assert other.verdict.value == 1.0


class Exits:
    """A source written by hand that ends in the middle."""

    info = SourceInfo("exits", "1", "verifier")

    async def annotate(
        self, requests: Sequence[JudgmentRequest], ctx: RunContext
    ) -> AsyncIterator[Judgment]:
        """Judge one response, then exit."""
        yield Judgment(requests[0].id, "exits", "1", "exits", Verdict(Status.OK, True))
        raise SystemExit(3)

    def check(self, ctx: RunContext) -> None:
        """Nothing to check."""


def test_a_source_written_by_hand_that_exits_costs_what_it_did_not_judge() -> None:
    row, other = asyncio.run(annotate(Exits(), SINGLES[:2], fake_context()))
    assert row.verdict.value is True
    assert other.verdict.status is Status.ERROR
    assert other.verdict.rationale.startswith("SystemExit: 3 (test_async_verifiers.py:")


@pytest.mark.parametrize("error", [SystemExit(3), asyncio.CancelledError(), KeyboardInterrupt()])
def test_a_judge_that_raises_what_ends_programs_costs_its_verdict(error: BaseException) -> None:
    @judge(name="ends", version="1", takes=("pointwise",))
    async def ends(request: JudgmentRequest, ctx: RunContext) -> Verdict:
        """End."""
        if request.responses[0].text == "0":
            raise error
        return Verdict(Status.OK, True)

    row, other = in_order(SINGLES, rows(ends, asked=SINGLES[:2]))
    assert (row.verdict.status, row.verdict.rationale[:6]) == (
        Status.ERROR, type(error).__name__[:6],
    )  # fmt: skip
    assert other.verdict.value is True


@pytest.mark.parametrize("how", ["answers", "raises", "blocks"])
def test_an_answer_after_the_limit_is_a_timeout(how: str) -> None:
    async def late(item: Item, response: Response) -> bool:
        """Answer late, whatever it is told."""
        if how == "blocks":
            time.sleep(0.2)
            return True
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        if how == "raises":
            raise ValueError("late")
        return True

    (row,) = rows(verifier(name="late", version="1", timeout_s=0.1)(late), asked=SINGLES[:1])
    assert row.verdict == Verdict(Status.TIMEOUT, rationale="time limit reached")


INTERRUPTED = """
import asyncio, os, signal
from harness.feedback.annotate import annotate
from harness.feedback.requests import build_requests
from harness.plugin import Item, Response, verifier
from harness.testing import fake_context

@verifier(name="waits", version="1", timeout_s=60)
async def waits(item, response):
    "Wait."
    if response.id == "r0":  # once, as a person does
        os.kill(os.getpid(), signal.SIGINT)
    await asyncio.Event().wait()

items = [Item("i", "q")]
asked = build_requests(items, [Response(f"r{n}", "i", "s", "") for n in range(20)], "pointwise")
asyncio.run(annotate(waits.build(), asked, fake_context()))
print("went on")
"""


def test_a_real_ctrl_c_stops_the_run() -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, timeout=50
    )
    assert "went on" not in done.stdout
    assert done.returncode == -signal.SIGINT
    assert "KeyboardInterrupt" in done.stderr


def test_steps_and_findings_keep_what_belongs_to_the_judgment() -> None:
    async def steps(item: Item, response: Response) -> list[float]:
        """Score three steps."""
        return [1.0, 0.5, 1.0]

    (row,) = rows(
        verifier(name="s", version="1", scale=UNIT, steps="min")(steps), asked=SINGLES[:1]
    )
    assert (row.verdict.value, row.metadata) == (0.5, {"steps": [1.0, 0.5, 1.0]})

    async def finds(item: Item, response: Response) -> Finding:
        """Find."""
        return Finding(Verdict(Status.OK, True), {"isolation": "landlock"}, 1.5)

    (row,) = rows(verifier(name="f", version="1")(finds), asked=SINGLES[:1])
    assert (row.verdict.value, row.latency_s) == (True, 1.5)
    assert row.metadata == {"isolation": "landlock"}


def plain_finding(item: Item, response: Response) -> Finding:
    """Find, in a worker process."""
    return Finding(Verdict(Status.OK, 0.5), {"passed": 2})


def test_a_plain_function_may_return_a_finding_too() -> None:
    factory = verifier(name="p", version="1", scale=lambda options: UNIT)(plain_finding)
    assert factory.build().info.scale == UNIT
    (row,) = rows(factory, asked=SINGLES[:1])
    assert (row.verdict.value, row.metadata) == (0.5, {"passed": 2})


@pytest.mark.parametrize("error", [InputError, SandboxError])
def test_what_concerns_the_run_is_not_a_row(error: type[Exception]) -> None:
    async def cannot(item: Item, response: Response) -> bool:
        """Fail for good."""
        raise error("no way")

    async def ask() -> None:
        source = verifier(name="c", version="1")(cannot).build()
        async for _ in source.annotate(SINGLES, fake_context()):
            raise AssertionError("a row")

    with pytest.raises(error, match="no way"):
        asyncio.run(ask())


def test_the_check_of_the_author_is_asked_before_any_work() -> None:
    seen: list[Any] = []

    async def fine(item: Item, response: Response, options: Options) -> bool:
        """Accept."""
        return True

    factory = verifier(
        name="fine",
        version="1",
        options=Options,
        check=lambda ctx, options: seen.append((ctx, options.least)),
    )(fine)
    ctx = fake_context()
    factory.build({"least": 5}).check(ctx)
    assert seen == [(ctx, 5)]


def with_context(item: Item, response: Response, ctx: RunContext) -> bool:
    """Ask for what a worker process has not."""
    return True


def test_a_plain_function_cannot_have_the_context() -> None:
    with pytest.raises(PluginError, match="must be async to be given the context"):
        verifier(name="w", version="1")(with_context)

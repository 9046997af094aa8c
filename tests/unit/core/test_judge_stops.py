"""A judge whose budget ends in the middle keeps what it paid for."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from harness.feedback.annotate import annotate
from harness.feedback.contract import Limits, RunContext
from harness.feedback.judge import judge
from harness.feedback.requests import build_requests
from harness.nouns.errors import BudgetExceededError
from harness.nouns.outcomes import Status
from harness.nouns.schema import Item, JudgmentRequest, Response, Verdict
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

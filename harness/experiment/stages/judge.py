"""Judge: sources are put requests to, and what they say is recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from harness.experiment.context import Asking, StartBar, cost_note
from harness.experiment.sources import NamedSource
from harness.feedback.annotate import annotate
from harness.feedback.requests import build_requests, criterion_for
from harness.nouns.schema import Item, Judgment, JudgmentRequest, Response


@dataclass(frozen=True, slots=True)
class Judged:
    """What a source was asked, and what it said.

    Attributes:
        source: Who.
        requests: What it was asked, on its own scale.
        judgments: What it said, in its own way of judging; failures are among them.
        seconds: Wall time over all tries.
    """

    source: NamedSource
    requests: Sequence[JudgmentRequest]
    judgments: Sequence[Judgment]
    seconds: float = 0.0

    @property
    def cost_usd(self) -> float:
        """What the judgments did cost, in dollars."""
        return sum(judgment.cost_usd for judgment in self.judgments)


def requests_of(
    source: NamedSource, items: Sequence[Item], responses: Sequence[Response]
) -> list[JudgmentRequest]:
    """Return what a source is asked before training, on its own scale, up to its limit."""
    if source.way == "pairwise":
        requests = build_requests(items, responses, "pairwise")
    else:
        requests = build_requests(items, responses, "pointwise", criterion_for(source.info))
    return requests[: source.config.limit]


def check(sources: Iterable[NamedSource], asking: Asking) -> None:
    """Let every source see whether it can work.

    Raises:
        InputError: One of them cannot.
    """

    async def ask() -> None:
        async with replace(asking, processes=1).open() as ctx:
            for source in sources:
                source.source.check(ctx)

    asyncio.run(ask())


def judge(
    source: NamedSource,
    requests: Sequence[JudgmentRequest],
    asking: Asking,
    bar: StartBar,
    part: str = "",
) -> list[Judgment]:
    """Put requests to a source; what the journal holds of an earlier try is not asked again.

    Args:
        source: The feedback source.
        requests: What it is asked.
        asking: Journal, seed and limits.
        bar: For progress; the title says what it is going to cost.
        part: Of the journal: "train", "evaluation", or none.

    Raises:
        BudgetExceededError: The budget is used up; what was judged is recorded.
        InputError: The source cannot work with this input.
    """

    async def ask() -> list[Judgment]:
        async with asking.open() as ctx:
            note = cost_note(source, requests, ctx)
            verb = "evaluates" if part == "evaluation" else "judges"
            move = bar(f"{source.name} {verb}{note and f' ({note})'}", len(requests))
            seen: set[str] = set()

            def on_judgment(judgment: Judgment) -> None:
                if judgment.request_id not in seen:
                    seen.add(judgment.request_id)
                    move(1)

            scope = f"{part}/{source.scope}" if part else source.scope
            found = await annotate(source.source, requests, ctx, asking.journal, scope, on_judgment)
            move(len(requests) - len(seen))
            return found

    return asyncio.run(ask())

"""Requests to judgments: runs a source, records every judgment, and types every failure.

This is the one place where an exception, a broken promise or silence of a source becomes a row.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, nullcontext
from dataclasses import replace

from harness.feedback.contract import FeedbackSource, Presents, RunContext, Shown
from harness.feedback.failures import PASS_THROUGH, verdict_of_exception
from harness.feedback.named_files import watch
from harness.nouns.outcomes import Status
from harness.nouns.schema import Judgment, JudgmentRequest, SourceInfo, Verdict, off_scale
from harness.records.journal import Journal

TRY_AGAIN = (Status.ERROR, Status.TIMEOUT, Status.MISSING)
"""Failures that a resumed run asks for again; the rest are outcomes."""

FAILED = tuple(status.value for status in Status if status is not Status.OK)
"""What the metadata of a response say of one that never came; any other word is the user's own."""


async def annotate(
    source: FeedbackSource,
    requests: Sequence[JudgmentRequest],
    ctx: RunContext,
    journal: Journal | None = None,
    scope: str = "",
    on_judgment: Callable[[Judgment, bool], None] | None = None,
    on_kept: Callable[[], None] | None = None,
) -> list[Judgment]:
    """Put requests to a source and return all judgments, those of an earlier try included.

    A judgment that the journal holds for the same source and version is not made again, unless it
    is a failure of the infrastructure. A request that gets no judgment becomes a MISSING row. A
    source that dies turns its remaining requests into ERROR rows.

    Args:
        source: Whom to ask.
        requests: What to ask; ids must be unique.
        ctx: What the source may use.
        journal: Where judgments are recorded as they come; None records nothing.
        scope: Part of the journal.
        on_judgment: Called for each judgment, and with whether it is new, for progress; first for
            those of an earlier try.
        on_kept: Called when all of an earlier try are told, before anybody is asked.

    Raises:
        BudgetExceededError: The run's budget is used up; what was judged is recorded.
        InputError: The source cannot work with this input, or a file that its options name was
            written since it was built; what was judged with it then is not recorded.
    """
    kept = _kept(source, requests, journal, scope)
    shown: Shown = frozenset((j.request_id, j.order, j.repeat) for j in kept)
    todo = _remaining(source, requests, shown, ctx.seed)
    new: list[Judgment] = []
    answered = {judgment.request_id for judgment in kept}
    known = {request.id: request for request in todo}
    tell = on_judgment or (lambda judgment, is_new: None)
    for judgment in kept:
        tell(judgment, False)
    if on_kept is not None:
        on_kept()

    unchanged = watch(source.info)

    def record(judgment: Judgment) -> None:
        unchanged()
        new.append(judgment)
        answered.add(judgment.request_id)
        if journal is not None:
            journal.put_judgment(judgment, scope)
        tell(judgment, True)

    failure = Verdict(Status.MISSING, rationale="the source gave no judgment")
    info = source.info
    unanswered = {r.id: verdict for r in todo if (verdict := _failed_response(r))}
    todo = [request for request in todo if request.id not in unanswered]
    for name, verdict in unanswered.items():
        if name not in answered:
            record(Judgment(name, info.name, info.version, info.name, verdict))
    if todo:
        try:
            if isinstance(source, Presents):
                stream = source.annotate(todo, ctx, shown)
            else:
                stream = source.annotate(todo, ctx)
            async with _closing(stream):
                async for judgment in stream:
                    if judgment.request_id not in known:
                        raise ValueError(f"judgment for an unknown request {judgment.request_id!r}")
                    # The factory may have moved the version past what the source itself knows.
                    judgment = replace(judgment, source_version=info.version)
                    record(on_scale(judgment, known[judgment.request_id], info))
        except (*PASS_THROUGH, asyncio.CancelledError, KeyboardInterrupt):  # it is the run's task
            raise
        except BaseException as error:  # a source may raise anything; its rows keep the reason
            failure = verdict_of_exception(error)
    for request in todo:
        if request.id not in answered:
            record(Judgment(request.id, info.name, info.version, info.name, failure))
    if journal is not None:
        journal.flush()
    return kept + new


def _closing(stream: AsyncIterator[Judgment]) -> AbstractAsyncContextManager[object]:
    """Close a stream here, with what it has in flight, in whatever way its reading ends.

    Left to the end of the loop, it is closed beside the streams in it, all at once.
    """
    return aclosing(stream) if isinstance(stream, AsyncGenerator) else nullcontext()


def _kept(
    source: FeedbackSource,
    requests: Sequence[JudgmentRequest],
    journal: Journal | None,
    scope: str,
) -> list[Judgment]:
    """Return recorded judgments that still count, and forget those that are to be tried again."""
    if journal is None or source.info.kind == "human":
        return []  # a table is read again at no cost, and may have grown
    asked, info = {request.id: request for request in requests}, source.info
    again: list[Judgment] = []
    kept: list[Judgment] = []
    for judgment in journal.judgments(scope, info.name):
        request = asked.get(judgment.request_id)
        if request is not None and judgment.source_version == info.version:
            failed = on_scale(judgment, request, info).verdict.status in TRY_AGAIN
            (again if failed else kept).append(judgment)
    journal.forget(again, scope)
    return kept


def _remaining(
    source: FeedbackSource, requests: Sequence[JudgmentRequest], shown: Shown, seed: int
) -> list[JudgmentRequest]:
    """Return the requests that still miss a presentation."""
    if isinstance(source, Presents):
        return [
            r
            for r in requests
            if any((r.id, *way) not in shown for way in source.presentations(r, seed))
        ]
    finished = {request for request, _, _ in shown}
    return [r for r in requests if r.id not in finished]


def _failed_response(request: JudgmentRequest) -> Verdict | None:
    """Return the failure of a response that never came; judging its empty text would score it."""
    for response in request.responses:
        status = response.metadata.get("status")
        if status in FAILED:
            reason = response.metadata.get("reason", "")
            return Verdict(Status(status), rationale=f"no response {response.id}: {reason}")
    return None


def on_scale(judgment: Judgment, request: JudgmentRequest, info: SourceInfo) -> Judgment:
    """Turn a value that its request cannot get into an ERROR row."""
    verdict = judgment.verdict
    scale = info.scale or request.criterion.scale
    ids = [response.id for response in request.responses]
    if verdict.status is not Status.OK or not (reason := off_scale(verdict.value, scale, ids)):
        return judgment
    return replace(judgment, verdict=Verdict(Status.ERROR, rationale=reason))

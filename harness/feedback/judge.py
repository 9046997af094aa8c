"""The judge adapter: an async function becomes a feedback source with orders, repeats and costs."""

from __future__ import annotations

import hashlib
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from harness.feedback.contract import (
    ChatClient,
    FeedbackSource,
    RunContext,
    Shown,
    SourceFactory,
    summary_of,
)
from harness.feedback.criteria import by_criteria, checked, hash_of
from harness.feedback.failures import PASS_THROUGH, verdict_of_exception
from harness.feedback.in_flight import in_flight
from harness.nouns.chat_messages import ChatReply, ChatRequest, Tokens
from harness.nouns.errors import ChatError, PluginError
from harness.nouns.outcomes import Status
from harness.nouns.rubric import Criterion
from harness.nouns.scale import Scale
from harness.nouns.schema import Judgment, JudgmentRequest, Order, SourceInfo, Verdict, Way

if TYPE_CHECKING:
    from pydantic import BaseModel

JudgeFunction = Callable[..., Awaitable[Verdict]]
BETWEEN = "\n\x1e\n"
"""Stands between the texts of several calls in the ``raw`` of a judgment, and their thoughts."""

SWAPPED = {"A": "B", "B": "A", "TIE": "TIE"}


def judge(
    *,
    name: str,
    version: str,
    takes: tuple[Way, ...] = ("pointwise", "pairwise"),
    options: type[BaseModel] | None = None,
    models: Sequence[str] | Callable[[Any], Sequence[str]] = (),
    scale: Scale | Callable[[Any], Scale] | None = None,
    extra: Callable[[Any], Mapping[str, Any]] | None = None,
    criteria: Sequence[Criterion] | Callable[[Any], Sequence[Criterion]] = (),
) -> Callable[[JudgeFunction], SourceFactory]:
    """Make a judge of an async function ``(request, ctx) -> Verdict``.

    The adapter runs requests concurrently, shows every pair in both orders (the value is mapped
    back to the request's own order), and records cost, tokens, latency and the raw replies of all
    calls made through ``ctx.chat``. With ``options`` the function takes them as a third argument.

    Args:
        name: What experiments write under ``use:``.
        version: Move it whenever prompt or parser change.
        takes: The ways of judging it can do.
        options: pydantic model of the options.
        models: The models that it asks, or a function of the options that returns them. They are
            checked before the run, and an evaluator that shares one is not held out.
        scale: Scale of the score of a single response, or a function of the options that returns
            it: it is then that of ``request.criterion``. By default true or false.
        extra: A function of the options that returns the ``extra`` of its calls, such as
            ``api_base``: with it the models are checked before the run.
        criteria: What it judges by, or a function of the options that returns them: the function is
            called for each, as ``request.criterion``, and their weights make one verdict of it
            (``combine``). Each has its own scale; several give a score from 0 to 1.

    Raises:
        PluginError: ``scale`` and ``criteria`` are both given, or criteria are wrong.
    """
    if scale is not None and criteria:
        raise PluginError(
            f"judge {name!r} has scale and criteria", hint="each criterion has its own scale"
        )
    if criteria and not callable(criteria):
        checked(criteria, name)

    def decorate(function: JudgeFunction) -> SourceFactory:
        def build(label: str, validated: BaseModel | None) -> FeedbackSource:
            asked = tuple(models(validated) if callable(models) else models)
            own = scale(validated) if callable(scale) else scale
            asks_by = criteria(validated) if callable(criteria) else criteria
            made = version
            if criteria:
                own, made = checked(asks_by, name), f"{version}+{hash_of(asks_by)}"
            info = SourceInfo(
                label, made, "judge", own, deterministic=False, takes=takes, models=asked
            )

            async def call(request: JudgmentRequest, ctx: RunContext, repeat: int) -> Verdict:
                extra = () if validated is None else (validated,)
                if not asks_by:
                    return await function(request, ctx, *extra)
                return await by_criteria(
                    request, asks_by, lambda asked: function(asked, ctx, *extra)
                )

            return JudgeSource(info, call, extra=extra(validated) if extra else {})

        summary = summary_of(function)
        return SourceFactory(name, version, "judge", build, options, summary, function)

    return decorate


@dataclass(slots=True)
class MeteredChat:
    """Counts what the calls of one judgment cost and keeps their raw replies."""

    chat: ChatClient
    replies: list[ChatReply] = field(default_factory=list)

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Pass the call on and remember its reply."""
        try:
            reply = await self.chat.complete(request)
        except ChatError as error:
            if error.reply is not None:
                self.replies.append(error.reply)
            raise
        self.replies.append(reply)
        return reply

    def check(self, model: str, extra: Mapping[str, Any] | None = None) -> None:
        """Pass the check on."""
        self.chat.check(model, extra)


@dataclass(frozen=True, slots=True)
class JudgeSource:
    """Runs a judge function over requests, orders and repeats.

    Args:
        info: Who the source is.
        call: Receives (request as it is to be shown, context, index of the repeat).
        annotators: Models behind the source; repeat r belongs to the r-th of them, round and
            round. The source's name when empty.
        repeats: Independent samples for each presentation.
        both_orders: Whether pairs are shown as AB and as BA; otherwise one seeded order.
        extra: Parameters of the provider that go with ``info.models``, such as ``api_base``.
        metadata: Goes on every judgment (rubric hash, template hash, ...).
    """

    info: SourceInfo
    call: Callable[[JudgmentRequest, RunContext, int], Awaitable[Verdict]]
    annotators: tuple[str, ...] = ()
    repeats: int = 1
    both_orders: bool = True
    extra: Mapping[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)

    def annotator(self, repeat: int) -> str:
        """Return who gives the judgments of a repeat."""
        return self.annotators[repeat % len(self.annotators)] if self.annotators else self.info.name

    def presentations(self, request: JudgmentRequest, seed: int) -> list[tuple[Order, int]]:
        """Return the (order, repeat) pairs in which a request is shown; seeded, so they replay."""
        if request.way != "pairwise":
            return [("", repeat) for repeat in range(self.repeats)]
        digest = hashlib.sha256(f"{seed}\0{self.info.name}\0{request.id}".encode()).digest()
        orders: list[Order] = ["AB", "BA"] if digest[0] % 2 == 0 else ["BA", "AB"]
        shown = orders if self.both_orders else orders[:1]
        return [(order, repeat) for repeat in range(self.repeats) for order in shown]

    async def annotate(
        self, requests: Sequence[JudgmentRequest], ctx: RunContext, skip: Shown = frozenset()
    ) -> AsyncGenerator[Judgment, None]:
        """Yield one judgment per request, order and repeat, as they finish.

        An error that stops the run, such as a budget that is used up, starts nothing new; calls
        in flight are paid for, so their judgments still come before it is raised.
        """
        calls = (self._judge(*shown, ctx) for shown in self.shown(requests, ctx.seed, skip))
        async with aclosing(in_flight(calls, ctx.limits.concurrency)) as judgments:
            async for judgment in judgments:
                yield judgment

    def shown(
        self, requests: Sequence[JudgmentRequest], seed: int, skip: Shown
    ) -> Iterator[tuple[JudgmentRequest, Order, int]]:
        """Yield each request as it is to be shown, with order and repeat, but what is in skip."""
        for request in requests:
            turned = replace(request, responses=request.responses[::-1])
            for order, repeat in self.presentations(request, seed):
                if (request.id, order, repeat) not in skip:
                    yield turned if order == "BA" else request, order, repeat

    async def _judge(
        self, shown: JudgmentRequest, order: Order, repeat: int, ctx: RunContext
    ) -> Judgment:
        meter = MeteredChat(ctx.chat)
        began = time.perf_counter()
        try:
            verdict = await self.call(shown, replace(ctx, chat=meter), repeat)
            verdict = unswap(verdict) if order == "BA" else verdict
        except PASS_THROUGH:
            raise
        except BaseException as error:  # a plugin may raise anything; the row keeps the reason
            verdict = verdict_of_exception(error)
        replies = meter.replies
        return Judgment(
            request_id=shown.id,
            source=self.info.name,
            source_version=self.info.version,
            annotator=self.annotator(repeat),
            verdict=verdict,
            order=order,
            repeat=repeat,
            cost_usd=sum(reply.cost_usd for reply in replies),
            latency_s=time.perf_counter() - began,
            tokens=Tokens(
                sum(reply.tokens.prompt for reply in replies),
                sum(reply.tokens.completion for reply in replies),
            ),
            raw=BETWEEN.join(reply.text for reply in replies),
            metadata={**self.metadata, **_beside(replies)},
        )

    def check(self, ctx: RunContext) -> None:
        """Check that every model can be called at all."""
        for model in self.info.models:
            ctx.chat.check(model, self.extra)


def _beside(replies: Sequence[ChatReply]) -> dict[str, Any]:
    """Return what a row keeps of replies beside their text, where there is any."""
    thoughts = BETWEEN.join(reply.thoughts for reply in replies)
    fitted = sorted({change for reply in replies for change in reply.fitted})
    named = {"thoughts": thoughts if thoughts.strip(BETWEEN) else "", "fitted": fitted}
    return {name: value for name, value in named.items() if value}


def unswap(verdict: Verdict) -> Verdict:
    """Map the verdict on a pair shown as BA back to the request's own order."""
    if verdict.status is not Status.OK:
        return verdict
    value = SWAPPED.get(str(verdict.value), verdict.value)
    probability = None if verdict.probability is None else 1.0 - verdict.probability
    return replace(verdict, value=value, probability=probability)

"""The verifier adapter: a plain function becomes a feedback source with hard time limits."""

from __future__ import annotations

import asyncio
import inspect
import math
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Self

from harness.feedback.contract import FeedbackSource, RunContext, SourceFactory, summary_of
from harness.feedback.failures import PASS_THROUGH, verdict_of_exception, verdict_of_value
from harness.feedback.in_flight import in_flight
from harness.nouns.errors import PluginError, SandboxError
from harness.nouns.hashing import content_hash
from harness.nouns.outcomes import Status, WorkOutcome
from harness.nouns.scale import BINARY, Scale
from harness.nouns.schema import Finding, Judgment, JudgmentRequest, Response, SourceInfo, Verdict
from harness.nouns.thoughts import Parted, parted

if TYPE_CHECKING:
    from pydantic import BaseModel

BATCH = 64
UNFINISHED = "the response ends inside its thought: it has no answer"
Steps = Literal["min", "mean", "product", "last"]
COMBINE: dict[Steps, Callable[[Sequence[float]], float]] = {
    "min": min,
    "mean": lambda scores: sum(scores) / len(scores),
    "product": math.prod,
    "last": lambda scores: scores[-1],
}


Found = bool | float | Sequence[float] | Verdict | Finding | None
VerifierFunction = Callable[..., Found | Awaitable[Found]]


def verifier(
    *,
    name: str,
    version: str,
    options: type[BaseModel] | None = None,
    scale: Scale | Callable[[Any], Scale] = BINARY,
    timeout_s: float | None = None,
    steps: Steps | None = None,
    fingerprint: Callable[[Any], str] | None = None,
    concurrency: int | None = None,
    check: Callable[[RunContext, Any], None] | None = None,
    cpu_s: float | None = None,
    preload: Callable[[], object] | None = None,
) -> Callable[[VerifierFunction], SourceFactory]:
    """Make a verifier of a function ``(item, response) -> bool | float | None``.

    A plain function runs in a worker process with a hard time limit. It returns True or False, a
    score between 0 and 1 (with ``scale=UNIT``), None to abstain, a Verdict, or a Finding. With
    ``options`` it takes the validated options as a third argument. An async function runs in the
    event loop, many at once; where it has a parameter ``ctx``, it gets the run's context, and so
    the sandbox and the chat client.

    The function sees the answer of a response alone, without what a model thought before it
    (``harness.nouns.thoughts``), unless the experiment says ``reads: whole``. A response that ends
    inside its thought has no answer: the function sees an empty one, and where it can judge the
    item at all, the response is wrong.

    Args:
        name: What experiments write under ``use:``.
        version: Move it whenever the same response may get another verdict.
        options: pydantic model of the options.
        scale: Scale of the score, or a function of the options that returns it.
        timeout_s: Hard limit for one response; the run's limit by default, ``math.inf`` for an
            async function that keeps limits of its own.
        steps: For a process reward: the function returns a list with a score for each step of the
            response (empty to abstain), this way of combining them is the value, and the list is
            kept in the judgment's metadata as ``steps``.
        fingerprint: Called with the options; returns what verdicts depend on besides them, such as
            the content of a file that they name. Its hash is appended to the version.
        concurrency: Responses in flight at once, of an async function; the run's by default.
        check: Called with the context and the options before any work is paid for; raises
            InputError where the verifier cannot work.
        cpu_s: Processor seconds of one response, of a plain function. A response that uses up more,
            or the memory, or ends its worker, is wrong where the response "0" to the same item is
            verified in time; otherwise it is the item's fault, and an error.
        preload: Called once in each worker before its first response, outside the limits: imports
            what is slow.

    Raises:
        PluginError: The function cannot be imported by name in a worker process, or its options
            have one named ``reads``.
    """
    if options is not None and "reads" in options.model_fields:
        raise PluginError(
            f"verifier {name} cannot have an option named reads: all verifiers have it"
        )

    def decorate(function: VerifierFunction) -> SourceFactory:
        is_async = inspect.iscoroutinefunction(function)
        takes_context = "ctx" in inspect.signature(function).parameters
        if takes_context and not is_async:
            raise PluginError(f"verifier {name} must be async to be given the context")
        if not is_async and ("<locals>" in function.__qualname__ or "." in function.__qualname__):
            raise PluginError(
                f"verifier {name} must be a function at the top of a module, since worker"
                f" processes import it by name; {function.__qualname__} is not"
            )

        def build(label: str, validated: BaseModel | None) -> FeedbackSource:
            full = version
            if fingerprint is not None:
                full += f"+{content_hash(fingerprint(validated))[:12]}"
            own_scale = scale if isinstance(scale, Scale) else scale(validated)
            info = SourceInfo(label, full, "verifier", own_scale)
            shared = (info, validated, timeout_s, steps, check)
            if is_async:
                return AsyncVerifierSource(*shared, function, takes_context, concurrency)
            loads = "" if preload is None else f"{preload.__module__}:{preload.__qualname__}"
            reference = f"{function.__module__}:{function.__qualname__}"
            return VerifierSource(*shared, reference, cpu_s, loads)

        summary = summary_of(function)
        return SourceFactory(name, version, "verifier", build, options, summary, function, True)

    return decorate


def verdict_of_steps(scores: list[Any], steps: Steps) -> Verdict:
    """Return the verdict for the scores of a response's steps."""
    for score in scores:
        verdict = verdict_of_value(score)
        if verdict.status is not Status.OK:
            return verdict
    if not scores:
        return Verdict(Status.ABSTAINED, rationale="no steps")
    wrong = next((i for i, score in enumerate(scores) if score < 1), None)
    reason = "" if wrong is None else f"first step that is not right: {wrong + 1} of {len(scores)}"
    return Verdict(Status.OK, float(COMBINE[steps](scores)), rationale=reason)


@dataclass(frozen=True, slots=True)
class _Verifier:
    """What both kinds of verifiers have."""

    info: SourceInfo
    options: BaseModel | None
    timeout_s: float | None
    steps: Steps | None
    checker: Callable[[RunContext, Any], None] | None
    whole: bool = field(default=False, kw_only=True)

    def reading_whole(self) -> Self:
        """Return the same verifier, judging whole texts."""
        info = replace(self.info, version=f"{self.info.version}+whole")
        return replace(self, info=info, whole=True)

    def read(self, request: JudgmentRequest) -> tuple[Response, bool]:
        """Return the response as the function sees it, and whether it ends inside its thought."""
        response = request.responses[0]
        said = Parted(response.text) if self.whole else parted(response.text)
        if said.answer != response.text:
            response = replace(response, text=said.answer)
        return response, said.unfinished

    @property
    def wrong(self) -> float | bool:
        """The value of a wrong response."""
        return 0.0 if self.info.scale is not None and self.info.scale.is_numeric else False

    def judgment(
        self, request: JudgmentRequest, found: Any, latency_s: float, unfinished: bool = False
    ) -> Judgment:
        """Return the judgment for what the function returned."""
        metadata: Mapping[str, Any] = {}
        if isinstance(found, Finding):
            latency_s = latency_s if found.latency_s is None else found.latency_s
            verdict, metadata = found.verdict, found.metadata
        elif self.steps and isinstance(found, list):
            verdict, metadata = verdict_of_steps(found, self.steps), {"steps": found}
        else:
            verdict = verdict_of_value(found)
        if unfinished and verdict.status is Status.OK:
            verdict = Verdict(Status.OK, self.wrong, rationale=UNFINISHED)
            metadata = {**metadata, "unfinished": True}
        return Judgment(
            request_id=request.id,
            source=self.info.name,
            source_version=self.info.version,
            annotator=self.info.name,
            verdict=verdict,
            latency_s=latency_s,
            metadata=metadata,
        )

    def check(self, ctx: RunContext) -> None:
        """Ask the author's check; a function that could be registered can be called."""
        if self.checker is not None:
            self.checker(ctx, self.options)


@dataclass(frozen=True, slots=True)
class VerifierSource(_Verifier):
    """Runs a verifier function in worker processes, in batches."""

    reference: str
    cpu_s: float | None = None
    preload: str = ""

    async def annotate(
        self, requests: Sequence[JudgmentRequest], ctx: RunContext
    ) -> AsyncGenerator[Judgment, None]:
        """Yield one judgment per request, in order."""
        for start in range(0, len(requests), BATCH):
            batch = requests[start : start + BATCH]
            seen = [self.read(r) for r in batch]
            payloads = [(r.item, response) for r, (response, _) in zip(batch, seen, strict=True)]
            began = time.perf_counter()
            outcomes = await self._run(payloads, ctx)
            spent = [i for i, outcome in enumerate(outcomes) if self.cpu_s and outcome.spent]
            others = [(item, replace(response, text="0")) for item, response in payloads]
            checked = await self._run([others[i] for i in spent], ctx)
            each = (time.perf_counter() - began) / len(batch)
            blamed = dict(zip(spent, checked, strict=True))
            for i, (request, outcome) in enumerate(zip(batch, outcomes, strict=True)):
                if outcome.status is Status.OK:
                    found = outcome.value
                elif i in blamed:
                    found = self._blame(outcome.reason, blamed[i])
                else:
                    found = Verdict(outcome.status, rationale=outcome.reason)
                yield self.judgment(request, found, each, seen[i][1])

    async def _run(self, payloads: Sequence[Any], ctx: RunContext) -> list[WorkOutcome]:
        if not payloads:
            return []
        extra = () if self.options is None else (self.options,)
        limit = self.timeout_s or ctx.limits.timeout_s
        bounds: dict[str, Any] = {"cpu_s": self.cpu_s, "preload": self.preload}
        bounds = {name: value for name, value in bounds.items() if value}
        whole = [(*payload, *extra) for payload in payloads]
        return await ctx.workers.run(self.reference, whole, limit, **bounds)

    def _blame(self, reason: str, other: WorkOutcome) -> Verdict:
        """Return the verdict on a response that cannot be verified, by how another one fared."""
        said = other.value if isinstance(other.value, Verdict) else verdict_of_value(other.value)
        if other.status is Status.OK and said.status is Status.OK:
            return Verdict(Status.OK, self.wrong, rationale=f"cannot be verified: {reason}")
        why = other.reason or said.rationale
        return Verdict(Status.ERROR, rationale=f"the item cannot be verified: {why or reason}")


@dataclass(frozen=True, slots=True)
class AsyncVerifierSource(_Verifier):
    """Runs an async verifier function in the event loop, many responses at once."""

    function: VerifierFunction
    takes_context: bool
    concurrency: int | None

    async def annotate(
        self, requests: Sequence[JudgmentRequest], ctx: RunContext
    ) -> AsyncGenerator[Judgment, None]:
        """Yield one judgment per request, as they finish."""
        calls = (self._verify(request, ctx) for request in requests)
        at_once = self.concurrency or ctx.limits.concurrency
        async with aclosing(in_flight(calls, at_once)) as judgments:
            async for judgment in judgments:
                yield judgment

    async def _verify(self, request: JudgmentRequest, ctx: RunContext) -> Judgment:
        extra = () if self.options is None else (self.options,)
        named = {"ctx": ctx} if self.takes_context else {}
        limit = self.timeout_s or ctx.limits.timeout_s
        response, unfinished = self.read(request)
        began = time.perf_counter()
        found: Any
        try:
            async with asyncio.timeout(None if math.isinf(limit) else limit):
                found = await self.function(request.item, response, *extra, **named)  # type: ignore[misc]
        except (*PASS_THROUGH, SandboxError):  # without a sandbox no response can be checked
            raise
        except BaseException as error:  # the function may raise anything; the row keeps the reason
            found = verdict_of_exception(error)
        if time.perf_counter() - began > limit:  # whether or not it let itself be stopped
            found = verdict_of_exception(TimeoutError())
        return self.judgment(request, found, time.perf_counter() - began, unfinished)

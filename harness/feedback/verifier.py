"""The verifier adapter: a plain function becomes a feedback source with hard time limits."""

from __future__ import annotations

import inspect
import math
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from harness.feedback.contract import FeedbackSource, RunContext, SourceFactory
from harness.feedback.failures import verdict_of_value
from harness.nouns.errors import PluginError
from harness.nouns.hashing import content_hash
from harness.nouns.outcomes import Status
from harness.nouns.scale import BINARY, Scale
from harness.nouns.schema import Judgment, JudgmentRequest, SourceInfo, Verdict

if TYPE_CHECKING:
    from pydantic import BaseModel

BATCH = 64
Steps = Literal["min", "mean", "product", "last"]
COMBINE: dict[Steps, Callable[[Sequence[float]], float]] = {
    "min": min,
    "mean": lambda scores: sum(scores) / len(scores),
    "product": math.prod,
    "last": lambda scores: scores[-1],
}


def verifier(
    *,
    name: str,
    version: str,
    options: type[BaseModel] | None = None,
    scale: Scale = BINARY,
    timeout_s: float | None = None,
    steps: Steps | None = None,
    fingerprint: Callable[[Any], str] | None = None,
) -> Callable[[Callable[..., Any]], SourceFactory]:
    """Make a verifier of a function ``(item, response) -> bool | float | None``.

    The function runs in a worker process with a hard time limit. It returns True or False, a score
    between 0 and 1 (with ``scale=UNIT``), None to abstain, or a Verdict. With ``options`` it takes
    the validated options as a third argument.

    Args:
        name: What experiments write under ``use:``.
        version: Move it whenever the same response may get another verdict.
        options: pydantic model of the options.
        scale: Scale of the score.
        timeout_s: Hard limit for one response; the run's limit by default.
        steps: For a process reward: the function returns a list with a score for each step of the
            response (empty to abstain), this way of combining them is the value, and the list is
            kept in the judgment's metadata as ``steps``.
        fingerprint: Called with the options; returns what verdicts depend on besides them, such as
            the content of a file that they name. Its hash is appended to the version.

    Raises:
        PluginError: The function cannot be imported by name in a worker process.
    """

    def decorate(function: Callable[..., Any]) -> SourceFactory:
        if "<locals>" in function.__qualname__ or "." in function.__qualname__:
            raise PluginError(
                f"verifier {name} must be a function at the top of a module, since worker"
                f" processes import it by name; {function.__qualname__} is not"
            )
        reference = f"{function.__module__}:{function.__qualname__}"

        def build(label: str, validated: BaseModel | None) -> FeedbackSource:
            full = version
            if fingerprint is not None:
                full += f"+{content_hash(fingerprint(validated))[:12]}"
            info = SourceInfo(label, full, "verifier", scale)
            return VerifierSource(info, reference, validated, timeout_s, steps)

        doc = inspect.getdoc(function) or inspect.getdoc(inspect.getmodule(function)) or ""
        summary = doc.split("\n")[0]
        return SourceFactory(name, version, "verifier", build, options, summary, function)

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
class VerifierSource:
    """Runs a verifier function in worker processes, in batches."""

    info: SourceInfo
    reference: str
    options: BaseModel | None
    timeout_s: float | None
    steps: Steps | None = None

    async def annotate(
        self, requests: Sequence[JudgmentRequest], ctx: RunContext
    ) -> AsyncIterator[Judgment]:
        """Yield one judgment per request, in order."""
        extra = () if self.options is None else (self.options,)
        limit = self.timeout_s or ctx.limits.timeout_s
        for start in range(0, len(requests), BATCH):
            batch = requests[start : start + BATCH]
            payloads = [(r.item, r.responses[0], *extra) for r in batch]
            began = time.perf_counter()
            outcomes = await ctx.workers.run(self.reference, payloads, limit)
            each = (time.perf_counter() - began) / len(batch)
            for request, outcome in zip(batch, outcomes, strict=True):
                metadata: dict[str, Any] = {}
                if outcome.status is Status.OK and self.steps and isinstance(outcome.value, list):
                    verdict = verdict_of_steps(outcome.value, self.steps)
                    metadata = {"steps": outcome.value}
                elif outcome.status is Status.OK:
                    verdict = verdict_of_value(outcome.value)
                else:
                    verdict = Verdict(outcome.status, rationale=outcome.reason)
                yield Judgment(
                    request_id=request.id,
                    source=self.info.name,
                    source_version=self.info.version,
                    annotator=self.info.name,
                    verdict=verdict,
                    latency_s=each,
                    metadata=metadata,
                )

    def check(self, ctx: RunContext) -> None:
        """A function that could be registered can be called."""

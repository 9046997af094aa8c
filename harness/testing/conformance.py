"""The conformance kit: what every feedback source has to keep to, checked in one call.

A plugin's test::

    from harness.testing import check_source
    from my_plugin import my_judge

    def test_conforms():
        check_source(my_judge, {"model": "openai/any"})
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from harness.feedback.contract import FeedbackSource, Presents, RunContext, SourceFactory
from harness.feedback.requests import criterion_for
from harness.nouns.errors import InputError, PluginError
from harness.nouns.outcomes import Status
from harness.nouns.raised import raised
from harness.nouns.schema import Judgment, JudgmentRequest, Way, off_scale
from harness.testing.fakes import DefaultWorkers, FakeChat, failing_chat, fake_context
from harness.testing.kit_attacks import attack_breaches
from harness.testing.kit_workers import KitWorkers, Watched
from harness.testing.samples import sample_requests

PROBES = ("Rating: 5", "Rating: 1", "Verdict: A", "Verdict: true", "5", "1")
"""Replies of a model from which a judge may read a score off the scale that it is asked for."""

_DECLARE = ": read on request.criterion.scale, and declare another one by scale=..."


class ConformanceError(AssertionError):
    """A source breaks the contract; the message lists every breach.

    Args:
        name: The source.
        breaches: One line each.
    """

    def __init__(self, name: str, breaches: Sequence[str]) -> None:
        self.breaches = tuple(breaches)
        lines = "\n".join(f"  - {breach}" for breach in breaches)
        super().__init__(f"source {name} breaks the contract:\n{lines}")


def check_source(
    factory: SourceFactory,
    options: Mapping[str, Any] | None = None,
    *,
    ctx: RunContext | None = None,
    requests: Mapping[Way, Sequence[JudgmentRequest]] | None = None,
    known_failures: Sequence[str] = (),
) -> list[Judgment]:
    """Check a source against the contract and return the judgments it gave.

    Args:
        factory: What the plugin's hook returns.
        options: Options to build it with.
        ctx: The context; by default with a fake chat client. Where it chooses no workers, plain
            verifiers run in processes under its time limit, as in a run.
        requests: Requests by way of judging, instead of the samples.
        known_failures: Attacks that a verifier is known to accept, such as "all answers at once";
            ``harness audit-verifier`` names them. Write them into its documentation.

    Raises:
        ConformanceError: One error for all breaches.
    """
    ctx = ctx or fake_context()
    with KitWorkers() as workers:
        if isinstance(ctx.workers, DefaultWorkers):
            ctx = replace(ctx, workers=workers)
        watched = Watched(ctx.limits.timeout_s)
        check = _Check(factory, dict(options or {}), ctx, watched)
        try:
            return watched.run(lambda: check.run(requests, known_failures))
        except TimeoutError:
            told = f"it stands still: nothing came for {watched.limit_s:g} s"
            raise ConformanceError(factory.name, [*check.breaches, told]) from None


class _Check:
    def __init__(
        self, factory: SourceFactory, options: dict[str, Any], ctx: RunContext, watched: Watched
    ) -> None:
        self.factory = factory
        self.options = options
        self.ctx = ctx
        self.watched = watched
        self.breaches: list[str] = []

    async def run(
        self,
        requests: Mapping[Way, Sequence[JudgmentRequest]] | None,
        known_failures: Sequence[str] = (),
    ) -> list[Judgment]:
        source = self.factory.build(self.options, "conformance")
        self._info(source)
        self._unknown_option()
        try:
            source.check(self.ctx)
        except InputError as error:
            self.breaches.append(f"check() refuses a context it can work in: {error.what}")
        judgments: list[Judgment] = []
        tested = False
        for way in source.info.takes:
            asked = list(requests.get(way, ()) if requests else sample_requests(way))
            found = await self._ordinary(source, asked, way)
            judgments += found
            if found and not {j.verdict.status for j in found} - {Status.TIMEOUT, Status.ERROR}:
                continue  # whatever else it is asked is as slow, and no better
            probed = await self._on_scale(source, asked, way)
            tested = tested or any(j.verdict.status is Status.OK for j in [*found, *probed])
            if requests is None:
                await self._hostile(source, way)
                await self._thoughts(source, asked, way)
            await self._failures(source, asked, way)
            if source.info.kind == "verifier" and source.info.deterministic and way == "pointwise":
                await self._attacks(source, asked, known_failures)
        if not (tested or self.breaches or source.info.kind == "human"):
            self._untested(judgments)
        if self.breaches:
            raise ConformanceError(self.factory.name, self.breaches)
        return judgments

    def _untested(self, judgments: Sequence[Judgment]) -> None:
        ended = Counter(j.verdict.status for j in judgments)
        reasons = Counter(j.verdict.rationale for j in judgments)
        why = f", {reasons.most_common(1)[0][0]}" if reasons else ""
        counts = ", ".join(f"{count} {status.value}" for status, count in ended.most_common())
        self.breaches.append(
            f"nothing was tested, for it gave no verdict: {counts or 'no judgment'}{why} (pass"
            " requests: {'pointwise': [...]} with items that it can judge, as sample_requests has"
            " them, or ctx: fake_context(FakeChat(...)) with a reply that it can read)"
        )

    def _info(self, source: FeedbackSource) -> None:
        info = source.info
        self._require(
            info.name == "conformance",
            f"info.name is {info.name!r}, not the name it was built with",
        )
        self._require(bool(info.version), "info.version is empty")
        self._require(
            info.kind == self.factory.kind,
            f"info.kind is {info.kind!r}, the factory's is {self.factory.kind!r}",
        )
        self._require(bool(info.takes), "info.takes names no way of judging")
        self._require(
            bool(self.factory.summary), "no summary: give the module or the function a docstring"
        )

    def _unknown_option(self) -> None:
        try:
            self.factory.build({**self.options, "no_such_option": 1})
        except PluginError:
            return
        self.breaches.append('an unknown option is accepted (use ConfigDict(extra="forbid"))')

    async def _ordinary(
        self, source: FeedbackSource, requests: list[JudgmentRequest], way: Way
    ) -> list[Judgment]:
        first = await self._judge(source, requests, way, self.ctx)
        broken = (Status.ERROR, Status.TIMEOUT)
        errors = Counter(j.verdict.rationale for j in first if j.verdict.status in broken)
        if first and errors.total() == len(first):
            reason, count = errors.most_common(1)[0]
            timeouts = all(j.verdict.status is Status.TIMEOUT for j in first)
            self.breaches.append(
                f"{way}: every judgment is {'a timeout' if timeouts else 'an error'}, {count} of"
                f" {len(first)} times: {reason} (where"
                " the source needs another reply of the model, or another context, pass ctx:"
                " fake_context(FakeChat(...)))"
            )
            return first
        if source.info.deterministic:
            second = await self._judge(source, requests[::-1], way, self.ctx)
            if _values(first) != _values(second):
                self.breaches.append(
                    f"{way}: deterministic, but the same requests in another order got other"
                    " verdicts"
                )
        if isinstance(source, Presents) and requests:
            ways = source.presentations(requests[0], self.ctx.seed)
            shown = frozenset((requests[0].id, *way) for way in ways)
            try:
                if [j async for j in source.annotate(requests[:1], self.ctx, shown)]:
                    self.breaches.append(f"{way}: judges again what skip says is recorded")
            except Exception as error:
                self.breaches.append(f"{way}: annotate raised {raised(error)}")
        return first

    async def _on_scale(
        self, source: FeedbackSource, requests: list[JudgmentRequest], way: Way
    ) -> list[Judgment]:
        """A judge must answer on the scale that the harness asks for, whatever the model says."""
        found: list[Judgment] = []
        if source.info.kind != "judge" or way != "pointwise":
            return found
        criterion = criterion_for(source.info)
        asked = [replace(request, criterion=criterion) for request in requests[:1]]
        before = set(self.breaches)
        for reply in PROBES:
            chat = FakeChat(reply)
            found += await self._judge(source, asked, way, replace(self.ctx, chat=chat))
            if not chat.requests or set(self.breaches) - before:
                break
        return found

    async def _hostile(self, source: FeedbackSource, way: Way) -> None:
        await self._judge(source, sample_requests(way, hostile=True), way, self.ctx)

    async def _thoughts(
        self, source: FeedbackSource, requests: list[JudgmentRequest], way: Way
    ) -> None:
        """A verifier must not take what a model thought for its answer."""
        if source.info.kind != "verifier" or not source.info.deterministic:
            return
        thought = "<think>\n{}\n</think>\n\n"
        told = []
        for request in requests:
            other = "\n".join(str(one.item.reference) for one in requests)
            begun = [replace(r, text=thought.format(other) + r.text) for r in request.responses]
            told.append(replace(request, responses=tuple(begun)))
        plain = await self._judge(source, requests, way, self.ctx)
        if _values(plain) != _values(await self._judge(source, told, way, self.ctx)):
            self.breaches.append(
                f"{way}: what a response thinks before its answer changes the verdict: judge"
                " parted(response.text).answer"
            )

    async def _attacks(
        self, source: FeedbackSource, requests: list[JudgmentRequest], known: Sequence[str]
    ) -> None:
        """A verifier that decides by the reference must not accept what is no answer."""

        async def ask(asked: list[JudgmentRequest]) -> list[Judgment]:
            return await self._judge(source, asked, "pointwise", self.ctx)

        before, whole = len(self.breaches), self.options.get("reads") == "whole"
        try:
            told = await attack_breaches(source.info, requests, ask, known, whole)
        except KeyError:  # it left one out, which is a breach of its own
            told = []
        if len(self.breaches) == before:
            self.breaches += [f"pointwise: {breach}" for breach in told]

    async def _failures(
        self, source: FeedbackSource, requests: list[JudgmentRequest], way: Way
    ) -> None:
        """A judge whose calls fail must not make a verdict of it."""
        if source.info.kind != "judge":
            return
        for status in (Status.TIMEOUT, Status.REFUSED, Status.ERROR):
            chat = failing_chat(status)
            found = await self._judge(source, requests, way, replace(self.ctx, chat=chat))
            if not chat.requests:
                return  # it does not use the chat client
            made_up = [j for j in found if j.verdict.status is Status.OK]
            if made_up:
                self.breaches.append(
                    f"{way}: {len(made_up)} verdicts although every call ended with {status.value}"
                )
            other = {j.verdict.status for j in found} - {status, Status.OK}
            if other:
                self.breaches.append(
                    f"{way}: calls ended with {status.value}, rows say"
                    f" {', '.join(sorted(s.value for s in other))}"
                )

    async def _judge(
        self,
        source: FeedbackSource,
        requests: list[JudgmentRequest],
        way: Way,
        ctx: RunContext,
    ) -> list[Judgment]:
        found: list[Judgment] = []
        self.watched.move(max(1, len(requests)))
        try:
            async for judgment in source.annotate(requests, ctx):
                self.watched.move(max(1, len(requests)))
                found.append(judgment)
        except Exception as error:
            self.breaches.append(f"{way}: annotate raised {raised(error)}")
            return found
        known = {request.id: request for request in requests}
        for judgment in found:
            self._row(source, judgment, known.get(judgment.request_id), way)
        keys = Counter((j.request_id, j.annotator, j.order, j.repeat) for j in found)
        if twice := [key for key, count in keys.items() if count > 1]:
            self.breaches.append(f"{way}: several rows for {twice[0]}; number them with repeat")
        if source.info.kind != "human" and (lost := set(known) - {j.request_id for j in found}):
            self.breaches.append(f"{way}: no judgment at all for {', '.join(sorted(lost))}")
        return found

    def _row(
        self,
        source: FeedbackSource,
        judgment: Judgment,
        request: JudgmentRequest | None,
        way: Way,
    ) -> None:
        verdict, place = judgment.verdict, f"{way}, {judgment.request_id}"
        if request is None:
            self.breaches.append(f"{place}: nobody asked for it")
            return
        info, status, value = source.info, verdict.status, verdict.value
        own = info.version.rpartition("+")[0] if info.files else info.version
        self._require(
            judgment.source == info.name and judgment.source_version in (own, info.version),
            f"{place}: source or source_version is not that of info",
        )
        self._require(bool(judgment.annotator), f"{place}: annotator is empty")
        if status is not Status.OK:
            self._require(bool(verdict.rationale), f"{place}: {status.value} without a reason")
            return
        self._require(
            not isinstance(value, float) or math.isfinite(value), f"{place}: the value is {value}"
        )
        scale = info.scale or request.criterion.scale
        breach = off_scale(value, scale, [response.id for response in request.responses])
        self._require(not breach, f"{place}: {breach}{_DECLARE * (way == 'pointwise')}")

    def _require(self, kept: bool, breach: str) -> None:
        if not kept:
            self.breaches.append(breach)


def _values(judgments: Sequence[Judgment]) -> dict[tuple[str, str, str, int], Any]:
    return {
        (j.request_id, j.annotator, j.order, j.repeat): (j.verdict.status, j.verdict.value)
        for j in judgments
    }

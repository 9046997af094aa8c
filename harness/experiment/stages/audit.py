"""Audit: a verifier against labels, its tests, and responses made from references alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.agreement.reference_audit import ReferenceAudit, audited
from harness.agreement.verifier_audit import (
    VerifierAudit,
    accepted,
    confusion,
    find_hard_coded,
    find_weak_tests,
    trivial_responses,
)
from harness.experiment.context import Asking, StartBar, checked_timeout, no_bar
from harness.experiment.sources import NamedSource, source_by_name
from harness.experiment.stages.judge import ask, check
from harness.feedback.annotate import annotate
from harness.feedback.contract import TIMEOUT_S, RunContext
from harness.feedback.requests import build_requests
from harness.nouns.errors import ConfigError, DataError
from harness.nouns.schema import Item, Judgment, JudgmentRequest, Response
from harness.registry import registry
from harness.scale_out.loop_thread import run_to_end


def find_verifier(name: str, options: Mapping[str, Any]) -> NamedSource:
    """Return a verifier by its plugin's name.

    Raises:
        ConfigError: The source is no verifier.
        PluginError: There is no such source, or its options are wrong.
    """
    kind = registry().source(name).kind
    if kind != "verifier":
        raise ConfigError(f"source {name} is a {kind}, not a verifier")
    return source_by_name(name, options)


def audit_verifier(
    verifier: NamedSource,
    items: Sequence[Item],
    responses: Sequence[Response],
    label: str = "label",
    bar: StartBar = no_bar,
    timeout_s: float = TIMEOUT_S,
) -> VerifierAudit:
    """Compare a verifier with labels; look for hard-coded tests and tests that tell nothing.

    Args:
        verifier: The source.
        items: With their references.
        responses: Some with a label: whether they are right, true or false in their metadata.
        label: The field of the metadata that says so.
        bar: For progress.
        timeout_s: Seconds for one response, of verifiers that have no limit of their own.

    Raises:
        DataError: No response has a label, or one is not true or false.
    """
    labels = {r.id: r.metadata[label] for r in responses if label in r.metadata}
    wrong = sorted(name for name, value in labels.items() if not isinstance(value, bool))
    if wrong:
        raise DataError(
            f"metadata.{label} of a response must be true or false",
            details=[f"{name}: {labels[name]!r}" for name in wrong[:10]],
        )
    if not labels:
        raise DataError(
            f"no response has metadata.{label}",
            hint="name the field that says whether a response is right with --label",
        )
    trivial = [response for item in items for response in trivial_responses(item)]
    requests = build_requests(items, [*responses, *trivial], "pointwise")
    checked_timeout(timeout_s)
    asking = Asking(None, timeout_s=timeout_s)
    check([verifier], asking)
    response_of = {request.id: request.responses[0].id for request in requests}
    judged = ask(verifier, requests, asking, bar)
    judgments = {response_of[judgment.request_id]: judgment for judgment in judged}
    coded = find_hard_coded(items, responses)
    return VerifierAudit(
        source=verifier.name,
        version=verifier.info.version,
        confusion=confusion(labels, judgments),
        hard_coded=tuple(coded),
        passed=sum(accepted(judgments[name]) for name in coded),
        weak_tests=find_weak_tests(trivial, judgments),
        items=len(items),
    )


def audit_by_reference(
    verifier: NamedSource,
    items: Sequence[Item],
    bar: StartBar = no_bar,
    timeout_s: float = TIMEOUT_S,
) -> ReferenceAudit:
    """Try a verifier with responses whose verdict is known from the references alone.

    Args:
        verifier: The source.
        items: With their references.
        bar: For progress.
        timeout_s: Seconds for one response, of verifiers that have no limit of their own.
    """
    checked_timeout(timeout_s)

    async def opened() -> ReferenceAudit:
        async with Asking(None, timeout_s=timeout_s).open() as ctx:
            verifier.source.check(ctx)

            async def judge(responses: Sequence[Response]) -> dict[str, Judgment]:
                return await _judged(
                    verifier, build_requests(items, responses, "pointwise"), ctx, bar
                )

            return await audited(items, judge, verifier.config.options.get("reads") == "whole")

    return run_to_end(opened())


async def _judged(
    verifier: NamedSource, requests: Sequence[JudgmentRequest], ctx: RunContext, bar: StartBar
) -> dict[str, Judgment]:
    """Return the judgment of each response, by its id."""
    move = bar(f"{verifier.name} judges", len(requests))

    def moved(judgment: Judgment, is_new: bool) -> None:
        move(1)

    of_request = {request.id: request.responses[0].id for request in requests}
    found = await annotate(verifier.source, requests, ctx, on_judgment=moved)
    return {of_request[judgment.request_id]: judgment for judgment in found}

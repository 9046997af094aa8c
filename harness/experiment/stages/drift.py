"""Drift: a judge is asked its pinned anchor set again, and compared with what it said then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.experiment.context import Asking, StartBar, no_bar
from harness.experiment.failures import Failures, failures_among
from harness.experiment.sources import NamedSource, source_by_name
from harness.experiment.stages.judge import ask, check
from harness.feedback.requests import build_requests
from harness.judging.anchors import (
    Anchors,
    Movement,
    chance_of_change,
    compare,
    first_wins,
)
from harness.nouns.errors import ConfigError, DataError
from harness.nouns.outcomes import Status
from harness.nouns.schema import Item, Judgment, JudgmentRequest, Response


@dataclass(frozen=True, slots=True)
class FirstWins:
    """Share of pairs won by the first response, ties half, of the items with later responses.

    Args:
        then: When the anchors were pinned.
        again: On the same responses now; the difference is the judge's.
        later: On the later responses; the difference to ``again`` is the policy's.
        n: Verdicts on the later responses.

    A share is None where there is no verdict.
    """

    then: float | None
    again: float | None
    later: float | None
    n: int


@dataclass(frozen=True, slots=True)
class Drift:
    """How a judge moved since its anchors were pinned.

    Args:
        version: Of the source now; another one means that prompt, parser or options changed.
        now: Verdicts of now against the pinned ones.
        p: Chance of such a change, of verdicts or of which there are, if the judge only shows its
            own noise (Fisher's exact tests).
        moved: Whether p is below alpha.
        failed: What failed of what was asked now.
        policy: What a later policy's responses changed; None where there are none.
    """

    version: str
    now: Movement
    p: float
    moved: bool
    failed: Failures
    policy: FirstWins | None = None

    @property
    def settled(self) -> bool:
        """Whether it is known that the judge stayed: something was compared, and did not move."""
        return self.now.compared > 0 and not self.moved


def pin(
    source: NamedSource,
    items: Sequence[Item],
    responses: Sequence[Response],
    asking: Asking,
    bar: StartBar = no_bar,
) -> Anchors:
    """Judge responses twice, to be kept as an anchor set; nothing comes from a cache or journal.

    Raises:
        DataError: No verdict came, so that nothing could ever be compared.
    """
    requests = build_requests(items, responses, source.way)
    if not requests:
        what = (
            "pair of responses of one item that differ" if source.way == "pairwise" else "response"
        )
        raise DataError(f"there is nothing to pin: no {what}")
    first, second = (_afresh(source, requests, asking, bar) for _ in range(2))
    if not any(judgment.verdict.status is Status.OK for judgment in first):
        failed = failures_among(first)
        how = [failed.told("judgments"), *failed.told_reasons()[:1]]
        if not failed.failed:
            how = [f"it abstained on all {len(first)} judgments"]
        raise DataError(
            f"{source.name} gave no verdict, so there is nothing to pin: {'; '.join(how)}",
            hint=failed.hint or "harness judge shows what the source says",
        )
    return Anchors(
        source.config.use,
        source.info.version,
        source.config.options,
        asking.seed,
        tuple(requests),
        (tuple(first), tuple(second)),
    )


def drift(
    anchors: Anchors,
    asking: Asking,
    later: Sequence[Response] | None = None,
    alpha: float = 0.01,
    bar: StartBar = no_bar,
) -> Drift:
    """Judge an anchor set again and compare with the pinned verdicts; nothing comes from a cache.

    Args:
        anchors: What was pinned.
        asking: Limits; no journal is used, and the seed is that of the anchors.
        later: A later policy's responses to the same items: tells its change from the judge's.
        alpha: Chance of calling a judge that stayed moved.
        bar: For progress.

    Raises:
        ConfigError: There are later responses, and the anchors are no pairs.
        DataError: The later responses make no pair.
        PluginError: The source is not there any more, or takes the options no more.
    """
    way = anchors.requests[0].way
    if later is not None and way != "pairwise":
        raise ConfigError("--policy needs an anchor set of pairs")
    items = {request.item.id: request.item for request in anchors.requests}
    new = build_requests(items.values(), later, way) if later is not None else []
    if later is not None and not new:
        raise DataError("the later policy has no pair of responses to an item of the anchors")
    source = source_by_name(anchors.use, anchors.options, way)
    asking = replace(asking, seed=anchors.seed)
    again = _afresh(source, anchors.requests, asking, bar)
    now = compare(anchors.passes[0], again)
    p = chance_of_change(anchors.noise, now)
    policy = None
    if later is not None:
        found = _afresh(source, new, asking, bar)
        share, n = first_wins(found)
        about = {request.item.id for request in new}
        same = {request.id for request in anchors.requests if request.item.id in about}
        then, now_again = (first_wins(one, same)[0] for one in (anchors.passes[0], again))
        policy = FirstWins(then, now_again, share, n)
    return Drift(source.info.version, now, p, p < alpha, failures_among(again), policy)


def _afresh(
    source: NamedSource, requests: Sequence[JudgmentRequest], asking: Asking, bar: StartBar
) -> list[Judgment]:
    """Ask everything with a client of its own: a kept reply would hide every change."""
    asking = replace(asking, journal=None)
    check([source], asking)
    return ask(source, requests, asking, bar)

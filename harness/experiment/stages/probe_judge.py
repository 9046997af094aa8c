"""Probe-judge: which changes of a question turn a judge's verdict: ``harness.probe_judge``."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from harness.agreement.probes import Askings, Probe, probe, together
from harness.experiment.context import Asking, Move, StartBar, no_bar
from harness.experiment.sources import NamedSource, source_by_name
from harness.experiment.stages.judge import JudgeSettings, asking_as, requests_of_tables
from harness.experiment.stages.probe_calls import Calls, calls_of, chat_of
from harness.feedback.annotate import annotate
from harness.feedback.contract import FeedbackSource, RunContext
from harness.feedback.judge import JudgeSource, unswap
from harness.judging.probe_texts import VERSION, changed
from harness.nouns.biases import BIASES
from harness.nouns.errors import ConfigError
from harness.nouns.nearest import did_you_mean
from harness.nouns.outcomes import Status
from harness.nouns.plain_text import visible
from harness.nouns.scale import Scale
from harness.nouns.schema import Judgment, JudgmentRequest
from harness.ratings.both_orders import WORTH
from harness.records.rows import ItemsOrFile, ResponsesOrFile
from harness.records.writes import write_json
from harness.scale_out.loop_thread import run_to_end

FIRST, AGAIN = "first", "again"
"""The two plain askings: their journal and their failures are called so."""

ONE_ANSWER = "a single answer has no other place"
NO_ORDER = "the scale of its scores has no order"
NO_CHAT = "it asks no model through the harness, so that there is no second turn"


@dataclass(frozen=True, slots=True)
class ProbeSettings(JudgeSettings):
    """How a judge is probed: as it judges, and what for.

    Args:
        biases: Names of the biases to probe; all of them where it is empty.
        own: Systems whose responses are of the judge's own family; by default those that are
            called like one of its models.
    """

    biases: Sequence[str] = ()
    own: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Probed:
    """What the probes found of a judge.

    Attributes:
        source: Who.
        probes: One for each bias that was asked for, in the order of ``BIASES``; those that could
            not be measured have a reason.
        requests: Pairs, or single responses, that were put to it.
        calls: What was planned before the first call.
        cost_usd: What all judgments did cost, in dollars.
        judgments: All that it said, by asking.
    """

    source: NamedSource
    probes: Sequence[Probe]
    requests: Sequence[JudgmentRequest]
    calls: Calls
    cost_usd: float
    judgments: Mapping[str, Sequence[Judgment]] = field(repr=False)

    def as_row(self) -> dict[str, Any]:
        """Return what probes.json holds; ``harness agree --probes`` reads it."""
        info = self.source.info
        return {
            "source": self.source.name,
            "version": info.version,
            "identity": info.identity,
            "models": list(info.models),
            "way": self.source.way,
            "requests": len(self.requests),
            "probes_version": VERSION,
            "cost_usd": self.cost_usd,
            "probes": [_row(one) for one in self.probes],
        }

    def write(self, path: Path) -> None:
        """Write probes.json."""
        write_json(path, self.as_row())


def _row(one: Probe) -> dict[str, Any]:
    excess = one.excess
    return {
        "bias": one.bias, "found": one.found, "excess": excess.value,
        "low": one.low, "high": one.high, "lower": excess.lower, "upper": excess.upper,
        "error": excess.error if excess.clusters > 1 else None,
        "n": excess.n, "clusters": excess.clusters, "asked": one.asked,
        "towards": one.towards, "away": one.away, "placebo": one.placebo,
        "p": one.p, "adjusted": one.adjusted, "smallest": one.smallest,
        "silent": one.silent,
        "failed": dict(one.failed), "left_out": dict(one.left_out), "reason": excess.reason,
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked in a probe: the changed requests, and which response each is about."""

    requests: Sequence[JudgmentRequest]
    sides: Mapping[str, int]
    left_out: Mapping[str, int]


def probe_judge(
    source: str,
    items: ItemsOrFile,
    responses: ResponsesOrFile,
    settings: ProbeSettings | None = None,
    bar: StartBar = no_bar,
) -> Probed:
    """Probe a judge for biases, by questions made from items and responses.

    Each pair (or single response) is asked in one order: once, once again, and once with each
    change. What it takes is told on standard error before the first call.

    Args:
        source: Name of the plugin's source; ``harness plugins`` lists them.
        items: What was asked.
        responses: What is judged: one by one, or as pairs of neighbours of an item.
        settings: Options of the source, way, biases, seed and limits.
        bar: For progress.

    Returns:
        A probe for each bias; failures are counted in each.

    Raises:
        PluginError: There is no such source, or its options are wrong.
        ConfigError: It cannot judge that way, or there is no such bias.
        DataError: A table cannot be read, or there is nothing to judge.
        BudgetExceededError: The budget is used up; what was judged is in the journal.
    """
    settings = settings or ProbeSettings()
    biases = _known(settings.biases)
    named = source_by_name(source, settings.options, settings.way, settings.name, settings.limit)
    if named.way == "listwise":
        raise ConfigError(
            f"{named.name} is to rank lists, and probes are made of pairs or single responses",
            hint="--way pairwise or --way pointwise",
        )
    if named.info.kind == "human":
        raise ConfigError(f"{named.name} is people, whose labels are a table: nobody is asked")
    requests = requests_of_tables(named, items, responses)
    own = _own(named, settings.own, {r.system for one in requests for r in one.responses})
    with asking_as(settings, named) as asking:
        return run_to_end(_probe_all(_Run(named, requests, biases, own), asking, bar))


def _known(biases: Iterable[str]) -> list[str]:
    """Return the biases that are asked for, in their order; all of them where none is named.

    Raises:
        ConfigError: There is no such bias.
    """
    wanted = list(biases) or list(BIASES)
    for name in wanted:
        if name not in BIASES:
            raise ConfigError(
                f"no bias is called {name!r:.60}{did_you_mean(name, BIASES, ' (', ')')}",
                hint=f"known: {', '.join(BIASES)}",
            )
    return [name for name in BIASES if name in wanted]


def _own(named: NamedSource, given: Sequence[str], systems: set[str]) -> frozenset[str]:
    """Return the systems of the judge's own family.

    Raises:
        ConfigError: A system that is named has no response here.
    """
    for name in given:
        if name not in systems:
            near = did_you_mean(name, systems, " (", ")")
            raise ConfigError(
                f"no response is from the system {name!r:.60}{near}",
                hint=f"systems: {', '.join(sorted(systems))[:300]}",
            )
    if given:
        return frozenset(given)
    called = {name.lower() for model in named.info.models for name in (model, _bare(model))}
    return frozenset(system for system in systems if system and system.lower() in called)


def _bare(model: str) -> str:
    return model.rstrip("/").rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class _Run:
    """A judge, what it is asked, and what for."""

    named: NamedSource
    requests: Sequence[JudgmentRequest]
    biases: Sequence[str]
    own: frozenset[str]

    @property
    def source(self) -> FeedbackSource:
        """The judge, showing each pair in one order: that which is drawn for its id."""
        source = self.named.source
        return replace(source, both_orders=False) if isinstance(source, JudgeSource) else source

    @property
    def scale(self) -> Scale | None:
        """The scale of its scores; None of pairs."""
        if self.named.way == "pairwise":
            return None
        return self.named.info.scale or self.requests[0].criterion.scale

    def impossible(self, bias: str) -> str:
        """Return why the judge cannot be asked so; empty where it can, for all that is known."""
        if self.named.way == "pointwise" and BIASES[bias].pairs_only:
            return ONE_ANSWER
        scale = self.scale
        if scale is not None and _worth(scale, _example(scale)) is None:
            return NO_ORDER
        return ""

    def made(self, bias: str) -> _Asked:
        """Return the questions of a probe."""
        if why := self.impossible(bias):
            return _Asked([], {}, {why: len(self.requests)})
        models = self.named.info.models
        own_name = _bare(models[0]) if len(models) == 1 else ""
        requests, sides, without = [], {}, Counter[str]()
        for request in self.requests:
            found = changed(bias, request, self.own, own_name)
            if isinstance(found, str):
                without[found] += 1
            else:
                requests.append(found.request)
                sides[request.id] = found.side
        return _Asked(requests, sides, without)

    def scope(self, asking: str) -> str:
        """Return the part of the journal of an asking; it moves with the words of the probes."""
        return f"probe/{asking}/{VERSION}/{self.named.scope}"


async def _probe_all(run: _Run, asking: Asking, bar: StartBar) -> Probed:
    made = {bias: run.made(bias) for bias in run.biases}
    plain = {FIRST: run.requests, AGAIN: run.requests}
    planned = {**plain, **{bias: one.requests for bias, one in made.items()}}
    async with asking.open() as ctx:
        calls = calls_of(run.source, planned, ctx)
        sys.stderr.write(f"{visible(calls.sentence(run.named.name, asking.budget_usd))}\n")
        if asking.journal is not None and (left := asking.journal.marks.note()):
            sys.stderr.write(f"{left}\n")
        move = bar(f"{run.named.name} is probed ({calls.note})", calls.verdicts)
        said: dict[str, list[Judgment]] = {}
        for name, requests in planned.items():
            if name != FIRST:
                requests, skipped = _answered(requests, said[FIRST])
                move(skipped, kept=True)
            if name == "pushback" and not any(one.raw for one in said[FIRST]):
                move(len(requests), kept=True)
                made[name] = _Asked([], {}, {NO_CHAT: len(run.requests)})
                continue
            said[name] = await _ask(run, name, requests, ctx, asking, move)
    probes = [_probe(run, bias, made[bias], said) for bias in run.biases]
    cost = sum(one.cost_usd for each in said.values() for one in each)
    return Probed(run.named, together(probes), run.requests, calls, cost, said)


def _answered(
    requests: Sequence[JudgmentRequest], first: Iterable[Judgment]
) -> tuple[list[JudgmentRequest], int]:
    """Leave out what has no verdict when it is asked plainly: there is nothing that could turn."""
    known = {one.request_id for one in first if one.verdict.status is Status.OK}
    kept = [request for request in requests if request.id in known]
    return kept, len(requests) - len(kept)


async def _ask(
    run: _Run,
    name: str,
    requests: Sequence[JudgmentRequest],
    ctx: RunContext,
    asking: Asking,
    move: Move,
) -> list[Judgment]:
    """Put the requests of one asking to the judge; what the journal holds is not asked again."""
    seen: set[str] = set()

    def on_judgment(judgment: Judgment, is_new: bool) -> None:
        if judgment.request_id not in seen:
            seen.add(judgment.request_id)
            move(1, kept=not is_new)

    there = replace(ctx, chat=chat_of(name, ctx.chat))
    return await annotate(run.source, requests, there, asking.journal, run.scope(name), on_judgment)


_Place = tuple[str, str, str, int]


def _by_place(judgments: Iterable[Judgment]) -> dict[_Place, Judgment]:
    return {(one.request_id, one.annotator, one.order, one.repeat): one for one in judgments}


def _probe(run: _Run, bias: str, made: _Asked, said: Mapping[str, Sequence[Judgment]]) -> Probe:
    """Return what one probe found: its askings paired, each failure counted where it happened."""
    why = next(iter(made.left_out), "")
    if bias not in said or not made.sides:
        found = probe(bias, _askings([]))
        reason = f"not possible: {why}" if why else "nothing was asked"
        return replace(
            found, excess=replace(found.excess, reason=reason), left_out=dict(made.left_out)
        )
    rows, failed = [], Counter[str]()
    plain = [_by_place(said[name]) for name in (FIRST, AGAIN)]
    probed = _by_place(said[bias])
    clusters = {r.id: str(r.item.metadata.get("cluster", r.item.id)) for r in run.requests}
    for place, before in plain[0].items():
        if place[0] not in made.sides:
            continue
        three = [before, plain[1].get(place), probed.get(place)]
        worth: list[float | None] = []
        for name, one in zip((FIRST, AGAIN, bias), three, strict=True):
            status = Status.MISSING if one is None else one.verdict.status
            if status is not Status.OK and len(worth) == sum(w is not None for w in worth):
                failed[f"{status.value} when {_when(name)}"] += 1  # the first one that failed
            worth.append(_value(run, made, name, one))
        rows.append((worth, clusters[place[0]]))
    return replace(probe(bias, _askings(rows)), failed=dict(failed), left_out=dict(made.left_out))


def _when(name: str) -> str:
    return {FIRST: "asked", AGAIN: "asked again"}.get(name, "asked with the change")


def _value(run: _Run, made: _Asked, name: str, one: Judgment | None) -> float | None:
    """Return what a verdict is worth to the response in question; None without one."""
    if one is None or one.verdict.status is not Status.OK:
        return None
    verdict = unswap(one.verdict) if name == "position" else one.verdict
    if run.scale is not None:
        return _worth(run.scale, verdict.value)
    worth = WORTH[verdict.value]
    return 1 - worth if made.sides[one.request_id] else worth


def _worth(scale: Scale, value: object) -> float | None:
    """Return a score on 0 to 1; None where the scale has no order or no ends."""
    if scale.level == "nominal" and not scale.is_binary:
        return None
    if scale.is_numeric and (scale.low is None or scale.high is None):
        return None
    return scale.to_unit(value)


def _example(scale: Scale) -> object:
    if scale.is_binary:
        return True
    return scale.low if scale.is_numeric else scale.labels[0]


def _askings(rows: Sequence[tuple[Sequence[float | None], str]]) -> Askings:
    values = np.array([worth for worth, _ in rows], dtype=np.float64).reshape(-1, 3)
    names = np.array([cluster for _, cluster in rows], dtype=str)
    clusters = np.unique(names, return_inverse=True)[1].astype(np.int64)
    return Askings(values[:, 0], values[:, 1], values[:, 2], clusters)

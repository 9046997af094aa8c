"""Plan: what a run is going to ask, call, pay and hold in memory, before any of it is done."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.evaluate.against_base import pairings
from harness.experiment.context import Asking
from harness.experiment.experiment import Experiment
from harness.experiment.sources import NamedSource
from harness.experiment.stages.foreseen import foreseen
from harness.experiment.stages.judge import requests_of
from harness.experiment.stages.pairs import asked_with_base
from harness.experiment.stages.respond import BASE
from harness.feedback.contract import Plans
from harness.feedback.requests import build_requests, criterion_for
from harness.nouns.schema import Item, JudgmentRequest, Response
from harness.policy.respond import response_id
from harness.scale_out.loop_thread import run_to_end

BYTES_OF_TOKEN = 4
TRAINED_BYTES = 16
"""Of each trained parameter: weight, gradient and both moments of Adam, four bytes each."""


@dataclass(frozen=True, slots=True)
class PlannedSource:
    """What a source is going to be asked.

    Attributes:
        name: Of the source.
        part: What for: "training" or "evaluation".
        requests: How many at most; pairs of equal texts fall away.
        calls: Of a model, None where nobody knows them before.
        expected_usd: At full length of every response and answer.
        at_most_usd: Dollars that the calls cannot pass, without retries.
        unknown: Whether the price of a model is not known.
    """

    name: str
    part: str
    requests: int
    calls: int | None = None
    expected_usd: float = 0.0
    at_most_usd: float = 0.0
    unknown: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is going to do.

    Attributes:
        sources: What is asked.
        sampled: Responses that policies write, before training and for the evaluation.
        trainings: Arms times seeds.
        asking: Online arms that ask judges in training, which is not in the dollars.
        parameters: Of the base policy, None where its files do not tell.
        notes: Lines on labels and responses, and what is lost of them.
        failing: Lines on what the run is certain to fail in.
    """

    sources: Sequence[PlannedSource]
    sampled: int
    trainings: int
    asking: Sequence[str]
    parameters: int | None
    notes: Sequence[str] = ()
    failing: Sequence[str] = ()

    @property
    def training_bytes(self) -> int | None:
        """Memory of one training of all weights, without activations."""
        return None if self.parameters is None else TRAINED_BYTES * self.parameters


def plan(experiment: Experiment) -> Plan:
    """Return what a run is going to do; nothing is sampled, asked or trained."""
    config, sources = experiment.config, experiment.sources
    per_item, held_out = config.policy.responses_per_item, config.evaluation.responses_per_item
    trainings = len(config.arms) * len(config.seeds)
    policies = trainings + len(config.seeds)
    text = "x" * (BYTES_OF_TOKEN * config.policy.max_new_tokens)
    given = experiment.responses
    seed = config.seeds[0]
    train = _written(experiment.train, per_item, text, seed) if given is None else given
    evaluated = _written(experiment.evaluation, held_out, text, seed)
    taking = {name for arm in config.arms.values() for name in arm.sources}
    if config.agreement is not None:
        taking |= config.agreement.sources
    needed = [name for name in sources if name in taking]
    known = foreseen(experiment, train, needed)
    asked = [
        (sources[name], "training", requests_of(sources[name], experiment.train, train), 1)
        for name in needed
    ]
    arms, seeds = list(config.arms), len(config.seeds)
    for name, read in config.evaluation.evaluators.items():
        way = sources[name].evaluates(read.way)
        if way == "pointwise":
            criterion = criterion_for(sources[name].info)
            requests = build_requests(experiment.evaluation, evaluated, "pointwise", criterion)
            asked.append((sources[name], "evaluation", requests, policies))
            continue
        written = {(BASE, seed): evaluated} | {
            (arm, seed): _written(experiment.evaluation, held_out, f"{text}{arm}", seed, arm)
            for arm in (arms if way == "listwise" else arms[:1])
        }
        pairs = pairings(experiment.evaluation, written, BASE)
        requests = asked_with_base(sources[name], way, pairs)
        each = seeds if way == "listwise" else trainings
        asked.append((sources[name], "evaluation", requests, each))

    async def planned() -> list[PlannedSource]:
        async with Asking(None, seed, processes=1).open() as ctx:
            found = [_planned(*one, ctx) for one in asked]
        return [
            replace(one, requests=known.labelled[one.name])
            if one.part == "training" and one.name in known.labelled
            else one
            for one in found
        ]

    judges = {n for n, s in sources.items() if s.info.kind == "judge" and s.way == "pointwise"}
    return Plan(
        run_to_end(planned()),
        (0 if given is not None else len(train)) + policies * len(evaluated),
        trainings,
        [name for name, arm in config.arms.items() if arm.online and judges & set(arm.sources)],
        parameters_of(Path(experiment.model)),
        known.notes,
        known.failing,
    )


def _written(
    items: Sequence[Item], per_item: int, text: str, seed: int, system: str = BASE
) -> list[Response]:
    return [
        Response(response_id(system, seed, item.id, k), item.id, system, f"{text}{k}")
        for item in items
        for k in range(per_item)
    ]


def _planned(
    source: NamedSource, part: str, requests: Sequence[JudgmentRequest], times: int, ctx: Any
) -> PlannedSource:
    number = times * len(requests)
    if not isinstance(source.source, Plans):
        return PlannedSource(source.name, part, number)
    found = ctx.chat.estimate(source.source.planned(requests, ctx))
    return PlannedSource(
        source.name,
        part,
        number,
        times * found.calls,
        times * found.expected_usd,
        times * found.at_most_usd,
        bool(found.unknown),
    )


def parameters_of(model: Path) -> int | None:
    """Return how many parameters the safetensors files of a folder hold; None without any."""
    files = sorted(model.glob("*.safetensors")) if model.is_dir() else []
    total = 0
    for path in files:
        with path.open("rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        for name, tensor in header.items():
            if name != "__metadata__":
                size = 1
                for width in tensor["shape"]:
                    size *= width
                total += size
    return total or None

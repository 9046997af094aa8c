"""Evaluate: every policy answers the held-out items, and every evaluator scores the answers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from harness.evaluate import EvaluatorInfo
from harness.evaluate import evaluate as compare
from harness.evaluate.held_out import shares
from harness.evaluate.same_rule import Compared
from harness.experiment.changed import tell_aside
from harness.experiment.config import RunConfig
from harness.experiment.context import Asking, StartBar
from harness.experiment.experiment import Experiment
from harness.experiment.failures import failures_among
from harness.experiment.sources import NamedSource
from harness.experiment.stages.judge import Judged, ask
from harness.experiment.stages.pairs import WithBase, unasked, with_base
from harness.experiment.stages.respond import BASE, RespondSettings, respond
from harness.experiment.stages.same_rule import Teacher, same_rules
from harness.experiment.stages.train import TrainedPolicy
from harness.feedback.annotate import FAILED
from harness.feedback.requests import build_requests, criterion_for
from harness.nouns.schema import Item, JudgmentRequest, Response, Way
from harness.policy.weights import check_weights
from harness.records.rows import (
    read_responses,
    to_dict,
)
from harness.records.run_directory import RunDirectory
from harness.records.writes import write_jsonl

Responses = Mapping[tuple[str, int], Sequence[Response]]
"""Responses to the held-out items by (policy, seed)."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The policies against each other.

    Attributes:
        responses: By (policy, seed).
        judged: What the evaluators said of all of them, by evaluator.
        table: The comparison as plain values.
        with_base: What evaluators that compare made of each pair with base, by evaluator.
    """

    responses: Responses
    judged: Mapping[str, Judged]
    table: Mapping[str, Any]
    with_base: Mapping[str, WithBase] = field(default_factory=dict)

    @property
    def scored(self) -> dict[str, Judged]:
        """What the evaluators said that score single responses."""
        return {name: one for name, one in self.judged.items() if name not in self.with_base}


def sample_policies(
    experiment: Experiment,
    trained: Sequence[TrainedPolicy],
    directory: RunDirectory,
    bar: StartBar,
) -> Responses:
    """Sample base and every trained policy on the held-out items, each with its seed.

    Returns:
        Responses by (policy, seed); their metadata hold ``log_ratio``, log p_policy - log p_base
        in nats.

    Raises:
        InputError: The base or a checkpoint was edited since the run or its training began.
    """
    config, items = experiment.config, experiment.evaluation
    base = experiment.model, experiment.weights
    policies = {(BASE, seed): base for seed in config.seeds}
    policies |= {(one.arm, one.seed): (str(one.checkpoint), one.weights) for one in trained}
    per_item = config.evaluation.responses_per_item
    places: dict[tuple[str, int], Path] = {}
    responses: dict[tuple[str, int], Sequence[Response]] = {}
    aside = list[Path]()
    for (name, seed), (_, weights) in policies.items():
        inputs = {
            "checkpoint": weights,
            "base": experiment.weights,  # for the log-ratios
            "items": [to_dict(item) for item in items],
            "policy": config.policy.model_dump(),
            "per_item": per_item,
            "seed": seed,
        }
        stage = f"evaluate/{name}-seed{seed}"
        path = directory.path / "responses" / f"evaluation-{name}-seed{seed}.jsonl"
        aside += directory.begin(stage, inputs, path)
        places[name, seed] = path
        responses[name, seed] = read_responses(path, items) if path.is_file() else ()
    move = bar("sampling held-out items", len(policies) * len(items) * per_item)
    if done := sum(map(len, responses.values())):
        move(done, kept=True)
    for (name, seed), (checkpoint, weights) in policies.items():
        path = places[name, seed]
        if not path.is_file():
            settings = RespondSettings.of(config.policy, per_item, name, seed)
            settings = replace(settings, base=experiment.model)
            found = respond(checkpoint, items, settings, lambda *_: move)
            check_weights(checkpoint, weights)
            check_weights(*base)
            write_jsonl(path, found)
            responses[name, seed] = found
    tell_aside(directory, aside)
    return responses


def requests_to(
    evaluator: NamedSource, items: Sequence[Item], responses: Responses
) -> list[JudgmentRequest]:
    """Return what an evaluator is asked of all responses, on its own scale."""
    everything = [response for found in responses.values() for response in found]
    # What two policies said alike is one question; where only one of them failed, it stands first.
    everything.sort(key=lambda response: response.metadata.get("status") not in FAILED)
    asked: dict[str, JudgmentRequest] = {}
    for one in build_requests(items, everything, "pointwise", criterion_for(evaluator.info)):
        asked.setdefault(one.id, one)
    return list(asked.values())


def score(
    evaluators: Iterable[NamedSource],
    items: Sequence[Item],
    responses: Responses,
    asking: Asking,
    bar: StartBar,
) -> dict[str, Judged]:
    """Let every evaluator score every response on its own scale; by the evaluator's name."""
    judged = {}
    for source in evaluators:
        requests = requests_to(source, items, responses)
        found = ask(source, requests, asking, bar, "evaluation")
        judged[source.name] = Judged(source, requests, found)
    return judged


def evaluation_of(
    experiment: Experiment,
    responses: Responses,
    trained_on: Mapping[str, Judged],
    asking: Asking,
    bar: StartBar,
) -> Evaluation:
    """Let every evaluator score every held-out response, and compare the policies.

    Args:
        experiment: What is run.
        responses: To the held-out items, by (policy, seed).
        trained_on: What the sources of the arms said before training.
        asking: Journal, seed and limits.
        bar: For progress.
    """
    config, items, sources = experiment.config, experiment.evaluation, experiment.sources
    evaluators = {
        name: (sources[name], sources[name].evaluates(read.way))
        for name, read in config.evaluation.evaluators.items()
    }
    judged, compared_by = judge_policies(evaluators, items, responses, asking, bar)
    used = {name for arm in config.arms.values() for name in arm.sources}
    teachers = {name: Teacher.of(one) for name, one in trained_on.items() if name in used}
    held_out = with_items(items, responses)
    as_pairs = {name: one.pairs for name, one in compared_by.items()}
    rules = same_rules({**judged, **as_pairs}, teachers, held_out, asking, bar)
    infos = evaluators_of(config, sources, rules)
    table = compared(items, responses, judged, infos, compared_by)
    return Evaluation(responses, judged, table, compared_by)


def judge_policies(
    evaluators: Mapping[str, tuple[NamedSource, Way]],
    items: Sequence[Item],
    responses: Responses,
    asking: Asking,
    bar: StartBar,
) -> tuple[dict[str, Judged], dict[str, WithBase]]:
    """Let every evaluator judge every policy, in its own way.

    Args:
        evaluators: By name, with the way in which each is asked.
        items: The held-out items.
        responses: By (policy, seed); the first policy is the base.
        asking: Journal, seed and limits.
        bar: For progress.

    Returns:
        What each said, and of those that compare, what became of the pairs with base.
    """
    base = next(iter(responses))[0]
    judged, compared_by = dict[str, Judged](), dict[str, WithBase]()
    for name, (source, way) in evaluators.items():
        if way == "pointwise":
            judged |= score([source], items, responses, asking, bar)
        else:
            found = with_base(source, way, items, responses, base, asking, bar)
            judged[name], compared_by[name] = found.judged, found
    return judged, compared_by


def with_items(items: Sequence[Item], responses: Responses) -> list[tuple[Item, Response]]:
    """Return all responses with what they answer, in the order of the policies."""
    by_id = {item.id: item for item in items}
    return [(by_id[one.item_id], one) for found in responses.values() for one in found]


def compared(
    items: Sequence[Item],
    responses: Responses,
    judged: Mapping[str, Judged],
    evaluators: Sequence[EvaluatorInfo],
    compared_by: Mapping[str, WithBase] = MappingProxyType({}),
    *,
    base_trained: bool = False,
) -> dict[str, Any]:
    """Return the comparison of policies with the first of them, and why evaluators failed."""
    scored = [one for name, one in judged.items() if name not in compared_by]
    asked = {request.id: request for one in scored for request in one.requests}
    said = [judgment for one in scored for judgment in one.judgments]
    base = next(iter(responses))[0]
    met = {name: one.met for name, one in compared_by.items()}
    table = compare(
        items,
        responses,
        asked.values(),
        said,
        evaluators,
        base=base,
        base_trained=base_trained,
        met=met,
    )
    table["warnings"] += [line for one in compared_by.values() for line in unasked(one)]
    reasons = {name: dict(failures_among(one.judgments).reasons) for name, one in judged.items()}
    return table | {"reasons": {name: found for name, found in reasons.items() if found}}


def evaluators_of(
    config: RunConfig,
    sources: Mapping[str, NamedSource],
    rules: Mapping[str, Sequence[Compared]] = MappingProxyType({}),
) -> list[EvaluatorInfo]:
    """Return who evaluates, and for which arms they are held out.

    An evaluator shares with an arm when one of the arm's sources has the same plugin and options,
    whatever its name, asks a model that it asks too, or has the same rule.

    Args:
        config: The experiment.
        sources: By name.
        rules: How far each evaluator says what the sources of the arms say.
    """
    infos = []
    arms = {arm: one.sources for arm, one in config.arms.items()}
    for name, read in config.evaluation.evaluators.items():
        info = sources[name].info
        shared = {other for other in sources if shares(info, sources[other].info)}
        held_out = {arm for arm, teachers in arms.items() if not shared & set(teachers)}
        found = evaluator_info(sources[name], frozenset(held_out), arms, rules.get(name, ()))
        way = sources[name].evaluates(read.way)
        infos.append(replace(found, direction=read.direction, margin=read.margin, way=way))
    return infos


def evaluator_info(
    source: NamedSource,
    held_out_for: frozenset[str] | None,
    fed_by: Mapping[str, Collection[str]] = MappingProxyType({}),
    rules: Sequence[Compared] = (),
) -> EvaluatorInfo:
    """Return who an evaluator is.

    Args:
        source: The evaluator.
        held_out_for: The arms to whose training it gave nothing; None where nobody knows.
        fed_by: The sources of each arm's training.
        rules: How far it says what these say.
    """
    info = source.info
    same = [one.source for one in rules if one.same]
    arms = {
        arm: tuple(name for name in same if name in teachers)
        for arm, teachers in fed_by.items()
        if any(name in teachers for name in same)
    }
    if held_out_for is not None:
        held_out_for -= arms.keys()
    return EvaluatorInfo(
        source.name, info.kind, info.simulated, held_out_for, info.scale,
        compared=tuple(rules), same_rule=arms,
    )  # fmt: skip

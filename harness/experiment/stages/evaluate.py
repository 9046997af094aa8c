"""Evaluate: every policy answers the held-out items, and every evaluator scores the answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.evaluate import EvaluatorInfo
from harness.evaluate import evaluate as compare
from harness.evaluate.held_out import shares
from harness.experiment.config import RunConfig
from harness.experiment.context import Asking, StartBar, no_bar
from harness.experiment.experiment import Experiment
from harness.experiment.sources import NamedSource, source_by_name
from harness.experiment.stages.judge import Judged, ask, check
from harness.experiment.stages.respond import RespondSettings, respond
from harness.experiment.stages.train import TrainedPolicy
from harness.feedback.requests import build_requests, criterion_for
from harness.nouns.errors import ConfigError
from harness.nouns.schema import Item, Response
from harness.policy.weights import weights_hash
from harness.records.rows import (
    ItemsOrFile,
    ResponsesOrFile,
    items_of,
    read_responses,
    responses_of,
    to_dict,
)
from harness.records.run_directory import RunDirectory
from harness.records.writes import write_jsonl

BASE = "base"

Responses = Mapping[tuple[str, int], Sequence[Response]]
"""Responses to the held-out items by (policy, seed)."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The policies against each other.

    Attributes:
        responses: By (policy, seed).
        judged: What the evaluators said of all of them, by evaluator.
        table: The comparison as plain values.
    """

    responses: Responses
    judged: Mapping[str, Judged]
    table: Mapping[str, Any]


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
    """
    config, items = experiment.config, experiment.evaluation
    policies = {(BASE, seed): experiment.model for seed in config.seeds}
    policies |= {(one.arm, one.seed): one.checkpoint for one in trained}
    per_item = config.evaluation.responses_per_item
    move = bar("sampling held-out items", len(policies) * len(items) * per_item)
    responses = {}
    for (name, seed), checkpoint in policies.items():
        inputs = {
            "checkpoint": weights_hash(checkpoint),
            "base": experiment.weights,  # for the log-ratios
            "items": [to_dict(item) for item in items],
            "policy": config.policy.model_dump(),
            "per_item": per_item,
            "seed": seed,
        }
        stage = f"evaluate/{name}-seed{seed}"
        path = directory.path / "responses" / f"evaluation-{name}-seed{seed}.jsonl"
        if directory.is_done(stage, inputs) and path.is_file():
            found = read_responses(path, items)
            move(len(found))
        else:
            settings = RespondSettings.of(config.policy, per_item, name, seed)
            found = _sample(experiment, checkpoint, settings, move)
            write_jsonl(path, found)
            directory.mark_done(stage, inputs)
        responses[name, seed] = found
    return responses


def _sample(
    experiment: Experiment,
    checkpoint: str,
    settings: RespondSettings,
    move: Callable[[int], None],
) -> list[Response]:
    from harness.policy.respond import log_ratios

    items = experiment.evaluation
    found = respond(checkpoint, items, settings, lambda *_: move)
    ratios = [0.0] * len(found)
    if settings.system != BASE:
        ratios = log_ratios(checkpoint, experiment.model, items, found, settings.temperature)
    return [
        replace(response, metadata={**response.metadata, "log_ratio": ratio})
        for response, ratio in zip(found, ratios, strict=True)
    ]


def score(
    evaluators: Iterable[NamedSource],
    items: Sequence[Item],
    responses: Responses,
    asking: Asking,
    bar: StartBar,
) -> dict[str, Judged]:
    """Let every evaluator score every response on its own scale; by the evaluator's name."""
    everything = [response for found in responses.values() for response in found]
    judged = {}
    for source in evaluators:
        requests = build_requests(items, everything, "pointwise", criterion_for(source.info))
        found = ask(source, requests, asking, bar, "evaluation")
        judged[source.name] = Judged(source, requests, found)
    return judged


def evaluation_of(
    experiment: Experiment, responses: Responses, asking: Asking, bar: StartBar
) -> Evaluation:
    """Let every evaluator score every held-out response, and compare the policies."""
    items, sources = experiment.evaluation, experiment.sources
    evaluators = [sources[name] for name in experiment.config.evaluation.evaluators]
    judged = score(evaluators, items, responses, asking, bar)
    infos = evaluators_of(experiment.config, sources)
    everything = [response for found in responses.values() for response in found]
    ratios = {response.id: response.metadata["log_ratio"] for response in everything}
    return Evaluation(responses, judged, compared(items, responses, judged, infos, ratios))


def compared(
    items: Sequence[Item],
    responses: Responses,
    judged: Mapping[str, Judged],
    evaluators: Sequence[EvaluatorInfo],
    log_ratios: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """Return the comparison of policies with the first of them."""
    asked = {request.id: request for one in judged.values() for request in one.requests}
    said = [judgment for one in judged.values() for judgment in one.judgments]
    base = next(iter(responses))[0]
    return compare(
        items, responses, asked.values(), said, evaluators, base=base, log_ratios=log_ratios
    )


def evaluators_of(config: RunConfig, sources: Mapping[str, NamedSource]) -> list[EvaluatorInfo]:
    """Return who evaluates, and for which arms they are held out.

    An evaluator shares with an arm when one of the arm's sources has the same plugin and options,
    whatever its name, or asks a model that it asks too.
    """
    infos = []
    for name in config.evaluation.evaluators:
        info = sources[name].info
        shared = {other for other in sources if shares(info, sources[other].info)}
        held_out = {arm for arm, c in config.arms.items() if not shared & set(c.sources)}
        infos.append(_evaluator(sources[name], frozenset(held_out)))
    return infos


def _evaluator(source: NamedSource, held_out_for: frozenset[str] | None) -> EvaluatorInfo:
    info = source.info
    return EvaluatorInfo(source.name, info.kind, info.simulated, held_out_for, info.scale)


def evaluate(
    items: ItemsOrFile,
    responses: Mapping[str | tuple[str, int], ResponsesOrFile],
    evaluators: Mapping[str, Mapping[str, Any]] | Sequence[str],
    bar: StartBar = no_bar,
) -> dict[str, Any]:
    """Compare policies by evaluators: means, differences and win rates, with intervals.

    Args:
        items: Held-out items.
        responses: Of each policy, by its name or by (name, seed); the first is the base that the
            others are compared with.
        evaluators: Pointwise sources by name, perhaps with their options.
        bar: For progress.

    Returns:
        JSON values; docs/reports.md says what each key of ``evaluation`` holds.

    Raises:
        PluginError: There is no such source, or its options are wrong.
        ConfigError: It cannot judge single responses, or a policy is named twice.
        DataError: A table cannot be read, or responses do not fit the items.
    """
    options = evaluators if isinstance(evaluators, Mapping) else {n: {} for n in evaluators}
    sources = [source_by_name(name, given, "pointwise") for name, given in options.items()]
    asked = items_of(items)
    written: dict[tuple[str, int], Sequence[Response]] = {}
    for key, found in responses.items():
        name, seed = key if isinstance(key, tuple) else (key, 0)
        label = f"{name}@{seed}" if isinstance(key, tuple) else name
        if (name, seed) in written:
            raise ConfigError(f"there are responses of {label} already")
        # Ids only need to be unique inside a file.
        written[name, seed] = [
            replace(response, id=f"{label}/{response.id}", system=name)
            for response in responses_of(found, asked)
        ]
    asking = Asking(None)
    check(sources, asking)
    judged = score(sources, asked, written, asking, bar)
    infos = [_evaluator(source, None) for source in sources]
    return compared(asked, written, judged, infos)

"""Evaluate: every policy answers the held-out items, and every evaluator scores the answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.evaluate import EvaluatorInfo
from harness.evaluate import evaluate as compare
from harness.evaluate.held_out import shares
from harness.experiment.config import RunConfig
from harness.experiment.context import Asking, StartBar
from harness.experiment.experiment import Experiment
from harness.experiment.sources import NamedSource
from harness.experiment.stages.judge import Judged, judge
from harness.experiment.stages.train import TrainedPolicy
from harness.feedback.requests import build_requests, criterion_for
from harness.nouns.schema import Item, Response
from harness.policy.weights import weights_hash
from harness.records.rows import read_responses, to_dict
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


@dataclass(frozen=True, slots=True)
class _Policy:
    """A checkpoint that is sampled on the held-out items."""

    name: str
    seed: int
    checkpoint: str


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
    policies = [_Policy(BASE, seed, experiment.model) for seed in config.seeds]
    policies += [_Policy(one.arm, one.seed, one.checkpoint) for one in trained]
    per_item = config.evaluation.responses_per_item
    move = bar("sampling held-out items", len(policies) * len(items) * per_item)
    responses = {}
    for policy in policies:
        name = f"{policy.name}-seed{policy.seed}"
        path = directory.path / "responses" / f"evaluation-{name}.jsonl"
        stage = f"evaluate/{name}"
        inputs = {
            "checkpoint": weights_hash(policy.checkpoint),
            "base": experiment.weights,  # for the log-ratios
            "items": [to_dict(item) for item in items],
            "policy": config.policy.model_dump(),
            "per_item": per_item,
            "seed": policy.seed,
        }
        if directory.is_done(stage, inputs) and path.is_file():
            found = read_responses(path, items)
            move(len(found))
        else:
            found = _sample(experiment, policy, move)
            write_jsonl(path, found)
            directory.mark_done(stage, inputs)
        responses[policy.name, policy.seed] = found
    return responses


def _sample(experiment: Experiment, policy: _Policy, move: Callable[[int], None]) -> list[Response]:
    from harness.policy.respond import log_ratios, sample_policy
    from harness.policy.sampling import Sampling

    config, items = experiment.config, experiment.evaluation
    temperature, per_item = config.policy.temperature, config.evaluation.responses_per_item
    sampling = Sampling(temperature, config.policy.max_new_tokens, policy.seed, per_item)
    found = sample_policy(policy.checkpoint, items, sampling, system=policy.name, on_batch=move)
    ratios = [0.0] * len(found)
    if policy.name != BASE:
        ratios = log_ratios(policy.checkpoint, experiment.model, items, found, temperature)
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
        found = judge(source, requests, asking, bar, "evaluation")
        judged[source.name] = Judged(source, requests, found)
    return judged


def evaluate(
    experiment: Experiment, responses: Responses, asking: Asking, bar: StartBar
) -> Evaluation:
    """Let every evaluator score every held-out response, and compare the policies."""
    config, items = experiment.config, experiment.evaluation
    everything = [response for found in responses.values() for response in found]
    evaluators = [experiment.sources[name] for name in config.evaluation.evaluators]
    judged = score(evaluators, items, responses, asking, bar)
    asked = {request.id: request for one in judged.values() for request in one.requests}
    table = compare(
        items,
        responses,
        asked.values(),
        [judgment for one in judged.values() for judgment in one.judgments],
        evaluators_of(config, experiment.sources),
        base=BASE,
        log_ratios={response.id: response.metadata["log_ratio"] for response in everything},
    )
    return Evaluation(responses, judged, table)


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
        infos.append(
            EvaluatorInfo(name, info.kind, info.simulated, frozenset(held_out), info.scale)
        )
    return infos

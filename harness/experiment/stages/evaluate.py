"""Evaluate: every policy answers the held-out items, and every evaluator scores the answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.evaluate import EvaluatorInfo
from harness.evaluate import evaluate as compare
from harness.evaluate.held_out import shares
from harness.experiment.changed import tell_aside
from harness.experiment.config import RunConfig
from harness.experiment.context import Asking, StartBar, asking_with, no_bar
from harness.experiment.experiment import Experiment
from harness.experiment.sources import NamedSource, source_by_name
from harness.experiment.stages.judge import Judged, ask, check
from harness.experiment.stages.recorded import read_recorded
from harness.experiment.stages.respond import BASE, RespondSettings, respond
from harness.experiment.stages.train import TrainedPolicy
from harness.experiment.wording import wording_notes
from harness.feedback.annotate import FAILED
from harness.feedback.contract import TIMEOUT_S
from harness.feedback.requests import build_requests, criterion_for
from harness.nouns.errors import ConfigError, DataError
from harness.nouns.schema import Item, JudgmentRequest, Response, SourceInfo
from harness.policy.weights import check_weights
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

    Raises:
        InputError: The base or a checkpoint was edited since the run or its training began.
    """
    config, items = experiment.config, experiment.evaluation
    base = experiment.model, experiment.weights
    policies = {(BASE, seed): base for seed in config.seeds}
    policies |= {(one.arm, one.seed): (str(one.checkpoint), one.weights) for one in trained}
    per_item = config.evaluation.responses_per_item
    move = bar("sampling held-out items", len(policies) * len(items) * per_item)
    responses, aside = {}, list[Path]()
    for (name, seed), (checkpoint, weights) in policies.items():
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
        if path.is_file():
            found = read_responses(path, items)
            move(len(found))
        else:
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
    experiment: Experiment, responses: Responses, asking: Asking, bar: StartBar
) -> Evaluation:
    """Let every evaluator score every held-out response, and compare the policies."""
    items, sources = experiment.evaluation, experiment.sources
    evaluators = [sources[name] for name in experiment.config.evaluation.evaluators]
    judged = score(evaluators, items, responses, asking, bar)
    infos = evaluators_of(experiment.config, sources)
    return Evaluation(responses, judged, compared(items, responses, judged, infos))


def compared(
    items: Sequence[Item],
    responses: Responses,
    judged: Mapping[str, Judged],
    evaluators: Sequence[EvaluatorInfo],
) -> dict[str, Any]:
    """Return the comparison of policies with the first of them."""
    asked = {request.id: request for one in judged.values() for request in one.requests}
    said = [judgment for one in judged.values() for judgment in one.judgments]
    base = next(iter(responses))[0]
    return compare(items, responses, asked.values(), said, evaluators, base=base)


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


@dataclass(frozen=True, slots=True)
class EvaluateSettings:
    """What an evaluation is given besides responses and evaluators.

    Args:
        uses: The plugin's source that an evaluator is, by the evaluator's name, where they differ.
        trained_on: Judgments files that each policy was trained on, by policy; all but the base,
            or none. They say for which policies an evaluator is held out.
        seed: Of the evaluators.
        concurrency: Requests in flight at once for each evaluator.
        budget: Stop before spending more, in dollars; what the journal holds counts.
        journal: File that keeps judgments, so that the same call makes only those that miss.
        timeout_s: Seconds for one response, of verifiers that have no limit of their own.
    """

    uses: Mapping[str, str] = field(default_factory=dict)
    trained_on: Mapping[str, Sequence[Path]] = field(default_factory=dict)
    seed: int = 0
    concurrency: int = 32
    budget: float | None = None
    journal: str | Path | None = None
    timeout_s: float = TIMEOUT_S


def evaluate(
    items: ItemsOrFile,
    responses: Mapping[str | tuple[str, int], ResponsesOrFile],
    evaluators: Mapping[str, Mapping[str, Any]] | Sequence[str],
    settings: EvaluateSettings | None = None,
    bar: StartBar = no_bar,
) -> dict[str, Any]:
    """Compare policies by evaluators: means, differences and win rates, with intervals.

    Args:
        items: Held-out items.
        responses: Of each policy, by its name or by (name, seed); the first is the base that the
            others are compared with.
        evaluators: Pointwise sources by name, perhaps with their options.
        settings: What the sources are called, and what the policies were trained on.
        bar: For progress.

    Returns:
        JSON values; docs/reports.md says what each key of ``evaluation`` holds.

    Raises:
        PluginError: There is no such source, or its options are wrong.
        ConfigError: It cannot judge single responses, a policy is named twice, or is not said what
            it was trained on while others are.
        DataError: A table cannot be read, there is none, or responses do not fit the items.
        BudgetExceededError: The budget is used up; what was judged is in the journal.
    """
    settings = settings or EvaluateSettings()
    if not isinstance(responses, Mapping) or not responses:
        raise ConfigError(
            f"there are no responses of a policy, got {responses!r:.60}",
            hint="give them by policy, the base first: {'base': 'base.jsonl', 'dpo': 'dpo.jsonl'}",
        )
    if isinstance(evaluators, str):
        evaluators = [evaluators]
    options = evaluators if isinstance(evaluators, Mapping) else {n: {} for n in evaluators}
    sources = [
        source_by_name(settings.uses.get(name, name), given, "pointwise", name)
        for name, given in options.items()
    ]
    asked = items_of(items)
    written = _written(responses, asked)
    fed = _fed(settings.trained_on, list(dict.fromkeys(name for name, _ in written))[1:])
    limits = settings.seed, settings.concurrency, settings.budget, settings.timeout_s
    with asking_with(settings.journal, *limits) as asking:
        check(sources, asking)
        judged = score(sources, asked, written, asking, bar)
    infos = [_evaluator(source, _held_out(source, fed)) for source in sources]
    found = compared(asked, written, judged, infos)
    return found | {"warnings": [*found["warnings"], *wording_notes(sources)]}


def _written(
    responses: Mapping[str | tuple[str, int], ResponsesOrFile], items: Sequence[Item]
) -> dict[tuple[str, int], Sequence[Response]]:
    """Return the responses by (policy, seed); one without a system is of its policy, for labels."""
    written: dict[tuple[str, int], Sequence[Response]] = {}
    for key, found in responses.items():
        name, seed = key if isinstance(key, tuple) else (key, 0)
        if (name, seed) in written:
            label = f"{name}@{seed}" if isinstance(key, tuple) else name
            raise ConfigError(f"there are responses of {label} already")
        written[name, seed] = [
            one if one.system else replace(one, system=name) for one in responses_of(found, items)
        ]
        if not written[name, seed]:
            raise DataError(f"there is no response of {name}, seed {seed}", where=f"{found or ''}")
    return written


def _fed(
    trained_on: Mapping[str, Sequence[Path]], policies: Sequence[str]
) -> dict[str, list[SourceInfo]] | None:
    """Return who gave the feedback that each policy was trained on; None where nobody says."""
    if not trained_on:
        return None
    for name in trained_on:
        if name not in policies:
            raise ConfigError(f"no policy is named {name}", hint=f"there are {', '.join(policies)}")
    for name in policies:
        if name not in trained_on:
            raise ConfigError(f"it is not said what {name} was trained on, and of others it is")
    return {
        name: list(read_recorded([Path(file) for file in files]).infos.values())
        for name, files in trained_on.items()
    }


def _held_out(
    source: NamedSource, fed: Mapping[str, Sequence[SourceInfo]] | None
) -> frozenset[str] | None:
    if fed is None:
        return None
    return frozenset(
        policy
        for policy, teachers in fed.items()
        if not any(shares(source.info, teacher) for teacher in teachers)
    )

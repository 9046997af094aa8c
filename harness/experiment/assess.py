"""Held-out evaluation of every policy, and the data of the report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.experiment.collect import Collected
from harness.experiment.config import RunConfig
from harness.experiment.context import NamedSource, StartBar, resolve
from harness.feedback.annotate import annotate
from harness.feedback.contract import RunContext
from harness.feedback.requests import build_requests, criterion_for
from harness.nouns.errors import ConfigError
from harness.nouns.outcomes import Status
from harness.nouns.schema import Item, Judgment, JudgmentRequest, Response
from harness.policy.weights import weights_hash
from harness.records.journal import Journal
from harness.records.rows import read_responses, to_dict
from harness.records.run_directory import RunDirectory
from harness.records.writes import write_jsonl

BASE = "base"
SAMPLES = 12
"""Held-out items whose responses the report shows side by side."""

Trained = Mapping[tuple[str, int], Mapping[str, Any]]
Policies = dict[tuple[str, int], list[Response]]


def sample_policies(
    run: RunDirectory,
    config_path: Path,
    config: RunConfig,
    items: Sequence[Item],
    trained: Trained,
    bar: StartBar,
) -> tuple[Policies, dict[str, float]]:
    """Sample base and every trained policy on the held-out items, each with its seed.

    Returns:
        Responses by (policy, seed), and log p_policy - log p_base in nats by response id.
    """
    model = resolve(config_path, config.policy.model)
    per_item = config.evaluation.responses_per_item
    checkpoints = {(BASE, seed): model for seed in config.seeds}
    checkpoints |= {key: str(result["checkpoint"]) for key, result in trained.items()}
    move = bar("sampling held-out items", len(checkpoints) * len(items) * per_item)
    responses: Policies = {}
    ratios: dict[str, float] = {}
    for (policy, seed), checkpoint in checkpoints.items():
        path = run.path / "responses" / f"evaluation-{policy}-seed{seed}.jsonl"
        inputs = {
            "checkpoint": weights_hash(checkpoint),
            "items": [to_dict(item) for item in items],
            "policy": config.policy.model_dump(),
            "per_item": per_item,
            "seed": seed,
        }
        stage = f"evaluate/{policy}-seed{seed}"
        if run.is_done(stage, inputs) and path.is_file():
            found = read_responses(path, items)
            move(len(found))
        else:
            found = _sample(config, checkpoint, model, items, policy, seed, move)
            write_jsonl(path, found)
            run.mark_done(stage, inputs)
        responses[policy, seed] = found
        ratios |= {r.id: r.metadata["log_ratio"] for r in found}
    return responses, ratios


def _sample(
    config: RunConfig,
    checkpoint: str,
    base: str,
    items: Sequence[Item],
    policy: str,
    seed: int,
    move: Any,
) -> list[Response]:
    from dataclasses import replace

    from harness.policy.respond import log_ratios, sample_policy
    from harness.policy.sampling import Sampling

    sampling = Sampling(
        config.policy.temperature,
        config.policy.max_new_tokens,
        seed,
        config.evaluation.responses_per_item,
    )
    found = sample_policy(checkpoint, items, sampling, system=policy, on_batch=move)
    ratios = [0.0] * len(found)
    if policy != BASE:
        ratios = log_ratios(checkpoint, base, items, found, sampling.temperature)
    return [
        replace(response, metadata={**response.metadata, "log_ratio": ratio})
        for response, ratio in zip(found, ratios, strict=True)
    ]


async def judge_policies(
    config: RunConfig,
    items: Sequence[Item],
    responses: Policies,
    sources: Mapping[str, NamedSource],
    ctx: RunContext,
    journal: Journal,
    bar: StartBar,
) -> tuple[list[JudgmentRequest], dict[str, list[Judgment]]]:
    """Let every evaluator score every held-out response."""
    everything = [response for found in responses.values() for response in found]
    requests: dict[str, JudgmentRequest] = {}
    judgments = {}
    for name in config.evaluation.evaluators:
        source = sources[name]
        asked = build_requests(items, everything, "pointwise", criterion_for(source.info))
        requests |= {request.id: request for request in asked}
        move = bar(f"{name} evaluates", len(asked))

        def on_judgment(judgment: Judgment, move: Any = move) -> None:
            move(1)

        scope = f"evaluation/{source.scope}"
        judgments[name] = await annotate(source.source, asked, ctx, journal, scope, on_judgment)
    return list(requests.values()), judgments


def evaluators_of(config: RunConfig, sources: Mapping[str, NamedSource]) -> list[Any]:
    """Return who evaluates, and for which arms they are held out.

    An evaluator shares with an arm when one of the arm's sources has the same plugin and options,
    whatever its name, or asks a model that it asks too.
    """
    from harness.evaluate import EvaluatorInfo

    infos = []
    for name in config.evaluation.evaluators:
        source = sources[name]
        same = {n for n, other in sources.items() if _shares(source, other)}
        held_out = {arm for arm, c in config.arms.items() if not same & set(c.sources)}
        info = source.info
        infos.append(
            EvaluatorInfo(name, info.kind, info.simulated, frozenset(held_out), info.scale)
        )
    return infos


def _shares(one: NamedSource, other: NamedSource) -> bool:
    same = one.scope.partition("/")[2] == other.scope.partition("/")[2]
    return same or bool(set(_models(one)) & set(_models(other)))


def _models(source: NamedSource) -> list[str]:
    """Return the language models that a source asks, by its option: one, or a jury."""
    model = source.config.options.get("model")
    if not model:
        return []
    return [str(name) for name in (model if isinstance(model, list | tuple) else [model])]


def check_roles(config: RunConfig, sources: Mapping[str, NamedSource]) -> None:
    """Refuse sources in roles that they cannot fill, before anything is paid for.

    Raises:
        ConfigError: An evaluator cannot judge single responses or has a limit, or the reference of
            the agreement is no source of people.
    """
    for name in config.evaluation.evaluators:
        source = sources[name]
        if "pointwise" not in source.info.takes:
            raise ConfigError(
                f"source {name} cannot evaluate: it does not judge single responses",
                where="evaluation.evaluators",
            )
        if source.config.limit is not None:
            raise ConfigError(
                f"evaluator {name} has a limit, but it must score every policy alike",
                where=f"sources.{name}.limit",
            )
    if config.agreement is not None:
        kind = sources[config.agreement.reference].info.kind
        if kind != "human":
            raise ConfigError(
                f"source {config.agreement.reference} is a {kind}, not people",
                where="agreement.reference",
            )


def source_rows(
    config: RunConfig,
    collected: Collected,
    sources: Mapping[str, NamedSource],
    evaluated: Mapping[str, Sequence[Judgment]],
    n_evaluated: int,
) -> list[dict[str, Any]]:
    """Return one row per source: who it is, what it did, how often it failed and what it cost."""
    rows = []
    for name, source in sources.items():
        judgments = [*collected.judgments.get(name, ()), *evaluated.get(name, ())]
        statuses = Counter(j.verdict.status.value for j in judgments)
        reasons = Counter(
            j.verdict.rationale.split("\n")[0][:120]
            for j in judgments
            if j.verdict.status is not Status.OK
        )
        asked = len(collected.requests_of(source)) if name in collected.judgments else 0
        roles = []
        if any(name in arm.sources for arm in config.arms.values()):
            roles.append("reward")
        if name in config.evaluation.evaluators:
            roles.append("evaluator")
        if config.agreement is not None and config.agreement.reference == name:
            roles.append("agreement reference")
        metadata = judgments[0].metadata if judgments else {}
        options = source.config.options
        rows.append(
            {
                "name": name,
                "use": source.config.use,
                "kind": source.info.kind,
                "way": source.way,
                "version": source.info.version,
                "simulated": source.info.simulated,
                "distribution": f"{source.origin.distribution} {source.origin.version}",
                "options": options,
                "models": _models(source),
                "rubric": options.get("rubric") or options.get("constitution"),
                "rubric_sha256": metadata.get("rubric_sha256"),
                "isolation": metadata.get("isolation"),
                "roles": roles,
                "requests": asked + (n_evaluated if name in evaluated else 0),
                "judgments": len(judgments),
                "ok": statuses.pop(Status.OK.value, 0),
                "failures": dict(statuses),
                "reasons": dict(reasons.most_common(5)),
                "cost_usd": sum(j.cost_usd for j in judgments),
                "seconds": round(collected.seconds.get(name, 0.0), 2),
                "tokens": sum(j.tokens.prompt + j.tokens.completion for j in judgments),
            }
        )
    return rows


def samples_of(
    items: Sequence[Item],
    responses: Policies,
    requests: Sequence[JudgmentRequest],
    judgments: Mapping[str, Sequence[Judgment]],
    seed: int,
) -> list[dict[str, Any]]:
    """Return the responses of all policies to some held-out items, with their scores."""
    response_of = {request.id: request.responses[0].id for request in requests}
    scores: dict[str, dict[str, Any]] = {}
    for name, found in judgments.items():
        for judgment in found:
            value = judgment.verdict.value
            scores.setdefault(response_of[judgment.request_id], {})[name] = value
    step = max(1, len(items) // SAMPLES)
    rows = []
    for item in list(items)[::step][:SAMPLES]:
        answers = []
        for (policy, policy_seed), written in responses.items():
            if policy_seed != seed:
                continue
            for response in written:
                if response.item_id == item.id:
                    answers.append(
                        {
                            "policy": policy,
                            "seed": policy_seed,
                            "text": response.text,
                            "scores": scores.get(response.id, {}),
                        }
                    )
                    break
        rows.append(
            {
                "item_id": item.id,
                "prompt": item.prompt_text,
                "reference": item.reference,
                "responses": answers,
            }
        )
    return rows

"""From judgments to trained policies: each arm's weights, preferences, rewards and trainings."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.experiment.collect import Collected, as_pairs
from harness.experiment.config import ArmConfig, RunConfig
from harness.experiment.context import NamedSource, StartBar, resolve
from harness.experiment.train_job import MONITORED_ITEMS, TrainJob, train_arm
from harness.experiment.trainers import ONLINE, settings_of
from harness.nouns.errors import ConfigError, HarnessError, PluginError
from harness.nouns.hashing import content_hash
from harness.nouns.schema import Preference
from harness.policy.weights import weights_hash
from harness.records.journal import Journal
from harness.records.rows import to_dict
from harness.records.run_directory import RunDirectory
from harness.records.writes import write_json, write_jsonl
from harness.registry import registry, unknown
from harness.scale_out.local import run_jobs

AGREEMENT_WEIGHTED = "agreement_weighted"


def aggregator(name: str) -> Any:
    """Return an aggregation by name: the harness's own, or a plugin's.

    Raises:
        PluginError: There is none of that name, or a plugin's has the name of the harness's own.
    """
    from harness.aggregate import METHODS

    if name in METHODS and name in registry().aggregators:
        raise PluginError(
            f"a plugin registers the aggregation {name!r}, which the harness has itself",
            hint="rename the plugin's",
        )
    known = {**METHODS, **{k: f.aggregate for k, f in registry().aggregators.items()}}
    if name not in known:
        raise unknown("aggregation", name, known, registry().broken)
    return known[name]


def arm_weights(arm: ArmConfig, collected: Collected) -> dict[str, float]:
    """Return the share of each source of an arm: its weight, times what the gate leaves.

    With the aggregation "agreement_weighted" a source that no gate dropped gets its weight times
    its kappa against the people instead (the people themselves: the mean kappa between them), at
    least 0 and 0 where it is undefined. A gate's "down_weight" is that same kappa, so it does not
    count twice.
    """
    weights = {}
    for name in arm.sources:
        left = collected.weights.get(name, 1.0)
        if arm.aggregation == AGREEMENT_WEIGHTED and left > 0:
            left = max(0.0, collected.kappas.get(name, 0.0))
        weights[name] = round(arm.weights.get(name, 1.0) * left, 6)
    return weights


def prepare_arm(
    run: RunDirectory,
    name: str,
    arm: ArmConfig,
    collected: Collected,
    sources: Mapping[str, NamedSource],
) -> dict[str, Any]:
    """Aggregate an arm's judgments and write its preferences and rewards.

    Returns:
        What the report says of the arm.
    """
    weights = arm_weights(arm, collected)
    used = [sources[s] for s in arm.sources if weights[s] > 0]
    dropped = [s for s in arm.sources if weights[s] == 0]
    aggregate = aggregator(arm.aggregation)
    # An offline trainer learns from pairs only, so scores are compared; an online one asks
    # pointwise sources itself and needs only the pairs.
    for_pairs = [s for s in used if s.way == "pairwise" or arm.trainer not in ONLINE]
    preferences: list[Preference] = []
    unused: dict[str, int] = {}
    if for_pairs:
        judgments = [j for source in for_pairs for j in as_pairs(source, collected)]
        result = aggregate(collected.pairs, judgments, weights)
        preferences, unused = list(result.preferences), dict(result.unused)
    write_jsonl(run.path / "preferences" / f"{name}.jsonl", preferences)
    for_points = [s for s in used if s.way == "pointwise"]
    rewards = []
    if for_points:
        judgments = [j for source in for_points for j in collected.judgments[source.name]]
        asked = {r.id: r for source in for_points for r in collected.requests_of(source)}
        rewards = list(aggregate(list(asked.values()), judgments, weights).rewards)
        write_jsonl(run.path / "rewards" / f"{name}.jsonl", rewards)
    return {
        "name": name,
        "title": arm.title or name,
        "trainer": arm.trainer,
        "sources": list(arm.sources),
        "aggregation": arm.aggregation,
        "weights": weights,
        "dropped": dropped,
        "n_preferences": len(preferences),
        "n_rewards": sum(reward.value is not None for reward in rewards),
        "unused_pairs": unused,
        "preferences_sha256": content_hash([to_dict(p) for p in preferences]),
    }


def train_all(
    run: RunDirectory,
    config_path: Path,
    config: RunConfig,
    arms: Mapping[str, Mapping[str, Any]],
    collected: Collected,
    sources: Mapping[str, NamedSource],
    journal: Journal,
    bar: StartBar,
) -> dict[tuple[str, int], dict[str, Any]]:
    """Train every arm with every seed, several at once; what had finished stays.

    Args:
        run: The run directory.
        config_path: The experiment file.
        config: Its content.
        arms: What ``prepare_arm`` said of each.
        collected: The items.
        sources: By name.
        journal: Tells what is left of the budget; each training that asks a judge gets an equal
            share of it, so that trainings at once cannot pass it together.
        bar: For progress.

    Returns:
        Result of each (arm, seed).

    Raises:
        BudgetExceededError: A training used up its share; the same run goes on with what is left.
        HarnessError: A training failed, or its process died.
    """
    results: dict[tuple[str, int], dict[str, Any]] = {}
    jobs: list[TrainJob] = []
    keys: list[tuple[str, int]] = []
    for seed in config.seeds:
        for name, arm in arms.items():
            if not any(arm["weights"].values()):
                continue  # the gates left nothing; the report says so
            job = TrainJob(str(run.path), str(config_path), name, seed, arm["weights"])
            done = _begin(run, config_path, config, job, arm, collected, sources)
            if done is not None:
                results[name, seed] = done
                continue
            jobs.append(job)
            keys.append((name, seed))
    move = bar("training", len(jobs) + len(results))
    move(len(results))

    def finished(index: int, result: dict[str, Any]) -> None:
        write_json(jobs[index].folder / "arm.json", result)
        results[keys[index]] = result
        move(1)

    try:
        run_jobs(
            train_arm, _with_shares(jobs, config, sources, journal), config.parallel,
            on_report=lambda index, row: move(0), on_done=finished,
        )  # fmt: skip
    except BrokenProcessPool as error:
        missing = [f"{arm} with seed {seed}" for arm, seed in keys if (arm, seed) not in results]
        raise HarnessError(
            f"a training process died while these were not done: {', '.join(missing)}\n"
            "  hint: most often memory ran out; set parallel: 1 and run again, it goes on"
        ) from error
    return dict(
        sorted(results.items(), key=lambda entry: (list(arms).index(entry[0][0]), entry[0]))
    )


def _asked_online(arm: ArmConfig, config: RunConfig, weights: Mapping[str, float]) -> set[str]:
    """Return the sources that a training itself asks."""
    used = {name for name in arm.sources if weights.get(name, 0) > 0}
    asked = used if arm.trainer in ONLINE else set()
    return asked | ({config.evaluation.monitor} if config.evaluation.monitor else set())


def _with_shares(
    jobs: Sequence[TrainJob],
    config: RunConfig,
    sources: Mapping[str, NamedSource],
    journal: Journal,
) -> list[TrainJob]:
    """Return the jobs with what each may spend."""
    if config.budget_usd is None:
        return list(jobs)
    paying = [
        any(
            sources[name].info.kind not in ("verifier", "human")
            for name in _asked_online(config.arms[job.arm], config, job.weights)
        )
        for job in jobs
    ]
    left = max(0.0, config.budget_usd - journal.spent_usd())
    share = left / max(1, sum(paying))
    return [
        replace(job, budget_usd=share if pays else 0.0)
        for job, pays in zip(jobs, paying, strict=True)
    ]


def _begin(
    run: RunDirectory,
    config_path: Path,
    config: RunConfig,
    job: TrainJob,
    arm: Mapping[str, Any],
    collected: Collected,
    sources: Mapping[str, NamedSource],
) -> dict[str, Any] | None:
    """Return a finished result; else clear what an experiment with other inputs left."""
    import json

    entry = config.arms[job.arm]
    inputs = {
        "arm": entry.model_dump(exclude={"title"}),
        "sources": {s: _identity(sources[s]) for s in entry.sources},
        "weights": arm["weights"],
        "preferences": arm["preferences_sha256"],
        "policy": [
            config.policy.model_dump(),
            weights_hash(resolve(config_path, config.policy.model)),
        ],
        "items": [to_dict(item) for item in collected.train],
        "seed": job.seed,
        "monitor_every": config.evaluation.monitor_every,
        "monitored": [to_dict(item) for item in collected.evaluation[:MONITORED_ITEMS]],
    }
    if config.evaluation.monitor is not None:
        inputs["monitor"] = _identity(sources[config.evaluation.monitor])
    stage = f"train/{job.arm}-seed{job.seed}"
    if not run.is_done(stage, inputs):
        for folder in (job.folder, job.reward_model_folder):
            shutil.rmtree(folder, ignore_errors=True)
        run.mark_done(stage, inputs)  # "begun with these inputs": the folder's own log resumes it
    path = job.folder / "arm.json"
    if path.is_file():
        result: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return result
    return None


def _identity(source: NamedSource) -> list[Any]:
    """Return what moves when a source may judge differently."""
    return [source.scope, source.info.version, source.way, source.config.limit]


def check_arms(config: RunConfig) -> None:
    """Check trainers' settings and aggregations before anything is paid for.

    Raises:
        ConfigError: A setting is unknown or wrong.
        PluginError: An aggregation is unknown.
        MissingExtraError: The libraries for training are not installed.
    """
    from harness.policy.models import require_train_extra

    require_train_extra()
    for name, arm in config.arms.items():
        aggregator(arm.aggregation)
        settings_of(arm.trainer, arm.settings, f"arms.{name}.settings")
        settings_of("reward_model", arm.reward_model, f"arms.{name}.reward_model")
        if arm.aggregation == AGREEMENT_WEIGHTED and config.agreement is None:
            raise ConfigError(
                "aggregation agreement_weighted needs an agreement section with the people",
                where=f"arms.{name}.aggregation",
            )

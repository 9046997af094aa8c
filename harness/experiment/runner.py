"""``run``: the whole way from an experiment file to its report."""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.experiment import arms as arms_stage
from harness.experiment import assess
from harness.experiment.clock import Clock
from harness.experiment.collect import (
    Collected,
    check_held_out,
    judge_all,
    load_items,
    measure_agreement,
    sample_base,
)
from harness.experiment.config import RunConfig, load_config
from harness.experiment.context import (
    NamedSource,
    StartBar,
    build_sources,
    no_bar,
    open_context,
    versions,
)
from harness.feedback.requests import build_requests
from harness.nouns.errors import HarnessError
from harness.nouns.schema import Judgment
from harness.records.file_hash import file_hash
from harness.records.journal import JOURNAL, Journal
from harness.records.rows import read_rows
from harness.records.run_directory import RunDirectory
from harness.records.writes import write_json
from harness.registry import registry

PACKAGES = (
    "feedback-harness", "litellm", "torch", "transformers", "trl", "accelerate", "peft",
    "math-verify", "numpy", "scipy", "pandas", "pydantic", "pluggy",
)  # fmt: skip


def run(
    experiment: str | Path,
    out: str | Path | None = None,
    *,
    bar: StartBar = no_bar,
) -> Path:
    """Run an experiment to its report; the same call goes on after a kill.

    Args:
        experiment: Path of the experiment file.
        out: The run directory; reports/<name> by default.
        bar: Called with (title, total) for each long step; returns what moves it on.

    Returns:
        Path of report.html.

    Raises:
        InputError: The experiment, its data or a plugin is wrong; nothing was paid for.
        BudgetExceededError: The budget is used up; what was paid for is kept.
        GateStopError: A gate with action "stop" was not met.
    """
    path = Path(experiment)
    config = load_config(path)
    directory = RunDirectory(Path(out) if out else Path("reports") / config.name)
    sources = build_sources(config, path)
    arms_stage.check_arms(config)
    assess.check_roles(config, sources)
    collected = Collected(
        load_items(path, config.data.train), load_items(path, config.data.evaluation)
    )
    check_held_out(collected.train, collected.evaluation)
    with directory.lock(), Journal(directory.path / JOURNAL) as journal:
        clock = Clock(directory, journal)
        bar = clock.watch(bar)
        _begin(directory, path, config)
        asyncio.run(_check_sources(sources, journal, config))
        collected.responses = sample_base(directory, path, config, collected.train, bar)
        collected.pairs = build_requests(collected.train, collected.responses, "pairwise")
        asyncio.run(_judge(collected, sources, journal, config, clock, bar))
        measure_agreement(directory, config, collected, sources)
        arms = {
            name: arms_stage.prepare_arm(directory, name, arm, collected, sources)
            for name, arm in config.arms.items()
        }
        trained = arms_stage.train_all(
            directory, path, config, arms, collected, sources, journal, bar
        )
        responses, ratios = assess.sample_policies(
            directory, path, config, collected.evaluation, trained, bar
        )
        requests, judgments = asyncio.run(
            _evaluate(config, collected, responses, sources, journal, bar)
        )
        clock.finish()
        directory.update_manifest(
            finished=datetime.now(UTC).isoformat(timespec="seconds"), cost_usd=journal.spent_usd()
        )
        data = _report_data(
            directory, config, collected, sources, arms, trained, responses, ratios, requests,
            judgments,
        )  # fmt: skip
    return _write_report(directory, data)


def _begin(directory: RunDirectory, path: Path, config: RunConfig) -> None:
    before = directory.manifest()
    directory.update_manifest(
        name=config.name,
        created=before.get("created") or datetime.now(UTC).isoformat(timespec="seconds"),
        experiment=config.model_dump(mode="json"),
        experiment_sha256=file_hash(path),
        seeds=list(config.seeds),
        python=platform.python_version(),
        platform=platform.platform(),
        packages=versions(PACKAGES),
    )


async def _check_sources(
    sources: Mapping[str, NamedSource], journal: Journal, config: RunConfig
) -> None:
    async with open_context(journal, budget_usd=config.budget_usd, processes=1) as ctx:
        for source in sources.values():
            source.source.check(ctx)


async def _judge(
    collected: Collected,
    sources: Mapping[str, NamedSource],
    journal: Journal,
    config: RunConfig,
    clock: Clock,
    bar: StartBar,
) -> None:
    needed = {name for arm in config.arms.values() for name in arm.sources}
    if config.agreement is not None:
        needed |= {config.agreement.reference} | {g.source for g in config.agreement.gates}
    wanted = {name: source for name, source in sources.items() if name in needed}
    async with open_context(
        journal,
        seed=config.seeds[0],
        concurrency=config.concurrency,
        budget_usd=config.budget_usd,
    ) as ctx:
        for name, source in wanted.items():
            with clock.source(name):
                await judge_all(collected, {name: source}, ctx, journal, bar)
            collected.seconds[name] = clock.seconds_of(name)


async def _evaluate(
    config: RunConfig,
    collected: Collected,
    responses: assess.Policies,
    sources: Mapping[str, NamedSource],
    journal: Journal,
    bar: StartBar,
) -> tuple[Any, Any]:
    async with open_context(
        journal,
        seed=config.seeds[0],
        concurrency=config.concurrency,
        budget_usd=config.budget_usd,
    ) as ctx:
        return await assess.judge_policies(
            config, collected.evaluation, responses, sources, ctx, journal, bar
        )


def _report_data(
    directory: RunDirectory,
    config: RunConfig,
    collected: Collected,
    sources: Mapping[str, NamedSource],
    arms: Mapping[str, dict[str, Any]],
    trained: assess.Trained,
    responses: assess.Policies,
    ratios: Mapping[str, float],
    requests: Any,
    judgments: Any,
) -> dict[str, Any]:
    from harness.evaluate import evaluate

    evaluation = evaluate(
        collected.evaluation,
        responses,
        requests,
        [j for found in judgments.values() for j in found],
        assess.evaluators_of(config, sources),
        base=assess.BASE,
        log_ratios=ratios,
    )
    write_json(directory.path / "evaluation.json", evaluation)
    n_evaluated = sum(len(found) for found in responses.values())
    rows = assess.source_rows(config, collected, sources, judgments, n_evaluated)
    # What judging for training cost; what a source cost as an evaluator is no arm's feedback.
    cost_of = {name: sum(j.cost_usd for j in found) for name, found in collected.judgments.items()}
    curves: dict[str, dict[str, Any]] = {}
    for (arm, seed), result in trained.items():
        log = [row for _, row in read_rows(Path(result["log"]))]
        curves.setdefault(arm, {})[str(seed)] = [curve_row(row, config) for row in log]
        arms[arm].setdefault("seeds", []).append(
            {
                "seed": seed,
                "status": "done",
                "seconds": result["seconds"],
                "steps": result["steps"],
                "peak_memory_mb": result["peak_memory_mb"],
                "reward_model": result.get("reward_model"),
                "cost_usd": result["cost_usd"],
            }
        )
    for row in arms.values():
        row.setdefault("seeds", [])
        row["feedback_cost_usd"] = sum(cost_of[s] for s in row["sources"])
        row["feedback_seconds"] = sum(collected.seconds[s] for s in row["sources"])
    directory.update_manifest(sources=_manifest_sources(rows, collected, judgments))
    manifest = directory.manifest()
    return {
        "run": {
            "name": config.name,
            "description": config.description,
            "created": manifest["created"],
            "duration_s": manifest["seconds"],
            "cost_usd": manifest["cost_usd"],
            "seeds": list(config.seeds),
            "harness_version": manifest["packages"].get("feedback-harness", ""),
            "python": manifest["python"],
            "platform": manifest["platform"],
            "packages": manifest["packages"],
            "items": {"train": len(collected.train), "eval": len(collected.evaluation)},
        },
        "sources": rows,
        "agreement": collected.agreement,
        "gates": collected.gates,
        "arms": list(arms.values()),
        "evaluation": evaluation,
        "curves": curves,
        "samples": assess.samples_of(
            collected.evaluation, responses, requests, judgments, config.seeds[0]
        ),
        "manifest": manifest,
    }


def _manifest_sources(
    rows: Sequence[Mapping[str, Any]],
    collected: Collected,
    evaluated: Mapping[str, Sequence[Judgment]],
) -> dict[str, dict[str, Any]]:
    """Return who judged with which version, from which distribution, with which prompts."""
    keys = ("use", "kind", "way", "version", "distribution", "models", "rubric", "rubric_sha256")
    sources = {}
    for row in rows:
        name = row["name"]
        judgments = [*collected.judgments.get(name, ()), *evaluated.get(name, ())]
        templates = next((j.metadata.get("template_sha256") for j in judgments if j.metadata), None)
        sources[name] = {key: row[key] for key in keys} | {"template_sha256": templates}
    return sources


def curve_row(row: Mapping[str, Any], config: RunConfig) -> dict[str, Any]:
    """Return a log row under the names that the report plots."""
    kept = dict(row)
    kept["gold"] = row.get(f"held_out/gold/{config.evaluation.monitor}")
    return kept


def _write_report(directory: RunDirectory, data: dict[str, Any]) -> Path:
    from harness.report import build

    path = build(data, directory.path, sections=registry().sections)
    if not path.is_file():
        raise HarnessError(f"the report was not written: {path}")
    registry().manager.hook.harness_run_finished(run=directory.path)
    return path

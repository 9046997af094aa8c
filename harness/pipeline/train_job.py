"""One training of one arm with one seed, in a process of its own."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.config import ArmConfig, RunConfig, load_config
from harness.errors import DataError
from harness.pipeline.collect import load_items
from harness.pipeline.context import NamedSource, build_sources, open_context, resolve
from harness.records import preference_from, read_responses, read_rows
from harness.scale_out.local import cores
from harness.schema import Item

ONLINE = ("grpo", "ppo")
MONITORED_ITEMS = 64
"""Held-out items that are watched during training."""


@dataclass(frozen=True, slots=True)
class TrainJob:
    """What a training needs to know; everything else is in the run directory.

    Attributes:
        run_path: The run directory.
        config_path: The experiment file.
        arm: Name of the arm.
        seed: Of the training.
        weights: Share of each source, after the gates.
    """

    run_path: str
    config_path: str
    arm: str
    seed: int
    weights: Mapping[str, float]

    @property
    def folder(self) -> Path:
        """Where the training writes."""
        return Path(self.run_path) / "policies" / f"{self.arm}-seed{self.seed}"


def item_rows(items: Sequence[Item]) -> list[dict[str, Any]]:
    """Return items in the columns that trainers and reward functions read."""
    return [
        {"prompt": item.prompt, "reference": item.reference, "item_id": item.id} for item in items
    ]


def preference_rows(run_path: Path, arm: str, items: Sequence[Item]) -> list[dict[str, Any]]:
    """Return an arm's preferences with their texts."""
    path = run_path / "preferences" / f"{arm}.jsonl"
    if not path.is_file():
        return []
    texts = {r.id: r.text for r in read_responses(run_path / "responses" / "train.jsonl")}
    prompts = {item.id: item.prompt for item in items}
    return [
        {
            "prompt": prompts[p.item_id],
            "chosen": texts[p.chosen_id],
            "rejected": texts[p.rejected_id],
            "probability": p.probability,
        }
        for p in (preference_from(row) for _, row in read_rows(path))
    ]


def train_arm(job: TrainJob, report: Callable[[int, dict[str, Any]], None]) -> dict[str, Any]:
    """Train one arm; called again after a kill, it goes on.

    Args:
        job: Which.
        report: Called with (0, log row) after every step.

    Returns:
        ``checkpoint``, ``log``, ``steps``, ``seconds``, ``peak_memory_mb``, ``reward_model``.
    """
    import torch

    from harness.train import reward_function
    from harness.train.monitor import Monitor

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", cores())))
    config_path = Path(job.config_path)
    config = load_config(config_path)
    arm = config.arms[job.arm]
    sources = build_sources(config)
    items = load_items(config_path, config.data.train)
    held_out = load_items(config_path, config.data.evaluation)[:MONITORED_ITEMS]
    model = resolve(config_path, config.policy.model)
    preferences = preference_rows(Path(job.run_path), job.arm, items)
    used = [sources[name] for name in arm.sources if job.weights.get(name, 0) > 0]

    def on_step(row: dict[str, Any]) -> None:
        report(0, row)

    with ExitStack() as stack:
        loop = stack.enter_context(reward_function.LoopThread())
        opened = open_context(None, seed=job.seed, concurrency=config.concurrency, processes=1)
        ctx = loop.run(opened.__aenter__())
        stack.callback(lambda: loop.run(opened.__aexit__(None, None, None)))

        def online(source: NamedSource) -> reward_function.RewardFunction:
            reward = reward_function.SourceReward(source.source, ctx)
            return lambda **columns: loop.run(reward(**columns))

        gold = {}
        if config.evaluation.monitor is not None:
            gold = {config.evaluation.monitor: online(sources[config.evaluation.monitor])}
        monitor = Monitor(
            item_rows(held_out),
            gold,
            every=config.evaluation.monitor_every,
            max_new_tokens=config.policy.max_new_tokens,
            temperature=config.policy.temperature,
        )
        if arm.trainer not in ONLINE:
            return _offline(job, arm, model, preferences, monitor, on_step)
        return _online(job, config, arm, model, items, preferences, used, online, monitor, on_step)


def _offline(
    job: TrainJob,
    arm: ArmConfig,
    model: str,
    preferences: Sequence[Mapping[str, Any]],
    monitor: Any,
    on_step: Callable[[dict[str, Any]], None],
) -> dict[str, Any]:
    from harness.train.settings import DpoSettings, SftSettings, parse_settings

    where = f"arms.{job.arm}.settings"
    if not preferences:
        raise DataError(f"arm {job.arm} has no preferences to train on", where=where)
    common: dict[str, Any] = {"seed": job.seed, "monitor": monitor, "on_step": on_step}
    if arm.trainer == "dpo":
        from harness.train.dpo import train_dpo

        dpo = parse_settings(DpoSettings, arm.settings, where)
        return _result(train_dpo(model, preferences, dpo, job.folder, **common))
    from harness.train.sft import train_sft

    rows = [{"prompt": p["prompt"], "completion": p["chosen"]} for p in preferences]
    sft = parse_settings(SftSettings, arm.settings, where)
    return _result(train_sft(model, rows, sft, job.folder, **common))


def _online(
    job: TrainJob,
    config: RunConfig,
    arm: ArmConfig,
    model: str,
    items: Sequence[Item],
    preferences: Sequence[Mapping[str, Any]],
    used: Sequence[NamedSource],
    online: Callable[[NamedSource], Any],
    monitor: Any,
    on_step: Callable[[dict[str, Any]], None],
) -> dict[str, Any]:
    from harness.train.settings import (
        GrpoSettings,
        PpoSettings,
        RewardModelSettings,
        parse_settings,
    )

    where = f"arms.{job.arm}"
    rewards: dict[str, Any] = {}
    weights: dict[str, float] = {}
    for source in used:
        if source.way == "pointwise":
            rewards[source.name] = online(source)
            weights[source.name] = job.weights[source.name]
    learned = None
    pairwise = [source for source in used if source.way == "pairwise"]
    if pairwise:
        from harness.train.reward_model import RewardModelReward, train_reward_model

        settings = parse_settings(RewardModelSettings, arm.reward_model, f"{where}.reward_model")
        folder = job.folder.with_name(job.folder.name + "-reward-model")
        learned = train_reward_model(model, preferences, settings, folder, seed=job.seed)
        rewards["reward_model"] = RewardModelReward(learned.checkpoint)
        weights["reward_model"] = sum(job.weights[source.name] for source in pairwise)
    common: dict[str, Any] = {
        "weights": weights, "seed": job.seed, "monitor": monitor, "on_step": on_step,
    }  # fmt: skip
    rows = item_rows(items)
    defaults = {
        "max_new_tokens": config.policy.max_new_tokens,
        "temperature": config.policy.temperature,
        **arm.settings,
    }
    if arm.trainer == "grpo":
        from harness.train.grpo import train_grpo

        grpo = parse_settings(GrpoSettings, defaults, f"{where}.settings")
        result = _result(train_grpo(model, rows, rewards, grpo, job.folder, **common))
    else:
        from harness.train.ppo import train_ppo

        ppo = parse_settings(PpoSettings, defaults, f"{where}.settings")
        result = _result(train_ppo(model, rows, rewards, ppo, job.folder, **common))
    if learned is not None:
        statistics = learned.checkpoint / "reward_model.json"
        result["reward_model"] = json.loads(statistics.read_text(encoding="utf-8"))
        result["seconds"] += learned.seconds
    result["reward_weights"] = weights
    return result


def _result(result: Any) -> dict[str, Any]:
    return {
        "checkpoint": str(result.checkpoint),
        "log": str(result.log_path),
        "steps": result.steps,
        "seconds": result.seconds,
        "peak_memory_mb": result.peak_memory_mb,
    }

"""One training of one arm with one seed, in a process of its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from harness.experiment.config import PolicyConfig
from harness.experiment.context import Asking
from harness.experiment.critics import OWN, folder_of
from harness.experiment.experiment import Experiment
from harness.experiment.rewards import online_rewards
from harness.nouns.counted import counted
from harness.nouns.errors import (
    BudgetExceededError,
    ConfigError,
    HarnessError,
    InputError,
    StorageError,
)
from harness.nouns.hashing import content_hash
from harness.nouns.schema import Item
from harness.policy.weights import weights_hash
from harness.records.journal import JOURNAL, Journal
from harness.records.rows import to_dict
from harness.records.run_directory import RunDirectory
from harness.scale_out.local import cores
from harness.train.log import read_log, silent
from harness.train.reward_function import WeightedRewards
from harness.train.trainers import train, trainer_class
from harness.train.training import TrainOptions

MONITORED_ITEMS = 64
"""Held-out items that are watched during training."""

REWARD_MODEL = "-reward-model"
"""Ending of the folder of an arm's reward model, beside that of its policy."""


@dataclass(frozen=True, slots=True)
class TrainJob:
    """What a training needs to know; pickled, it takes the whole experiment along.

    Attributes:
        experiment: The experiment.
        run_path: The run directory.
        arm: Name of the arm.
        seed: Of the training.
        weights: Share of each source, after the gates.
        preferences: Of the arm, with their texts: the rows of preferences/ARM.jsonl.
        budget_usd: What this training may spend on judges that it asks; None for no limit.
    """

    experiment: Experiment
    run_path: str
    arm: str
    seed: int
    weights: Mapping[str, float]
    preferences: Sequence[Mapping[str, Any]] = ()
    budget_usd: float | None = None

    @property
    def title(self) -> str:
        """What the training is called while it is shown."""
        return f"{self.arm} {self.seed}"

    @property
    def used(self) -> list[str]:
        """The sources of the arm that have any weight."""
        sources = self.experiment.config.arms[self.arm].sources
        return [name for name in sources if self.weights.get(name, 0) > 0]

    @property
    def asked(self) -> set[str]:
        """The sources that the training itself asks."""
        config = self.experiment.config
        asked = self.used if config.arms[self.arm].online else []
        return {name for name in (*asked, config.evaluation.monitor) if name}

    @property
    def monitored(self) -> Sequence[Item]:
        """The held-out items that are watched."""
        return self.experiment.evaluation[:MONITORED_ITEMS]

    @property
    def watched(self) -> dict[str, Any]:
        """How the training is watched, which changes nothing of what it learns."""
        evaluation, sources = self.experiment.config.evaluation, self.experiment.sources
        gold = evaluation.monitor and sources[evaluation.monitor].asked
        items = content_hash([to_dict(item) for item in self.monitored])
        how = {"every": evaluation.monitor_every, "samples": evaluation.monitor_samples}
        return {"gold": gold, **how, "items": items}

    @property
    def folder(self) -> Path:
        """Where the training writes."""
        return Path(self.run_path) / "policies" / f"{self.arm}-seed{self.seed}"

    @property
    def reward_model_folder(self) -> Path:
        """Where the training of the arm's reward model writes."""
        return self.folder.with_name(self.folder.name + REWARD_MODEL)


def train_alone(job: TrainJob, report: Callable[[int, dict[str, Any]], None]) -> dict[str, Any]:
    """Train one arm as ``train_arm``; a failure of its own does not take the others along.

    Returns:
        What ``train_arm`` does, or only ``failed``: what went wrong in this training.

    Raises:
        BudgetExceededError: Its share of the budget is used up; the same run goes on.
        StorageError: What was paid for cannot be kept.
        InputError: The base policy was edited, or a folder is not what the run left there.
    """
    try:
        return train_arm(job, report)
    except (BudgetExceededError, StorageError):
        raise
    except HarnessError as error:
        if type(error) is InputError:
            raise
        return {"failed": str(error)}


def train_arm(job: TrainJob, report: Callable[[int, dict[str, Any]], None]) -> dict[str, Any]:
    """Train one arm, reporting (0, log row) after every step; called again, it goes on.

    Returns:
        ``checkpoint`` and ``log``, relative to the run directory, which may be moved; ``weights``,
        the checkpoint's hash; ``watched``, how it was watched; ``steps``, ``seconds``,
        ``device``, ``peak_memory_mb``; ``learnt``, from how many rows; with a reward model also its
        statistics, and the weights of the reward functions; ``cost_usd``, what the judges that
        this try asked did cost.

    Raises:
        HarnessError: The training failed; it says which.
    """
    try:
        return _train_arm(job, report)
    except HarnessError:
        raise
    except Exception as error:  # libraries raise anything; say which training it was
        reason = f"{type(error).__name__}: {error}"
        raise HarnessError(
            f"training arm {job.arm} with seed {job.seed} failed: {reason}"
        ) from error


def _train_arm(job: TrainJob, report: Callable[[int, dict[str, Any]], None]) -> dict[str, Any]:
    import torch

    from harness.train.monitor import Monitor
    from harness.train.rows import item_rows

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", cores())))
    experiment, config = job.experiment, job.experiment.config
    arm, policy, evaluation = config.arms[job.arm], config.policy, config.evaluation
    sources, model, preferences = experiment.sources, experiment.model, job.preferences
    limits = job.seed, config.concurrency, job.budget_usd
    result: dict[str, Any] = {}
    with (
        Journal(Path(job.run_path) / JOURNAL) as journal,
        online_rewards(Asking(journal, *limits, timeout_s=config.timeout)) as (make, spent),
    ):
        gold = {}
        if evaluation.monitor is not None:
            gold[evaluation.monitor] = make(sources[evaluation.monitor].source)
        rewards, weights, settings = {}, {}, _asked_alike(policy) | arm.settings
        if arm.online:
            sampling = policy.model_dump(include={"max_new_tokens", "temperature"})
            settings = sampling | settings
            for name in job.used:
                if sources[name].way == "pointwise":
                    rewards[name] = make(sources[name].source)
                    weights[name] = job.weights[name]
            pairwise = [name for name in job.used if sources[name].way == "pairwise"]
            if pairwise:
                rewards["reward_model"], result = _reward_model(job)
                weights["reward_model"] = sum(job.weights[name] for name in pairwise)
            if settings.get("critic_from"):
                settings["critic_from"] = str(_critic_start(job, learned=bool(pairwise)))
            rows: Sequence[Mapping[str, Any]] = item_rows(experiment.train)
        else:
            rows = preferences
        monitor = Monitor(
            item_rows(job.monitored),
            gold,
            every=evaluation.monitor_every,
            samples=evaluation.monitor_samples,
            max_new_tokens=policy.max_new_tokens,
            temperature=policy.temperature,
        )
        options = TrainOptions(
            rewards=WeightedRewards(rewards, weights) if rewards else None,
            seed=job.seed,
            monitor=monitor,
            on_step=partial(report, 0),
            weights=experiment.weights,
        )
        trained = train(arm.trainer, model, rows, settings, job.folder, options)
        cost_usd = spent()
    _check_coverage(job, trained.log_path)
    return {
        **result,
        "reward_weights": weights,
        "checkpoint": str(trained.checkpoint.relative_to(job.run_path)),
        "weights": weights_hash(trained.checkpoint),
        "log": str(trained.log_path.relative_to(job.run_path)),
        "steps": trained.steps,
        "learnt": {
            "what": trainer_class(arm.trainer).what(),
            "rows": trained.rows,
            "used": trained.used,
            "left_out": dict(trained.left_out),
        },
        "seconds": trained.seconds + result.get("reward_model_seconds", 0.0),
        "device": _device(),
        "peak_memory_mb": trained.peak_memory_mb,
        "cost_usd": cost_usd,
        "watched": job.watched,
    }


def _device() -> str:
    """Return on what this process trains, in words."""
    import torch

    if torch.cuda.is_available():
        return str(torch.cuda.get_device_name())
    return counted(torch.get_num_threads(), "core")


def _check_coverage(job: TrainJob, log_path: Path) -> None:
    """Refuse a training in which a source never had a verdict: nothing was learnt from it."""
    if wrong := silent(read_log(log_path)):
        # the next try must not take it for done
        RunDirectory(Path(job.run_path)).set_aside(job.folder, "no-verdicts")
        raise HarnessError(f"training arm {job.arm} with seed {job.seed}: {wrong}")


def _critic_start(job: TrainJob, learned: bool) -> Path:
    """Return the folder of the reward model that the critic starts from.

    Args:
        job: The training.
        learned: Whether the arm has a reward model of its own.

    Raises:
        ConfigError: It is to be the arm's own, and the gates left no source to train one on.
    """
    arm = job.experiment.config.arms[job.arm]
    if folder := folder_of(arm, job.experiment.path):
        return folder
    if not learned:
        raise ConfigError(
            f"critic_from is {OWN}, and the gates left no pairwise source to train one on",
            where=f"arms.{job.arm}.settings",
            hint="leave critic_from out, or name the folder of a reward model",
        )
    return job.reward_model_folder / "final"


def _asked_alike(policy: PolicyConfig) -> dict[str, Any]:
    """Return the settings by which what is trained is asked as the base policy is."""
    values = policy.chat_template_kwargs
    return {"chat_template_kwargs": values} if values else {}


def _reward_model(job: TrainJob) -> tuple[Any, dict[str, Any]]:
    """Train the arm's reward model, or find it trained; return its reward function and figures."""
    from harness.train.reward_model import RewardModelReward, read_statistics

    model = job.experiment.model
    options = TrainOptions(seed=job.seed, weights=job.experiment.weights)
    config = job.experiment.config
    settings = _asked_alike(config.policy) | config.arms[job.arm].reward_model
    folder = job.reward_model_folder
    learned = train("reward_model", model, job.preferences, settings, folder, options)
    statistics = read_statistics(learned.checkpoint)
    return RewardModelReward(learned.checkpoint), {
        "reward_model": statistics,
        "reward_model_seconds": learned.seconds,
    }

"""Train: in a run every arm with every seed; what had finished stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.experiment.changed import changes, note_made_from, tell_aside
from harness.experiment.context import ShowsTrainings, StartBar
from harness.experiment.critics import folder_of
from harness.experiment.experiment import Experiment
from harness.experiment.stages.aggregate import Arm
from harness.experiment.stages.recorded import Answers
from harness.experiment.train_job import REWARD_MODEL, TrainJob, train_alone
from harness.nouns.errors import HarnessError
from harness.nouns.hashing import content_hash
from harness.nouns.schema import Response
from harness.policy.weights import weights_hash
from harness.records.journal import Journal
from harness.records.rows import read_json, read_rows, to_dict
from harness.records.run_directory import RunDirectory
from harness.records.writes import write_json
from harness.scale_out.local import run_jobs
from harness.train.result import altered


@dataclass(frozen=True, slots=True)
class TrainedPolicy:
    """A training that finished.

    Attributes:
        arm: Name of the arm.
        seed: Of the training.
        result: What ``train_arm`` returned; its paths are relative to the run directory.
        run: The run directory.
        watched: Whether it was watched as the experiment says now; its weights do not depend on it.
    """

    arm: str
    seed: int
    result: Mapping[str, Any]
    run: Path
    watched: bool = True

    @property
    def checkpoint(self) -> Path:
        """Folder of the weights."""
        return self.run / str(self.result["checkpoint"])

    @property
    def reward_model(self) -> Path:
        """Folder of its reward model, where it has one."""
        folder = self.checkpoint.parent
        return folder.with_name(f"{folder.name}{REWARD_MODEL}") / self.checkpoint.name

    @property
    def weights(self) -> str:
        """Hash of the weights as the training wrote them."""
        return str(self.result["weights"])

    def log(self) -> list[dict[str, Any]]:
        """Return the rows of its log."""
        return [row for _, row in read_rows(self.run / self.result["log"])]

    def as_row(self) -> dict[str, Any]:
        """Return what the report says of the training."""
        shown = (
            "seconds", "device", "steps", "peak_memory_mb", "reward_model", "cost_usd", "learnt",
        )  # fmt: skip
        return {"seed": self.seed, "status": "done"} | {k: self.result.get(k) for k in shown}


@dataclass(frozen=True, slots=True)
class Trained:
    """What became of the trainings.

    Attributes:
        policies: By (arm, seed), in the order of the arms.
        failed: Lines on why there is no policy, by (arm, seed); an arm of which the gates left
            nothing is in neither.
    """

    policies: Mapping[tuple[str, int], TrainedPolicy]
    failed: Mapping[tuple[str, int], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Training:
    """All trainings of a run.

    Args:
        experiment: The experiment.
        directory: The run directory.
        journal: Tells what is left of the budget; each training that asks a judge gets an equal
            share of it, so that trainings at once cannot pass it together.
        responses: Of the base policy to the training items.
        bar: For progress.
        shown: Shows the rows of the trainings' logs.
    """

    experiment: Experiment
    directory: RunDirectory
    journal: Journal
    responses: Sequence[Response]
    bar: StartBar
    shown: ShowsTrainings | None = None

    def train(self, arms: Sequence[Arm]) -> Trained:
        """Train every arm of which the gates left anything with every seed, each by itself.

        Raises:
            BudgetExceededError: A training used up its share; the same run goes on with what is
                left.
            InputError: The base policy was edited while it was in use.
            HarnessError: The process of a training died.
        """
        config, answers = self.experiment.config, Answers(self.experiment.train, self.responses)
        results: dict[tuple[str, int], TrainedPolicy] = {}
        failed: dict[tuple[str, int], list[str]] = {}
        jobs: list[TrainJob] = []
        aside, why = list[Path](), list[str]()
        for arm, seed in ((arm, seed) for seed in config.seeds for arm in arms if arm.used):
            if without := arm.without_preferences():
                failed[arm.name, seed] = without
                continue
            rows = answers.with_texts(arm.preferences)
            path = str(self.directory.path)
            job = TrainJob(self.experiment, path, arm.name, seed, arm.weights, rows)
            done, left, differs = self._begin(job, arm)
            aside, why = [*aside, *left], [*why, *differs]
            if done is None:
                jobs.append(job)
            else:
                results[arm.name, seed] = done
        tell_aside(self.directory, aside, why)
        jobs = self._with_shares(jobs)
        move = self.bar("training", len(jobs) + len(results))
        move(len(results), kept=True)

        def finished(index: int, result: dict[str, Any]) -> None:
            job = jobs[index]
            if "failed" in result:
                failed[job.arm, job.seed] = str(result["failed"]).split("\n")
            else:
                write_json(job.folder / "arm.json", result)
                policy = TrainedPolicy(job.arm, job.seed, result, self.directory.path)
                results[job.arm, job.seed] = policy
            move(1)

        def reported(index: int, row: dict[str, Any]) -> None:
            move(0)
            if self.shown is not None:
                self.shown.row(jobs[index].title, row)

        try:
            run_jobs(
                train_alone, jobs, config.parallel,
                on_report=reported, on_done=finished,
            )  # fmt: skip
        except BrokenProcessPool as error:
            lost = (job for job in jobs if (job.arm, job.seed) not in {**results, **failed})
            missing = [f"{job.arm} with seed {job.seed}" for job in lost]
            raise HarnessError(
                f"a training process died while these were not done: {', '.join(missing)}\n"
                "  hint: most often memory ran out; set parallel: 1 and run again, it goes on"
            ) from error
        order = [arm.name for arm in arms]

        def place(key: tuple[str, int]) -> tuple[int, tuple[str, int]]:
            return order.index(key[0]), key

        return Trained(
            {key: results[key] for key in sorted(results, key=place)},
            {key: failed[key] for key in sorted(failed, key=place)},
        )

    def _with_shares(self, jobs: Sequence[TrainJob]) -> list[TrainJob]:
        """Return the jobs with what each may spend."""
        config, sources = self.experiment.config, self.experiment.sources
        if config.budget_usd is None:
            return list(jobs)
        paying = [
            any(sources[name].info.kind not in ("verifier", "human") for name in job.asked)
            for job in jobs
        ]
        left = max(0.0, config.budget_usd - self.journal.spent_usd())
        share = left / max(1, sum(paying))
        return [
            replace(job, budget_usd=share if pays else 0.0)
            for job, pays in zip(jobs, paying, strict=True)
        ]

    def _begin(self, job: TrainJob, arm: Arm) -> tuple[TrainedPolicy | None, list[Path], list[str]]:
        """Return a finished training; what another experiment left in its place; how it differs.

        A training whose checkpoint is gone is not finished.

        Raises:
            InputError: The checkpoint is not the one that the training wrote.
        """
        stage = f"train/{job.arm}-seed{job.seed}"
        inputs = self._inputs(job, arm)
        made_from = {**inputs, "items": content_hash(inputs["items"])}
        folders = job.folder, job.reward_model_folder
        aside = self.directory.begin(stage, inputs, *folders)
        why = changes(aside, made_from)
        path = job.folder / "arm.json"
        if path.is_file():
            watched = job.watched == (result := read_json(path)).get("watched")
            found = TrainedPolicy(job.arm, job.seed, result, self.directory.path, watched)
            if "weights" in result and found.checkpoint.is_dir():
                if weights_hash(found.checkpoint) != found.weights:
                    raise altered(found.checkpoint, job.folder)
                return found, aside, why
            self.directory.set_aside(job.folder, "incomplete")
        # "begun with these inputs": the folder's own log resumes it
        note_made_from(job.folder, made_from)
        return None, aside, why

    def _inputs(self, job: TrainJob, arm: Arm) -> dict[str, Any]:
        """Return all that the weights depend on: an offline trainer learns from no item."""
        experiment, config = self.experiment, self.experiment.config
        critic = folder_of(arm.config, experiment.path)
        return {
            **({"critic": weights_hash(critic)} if critic else {}),
            "arm": {name: of for name, of in arm.config.moves().items() if name != "title"},
            "sources": {name: experiment.sources[name].asked for name in arm.config.sources},
            "weights": arm.weights,
            "preferences": content_hash(job.preferences),
            "policy": [config.policy.model_dump(), experiment.weights],
            "items": [to_dict(item) for item in experiment.train] if arm.config.online else [],
            "seed": job.seed,
        }

"""Train: ``harness.train``; in a run every arm with every seed, what had finished stays."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.chat.local_weights import located
from harness.experiment.changed import changes, note_made_from, tell_aside
from harness.experiment.context import ShowsTrainings, StartBar, asking_with
from harness.experiment.critics import critics_of
from harness.experiment.experiment import Experiment
from harness.experiment.rewards import open_rewards
from harness.experiment.stages.aggregate import Arm
from harness.experiment.stages.recorded import Answers
from harness.experiment.train_job import REWARD_MODEL, TrainJob, train_alone
from harness.feedback.contract import TIMEOUT_S
from harness.nouns.errors import ConfigError, HarnessError, InputError
from harness.nouns.hashing import content_hash
from harness.nouns.plain_text import visible
from harness.nouns.schema import Response
from harness.policy.weights import check_apart, weights_hash
from harness.records.journal import Journal
from harness.records.rows import read_json, read_rows, to_dict
from harness.records.run_directory import RunDirectory
from harness.records.writes import write_json
from harness.scale_out.local import run_jobs
from harness.train.result import altered

if TYPE_CHECKING:
    from harness.train.push import Card, Push
    from harness.train.result import TrainResult
    from harness.train.settings import TrainerSettings


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
        shown = ("seconds", "steps", "peak_memory_mb", "reward_model", "cost_usd", "learnt")
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
        move(len(results))

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
        critic = critics_of(config, experiment.path).get(job.arm)
        return {
            **({"critic": critic} if critic else {}),
            "arm": {name: of for name, of in arm.config.moves().items() if name != "title"},
            "sources": {name: experiment.sources[name].asked for name in arm.config.sources},
            "weights": arm.weights,
            "preferences": content_hash(job.preferences),
            "policy": [config.policy.model_dump(), experiment.weights],
            "items": [to_dict(item) for item in experiment.train] if arm.config.online else [],
            "seed": job.seed,
        }


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """What a training is given besides its model, rows and folder.

    Args:
        values: Settings of the trainer by name, or an object of its ``Settings``.
        rewards: For trainers that need rewards: the weight of each source by name, of each reward
            model by the folder of its checkpoint, and of each function by ``module:function``.
        options: Of the sources among the rewards.
        seed: Of order and sampling.
        on_step: Called with every row of the log.
        concurrency: Requests to each source in flight at once.
        budget: Stop before judges among the rewards cost more, in dollars; what the journal holds
            counts. Of several processes each has an equal share.
        journal: File that keeps what judges answer, so that the same call pays for nothing twice.
            Of several processes each but the first has one beside it.
        timeout_s: Seconds for one response, of verifiers that have no limit of their own.
        reward_funcs: Reward functions as TRL calls them, each of weight 1, beside the others.
        dataset_config: Configuration of a data set.
        dataset_train_split: Split of a data set; "train", or the only one, by default.
        push_to_hub: Name on the Hub, owner/name, that the result is pushed to with a model card;
            refused before anything is loaded where that cannot be.
        hub_private_repo: Whether a repository that is made there is private.
        environment_factory: Of TRL's environments, for GRPO; or several, by name.
    """

    values: Mapping[str, Any] | TrainerSettings = field(default_factory=dict)
    rewards: Mapping[str, float] = field(default_factory=dict)
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    seed: int = 0
    on_step: Callable[[dict[str, Any]], None] | None = None
    concurrency: int = 32
    budget: float | None = None
    journal: str | Path | None = None
    timeout_s: float = TIMEOUT_S
    reward_funcs: Callable[..., Any] | Sequence[Callable[..., Any]] = ()
    dataset_config: str | None = None
    dataset_train_split: str | None = None
    push_to_hub: str | None = None
    hub_private_repo: bool = False
    environment_factory: Any = None

    @property
    def functions(self) -> Sequence[Callable[..., Any]]:
        """The reward functions, also a single one."""
        if callable(self.reward_funcs):
            return (self.reward_funcs,)
        if isinstance(self.reward_funcs, list | tuple):
            return self.reward_funcs
        raise ConfigError(
            f"reward_funcs are functions, got {self.reward_funcs!r:.60}",
            hint="sources, reward models and module:function stand among the rewards, by name",
        )


def train(
    trainer: str,
    model: str,
    rows: Iterable[Mapping[str, Any]] | str | Path,
    out: str | Path,
    settings: TrainSettings | Mapping[str, Any] | None = None,
) -> TrainResult:
    """Train a policy or a reward model.

    Args:
        trainer: Its name, such as dpo or ppo.
        model: Folder of a checkpoint, or a hub id.
        rows: Or the path of their file, or a data set: in memory, its folder or its hub id. They
            have ``prompt`` and what the trainer learns from:
            ``completion`` (or ``chosen``, which is then imitated, or a chat of ``messages``);
            ``chosen`` and ``rejected``, perhaps with ``probability``; or what the rewards read,
            such as ``reference`` and ``item_id``. The texts may be chats with the prompt in them.
        out: Folder for checkpoint and log; the same call on it goes on after a kill.
        settings: Of the trainer, with its rewards and seed; or its fields by name.

    Returns:
        Steps, seconds, and the paths of checkpoint and log.

    Raises:
        ConfigError: There is no such trainer, a setting is wrong, or rewards do not fit it.
        PluginError: A reward is no source and no folder, or its options are wrong.
        DataError: A row lacks a column, or nothing can be learnt from the rows.
        InputError: There is no such model, the folder is in that of a model, or it holds another
            training.
        MissingExtraError: The libraries for training are not installed.
        BudgetExceededError: The budget is used up; the same call with a higher one goes on.
        HarnessError: A reward never had a verdict.
    """
    from harness.train.data_sets import check_data_apart, is_data_set
    from harness.train.imported import is_import
    from harness.train.other_forms import notes_on
    from harness.train.push import Card
    from harness.train.ranks import rank, ranks
    from harness.train.result import read_log, silent
    from harness.train.row_files import read_training_rows
    from harness.train.trainers import settings_of, trainer_class
    from harness.train.trainers import train as train_rows
    from harness.train.training import TrainOptions

    given = _settings_of(settings)
    checked = settings_of(trainer, given.values, "settings")
    for name, value in {"model": model, "out": out}.items():
        if not isinstance(value, str | Path):
            raise InputError(f"{name} must be a text or a path, got {value!r:.60}")
    check_apart(Path(out), model)
    check_data_apart(Path(out), rows)
    kind = trainer_class(trainer)
    read, places = read_training_rows(rows, given.dataset_config, given.dataset_train_split)
    kind.plain_rows(read, places)
    where = f"{Path(rows).name}: " if isinstance(rows, str | Path) else ""
    used = (*kind.columns(read), *kind.reads)
    named = given.rewards if isinstance(given.rewards, Mapping) else ()
    all_are_read = bool(given.functions) or any(is_import(str(name)) for name in named)
    for line in notes_on(read, used, all_are_read) if rank() == 0 else ():
        sys.stderr.write(f"{visible(where + line)}\n")
    budget = given.budget if given.budget is None else given.budget / ranks()
    limits = given.seed, given.concurrency, budget, given.timeout_s
    with (
        asking_with(_journal_of_rank(given.journal, rank()), *limits) as asking,
        open_rewards(given.rewards, given.options, asking, given.functions) as rewards,
    ):
        check_apart(Path(out), *given.rewards)
        model = located(model)
        options = TrainOptions(
            rewards=rewards,
            seed=given.seed,
            on_step=given.on_step,
            places=places,
            environment_factory=given.environment_factory,
            tell=_tell,
        )
        data = str(rows) if isinstance(rows, str) and is_data_set(rows) else ""
        data = "" if Path(data).is_dir() else data
        weighed = {n: rewards.weights.get(n, 1.0) for n in rewards.functions} if rewards else {}
        card = Card(trainer, str(model), data, checked.given(), weighed, given.seed)
        push = _push(given, card, bool(checked.lora_rank))
        result = train_rows(trainer, model, read, checked, Path(out), options)
    if wrong := silent(read_log(result.log_path)):
        raise HarnessError(f"{out}: {wrong}")
    if push is not None:
        sys.stderr.write(f"pushed to {visible(push.push(card, result))}\n")
    return result


def _journal_of_rank(journal: str | Path | None, rank: int) -> str | Path | None:
    """Return the journal of one process of a training; each writes its own."""
    if journal is None or rank == 0:
        return journal
    path = Path(journal)
    return path.with_name(f"{path.stem}-rank{rank}{path.suffix}")


def _push(given: TrainSettings, card: Card, new_adapter: bool) -> Push | None:
    """Return where the result is pushed by this process, if anywhere, and check that it can be."""
    from harness.train.push import Push
    from harness.train.ranks import rank

    if given.push_to_hub is None or rank() != 0:
        return None
    found = Push(given.push_to_hub, given.hub_private_repo)
    found.check(card, new_adapter)
    return found


def _tell(line: str) -> None:
    sys.stderr.write(f"{visible(line)}\n")


def _settings_of(given: TrainSettings | Mapping[str, Any] | None) -> TrainSettings:
    """Return the settings that are given as an object, by name or not at all."""
    if isinstance(given, TrainSettings):
        return given
    known = [field.name for field in fields(TrainSettings)]
    if not isinstance(given, Mapping | None):
        raise ConfigError(f"settings must be TrainSettings, or a dict of them, got {given!r:.60}")
    named = dict(given or {})
    if unknown := [str(name) for name in named if name not in known]:
        raise ConfigError(
            f"unknown settings: {', '.join(unknown)}",
            where="settings",
            hint=f"known: {', '.join(known)}; those of the trainer stand under values",
        )
    return TrainSettings(**named)

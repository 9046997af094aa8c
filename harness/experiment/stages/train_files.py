"""Train on plain files, with no experiment: ``harness.train``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.chat.local_weights import located
from harness.experiment.context import asking_with
from harness.experiment.rewards import open_rewards
from harness.feedback.contract import TIMEOUT_S
from harness.nouns.errors import ConfigError, HarnessError, InputError
from harness.nouns.plain_text import visible
from harness.policy.weights import check_apart

if TYPE_CHECKING:
    from harness.train.push import Card, Push
    from harness.train.result import TrainResult
    from harness.train.settings import TrainerSettings


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """What a training is given besides its model, rows and folder.

    Args:
        values: Settings of the trainer by name, or an object of its ``Settings``.
        rewards: For trainers that need rewards: the weight of each source by name, of each reward
            model by the folder of its checkpoint, and of each function by ``module:function``.
        options: Of the sources among the rewards; of an ensemble of reward models ``combine``.
        seed: Of order and sampling.
        on_step: Called with every row of the log.
        concurrency: Requests to each source in flight at once.
        budget: Stop before judges among the rewards cost more, in dollars; what the journal holds
            counts. Of several processes each has an equal share.
        journal: File that keeps what judges answer, so that the same call pays for nothing twice.
            Of several processes each but the first has one beside it.
        timeout_s: Seconds for one response, of verifiers that have no limit of their own.
        reward_funcs: Reward functions as TRL calls them, beside the others.
        reward_weights: A number for each of ``reward_funcs``; 1 by default.
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
    reward_weights: Sequence[float] = ()
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
    from harness.train.log import read_log, silent
    from harness.train.other_forms import notes_on
    from harness.train.push import Card
    from harness.train.ranks import rank, ranks
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
        open_rewards(
            given.rewards, given.options, asking, given.functions, given.reward_weights
        ) as rewards,
    ):
        check_apart(Path(out), *given.rewards)
        model = located(model)
        options = TrainOptions(
            rewards=rewards,
            seed=given.seed,
            on_step=given.on_step or _tell_failures(),
            places=places,
            environment_factory=given.environment_factory,
            tell=_tell,
        )
        data = str(rows) if isinstance(rows, str) and is_data_set(rows) else ""
        data = "" if Path(data).is_dir() else data
        weighed = {n: rewards.weights.get(n, 1.0) for n in rewards.functions} if rewards else {}
        chosen = {k: v for k, v in checked.given().items() if k not in checked.elsewhere}
        card = Card(trainer, str(model), data, chosen, weighed, given.seed)
        push = _push(given, card, bool(checked.lora_rank))
        result = train_rows(trainer, model, read, checked, Path(out), options)
    if wrong := silent(read_log(result.log_path)):
        raise HarnessError(f"{out}: {wrong}")
    if push is not None:
        sys.stderr.write(f"pushed to {visible(push.push(card, result))}\n")
    return result


def _tell_failures() -> Callable[[dict[str, Any]], None]:
    """Return what tells of rewards that fail, where nobody looks at the rows of the log."""
    from harness.train.log import new_failures

    said = set[str]()

    def on_step(row: dict[str, Any]) -> None:
        for line in new_failures(row, said):
            sys.stderr.write(f"warning: step {row['step']}: {visible(line)}\n")

    return on_step


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

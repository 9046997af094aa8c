"""What all trainers have in common: checks, fingerprint, folder, log, resume, LoRA, result.

A trainer is one class in a file of its own: its ``name``, its ``Settings``, what it ``needs``, and
``build``, which makes its trainer of TRL (`harness.train.trl_training`), or ``work``, where it has
none. One line in the table of ``harness.train.table`` makes it known to experiments and to
``harness train``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal

from harness.nouns.counted import counted
from harness.nouns.errors import ConfigError, InputError
from harness.policy.answers import Answers, answers_of
from harness.policy.classifiers import check_speaks
from harness.policy.embedded import beyond, check_embedded, check_ends, check_pad
from harness.policy.models import (
    Precision,
    Reference,
    check_adapter,
    context_length,
    has_bfloat16,
    is_adapter,
    load_tokenizer,
    require_train_extra,
)
from harness.policy.prompts import prompt_ids
from harness.policy.shape import Shape, shape_of
from harness.policy.templates import tell_template
from harness.policy.weights import check_apart, check_weights, weights_hash
from harness.train import memory
from harness.train.adapters import edges_of, lora_config
from harness.train.environments import Factory, environments_identity
from harness.train.launched import check_attention, check_launch
from harness.train.left_out import ENDED, LeftOut
from harness.train.left_out import FILE as LEFT_OUT
from harness.train.monitor import Monitor
from harness.train.quiet import quiet
from harness.train.ranks import check_same, join, ranks
from harness.train.report_to import Reports, check_installed
from harness.train.result import OnStep, TrainingFolder, TrainResult, hold
from harness.train.reward_arguments import trainer_state
from harness.train.reward_function import WeightedRewards
from harness.train.row_forms import Row
from harness.train.rows import Placed, plain_rows
from harness.train.settings import TrainerSettings
from harness.train.states import Check, state_to_go_on_from

Needs = Literal["completions", "preferences", "rewards"]

COLUMNS: Mapping[Needs, tuple[str, ...]] = {
    "completions": ("prompt", "completion"),
    "preferences": ("prompt", "chosen", "rejected"),
    "rewards": ("prompt",),
}
"""The columns that every row has, by what a trainer learns from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainOptions:
    """What a training is given besides model, rows, settings and folder.

    Attributes:
        rewards: What trainers that need rewards learn from.
        seed: Of the order of the rows, of new adapters and of sampling.
        monitor: Measurements on a fixed set of prompts; a reward model has none.
        on_step: Called with every row of the log.
        weights: ``weights_hash`` that the model must have; by default what it has now.
        places: Of each row, as "FILE:3"; its number by default.
        environment_factory: Of TRL's environments, for GRPO.
        tell: Called with lines for the terminal, before the first step.
    """

    rewards: WeightedRewards | None = None
    seed: int = 0
    monitor: Monitor | None = None
    on_step: OnStep | None = None
    weights: str | None = None
    places: Sequence[str] = ()
    environment_factory: Factory | None = None
    tell: Callable[[str], None] = field(default=lambda line: None)


class Training(ABC):
    """One training of one model, with the arguments of `harness.train.trainers.train`.

    Raises:
        DataError: A row lacks a column or has something wrong in it.
        MissingExtraError: The libraries for training are not installed.
        ConfigError: A new adapter is to be put on a model that is one.
        InputError: The output folder lies in the model's, or would overwrite it.
    """

    name: ClassVar[str]
    needs: ClassVar[Needs]
    reads: ClassVar[tuple[str, ...]] = ()
    """Columns that a row may have besides, and only this trainer reads."""
    Settings: ClassVar[type[TrainerSettings]]
    makes_policy: ClassVar[bool] = True
    takes_environments: ClassVar[bool] = False
    scale_free: ClassVar[bool] = False
    """Whether rewards times a number teach the same."""

    settings: TrainerSettings
    folder: TrainingFolder
    tokenizer: Any
    reference: Reference

    def __init__(
        self,
        model: str | Path,
        rows: Sequence[Row],
        settings: TrainerSettings,
        out: Path,
        options: TrainOptions,
    ) -> None:
        placed = self.plain_rows(rows, options.places)
        check_apart(out, model)
        require_train_extra()
        check_installed(settings.report_to)
        if settings.lora_rank and is_adapter(model):
            raise ConfigError(
                "lora_rank: the model is a LoRA adapter already, which is trained further",
                where=str(model),
            )
        # A LoRA checkpoint names its base, which is looked for from other directories later.
        self.model = Path(model).absolute() if Path(model).is_dir() else model
        self.rows: Sequence[Row] = [row for _, row in placed]
        self.places = [place for place, _ in placed]
        self.settings, self.out, self.weights = settings, out, options.weights
        self.seed, self.on_step, self.tell = options.seed, options.on_step, options.tell
        self.rewards = options.rewards
        self.monitor = options.monitor if self.makes_policy else None
        self.environment_factory = options.environment_factory
        if self.environment_factory is not None and not self.takes_environments:
            raise ConfigError(f"{self.name} samples without environments", hint="grpo has them")
        self.estimate: dict[str, float] = {}
        self._unread: list[tuple[str, Sequence[int]]] = []

    @classmethod
    def plain_rows(cls, rows: Sequence[Row], places: Sequence[str] = ()) -> list[Placed]:
        """Return what the trainer learns from, and where it stands.

        Raises:
            DataError: A row lacks a column or has something wrong in it; by ``places``, if given.
        """
        return plain_rows(rows, cls.columns(rows), cls.what(), places)

    @classmethod
    def columns(cls, rows: Sequence[Row]) -> tuple[str, ...]:
        """Return the columns that every row has."""
        return COLUMNS[cls.needs]

    @classmethod
    def what(cls) -> str:
        """Return what the rows are called."""
        return "prompts" if cls.needs == "rewards" else cls.needs

    def run(self) -> TrainResult:
        """Train to the end, or return the result of a training that had ended here.

        Raises:
            InputError: There is no such model, it was edited before it was loaded, or the folder
                holds another training or an altered checkpoint.
            ConfigError: Accelerate is configured for what is not done here, or the model cannot be
                trained so.
            DataError: Nothing is left of the rows to learn from.
            HarnessError: Another training runs in the folder.
        """
        check_launch(self.settings.accumulation)
        join()
        self.check_settings()
        inputs = self.inputs()
        self.weights = inputs["weights"]
        settings = self.settings
        reports = Reports(settings.report_to, self.out, settings.given(), self.on_step)
        with ExitStack() as held:
            refused = hold(self.out, held)
            self.folder = TrainingFolder(self.out, inputs, reports)
            done = self.folder.finished()
            check_same(self.out, (done is None, self.folder.states()))
            if done:
                return done
            if refused is not None:
                raise refused
            self.folder.begin()
            return self._to_the_end(reports)

    def _to_the_end(self, reports: Reports) -> TrainResult:
        with quiet():
            self.tokenizer = load_tokenizer(self.model)
            tell_template(self.tokenizer, self.settings.chat_template_kwargs)
            try:
                steps = self.work()
            except InputError:
                self.folder.forget()  # else nothing else could be tried in it
                raise
            finally:
                reports.finish()
        return self.folder.finish(steps, self.left_out, self.reached(steps))

    def check_settings(self) -> None:
        """Refuse what cannot be trained, before anything is loaded or written.

        Raises:
            ConfigError: The settings do not fit the machine, or the trainer the model.
            InputError: There is no such model, it is a learnt prompt, or a classifier where a
                policy is trained.
        """
        if is_adapter(self.model):
            check_adapter(self.model)
        if self.makes_policy:
            check_speaks(self.model)
        check_attention(self.settings.attn_implementation)

    @cached_property
    def answers(self) -> Answers:
        """How answers are tokens of the model."""
        return answers_of(self.model, self.tokenizer)

    @cached_property
    def left_out(self) -> LeftOut:
        """The account of the rows, which ``max_length`` and the model's positions limit."""
        longest, context = self.settings.max_length, context_length(self.model)
        if context is not None and context < longest:
            return LeftOut(self.places, context, f"the {context:,} positions of the model")
        return LeftOut(self.places, longest, f"max_length {longest:,}")

    def learnt(self) -> None:
        """Refuse to train on nothing or beyond the memory; write down what is left out, and needed.

        Raises:
            DataError: No row is left, or one has tokens without an embedding.
            InputError: The pad token has none.
            ConfigError: The training cannot fit the memory.
        """
        self.left_out.refuse_nothing(self.what())
        self._check_embedded()
        if self.folder.writes:
            self.left_out.write(self.folder.path)
            if ended := self.left_out.counts().get(ENDED):
                self.tell(
                    f"{counted(ended, 'row')}: what an answer says after its first end token is not"
                    f" learnt; {LEFT_OUT} names them"
                )
        if self.estimate:
            return
        there, where = memory.available()
        self.estimate = memory.check(self.shape, self.use, self.settings, there, where)
        if self.folder.writes:
            self.tell(memory.told(self.estimate, there, where))
            memory.write(self.folder.path, self.estimate, there, where)

    def occur(self, number: int, *ids: Sequence[int]) -> None:
        """Note the tokens of a row, from 0, that the model is to read: each has an embedding.

        It is the ids that occur which count, and not how many the tokenizer knows.
        """
        longest, size = self.left_out.longest, self.answers.embedded
        some = next((one for one in ids if beyond(one[:longest], size) is not None), None)
        if some is not None:
            self._unread.append((self.places[number], some[:longest]))

    def _check_embedded(self) -> None:
        size, tokenizer = self.answers.embedded, self.tokenizer
        check_pad(tokenizer, self.model, size)
        check_embedded(tokenizer, self.model, self._unread, size)
        if self.monitor is not None:
            check_ends(tokenizer, self.model, self.answers.stops, size)
            asked = (prompt_ids(tokenizer, row["prompt"]) for row in self.monitor.rows)
            rows = ((f"monitored prompt {n}", ids) for n, ids in enumerate(asked, 1))
            check_embedded(tokenizer, self.model, rows, size)

    @cached_property
    def shape(self) -> Shape:
        """The sizes of the model."""
        found = shape_of(self.model, self.settings.attn_implementation)
        edges = edges_of(self.settings, self.model)
        return found if edges is None else replace(found, edges=edges)

    @property
    def precision(self) -> Precision:
        """How models are loaded."""
        return Precision(self.settings.dtype, self.settings.attn_implementation)

    def use(self, settings: Any) -> memory.Use:
        """Return what the training would do with its model under some settings."""
        lora, rewards = settings.lora_rank or self.shape.rank, self.rewards
        return memory.Use(
            tokens=self.at_once(settings) * self.left_out.widest,
            longest=self.left_out.widest,
            lora=lora,
            dtype=settings.dtype,
            autocast=has_bfloat16() and settings.dtype == "float32",
            recomputed=settings.gradient_checkpointing,
            # The monitor measures against a copy of its own.
            copies=0 if lora or self.monitor is None else 1,
            looked=self.monitor.tokens if self.monitor is not None and self.shape.bent else 0,
            others=rewards.held_bytes if rewards else 0,
        )

    @property
    def examples_each(self) -> int:
        """Examples that a row makes."""
        return 1

    def at_once(self, settings: Any) -> int:
        """Return how many examples a pass of this process has at most, under some settings.

        Several processes fill up their last passes with what they had before.
        """
        asked: int = max(1, settings.batch_size // ranks())
        there = self.left_out.used * self.examples_each
        return asked if self.needs == "rewards" or ranks() > 1 else min(asked, there)

    def reached(self, steps: int) -> int:
        """Return how many of the rows that can be learnt from so many steps learnt from."""
        seen = steps * self.settings.batch_size * self.settings.accumulation
        return min(self.left_out.used, -(-seen // self.examples_each))

    def inputs(self) -> dict[str, Any]:
        """Return everything that the result depends on: its hash is the training's fingerprint."""
        factory = self.environment_factory
        return {
            **({} if factory is None else {"environments": environments_identity(factory)}),
            "trainer": self.name,
            "weights": self.weights or weights_hash(self.model),
            "rows": [dict(row) for row in self.rows],
            "rewards": None if self.rewards is None else self.rewards.fingerprint(),
            "settings": self.settings.model_dump(exclude=set(self.settings.elsewhere)),
            "seed": self.seed,
        }

    @abstractmethod
    def work(self) -> int:
        """Train, write the log and the final checkpoint, and return the number of steps.

        Calls ``check_model`` when all is loaded, before it writes anything.
        """

    def steps_done(self, names: tuple[str, str], check: Check) -> int:
        """Return the step of the state from which this training goes on, 0 without any.

        Args:
            names: What stands before and after the number of a state.
            check: Tells whether one is whole.

        Raises:
            InputError: The log does not reach any whole state.
        """
        kept = getattr(self.settings, "log_completions", False)
        step, lines = state_to_go_on_from(self.folder, names, check, kept)
        for line in lines if self.folder.writes else ():
            self.tell(line)
        return step

    def check_model(self) -> None:
        """Refuse a model that was edited between its fingerprint and now.

        Raises:
            InputError: It was.
        """
        check_weights(self.model, str(self.weights))

    def lora_config(self, task: str = "CAUSAL_LM") -> Any:
        """Return the configuration of a new adapter, None when all weights are trained."""
        return lora_config(self.settings, task)

    def rate(self) -> float:
        """Return the peak learning rate."""
        return self.settings.rate(bool(self.settings.lora_rank) or is_adapter(self.model))

    def look(self, policy: Any, step: int, last: int) -> dict[str, Any]:
        """Return the monitor's look at a policy, empty at steps of which none is due."""
        if self.monitor is None or not self.monitor.is_due(step, last):
            return {}
        state = trainer_state(step, last)
        return self.monitor.look(policy, self.reference, self.tokenizer, state)

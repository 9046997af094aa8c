"""What all trainers have in common: checks, fingerprint, folder, log, resume, LoRA, result.

A trainer is one class in a file of its own: its ``name``, its ``Settings``, what it ``needs``, and
``build``, which makes its trainer of TRL (or ``work``, where it has none). One line in the table of
``harness.train.table`` makes it known to experiments and to ``harness train``.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from harness.nouns.errors import ConfigError, InputError
from harness.policy.models import (
    Precision,
    Reference,
    context_length,
    is_adapter,
    load_policy,
    load_tokenizer,
    require_train_extra,
)
from harness.policy.prompts import prompt_ids
from harness.policy.shape import Shape, shape_of
from harness.policy.weights import check_apart, check_weights, weights_hash
from harness.train import memory
from harness.train.environments import Factory, environments_identity
from harness.train.left_out import TOO_LONG, LeftOut
from harness.train.monitor import Monitor
from harness.train.ranks import PATIENCE, check_same, join, joined, of_all, ranks, shared
from harness.train.report_to import Reports, check_installed
from harness.train.result import OnStep, TrainingFolder, TrainResult
from harness.train.reward_arguments import call_rewards, trainer_state, with_all_columns
from harness.train.reward_function import WeightedRewards
from harness.train.row_forms import Row
from harness.train.rows import Placed, plain_rows
from harness.train.settings import SamplingSettings, TrainerSettings, TrlSettings

if TYPE_CHECKING:
    from harness.policy.sampling import Rollout

Needs = Literal["completions", "preferences", "rewards"]

COLUMNS: Mapping[Needs, tuple[str, ...]] = {
    "completions": ("prompt", "completion"),
    "preferences": ("prompt", "chosen", "rejected"),
    "rewards": ("prompt",),
}
"""The columns that every row has, by what a trainer learns from."""

SAME_KEYS = {key: key for key in ("loss", "entropy", "grad_norm", "learning_rate")}
"""Metrics that TRL and the log call alike."""

SCHEDULES = {"constant": "constant_with_warmup", "linear": "linear", "cosine": "cosine"}


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
        if self.needs == "rewards":
            self.rows = with_all_columns(self.rows)
        self.places = [place for place, _ in placed]
        self.settings, self.out, self.weights = settings, out, options.weights
        self.seed, self.on_step, self.tell = options.seed, options.on_step, options.tell
        self.rewards = options.rewards
        if self.rewards is not None and isinstance(settings, SamplingSettings):
            self.rewards = replace(
                self.rewards,
                timeout_s=settings.reward_timeout,
                keep_completions=settings.log_completions,
            )
        self.monitor = options.monitor if self.makes_policy else None
        self.environment_factory = options.environment_factory
        if self.environment_factory is not None and not self.takes_environments:
            raise ConfigError(f"{self.name} samples without environments", hint="grpo has them")
        self.estimate: dict[str, float] = {}

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
            DataError: Nothing is left of the rows to learn from.
        """
        join()
        inputs = self.inputs()
        self.weights = inputs["weights"]
        settings = self.settings
        reports = Reports(settings.report_to, self.out, settings.given(), self.on_step)
        self.folder = TrainingFolder(self.out, inputs, reports)
        done = self.folder.finished()
        check_same(self.out, (done is None, self.folder.states()))
        if done:
            return done
        from harness.train.trl_callbacks import quiet

        with quiet():
            self.tokenizer = load_tokenizer(self.model)
            try:
                steps = self.work()
            except InputError:
                self.folder.forget()  # else nothing else could be tried in it
                raise
            finally:
                reports.finish()
        return self.folder.finish(steps, self.left_out)

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
            DataError: No row is left.
            ConfigError: The training cannot fit the memory.
        """
        self.left_out.refuse_nothing(self.what())
        if self.folder.writes:
            self.left_out.write(self.folder.path)
        if self.estimate:
            return
        there, where = memory.available()
        self.estimate = memory.check(self.shape, self.use, self.settings, there, where)
        if self.folder.writes:
            self.tell(memory.told(self.estimate, there, where))
            memory.write(self.folder.path, self.estimate, there, where)

    @cached_property
    def shape(self) -> Shape:
        """The sizes of the model."""
        return shape_of(self.model, self.settings.attn_implementation)

    @property
    def precision(self) -> Precision:
        """How models are loaded."""
        return Precision(self.settings.dtype, self.settings.attn_implementation)

    def use(self, settings: Any) -> memory.Use:
        """Return what the training would do with its model under some settings."""
        import torch

        lora, rewards = settings.lora_rank or self.shape.rank, self.rewards
        gpu = torch.cuda.is_available() and torch.cuda.is_bf16_supported()
        return memory.Use(
            tokens=max(1, settings.batch_size // ranks()) * self.left_out.widest,
            longest=self.left_out.widest,
            lora=lora,
            dtype=settings.dtype,
            autocast=gpu and settings.dtype == "float32",
            recomputed=settings.gradient_checkpointing,
            # The monitor measures against a copy of its own.
            copies=0 if lora or self.monitor is None else 1,
            others=rewards.held_bytes if rewards else 0,
        )

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

    def check_model(self) -> None:
        """Refuse a model that was edited between its fingerprint and now.

        Raises:
            InputError: It was.
        """
        check_weights(self.model, str(self.weights))

    def lora_config(self, task: str = "CAUSAL_LM") -> Any:
        """Return the configuration of a new adapter, None when all weights are trained."""
        if not self.settings.lora_rank:
            return None
        from peft import LoraConfig

        return LoraConfig(
            r=self.settings.lora_rank,
            lora_alpha=2 * self.settings.lora_rank,
            target_modules="all-linear",
            task_type=task,
            modules_to_save=["score"] if task == "SEQ_CLS" else None,
        )

    def rate(self) -> float:
        """Return the peak learning rate."""
        return self.settings.rate(bool(self.settings.lora_rank) or is_adapter(self.model))

    def look(self, policy: Any, step: int, last: int) -> dict[str, Any]:
        """Return the monitor's look at a policy, empty at steps of which none is due."""
        if self.monitor is None or not self.monitor.is_due(step, last):
            return {}
        state = trainer_state(step, last)
        return self.monitor.look(policy, self.reference, self.tokenizer, state)

    def scored(
        self,
        rows: Sequence[Row],
        rollout: Rollout | None,
        step: int,
        last: int = 0,
        n_rows: int = 1,
    ) -> list[float | None]:
        """Return the rewards of what this rank sampled for a step, one row for each completion.

        Args:
            rows: Of the completions.
            rollout: What was sampled; None where the rank has no rows.
            step: From 1; 0 before the first.
            last: The last step.
            n_rows: Rows in an epoch.
        """
        assert self.rewards is not None
        done = max(0, step - 1)
        state = trainer_state(done, last, done * len(rows) * ranks() / n_rows)
        found = list[float | None]()
        if rollout is not None:
            texts, ids = rollout.texts, rollout.sampled_ids()
            found = call_rewards(self.rewards, rows, texts, ids, trainer_state=state)
        self.folder.keep_completions(step, joined(self.rewards.take_completions()))
        return found

    def readable(self) -> dict[int, Row]:
        """Return the rows with a prompt that leaves room for completions, by number from 0.

        All completions have one limit, ``new_tokens``: what is asked for, or what the longest
        prompt leaves of it. A prompt that leaves less than half of all is left out.

        Raises:
            DataError: There are none.
        """
        assert isinstance(self.settings, SamplingSettings)
        wanted, account = self.settings.max_new_tokens, self.left_out
        account.shorten = "prompts, or max_new_tokens"
        least, widest, found = min(wanted, account.longest // 2), 0, {}
        for number, row in enumerate(self.rows):
            length = len(prompt_ids(self.tokenizer, row["prompt"]))
            if length + least > account.longest:
                account.leave(number, TOO_LONG, length + wanted)
                continue
            found[number], widest = row, max(widest, length)
        self.new_tokens = min(wanted, account.longest - widest)
        account.widest = widest + self.new_tokens
        self.learnt()
        if self.new_tokens < wanted and self.folder.writes:
            self.tell(
                f"completions: at most {self.new_tokens:,} tokens and not {wanted:,}: the longest"
                f" prompt has {widest:,}, and the limit of both is {account.limit}"
            )
        return found


class TrlTraining(Training):
    """A training through one of TRL's trainers."""

    settings: TrlSettings

    log_keys: ClassVar[dict[str, str]] = {}
    """TRL's metrics that the log calls by another name; ``SAME_KEYS`` has the others."""

    @abstractmethod
    def build(self) -> Any:
        """Return TRL's trainer; it is asked for once."""

    def work(self) -> int:
        """Let TRL train."""
        from harness.train.trl_callbacks import StepLog, run_trainer

        self.trainer = self.build()
        self.trainer.add_callback(StepLog(self._begin, self._step))
        steps = run_trainer(self.trainer, self.folder, self.tokenizer)
        self.finish(steps)
        return steps

    def _begin(self, done: int, policy: Any) -> None:
        from harness.train.trl_callbacks import trl_reference

        if self.folder.writes and self.monitor is not None:
            self.reference = trl_reference(self.trainer, self.model, self.precision)
        self.check_model()
        self.folder.total_steps = self.trainer.state.max_steps
        if not self.folder.writes:
            return
        if done == 0 and (row := self.first_row() | self.look(policy, 0, 0)):
            self.folder.log({"step": 0, **row})

    def _step(self, logs: Mapping[str, Any], state: Any, policy: Any) -> None:
        found, completions = dict[str, Any](), list[Mapping[str, Any]]()
        if self.rewards:
            found = self.rewards.take_stats(of_all)
            completions = joined(self.rewards.take_completions())
        found |= self.of_rollout()
        if not self.folder.writes:
            return
        row = {name: logs[key] for key, name in (SAME_KEYS | self.log_keys).items() if key in logs}
        row |= found
        self.folder.keep_completions(state.global_step, completions)
        row |= self.look(policy, state.global_step, state.max_steps)
        self.folder.log({"step": state.global_step, **row})

    def of_rollout(self) -> dict[str, Any]:
        """Return what the log says of what all ranks sampled since the last step."""
        return {}

    def first_row(self) -> dict[str, Any]:
        """Return what the log says before the first step, besides the monitor's look."""
        return {}

    def use(self, settings: Any) -> memory.Use:
        """Return the same, with the logits that TRL's head makes at once."""
        found, wide = super().use(settings), min(32_768, self.shape.vocabulary)
        return replace(found, chunk=4 * wide * min(4_096, found.tokens))

    def finish(self, steps: int) -> None:
        """Do what is left when the checkpoint is written."""

    def trl(self, trainer: Any, config: Any, examples: list[dict[str, Any]], **options: Any) -> Any:
        """Return a trainer of TRL on examples, with options of its configuration.

        Raises:
            ConfigError: The training would end within its warm-up, or TRL refuses a field.
        """
        from datasets import Dataset

        from harness.train.trl_fields import passed_on

        steps = options.get("max_steps") or self._steps(len(examples), options["num_train_epochs"])
        options["warmup_steps"] = self.settings.warm_up(steps)
        if options["warmup_steps"] >= steps:
            raise ConfigError(
                f"warmup_steps is {options['warmup_steps']}, and the training has {steps} steps: it"
                " would end before it has its learning rate",
                hint="leave warmup_steps out, or set fewer",
            )

        given = self.settings.trl
        if "optim" in given and self.settings.dtype == "bfloat16":
            raise ConfigError(
                "trl.optim: bfloat16 weights are moved by AdamW on float32 copies",
                hint="leave optim out, or dtype",
            )
        arguments = self.arguments() | options | passed_on(self.settings.trl_config, given)
        try:
            made = config(**arguments)
            result = trainer(
                **self.trainable(),
                processing_class=self.tokenizer,
                args=made,
                train_dataset=Dataset.from_list(examples),
            )
        except (ValueError, TypeError, ImportError, NotImplementedError) as error:
            if not given:
                raise
            raise ConfigError(f"TRL refuses these fields: {error}", where="trl") from error
        if self.settings.dtype == "bfloat16":
            from harness.train.masters import MasterAdamW

            args = result.args
            betas = args.adam_beta1, args.adam_beta2
            options = {"lr": self.rate(), "betas": betas, "eps": args.adam_epsilon}
            result.optimizer_cls_and_kwargs = MasterAdamW, options
        return result

    def _steps(self, n_examples: int, epochs: float) -> int:
        """Return how many steps transformers makes of so many examples."""
        each = -(-n_examples // self.settings.batch_size)
        return math.ceil(epochs * max(1, -(-each // self.settings.accumulation)))

    def trainable(self) -> dict[str, Any]:
        """Return what the trainer is given of its own: the model, its adapter, perhaps more."""
        policy = load_policy(self.model, precision=self.precision)
        return {"model": policy, "peft_config": self.lora_config()}

    def arguments(self) -> dict[str, Any]:
        """Return the arguments that all of TRL's configurations share."""
        import torch

        settings, gpu = self.settings, torch.cuda.is_available()
        return {
            "output_dir": str(self.folder.resume_dir),
            "seed": self.seed,
            "learning_rate": self.rate(),
            "lr_scheduler_type": SCHEDULES[settings.schedule],
            "per_device_train_batch_size": shared(settings.batch_size),
            "gradient_accumulation_steps": settings.accumulation,
            "max_grad_norm": settings.max_grad_norm,
            "weight_decay": settings.weight_decay,
            "bf16": gpu and torch.cuda.is_bf16_supported(),
            "activation_checkpointing": settings.gradient_checkpointing,
            "dataloader_pin_memory": gpu,
            "logging_steps": 1,
            "save_strategy": "steps",
            "save_steps": settings.checkpoint_every,
            "save_total_limit": 2,
            "ddp_find_unused_parameters": False,
            "ddp_timeout": int(PATIENCE.total_seconds()),
            "report_to": "none",
            "disable_tqdm": True,
        }

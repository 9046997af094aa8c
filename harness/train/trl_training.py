"""What trainings through TRL have in common: the trainer, its arguments, its steps in the log."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, ClassVar

from harness.nouns.errors import ConfigError
from harness.policy.models import has_bfloat16, load_policy
from harness.train.adapters import keep_dropout
from harness.train.left_out import ENDED
from harness.train.memory import Use
from harness.train.ranks import PATIENCE, joined, of_all, shared
from harness.train.settings import TrlSettings
from harness.train.training import Training

SAME_KEYS = {key: key for key in ("loss", "entropy", "grad_norm", "learning_rate")}
"""Metrics that TRL and the log call alike."""

SCHEDULES = {"constant": "constant_with_warmup"}
"""Schedules that transformers calls by another name."""

REFUSALS = (ValueError, TypeError, ImportError, NotImplementedError, LookupError, AttributeError,
            AssertionError)  # fmt: skip
"""What TRL and its packages raise for values that they do not take."""


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
        from harness.train.states import check_checkpoint
        from harness.train.trl_callbacks import CHECKPOINT, StepLog, run_trainer

        self.trainer = self.build()
        self.trainer.add_callback(StepLog(self._begin, self._step))
        done = self.steps_done((CHECKPOINT, ""), check_checkpoint)
        with self.refused(lambda: bool(self.trainer.state.global_step == done)):
            steps = run_trainer(self.trainer, self.folder, self.tokenizer, done)
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

    def use(self, settings: Any) -> Use:
        """Return the same, with the logits that TRL's head makes at once."""
        found, wide = super().use(settings), min(32_768, self.shape.vocabulary)
        return replace(found, chunk=4 * wide * min(4_096, found.tokens))

    def finish(self, steps: int) -> None:
        """Do what is left when the checkpoint is written."""

    def taught(self, number: int, prompt: Any, *texts: str) -> list[list[int]]:
        """Return the tokens to learn of the answers in a row, from 0; note it if one is cut."""
        found = [self.answers.taught(prompt, text) for text in texts]
        if any(more for _, more in found):
            self.left_out.leave(number, ENDED)
        return [ids for ids, _ in found]

    def trl(self, trainer: Any, config: Any, examples: list[dict[str, Any]], **options: Any) -> Any:
        """Return a trainer of TRL on examples, with options of its configuration.

        Raises:
            ConfigError: The training would end within its warm-up, TRL refuses a field, or gets the
                log-probabilities of the model wrong.
        """
        from datasets import Dataset

        from harness.train.trl_checks import check_optimizer, check_schedule
        from harness.train.trl_fields import passed_on
        from harness.train.trl_head import check_head

        if limit := getattr(self.settings, "max_steps", None):
            options["max_steps"] = limit
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
        with self.refused():
            made = config(**arguments)
            if {"optim", "optim_args"} & given.keys():
                check_optimizer(made)
        check_schedule(made, self.settings.schedule, steps)
        with self.refused():
            result = trainer(
                **self.trainable(),
                processing_class=self.tokenizer,
                args=made,
                train_dataset=Dataset.from_list(self.enough(examples, made)),
            )
        keep_dropout(result.model, self.settings)
        if self.makes_policy:
            check_head(result.model, getattr(made, "temperature", 1.0))
        if self.settings.dtype == "bfloat16":
            from harness.train.masters import MasterAdamW

            args = result.args
            betas = args.adam_beta1, args.adam_beta2
            options = {"lr": self.rate(), "betas": betas, "eps": args.adam_epsilon}
            result.optimizer_cls_and_kwargs = MasterAdamW, options
        return result

    @contextmanager
    def refused(self, soon: Callable[[], bool] = lambda: True) -> Iterator[None]:
        """Say that it was fields of TRL's with which TRL could not do something.

        Args:
            soon: Tells whether it was so early that nothing else can be the reason.

        Raises:
            ConfigError: It could not, and there are such fields.
        """
        try:
            yield
        except REFUSALS as error:
            if not self.settings.trl or not soon():
                raise
            raise ConfigError(
                f"TRL refuses these fields: {type(error).__name__}: {error}",
                where=", ".join(f"trl.{name}" for name in self.settings.trl),
            ) from error

    def enough(self, examples: list[dict[str, Any]], made: Any) -> list[dict[str, Any]]:
        """Return the examples, as often as one step of TRL's configuration needs them."""
        return examples

    def _steps(self, n_examples: int, epochs: float) -> int:
        """Return how many steps transformers makes of so many examples.

        Raises:
            ConfigError: None, since what is left of whole batches is dropped.
        """
        each, left = divmod(n_examples, self.settings.batch_size)
        if not self.settings.trl.get("dataloader_drop_last"):
            each += left > 0
        if not each:
            raise ConfigError(
                f"trl.dataloader_drop_last: there are {n_examples} examples, and no whole batch of"
                f" {self.settings.batch_size}",
                hint="set a smaller batch_size, or leave it out",
            )
        return math.ceil(epochs * max(1, -(-each // self.settings.accumulation)))

    def trainable(self) -> dict[str, Any]:
        """Return what the trainer is given of its own: the model, its adapter, perhaps more."""
        from harness.train.trl_head import check_adapted

        policy = load_policy(self.model, precision=self.precision)
        check_adapted(policy, bool(getattr(self.settings, "beta", 0)))
        return {"model": policy, "peft_config": self.lora_config()}

    def arguments(self) -> dict[str, Any]:
        """Return the arguments that all of TRL's configurations share."""
        import torch

        settings = self.settings
        return {
            "output_dir": str(self.folder.resume_dir),
            "seed": self.seed,
            "learning_rate": self.rate(),
            "lr_scheduler_type": SCHEDULES.get(settings.schedule, settings.schedule),
            "per_device_train_batch_size": shared(settings.batch_size),
            "gradient_accumulation_steps": settings.accumulation,
            "max_grad_norm": settings.max_grad_norm,
            "weight_decay": settings.weight_decay,
            "bf16": has_bfloat16(),
            "activation_checkpointing": settings.gradient_checkpointing,
            "dataloader_pin_memory": torch.cuda.is_available(),
            "logging_steps": 1,
            "save_strategy": "steps",
            "save_steps": settings.checkpoint_every,
            "save_total_limit": 2,
            "ddp_find_unused_parameters": False,
            "ddp_timeout": int(PATIENCE.total_seconds()),
            "report_to": "none",
            "disable_tqdm": True,
        }

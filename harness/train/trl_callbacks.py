"""What the harness adds to TRL's trainers: one row per step, looks of the monitor, resume.

Imports transformers at its top, because it subclasses its callback; import this module only inside
functions.
"""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from transformers import PrinterCallback, TrainerCallback

from harness.policy.models import Reference, load_policy, save_final
from harness.policy.sampling import unbent
from harness.train.monitor import Monitor
from harness.train.result import TrainingFolder
from harness.train.settings import TrainerSettings

SCHEDULES = {
    "constant": "constant_with_warmup",
    "linear": "linear",
    "cosine": "cosine",
}


def common_arguments(
    settings: TrainerSettings, folder: TrainingFolder, seed: int
) -> dict[str, Any]:
    """Return the arguments that all TRL configurations share."""
    import torch

    gpu = torch.cuda.is_available()
    return {
        "output_dir": str(folder.resume_dir),
        "seed": seed,
        "learning_rate": settings.learning_rate,
        "warmup_steps": settings.warmup_steps,
        "lr_scheduler_type": SCHEDULES[settings.schedule],
        "per_device_train_batch_size": settings.batch_size,
        "gradient_accumulation_steps": settings.accumulation,
        "max_grad_norm": settings.max_grad_norm,
        "weight_decay": settings.weight_decay,
        "bf16": gpu and torch.cuda.is_bf16_supported(),
        "activation_checkpointing": False,
        "dataloader_pin_memory": gpu,
        "logging_steps": 1,
        "save_strategy": "steps",
        "save_steps": settings.checkpoint_every,
        "save_total_limit": 2,
        "report_to": "none",
        "disable_tqdm": True,
    }


def lora_config(settings: TrainerSettings, task: str = "CAUSAL_LM") -> Any:
    """Return the LoRA configuration of the settings, None when all weights are trained."""
    if not settings.lora_rank:
        return None
    from peft import LoraConfig

    return LoraConfig(
        r=settings.lora_rank,
        lora_alpha=2 * settings.lora_rank,
        target_modules="all-linear",
        task_type=task,
        modules_to_save=["score"] if task == "SEQ_CLS" else None,
    )


def trl_reference(trainer: Any, path: str | Path) -> Reference:
    """Return the reference policy of a TRL trainer, for the monitor.

    TRL keeps a frozen copy of a loaded adapter under the name "ref"; a new adapter's reference is
    the base without it; a whole model needs a copy.
    """
    adapters = getattr(trainer.model, "peft_config", None)
    if adapters is None:
        return Reference(load_policy(path, trainable=False).to(trainer.model.device))
    return Reference(trainer.model, "ref" if "ref" in adapters else "")


class StepLog(TrainerCallback):  # type: ignore[misc]
    """Writes TRL's metrics of every step to the training's log, with the monitor's looks.

    Args:
        folder: Where the log is.
        keys: What TRL's metrics are called in the log; other metrics are left out.
        monitor: Looks at the policy; None for trainers without one.
        reference: Returns the reference policy, asked for once.
        tokenizer: Of the policy.
        extra: Returns further keys for a row.
    """

    def __init__(
        self,
        folder: TrainingFolder,
        keys: Mapping[str, str],
        *,
        monitor: Monitor | None = None,
        reference: Callable[[], Reference] | None = None,
        tokenizer: Any = None,
        extra: Callable[[], Mapping[str, float]] | None = None,
    ) -> None:
        self.folder, self.keys, self.monitor = folder, keys, monitor
        self.make_reference, self.tokenizer, self.extra = reference, tokenizer, extra
        self.reference: Reference | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Look at the untrained policy."""
        if self.monitor is not None and self.folder.writes:
            self.reference = self.make_reference() if self.make_reference else None
            if state.global_step == 0:
                look = self.monitor.look(kwargs["model"], self.reference, self.tokenizer)
                self.folder.log({"step": 0, **look})

    def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Write the row of a step."""
        logs = kwargs["logs"]
        if not self.folder.writes or "loss" not in logs:  # the summary at the end has no loss
            return
        row = {"step": state.global_step}
        row |= {name: logs[key] for key, name in self.keys.items() if key in logs}
        row |= self.extra() if self.extra else {}
        if self.monitor is not None and self.monitor.is_due(state.global_step, state.max_steps):
            row |= self.monitor.look(kwargs["model"], self.reference, self.tokenizer)
        self.folder.log(row)


def run_trainer(trainer: Any, folder: TrainingFolder, tokenizer: Any) -> int:
    """Train to the end, from the last whole resume state if there is one, and save the weights.

    Returns:
        The number of steps.
    """
    trainer.remove_callback(PrinterCallback)
    resume = last_whole_checkpoint(folder.resume_dir)
    folder.rewind(int(resume.name.rpartition("-")[2]) if resume else 0)
    # TRL's GRPO samples inside, and scores without what the checkpoint would bend.
    with unbent(trainer.model) if trainer.model.can_generate() else nullcontext():
        trainer.train(resume_from_checkpoint=str(resume) if resume else None)
    if folder.writes:
        save_final(trainer.accelerator.unwrap_model(trainer.model), tokenizer, folder.final)
    trainer.accelerator.wait_for_everyone()
    steps: int = trainer.state.global_step
    return steps


def last_whole_checkpoint(resume_dir: Path) -> Path | None:
    """Return the newest checkpoint that a kill did not cut short; the others are deleted."""
    whole = []
    for path in resume_dir.glob("checkpoint-*"):
        try:
            # transformers writes this file last.
            json.loads((path / "trainer_state.json").read_text(encoding="utf-8"))
            whole.append(path)
        except (OSError, json.JSONDecodeError):
            shutil.rmtree(path, ignore_errors=True)
    return max(whole, key=lambda path: int(path.name.rpartition("-")[2]), default=None)


@contextmanager
def quiet() -> Iterator[None]:
    """Silence what a user can do nothing about, and the bars of datasets and transformers.

    The harness shows progress of its own. The warning is transformers' about its own old name,
    which peft and trl still read.
    """
    import datasets
    from transformers.utils import logging as transformers_logging

    bars = datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    model_bars = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*is_gradient_checkpointing", FutureWarning)
            yield
    finally:
        if not bars:
            datasets.enable_progress_bars()
        if model_bars:
            transformers_logging.enable_progress_bar()

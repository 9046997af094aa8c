"""What the harness adds to TRL's trainers: one row per step, looks of the monitor, resume.

Imports transformers at its top, because it subclasses its callback; import this module only inside
functions.
"""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from transformers import PrinterCallback, TrainerCallback

from harness.policy.models import Reference, load_policy, save_final
from harness.policy.sampling import unbent
from harness.train.result import TrainingFolder
from harness.train.training import TrlTraining


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
        training: Whose log, monitor and rewards.
        trainer: TRL's trainer, from which the monitor's reference policy is taken.
    """

    def __init__(self, training: TrlTraining, trainer: Any) -> None:
        self.training, self.trainer = training, trainer
        self.reference: Reference | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Look at the untrained policy."""
        training = self.training
        if not training.folder.writes:
            return
        if training.monitor is not None:
            self.reference = trl_reference(self.trainer, training.model)
        if state.global_step == 0 and (row := training.first_row() | self.look(kwargs["model"])):
            training.folder.log({"step": 0, **row})

    def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Write the row of a step."""
        logs, training = kwargs["logs"], self.training
        if not training.folder.writes or "loss" not in logs:  # the summary at the end has no loss
            return
        row = {"step": state.global_step}
        row |= {name: logs[key] for key, name in training.log_keys.items() if key in logs}
        row |= training.rewards.take_stats() if training.rewards else {}
        if training.monitor is not None and training.monitor.is_due(
            state.global_step, state.max_steps
        ):
            row |= self.look(kwargs["model"])
        training.folder.log(row)

    def look(self, policy: Any) -> dict[str, Any]:
        """Return a look of the monitor, if there is one."""
        if self.training.monitor is None:
            return {}
        return self.training.monitor.look(policy, self.reference, self.training.tokenizer)


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

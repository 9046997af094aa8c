"""What the harness adds to TRL's trainers: one row per step, looks of the monitor, resume.

Imports transformers at its top, because it subclasses its callback; import this module only inside
functions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from transformers import PrinterCallback, TrainerCallback

from harness.nouns.errors import DataError
from harness.policy.models import Precision, Reference, load_policy, save_final
from harness.records.writes import saving
from harness.train.quiet import tied
from harness.train.result import TrainingFolder

CHECKPOINT = "checkpoint-"
"""What the names of transformers' checkpoints begin with; the step follows."""


def trl_reference(trainer: Any, path: str | Path, precision: Precision) -> Reference:
    """Return the reference policy of a TRL trainer, for the monitor.

    TRL keeps a frozen copy of a loaded adapter under the name "ref"; a new adapter's reference is
    the base without it; a whole model needs a copy.
    """
    adapters = getattr(trainer.model, "peft_config", None)
    if adapters is None:
        copy = load_policy(path, trainable=False, precision=precision)
        return Reference(copy.to(trainer.model.device))
    return Reference(trainer.model, "ref" if "ref" in adapters else "")


class StepLog(TrainerCallback):  # type: ignore[misc]
    """Calls ``begin(steps done, policy)``, and ``step(TRL's metrics, its state, policy)``."""

    def __init__(self, begin: Callable[..., None], step: Callable[..., None]) -> None:
        self.begin, self.step = begin, step

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Tell of the untrained policy."""
        self.begin(state.global_step, kwargs["model"])

    def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Tell of a step; the summary at the end has no loss."""
        if "loss" in kwargs["logs"]:
            self.step(kwargs["logs"], state, kwargs["model"])


def run_trainer(trainer: Any, folder: TrainingFolder, tokenizer: Any, done: int) -> int:
    """Train to the end, from the state after the steps that are done, and save; return the steps.

    Raises:
        DataError: TRL ended before its last step.
    """
    trainer.remove_callback(PrinterCallback)
    resume = folder.resume_dir / f"{CHECKPOINT}{done}" if done else None
    folder.rewind(done)
    # TRL's GRPO samples inside, and scores without what the checkpoint would bend.
    quietly = tied(trainer.accelerator.unwrap_model(trainer.model))
    bent = unbent(trainer.model) if trainer.model.can_generate() else nullcontext()
    with bent, quietly, saving(folder.resume_dir):
        trainer.train(resume_from_checkpoint=str(resume) if resume else None)
    steps, wanted = trainer.state.global_step, trainer.state.max_steps
    if steps < wanted:
        raise DataError(f"TRL ended after {steps:,} of {wanted:,} steps: it found no whole batch")
    if folder.writes:
        save_final(trainer.accelerator.unwrap_model(trainer.model), tokenizer, folder.final)
    trainer.accelerator.wait_for_everyone()
    return int(steps)


@contextmanager
def unbent(model: Any) -> Iterator[None]:
    """Empty the generation config of a model's checkpoint for a while, but for its end ids.

    transformers fills in from it whatever a call leaves unset: penalties, bans, lengths, biases,
    cut-offs. Log-probabilities are computed without them, so sampling must be, too. Outside, the
    config is as the checkpoint has it, and is saved with the weights.
    """
    from transformers import GenerationConfig

    values = vars(model.generation_config)
    kept = dict(values)
    values.clear()
    values.update(vars(GenerationConfig(eos_token_id=kept["eos_token_id"])))
    try:
        yield
    finally:
        values.clear()
        values.update(kept)

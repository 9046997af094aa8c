"""What can be wrong with the values of a training through TRL, seen before its model is loaded."""

from __future__ import annotations

import math
from typing import Any

from harness.nouns.errors import ConfigError

LOOKS = 1_000
"""Steps of a schedule at which its rate is looked at."""


def check_schedule(made: Any, schedule: str, steps: int) -> None:
    """Refuse a schedule that transformers does not make, or under which nothing would be learnt.

    Args:
        made: TRL's configuration.
        schedule: Its name as a setting.
        steps: Of the training.

    Raises:
        ConfigError: It lacks what it needs, has something that it does not take, or its rates are
            below 0 or all 0.
    """
    import torch
    from transformers import get_scheduler

    given = made.lr_scheduler_kwargs or {}
    if schedule == "constant" and given:
        raise ConfigError(f"trl.lr_scheduler_kwargs: schedule {schedule} takes none")
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=made.learning_rate)
    try:
        found = get_scheduler(
            made.lr_scheduler_type, optimizer, int(made.warmup_steps), steps, given
        )
        each = max(1, steps // LOOKS)
        factors = [found.lr_lambdas[0](step) for step in range(0, steps + 1, each)]
    except (ValueError, TypeError, ArithmeticError) as error:
        raise ConfigError(
            f"schedule: {schedule} cannot be made with {given or 'nothing besides'}: {error}",
            hint="set trl.lr_scheduler_kwargs to what transformers' schedule takes besides",
        ) from error
    if not all(isinstance(one, int | float) and 0 <= one < math.inf for one in factors):
        raise ConfigError(f"schedule: {schedule} with {given} has rates below 0, or that are none")
    if not any(factors):
        raise ConfigError(f"schedule: {schedule} with {given} has no rate above 0")


def check_optimizer(made: Any) -> None:
    """Make the optimizer of TRL's configuration, but for its weights.

    Raises:
        ValueError: It has options that it does not take.
        ImportError: Its package is not installed.
    """
    from transformers import Trainer

    Trainer.get_optimizer_cls_and_kwargs(made)

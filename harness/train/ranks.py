"""What the ranks of a training share: each does its part, and then all of them know the whole.

A rank is one process of a training under ``accelerate launch``; a training without it has one. What
is drawn does not depend on how many ranks there are, and what is known of a rollout is the same on
each: so a training on several is the training on one, but for rounding, and so is its log.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from harness.nouns.errors import ConfigError
from harness.policy.sampling import Rollout

if TYPE_CHECKING:
    from torch import Tensor

T = TypeVar("T")

PATIENCE = timedelta(hours=4)
"""How long a rank waits for the others: one of them may ask judges, or look at held-out prompts."""


def ranks() -> int:
    """Return how many processes this training has."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def rank() -> int:
    """Return the number of this process among them, from 0."""
    return int(os.environ.get("RANK", "0"))


def part(size: int) -> slice:
    """Return what this rank does of so many things: as many as the others, but for one."""
    return slice(size * rank() // ranks(), size * (rank() + 1) // ranks())


def join() -> None:
    """Join the other ranks; without it the first to use accelerate would, with less patience.

    Raises:
        ConfigError: They cannot be joined: without it each would train by itself.
    """
    if ranks() == 1:
        return
    from accelerate import PartialState
    from accelerate.utils import parse_flag_from_env

    on_cpu = parse_flag_from_env("ACCELERATE_USE_CPU")
    joined = PartialState(cpu=on_cpu, timeout=PATIENCE).num_processes
    if joined != ranks():
        raise ConfigError(
            f"this is one of {ranks()} processes, and {joined} could be joined",
            hint="start them with accelerate launch, with --cpu where there is no GPU",
        )


def check_same(folder: Path, seen: Any) -> None:
    """Refuse to train where ranks see different things in the folder of the training.

    Raises:
        ConfigError: They do, so not all of them have the folder.
    """
    if len({repr(one) for one in of_all(seen)}) > 1:
        raise ConfigError(
            "the processes of this training see different files in its folder",
            where=str(folder),
            hint="name a folder that all machines share",
        )


def of_all(thing: T) -> list[T]:
    """Return what each rank has, in their order; all of them call this at the same place."""
    if ranks() == 1:
        return [thing]
    from accelerate.utils import gather_object

    join()
    found: list[T] = gather_object([thing])
    return found


def joined(things: Sequence[T]) -> list[T]:
    """Return the things of all ranks in one list, in their order."""
    return list(chain.from_iterable(of_all(things)))


def shared(batch_size: int) -> int:
    """Return the examples of a pass on each rank.

    Raises:
        ConfigError: They cannot be shared.
    """
    if batch_size % ranks():
        raise ConfigError(
            f"batch_size {batch_size} is no multiple of {ranks()} ranks, which share it",
            hint=f"set it to {-(-batch_size // ranks()) * ranks()}",
        )
    return batch_size // ranks()


def whole_rollout(
    accelerator: Any, rollout: Rollout, pad: int, *of_tokens: Tensor | None
) -> tuple[Any, ...]:
    """Return the rollout of all ranks, in their order, and what is known of its tokens.

    Args:
        accelerator: Of the training.
        rollout: What this rank sampled.
        pad: Id of padding.
        of_tokens: (n, C) each, 0 at padding; or None, which stays so.
    """
    if ranks() == 1:
        return rollout, *of_tokens

    def gathered(tensor: Tensor, fill: int = 0, left: bool = False) -> Tensor:
        wide = accelerator.pad_across_processes(tensor, dim=1, pad_index=fill, pad_first=left)
        found: Tensor = accelerator.gather(wide)
        return found

    found = replace(
        rollout,
        prompt_ids=gathered(rollout.prompt_ids, pad, left=True),
        prompt_mask=gathered(rollout.prompt_mask, left=True),
        completion_ids=gathered(rollout.completion_ids, pad),
        completion_mask=gathered(rollout.completion_mask),
        ended=accelerator.gather(rollout.ended.long()).bool(),
        texts=joined(rollout.texts),
        drawn=None if rollout.drawn is None else gathered(rollout.drawn),
    )
    return found, *(None if tensor is None else gathered(tensor) for tensor in of_tokens)

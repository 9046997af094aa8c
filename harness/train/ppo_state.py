"""The states from which a PPO training goes on: weights, optimizer and KL coefficient in a file."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.records.writes import saving, whole
from harness.train.states import numbered

if TYPE_CHECKING:
    from torch import Tensor

STATE = ("step-", ".pt")
"""What stands before and after the step in the name of a state."""


def state_path(folder: Path, step: int) -> Path:
    """Return where the state after a step is."""
    return folder / str(step).join(STATE)


def write_state(folder: Path, step: int, state: Mapping[str, Any]) -> None:
    """Write the state after a step, all or nothing; others are deleted."""
    import torch

    path = state_path(folder, step)
    with saving(path), whole(path) as part:
        torch.save(dict(state), part)
    for number, old in numbered(folder, *STATE).items():
        if number != step:
            old.unlink()


def read_state(trained: Mapping[str, Tensor], optimizer: Any, path: Path, step: int) -> Any:
    """Return a state.

    Args:
        trained: Weights of the training that is to go on with it.
        optimizer: Of that training.
        path: Of the state.
        step: After which it was written.

    Raises:
        OSError: It cannot be read.
        ValueError: It is cut or damaged, or another training's.
    """
    import torch

    def sizes(groups: Any) -> list[int]:
        return [len(group["params"]) for group in groups]

    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        shapes = {name: weights.shape for name, weights in state["weights"].items()}
        groups, _ = sizes(state["optimizer"]["param_groups"]), state["optimizer"]["state"]
        fits = state["step"] == step and float(state["beta"]) >= 0
    except (RuntimeError, EOFError, pickle.UnpicklingError, LookupError, TypeError) as error:
        raise ValueError("it cannot be read") from error
    fits = fits and shapes == {name: weights.shape for name, weights in trained.items()}
    if not fits or groups != sizes(optimizer.param_groups):
        raise ValueError("it is of another training")
    return state

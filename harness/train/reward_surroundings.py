"""What reward functions find around them stays as it is, whatever they do to it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def kept_settings() -> Iterator[None]:
    """Put back what a function of one's own may have set for the whole process.

    That is PyTorch's default dtype and device, whether it makes gradients and is deterministic, and
    the working directory: the training would go on with them, or end in an error that names
    something else.
    """
    import torch

    folder = os.getcwd()
    dtype, device = torch.get_default_dtype(), torch.get_default_device()
    grad, inference = torch.is_grad_enabled(), torch.is_inference_mode_enabled()
    strict = torch.are_deterministic_algorithms_enabled()
    only_warn = torch.is_deterministic_algorithms_warn_only_enabled()
    try:
        yield
    finally:
        if torch.get_default_dtype() != dtype:
            torch.set_default_dtype(dtype)
        if torch.get_default_device() != device:
            torch.set_default_device(device)
        if torch.is_inference_mode_enabled() == inference:
            torch.set_grad_enabled(grad)
        torch.use_deterministic_algorithms(strict, warn_only=only_warn)
        if not _is_here(folder):
            os.chdir(folder)


@contextmanager
def kept_chance() -> Iterator[None]:
    """Put back the state of PyTorch's random numbers, from which TRL samples.

    A function that seeds them would let each rollout begin with the same draws.
    """
    import torch

    state = torch.get_rng_state()
    cards = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
    try:
        yield
    finally:
        torch.set_rng_state(state)
        if cards:
            torch.cuda.set_rng_state_all(cards)


def _is_here(folder: str) -> bool:
    try:
        return os.getcwd() == folder
    except OSError:  # the folder that it went to is gone
        return False

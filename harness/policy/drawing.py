"""A step of sampling: uniform numbers, the token that one names, and where a batch stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


def uniforms(n: int, width: int, seed: int | None) -> Tensor:
    """Return (n, width) numbers from 0 to 1, float64; of a seed, or of the global random state."""
    import torch

    generator = None if seed is None else torch.Generator().manual_seed(seed)
    return torch.rand(n, width, generator=generator, dtype=torch.float64)


def draw(logits: Tensor, temperature: float, chance: Tensor) -> tuple[Tensor, Tensor]:
    """Return a token for each row, and its log-probability in nats.

    The token is the first at which the distribution function passes the row's chance.

    Args:
        logits: (rows, vocabulary).
        temperature: Divides them; 0 takes the most likely token, whose log-probability is that at
            temperature 1.
        chance: (rows,), uniform from 0 to 1.
    """
    logprobs = (logits.float() / (temperature or 1.0)).log_softmax(-1)
    if temperature == 0:
        tokens = logprobs.argmax(-1, keepdim=True)
    else:
        upto = logprobs.double().exp_().cumsum(-1)
        # The sum is 1 but for rounding: a chance above it would name no token.
        tokens = (upto < (chance * upto[:, -1]).unsqueeze(-1)).sum(-1, keepdim=True)
    return tokens.squeeze(-1), logprobs.gather(-1, tokens).squeeze(-1)


@dataclass
class State:
    """Where a batch stands between two tokens.

    Attributes:
        tokens: (n, C) ids of all sequences, padding where nothing is yet.
        logprobs: (n, C) of them.
        chances: (n, C).
        column: The next to be drawn.
        rows: (going,) the sequences that go on, as rows of the above.
        mask: (going, columns so far), 1 at real tokens.
        logits: (going, vocabulary) of the next token.
        cache: Keys and values of those that go on.
    """

    tokens: Tensor
    logprobs: Tensor
    chances: Tensor
    column: int
    rows: Tensor
    mask: Tensor
    logits: Tensor
    cache: Any

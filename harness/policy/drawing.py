"""A step of sampling: uniform numbers, the token that one names, and where a batch stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


BLOCK = 256
"""Tokens whose shares are first added up as one."""


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
    import torch

    logits = logits.float()
    if temperature not in (0, 1):
        logits = logits / temperature
    logits = logits - logits.amax(-1, keepdim=True)
    shares = torch.exp(logits)
    sums = _sums(shares)
    if temperature == 0:
        tokens = logits.argmax(-1, keepdim=True)
    else:
        tokens = _place(shares, sums, chance.unsqueeze(-1))
    logprobs = logits.gather(-1, tokens).squeeze(-1) - sums[:, -1].log().float()
    return tokens.squeeze(-1), logprobs


def _sums(shares: Tensor) -> Tensor:
    """Return, float64, the sums of shares (rows, n) from the left to the end of each block."""
    import torch

    whole = shares.size(-1) // BLOCK * BLOCK
    blocks = shares[:, :whole].unflatten(-1, (-1, BLOCK)).sum(-1) if whole else shares[:, :0]
    rest = shares[:, whole:].sum(-1, keepdim=True)
    return torch.cat([blocks, rest], -1).double().cumsum(-1)


def _place(shares: Tensor, sums: Tensor, chance: Tensor) -> Tensor:
    """Return, (rows, 1), where the sum of shares (rows, n) from the left first passes a chance.

    First the block is found, then the place in it: the sums to all places of a wide row would take
    most of the time of a step. A chance above the sum by rounding names the last that has a share.

    Args:
        shares: (rows, n), not negative.
        sums: (rows, blocks) from `_sums`.
        chance: (rows, 1), of the whole sum.
    """
    import torch

    aim = chance * sums[:, -1:]
    block = (sums < aim).sum(-1, keepdim=True).clamp(max=sums.size(-1) - 1)
    before = torch.nn.functional.pad(sums, (1, 0)).gather(-1, block)
    places = block * BLOCK + torch.arange(min(BLOCK, shares.size(-1)), device=shares.device)
    last = shares.size(-1) - 1
    some = shares.gather(-1, places.clamp(max=last)).double() * (places <= last)
    upto = before + some.cumsum(-1)
    # Sums of a block and of its places round differently.
    return (places[:, :1] + (upto < aim.minimum(upto[:, -1:])).sum(-1, keepdim=True)).clamp(
        max=last
    )


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

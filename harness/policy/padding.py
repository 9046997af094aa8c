"""Rows of token ids as rectangles; masks come from lengths, and positions from the masks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def padded(rows: Sequence[Sequence[int]], pad_id: int, side: str) -> tuple[Tensor, Tensor]:
    """Return (ids, mask), both (n, longest) int64, padded on one side: "left" or "right"."""
    import torch

    width = max(len(row) for row in rows)
    ids = torch.full((len(rows), width), pad_id)
    mask = torch.zeros_like(ids)
    for number, row in enumerate(rows):
        place = slice(width - len(row), width) if side == "left" else slice(len(row))
        ids[number, place] = torch.tensor(row, dtype=torch.long)
        mask[number, place] = 1
    return ids, mask


def positions(mask: Tensor) -> Tensor:
    """Return the position of each token among the real ones, (n, width); 0 at padding before."""
    return (mask.cumsum(-1) - 1).clamp(min=0)

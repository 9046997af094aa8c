"""Labels that choose and labels that prove, apart: by prompt, whatever the order of the file."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from harness.nouns.hashing import seed_of
from harness.statistics.arrays import IntArray

Mask = npt.NDArray[np.bool_]

SHARE = 0.5
"""Of the prompts that choose; the others are held back to prove."""


def chooses(prompts: Iterable[str], seed: int = 0, share: float = SHARE) -> Mask:
    """Return (n,) whether the labels of a prompt choose; the others are held back.

    The name of the prompt decides, so that a label stays on its side when the file is sorted
    anew or grows.

    Args:
        prompts: The prompt (cluster) of each label.
        seed: Another one makes other halves.
        share: Of the prompts that choose, between 0 and 1.
    """
    drawn = [seed_of(f"{seed}\0{prompt}", 32) / 2**32 < share for prompt in prompts]
    return np.array(drawn, dtype=bool)


def with_their_prompts(spent: Mask, clusters: IntArray) -> Mask:
    """Return (n,) what is spent with the prompts that labels chose by.

    Items of one prompt are alike, so what chose by one of them knows the others.

    Args:
        spent: (n,) whether the label of an item was used.
        clusters: (n,) prompt of each.
    """
    return np.asarray(np.isin(clusters, np.unique(clusters[spent])))

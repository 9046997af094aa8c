"""How many bytes tensors over the vocabulary take at one time."""

from __future__ import annotations

import weakref
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

QWEN = 151_936
"""Size of the vocabulary of Qwen2.5."""

TILE = 32_768
"""Tokens of the vocabulary that the head of TRL's trainers makes logits of at once."""


class Watch(TorchDispatchMode):  # type: ignore[misc]
    """The most bytes that tensors over the vocabulary take at one time, but for weights.

    Args:
        vocabulary: Its size; the last axis of what is counted has that, or TRL's tile, or what is
            left of the vocabulary after such tiles.
    """

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.sizes = {vocabulary, TILE, vocabulary % TILE}
        self.now, self.peak, self.seen = 0, 0, set[int]()

    def __torch_dispatch__(self, call: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Count what a call makes."""
        out = call(*args, **(kwargs or {}))
        for one in out if isinstance(out, tuple | list) else [out]:
            if isinstance(one, Tensor) and one.dim() and one.size(-1) in self.sizes:
                self._count(one.untyped_storage())
        return out

    def _count(self, storage: Any) -> None:
        if storage._cdata in self.seen:
            return
        size, key = storage.nbytes(), storage._cdata
        self.seen.add(key)
        self.now += size
        self.peak = max(self.peak, self.now)

        def gone() -> None:
            self.seen.discard(key)
            self.now -= size

        weakref.finalize(storage, gone)


def wide_model(**options: Any) -> Any:
    """Return a model of random weights: the vocabulary of Qwen2.5 on a small body."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    torch.manual_seed(0)
    sizes = dict.fromkeys(
        ("num_hidden_layers", "num_attention_heads", "num_key_value_heads"), 1
    ) | dict.fromkeys(("hidden_size", "intermediate_size"), 8)
    return Qwen2ForCausalLM(Qwen2Config(vocab_size=QWEN, **sizes, **options))

"""Steps of sampling of fixed shapes, which a GPU is given once: as a CUDA graph.

In a small model a step takes the time of its thousand launches and not that of its arithmetic. The
keys and values stand in memory of the whole length, everything that a step changes is on the
device, and nothing is asked of it but, once in a while, whether anybody goes on.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from harness.policy.drawing import State, draw

if TYPE_CHECKING:
    from torch import Tensor

ASKED = 16
"""Steps between two questions to the device."""


def fits(inner: Any, device: Any) -> bool:
    """Tell whether a model can be sampled from so: whole attention, and a mask of four axes."""
    from transformers import StaticCache
    from transformers.cache_utils import StaticLayer

    if device.type != "cuda" or getattr(inner.config, "_attn_implementation", "") != "sdpa":
        return False
    layers = StaticCache(config=inner.config, max_cache_len=8).layers
    return all(type(layer) is StaticLayer for layer in layers)


class Steps:
    """The steps of a batch from one state on; ``run`` makes them all, or until few go on.

    Args:
        model: The model.
        inner: The model of transformers in it.
        state: Where the sequences stand; it is written to.
        temperature: Of sampling.
        ends: (stops,) ids that end a completion.
        pad: Id of padding.
    """

    def __init__(
        self, model: Any, inner: Any, state: State, temperature: float, ends: Tensor, pad: int
    ) -> None:
        import torch
        from transformers import StaticCache

        self.model, self.temperature, self.ends, self.pad = model, temperature, ends, pad
        self.state, self.first = state, state.column
        n, past = state.mask.shape
        self.past, self.width = past, state.chances.size(1) - state.column
        device = state.mask.device
        self.chances = state.chances[state.rows, state.column :]
        self.tokens = torch.full((n, self.width), pad, device=device)
        self.logprobs = torch.zeros(n, self.width, device=device)
        self.cache = StaticCache(config=inner.config, max_cache_len=past + self.width)
        # Under autocast keys are float32 and values are not; one type holds both.
        auto = torch.is_autocast_enabled(device.type)
        kind = torch.get_autocast_dtype(device.type) if auto else state.cache.layers[0].keys.dtype
        for layer, made in zip(self.cache.layers, state.cache.layers, strict=True):
            layer.lazy_initialization(made.keys.to(kind), made.values.to(kind))
            layer.update = partial(_update, layer)
            layer.keys[:, :, :past] = made.keys
            layer.values[:, :, :past] = made.values
        state.cache = None  # it is not needed twice
        self.allowed = torch.zeros(n, 1, 1, past + self.width, dtype=torch.bool, device=device)
        self.logits, self.place = state.logits.clone(), state.mask.sum(1, keepdim=True)
        self.going = torch.ones(n, dtype=torch.bool, device=device)
        self.column = torch.zeros(1, dtype=torch.long, device=device)
        self.rewind()

    def rewind(self) -> None:
        """Stand before the first step again."""
        self.allowed.zero_()
        self.allowed[:, 0, 0, : self.past] = self.state.mask.bool()
        self.logits.copy_(self.state.logits)
        self.place.copy_(self.state.mask.sum(1, keepdim=True))
        self.going.fill_(True)
        self.column.zero_()
        self.tokens.fill_(self.pad)
        self.logprobs.zero_()
        for layer in self.cache.layers:
            layer.cumulative_length.fill_(self.past)

    def step(self) -> None:
        """Draw a token for each sequence, and make the logits of the next."""
        chance = self.chances.index_select(1, self.column).squeeze(1)
        drawn, known = draw(self.logits, self.temperature, chance)
        drawn, known = drawn.where(self.going, self.pad), known.where(self.going, 0.0)
        self.tokens.index_copy_(1, self.column, drawn.unsqueeze(1))
        self.logprobs.index_copy_(1, self.column, known.unsqueeze(1))
        self.going.logical_and_((drawn.unsqueeze(1) != self.ends).all(1))
        self.allowed.index_fill_(3, self.column + self.past, True)
        logits = self.model(
            input_ids=drawn.unsqueeze(1),
            attention_mask=self.allowed,
            position_ids=self.place,
            past_key_values=self.cache,
            use_cache=True,
        ).logits[:, -1]
        self.logits.copy_(logits)
        self.place += 1
        self.column += 1

    def captured(self) -> Any:
        """Return what makes a step: the replay of its graph."""
        import torch

        if self.logits.device.type != "cuda":
            return self.step
        beside = torch.cuda.Stream()
        beside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(beside):
            for _ in range(2):
                self.step()
        torch.cuda.current_stream().wait_stream(beside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self.step()
        self.rewind()
        self.graph = graph  # lives as long as what it writes to
        return graph.replay

    def run(self, few: int) -> State:
        """Make steps until all are made, nobody goes on, or no more than ``few`` do."""
        step, done, left = self.captured(), 0, len(self.going)
        while done < self.width and left > few:
            for _ in range(min(ASKED, self.width - done)):
                step()
                done += 1
            left = int(self.going.sum())
        return self._state(done)

    def _state(self, done: int) -> State:
        """Write what was sampled into the state, and keep the sequences that go on."""
        import torch

        state, kept = self.state, self.going.nonzero().squeeze(-1)
        columns = slice(self.first, self.first + done)
        state.tokens[state.rows, columns] = self.tokens[:, :done]
        state.logprobs[state.rows, columns] = self.logprobs[:, :done]
        length = self.past + done
        cache = _Kept([(one.keys, one.values) for one in self.cache.layers], kept, length)
        mask = self.allowed[kept, 0, 0, :length].to(state.mask.dtype)
        return State(
            tokens=state.tokens,
            logprobs=state.logprobs,
            chances=state.chances,
            column=self.first + done,
            rows=state.rows[kept],
            mask=mask,
            logits=torch.index_select(self.logits, 0, kept),
            cache=cache,
        )


def _update(layer: Any, keys: Tensor, values: Tensor, *_: Any, **__: Any) -> Any:
    """Write new keys and values in the type of the memory."""
    kind = layer.keys.dtype
    return type(layer).update(layer, keys.to(kind), values.to(kind))


class _Layer:
    def __init__(self, keys: Tensor, values: Tensor) -> None:
        self.keys, self.values = keys, values


class _Kept:
    """Keys and values of some sequences, cut to a length."""

    def __init__(self, layers: list[tuple[Tensor, Tensor]], rows: Tensor, length: int) -> None:
        self.layers = [_Layer(k[rows, :, :length], v[rows, :, :length]) for k, v in layers]

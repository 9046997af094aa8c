"""Sampling in this process: a cache of keys and values, shared prompts, and no finished sequences.

What a token is drawn with is its row of uniform numbers, made before the first token: so a
completion does not depend on what stands beside it, on how many are made at once, or on the
device, but for rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from harness.policy import decode_graph
from harness.policy.drawing import State, draw
from harness.policy.head_kind import inner_of
from harness.policy.padding import padded, positions
from harness.policy.recurrent import is_recurrent, sample_whole

if TYPE_CHECKING:
    from torch import Tensor

SPARE = 0.75
"""Finished sequences leave the batch when the others are no more than this share of it."""

WORTH = 32
"""Sequences from which on a graph of a step is made again when half of them have ended."""


def generate(
    model: Any,
    prompts: Sequence[Sequence[int]],
    each: int,
    chances: Tensor,
    temperature: float,
    stops: Sequence[int],
    pad: int,
) -> tuple[Tensor, Tensor]:
    """Return sampled ids, (n, C) int64, and what they were drawn with, (n, C) in nats.

    A sequence ends with its first stop token; after it come ``pad`` and 0.

    Args:
        model: A causal language model of transformers, in evaluation mode.
        prompts: Token ids.
        each: Completions of each prompt, next to each other: n in all.
        chances: (n, most tokens of a completion), from `uniforms`.
        temperature: Of sampling; 0 takes the most likely token.
        stops: Ids that end a completion.
        pad: Id of padding.
    """
    import torch

    device, inner = next(model.parameters()).device, inner_of(model)
    ends = torch.tensor(list(stops), device=device)
    if is_recurrent(inner):
        asked = [prompt for prompt in prompts for _ in range(each)]
        made = sample_whole(inner, asked, chances.to(device), temperature, ends, pad)
        return _cut(*made, ends)
    state = _begin(model, inner, prompts, each, chances.to(device), pad)
    if decode_graph.fits(inner, device):
        while len(state.rows) and state.column < chances.size(1):
            # A graph is made again for those that are left, where that is worth its making.
            few = len(state.rows) // 2 if len(state.rows) >= WORTH else 0
            state = decode_graph.Steps(model, inner, state, temperature, ends, pad).run(few)
    else:
        _eager(model, state, temperature, ends, pad)
    return _cut(state.tokens, state.logprobs, ends)


def _cut(tokens: Tensor, logprobs: Tensor, ends: Tensor) -> tuple[Tensor, Tensor]:
    """Return both without the columns behind the end of every sequence."""
    import torch

    stopped = torch.isin(tokens, ends).long()
    width = int((stopped.cumsum(1) - stopped == 0).any(0).sum())
    return tokens[:, :width], logprobs[:, :width]


def _begin(
    model: Any, inner: Any, prompts: Sequence[Sequence[int]], each: int, chances: Tensor, pad: int
) -> State:
    """Let the model read the prompts, each once."""
    import torch
    from transformers import DynamicCache

    device, (n, width) = chances.device, chances.shape
    ids, mask = (tensor.to(device) for tensor in padded(prompts, pad, "left"))
    cache = DynamicCache(config=inner.config)
    logits = model(
        input_ids=ids,
        attention_mask=mask,
        position_ids=positions(mask),
        past_key_values=cache,
        use_cache=True,
        logits_to_keep=1,
    ).logits[:, -1]
    if each > 1:
        cache.batch_repeat_interleave(each)
        mask, logits = (x.repeat_interleave(each, 0) for x in (mask, logits))
    return State(
        tokens=torch.full((n, width), pad, device=device),
        logprobs=torch.zeros(n, width, device=device),
        chances=chances,
        column=0,
        rows=torch.arange(n, device=device),
        mask=mask,
        logits=logits,
        cache=cache,
    )


def _eager(model: Any, state: State, temperature: float, ends: Tensor, pad: int) -> None:
    """Sample token by token; sequences that have ended leave the batch, a quarter at a time."""
    import torch

    width, rows, mask, logits = state.chances.size(1), state.rows, state.mask, state.logits
    place = mask.sum(1, keepdim=True)
    going = torch.ones_like(rows, dtype=torch.bool)
    for column in range(width):
        drawn, known = draw(logits, temperature, state.chances[rows, column])
        drawn, known = drawn.where(going, pad), known.where(going, 0.0)
        state.tokens[rows, column], state.logprobs[rows, column] = drawn, known
        going = going & ~torch.isin(drawn, ends)
        left = int(going.sum())
        if left == 0 or column + 1 == width:
            break
        if left <= SPARE * len(going):
            kept = going.nonzero().squeeze(-1)
            state.cache.batch_select_indices(kept)
            rows, mask, place, drawn, going = (x[kept] for x in (rows, mask, place, drawn, going))
        mask = torch.nn.functional.pad(mask, (0, 1), value=1)
        logits = model(
            input_ids=drawn.unsqueeze(-1),
            attention_mask=mask,
            position_ids=place,
            past_key_values=state.cache,
            use_cache=True,
        ).logits[:, -1]
        place = place + 1

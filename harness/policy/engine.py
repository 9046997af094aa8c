"""Sampling in this process: a cache of keys and values, shared prompts, and no finished sequences.

What a token is drawn with is its row of uniform numbers, made before the first token: so a
completion does not depend on what stands beside it, on how many are made at once, or on the
device, but for rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

SPARE = 0.75
"""Finished sequences leave the batch when the others are no more than this share of it."""


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
    from transformers import DynamicCache

    from harness.policy.sampling import padded, positions

    device = next(model.parameters()).device
    ids, mask = (tensor.to(device) for tensor in padded(prompts, pad, "left"))
    chances = chances.to(device)
    n, width = chances.shape
    ends = torch.tensor(list(stops), device=device)
    tokens = torch.full((n, width), pad, device=device)
    logprobs = torch.zeros(n, width, device=device)
    rows = torch.arange(n, device=device)
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
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
    place = mask.sum(1, keepdim=True)
    going = torch.ones(n, dtype=torch.bool, device=device)
    for column in range(width):
        drawn, known = draw(logits, temperature, chances[rows, column])
        drawn, known = drawn.where(going, pad), known.where(going, 0.0)
        tokens[rows, column], logprobs[rows, column] = drawn, known
        going = going & ~torch.isin(drawn, ends)
        left = int(going.sum())
        if left == 0:
            width = column + 1
            break
        if column + 1 == width:
            break
        if left <= SPARE * len(going):
            kept = going.nonzero().squeeze(-1)
            cache.batch_select_indices(kept)
            rows, mask, place, drawn, going = (x[kept] for x in (rows, mask, place, drawn, going))
        mask = torch.nn.functional.pad(mask, (0, 1), value=1)
        logits = model(
            input_ids=drawn.unsqueeze(-1),
            attention_mask=mask,
            position_ids=place,
            past_key_values=cache,
            use_cache=True,
        ).logits[:, -1]
        place = place + 1
    return tokens[:, :width], logprobs[:, :width]

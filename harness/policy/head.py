"""Log-probabilities from the last hidden states, the vocabulary held for a few tokens at a time.

The logits of a rollout are its largest tensor by far: 64 completions of 512 tokens over 151,936
tokens are 20 GB in float32, and a loss on them holds four to five such. Here they are made for a
chunk of tokens, used, and made again for the gradient.

Imports torch at its top, because it subclasses its Function; import it only inside functions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

CHUNK = {"cpu": 2**24, "cuda": 2**28}
"""Bytes of the float32 logits of one chunk, by the type of the device."""


class HeadLogProbs(torch.autograd.Function):  # type: ignore[misc]
    """Log-probabilities of sampled tokens under a linear head, and entropies without gradient.

    The gradient of a token's log-probability is a row of its own for the hidden state, so that with
    a frozen head (LoRA) it is taken along in the forward pass and the logits are made once. For the
    weights of the head it depends on the loss, and the logits are made a second time.
    """

    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        ids: Tensor,
        temperature: float,
        with_entropy: bool,
    ) -> tuple[Tensor, Tensor | None]:
        """Return log-probabilities and, if asked for, entropies: (tokens,) each, in nats.

        Args:
            ctx: Autograd's.
            hidden: (tokens, hidden size).
            weight: (vocabulary, hidden size).
            bias: (vocabulary,), or none.
            ids: (tokens,) int64, what was sampled.
            temperature: Divides the logits.
            with_entropy: Whether entropies are wanted.
        """
        kind = _compute_type(hidden.device.type, weight.dtype)
        needs_hidden, needs_weight, needs_bias = ctx.needs_input_grad[:3]
        frozen = needs_hidden and not (needs_weight or needs_bias)
        total = hidden.new_empty(len(ids), dtype=torch.float32)
        chosen, entropy = torch.empty_like(total), torch.empty_like(total) if with_entropy else None
        unit = torch.empty_like(hidden) if frozen else None
        with torch.autocast(hidden.device.type, enabled=False):
            head = weight.to(kind)
            for part, logits in _chunks(hidden, head, bias, temperature):
                total[part] = logits.logsumexp(-1)
                chosen[part] = logits.gather(-1, ids[part].unsqueeze(-1)).squeeze(-1) - total[part]
                if entropy is None and unit is None:
                    continue
                logits -= total[part].unsqueeze(-1)
                shares = logits.exp()
                if entropy is not None:
                    entropy[part] = -torch.linalg.vecdot(shares, logits)
                if unit is not None:
                    mean = shares.to(kind) @ head
                    unit[part] = ((head[ids[part]] - mean) / temperature).to(unit.dtype)
        if frozen:
            ctx.save_for_backward(unit)
        else:
            ctx.save_for_backward(hidden, weight, bias, ids, total)
        ctx.frozen, ctx.kind, ctx.temperature = frozen, kind, temperature
        if entropy is not None:
            ctx.mark_non_differentiable(entropy)
        return chosen, entropy

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, gradient: Tensor, _: Tensor | None = None) -> tuple[Any, ...]:
        """Return the gradients of hidden states, weight and bias."""
        if ctx.frozen:
            (unit,) = ctx.saved_tensors
            return gradient.unsqueeze(-1).to(unit.dtype) * unit, None, None, None, None, None
        hidden, weight, bias, ids, total = ctx.saved_tensors
        of_hidden = torch.empty_like(hidden) if ctx.needs_input_grad[0] else None
        of_weight = torch.zeros_like(weight) if ctx.needs_input_grad[1] else None
        of_bias = torch.zeros_like(bias) if ctx.needs_input_grad[2] else None
        with torch.autocast(hidden.device.type, enabled=False):
            head = weight.to(ctx.kind)
            for part, logits in _chunks(hidden, head, bias, ctx.temperature):
                along = gradient[part].unsqueeze(-1) / ctx.temperature
                logits -= total[part].unsqueeze(-1)
                slope = logits.exp_().mul_(-along)
                slope.scatter_add_(-1, ids[part].unsqueeze(-1), along)
                if of_bias is not None:
                    of_bias += slope.sum(0).to(of_bias.dtype)
                slope = slope.to(ctx.kind)
                if of_hidden is not None:
                    of_hidden[part] = (slope @ head).to(hidden.dtype)
                if of_weight is not None:
                    states = hidden[part].to(ctx.kind)
                    if of_weight.dtype == slope.dtype:
                        of_weight.addmm_(slope.t(), states)
                    else:
                        of_weight += slope.t() @ states
        return of_hidden, of_weight, of_bias, None, None, None


def _compute_type(device: str, weights: torch.dtype) -> torch.dtype:
    """Return in what the head multiplies: as any linear layer would under autocast."""
    kind: torch.dtype = (
        torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else weights
    )
    return kind


def _chunks(
    hidden: Tensor, head: Tensor, bias: Tensor | None, temperature: float
) -> Iterator[tuple[slice, Tensor]]:
    """Yield the logits of a few tokens at a time, float32, which may be written to."""
    size = max(1, CHUNK.get(hidden.device.type, CHUNK["cuda"]) // (4 * head.size(0)))
    for start in range(0, hidden.size(0), size):
        part = slice(start, start + size)
        logits = (hidden[part].to(head.dtype) @ head.t()).float()
        if bias is not None:
            logits += bias
        if temperature != 1:
            logits /= temperature
        yield part, logits
        del logits

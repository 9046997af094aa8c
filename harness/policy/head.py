"""Log-probabilities from the last hidden states, the vocabulary held for a few tokens at a time.

The logits of a rollout are its largest tensor by far: 64 completions of 512 tokens over 151,936
tokens are 20 GB in float32, and a loss on them holds four to five such. Here they are made for a
chunk of tokens, once, and used for everything that is asked of them.

Imports torch at its top, because it subclasses its Function; import it only inside functions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

CHUNK = {"cpu": 2**24, "cuda": 2**28}
"""Bytes of the float32 logits of one chunk, by the type of the device."""


LossOf = Callable[[Tensor, slice], Tensor]
"""The loss of some tokens, a sum, from their log-probabilities; the slice says which they are."""


def log_probs(
    hidden: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    ids: Tensor,
    temperature: float,
    with_entropy: bool,
) -> tuple[Tensor, Tensor | None]:
    """Return log-probabilities and, if asked for, entropies: (tokens,) each, in nats.

    Args:
        hidden: (tokens, hidden size).
        weight: (vocabulary, hidden size).
        bias: (vocabulary,), or none.
        ids: (tokens,) int64, what was sampled.
        temperature: Divides the logits.
        with_entropy: Whether entropies are wanted.
    """
    chosen = hidden.new_empty(len(ids), dtype=torch.float32)
    entropy = torch.empty_like(chosen) if with_entropy else None
    kind = _compute_type(hidden.device.type, weight.dtype)
    with torch.no_grad(), torch.autocast(hidden.device.type, enabled=False):
        for part, logits in _chunks(hidden, weight.to(kind), bias, temperature):
            chosen[part], shares, total = _softmax(logits, ids[part])
            if entropy is not None:
                # -sum p ln p = ln sum e^x - sum p x; what has no share has no x either.
                finite = logits.clamp_(min=torch.finfo(torch.float32).min)
                entropy[part] = total.log() - torch.linalg.vecdot(shares, finite) / total
                del finite
            del logits, shares  # before the next are made
    return chosen, entropy


class HeadLoss(torch.autograd.Function):  # type: ignore[misc]
    """A loss of the log-probabilities of sampled tokens under a linear head.

    The loss of a chunk of tokens and its gradient are made while the logits of the chunk are there,
    so that they are made once, also for the weights of the head.
    """

    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        ids: Tensor,
        temperature: float,
        loss_of: LossOf,
    ) -> tuple[Tensor, Tensor]:
        """Return the loss, a scalar, and the log-probabilities, (tokens,), without gradient.

        Args:
            ctx: Autograd's.
            hidden: (tokens, hidden size).
            weight: (vocabulary, hidden size).
            bias: (vocabulary,), or none.
            ids: (tokens,) int64, what was sampled.
            temperature: Divides the logits.
            loss_of: The loss.
        """
        kind = _compute_type(hidden.device.type, weight.dtype)
        chosen = hidden.new_empty(len(ids), dtype=torch.float32)
        loss = chosen.new_zeros(())
        # What chunks add to is a sum of many small parts, which bfloat16 would round away.
        of_hidden, of_weight, of_bias = (
            torch.zeros_like(one, dtype=torch.promote_types(one.dtype, least)) if needed else None
            for one, needed, least in zip(
                (hidden, weight, bias),
                ctx.needs_input_grad,
                (hidden.dtype, torch.float32, torch.float32),
                strict=False,
            )
        )
        ctx.types = [None if one is None else one.dtype for one in (hidden, weight, bias)]
        with torch.autocast(hidden.device.type, enabled=False):
            head = weight.to(kind)
            for part, logits in _chunks(hidden, head, bias, temperature):
                chosen[part], slope, total = _softmax(logits, ids[part], into=logits)
                here, along = _slope(loss_of, chosen[part], part)
                loss += here
                along = along.unsqueeze(-1) / temperature
                # d ln p(chosen) / d logit = 1 at the chosen token, less p at each.
                slope.mul_(-along / total.unsqueeze(-1))
                slope.scatter_add_(-1, ids[part].unsqueeze(-1), along)
                if of_bias is not None:
                    of_bias += slope.sum(0)
                slope = slope.to(kind)
                if of_hidden is not None:
                    of_hidden[part] = (slope @ head).to(hidden.dtype)
                if of_weight is not None:
                    _add_product(of_weight, slope.t(), hidden[part].to(kind))
                del logits, slope
        ctx.gradients = of_hidden, of_weight, of_bias
        ctx.mark_non_differentiable(chosen)
        return loss, chosen

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, gradient: Tensor, _: Tensor | None = None) -> tuple[Any, ...]:
        """Return the gradients of hidden states, weight and bias; once."""
        found, ctx.gradients = ctx.gradients, None
        scaled = (
            None if one is None else _scaled(one, gradient).to(kind)
            for one, kind in zip(found, ctx.types, strict=True)
        )
        return *scaled, None, None, None


def _scaled(sums: Tensor, by: Tensor) -> Tensor:
    """Return sums times a scalar that is not rounded before; in place where nothing is lost."""
    return sums.mul_(by) if sums.dtype == by.dtype else sums.to(by.dtype) * by


def _add_product(sums: Tensor, first: Tensor, second: Tensor) -> None:
    """Add a product of two matrices, which is rounded to what the sums are in, and not before."""
    if sums.is_cuda and first.dtype != sums.dtype:
        torch.addmm(sums, first, second, out_dtype=sums.dtype, out=sums)
    else:
        sums.addmm_(first.to(sums.dtype), second.to(sums.dtype))


def _slope(loss_of: LossOf, chosen: Tensor, part: slice) -> tuple[Tensor, Tensor]:
    """Return the loss of some tokens, and its derivative by the log-probability of each."""
    with torch.enable_grad():
        leaf = chosen.detach().requires_grad_()
        loss = loss_of(leaf, part)
        (slope,) = torch.autograd.grad(loss, leaf)
    return loss.detach(), slope


def _softmax(
    logits: Tensor, ids: Tensor, into: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Return log-probabilities of ids, and shares of what total: e to the logits less the largest.

    The logits are made less their largest in place; the shares may be written over them.
    """
    logits -= logits.amax(-1, keepdim=True)
    chosen = logits.gather(-1, ids.unsqueeze(-1)).squeeze(-1)
    shares = torch.exp(logits, out=into)
    total = shares.sum(-1)
    return chosen - total.log(), shares, total


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

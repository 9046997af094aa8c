"""The log-probabilities that a model gives to what was sampled, in passes of a size that fits.

A pass takes sequences of like lengths, cut to the longest of them, as many as a budget of tokens
allows. Only the states before completion tokens go through the head.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from harness.policy.head_kind import inner_of, plain_head
from harness.policy.padding import positions
from harness.policy.recurrent import from_the_left, is_recurrent
from harness.policy.sampling import Rollout, rows_of

if TYPE_CHECKING:
    from torch import Tensor

    from harness.policy.head import LossOf

TOKENS = 4_096
"""Tokens of one pass, padding included: a policy of half a billion weights and a critic of its own
then need 35 GB and not 75 (docs/gpu.md), and its matrices are wide enough to fill a card."""

EACH = {"cpu": 64, "cuda": 2_048}
"""What a pass costs beside its tokens, in tokens, by the type of the device: its launches, and the
sums of its gradients."""


@dataclass(frozen=True, slots=True)
class Scores:
    """What a model says of a rollout; (n, C) each, 0 where no completion is.

    Attributes:
        logprobs: Of the sampled tokens, in nats, without gradient.
        entropy: Of the distributions they were drawn from, in nats, without gradient; None if not
            asked for.
        hidden: (n, C, hidden size), the last hidden states before the tokens.
        loss: A scalar, what has a gradient; None if no loss was asked for.
    """

    logprobs: Tensor
    entropy: Tensor | None
    hidden: Tensor
    loss: Tensor | None = None


def passes(rollout: Rollout, tokens: int = TOKENS, most: int | None = None) -> Iterator[Tensor]:
    """Yield the rows of each pass: of like lengths, and together no more than a budget.

    Among all ways to cut the rows, ordered by length, that keep to the budget it is the cheapest
    in tokens, padding included, where each pass costs `EACH` more.

    Args:
        rollout: n sequences.
        tokens: Prompt and completion columns of a pass, padding included; one sequence at least.
        most: Sequences of a pass at most.
    """
    import torch

    prompts, completions = rollout.prompt_mask.sum(1), rollout.completion_mask.sum(1)
    order = (prompts + completions).argsort(descending=True, stable=True)
    sizes = torch.stack([prompts, completions], 1)[order].tolist()
    each = EACH.get(prompts.device.type, EACH["cuda"])
    best, before = [0], [0]  # of the first rows: their cost, and where their last pass begins
    for end in range(1, len(sizes) + 1):
        wide, found = (0, 0), list[tuple[int, int]]()
        for start in range(end - 1, max(-1, end - 1 - (most or end)), -1):
            wide = max(wide[0], sizes[start][0]), max(wide[1], sizes[start][1])
            columns = (end - start) * sum(wide)
            if columns > tokens and found:
                break
            found.append((best[start] + columns + each, start))
        cost, start = min(found)
        best.append(cost)
        before.append(start)
    ends = [len(sizes)]
    while ends[-1]:
        ends.append(before[ends[-1]])
    for start, end in itertools.pairwise(reversed(ends)):
        yield order[start:end]


def trimmed(rollout: Rollout) -> Rollout:
    """Return a rollout without the columns that all of its sequences pad."""
    prompt = int(rollout.prompt_mask.sum(1).max())
    completion = int(rollout.completion_mask.sum(1).max())
    return replace(
        rollout,
        prompt_ids=rollout.prompt_ids[:, rollout.prompt_ids.size(1) - prompt :],
        prompt_mask=rollout.prompt_mask[:, rollout.prompt_mask.size(1) - prompt :],
        completion_ids=rollout.completion_ids[:, :completion],
        completion_mask=rollout.completion_mask[:, :completion],
        drawn=None if rollout.drawn is None else rollout.drawn[:, :completion],
    )


def scores(
    model: Any,
    rollout: Rollout,
    temperature: float,
    *,
    entropy: bool = False,
    loss_of: LossOf | None = None,
) -> Scores:
    """Return what a model says of a rollout, in one pass through its body.

    The logits are float32 and divided by the temperature, as they were when the tokens were drawn.
    The head goes over the completion tokens in chunks (`harness.policy.head`). A model that does
    more than one linear layer behind its body makes all logits of the pass at once.

    Args:
        model: The model.
        rollout: n sequences.
        temperature: Of sampling.
        entropy: Whether entropies are wanted; not together with a loss.
        loss_of: A loss, of tokens by their place among the real ones of the rollout, row by row.
    """
    inner = inner_of(model)
    if (head := plain_head(inner)) is None:
        return _with_whole_logits(inner, rollout, temperature, entropy, loss_of)
    from harness.policy.head import HeadLoss, log_probs

    real = rollout.completion_mask.bool()
    hidden = body_states(inner.base_model, rollout)
    of_head = hidden[real], head.weight, head.bias, rollout.completion_ids[real], temperature
    nats = loss = None
    if loss_of is None:
        found, nats = log_probs(*of_head, entropy)
    else:
        loss, found = HeadLoss.apply(*of_head, loss_of)
    empty = found.new_zeros(real.shape)
    return Scores(
        empty.masked_scatter(real, found),
        None if nats is None else empty.masked_scatter(real, nats),
        hidden,
        loss,
    )


def body_states(body: Any, rollout: Rollout) -> Tensor:
    """Return the last hidden states of a body before each completion token, (n, C, hidden size)."""
    recurrent = is_recurrent(body)
    states = body(**_inputs(rollout, recurrent), use_cache=False).last_hidden_state
    return _before_tokens(states, rollout, recurrent)


def _inputs(rollout: Rollout, recurrent: bool) -> dict[str, Tensor]:
    """Return the arguments of a body's forward: whole sequences, mask and positions."""
    import torch

    mask = torch.cat([rollout.prompt_mask, rollout.completion_mask], 1)
    ids = torch.cat([rollout.prompt_ids, rollout.completion_ids], 1)
    if recurrent:
        ids, mask = from_the_left(ids, mask)
    return {"input_ids": ids, "attention_mask": mask, "position_ids": positions(mask)}


def _before_tokens(states: Tensor, rollout: Rollout, recurrent: bool) -> Tensor:
    """Return what stands before each completion token of whole sequences, (n, C, ...)."""
    import torch

    width = rollout.completion_ids.size(1)
    if not recurrent:
        return states[:, -width - 1 : -1]
    places = rollout.prompt_mask.sum(1, keepdim=True) - 1
    places = places + torch.arange(width, device=states.device)
    return states.gather(1, places.unsqueeze(-1).expand(-1, -1, states.size(-1)))


def score_rollout(
    model: Any, rollout: Rollout, temperature: float, tokens: int = TOKENS, entropy: bool = True
) -> tuple[Tensor, Tensor]:
    """Return log-probabilities and entropies, both (n, C), without gradients and dropout.

    Entropies that are not asked for are 0.
    """
    import torch

    was_training = model.training
    model.eval()
    shape = rollout.completion_ids.shape
    logprobs, nats = (torch.zeros(shape, device=rollout.completion_ids.device) for _ in range(2))
    with torch.no_grad():
        for index in passes(rollout, tokens):
            part = trimmed(rows_of(rollout, index))
            found = scores(model, part, temperature, entropy=entropy)
            width = part.completion_ids.size(1)
            logprobs[index, :width] = found.logprobs
            if found.entropy is not None:
                nats[index, :width] = found.entropy
    model.train(was_training)
    return logprobs, nats


def _with_whole_logits(
    inner: Any, rollout: Rollout, temperature: float, entropy: bool, loss_of: LossOf | None
) -> Scores:
    import torch

    width, real = rollout.completion_ids.size(1), rollout.completion_mask
    recurrent = is_recurrent(inner)
    some = not recurrent and "logits_to_keep" in inspect.signature(inner.forward).parameters
    output = inner(
        **_inputs(rollout, recurrent),
        use_cache=False,
        output_hidden_states=True,
        **({"logits_to_keep": width + 1} if some else {}),
    )
    hidden = _before_tokens(output.hidden_states[-1], rollout, recurrent)
    logits = _before_tokens(output.logits, rollout, recurrent).float() / temperature
    del output  # and with it other logits
    logprobs = logits.log_softmax(-1)
    del logits
    chosen = logprobs.gather(-1, rollout.completion_ids.unsqueeze(-1)).squeeze(-1)
    nats = None
    if entropy:
        found = logprobs.detach()
        nats = -torch.linalg.vecdot(found.exp(), found) * real
    loss = None if loss_of is None else loss_of(chosen[real.bool()], slice(None))
    return Scores(chosen.detach() * real, nats, hidden, loss)

"""Models that carry a state from token to token: Mamba, RWKV, and hybrids of them and attention.

Their state cannot be shared by completions or cut to those that go on, as keys and values can, and
in some of them padding before a prompt gets into it. So their sequences begin in the first column
(nothing after a token changes what a causal model says of it), and each token is sampled from a
pass over all before it: slower, and the same numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from harness.policy.drawing import draw
from harness.policy.head_kind import plain_head
from harness.policy.padding import padded

if TYPE_CHECKING:
    from torch import Tensor


def is_recurrent(inner: Any) -> bool:
    """Tell whether a model of transformers keeps something else than keys and values."""
    from transformers import DynamicCache

    if getattr(inner, "_is_stateful", False):
        return True
    return any(hasattr(layer, "conv_states") for layer in DynamicCache(config=inner.config).layers)


def from_the_left(ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Return ids and mask with what is padding before or between them moved to the end."""
    order = mask.argsort(dim=1, descending=True, stable=True)
    return ids.gather(1, order), mask.gather(1, order)


def sample_whole(
    inner: Any,
    prompts: Sequence[Sequence[int]],
    chances: Tensor,
    temperature: float,
    ends: Tensor,
    pad: int,
) -> tuple[Tensor, Tensor]:
    """Return sampled ids and what they were drawn with, (n, most tokens of a completion) each.

    Args:
        inner: A model of transformers, in evaluation mode.
        prompts: Token ids of each completion's prompt: n in all.
        chances: (n, most tokens of a completion), from `uniforms`.
        temperature: Of sampling; 0 takes the most likely token.
        ends: Ids that end a completion.
        pad: Id of padding.
    """
    import torch

    tokens = torch.full(chances.shape, pad, device=chances.device)
    logprobs = torch.zeros(chances.shape, device=chances.device)
    rows = torch.arange(len(chances), device=chances.device)
    written = [list(prompt) for prompt in prompts]
    for column in range(chances.size(1)):
        ids, mask = (one.to(chances.device) for one in padded(written, pad, "right"))
        logits = _last_logits(inner, ids, mask)
        drawn, known = draw(logits, temperature, chances[rows, column])
        tokens[rows, column], logprobs[rows, column] = drawn, known
        going = ~torch.isin(drawn, ends)
        rows = rows[going]
        written = [
            [*one, token]
            for one, token, on in zip(written, drawn.tolist(), going.tolist(), strict=True)
            if on
        ]
        if not written:
            break
    return tokens, logprobs


def _last_logits(inner: Any, ids: Tensor, mask: Tensor) -> Tensor:
    """Return the logits after the last token of each row, (rows, vocabulary)."""
    import torch

    last = torch.arange(len(ids), device=ids.device), mask.sum(1) - 1
    given = {"input_ids": ids, "attention_mask": mask, "use_cache": False}
    if (head := plain_head(inner)) is None:
        whole: Tensor = inner(**given).logits
        return whole[last]
    found: Tensor = head(inner.base_model(**given).last_hidden_state[last])
    return found

"""Sampling completions, and the log-probabilities of what was sampled.

Prompts are padded on the left, completions on the right. Masks are made from lengths and positions
from the masks, never from ``ids != pad``. The sampled token ids are kept; text is only decoded from
them, cut at the stop token, and never encoded again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from harness.nouns.errors import InputError
from harness.nouns.stop_ids import stop_ids
from harness.policy.drawing import uniforms
from harness.policy.engine import generate
from harness.policy.padding import padded
from harness.policy.prompts import Prompt, asked_ids

if TYPE_CHECKING:
    from torch import Tensor


AT_ONCE = 256
"""Sequences that are made at once."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How completions are drawn from a policy.

    Args:
        temperature: Divides the logits; 0 takes the most likely token.
        max_new_tokens: Upper limit of a completion in tokens.
        seed: Leaves the global random state untouched and draws from this seed instead; a chat
            model is sent none when it is None.
        per_item: Completions for each prompt.
        first: Number of the first prompt among those that several processes share, from 0: each
            gets the completions that it had if one process drew all.

    Raises:
        InputError: A value is out of its range.
    """

    temperature: float = 1.0
    max_new_tokens: int = 256
    seed: int | None = None
    per_item: int = 1
    first: int = 0

    def __post_init__(self) -> None:
        """Check the ranges."""
        for name, low in (("temperature", 0), ("max_new_tokens", 1), ("per_item", 1)):
            if not getattr(self, name) >= low:
                raise InputError(f"{name} must be at least {low}, got {getattr(self, name)}")


@dataclass(frozen=True)
class Rollout:
    """Completions sampled for prompts; n sequences, P prompt columns, C completion columns.

    Args:
        prompt_ids: (n, P) int64, padded on the left.
        prompt_mask: (n, P) int64, 1 at real tokens.
        completion_ids: (n, C) int64 as sampled, padded on the right.
        completion_mask: (n, C) int64, 1 up to and including the stop token.
        ended: (n,) bool, whether a stop token was sampled; the others were truncated.
        texts: The completions without stop token and other special tokens.
        drawn: (n, C) log-probability that the engine drew each token with, in nats, 0 at padding;
            None where nothing was sampled.
    """

    prompt_ids: Tensor
    prompt_mask: Tensor
    completion_ids: Tensor
    completion_mask: Tensor
    ended: Tensor
    texts: list[str]
    drawn: Tensor | None = None

    def __len__(self) -> int:
        return len(self.texts)

    def sampled_ids(self) -> list[list[int]]:
        """Return the sampled token ids of each completion, with the stop token if there is one."""
        lengths = self.completion_mask.sum(1).tolist()
        rows = self.completion_ids.tolist()
        return [row[:length] for row, length in zip(rows, lengths, strict=True)]


_TENSORS = [field.name for field in fields(Rollout) if field.name != "texts"]


def sample(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[Prompt],
    sampling: Sampling,
    batch_size: int = AT_ONCE,
) -> Rollout:
    """Sample completions for each prompt, those of one prompt next to each other.

    The whole distribution is sampled from: no top-k, top-p, penalty or ban, whatever the
    checkpoint's generation config says, because log-probabilities are computed without them. A
    completion ends at the first of `stop_ids`, and does not depend on ``batch_size``, which is how
    many sequences are made at once. The model's training mode is restored.
    """
    import torch

    stops, pad, each = stop_ids(model, tokenizer), tokenizer.pad_token_id, sampling.per_item
    encoded = [asked_ids(tokenizer, prompt) for prompt in prompts]
    before = sampling.first * each
    chances = uniforms(before + len(encoded) * each, sampling.max_new_tokens, sampling.seed)[
        before:
    ]
    if each > batch_size:  # a prompt's completions are made in several parts
        encoded, each = [ids for ids in encoded for _ in range(each)], 1
    size = batch_size // each
    was_training = model.training
    model.eval()
    parts = []
    with torch.no_grad():
        for start in range(0, len(encoded), size):
            rows = slice(start * each, (start + size) * each)
            some = encoded[start : start + size]
            made = generate(model, some, each, chances[rows], sampling.temperature, stops, pad)
            parts.append(made)
    model.train(was_training)
    width = max(ids.size(1) for ids, _ in parts)
    completion, drawn = (
        torch.cat([torch.nn.functional.pad(x, (0, width - x.size(1)), value=fill) for x in column])
        for column, fill in zip(zip(*parts, strict=True), (pad, 0.0), strict=True)
    )
    ids, mask = padded([ids for ids in encoded for _ in range(each)], pad, "left")
    device = completion.device
    return cut(ids.to(device), mask.to(device), completion, stops, tokenizer, drawn)


def decode(tokenizer: Any, ids: Sequence[int], stops: Sequence[int]) -> str:
    """Return the text of sampled ids, without stop token and other special tokens."""
    text: str = tokenizer.decode([i for i in ids if i not in stops], skip_special_tokens=True)
    return text


def cut(
    ids: Tensor,
    mask: Tensor,
    completion: Tensor,
    stops: list[int],
    tokenizer: Any,
    drawn: Tensor | None = None,
) -> Rollout:
    """Return the rollout of raw generated ids, each cut after its first stop token."""
    import torch

    is_stop = torch.isin(completion, torch.tensor(stops, device=completion.device))
    # A column belongs to the completion unless a stop came strictly before it.
    before = is_stop.long().cumsum(1) - is_stop.long()
    completion_mask = (before == 0).long()
    completion = completion.masked_fill(completion_mask == 0, tokenizer.pad_token_id)
    rollout = Rollout(ids, mask, completion, completion_mask, is_stop.any(1), [], drawn)
    rollout.texts.extend(decode(tokenizer, row, stops) for row in rollout.sampled_ids())
    return rollout


def wrong_end(ids: Sequence[int], stops: Sequence[int], most: int) -> str:
    """Return why sampling would not have been over where a completion is; "" where it would.

    Args:
        ids: Token ids of the completion, with its stop token if there was one.
        stops: Ids that end a completion.
        most: Tokens that a completion may have.
    """
    size = next((n for n, one in enumerate(ids, 1) if one in stops), None)
    if size is None and len(ids) < most:
        return f"a completion ended without an end token after {len(ids)} of {most} tokens"
    if size is not None and size < len(ids):
        return (
            f"a completion of {len(ids)} tokens goes on after its end token, which is token {size}"
        )
    if len(ids) > most:
        return f"a completion has {len(ids)} tokens, and may have {most}"
    return ""


def rollout_of(
    model: Any, tokenizer: Any, prompts: Sequence[Prompt], completions: Sequence[Sequence[int]]
) -> Rollout:
    """Return the rollout of completions that were sampled before, so that a model can score them.

    Every completion has its prompt, and its stop token if there was one.
    """
    encoded = [asked_ids(tokenizer, prompt) for prompt in prompts]
    return rollout_of_ids(model, tokenizer, encoded, completions)


def rollout_of_ids(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[Sequence[int]],
    completions: Sequence[Sequence[int]],
    drawn: Sequence[Sequence[float]] | None = None,
) -> Rollout:
    """Return the rollout of completions that something else sampled.

    Args:
        model: What scores them; its device is the rollout's.
        tokenizer: Of the model.
        prompts: Token ids of the prompt of each completion.
        completions: Token ids, each with its stop token if there was one.
        drawn: What each token was drawn with, in nats.
    """
    import torch

    stops, pad = stop_ids(model, tokenizer), tokenizer.pad_token_id
    ids, mask = padded(prompts, pad, "left")
    completion, real = padded(completions, pad, "right")
    ended = torch.tensor([row[-1] in stops for row in completions])
    texts = [decode(tokenizer, row, stops) for row in completions]
    known = None
    if drawn is not None:
        known = torch.zeros(completion.shape)
        for number, row in enumerate(drawn):
            known[number, : len(row)] = torch.tensor(row)
        known = known.to(model.device)
    ids, mask, completion, real, ended = (
        tensor.to(model.device) for tensor in (ids, mask, completion, real, ended)
    )
    return Rollout(ids, mask, completion, real, ended, texts, known)


def padded_with(rollout: Rollout, pad: int) -> Rollout:
    """Return a rollout with another id where no token is."""
    return replace(
        rollout,
        prompt_ids=rollout.prompt_ids.masked_fill(rollout.prompt_mask == 0, pad),
        completion_ids=rollout.completion_ids.masked_fill(rollout.completion_mask == 0, pad),
    )


def rows_of(rollout: Rollout, index: Any) -> Rollout:
    """Return some sequences of a rollout: a slice or a tensor of row numbers."""
    whole = isinstance(index, slice)
    texts = rollout.texts[index] if whole else [rollout.texts[i] for i in index.tolist()]
    found = {name: getattr(rollout, name) for name in _TENSORS}
    tensors = {name: None if found[name] is None else found[name][index] for name in _TENSORS}
    return Rollout(**tensors, texts=texts)

"""Sampling completions, and the log-probabilities of what was sampled.

Prompts are padded on the left, completions on the right. Masks are made from lengths and positions
from the masks, never from ``ids != pad``. The sampled token ids are kept; text is only decoded from
them, cut at the stop token, and never encoded again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from harness.nouns.errors import InputError
from harness.nouns.stop_ids import stop_ids
from harness.policy.prompts import Prompt, prompt_ids

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Sampling:
    """How completions are drawn from a policy.

    Args:
        temperature: Divides the logits; 0 takes the most likely token.
        max_new_tokens: Upper limit of a completion in tokens.
        seed: Leaves the global random state untouched and draws from this seed instead; a chat
            model is sent none when it is None.
        per_item: Completions for each prompt.

    Raises:
        InputError: A value is out of its range.
    """

    temperature: float = 1.0
    max_new_tokens: int = 256
    seed: int | None = None
    per_item: int = 1

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
    """

    prompt_ids: Tensor
    prompt_mask: Tensor
    completion_ids: Tensor
    completion_mask: Tensor
    ended: Tensor
    texts: list[str]

    def __len__(self) -> int:
        return len(self.texts)

    def sampled_ids(self) -> list[list[int]]:
        """Return the sampled token ids of each completion, with the stop token if there is one."""
        lengths = self.completion_mask.sum(1).tolist()
        rows = self.completion_ids.tolist()
        return [row[:length] for row, length in zip(rows, lengths, strict=True)]


_TENSORS = [field.name for field in fields(Rollout) if field.name != "texts"]


def padded(rows: Sequence[Sequence[int]], pad_id: int, side: str) -> tuple[Tensor, Tensor]:
    """Return (ids, mask), both (n, longest) int64, padded on one side: "left" or "right"."""
    import torch

    width = max(len(row) for row in rows)
    ids = torch.full((len(rows), width), pad_id)
    mask = torch.zeros_like(ids)
    for number, row in enumerate(rows):
        place = slice(width - len(row), width) if side == "left" else slice(len(row))
        ids[number, place] = torch.tensor(row, dtype=torch.long)
        mask[number, place] = 1
    return ids, mask


def positions(mask: Tensor) -> Tensor:
    """Return the position of each token among the real ones, (n, width); 0 at padding before."""
    return (mask.cumsum(-1) - 1).clamp(min=0)


@contextmanager
def unbent(model: Any) -> Iterator[None]:
    """Empty the generation config of a model's checkpoint for a while, but for its end ids.

    transformers fills in from it whatever a call leaves unset: penalties, bans, lengths, biases,
    cut-offs. Log-probabilities are computed without them, so sampling must be, too. Outside, the
    config is as the checkpoint has it, and is saved with the weights.
    """
    from transformers import GenerationConfig

    values = vars(model.generation_config)
    kept = dict(values)
    values.clear()
    values.update(vars(GenerationConfig(eos_token_id=kept["eos_token_id"])))
    try:
        yield
    finally:
        values.clear()
        values.update(kept)


def sample(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[Prompt],
    sampling: Sampling,
    batch_size: int = 256,
) -> Rollout:
    """Sample completions for each prompt, those of one prompt next to each other.

    The whole distribution is sampled from: no top-k, top-p, penalty or ban, whatever the
    checkpoint's generation config says, because log-probabilities are computed without them. A
    completion ends at the first of `stop_ids`.

    The model's training mode is restored; ``batch_size`` is how many sequences it makes at once.
    """
    import torch
    from transformers import GenerationConfig

    stops = stop_ids(model, tokenizer)
    config = GenerationConfig(
        max_new_tokens=sampling.max_new_tokens,
        do_sample=sampling.temperature > 0,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=stops,
        **({"temperature": sampling.temperature, "top_k": 0} if sampling.temperature > 0 else {}),
    )
    encoded = [
        ids for ids in (prompt_ids(tokenizer, p) for p in prompts) for _ in range(sampling.per_item)
    ]
    device = next(model.parameters()).device
    ids, mask = (t.to(device) for t in padded(encoded, tokenizer.pad_token_id, "left"))
    was_training = model.training
    model.eval()
    chunks = []
    random_state = nullcontext() if sampling.seed is None else torch.random.fork_rng()
    with torch.no_grad(), unbent(model), random_state:
        if sampling.seed is not None:
            torch.manual_seed(sampling.seed)
        for start in range(0, len(encoded), batch_size):
            part = slice(start, start + batch_size)
            out = model.generate(
                input_ids=ids[part], attention_mask=mask[part], generation_config=config
            )
            chunks.append(out[:, ids.size(1) :])
    model.train(was_training)
    width = max(chunk.size(1) for chunk in chunks)
    # A narrower chunk is one whose completions all stopped: `cut` fills what comes after a stop.
    completion = torch.cat(
        [torch.nn.functional.pad(chunk, (0, width - chunk.size(1))) for chunk in chunks]
    )
    return cut(ids, mask, completion, stops, tokenizer)


def decode(tokenizer: Any, ids: Sequence[int], stops: Sequence[int]) -> str:
    """Return the text of sampled ids, without stop token and other special tokens."""
    text: str = tokenizer.decode([i for i in ids if i not in stops], skip_special_tokens=True)
    return text


def cut(ids: Tensor, mask: Tensor, completion: Tensor, stops: list[int], tokenizer: Any) -> Rollout:
    """Return the rollout of raw generated ids, each cut after its first stop token."""
    import torch

    is_stop = torch.isin(completion, torch.tensor(stops, device=completion.device))
    # A column belongs to the completion unless a stop came strictly before it.
    before = is_stop.long().cumsum(1) - is_stop.long()
    completion_mask = (before == 0).long()
    completion = completion.masked_fill(completion_mask == 0, tokenizer.pad_token_id)
    rollout = Rollout(ids, mask, completion, completion_mask, is_stop.any(1), texts=[])
    rollout.texts.extend(decode(tokenizer, row, stops) for row in rollout.sampled_ids())
    return rollout


def rollout_of(
    model: Any, tokenizer: Any, prompts: Sequence[Prompt], completions: Sequence[Sequence[int]]
) -> Rollout:
    """Return the rollout of completions that were sampled before, so that a model can score them.

    Every completion has its prompt, and its stop token if there was one.
    """
    import torch

    stops, pad = stop_ids(model, tokenizer), tokenizer.pad_token_id
    ids, mask = padded([prompt_ids(tokenizer, prompt) for prompt in prompts], pad, "left")
    completion, real = padded(completions, pad, "right")
    ended = torch.tensor([row[-1] in stops for row in completions])
    texts = [decode(tokenizer, row, stops) for row in completions]
    ids, mask, completion, real, ended = (
        tensor.to(model.device) for tensor in (ids, mask, completion, real, ended)
    )
    return Rollout(ids, mask, completion, real, ended, texts)


def rows_of(rollout: Rollout, index: Any) -> Rollout:
    """Return some sequences of a rollout: a slice or a tensor of row numbers."""
    whole = isinstance(index, slice)
    texts = rollout.texts[index] if whole else [rollout.texts[i] for i in index.tolist()]
    tensors = {name: getattr(rollout, name)[index] for name in _TENSORS}
    return Rollout(**tensors, texts=texts)

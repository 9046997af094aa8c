"""Items to responses: samples a policy, in process (transformers) or through a chat model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from harness.feedback.contract import ChatClient
from harness.nouns.chat_messages import ChatRequest
from harness.nouns.errors import ChatError
from harness.nouns.hashing import seed_of
from harness.nouns.outcomes import Status
from harness.nouns.schema import Item, Response
from harness.nouns.stop_ids import ends_of
from harness.policy.classifiers import check_speaks
from harness.policy.embedded import beyond, check_embedded, check_ends, check_pad, embedded
from harness.policy.models import generation_config, load_policy, load_tokenizer
from harness.policy.prompts import asked_ids
from harness.policy.sampling import Sampling, padded_with, rollout_of, sample
from harness.policy.scoring import score_rollout
from harness.policy.templates import tell_template

BATCH = 64


def response_id(system: str, seed: int, item_id: str, index: int) -> str:
    """Return the id of a response, the same in every run."""
    return f"{system}.{seed}.{item_id}.{index}"


def sample_policy(
    model: str | Path,
    items: Sequence[Item],
    sampling: Sampling,
    *,
    system: str,
    template: Mapping[str, Any] = MappingProxyType({}),
    on_batch: Callable[[int], None] | None = None,
) -> list[Response]:
    """Sample responses from a transformers checkpoint.

    Sampling is seeded per batch, so the same call gives the same texts on the same machine. A
    response that reached the limit of tokens is marked as truncated, and the sampled token ids are
    kept in its metadata, never encoded again.

    Args:
        model: Folder of a checkpoint or of a LoRA adapter, or a hub id.
        items: Prompts; chat messages need a tokenizer with a chat template.
        sampling: No seed is seed 0.
        system: Name of the policy, on every response.
        template: What its chat template is told, by default what it was told in its training.
        on_batch: Called with the number of new responses, for progress.

    Raises:
        InputError: The checkpoint cannot be loaded, its tokenizer has no EOS, or its chat template
            does not read what it is told.
        DataError: A prompt has tokens for which the model has no embedding.
    """
    tokenizer = told(model, template)
    _check_asked(tokenizer, model, items)
    policy = _open(model)
    seed = sampling.seed or 0
    jobs = [(item, index) for item in items for index in range(sampling.per_item)]
    responses: list[Response] = []
    for start in range(0, len(jobs), BATCH):
        batch = jobs[start : start + BATCH]
        once = replace(sampling, seed=seed_of(f"{seed}\0{system}\0{start}", 48), per_item=1)
        rollout = sample(policy, tokenizer, [item.prompt for item, _ in batch], once)
        drawn = zip(rollout.texts, rollout.sampled_ids(), rollout.ended.tolist(), strict=True)
        for (item, index), (text, ids, ended) in zip(batch, drawn, strict=True):
            metadata = {"seed": seed, "token_ids": ids, "truncated": not ended}
            name = response_id(system, seed, item.id, index)
            responses.append(Response(name, item.id, system, text, metadata))
        if on_batch is not None:
            on_batch(len(batch))
    return responses


def _check_asked(tokenizer: Any, model: str | Path, items: Sequence[Item]) -> None:
    """Refuse what the model cannot read, or cannot end, before it is loaded."""
    size = embedded(model)
    check_pad(tokenizer, model, size)
    check_ends(tokenizer, model, ends_of(generation_config(model), tokenizer), size)
    rows = ((f"item {item.id}", asked_ids(tokenizer, item.prompt)) for item in items)
    check_embedded(tokenizer, model, rows, size)


def told(model: str | Path, template: Mapping[str, Any]) -> Any:
    """Return the tokenizer of a checkpoint that tells its chat template something."""
    tokenizer = load_tokenizer(model)
    tell_template(tokenizer, template)
    return tokenizer


def _open(model: str | Path) -> Any:
    """Return the frozen policy of a checkpoint, on the GPU if there is one."""
    import torch

    check_speaks(model)
    policy = load_policy(model, trainable=False)
    return policy.to("cuda" if torch.cuda.is_available() else "cpu")


async def ask_model(
    chat: ChatClient,
    model: str,
    items: Sequence[Item],
    sampling: Sampling,
    *,
    concurrency: int = 32,
    on_batch: Callable[[int], None] | None = None,
) -> list[Response]:
    """Ask a chat model for responses; a failed call leaves an empty text marked with its status.

    Args:
        chat: The client.
        model: Name as litellm writes it, or "local/<name>".
        items: Prompts.
        sampling: Its seed is sent to the provider, another for each
            response of an item; None sends none, for providers that take none.
        concurrency: Calls in flight at once.
        on_batch: Called with the number of new responses, for progress.
    """
    limit = asyncio.Semaphore(concurrency)

    async def ask(item: Item, index: int) -> Response:
        prompt = item.prompt
        messages = ({"role": "user", "content": prompt},) if isinstance(prompt, str) else prompt
        name = response_id(model, sampling.seed or 0, item.id, index)
        # 31 bits, which every provider takes; runs with other seeds share none of them.
        drawn = None if sampling.seed is None else seed_of(f"{sampling.seed}\0{index}", 31)
        heat, longest = sampling.temperature, sampling.max_new_tokens
        request = ChatRequest(model, messages, heat, longest, drawn, repeat=index)
        async with limit:
            try:
                reply = await chat.complete(request)
                text = reply.text
                cut = reply.cut
                metadata: dict[str, Any] = {"status": Status.OK.value, "truncated": cut}
                if reply.thoughts:  # beside the text: nobody is trained or judged by them
                    metadata["thoughts"] = reply.thoughts
            except ChatError as error:
                text, metadata = "", {"status": error.status.value, "reason": error.reason}
        if on_batch is not None:
            on_batch(1)
        return Response(name, item.id, model, text, metadata)

    jobs = [(item, index) for item in items for index in range(sampling.per_item)]
    return list(await asyncio.gather(*(ask(item, index) for item, index in jobs)))


def log_ratios(
    policy: str | Path,
    base: str | Path,
    items: Sequence[Item],
    responses: Sequence[Response],
    temperature: float = 1.0,
    template: Mapping[str, Any] = MappingProxyType({}),
) -> list[float]:
    """Return log p_policy(response) - log p_base(response) in nats for each response.

    Its mean over a policy's own samples estimates the KL divergence per sequence (estimator k1).
    A response that ended counts its stop token; one that was cut does not.

    Args:
        policy: Checkpoint that wrote the responses.
        base: Checkpoint of the reference policy, with the same tokenizer.
        items: Those that were answered.
        responses: As ``sample_policy`` made them.
        temperature: Logits are divided by it, as in sampling.
        template: What the policy's chat template was told; both see the prompts that it wrote.
    """
    tokenizer = told(policy, template)
    first, second = (
        response_logprobs(model, items, responses, temperature, tokenizer)
        for model in (policy, base)
    )
    return [sum(a) - sum(b) for a, b in zip(first, second, strict=True)]


def response_logprobs(
    model: str | Path,
    items: Sequence[Item],
    responses: Sequence[Response],
    temperature: float = 1.0,
    tokenizer: Any = None,
) -> list[list[float]]:
    """Return the log-probability of every token of each response under a policy, in nats.

    See ``log_ratios``; the metadata of the responses hold their ``token_ids``. The tokenizer is
    the model's own by default.
    """
    tokenizer = tokenizer or load_tokenizer(model)
    prompts = {item.id: item.prompt for item in items}
    size = embedded(model)
    rows = (
        (
            f"response {one.id}",
            [*asked_ids(tokenizer, prompts[one.item_id]), *one.metadata["token_ids"]],
        )
        for one in responses
    )
    check_embedded(tokenizer, model, rows, size)
    policy = _open(model)
    found: list[list[float]] = []
    for start in range(0, len(responses), BATCH):
        batch = responses[start : start + BATCH]
        asked = [prompts[response.item_id] for response in batch]
        sampled = [response.metadata["token_ids"] for response in batch]
        rollout = rollout_of(policy, tokenizer, asked, sampled)
        if beyond([tokenizer.pad_token_id], size) is not None:
            rollout = padded_with(rollout, 0)  # which nobody reads
        logprobs, _ = score_rollout(policy, rollout, temperature)
        lengths = rollout.completion_mask.sum(1).tolist()
        found += [row[:n] for row, n in zip(logprobs.tolist(), lengths, strict=True)]
    return found

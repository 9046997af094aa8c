"""Items to responses: samples a policy, in process (transformers) or through a chat model."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from harness.feedback.contract import ChatClient
from harness.nouns.chat_messages import ChatRequest
from harness.nouns.errors import ChatError, ConfigError
from harness.nouns.outcomes import Status
from harness.nouns.schema import Item, Response

BATCH = 64


def response_id(system: str, seed: int, item_id: str, index: int) -> str:
    """Return the id of a response, the same in every run."""
    return f"{system}.{seed}.{item_id}.{index}"


def sample_policy(
    model: str | Path,
    items: Sequence[Item],
    *,
    system: str,
    per_item: int = 1,
    seed: int = 0,
    temperature: float = 1.0,
    max_new_tokens: int = 256,
    on_batch: Callable[[int], None] | None = None,
) -> list[Response]:
    """Sample responses from a transformers checkpoint.

    Rows are left-padded and the attention mask goes along, from which position ids are derived.
    Sampling is seeded per batch, so the same call gives the same texts on the same machine.

    Args:
        model: Folder of the checkpoint, or a hub id.
        items: Prompts; chat messages need a tokenizer with a chat template.
        system: Name of the policy, on every response.
        per_item: Responses for each item.
        seed: Of the sampling.
        temperature: Of the sampling; 0 is greedy, and then all responses of an item are the same.
        max_new_tokens: Upper limit; a response that reaches it is marked as truncated. The sampled
            token ids are kept in the response's metadata, never encoded again.
        on_batch: Called with the number of new responses, for progress.

    Raises:
        ConfigError: The checkpoint cannot be loaded, or its tokenizer can neither pad nor end.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(str(model), padding_side="left")
        policy: Any = AutoModelForCausalLM.from_pretrained(str(model), dtype=torch.float32)
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot load the policy {model}: {error}") from error
    if tokenizer.pad_token is None:
        if tokenizer.eos_token is None:
            raise ConfigError(f"the tokenizer of {model} has neither a pad nor an EOS token")
        tokenizer.pad_token = tokenizer.eos_token  # harmless: masks come from lengths
    way: dict[str, Any] = {"do_sample": True, "temperature": temperature, "top_k": 0, "top_p": 1.0}
    if temperature == 0:
        way = {"do_sample": False, "temperature": None, "top_k": None, "top_p": None}
    device = "cuda" if torch.cuda.is_available() else "cpu"
    policy.to(device).eval()
    jobs = [(item, index) for item in items for index in range(per_item)]
    responses: list[Response] = []
    for start in range(0, len(jobs), BATCH):
        batch = jobs[start : start + BATCH]
        prompts = [{"input_ids": prompt_ids(tokenizer, item.prompt)} for item, _ in batch]
        encoded = tokenizer.pad(prompts, return_tensors="pt").to(device)
        torch.manual_seed(_batch_seed(seed, system, start))
        with torch.no_grad():
            generated = policy.generate(
                input_ids=encoded["input_ids"],
                attention_mask=encoded["attention_mask"],
                **way,
                repetition_penalty=1.0,  # a checkpoint's own would bend the distribution
                max_new_tokens=max_new_tokens,
                pad_token_id=tokenizer.pad_token_id,
                eos_token_id=tokenizer.eos_token_id,
            )
        completions = generated[:, encoded["input_ids"].shape[1] :].tolist()
        for (item, index), ids in zip(batch, completions, strict=True):
            ended = tokenizer.eos_token_id in ids
            kept = ids[: ids.index(tokenizer.eos_token_id) + 1] if ended else ids
            text = tokenizer.decode(kept, skip_special_tokens=True)
            metadata = {"seed": seed, "token_ids": kept, "truncated": not ended}
            responses.append(
                Response(response_id(system, seed, item.id, index), item.id, system, text, metadata)
            )
        if on_batch is not None:
            on_batch(len(batch))
    return responses


def prompt_ids(tokenizer: Any, prompt: str | Sequence[Any]) -> list[int]:
    """Return the token ids that a policy continues: its chat template's, or the plain prompt's.

    A template writes its own BOS, so its text is encoded without further special tokens.

    Raises:
        ConfigError: The prompt is a chat, and the tokenizer has no chat template.
    """
    if tokenizer.chat_template is None:
        if not isinstance(prompt, str):
            raise ConfigError(
                "the prompt is a chat, but the policy's tokenizer has no chat template"
            )
        return [int(token) for token in tokenizer(prompt)["input_ids"]]
    chat = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
    text = tokenizer.apply_chat_template(
        [dict(m) for m in chat if not isinstance(m, str)],
        tokenize=False,
        add_generation_prompt=True,
    )
    return [int(token) for token in tokenizer(text, add_special_tokens=False)["input_ids"]]


def _batch_seed(seed: int, system: str, start: int) -> int:
    digest = hashlib.sha256(f"{seed}\0{system}\0{start}".encode()).digest()
    return int.from_bytes(digest[:6], "big")


def _chat_seed(seed: int, index: int) -> int:
    """Return 31 bits, which every provider takes; runs with other seeds share none of them."""
    digest = hashlib.sha256(f"{seed}\0{index}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


async def ask_model(
    chat: ChatClient,
    model: str,
    items: Sequence[Item],
    *,
    per_item: int = 1,
    temperature: float = 1.0,
    max_tokens: int = 256,
    seed: int | None = None,
    concurrency: int = 32,
    on_batch: Callable[[int], None] | None = None,
) -> list[Response]:
    """Ask a chat model for responses; a failed call leaves an empty text marked with its status.

    Args:
        chat: The client.
        model: Name as litellm writes it, or "local/<name>".
        items: Prompts.
        per_item: Responses for each item.
        temperature: Sampling temperature.
        max_tokens: Upper limit of a response.
        seed: Sent to the provider, another for each response of an item; None sends none, for
            providers that take none.
        concurrency: Calls in flight at once.
        on_batch: Called with the number of new responses, for progress.
    """
    limit = asyncio.Semaphore(concurrency)

    async def ask(item: Item, index: int) -> Response:
        prompt = item.prompt
        messages = ({"role": "user", "content": prompt},) if isinstance(prompt, str) else prompt
        name = response_id(model, seed or 0, item.id, index)
        own = None if seed is None else _chat_seed(seed, index)
        request = ChatRequest(model, messages, temperature, max_tokens, own, repeat=index)
        async with limit:
            try:
                reply = await chat.complete(request)
                text, metadata = reply.text, {"status": Status.OK.value}
            except ChatError as error:
                text, metadata = "", {"status": error.status.value, "reason": error.reason}
        if on_batch is not None:
            on_batch(1)
        return Response(name, item.id, model, text, metadata)

    return list(
        await asyncio.gather(*(ask(item, index) for item in items for index in range(per_item)))
    )


def log_ratios(
    policy: str | Path,
    base: str | Path,
    items: Sequence[Item],
    responses: Sequence[Response],
    temperature: float = 1.0,
) -> list[float]:
    """Return log p_policy(response) - log p_base(response) in nats for each response.

    Its mean over a policy's own samples estimates the KL divergence per sequence (estimator k1).
    A response that ended counts its EOS; one that was cut does not.

    Args:
        policy: Checkpoint that wrote the responses.
        base: Checkpoint of the reference policy, with the same tokenizer.
        items: The items of the responses.
        responses: As ``sample_policy`` made them.
        temperature: Logits are divided by it, as in sampling.
    """
    first = _log_probabilities(policy, items, responses, temperature)
    second = _log_probabilities(base, items, responses, temperature)
    return [a - b for a, b in zip(first, second, strict=True)]


def _log_probabilities(
    model: str | Path, items: Sequence[Item], responses: Sequence[Response], temperature: float
) -> list[float]:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(str(model), padding_side="left")
    network: Any = AutoModelForCausalLM.from_pretrained(str(model), dtype=torch.float32).eval()
    prompts = {item.id: item.prompt for item in items}
    totals: list[float] = []
    for start in range(0, len(responses), BATCH):
        batch = responses[start : start + BATCH]
        rows, lengths = [], []
        for response in batch:
            before = prompt_ids(tokenizer, prompts[response.item_id])
            after = response.metadata["token_ids"]
            rows.append(before + after)
            lengths.append(len(after))
        width = max(len(row) for row in rows)
        ids = torch.zeros(len(rows), width, dtype=torch.long)
        mask = torch.zeros(len(rows), width, dtype=torch.long)
        for i, row in enumerate(rows):
            ids[i, width - len(row) :] = torch.tensor(row)
            mask[i, width - len(row) :] = 1
        positions = (mask.cumsum(1) - 1).clamp(min=0)
        with torch.no_grad():
            logits = network(input_ids=ids, attention_mask=mask, position_ids=positions).logits
        steps = torch.log_softmax(logits[:, :-1].float() / temperature, -1)
        steps = steps.gather(2, ids[:, 1:, None])[..., 0]
        totals += [float(steps[i, width - 1 - n :].sum()) for i, n in enumerate(lengths)]
    return totals

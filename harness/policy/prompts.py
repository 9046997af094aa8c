"""Prompts to tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.nouns.errors import InputError

Prompt = str | Sequence[Mapping[str, str]]
"""Text, or chat messages."""


def as_prompt(tokenizer: Any, prompt: Prompt) -> Any:
    """Return the prompt in the form in which the model is to see it.

    A text for a model with a chat template is one message of the user; everything else stays.
    """
    if isinstance(prompt, str):
        if getattr(tokenizer, "chat_template", None):
            return [{"role": "user", "content": prompt}]
        return prompt
    return [dict(message) for message in prompt]


def prompt_ids(tokenizer: Any, prompt: Prompt) -> list[int]:
    """Return the token ids of a prompt as the model sees it, with exactly one BOS if there is any.

    A chat template writes its own BOS into the text, so its text is tokenized without further
    special tokens.

    Raises:
        InputError: The prompt is a chat, and the tokenizer has no chat template.
    """
    seen = as_prompt(tokenizer, prompt)
    if isinstance(seen, str):
        return [int(token) for token in tokenizer(seen)["input_ids"]]
    if not getattr(tokenizer, "chat_template", None):
        raise InputError(
            "the prompt is a chat, but the policy's tokenizer has no chat template",
            hint="give a text as prompt, or use a policy that was made for chats",
        )
    text = tokenizer.apply_chat_template(seen, add_generation_prompt=True, tokenize=False)
    return [int(token) for token in tokenizer(text, add_special_tokens=False)["input_ids"]]

"""The token ids that end a text: one rule for policies and for judges in this process."""

from __future__ import annotations

from typing import Any


def stop_ids(model: Any, tokenizer: Any) -> list[int]:
    """Return every token id that ends a completion: the tokenizer's EOS and the model's.

    Args:
        model: A transformers model; its generation config may name one id or several.
        tokenizer: Its tokenizer.
    """
    return ends_of(model.generation_config, tokenizer)


def ends_of(config: Any, tokenizer: Any) -> list[int]:
    """Return the same, by a generation config alone."""
    configured = config.eos_token_id
    own = configured if isinstance(configured, list) else [configured]
    return [i for i in dict.fromkeys([tokenizer.eos_token_id, *own]) if i is not None]

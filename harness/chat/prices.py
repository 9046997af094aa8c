"""What a call may cost at most, and what it did cost."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from harness.chat.local_weights import is_local
from harness.nouns.chat_messages import ChatRequest, Message, Tokens

_PER_MESSAGE = 16
"""Tokens that a chat template adds to a message, at most."""


def _bytes(message: Message) -> int:
    return len(message["content"].encode(errors="backslashreplace"))


def most_tokens(request: ChatRequest) -> Tokens:
    """Return tokens that a request cannot pass.

    A token is at least one byte long, so the bytes of the prompt bound its tokens.
    """
    prompt = sum(_bytes(m) + _PER_MESSAGE for m in request.messages)
    if request.response_format is not None:
        prompt += len(json.dumps(request.response_format))
    return Tokens(prompt, request.max_tokens)


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars per token."""

    input: float
    output: float

    def cost(self, tokens: Tokens) -> float:
        """Return the dollars for tokens that were used."""
        return tokens.prompt * self.input + tokens.completion * self.output

    def at_most(self, request: ChatRequest) -> float:
        """Return dollars that a request cannot pass."""
        return self.cost(most_tokens(request))

    def expected(self, request: ChatRequest) -> float:
        """Return dollars that a request costs about, at four bytes for a token."""
        prompt = sum(_bytes(m) / 4 + 4 for m in request.messages)
        return prompt * self.input + request.max_tokens * self.output


FREE = Price(0.0, 0.0)


@cache
def _table() -> dict[str, Any]:
    """Return litellm's price list from its file, without importing litellm (seconds)."""
    spec = importlib.util.find_spec("litellm")
    if spec is None or not spec.submodule_search_locations:
        return {}
    folder = Path(spec.submodule_search_locations[0])
    file = folder / "model_prices_and_context_window_backup.json"
    if not file.is_file():
        return {}
    table: dict[str, Any] = json.loads(file.read_bytes())
    return table


def known_model(model: str) -> dict[str, Any] | None:
    """Return the entry of litellm's list for a model, under its full or its bare name."""
    table = _table()
    bare = model.partition("/")[2]
    entry: dict[str, Any] | None = table.get(model) or table.get(bare)
    if entry is not None and model not in table:
        # "openai/gpt-4o" may take the entry "gpt-4o" of the same provider, no other's.
        provider = model.partition("/")[0]
        if entry.get("litellm_provider") != provider:
            return None
    return entry


def price_of(model: str, extra: Mapping[str, Any]) -> Price | None:
    """Return the price of a model, None when nobody knows it.

    Args:
        model: Name as in ``ChatRequest``.
        extra: Its parameters; ``input_cost_per_token`` and ``output_cost_per_token`` (dollars, as
            litellm calls them) go before litellm's list. A local model costs nothing.
    """
    if is_local(model):
        return FREE
    if "input_cost_per_token" in extra or "output_cost_per_token" in extra:
        return Price(
            float(extra.get("input_cost_per_token", 0.0)),
            float(extra.get("output_cost_per_token", 0.0)),
        )
    entry = known_model(model)
    if entry is None or "input_cost_per_token" not in entry:
        return None
    return Price(
        float(entry["input_cost_per_token"]), float(entry.get("output_cost_per_token") or 0.0)
    )

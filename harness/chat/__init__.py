"""Talks to language models: litellm, an in-process transformers backend, cache, limits, budget."""

from harness.chat.client import Client, Usage

__all__ = ["Client", "Usage"]

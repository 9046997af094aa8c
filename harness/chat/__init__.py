"""Talks to language models: litellm, an in-process transformers backend, cache, limits, budget."""

from harness.chat.client import Client, Estimate, Usage

__all__ = ["Client", "Estimate", "Usage"]

"""Talks to language models: litellm, an in-process transformers backend, cache, limits, budget."""

from harness.chat.client import Client
from harness.chat.usage import Estimate, Usage

__all__ = ["Client", "Estimate", "Usage"]

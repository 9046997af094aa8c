"""Talks to language models: transports, ledger of what was paid, limits, batches."""

from harness.chat.client import Client
from harness.chat.ledger import Estimate, Usage

__all__ = ["Client", "Estimate", "Usage"]

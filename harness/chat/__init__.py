"""Talks to language models: litellm, an in-process transformers backend, cache, limits."""

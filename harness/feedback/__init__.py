"""The contract of all feedback sources, requests, and the adapters behind decorators."""

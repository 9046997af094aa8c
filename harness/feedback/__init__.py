"""Adapters that build feedback sources from the little that an author writes."""

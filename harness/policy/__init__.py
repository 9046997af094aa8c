"""Policies: load, make tokens of prompts, sample, score; the only sampler."""

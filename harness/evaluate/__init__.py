"""Compares policies on held-out prompts: scores, differences to base, win rates, diversity."""

from harness.evaluate.comparison import evaluate
from harness.evaluate.scores import EvaluatorInfo
from harness.evaluate.several_samples import pass_at_k, vendi_score

__all__ = ["EvaluatorInfo", "evaluate", "pass_at_k", "vendi_score"]

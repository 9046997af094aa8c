"""Policies against each other on held-out prompts: scores, win rates, diversity."""

from harness.evaluate.comparison import evaluate
from harness.evaluate.diversity import vendi_score
from harness.evaluate.scores import EvaluatorInfo, pass_at_k

__all__ = ["EvaluatorInfo", "evaluate", "pass_at_k", "vendi_score"]

"""Composes the stages: items, responses, judgments, agreement, arms, evaluation, report."""

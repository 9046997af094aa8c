"""Evaluators in the order and by the names in which a page shows them: who decides comes first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.report.against_base import COMPARES, compares
from harness.report.verdict import is_headline
from harness.report.wording import Names

Data = Mapping[str, Any]

SAME_RULE = "same rule as training"
"""What is said of an evaluator that says what trained an arm, on every page and card."""


def primary_of(data: Data) -> str | None:
    """Return the evaluator that was said before to decide, by the plan as it was first written."""
    plan = data.get("plan") or {}
    return (plan.get("content") or plan).get("primary")


def in_order(data: Data) -> list[Data]:
    """Return the evaluators: the primary one, those that decide, and those that do not."""
    primary = primary_of(data)
    evaluators = (data.get("evaluation") or {}).get("evaluators", ())
    return sorted(evaluators, key=lambda one: (one["name"] != primary, not is_headline(one)))


def titled(evaluator: str, data: Data, names: Names) -> str:
    """Return an evaluator's name with whether it is primary, and whether less is better.

    ``rude (primary, lower is better)``.
    """
    notes = ["primary"] if evaluator == primary_of(data) else []
    evaluators = (data.get("evaluation") or {}).get("evaluators", ())
    if any(one["name"] == evaluator and is_lower_better(one) for one in evaluators):
        notes.append("lower is better")
    if any(one["name"] == evaluator and compares(one) for one in evaluators):
        notes.append(COMPARES)
    title = names.source(evaluator)
    return f"{title} ({', '.join(notes)})" if notes else title


def is_lower_better(evaluator: Data) -> bool:
    """Tell whether a rise by an evaluator is for the worse."""
    return bool(evaluator.get("direction") == "lower")


def why_not_held_out(score: Data) -> str:
    """Return why a score says less than one that is held out; empty where it is held out."""
    if score.get("same_rule"):
        return SAME_RULE
    return "trained on it" if score["held_out"] is False else ""

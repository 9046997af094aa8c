"""Differences as the evaluation tells them, made by hand."""

from __future__ import annotations

from typing import Any

from harness.evaluate.verdicts import verdict_of


def told_difference(
    value: float | None,
    low: float | None,
    high: float | None,
    p: float | None,
    *,
    start: float = 0.5,
    seeds: int = 5,
    margin: float | None = 0.05,
    mdd: float | None = None,
) -> dict[str, Any]:
    """Return a row of report.json; with fewer than three seeds the verdict is of the trainings."""
    found: dict[str, Any] = {"value": value, "low": low, "high": high, "p": p, "p_holm": p}
    word = verdict_of(found, p, margin)
    of_method = "unclear" if seeds < 3 and word != "unknown" else word
    numbers = {"low": low, "high": high, "p": p, "p_holm": p, "mdd": mdd, "verdict": word}
    return found | {
        "from": None if value is None else start,
        "to": None if value is None else start + value,
        "interval_over": "prompts" if seeds == 1 else "seeds and prompts",
        "seeds": seeds,
        "mdd": mdd,
        "verdict": of_method,
        "failures": None,
        "trainings": numbers,
    }

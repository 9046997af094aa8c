"""The log of a training: a row of JSONL for each step."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.nouns.counted import counted
from harness.nouns.plain_text import file_bytes, parsed_json
from harness.records.rows import read_rows
from harness.records.writes import write_text

RATE = "learning_rate"
FAILURE, HELD_OUT = "failure/", "held_out/"
"""What keys of a row begin with: why a reward failed; what the monitor saw."""
BY_PROMPT = "gold_by_prompt/"
"""What follows ``held_out/`` in the keys under which each prompt's gold reward stands."""


def read_log(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a training's log.

    Raises:
        DataError: It is missing or damaged.
    """
    return [row for _, row in read_rows(path)]


def coverage(log: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Return the mean share of completions that each source scored in training, by its name."""
    found: dict[str, list[float]] = {}
    for row in log:
        for key, value in row.items():
            if key.startswith("coverage/"):
                found.setdefault(key.removeprefix("coverage/"), []).append(value or 0.0)
    return {name: sum(shares) / len(shares) for name, shares in found.items()}


def failing(log: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return a line for each reward without a verdict on some completions: how many, and why."""
    rows = list(log)
    reasons = {name: list(_failures(rows, name)) for name in coverage(rows)}
    return [
        f"{name} had a verdict on {share:.0%} of the completions" + _why(rows, name, reasons[name])
        for name, share in coverage(rows).items()
        if share < 1 or reasons[name]
    ]


def _why(rows: Iterable[Mapping[str, Any]], name: str, failures: Sequence[tuple[int, str]]) -> str:
    if not failures:
        return ""
    asked = sum(f"coverage/{name}" in row for row in rows)
    step, reason = failures[-1]
    return f"; it failed in {len(failures):,} of {counted(asked, 'step')}, in step {step}: {reason}"


def _failures(rows: Iterable[Mapping[str, Any]], name: str) -> Iterable[tuple[int, str]]:
    return ((row["step"], why) for row in rows if (why := row.get(f"failure/{name}")))


def new_failures(row: Mapping[str, Any], said: set[str]) -> list[str]:
    """Return a line for each reward that this row of a log is the first to say failed.

    Args:
        row: Of the log.
        said: Keys that were told of before; those that are told of now are put into it.
    """
    found = [key for key in row if key.removeprefix(HELD_OUT).startswith(FAILURE)]
    new = [key for key in found if key not in said]
    said.update(new)
    names = {key: key.removeprefix(HELD_OUT).removeprefix(FAILURE) for key in new}
    return [f"reward {names[key]} failed: {row[key]}" for key in new]


def silent(log: Iterable[Mapping[str, Any]]) -> str:
    """Return what is wrong with a training in which a source never had a verdict; else ""."""
    rows = list(log)
    names = sorted(name for name, share in coverage(rows).items() if share == 0)
    if not names:
        return ""
    reasons = {name: [why for _, why in _failures(rows, name)] for name in names}
    lines = [
        f"{', '.join(names)} had no verdict on any completion, so there was nothing to learn",
        *(f"{name}: {why[-1]}" for name, why in reasons.items() if why),
    ]
    if not all(reasons.values()):
        lines.append(
            "hint: judge some responses with the source alone (harness judge), or call the function"
            " on some completions, to see why"
        )
    return "\n  ".join(lines)


def rewound(path: Path, step: int, at_least: int = 1) -> list[Mapping[str, Any]]:
    """Drop the rows of a file after a step, and half a line; return the others.

    Args:
        path: JSONL with the step of each row.
        step: The last one that is kept; at 0 those before the first step are dropped, too.
        at_least: Unless rows of step 0 stay in any case, at 0.
    """
    kept, lines = [], []
    for line in file_bytes(path).splitlines():
        try:
            row = parsed_json(line)
            number, _ = int(row["step"]), float(row.get("seconds", 0))
        except (ValueError, KeyError, TypeError, OverflowError, AttributeError):
            break
        if number <= step and step >= at_least:
            kept.append(row)
            lines.append(line.decode("utf-8") + "\n")
    write_text(path, "".join(lines))
    return kept


def finite(value: Any) -> Any:
    """Return a value as a log has it: to six decimals, None for numbers that are not finite."""
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return value


def as_logged(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a row as a log has them: rates, which are small, to six digits."""
    return {
        key: float(f"{value:.6g}")
        if key == RATE and isinstance(value, float) and math.isfinite(value)
        else finite(value)
        for key, value in row.items()
    }


def of_step(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a row of the log says of its step alone: no look, alarms or time."""
    return as_logged(
        {
            key: value
            for key, value in row.items()
            if not key.startswith("held_out/") and key not in ("alarms", "seconds", "total_steps")
        }
    )

"""A difference as it is read: which verdict, of what, and the numbers that are printed of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.report.wording import number, p_value
from harness.statistics.seeds import FEWEST_SEEDS

Data = Mapping[str, Any]

MOST_DIGITS = 6

ONE_MORE = "one prompt more could undo it"
"""Why a change is not called one that would be without that prompt."""


def is_of_few(found: Data) -> bool:
    """Tell whether a number says nothing of the next training: of too few, or over prompts only."""
    seeds = _seeds(found)
    few = seeds is not None and seeds < FEWEST_SEEDS
    return few or (seeds is not None and found.get("interval_over") == "prompts")


def _seeds(found: Data) -> int | None:
    """Return how many trainings a number is of; a score has a row for each of them."""
    seeds = found.get("seeds")
    return seeds if seeds is None or isinstance(seeds, int) else len(seeds)


def those(found: Data | None) -> str:
    """Return "in these two trainings" where a number is of no more than that; else nothing."""
    if found is None or not is_of_few(found):
        return ""
    words = {1: "in this training", 2: "in these two trainings"}
    return words.get(_seeds(found) or 0, "in these trainings")


def ends_of(found: Data) -> Data:
    """Return what holds the ends of the interval: of the method, or of the few trainings."""
    own: Data = found.get("trainings") or {}
    return own if is_of_few(found) and "low" in own else found


def said(difference: Data | None) -> str:
    """Return the verdict: of the method, or of the trainings that there are where they are few.

    raised, lowered, unchanged, unclear, undecidable or unknown; computed by the evaluation.
    """
    if difference is None or difference.get("value") is None:
        return "unknown"
    if is_of_few(difference) and difference["verdict"] == "unclear":
        return str(difference["trainings"]["verdict"])
    return str(difference["verdict"])


def could_see(difference: Data) -> float | None:
    """Return the smallest difference that would have been found with power .8."""
    least = ends_of(difference).get("mdd")
    return None if least is None else float(least)


def p_words(difference: Data) -> str:
    """Return the p of a difference: adjusted over its family, and of what was planned among that.

    The latter is of the method, over trainings and prompts, whatever their number.
    """
    said = f"p {p_value(ends_of(difference)['p_holm'])}"
    planned = difference.get("p_planned")
    if planned is None:
        return said
    if is_of_few(difference):
        return f"{said} · of the method, as planned: p {p_value(planned)}"
    return f"planned: p {p_value(planned)} · {said} among all"


def printed(difference: Data, digits: int = 2) -> tuple[str, str, str]:
    """Return from, to and the change as they are printed: the first two differ by the third.

    Each is rounded rightly, with as many decimals as it takes for that to hold, six at most; there
    the larger end gives way by one in the last.
    """
    start, end, change = difference["from"], difference["to"], difference["value"]
    for places in range(digits, MOST_DIGITS + 1):
        whole = [round(10**places * float(f"{x:.{places}f}")) for x in (start, end, change)]
        if whole[1] - whole[0] == whole[2]:
            return number(start, places), number(end, places), number(change, places, sign=True)
    whole[1] = whole[0] + whole[2]
    first, second, third = (x / 10**MOST_DIGITS for x in whole)
    return (
        number(first, MOST_DIGITS),
        number(second, MOST_DIGITS),
        number(third, MOST_DIGITS, sign=True),
    )

"""The table of differences by a judge, corrected with people's labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harness.report.differences import ends_of, is_of_few, those
from harness.report.tables import Column, Table, interval, shown

_DECIDES = {
    "corrected": "corrected",
    "people": "people: every response has a label",
    "judge": "the judge alone: too few labels to correct it",
}


def corrected_table(
    evaluation: Mapping[str, Any],
    called: Callable[[str], str] = str,
    prose: Callable[[str], str] = str,
) -> Table | None:
    """Return differences to base by judges alone, people alone and both; None without labels.

    Args:
        evaluation: Of the report.
        called: Name of a source -> as it is shown.
        prose: A text -> with people who are simulated called so.
    """
    rows = evaluation.get("corrected")
    if not rows:
        return None
    columns: list[Column | str] = [
        "policy", "judge", prose("people"), Column("labels", "count"), "judge alone",
        prose("people alone"),
        "corrected", Column("p (Holm)", "p-value"), "decides",
    ]  # fmt: skip
    body = [
        (
            row["policy"],
            called(row["evaluator"]),
            called(row["people"]),
            row["labels"],
            *(_told(row[key]) for key in ("judged", "labelled", "corrected")),
            ends_of(row["corrected"])["p_holm"],
            prose(_DECIDES[row["decides"]]),
        )
        for row in rows
    ]
    caption = (
        f"Differences to {evaluation['base']} by judges, corrected with people's labels of some"
        " responses: what a judge gets wrong is taken off for each policy apart. Intervals are 95%,"
        f" over {_over(rows)}; who was labelled must be drawn at random"
    )
    return Table(prose(caption), columns, body)


def _over(rows: Sequence[Mapping[str, Any]]) -> str:
    few = next((those(row["judged"]) for row in rows if is_of_few(row["judged"])), "")
    return f"prompts {few}" if few else "seeds and prompts"


def _told(row: Mapping[str, Any]) -> str:
    value, ends = shown(row["value"], "change"), ends_of(row)
    return f"{value} ({interval(ends, 'change')})" if ends["low"] is not None else value
